//! Incidents and health records. Names of tests begin with the section of the specification that they cover.

#![allow(clippy::expect_used, clippy::unwrap_used, reason = "helpers of tests, which the lint does not see as tests")]

mod grouping;
mod health;
mod invariants;
mod matching;
mod operations;
mod record;

use jiff::Timestamp;
use picquet_rules::{
    Alert, AlertContext, AnalyticsRule, GroupingInput, Incident, IncidentChange, IncidentEvent, RunInput, RunOutput,
    evaluate, group_alerts, load_text,
};
use serde_json::{Value, json};

const RULE: &str = "id: 7d3f1a52-0000-4000-8000-000000000001
name: Unusual sign-ins
description: Identifies sign-ins from new addresses.
kind: Scheduled
severity: Medium
query: SigninLogs
queryFrequency: 1h
queryPeriod: 5h
triggerOperator: gt
triggerThreshold: 0
tactics: [InitialAccess, Persistence]
relevantTechniques: [T1078.004, T1110]
eventGroupingSettings: {aggregationKind: AlertPerResult}
entityMappings:
  - entityType: Account
    fieldMappings: [{identifier: FullName, columnName: User}]
  - entityType: IP
    fieldMappings: [{identifier: Address, columnName: Ip}]
customDetails: {Place: City}
alertDetailsOverride:
  alertDisplayNameFormat: Sign-in from {{City}}
  alertDescriptionFormat: A sign-in of {{User}}
  alertSeverityColumnName: Level
  alertTacticsColumnName: Tactic
";

const START: &str = "2024-05-01T12:00:00Z";

/// A rule with grouping as given in YAML's flow style; "" for none.
fn rule(grouping: &str) -> AnalyticsRule {
    let incidents = match grouping {
        "" => String::new(),
        _ => format!("incidentConfiguration: {{createIncident: true, groupingConfiguration: {{{grouping}}}}}\n"),
    };
    rule_of(&format!("{RULE}{incidents}"))
}

fn rule_of(text: &str) -> AnalyticsRule {
    let mut loaded = load_text("rule.yaml", text);
    assert!(loaded.errors.is_empty(), "{:?}", loaded.errors);
    loaded.rules.remove(0)
}

fn time(text: &str) -> Timestamp {
    text.parse().expect(text)
}

/// A time so many minutes after the first one.
fn minute(minutes: i64) -> Timestamp {
    time(START) + jiff::SignedDuration::from_mins(minutes)
}

/// A row of the rule's query: user, address, city, severity, tactics.
type Row<'a> = [&'a str; 5];

const ALEX: Row<'_> = ["alex@contoso.com", "203.0.113.7", "Oslo", "Low", ""];

/// The run of a rule at a minute; ids tell minute and position.
fn run(rule: &AnalyticsRule, minutes: i64, rows: &[Row<'_>]) -> RunOutput {
    let columns = ["TimeGenerated", "User", "Ip", "City", "Level", "Tactic"].map(str::to_owned);
    let at = minute(minutes);
    let rows: Vec<Vec<Value>> = rows
        .iter()
        .enumerate()
        .map(|(index, row)| {
            let event = at - jiff::SignedDuration::from_secs(60 + index as i64);
            std::iter::once(json!(event.to_string())).chain(row.iter().map(|cell| json!(cell))).collect()
        })
        .collect();
    let mut count = 0;
    evaluate(RunInput {
        rule,
        columns: &columns,
        column_types: &[],
        rows: &rows,
        window_start: at - jiff::SignedDuration::from_hours(5),
        window_end: at,
        generated_at: at,
        context: &AlertContext::default(),
        next_id: &mut || {
            count += 1;
            format!("{minutes}-{count}")
        },
    })
}

/// Incidents of a workspace, as a store would keep them.
#[derive(Default)]
struct Workspace {
    incidents: Vec<Incident>,
}

impl Workspace {
    /// Groups alerts at a minute, and keeps what changed as the store does: by its JSON.
    fn group(&mut self, rule: &AnalyticsRule, minutes: i64, alerts: &[Alert]) -> Vec<IncidentChange> {
        let mut number = self.incidents.len() as i64;
        let mut named = number;
        let changes = group_alerts(GroupingInput {
            rule,
            alerts,
            candidates: &self.incidents,
            now: minute(minutes),
            next_number: &mut || {
                number += 1;
                number
            },
            next_id: &mut || {
                named += 1;
                format!("incident-{named}")
            },
        });
        for change in &changes {
            let text = serde_json::to_string(&change.incident).unwrap();
            let kept: Incident = serde_json::from_str(&text).unwrap();
            assert_eq!(kept, change.incident);
            match self.incidents.iter_mut().find(|known| known.name == kept.name) {
                Some(known) => *known = kept,
                None => self.incidents.push(kept),
            }
        }
        changes
    }

    /// Runs a rule at a minute, and tells what happened to which incident, and how many alerts joined.
    fn run(&mut self, rule: &AnalyticsRule, minutes: i64, rows: &[Row<'_>]) -> Vec<(i64, IncidentEvent, usize)> {
        let alerts = run(rule, minutes, rows).alerts;
        let changes = self.group(rule, minutes, &alerts);
        changes.iter().map(|change| (change.incident.number, change.event, change.added.len())).collect()
    }

    fn incident(&mut self, number: i64) -> &mut Incident {
        self.incidents.iter_mut().find(|incident| incident.number == number).expect("an incident")
    }
}

/// An incident of one alert.
fn incident() -> Incident {
    let mut workspace = Workspace::default();
    workspace.run(&rule(""), 0, &[ALEX]);
    workspace.incidents.remove(0)
}
