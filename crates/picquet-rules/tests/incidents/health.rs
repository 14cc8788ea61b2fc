//! Rows of the SentinelHealth table.

use picquet_rules::{
    AlertContext, AnalyticsRule, HealthInput, HealthOutcome, HealthReason, HealthRecord, HealthStatus, RunOutput,
};
use serde_json::{Map, Value, json};

use crate::record::assert_shape;
use crate::{ALEX, RULE, Row, minute, rule, rule_of, run};

const COLUMNS: &[(&str, &str)] = &[
    ("Description", "string"),
    ("ExtendedProperties", "dynamic"),
    ("OperationName", "string"),
    ("Reason", "string"),
    ("RecordId", "string"),
    ("SentinelResourceId", "string"),
    ("SentinelResourceKind", "string"),
    ("SentinelResourceName", "string"),
    ("SentinelResourceType", "string"),
    ("SourceSystem", "string"),
    ("Status", "string"),
    ("TenantId", "string"),
    ("TimeGenerated", "datetime"),
    ("Type", "string"),
    ("WorkspaceId", "string"),
];

fn record(rule: &AnalyticsRule, outcome: HealthOutcome<'_>) -> Map<String, Value> {
    let record = HealthRecord::of_run(HealthInput {
        rule,
        context: &AlertContext {
            workspace_id: "11111111-0000-4000-8000-000000000000".to_owned(),
            workspace_name: "lab".to_owned(),
            subscription_id: "22222222-0000-4000-8000-000000000000".to_owned(),
            resource_group: "soc".to_owned(),
            ..AlertContext::default()
        },
        outcome,
        window_start: minute(-300),
        window_end: minute(0),
        execution_start: minute(5),
        now: minute(6),
        record_id: "record".to_owned(),
        correlation_id: "run".to_owned(),
        query_performance: None,
        triggered_by: None,
    });
    let Ok(Value::Object(row)) = serde_json::to_value(&record) else { panic!("an object") };
    assert_shape(&row, COLUMNS);
    assert_eq!(serde_json::from_value::<HealthRecord>(Value::Object(row.clone())).unwrap(), record);
    row
}

fn completed(rule: &AnalyticsRule, rows: &[Row<'_>]) -> Map<String, Value> {
    record(rule, HealthOutcome::Completed(&run(rule, 0, rows)))
}

fn nrt() -> AnalyticsRule {
    let lines = RULE.lines().filter(|line| !line.starts_with("query") && !line.starts_with("trigger"));
    rule_of(&format!("{}\nquery: SigninLogs\n", lines.collect::<Vec<_>>().join("\n").replace("Scheduled", "NRT")))
}

#[test]
fn s8_4_a_run_is_one_row_with_status_rule_window_and_counts() {
    insta::with_settings!({sort_maps => true}, {
        insta::assert_json_snapshot!(completed(&rule(""), &[ALEX, ALEX]));
    });
}

#[test]
fn s8_4_a_failed_run_is_one_row_with_its_reason() {
    let outcome = HealthOutcome::Failed { reason: HealthReason::TableNotFound, detail: "`SigninLog` (KS204)" };
    insta::with_settings!({sort_maps => true}, {
        insta::assert_json_snapshot!(record(&rule(""), outcome));
    });
}

#[test]
fn s8_4_operation_kind_and_trigger_tell_scheduled_from_nrt() {
    let cases = [
        (rule(""), "Scheduled analytics rule run", "Scheduled", "Scheduled"),
        (nrt(), "NRT analytics rule run", "NRT", "NrtRun"),
    ];
    for (rule, operation, kind, trigger) in cases {
        let row = completed(&rule, &[ALEX]);
        assert_eq!(row["OperationName"], operation);
        assert_eq!(row["SentinelResourceKind"], kind);
        assert_eq!(row["SentinelResourceType"], "Analytics Rule");
        assert_eq!(row["ExtendedProperties"]["TriggerType"], trigger);
    }
}

#[test]
fn s2_2_success_tells_the_number_of_alerts_or_that_the_threshold_was_not_reached() {
    let cases: [(&[Row<'_>], &str, u64); 3] = [
        (&[ALEX, ALEX], "Rule executed successfully, generating 2 alert(s).", 2),
        (&[ALEX], "Rule executed successfully, generating 1 alert(s).", 1),
        (&[], "Rule executed successfully, but did not reach the threshold (0) required to generate an alert.", 0),
    ];
    for (rows, description, alerts) in cases {
        let row = completed(&rule(""), rows);
        assert_eq!((&row["Status"], &row["Reason"]), (&json!("Success"), &json!("")));
        assert_eq!(row["Description"], description);
        assert_eq!(row["ExtendedProperties"]["AlertsGeneratedAmount"], alerts);
        assert_eq!(row["ExtendedProperties"]["QueryResultAmount"], rows.len());
    }
}

#[test]
fn s8_4_the_documented_properties_are_there() {
    // The documentation's list; QueryPerformanceIndicators only where the engine tells.
    let documented = [
        "AggregationKind",
        "AlertsGeneratedAmount",
        "CorrelationId",
        "EntitiesDroppedDueToMappingIssuesAmount",
        "EntitiesGeneratedAmount",
        "Issues",
        "QueryEndTimeUTC",
        "QueryFrequency",
        "QueryPeriod",
        "QueryResultAmount",
        "QueryStartTimeUTC",
        "RuleId",
        "SuppressionDuration",
        "SuppressionEnabled",
        "TriggerOperator",
        "TriggerThreshold",
        "TriggerType",
        "executionStart",
    ];
    let row = completed(&rule(""), &[ALEX]);
    let found: Vec<&str> = row["ExtendedProperties"].as_object().unwrap().keys().map(String::as_str).collect();
    let missing: Vec<&&str> = documented.iter().filter(|name| !found.contains(name)).collect();
    assert!(missing.is_empty() && found.len() == documented.len(), "{missing:?} {found:?}");
}

#[test]
fn s8_4_query_performance_and_who_asked_are_told_where_known() {
    let rule = rule("");
    let output = run(&rule, 0, &[]);
    let performance = json!({"ExecutionTime": "00:00:01"});
    let record = HealthRecord::of_run(HealthInput {
        rule: &rule,
        context: &AlertContext::default(),
        outcome: HealthOutcome::Completed(&output),
        window_start: minute(-300),
        window_end: minute(0),
        execution_start: minute(5),
        now: minute(6),
        record_id: String::new(),
        correlation_id: String::new(),
        query_performance: Some(&performance),
        triggered_by: Some("ann"),
    });
    assert_eq!(record.extended_properties["QueryPerformanceIndicators"], r#"{"ExecutionTime":"00:00:01"}"#);
    assert_eq!(record.extended_properties["TriggeredByUser"], "ann");
}

#[test]
fn s2_2_the_alert_per_row_limit_is_a_reason() {
    let row = completed(&rule(""), &[ALEX; 151]);
    assert_eq!(row["Status"], "Partial success");
    assert_eq!(row["Reason"], HealthReason::AlertLimit.text());
    assert_eq!(
        row["Description"],
        "Rule executed successfully, generating 150 alert(s). The query resulted in 151 events, which exceeds the \
         maximum of 150 results allowed for Scheduled rules with alert-per-row event-grouping configuration. \
         Alert-per-row was generated for first 149 events and an additional aggregated alert was generated to account \
         for all events."
    );
    assert_eq!(row["ExtendedProperties"]["Issues"], r#"["AlertLimit"]"#);
    let description = completed(&nrt(), &[ALEX; 31])["Description"].as_str().unwrap().to_owned();
    assert!(description.contains("31 events") && description.contains("30 results allowed for NRT rules"));
}

#[test]
fn s2_2_entities_dropped_for_a_mapping_are_a_reason() {
    let mut rule = rule("");
    rule.entity_mappings[1].field_mappings[0].column_name = "Address".to_owned();
    let row = completed(&rule, &[ALEX, ALEX]);
    assert_eq!(row["Status"], "Partial success");
    assert_eq!(row["Reason"], "Entities were dropped due to entity mapping issues.");
    assert_eq!(
        row["Description"],
        "Rule executed successfully, generating 2 alert(s). 2 entities were dropped in alert Unusual sign-ins due to \
         entity mapping issues."
    );
    assert_eq!(row["ExtendedProperties"]["EntitiesDroppedDueToMappingIssuesAmount"], 2);
    assert_eq!(row["ExtendedProperties"]["EntitiesGeneratedAmount"], 2);
    // A type that does not exist is one too; a column that only adds to an entity drops none.
    rule.entity_mappings[1].entity_type = "Planet".to_owned();
    let row = completed(&rule, &[ALEX]);
    assert_eq!(row["ExtendedProperties"]["EntitiesDroppedDueToMappingIssuesAmount"], 1);
    let mut rule = crate::rule("");
    let mut second = rule.entity_mappings[0].field_mappings[0].clone();
    (second.identifier, second.column_name) = ("Sid".to_owned(), "Sid".to_owned());
    rule.entity_mappings[0].field_mappings.push(second);
    let row = completed(&rule, &[ALEX]);
    assert_eq!(row["Reason"], "The alert was not enriched due to entity mapping issues.");
    assert_eq!(row["ExtendedProperties"]["EntitiesDroppedDueToMappingIssuesAmount"], 0);
}

#[test]
fn s2_2_entities_dropped_for_size_are_a_reason() {
    let rule = rule_of(&RULE.replace("AlertPerResult", "SingleAlert"));
    let names: Vec<String> = (0..300).map(|index| format!("203.0.113.{}.{index}", index % 250)).collect();
    let rows: Vec<Row<'_>> = names.iter().map(|name| ["alex@contoso.com", name.as_str(), "Oslo", "Low", ""]).collect();
    let row = completed(&rule, &rows);
    assert_eq!(
        row["Description"],
        "Rule executed successfully, generating 1 alert(s). 50 entities were dropped in alert Sign-in from Oslo due to \
         the 64 KB alert size limit."
    );
    assert_eq!(row["ExtendedProperties"]["Issues"], r#"["EntitiesDroppedForSize"]"#);
    assert_eq!(row["ExtendedProperties"]["EntitiesGeneratedAmount"], 251);
}

#[test]
fn s2_2_permanent_failures_are_those_that_trying_again_does_not_mend() {
    let permanent = [
        "TableNotFound",
        "SemanticError",
        "FunctionNameReserved",
        "SyntaxError",
        "WorkspaceMissing",
        "TooManyResources",
        "FunctionNotFound",
        "WorkspaceNotFound",
        "NoPermission",
        "NoResourceAccess",
        "StorageNotFound",
        "StorageDenied",
        "DuplicateFunctionNames",
        "MultipleResultSets",
        "InconsistentFieldCount",
    ];
    for name in HealthReason::NAMES {
        let reason: HealthReason = name.parse().unwrap();
        assert_eq!(reason.is_permanent(), permanent.contains(name), "{name}");
    }
}

#[test]
fn s2_2_every_reason_has_a_text_of_its_own_that_a_failed_run_shows() {
    let mut texts: Vec<&str> = Vec::new();
    for name in HealthReason::NAMES {
        let reason = HealthReason::from_name(name).unwrap();
        let row = record(&rule(""), HealthOutcome::Failed { reason, detail: "" });
        assert_eq!(row["Status"], HealthStatus::Failure.as_str());
        assert_eq!((&row["Reason"], &row["Description"]), (&json!(reason.text()), &json!(reason.text())));
        assert_eq!(row["ExtendedProperties"]["Issues"], json!([name]).to_string());
        assert!(reason.text().ends_with('.') && !texts.contains(&reason.text()), "{name}");
        texts.push(reason.text());
    }
    // Texts that documented queries compare with.
    assert_eq!(HealthReason::RuleDisabled.text(), "The analytics rule is disabled and was not executed.");
    assert_eq!(HealthReason::Timeout.text(), "The query execution timed out.");
}

#[test]
fn s8_4_a_run_that_gave_nothing_counts_nothing() {
    let row = record(&rule(""), HealthOutcome::Completed(&RunOutput::default()));
    let properties = &row["ExtendedProperties"];
    for name in ["AlertsGeneratedAmount", "QueryResultAmount", "EntitiesGeneratedAmount"] {
        assert_eq!(properties[name], 0, "{name}");
    }
}
