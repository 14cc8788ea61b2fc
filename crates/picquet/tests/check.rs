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
    assert_eq!(whole["summary"], json!({"checked": 3, "errors": 2, "warnings": 0}));
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
