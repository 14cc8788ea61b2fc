//! The bundled rule reads the same from YAML and from ARM JSON.

#![allow(clippy::expect_used, reason = "helpers of tests, which the lint does not see as tests")]

use std::path::PathBuf;

use picquet_rules::{AlertContext, AnalyticsRule, QueryStyle, RunInput, evaluate, load_path};
use serde_json::{Value, json};

fn load(file: &str) -> AnalyticsRule {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../picquet").join(file);
    let mut loaded = load_path(path);
    assert_eq!((loaded[0].errors.as_slice(), loaded[0].warnings.as_slice()), (&[][..], &[][..]));
    loaded.remove(0).rules.remove(0)
}

/// What ARM has no place for, and where the file is.
fn without_yaml_only(rule: &AnalyticsRule, like: &AnalyticsRule) -> AnalyticsRule {
    AnalyticsRule {
        source: like.source.clone(),
        query_location: like.query_location,
        template_name: like.template_name.clone(),
        required_data_connectors: Vec::new(),
        metadata: None,
        ..rule.clone()
    }
}

#[test]
fn yaml_and_arm_are_the_same_rule() {
    let yaml = load("assets/RareRunCommandPowerShellScript.yaml");
    let arm = load("tests/fixtures/RareRunCommandPowerShellScript.arm.json");
    assert_eq!(without_yaml_only(&yaml, &arm), arm);
    assert_eq!(yaml.required_data_connectors.len(), 2);
    assert_eq!(yaml.techniques(), ["T1570", "T1059"]);
    assert_eq!(yaml.sub_techniques(), ["T1059.001"]);
    assert_eq!(yaml.query_location.style, QueryStyle::Block);
    assert_eq!(yaml.query_location.in_file(1, 1), (26, Some(3)));
}

#[test]
fn entities_of_a_run() {
    let rule = load("assets/RareRunCommandPowerShellScript.yaml");
    let columns = ["Caller", "CallerName", "CallerUPNSuffix", "CallerIpAddress", "VirtualMachineName", "Scope"];
    let columns: Vec<String> = columns.iter().map(|name| (*name).to_owned()).collect();
    let row = |caller: &str, suffix: &str, ip: &str, vm: &str| -> Vec<Value> {
        let name = caller.split('@').next();
        vec![json!(caller), json!(name), json!(suffix), json!(ip), json!(vm), json!(format!("/vm/{vm}"))]
    };
    let rows = [
        row("ada@corp.example", "corp.example", "203.0.113.7", "vm1"),
        row("svc-deploy", "", "203.0.113.7", "vm2"),
        row("ada@corp.example", "corp.example", "", "vm1"),
    ];
    let end = "2026-03-15T00:00:00Z".parse().expect("a time");
    let run = evaluate(RunInput {
        rule: &rule,
        columns: &columns,
        column_types: &[],
        rows: &rows,
        window_start: "2026-03-14T00:00:00Z".parse().expect("a time"),
        window_end: end,
        generated_at: end,
        context: &AlertContext::default(),
        next_id: &mut String::new,
    });
    let entities: Value = serde_json::from_str(&run.alerts[0].entities).expect("JSON");
    assert_eq!(
        entities,
        json!([
            {"$id": "3", "Name": "ada", "UPNSuffix": "corp.example", "Type": "account"},
            {"$id": "4", "Address": "203.0.113.7", "Type": "ip"},
            {"$id": "5", "HostName": "vm1", "AzureID": "/vm/vm1", "Type": "host"},
            {"$id": "6", "Name": "svc-deploy", "Type": "account"},
            {"$id": "7", "HostName": "vm2", "AzureID": "/vm/vm2", "Type": "host"},
        ])
    );
    assert_eq!((run.alerts.len(), run.warnings.len()), (1, 0));
}
