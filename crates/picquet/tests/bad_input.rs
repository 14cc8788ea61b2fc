//! Bad input gets a message that names the place and the remedy, and a non-zero exit.
#![allow(clippy::unwrap_used, clippy::print_stderr)]

mod support;

use std::fs;

use support::picquet;

/// Exit status and standard error of a command line.
fn fail(args: &[&str]) -> String {
    let output = picquet().args(args).output().unwrap();
    assert!(!output.status.success(), "{args:?} succeeded");
    assert!(output.stdout.is_empty(), "{args:?} wrote to standard output");
    let message = String::from_utf8(output.stderr).unwrap();
    assert!(!message.contains("panicked"), "{message}");
    message
}

const LOGS: &str = "{\"TimeGenerated\":\"2026-03-14T01:00:00Z\",\"Caller\":\"ada\",\"Level\":\"Error\"}\n";

const RULE: &str = "id: 7d3f1a52-0000-4000-8000-000000000001
name: Errors
kind: Scheduled
severity: Low
query: |
  AzureActivity
  | where Level == 'Error'
queryFrequency: 1h
queryPeriod: 1h
triggerOperator: gt
triggerThreshold: 0
";

#[test]
fn databases_of_addresses() {
    let folder = tempfile::tempdir().unwrap();
    let broken = folder.path().join("broken.mmdb");
    fs::write(&broken, "no database").unwrap();
    let broken = broken.to_str().unwrap();
    for path in ["no/such.mmdb", broken] {
        let message = fail(&["query", "print 1", "--geoip", path]);
        assert!(message.contains("reading the database of addresses") && message.contains(path), "{message}");
    }
}

#[test]
fn queries() {
    let folder = tempfile::tempdir().unwrap();
    let logs = folder.path().join("AzureActivity.jsonl");
    fs::write(&logs, LOGS).unwrap();
    let logs = logs.to_str().unwrap();
    let cases: &[(&str, &[&str])] = &[
        ("AzureActivity | where Calller == 'x'", &["KS142", "'Calller'", "did you mean 'Caller'", "^^^^^^^"]),
        ("AzureActivty | count", &["KS204", "did you mean 'AzureActivity'"]),
        ("Syslog | count", &["KS204", "the tables are: AzureActivity"]),
        ("AzureActivity | where", &["KS"]),
        ("AzureActivity | where Caller has 5 |", &["KS"]),
        ("AzureActivity | extend x = tolowr(Caller)", &["KS211", "did you mean 'tolower'"]),
        ("AzureActivity | summarize sum(Caller)", &["KS138", "summable"]),
        ("AzureActivity | evaluate python(typeof(*), 'x')", &["python"]),
        ("print 'unclosed", &["KS"]),
        ("print geo_info_from_ip_address('203.0.113.9')", &["PQ008", "--geoip", "^^^"]),
        ("print assert(1 > 2, 'too few')", &["assert() has failed with message: 'too few'"]),
    ];
    for (query, parts) in cases {
        let message = fail(&["query", query, "--data", logs]);
        for part in *parts {
            assert!(message.contains(part), "{query}: no {part:?} in\n{message}");
        }
    }
}

#[test]
fn rules() {
    let folder = tempfile::tempdir().unwrap();
    let logs = folder.path().join("AzureActivity.jsonl");
    fs::write(&logs, LOGS).unwrap();
    let cases: &[(&str, String, &[&str])] = &[
        ("unreadable", "name: [".to_string(), &["rule.yaml", "YAML"]),
        ("no query", RULE.replace("query: |\n  AzureActivity\n  | where Level == 'Error'\n", ""), &["query"]),
        ("operator", RULE.replace("gt", "ge"), &["triggerOperator", "gt"]),
        ("duration", RULE.replace("queryPeriod: 1h", "queryPeriod: 1 fortnight"), &["queryPeriod", "fortnight"]),
        ("column", RULE.replace("Level ==", "Levl =="), &["rule.yaml:7", "'Levl'", "did you mean 'Level'"]),
    ];
    let rule = folder.path().join("rule.yaml");
    for (what, text, parts) in cases {
        fs::write(&rule, text).unwrap();
        let mut args = vec!["run", rule.to_str().unwrap(), "--data", logs.to_str().unwrap()];
        args.extend(["--end", "2026-03-14T01:30:00Z"]);
        let output = picquet().args(&args).output().unwrap();
        assert!(!output.status.success(), "{what}");
        let message = String::from_utf8(output.stderr).unwrap();
        for part in *parts {
            assert!(message.contains(part), "{what}: no {part:?} in\n{message}");
        }
    }
}

#[test]
fn one_bad_rule_does_not_stop_the_others() {
    let folder = tempfile::tempdir().unwrap();
    let logs = folder.path().join("AzureActivity.jsonl");
    fs::write(&logs, LOGS).unwrap();
    let rules = folder.path().join("rules");
    fs::create_dir(&rules).unwrap();
    fs::write(rules.join("bad.yaml"), RULE.replace("Level ==", "Levl ==")).unwrap();
    fs::write(rules.join("good.yaml"), RULE).unwrap();
    let mut command = picquet();
    command.arg("run").arg(&rules).arg("--data").arg(&logs);
    let output = command.args(["--end", "2026-03-14T01:30:00Z", "--format", "json"]).output().unwrap();
    assert!(!output.status.success());
    let lines: Vec<serde_json::Value> =
        String::from_utf8(output.stdout).unwrap().lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    assert_eq!(lines[0]["status"], "failed");
    assert_eq!(lines[0]["error"]["line"], 7);
    assert_eq!(lines[1]["status"], "alert");
}

#[test]
fn damaged_files_are_reported_and_the_rest_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let logs = folder.path().join("AzureActivity.jsonl");
    fs::write(&logs, format!("{LOGS}{{\"Caller\":\n{LOGS}")).unwrap();
    let args = ["query", "AzureActivity | count", "--format", "jsonl", "--data", logs.to_str().unwrap()];
    let output = picquet().args(args).output().unwrap();
    assert!(output.status.success());
    assert_eq!(String::from_utf8(output.stdout).unwrap().trim(), r#"{"Count":2}"#);
    let message = String::from_utf8(output.stderr).unwrap();
    assert!(message.contains("AzureActivity.jsonl:2"), "{message}");
    let strict = fail(&[&args[..], &["--strict"]].concat());
    assert!(strict.contains("AzureActivity.jsonl:2"), "{strict}");
}

#[test]
fn a_failed_query_leaves_no_file() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out.csv");
    fail(&["query", "Nowhere", "--out", out.to_str().unwrap()]);
    assert!(!out.exists());
}
