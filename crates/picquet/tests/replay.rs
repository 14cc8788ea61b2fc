//! `picquet replay` through the real binary.
#![allow(clippy::unwrap_used)]

mod support;

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::{Value, json};
use support::{picquet, scenario, seed_rule};

const RULE: &str = "id: 0b4cf9dd-33e6-4d2c-9b80-4e7cb9a6a4a1
name: Failed sign-ins
kind: Scheduled
severity: Low
query: |
  Signins_CL
  | where Failed
queryFrequency: 1h
queryPeriod: 1h
triggerOperator: gt
triggerThreshold: 0
suppressionEnabled: true
suppressionDuration: 2h
";

const ROWS: &str = r#"{"TimeGenerated":"2026-03-14T00:40:00Z","Failed":true}
{"TimeGenerated":"2026-03-14T01:20:00Z","Failed":true}
{"TimeGenerated":"2026-03-14T03:10:00Z","Failed":true}
{"TimeGenerated":"2026-03-14T03:50:00Z","Failed":true}
{"TimeGenerated":"2026-03-14T03:55:00Z","Failed":false}
"#;

fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("data")).unwrap();
    fs::write(folder.path().join("data/Signins_CL.jsonl"), ROWS).unwrap();
    fs::write(folder.path().join("rule.yaml"), RULE).unwrap();
    folder
}

fn replay(folder: &Path, args: &[&str]) -> Output {
    let mut command: Command = picquet();
    command.current_dir(folder).args(["replay", "rule.yaml", "--data", "data", "--from", "2026-03-14"]);
    command.args(["--to", "2026-03-14T04:30:00Z"]).args(args).output().unwrap()
}

fn object(output: &Output) -> Value {
    let text = String::from_utf8(output.stdout.clone()).unwrap();
    assert_eq!(text.lines().count(), 1, "one object a rule: {}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_str(&text).unwrap()
}

#[test]
fn one_object_a_rule() {
    let folder = folder();
    let output = replay(folder.path(), &["--format", "json"]);
    assert!(output.status.success());
    let mut replayed = object(&output);
    assert!(replayed["summary"]["seconds"].take().is_f64());
    let window = |start: &str, end: &str, status: &str, results: u64, alerts: u64| json!({"start": start, "end": end, "status": status, "results": results, "alerts": alerts, "error": null});
    assert_eq!(
        replayed,
        json!({
            "rule": {"id": "0b4cf9dd-33e6-4d2c-9b80-4e7cb9a6a4a1", "name": "Failed sign-ins", "severity": "Low"},
            "from": "2026-03-14T00:00:00Z",
            "to": "2026-03-14T04:30:00Z",
            "windows": [
                window("2026-03-14T00:00:00Z", "2026-03-14T01:00:00Z", "alert", 1, 1),
                window("2026-03-14T01:00:00Z", "2026-03-14T02:00:00Z", "suppressed", 0, 0),
                window("2026-03-14T02:00:00Z", "2026-03-14T03:00:00Z", "below_threshold", 0, 0),
                window("2026-03-14T03:00:00Z", "2026-03-14T04:00:00Z", "alert", 2, 1),
            ],
            "summary": {
                "windows": 4, "windows_with_alerts": 2, "suppressed": 1, "failed": 0, "results": 3, "alerts": 2,
                "alerts_per_day": 2.0 / (4.5 / 24.0), "first_hit": "2026-03-14T01:00:00Z",
                "last_hit": "2026-03-14T04:00:00Z", "seconds": null,
            },
        })
    );
}

#[test]
fn late_rows_are_simulated() {
    let folder = folder();
    let output = replay(folder.path(), &["--format", "json", "--simulate-delay", "Signins_CL=30m"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let replayed = object(&output);
    let windows = replayed["windows"].as_array().unwrap();
    // The row of 00:40 is not there at 01:05, so that the next window is not suppressed and sees that of 01:20.
    let results: Vec<&Value> = windows.iter().map(|w| &w["results"]).collect();
    assert_eq!(results, [0, 1, 0, 1]);
    assert_eq!(windows[0]["without_delay"], json!({"status": "alert", "results": 1, "alerts": 1}));
    assert_eq!(windows[1]["without_delay"], json!({"status": "suppressed", "results": 0, "alerts": 0}));
    assert_eq!(
        replayed["summary"]["delay"],
        json!({"results_without_delay": 3, "alerts_without_delay": 2, "windows_losing_results": 2, "windows_losing_alerts": 1})
    );
}

#[test]
fn for_people() {
    let folder = folder();
    let output = replay(folder.path(), &["--out", "replay.txt"]);
    assert!(output.status.success() && output.stdout.is_empty());
    let text = fs::read_to_string(folder.path().join("replay.txt")).unwrap();
    assert!(text.contains("2026-03-14T02:00:00Z  suppressed        0       0"), "{text}");
    assert!(text.contains("1 of 4 windows below the threshold"), "{text}");
    assert!(
        text.contains("Failed sign-ins        4            2           1       0        3       2  10.67"),
        "{text}"
    );
}

#[test]
fn what_cannot_be_replayed_is_told() {
    let folder = folder();
    let told = |args: &[&str], words: &str| {
        let output = replay(folder.path(), args);
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && text.contains(words), "{text}");
        output
    };
    told(&["--simulate-delay", "Signin_CL=1h"], "no table Signin_CL; the tables are: Signins_CL");
    told(&["--simulate-delay", "Signins_CL=soon"], "is not a duration");
    fs::write(folder.path().join("rule.yaml"), RULE.replace("Failed\n", "Fail == 1\n")).unwrap();
    let output = told(&["--format", "json"], "error: rule.yaml: window ending 2026-03-14T01:00:00Z");
    let replayed = object(&output);
    assert_eq!(replayed["summary"]["failed"], 4);
    assert_eq!(replayed["windows"][3]["error"]["code"], "KS142");
    assert_eq!(replayed["windows"][3]["error"]["line"], 7);
    assert_eq!(String::from_utf8_lossy(&output.stderr).matches("window ending").count(), 1, "each error once");
    let ends = picquet().args(["replay", "r.yaml", "--from", "2026-03-14", "--to", "2026-03-13"]).output().unwrap();
    assert!(!ends.status.success());
}

#[test]
fn the_seed_rule_over_four_days() {
    let (Some(rule), Some(scenario)) = (seed_rule(), scenario()) else { return };
    let mut command = picquet();
    command.arg("replay").arg(rule).arg("--data").arg(scenario);
    command.args(["--from", "2026-03-13T00:00:00Z", "--to", "2026-03-17T00:00:00Z", "--format", "json"]);
    let output = command.output().unwrap();
    assert!(output.status.success());
    let replayed = object(&output);
    let windows: Vec<Value> =
        replayed["windows"].as_array().unwrap().iter().map(|w| json!([w["end"], w["results"], w["alerts"]])).collect();
    assert_eq!(
        json!(windows),
        json!([
            ["2026-03-14T00:00:00Z", 0, 0],
            ["2026-03-15T00:00:00Z", 20, 1],
            ["2026-03-16T00:00:00Z", 0, 0],
            ["2026-03-17T00:00:00Z", 0, 0]
        ])
    );
}
