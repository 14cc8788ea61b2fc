//! `picquet check`: findings with their places, without running anything.
#![allow(clippy::unwrap_used, clippy::print_stderr)]

mod support;

use std::fs;
use std::io::Write as _;
use std::process::Stdio;

use serde_json::{Value, json};
use support::picquet;

/// Exit status and standard output.
fn check(args: &[&str]) -> (bool, String) {
    let output = picquet().arg("check").args(args).output().unwrap();
    let message = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(message.is_empty(), "{message}");
    (output.status.success(), String::from_utf8(output.stdout).unwrap())
}

const YAML: &str = "id: 7d3f1a52-0000-4000-8000-000000000001
name: Errors
kind: Scheduled
severity: Low
query: |
  SigninLogs
  | where ResultTyp == '0'
  | project UserPrincipalName
queryFrequency: 1h
queryPeriod: 1h
triggerOperator: gt
triggerThreshold: 0
";

#[test]
fn rules_of_a_folder() {
    let folder = tempfile::tempdir().unwrap();
    let rule = folder.path().join("rule.yaml");
    fs::write(&rule, YAML).unwrap();
    fs::create_dir(folder.path().join("hunts")).unwrap();
    fs::write(folder.path().join("hunts/good.kql"), "SigninLogs | summarize n=count() by ResultType\n").unwrap();
    let arm = json!({"resources": [{
        "type": "Microsoft.OperationalInsights/workspaces/providers/alertRules",
        "name": "a/Microsoft.SecurityInsights/7d3f1a52-0000-4000-8000-000000000002",
        "kind": "Scheduled",
        "properties": {
            "displayName": "In JSON", "severity": "Low", "query": "SigninLogs\n| where \"é\" == ResultTyp",
            "queryFrequency": "PT1H", "queryPeriod": "PT1H", "triggerOperator": "GreaterThan", "triggerThreshold": 0,
            "enabled": true, "suppressionEnabled": false, "suppressionDuration": "PT5H",
        },
    }]});
    let arm = arm.to_string();
    fs::write(folder.path().join("rule.json"), &arm).unwrap();
    let path = folder.path().to_str().unwrap();

    let (good, text) = check(&[path]);
    assert!(!good);
    assert!(text.contains("rule.yaml:7:11"), "{text}");
    assert!(text.contains("7 |   | where ResultTyp == '0'"), "{text}");
    assert!(text.contains("did you mean 'ResultType'?"), "{text}");
    assert!(text.contains("checked 3 queries: 2 errors, 0 warnings"), "{text}");

    let (good, text) = check(&[path, "--format", "json", "--columns"]);
    assert!(!good);
    let whole: Value = serde_json::from_str(&text).unwrap();
    let count = |key: &str| whole["summary"][key].as_u64();
    assert_eq!((count("checked"), count("errors"), count("warnings")), (Some(3), Some(2), Some(0)));
    let findings = whole["findings"].as_array().unwrap();
    let of = |ending: &str| findings.iter().find(|f| f["file"].as_str().unwrap().ends_with(ending)).unwrap();
    let yaml = of("rule.yaml");
    assert_eq!((&yaml["line"], &yaml["column"], &yaml["code"]), (&json!(7), &json!(11), &json!("KS142")));
    let column = arm.chars().collect::<String>().find("ResultTyp").unwrap();
    let column = arm[..column].chars().count() + 1;
    let in_json = of("rule.json");
    assert_eq!(
        (&in_json["line"], &in_json["column"], &in_json["rule"]),
        (&json!(1), &json!(column), &json!("In JSON"))
    );
    let good = whole["results"].as_array().unwrap().iter().find(|r| r["rule"].is_null()).unwrap();
    assert_eq!(good["columns"], json!([["ResultType", "string"], ["n", "long"]]));
}

#[test]
fn texts_tables_and_functions() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_string()
    };
    let schema = write("schema.json", r#"{"T":[["a","long"],["b","string"]]}"#);
    let bodies =
        write("functions.jsonl", "{\"name\":\"F\",\"parameters\":\"n:long=1\",\"query\":\"T | where a > n\"}\n");
    let results = write("results.json", r#"{"G":[["c","dynamic"]]}"#);
    let logs = write("Extra.jsonl", "{\"x\":1}\n");
    let given = ["--schema", &schema, "--functions", &bodies, "--functions", &results, "--data", &logs];
    let columns = |query: &str| {
        let (good, text) = check(&[&["-q", query, "--columns"], &given[..]].concat());
        (good, text.lines().filter(|l| l.starts_with("  ")).map(str::trim).collect::<Vec<_>>().join(" "))
    };
    assert_eq!(columns("F | project a"), (true, "a  long".to_string()));
    assert_eq!(columns("F(2) | count"), (true, "Count  long".to_string()));
    assert_eq!(columns("Extra | project x"), (true, "x  long".to_string()));
    assert!(columns("_GetWatchlist('w') | project SearchKey, Own").1.ends_with("SearchKey  string Own        unknown"));
    assert!(!columns("SigninLogs | count").0);
    let (good, text) = check(&[&["-q", "G(1, 'x') | where isnotempty(c)", "--columns"], &given[..]].concat());
    assert!(good && text.contains("warning[PQ005]") && text.contains("c  dynamic"), "{text}");
}

#[test]
fn many_lines() {
    let mut child =
        picquet().args(["check", "--batch", "-"]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let input =
        "{\"id\":\"a\",\"query\":\"SigninLogs | project ResultType\"}\nbad\n{\"id\":\"b\",\"query\":\"Nothing\"}\n";
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    let answers: Vec<Value> =
        String::from_utf8(output.stdout).unwrap().lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    assert_eq!(answers.len(), 3);
    assert_eq!(answers[0]["columns"], json!([["ResultType", "string"]]));
    assert_eq!(
        (&answers[0]["ok"], &answers[0]["open"], &answers[0]["errors"]),
        (&json!(true), &json!(false), &json!([]))
    );
    assert_eq!((&answers[1]["id"], &answers[1]["ok"]), (&Value::Null, &json!(false)));
    let error = &answers[2]["errors"][0];
    assert_eq!((&error["code"], &error["start"], &error["length"]), (&json!("KS204"), &json!(0), &json!(7)));
}

/// A rule of the repository form with an identifier in another case, which `--fix` mends.
const FAULTY: &str = "id: 7d3f1a52-0000-4000-8000-000000000001
name: Sign-ins that failed
kind: Scheduled
version: 1.0.0
description: Identifies sign-ins that failed.
severity: Low
queryFrequency: 1h
queryPeriod: 1h
triggerOperator: gt
triggerThreshold: 0
query: >-
  SigninLogs
  | where ResultType == 'failure'
  | project UserPrincipalName # of who failed
entityMappings:
  - entityType: Account
    fieldMappings:
      - identifier: AaDUserId # kept
        columnName: UserPrincipalName
";

fn codes(text: &str) -> Vec<String> {
    let whole: Value = serde_json::from_str(text).unwrap();
    whole["findings"].as_array().unwrap().iter().map(|f| f["code"].as_str().unwrap().to_string()).collect()
}

fn faulty() -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let rule = folder.path().join("rule.yaml");
    let text = FAULTY.replace(" # of who failed", "");
    fs::write(&rule, text).unwrap();
    let path = rule.to_str().unwrap().to_string();
    (folder, path)
}

#[test]
fn sets_settings_and_pages() {
    let (folder, rule) = faulty();
    let (good, text) = check(&[&rule]);
    assert!(!good && text.contains("error[PQ302]") && text.contains("rule.yaml:18:21"), "{text}");
    assert!(text.contains("help: write `AadUserId`") && text.contains("note: "), "{text}");
    let json = ["--format", "json"];
    assert_eq!(codes(&check(&[&[rule.as_str()], &json[..]].concat()).1), ["PQ302"]);
    let all = codes(&check(&[&[rule.as_str(), "--set", "all"], &json[..]].concat()).1);
    assert_eq!(all, ["PQ401", "PQ302"]);
    assert!(codes(&check(&[&[rule.as_str(), "--set", "none"], &json[..]].concat()).1).contains(&"PQ102".to_string()));
    assert!(codes(&check(&[&[rule.as_str(), "--allow", "PQ302,PQ102"], &json[..]].concat()).1).is_empty());
    let config = folder.path().join("settings.yaml");
    fs::write(&config, "check:\n  sets: [repo]\n  allow: [PQ401]\n").unwrap();
    let config = config.to_str().unwrap();
    assert_eq!(codes(&check(&[&[rule.as_str(), "--config", config], &json[..]].concat()).1), ["PQ302"]);
    let (good, page) = check(&["--explain", "PQ302"]);
    assert!(good && page.contains("# PQ302 unknown-identifier"), "{page}");
}

#[test]
fn fixes_are_written() {
    let (_folder, rule) = faulty();
    let (good, text) = check(&[&rule, "--fix"]);
    assert!(good && text.contains("0 errors, 0 warnings, 1 mended"), "{text}");
    let expected = FAULTY.replace(" # of who failed", "").replace("AaDUserId # kept", "AadUserId # kept");
    assert_eq!(fs::read_to_string(&rule).unwrap(), expected);
}

#[test]
fn baselines() {
    let (folder, rule) = faulty();
    let known = folder.path().join("known.json");
    let known = known.to_str().unwrap();
    assert!(!check(&[&rule, "--write-baseline", known]).0);
    let (good, text) = check(&[&rule, "--baseline", known]);
    assert!(good && text.contains("0 errors, 0 warnings, 1 in the baseline"), "{text}");
}

#[test]
fn versions_against_a_git_base() {
    let (folder, rule) = faulty();
    let git = |args: &[&str]| {
        let identity = ["-c", "user.name=x", "-c", "user.email=x@example.org", "-c", "init.defaultBranch=main"];
        let output = std::process::Command::new("git").arg("-C").arg(folder.path()).args(identity).args(args).output();
        output.is_ok_and(|output| output.status.success())
    };
    if !git(&["init"]) {
        eprintln!("skipped: no git");
        return;
    }
    assert!(git(&["add", "."]) && git(&["commit", "-m", "x"]));
    let json = [rule.as_str(), "--set", "repo", "--base", "HEAD", "--allow", "PQ401,PQ302,PQ102", "--format", "json"];
    assert!(codes(&check(&json).1).is_empty());
    fs::write(&rule, fs::read_to_string(&rule).unwrap().replace("severity: Low", "severity: High")).unwrap();
    assert_eq!(codes(&check(&json).1), ["PQ404"]);
    let output = picquet().args(["check", &rule, "--base", "nowhere"]).output().unwrap();
    let message = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success() && message.contains("no revision 'nowhere'"), "{message}");
}

#[test]
fn literals_and_data() {
    let (folder, rule) = faulty();
    let logs = folder.path().join("SigninLogs.jsonl");
    fs::write(&logs, "{\"ResultType\":\"Failure\",\"UserPrincipalName\":\"a\"}\n").unwrap();
    let json = [rule.as_str(), "--data", logs.to_str().unwrap(), "--format", "json"];
    let (_, text) = check(&json);
    assert_eq!(codes(&text), ["PQ514", "PQ302"], "{text}");
    let whole: Value = serde_json::from_str(&text).unwrap();
    assert_eq!((&whole["findings"][0]["line"], &whole["findings"][0]["column"]), (&json!(13), &json!(25)));
    assert!(check(&[&json[..], &["--fix"]].concat()).0);
    assert!(fs::read_to_string(&rule).unwrap().contains("ResultType == 'Failure'"));
}

#[test]
fn machine_formats() {
    let (_folder, rule) = faulty();
    let (_, text) = check(&[&rule, "--format", "sarif"]);
    let log: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(log["runs"][0]["results"][0]["ruleId"], "PQ302");
    let (_, text) = check(&[&rule, "--format", "junit"]);
    let document = roxmltree::Document::parse(&text).unwrap();
    let case = document.descendants().find(|node| node.has_tag_name("testcase")).unwrap();
    assert_eq!(case.attribute("name"), Some("Sign-ins that failed"));
    assert!(case.children().any(|child| child.has_tag_name("failure")));
}
