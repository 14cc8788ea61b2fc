//! The seed rule over the scenario beside the checkout, through the real binary.
#![allow(clippy::unwrap_used, clippy::print_stderr)]

mod support;

use std::path::{Path, PathBuf};

use serde_json::Value;
use support::{picquet, scenario, seed_rule};

/// One row of the rule's answer by column name.
type Row = serde_json::Map<String, Value>;

fn run_rule(rule: &Path, data: &[PathBuf]) -> Value {
    let mut command = picquet();
    command.arg("run").arg(rule).args(["--end", "2026-03-15T00:00:00Z", "--format", "json", "--data"]).args(data);
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(text.lines().count(), 1, "one object a rule");
    serde_json::from_str(&text).unwrap()
}

fn rows(run: &Value) -> Vec<Row> {
    let names: Vec<String> =
        run["results"]["columns"].as_array().unwrap().iter().map(|c| c[0].as_str().unwrap().to_string()).collect();
    let mut rows: Vec<Row> = run["results"]["rows"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| names.iter().cloned().zip(row.as_array().unwrap().iter().cloned()).collect())
        .collect();
    rows.sort_by_key(|r| (r["StartTime"].to_string(), r["VirtualMachineName"].to_string()));
    rows
}

/// Compares with the expected rows; times to the millisecond where the source has no more.
fn check(run: &Value, milliseconds: bool) {
    let Some(scenario) = scenario() else { return };
    let expected: Value = serde_json::from_slice(&std::fs::read(scenario.join("expected.json")).unwrap()).unwrap();
    let expected = expected["rows"].as_array().unwrap();
    let got = rows(run);
    assert_eq!(got.len(), expected.len());
    for (got, want) in got.iter().zip(expected) {
        for (name, want) in want.as_object().unwrap() {
            let got = &got[name];
            if name == "Prevalence" {
                assert!((got.as_f64().unwrap() - want.as_f64().unwrap()).abs() < 1e-9);
            } else if milliseconds && ["timestamp", "StartTime", "EndTime"].contains(&name.as_str()) {
                assert_eq!(got.as_str().unwrap()[..23], want.as_str().unwrap()[..23], "{name}");
            } else {
                assert_eq!(got, want, "{name}");
            }
        }
    }
    assert_eq!(run["status"], "alert");
    check_alert(run, &got);
}

/// One alert, whose entities are the accounts, addresses and hosts of the rows.
fn check_alert(run: &Value, rows: &[Row]) {
    let alerts = run["alerts"].as_array().unwrap();
    assert_eq!(alerts.len(), 1);
    let entities: Vec<Value> = serde_json::from_str(alerts[0]["Entities"].as_str().unwrap()).unwrap();
    let of_type = |ty: &'static str| entities.iter().filter(move |e| e["Type"] == ty);
    let text = |v: &Value| v.as_str().unwrap_or("").to_string();
    for row in rows {
        let caller = text(&row["Caller"]);
        let (name, suffix) = caller.split_once('@').unwrap_or((&caller, ""));
        assert!(
            of_type("account").any(|e| text(&e["Name"]) == name && text(&e["UPNSuffix"]) == suffix),
            "no account for {caller}"
        );
        assert!(of_type("ip").any(|e| e["Address"] == row["CallerIpAddress"]), "no ip");
        assert!(
            of_type("host")
                .any(|e| e["HostName"] == row["VirtualMachineName"] && text(&e["AzureID"]) == text(&row["Scope"])),
            "no host"
        );
    }
}

#[test]
fn from_json_lines() {
    let (Some(rule), Some(scenario)) = (seed_rule(), scenario()) else { return };
    check(&run_rule(&rule, &[scenario]), false);
}

#[test]
fn from_csv_alone() {
    let (Some(rule), Some(scenario)) = (seed_rule(), scenario()) else { return };
    let files: Vec<PathBuf> =
        ["AzureActivity", "DeviceEvents", "DeviceFileEvents"].map(|t| scenario.join(format!("{t}.csv"))).into();
    check(&run_rule(&rule, &files), true);
}

#[test]
fn from_parquet() {
    let (Some(rule), Some(scenario)) = (seed_rule(), scenario()) else { return };
    let folder = tempfile::tempdir().unwrap();
    for table in ["AzureActivity", "DeviceEvents", "DeviceFileEvents"] {
        let out = folder.path().join(format!("{table}.parquet"));
        let status = picquet().args(["query", table, "--data"]).arg(&scenario).arg("--out").arg(&out).status().unwrap();
        assert!(status.success());
    }
    check(&run_rule(&rule, &[folder.path().to_path_buf()]), false);
}

#[test]
fn from_its_arm_form() {
    let Some(scenario) = scenario() else { return };
    let rule = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/RareRunCommandPowerShellScript.arm.json");
    check(&run_rule(&rule, &[scenario]), false);
}

#[test]
fn the_bundled_rule_is_the_seed_rule() {
    let Some(rule) = seed_rule() else { return };
    let bundled = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/RareRunCommandPowerShellScript.yaml");
    assert_eq!(std::fs::read(rule).unwrap(), std::fs::read(bundled).unwrap());
}
