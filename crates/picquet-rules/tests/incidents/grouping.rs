//! Which alerts make which incidents.

use picquet_rules::{
    Classification, Closing, Duration, Edit,
    IncidentEvent::{AlertAdded, Created, Reopened},
    IncidentStatus, MatchingMethod, Severity,
};

use crate::{ALEX, Row, Workspace, incident, minute, rule, rule_of, run};

const ANY: &str = "enabled: true, reopenClosedIncident: false, lookbackDuration: 5h, matchingMethod: AnyAlert";
const REOPEN: &str = "enabled: true, reopenClosedIncident: true, lookbackDuration: 5h, matchingMethod: AnyAlert";

fn close(workspace: &mut Workspace, number: i64, minutes: i64) {
    let closing = Closing { classification: Classification::Undetermined, reason: None, comment: String::new() };
    workspace.incident(number).close(closing, Edit { by: "ann", at: minute(minutes) }).unwrap();
}

#[test]
fn s7_configuration_is_read_with_its_defaults() {
    let configuration = rule("").incident_configuration;
    assert!(configuration.create_incident && !configuration.grouping.enabled);
    assert_eq!(configuration.grouping.lookback_duration, Duration::from_hours(5));
    let grouping = rule(
        "enabled: true, reopenClosedIncident: true, lookbackDuration: 7d, matchingMethod: Selected, \
         groupByEntities: [Account], groupByAlertDetails: [DisplayName], groupByCustomDetails: [Place]",
    )
    .incident_configuration
    .grouping;
    assert!(grouping.enabled && grouping.reopen_closed_incident);
    assert_eq!(grouping.lookback_duration.to_iso(), "P7D");
    assert_eq!(grouping.matching_method, MatchingMethod::Selected);
    assert_eq!(grouping.group_by_entities, ["Account"]);
    assert_eq!(grouping.group_by_alert_details, ["DisplayName"]);
    assert_eq!(grouping.group_by_custom_details, ["Place"]);
}

#[test]
fn s7_by_default_every_alert_has_its_own_incident() {
    let mut workspace = Workspace::default();
    let rule = rule("");
    assert_eq!(workspace.run(&rule, 0, &[ALEX, ALEX, ALEX]), [(1, Created, 1), (2, Created, 1), (3, Created, 1)]);
    assert_eq!(workspace.run(&rule, 60, &[ALEX]), [(4, Created, 1)]);
}

#[test]
fn s7_without_create_incident_there_are_none() {
    for grouping in ["", ", groupingConfiguration: {enabled: true, matchingMethod: AnyAlert}"] {
        let text = format!("{}incidentConfiguration: {{createIncident: false{grouping}}}\n", crate::RULE);
        assert_eq!(Workspace::default().run(&rule_of(&text), 0, &[ALEX, ALEX]), []);
    }
}

#[test]
fn s7_alerts_of_one_rule_join_one_incident() {
    let mut workspace = Workspace::default();
    let rule = rule(ANY);
    assert_eq!(workspace.run(&rule, 0, &[ALEX]), [(1, Created, 1)]);
    assert_eq!(workspace.run(&rule, 60, &[ALEX, ALEX]), [(1, AlertAdded, 2)]);
    assert_eq!(workspace.incident(1).alert_ids, ["0-2", "60-2", "60-4"]);
}

#[test]
fn s7_alerts_of_another_rule_do_not_join() {
    let mut workspace = Workspace::default();
    let first = rule(ANY);
    let mut second = first.clone();
    second.id = Some("7d3f1a52-0000-4000-8000-000000000002".to_owned());
    workspace.run(&first, 0, &[ALEX]);
    assert_eq!(workspace.run(&second, 1, &[ALEX]), [(2, Created, 1)]);
    assert_eq!(workspace.run(&first, 2, &[ALEX]), [(1, AlertAdded, 1)]);
}

#[test]
fn s7_lookback_is_from_first_alert() {
    // lookback, minutes of later runs, and the incident that each joins or opens
    let cases: [(&str, &[(i64, i64)]); 5] = [
        ("5h", &[(299, 1), (300, 1), (301, 2), (600, 2), (601, 2), (602, 3)]),
        ("5m", &[(5, 1), (6, 2), (11, 2), (12, 3)]),
        ("7d", &[(10_080, 1), (10_081, 2)]),
        ("5h", &[(200, 1), (400, 2)]),
        ("P1D", &[(1440, 1), (1441, 2)]),
    ];
    for (lookback, runs) in cases {
        let rule = rule(&format!("enabled: true, lookbackDuration: {lookback}, matchingMethod: AnyAlert"));
        let mut workspace = Workspace::default();
        workspace.run(&rule, 0, &[ALEX]);
        for (minutes, number) in runs {
            let found = workspace.run(&rule, *minutes, &[ALEX]);
            assert_eq!(found.first().map(|change| change.0), Some(*number), "{lookback} {minutes}");
        }
    }
}

#[test]
fn s7_lookback_is_of_when_alerts_are_created_not_of_their_events_or_the_incident() {
    let rule = rule(ANY);
    let mut workspace = Workspace::default();
    let mut first = run(&rule, 0, &[ALEX]).alerts;
    first[0].start_time = minute(-100_000);
    first[0].end_time = minute(-90_000);
    // The incident itself is created late.
    workspace.group(&rule, 200, &first);
    assert_eq!(workspace.run(&rule, 300, &[ALEX]), [(1, AlertAdded, 1)]);
    assert_eq!(workspace.run(&rule, 301, &[ALEX]), [(2, Created, 1)]);
    // An alert from before the first one belongs to no later incident.
    let early = run(&rule, -1, &[ALEX]).alerts;
    let events: Vec<_> = workspace.group(&rule, 302, &early).iter().map(|change| change.event).collect();
    assert_eq!(events, [Created]);
}

#[test]
fn s7_default_lookback_is_five_hours() {
    let rule = rule("enabled: true, matchingMethod: AnyAlert");
    let mut workspace = Workspace::default();
    workspace.run(&rule, 0, &[ALEX]);
    assert_eq!(workspace.run(&rule, 300, &[ALEX]), [(1, AlertAdded, 1)]);
    assert_eq!(workspace.run(&rule, 301, &[ALEX]), [(2, Created, 1)]);
}

#[test]
fn s7_incident_is_created_with_all_alerts_of_the_run() {
    let mut workspace = Workspace::default();
    let rule = rule("enabled: true, matchingMethod: Selected, groupByEntities: [Account]");
    let mia = ["mia@contoso.com", "203.0.113.7", "Oslo", "Low", ""];
    // One change an incident, whichever order the alerts come in.
    assert_eq!(workspace.run(&rule, 0, &[ALEX, mia, ALEX, ALEX, mia]), [(1, Created, 3), (2, Created, 2)]);
    assert_eq!(workspace.run(&rule, 5, &[mia, ALEX, mia]), [(2, AlertAdded, 2), (1, AlertAdded, 1)]);
}

#[test]
fn s7_the_151st_alert_opens_a_new_incident_with_the_same_details() {
    let rule = rule(ANY);
    let mut workspace = Workspace::default();
    assert_eq!(workspace.run(&rule, 0, &[ALEX; 149]), [(1, Created, 149)]);
    let edit = Edit { by: "ann", at: minute(1) };
    workspace.incident(1).set_title("Oslo again", edit).unwrap();
    workspace.incident(1).set_severity(Severity::High, edit);
    workspace.incident(1).comment("c", "seen before", edit).unwrap();
    let bergen = ["mia@contoso.com", "203.0.113.9", "Bergen", "Medium", "Impact"];
    assert_eq!(workspace.run(&rule, 60, &[bergen, bergen, bergen]), [(1, AlertAdded, 1), (2, Created, 2)]);
    assert_eq!(workspace.incident(1).alert_ids.len(), 150);
    let full = workspace.incident(1).clone();
    let next = workspace.incident(2).clone();
    assert_eq!((&next.title, &next.description, next.severity), (&full.title, &full.description, full.severity));
    assert_eq!((&next.tactics, &next.techniques), (&full.tactics, &full.techniques));
    assert!(next.comments.is_empty() && next.first_modified.is_none());
    assert_eq!(next.first_alert_created, minute(60));
    // Its lookback is its own: the full incident is out of reach at minute 301.
    assert_eq!(workspace.run(&rule, 301, &[ALEX]), [(2, AlertAdded, 1)]);
    assert_eq!(workspace.run(&rule, 361, &[ALEX]), [(3, Created, 1)]);
}

#[test]
fn s7_no_incident_ever_has_more_than_150_alerts() {
    let rule = rule("enabled: true, lookbackDuration: 7d, matchingMethod: AllEntities");
    let mut workspace = Workspace::default();
    for step in 0..31 {
        workspace.run(&rule, step, &[ALEX; 29]);
    }
    let counts: Vec<usize> = workspace.incidents.iter().map(|incident| incident.alert_ids.len()).collect();
    assert_eq!(counts, [150, 150, 150, 150, 150, 149]);
    let mut ids: Vec<&String> = workspace.incidents.iter().flat_map(|incident| &incident.alert_ids).collect();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 31 * 29);
    let titles = workspace.incidents.iter().all(|incident| incident.title == "Sign-in from Oslo");
    assert!(titles);
}

#[test]
fn s7_without_grouping_the_limit_does_not_matter() {
    let changes = Workspace::default().run(&rule(""), 0, &[ALEX; 150]);
    assert!(changes.len() == 150 && changes.iter().all(|change| *change == (change.0, Created, 1)));
}

#[test]
fn s7_a_matching_closed_incident_is_set_back_to_open() {
    let rule = rule(REOPEN);
    let mut workspace = Workspace::default();
    workspace.run(&rule, 0, &[ALEX]);
    close(&mut workspace, 1, 10);
    assert_eq!(workspace.run(&rule, 60, &[ALEX, ALEX]), [(1, Reopened, 2)]);
    let incident = workspace.incident(1);
    assert_eq!((incident.status, incident.closing.clone(), incident.closed), (IncidentStatus::New, None, None));
    assert_eq!((incident.last_modified, incident.alert_ids.len()), (minute(60), 3));
    assert_eq!(incident.first_modified, Some(minute(10)));
    // Twice, and within the lookback only.
    close(&mut workspace, 1, 70);
    assert_eq!(workspace.run(&rule, 300, &[ALEX]), [(1, Reopened, 1)]);
    assert_eq!(workspace.run(&rule, 300, &[]), []);
    close(&mut workspace, 1, 300);
    assert_eq!(workspace.run(&rule, 301, &[ALEX]), [(2, Created, 1)]);
}

#[test]
fn s7_without_reopening_a_closed_incident_gives_a_new_one() {
    let rule = rule(ANY);
    let mut workspace = Workspace::default();
    workspace.run(&rule, 0, &[ALEX]);
    close(&mut workspace, 1, 10);
    assert_eq!(workspace.run(&rule, 60, &[ALEX]), [(2, Created, 1)]);
    assert_eq!(workspace.run(&rule, 61, &[ALEX]), [(2, AlertAdded, 1)]);
    assert!(workspace.incident(1).is_closed());
}

#[test]
fn s7_a_closed_incident_that_is_full_is_not_opened_again() {
    let rule = rule(REOPEN);
    let mut workspace = Workspace::default();
    workspace.run(&rule, 0, &[ALEX; 150]);
    close(&mut workspace, 1, 10);
    assert_eq!(workspace.run(&rule, 20, &[ALEX]), [(2, Created, 1)]);
    assert!(workspace.incident(1).is_closed());
}

#[test]
fn s7_of_several_incidents_the_newest_open_one_is_chosen() {
    // Incidents 1 to 3 are made with grouping off; then those of the list are closed.
    let cases: [(&[i64], bool, i64, picquet_rules::IncidentEvent); 6] = [
        (&[], true, 3, AlertAdded),
        (&[3], true, 2, AlertAdded),
        (&[2, 3], true, 1, AlertAdded),
        (&[1, 2, 3], true, 3, Reopened),
        (&[1, 2, 3], false, 4, Created),
        (&[2], false, 3, AlertAdded),
    ];
    for (closed, reopen, number, event) in cases {
        let mut workspace = Workspace::default();
        workspace.run(&rule(""), 0, &[ALEX, ALEX]);
        workspace.run(&rule(""), 1, &[ALEX]);
        workspace.incidents.reverse();
        for number in closed {
            close(&mut workspace, *number, 2);
        }
        let rule = rule(if reopen { REOPEN } else { ANY });
        assert_eq!(workspace.run(&rule, 3, &[ALEX]), [(number, event, 1)], "{closed:?} {reopen}");
    }
}

#[test]
fn s7_where_all_open_ones_are_full_closed_ones_stay_closed() {
    let rule = rule(REOPEN);
    let mut workspace = Workspace::default();
    workspace.run(&rule, 0, &[ALEX]);
    close(&mut workspace, 1, 1);
    workspace.run(&crate::rule(ANY), 2, &[ALEX; 150]);
    assert_eq!(workspace.run(&rule, 3, &[ALEX]), [(3, Created, 1)]);
    assert!(workspace.incident(1).is_closed());
}

#[test]
fn s7_an_alert_joins_once_however_often_its_run_is_put_in() {
    for grouping in [ANY, ""] {
        let rule = rule(grouping);
        let mut workspace = Workspace::default();
        let alerts = run(&rule, 0, &[ALEX, ALEX]).alerts;
        let twice: Vec<_> = alerts.iter().chain(&alerts).cloned().collect();
        workspace.group(&rule, 0, &twice);
        let kept = workspace.incidents.clone();
        assert!(workspace.group(&rule, 1, &alerts).is_empty());
        assert_eq!(workspace.incidents, kept);
    }
}

#[test]
fn s7_severity_is_the_highest_of_the_alerts() {
    let levels = |levels: &[&'static str]| -> Vec<Row<'static>> {
        levels.iter().map(|level| ["alex@contoso.com", "203.0.113.7", "Oslo", *level, ""]).collect()
    };
    let cases: [(&[&str], &[&str], Severity); 4] = [
        (&["Informational", "Low"], &[], Severity::Low),
        (&["High", "Low"], &["Medium"], Severity::High),
        (&["Low"], &["Low", "High"], Severity::High),
        (&["Informational"], &["Informational"], Severity::Informational),
    ];
    for (first, second, expected) in cases {
        let mut workspace = Workspace::default();
        workspace.run(&rule(ANY), 0, &levels(first));
        workspace.run(&rule(ANY), 1, &levels(second));
        assert_eq!(workspace.incident(1).severity, expected, "{first:?} {second:?}");
    }
}

#[test]
fn s7_title_and_description_are_of_the_first_alert_and_tactics_the_union() {
    let mut workspace = Workspace::default();
    let oslo = ["alex@contoso.com", "203.0.113.7", "Oslo", "Low", ""];
    let rome = ["mia@contoso.com", "203.0.113.8", "Rome", "Low", "Impact, Persistence"];
    workspace.run(&rule(ANY), 0, &[oslo, rome]);
    workspace.run(&rule(ANY), 1, &[rome, ["kim@contoso.com", "203.0.113.9", "Paris", "Low", "[\"Discovery\"]"]]);
    let incident = workspace.incident(1);
    assert_eq!(incident.title, "Sign-in from Oslo");
    assert_eq!(incident.description, "A sign-in of alex@contoso.com");
    assert_eq!(incident.tactics, ["InitialAccess", "Persistence", "Impact", "Discovery"]);
    assert_eq!(incident.techniques, ["T1078", "T1110"]);
    assert_eq!(incident.alert_product_names, ["Azure Sentinel"]);
}

#[test]
fn s7_techniques_are_read_in_both_forms() {
    let rule = rule(ANY);
    let mut workspace = Workspace::default();
    let mut alerts = run(&rule, 0, &[ALEX, ALEX]).alerts;
    alerts[0].techniques = r#"["T1078","T1110"]"#.to_owned();
    alerts[1].techniques = "T1110, T1486".to_owned();
    workspace.group(&rule, 0, &alerts);
    assert_eq!(workspace.incident(1).techniques, ["T1078", "T1110", "T1486"]);
}

#[test]
fn s7_a_new_incident_is_new_and_of_its_rule() {
    let incident = incident();
    assert_eq!((incident.status, incident.number, incident.name.as_str()), (IncidentStatus::New, 1, "incident-1"));
    assert_eq!(incident.rule_id, "7d3f1a52-0000-4000-8000-000000000001");
    assert_eq!(incident.rule_name, "Unusual sign-ins");
    assert_eq!((incident.created, incident.last_modified, incident.first_modified), (minute(0), minute(0), None));
    assert!(incident.owner.is_none() && incident.closing.is_none() && incident.closed.is_none());
}

#[test]
fn s7_description_is_cut_at_5000_characters() {
    let rule = rule("");
    let mut alerts = run(&rule, 0, &[ALEX]).alerts;
    alerts[0].description = "é".repeat(5_001);
    let mut workspace = Workspace::default();
    workspace.group(&rule, 0, &alerts);
    assert_eq!(workspace.incident(1).description, "é".repeat(5_000));
}

#[test]
fn s9_nrt_rules_group_as_scheduled_ones() {
    let nrt = crate::RULE
        .lines()
        .filter(|line| !line.starts_with("query") && !line.starts_with("trigger"))
        .map(|line| line.replace("Scheduled", "NRT"))
        .collect::<Vec<_>>()
        .join("\n");
    let rule = rule_of(&format!(
        "{nrt}\nquery: SigninLogs\nincidentConfiguration: {{createIncident: true, groupingConfiguration: {{{ANY}}}}}\n"
    ));
    let mut workspace = Workspace::default();
    assert_eq!(workspace.run(&rule, 0, &[ALEX, ALEX]), [(1, Created, 2)]);
    assert_eq!(workspace.run(&rule, 1, &[ALEX]), [(1, AlertAdded, 1)]);
}
