//! Rows of the SecurityIncident table, and alerts read back from theirs.

use picquet_rules::{
    Alert, AlertContext, Classification, ClassificationReason, Closing, Edit, LabelType, Owner, TaskStatus,
};
use serde_json::{Map, Value};

use crate::{ALEX, Workspace, incident, minute, rule, run, time};

/// The columns of the table with their types, without those that the workspace itself adds.
const COLUMNS: &[(&str, &str)] = &[
    ("AdditionalData", "dynamic"),
    ("AlertIds", "dynamic"),
    ("BookmarkIds", "dynamic"),
    ("Classification", "string"),
    ("ClassificationComment", "string"),
    ("ClassificationReason", "string"),
    ("ClosedTime", "datetime"),
    ("Comments", "dynamic"),
    ("CreatedTime", "datetime"),
    ("Description", "string"),
    ("FirstActivityTime", "datetime"),
    ("FirstModifiedTime", "datetime"),
    ("IncidentName", "string"),
    ("IncidentNumber", "int"),
    ("IncidentUrl", "string"),
    ("Labels", "dynamic"),
    ("LastActivityTime", "datetime"),
    ("LastModifiedTime", "datetime"),
    ("ModifiedBy", "string"),
    ("Owner", "dynamic"),
    ("ProviderIncidentId", "string"),
    ("ProviderName", "string"),
    ("RelatedAnalyticRuleIds", "dynamic"),
    ("Severity", "string"),
    ("SourceSystem", "string"),
    ("Status", "string"),
    ("Tasks", "dynamic"),
    ("TenantId", "string"),
    ("TimeGenerated", "datetime"),
    ("Title", "string"),
    ("Type", "string"),
];

/// Whether a row has just these columns, with values of their types.
pub fn assert_shape(row: &Map<String, Value>, columns: &[(&str, &str)]) {
    let names: Vec<&str> = columns.iter().map(|(name, _)| *name).collect();
    let mut found: Vec<&str> = row.keys().map(String::as_str).collect();
    found.sort_unstable();
    let mut expected = names.clone();
    expected.sort_unstable();
    assert_eq!(found, expected);
    for (name, column_type) in columns {
        let value = &row[*name];
        let fits = match *column_type {
            "string" => value.is_string(),
            "int" => value.is_i64(),
            "dynamic" => value.is_object() || value.is_array(),
            _ => value.is_null() || value.as_str().is_some_and(is_kusto_time),
        };
        assert!(fits, "{name}: {column_type} {value}");
    }
}

fn is_kusto_time(text: &str) -> bool {
    let decimals = text.split_once('.').map_or(0, |(_, rest)| rest.trim_end_matches('Z').len());
    text.ends_with('Z') && decimals <= 7 && text.parse::<jiff::Timestamp>().is_ok()
}

fn context() -> AlertContext {
    AlertContext { workspace_id: "11111111-0000-4000-8000-000000000000".to_owned(), ..AlertContext::default() }
}

#[test]
fn s8_3_a_new_incident_has_all_columns_of_the_table() {
    let row = incident().record(&context(), time("2024-05-01T12:00:01.123456789Z"));
    assert_shape(&row, COLUMNS);
    insta::with_settings!({sort_maps => true}, {
        insta::assert_json_snapshot!(row);
    });
}

#[test]
fn s8_3_a_worked_on_and_closed_incident_has_all_columns_of_the_table() {
    let mut workspace = Workspace::default();
    let rule = rule("enabled: true, matchingMethod: AnyAlert");
    workspace.run(&rule, 0, &[ALEX]);
    workspace.run(&rule, 60, &[["mia@contoso.com", "203.0.113.8", "Rome", "High", "Impact"]]);
    let incident = workspace.incident(1);
    let edit = |minutes: i64| Edit { by: "Ann", at: minute(60 + minutes) };
    let owner = Owner { email: Some("ann@contoso.com".to_owned()), ..Owner::named("Ann") };
    incident.assign(owner, edit(1)).unwrap();
    incident.comment("comment-1", "A colleague travels.", edit(2)).unwrap();
    incident.add_label("travel", LabelType::User, edit(3)).unwrap();
    incident.add_task("task-1", "Call Alex", "by telephone", edit(4)).unwrap();
    incident.set_task_status("task-1", TaskStatus::Completed, edit(5)).unwrap();
    incident.add_bookmark("bookmark-1", edit(6)).unwrap();
    let closing = Closing {
        classification: Classification::BenignPositive,
        reason: Some(ClassificationReason::SuspiciousButExpected),
        comment: "On a journey".to_owned(),
    };
    incident.close(closing, edit(7)).unwrap();
    let row = incident.record(&context(), minute(67));
    assert_shape(&row, COLUMNS);
    insta::with_settings!({sort_maps => true}, {
        insta::assert_json_snapshot!(row);
    });
}

#[test]
fn s8_3_there_is_a_row_for_every_change_and_the_last_by_last_modified_time_is_the_incident() {
    let mut incident = incident();
    let mut rows = vec![incident.record(&context(), minute(0))];
    for title in ["One", "Two", "Three"] {
        let at = minute(rows.len() as i64);
        incident.set_title(title, Edit { by: "Ann", at }).unwrap();
        rows.push(incident.record(&context(), at));
    }
    rows.rotate_left(2);
    let latest = rows.iter().max_by_key(|row| row["LastModifiedTime"].as_str().unwrap().to_owned()).unwrap();
    assert_eq!(latest["Title"], "Three");
    assert!(rows.iter().all(|row| row["IncidentNumber"] == 1 && row["IncidentName"] == "incident-1"));
    assert!(rows.iter().all(|row| row["CreatedTime"] == "2024-05-01T12:00:00Z"));
}

#[test]
fn s8_3_numbers_ascend() {
    let mut workspace = Workspace::default();
    workspace.run(&rule(""), 0, &[ALEX, ALEX]);
    workspace.run(&rule(""), 1, &[ALEX]);
    let numbers: Vec<i64> = workspace.incidents.iter().map(|incident| incident.number).collect();
    assert_eq!(numbers, [1, 2, 3]);
}

#[test]
fn s8_3_activity_times_are_from_the_alerts_start_and_end_times() {
    let rule = rule("enabled: true, matchingMethod: AnyAlert");
    let mut alerts = run(&rule, 0, &[ALEX, ALEX, ALEX]).alerts;
    let spans = [(10, 20), (5, 12), (15, 40)];
    for (alert, (start, end)) in alerts.iter_mut().zip(spans) {
        (alert.start_time, alert.end_time) = (minute(start), minute(end));
    }
    let mut workspace = Workspace::default();
    workspace.group(&rule, 0, &alerts);
    let incident = workspace.incident(1);
    assert_eq!((incident.first_activity, incident.last_activity), (minute(5), minute(40)));
}

#[test]
fn s8_3_alert_ids_join_to_system_alert_ids() {
    let rule = rule("enabled: true, matchingMethod: AnyAlert");
    let alerts = run(&rule, 0, &[ALEX, ALEX]).alerts;
    let mut workspace = Workspace::default();
    workspace.group(&rule, 0, &alerts);
    let row = workspace.incident(1).record(&context(), minute(0));
    let ids: Vec<&str> = alerts.iter().map(|alert| alert.system_alert_id.as_str()).collect();
    assert_eq!(row["AlertIds"], serde_json::json!(ids));
    assert_eq!(row["AdditionalData"]["alertsCount"], 2);
}

#[test]
fn s8_1_alerts_read_back_from_their_record() {
    let rule = rule("");
    for mut alert in run(&rule, 0, &[ALEX, ["", "", "", "", ""]]).alerts {
        for score in [None, Some(0.25)] {
            alert.confidence_score = score;
            let text = serde_json::to_string(&alert).unwrap();
            let read: Alert = serde_json::from_str(&text).unwrap();
            assert_eq!(read, alert);
            assert_eq!(serde_json::to_string(&read).unwrap(), text);
        }
    }
}
