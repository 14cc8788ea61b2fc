//! Runs of small rules: what fires, how many alerts there are, and what they hold.

#![allow(clippy::expect_used, clippy::unwrap_used, reason = "helpers of tests, which the lint does not see as tests")]

use std::io::Read;

use base64::Engine as _;
use picquet_rules::{AlertContext, AnalyticsRule, RunInput, RunOutput, evaluate, load_text};
use serde_json::{Value, json};

const HEAD: &str = "id: 7D3F1A52-0000-4000-8000-000000000001
name: Unusual sign-ins
description: Identifies sign-ins from new addresses.
severity: Medium
query: |
  SigninLogs
  | where ResultType != '0'
tactics: [InitialAccess, Persistence]
relevantTechniques: [T1078.004, T1110]
";

const SCHEDULE: &str = "queryFrequency: 1h
queryPeriod: 5h
triggerOperator: gt
triggerThreshold: 0
";

fn rule(rest: &str) -> AnalyticsRule {
    let mut loaded = load_text("rule.yaml", &format!("{HEAD}{rest}"));
    assert!(loaded.errors.is_empty(), "{:?}", loaded.errors);
    loaded.rules.remove(0)
}

fn run(rule: &AnalyticsRule, columns: &[&str], rows: &[Vec<Value>]) -> RunOutput {
    let columns: Vec<String> = columns.iter().map(|name| (*name).to_owned()).collect();
    let mut count = 0;
    evaluate(RunInput {
        rule,
        columns: &columns,
        column_types: &[],
        rows,
        window_start: "2024-05-01T07:00:00.25Z".parse().unwrap(),
        window_end: "2024-05-01T12:00:00.25Z".parse().unwrap(),
        generated_at: "2024-05-01T12:05:03.5Z".parse().unwrap(),
        context: &AlertContext {
            workspace_id: "11111111-0000-4000-8000-000000000000".to_owned(),
            workspace_name: "lab".to_owned(),
            ..AlertContext::default()
        },
        next_id: &mut || {
            count += 1;
            format!("00000000-0000-4000-8000-{count:012}")
        },
    })
}

fn extended(alert: &picquet_rules::Alert) -> Value {
    serde_json::from_str(&alert.extended_properties).expect("JSON")
}

#[test]
fn s8_1_whole_record() {
    let rule = rule(&format!(
        "{SCHEDULE}entityMappings:
  - entityType: Account
    fieldMappings: [{{identifier: FullName, columnName: User}}]
  - entityType: IP
    fieldMappings: [{{identifier: Address, columnName: Ip}}]
customDetails: {{Place: City}}
alertDetailsOverride:
  alertDisplayNameFormat: Sign-in of {{{{User}}}}
"
    ));
    let rows = [
        vec![json!("2024-05-01T09:00:00Z"), json!("alex@contoso.com"), json!("203.0.113.7"), json!("Oslo")],
        vec![json!("2024-05-01T08:30:00.1234567Z"), json!("alex@contoso.com"), json!("203.0.113.8"), json!("Oslo")],
    ];
    let output = run(&rule, &["TimeGenerated", "User", "Ip", "City"], &rows);
    assert_eq!((output.fired, output.row_count, output.alerts.len()), (true, 2, 1));
    assert!(output.warnings.is_empty());
    insta::assert_snapshot!(serde_json::to_string_pretty(&output.alerts[0]).unwrap());
}

#[test]
fn s3_triggers() {
    // operator, threshold, rows, alerts under SingleAlert
    let cases = [
        ("gt", 0, 0, 0),
        ("gt", 0, 1, 1),
        ("gt", 2, 2, 0),
        ("lt", 1, 0, 1),
        ("LessThan", 1, 1, 0),
        ("eq", 0, 0, 1),
        ("ne", 2, 2, 0),
        ("NotEqual", 2, 3, 1),
    ];
    for (operator, threshold, count, alerts) in cases {
        let rule = rule(&format!(
            "queryFrequency: 1h\nqueryPeriod: 1h\ntriggerOperator: {operator}\ntriggerThreshold: {threshold}\n"
        ));
        let rows = vec![vec![json!("x")]; count];
        let output = run(&rule, &["User"], &rows);
        assert_eq!(output.alerts.len(), alerts, "{operator} {threshold} {count}");
        assert_eq!(output.fired, alerts > 0);
    }
}

#[test]
fn s3_an_empty_result_may_fire() {
    for grouping in ["SingleAlert", "AlertPerResult"] {
        let rule = rule(&format!(
            "queryFrequency: 1h\nqueryPeriod: 1h\ntriggerOperator: eq\ntriggerThreshold: 0
eventGroupingSettings: {{aggregationKind: {grouping}}}
entityMappings:
  - entityType: Account
    fieldMappings: [{{identifier: FullName, columnName: User}}]
alertDetailsOverride: {{alertDisplayNameFormat: 'No {{{{User}}}}'}}
"
        ));
        let output = run(&rule, &["TimeGenerated", "User"], &[]);
        let alert = &output.alerts[0];
        assert_eq!(output.alerts.len(), 1);
        assert_eq!((alert.entities.as_str(), alert.display_name.as_str()), ("", "Unusual sign-ins"));
        assert_eq!(alert.start_time.to_string(), "2024-05-01T07:00:00.25Z");
        assert_eq!(alert.end_time.to_string(), "2024-05-01T12:00:00.25Z");
        assert_eq!(extended(alert)["Search Query Results Overall Count"], "0");
    }
}

#[test]
fn s4_one_alert_a_row_up_to_the_limit() {
    // kind, rows, alerts, rows of the last alert's custom detail
    let cases = [
        ("Scheduled", 3, 3, 1),
        ("Scheduled", 150, 150, 1),
        ("Scheduled", 151, 150, 50),
        ("NRT", 30, 30, 1),
        ("NRT", 31, 30, 31),
    ];
    for (kind, count, alerts, last) in cases {
        let schedule = if kind == "NRT" { "" } else { SCHEDULE };
        let rule = rule(&format!(
            "kind: {kind}\n{schedule}eventGroupingSettings: {{aggregationKind: AlertPerResult}}\ncustomDetails: {{Who: User}}\n"
        ));
        let rows: Vec<Vec<Value>> = (0..count).map(|n| vec![json!(n)]).collect();
        let output = run(&rule, &["User"], &rows);
        assert_eq!(output.alerts.len(), alerts, "{kind} {count}");
        let details: Value =
            serde_json::from_str(extended(output.alerts.last().unwrap())["Custom Details"].as_str().unwrap()).unwrap();
        assert_eq!(details["Who"].as_array().unwrap().len(), last, "{kind} {count}");
        let limit_hit = output.warnings.iter().any(|w| w.message.contains("stands for all"));
        assert_eq!(limit_hit, count > alerts, "{kind} {count}");
        let component = if kind == "NRT" { "NRT Alerts" } else { "Scheduled Alerts" };
        assert_eq!(output.alerts[0].product_component_name, component);
    }
}

#[test]
fn s8_2_an_event_rebuilds_its_row() {
    let rule = rule(&format!("{SCHEDULE}eventGroupingSettings: {{aggregationKind: AlertPerResult}}\n"));
    let rows = [vec![json!("alex"), json!({"a": 1})], vec![json!("x".repeat(20_000)), json!(null)]];
    let output = run(&rule, &["User", "Bag"], &rows);
    let first = extended(&output.alerts[0]);
    assert_eq!(first["Event Grouping"], "AlertPerEvent");
    assert_eq!(first["OriginalQuery"], rule.query);
    let query = first["Query"].as_str().unwrap();
    let packed = query.split('\'').nth(1).unwrap();
    let bytes = base64::engine::general_purpose::STANDARD.decode(packed).unwrap();
    let mut record = String::new();
    flate2::read::ZlibDecoder::new(bytes.as_slice()).read_to_string(&mut record).unwrap();
    assert_eq!(record, r#"{"User":"alex","Bag":{"a":1}}"#);
    assert!(query.ends_with("| project-away compressedRec;\nalertedEvent"));

    // A row over 10 KB cannot be rebuilt: the alert has the rule's query.
    let second = extended(&output.alerts[1]);
    assert!(second["Query"].as_str().unwrap().contains("SigninLogs"));
    assert_eq!(second.get("OriginalQuery"), None);
}

#[test]
fn s5_4_overrides_and_missing_columns() {
    let rule = rule(&format!(
        "{SCHEDULE}customDetails: {{Gone: Nowhere}}
alertDetailsOverride:
  alertDisplayNameFormat: '{{{{Nowhere}}}}'
  alertDescriptionFormat: 'User {{{{User}}}}'
  alertSeverityColumnName: Sev
  alertTacticsColumnName: Tac
  alertDynamicProperties:
    - {{alertProperty: Techniques, value: Tech}}
    - {{alertProperty: ProductName, value: Product}}
"
    ));
    let columns = ["User", "Sev", "Tac", "Tech", "Product"];
    let rows = [vec![json!("alex"), json!("high"), json!(["Impact"]), json!("T1486"), json!("Our Product")]];
    let output = run(&rule, &columns, &rows);
    let alert = &output.alerts[0];
    assert_eq!(alert.display_name, rule.name);
    assert_eq!(alert.description, "User alex");
    assert_eq!(alert.alert_severity.as_str(), "High");
    assert_eq!(
        (alert.tactics.as_str(), alert.techniques.as_str(), alert.sub_techniques.as_str()),
        ("Impact", "T1486", "")
    );
    assert_eq!(alert.product_name, "Our Product");
    let messages: Vec<&str> = output.warnings.iter().map(|w| w.message.as_str()).collect();
    assert_eq!(
        messages,
        [
            "alertDisplayNameFormat: the result has no column `Nowhere`",
            "customDetails.Gone: the result has no column `Nowhere`",
        ]
    );

    let blank = [vec![json!(""), json!("Critical"), json!(null), json!("x"), json!(" ")]];
    let alert = &run(&rule, &columns, &blank).alerts[0];
    assert_eq!(alert.alert_severity.as_str(), "Medium");
    assert_eq!(alert.tactics, "InitialAccess,Persistence");
    assert_eq!(alert.techniques, "T1078,T1110");
    assert_eq!(alert.sub_techniques, "T1078.004");
    assert_eq!(alert.product_name, "Azure Sentinel");
}

#[test]
fn rules_without_a_query_never_fire() {
    let text = r#"{"kind":"Fusion","type":"Microsoft.SecurityInsights/alertRules","name":"BuiltInFusion",
        "properties":{"enabled":true,"alertRuleTemplateName":"f71aba3d-28fb-450b-b192-4e76a83015c8"}}"#;
    let rule = load_text("fusion.json", text).rules.remove(0);
    assert_eq!((rule.is_executable(), rule.id.as_deref()), (false, Some("BuiltInFusion")));
    assert!(!run(&rule, &["A"], &[vec![json!(1)]]).fired);
}
