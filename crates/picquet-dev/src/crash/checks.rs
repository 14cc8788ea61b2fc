//! What must hold after all kills.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Context as _;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::logs::{ARRIVING, Fate, INGESTED};
use super::setup::{AlertOf, GROUPED, RULES};
use super::{Work, messages};

/// So many problems are told.
const MOST_TOLD: usize = 20;

/// What is wrong.
#[derive(Default)]
pub(super) struct Problems(Vec<String>);

impl Problems {
    pub(super) fn require(&mut self, holds: bool, else_say: impl FnOnce() -> String) {
        if !holds {
            self.0.push(else_say());
        }
    }
}

/// An alert as it is listed.
pub(super) struct Alert {
    pub(super) id: String,
    rule: String,
    scheduled: String,
    pub(super) incident: Option<i64>,
    details: Value,
}

/// An incident as it is listed.
pub(super) struct Incident {
    pub(super) number: i64,
    alerts: Vec<String>,
    comments: Vec<String>,
}

/// Looks at everything; what is wrong is the error.
pub(super) fn all(work: &mut Work<'_>) -> anyhow::Result<()> {
    let mut problems = Problems::default();
    said(work, &mut problems)?;
    work.summary.rows = rows(work, &mut problems)?;
    let runs = work.program.listed(&["rules", "runs", "--limit", "10000000"])?;
    work.summary.runs = runs.len();
    check_runs(&runs, &mut problems)?;
    let alerts = list_alerts(work)?;
    work.summary.alerts = alerts.len();
    check_alerts(work, &runs, &alerts, &mut problems)?;
    let incidents = list_incidents(work)?;
    work.summary.incidents = incidents.len();
    check_incidents(work, &alerts, &incidents, &mut problems);
    let changes = check_tables(work, &runs, &alerts, &incidents, &mut problems)?;
    work.summary.messages = messages::check(work, &alerts, &incidents, changes, &mut problems)?;
    // All over again from other files.
    work.program.run(&["workspace", "compact", work.program.place()?])?;
    rows(work, &mut problems)?;
    check_tables(work, &runs, &alerts, &incidents, &mut problems)?;
    work.summary.files =
        [Fate::Acknowledged, Fate::Unknown].map(|fate| work.files.iter().filter(|f| f.fate == fate).count());
    let Problems(mut found) = problems;
    let count = found.len();
    found.truncate(MOST_TOLD);
    anyhow::ensure!(found.is_empty(), "{count} problems:\n{}", found.join("\n"));
    Ok(())
}

/// Nothing went wrong that was only told.
fn said(work: &Work<'_>, problems: &mut Problems) -> anyhow::Result<()> {
    for line in work.program.said()?.lines() {
        problems.require(!line.contains("ERROR") && !line.contains("panicked"), || format!("the log says: {line}"));
    }
    Ok(())
}

/// Each file is in its table, all its rows once; one that was not acknowledged may also not be there. The number of rows.
fn rows(work: &Work<'_>, problems: &mut Problems) -> anyhow::Result<u64> {
    let tables = work.program.run(&["workspace", "tables", work.program.place()?, "--format", "json"])?;
    let tables: Vec<Value> = serde_json::from_str(&tables)?;
    let mut all = 0;
    for table in [ARRIVING, INGESTED] {
        let there = tables.iter().any(|known| known["name"] == table);
        let query = format!(
            "{table} | summarize Rows = count(), Numbers = count_distinct(N), Ids = count_distinct(Id), Least = min(N), \
             Most = max(N), Wrong = countif(Id != strcat(File, '-', N)) by File"
        );
        let mut found = BTreeMap::new();
        for row in if there { work.program.query(&query)? } else { Vec::new() } {
            found.insert(row["File"].as_str().unwrap_or_default().to_string(), row);
        }
        for file in work.files.iter().filter(|file| file.table == table) {
            let Some(row) = found.remove(&file.name) else {
                problems.require(file.fate == Fate::Unknown, || format!("{table} has lost {}", file.name));
                continue;
            };
            all += file.rows;
            let exact = [("Rows", file.rows), ("Numbers", file.rows), ("Ids", file.rows), ("Least", 0)];
            let exact = exact.iter().all(|(name, value)| row[*name].as_u64() == Some(*value));
            problems.require(exact && row["Most"].as_u64() == file.rows.checked_sub(1) && row["Wrong"] == 0, || {
                format!("{table} has of {}, which has {} rows and is {:?}: {row}", file.name, file.rows, file.fate)
            });
        }
        problems.require(found.is_empty(), || format!("{table} has rows of {:?}", found.keys()));
    }
    Ok(all)
}

/// Each instant of each rule has one run, which was good, and none is left out.
fn check_runs(runs: &[Value], problems: &mut Problems) -> anyhow::Result<()> {
    for rule in &RULES {
        let mut instants: Vec<Timestamp> = Vec::new();
        for run in runs.iter().filter(|run| run["rule"] == rule.id) {
            let well = ["alert", "below_threshold"].iter().any(|status| run["status"] == *status);
            problems.require(well && run["error"].is_null(), || format!("{}: {run}", rule.file));
            instants.push(run["scheduled"].as_str().context("a run without an instant")?.parse()?);
        }
        instants.sort();
        let step = SignedDuration::from_mins(rule.minutes);
        problems.require(!instants.is_empty(), || format!("{} never ran", rule.file));
        for (earlier, later) in instants.iter().zip(instants.iter().skip(1)) {
            problems.require(later.duration_since(*earlier) == step, || {
                format!("{}: runs for {earlier} and {later}, and none between", rule.file)
            });
        }
    }
    Ok(())
}

fn list_alerts(work: &Work<'_>) -> anyhow::Result<Vec<Alert>> {
    let mut alerts = Vec::new();
    for alert in work.program.listed(&["alerts", "list", "--limit", "10000000"])? {
        let text = |name: &str| alert[name].as_str().unwrap_or_default().to_string();
        let properties = alert["record"]["ExtendedProperties"].as_str().unwrap_or("{}");
        let properties: Value = serde_json::from_str(properties)?;
        let details = properties["Custom Details"].as_str().unwrap_or("{}");
        alerts.push(Alert {
            id: text("id"),
            rule: text("rule"),
            scheduled: text("scheduled"),
            incident: alert["incident"].as_i64(),
            details: serde_json::from_str(details)?,
        });
    }
    Ok(alerts)
}

/// The only value of a custom detail.
fn detail<'a>(alert: &'a Alert, name: &str) -> &'a str {
    alert.details[name][0].as_str().unwrap_or_default()
}

/// The alerts are those of the runs; each file that arrived raised one alert of each rule that looks for it.
fn check_alerts(work: &Work<'_>, runs: &[Value], alerts: &[Alert], problems: &mut Problems) -> anyhow::Result<()> {
    let mut by_run: BTreeMap<(&str, &str), u64> = BTreeMap::new();
    for alert in alerts {
        *by_run.entry((alert.rule.as_str(), alert.scheduled.as_str())).or_default() += 1;
    }
    for run in runs {
        let key = (run["rule"].as_str().unwrap_or_default(), run["scheduled"].as_str().unwrap_or_default());
        let found = by_run.remove(&key).unwrap_or(0);
        problems.require(run["alerts"].as_u64() == Some(found), || format!("{found} alerts of the run {run}"));
    }
    problems.require(by_run.is_empty(), || format!("alerts without a run: {by_run:?}"));
    for rule in RULES.iter().filter(|rule| rule.alert == AlertOf::File) {
        let mut seen: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for alert in alerts.iter().filter(|alert| alert.rule == rule.id) {
            seen.entry(detail(alert, "File")).or_default().push(detail(alert, "Rows"));
        }
        for file in work.files.iter().filter(|file| file.table == ARRIVING) {
            let rows = file.rows.to_string();
            let found = seen.remove(file.name.as_str()).unwrap_or_default();
            let holds = found == [rows.as_str()] || file.early && found.is_empty();
            problems.require(holds, || {
                format!("{}: {} with {rows} rows has alerts of {found:?} rows", rule.file, file.name)
            });
        }
        problems.require(seen.is_empty(), || format!("{}: alerts of {seen:?}", rule.file));
    }
    for rule in RULES.iter().filter(|rule| rule.alert == AlertOf::Run) {
        for run in runs.iter().filter(|run| run["rule"] == rule.id) {
            problems.require(run["alerts"] == 1, || format!("{}: not one alert: {run}", rule.file));
        }
    }
    Ok(())
}

fn list_incidents(work: &Work<'_>) -> anyhow::Result<Vec<Incident>> {
    let all = work.program.listed(&["incidents", "list", "--limit", "10000000"])?;
    let texts = |value: &Value, pick: fn(&Value) -> &Value| -> Vec<String> {
        let items = value.as_array().into_iter().flatten();
        items.map(|item| pick(item).as_str().unwrap_or_default().to_string()).collect()
    };
    let incident = |value: &Value| -> anyhow::Result<Incident> {
        Ok(Incident {
            number: value["number"].as_i64().context("an incident without a number")?,
            alerts: texts(&value["alertIds"], |id| id),
            comments: texts(&value["comments"], |comment| &comment["text"]),
        })
    };
    all.iter().map(incident).collect()
}

/// Each alert is in one incident, the one that it names; incidents of the grouped rule hold one user each; each comment
/// that was acknowledged is there, none twice.
fn check_incidents(work: &Work<'_>, alerts: &[Alert], incidents: &[Incident], problems: &mut Problems) {
    let by_id: BTreeMap<&str, &Alert> = alerts.iter().map(|alert| (alert.id.as_str(), alert)).collect();
    let mut held: BTreeSet<&str> = BTreeSet::new();
    let mut comments: BTreeMap<&str, usize> = BTreeMap::new();
    for incident in incidents {
        let number = incident.number;
        let mut users = BTreeSet::new();
        let mut rules = BTreeSet::new();
        for id in &incident.alerts {
            problems.require(held.insert(id), || format!("the alert {id} is in incidents twice"));
            let Some(alert) = by_id.get(id.as_str()) else {
                problems.require(false, || format!("incident {number} has the alert {id}, which is not there"));
                continue;
            };
            problems.require(alert.incident == Some(number), || {
                format!("the alert {id} of incident {number} says {:?}", alert.incident)
            });
            users.insert(detail(alert, "User"));
            rules.insert(alert.rule.as_str());
        }
        problems.require(rules.len() == 1 && users.len() == 1, || {
            format!("incident {number} is of the rules {rules:?} and the users {users:?}")
        });
        let grouped = rules.contains(GROUPED);
        problems.require(grouped || incident.alerts.len() == 1, || format!("incident {number} should have one alert"));
        for comment in &incident.comments {
            *comments.entry(comment).or_default() += 1;
        }
    }
    problems
        .require(held.len() == alerts.len(), || format!("{} of {} alerts are in incidents", held.len(), alerts.len()));
    problems.require(comments.values().all(|count| *count == 1), || format!("comments, counted: {comments:?}"));
    for comment in &work.comments {
        problems.require(comments.contains_key(comment.as_str()), || format!("the comment '{comment}' is lost"));
    }
    let numbers: BTreeSet<i64> = incidents.iter().map(|incident| incident.number).collect();
    problems.require(numbers.len() == incidents.len(), || "incidents with the same number".to_string());
}

/// The tables that the service writes hold the same as its state; the number of changes of incidents.
fn check_tables(
    work: &Work<'_>,
    runs: &[Value],
    alerts: &[Alert],
    incidents: &[Incident],
    problems: &mut Problems,
) -> anyhow::Result<usize> {
    let mut ids: Vec<String> = Vec::new();
    for row in work.program.query("SecurityAlert | project SystemAlertId")? {
        ids.push(row["SystemAlertId"].as_str().unwrap_or_default().to_string());
    }
    ids.sort();
    let mut expected: Vec<String> = alerts.iter().map(|alert| alert.id.clone()).collect();
    expected.sort();
    problems.require(ids == expected, || format!("SecurityAlert has {} rows for {} alerts", ids.len(), expected.len()));
    let health = work.program.query("SentinelHealth | summarize Rows = count(), Ids = count_distinct(RecordId)")?;
    let health = health.first().cloned().unwrap_or_default();
    problems.require([&health["Rows"], &health["Ids"]].iter().all(|n| n.as_u64() == Some(runs.len() as u64)), || {
        format!("SentinelHealth has {health} for {} runs", runs.len())
    });
    let query = "SecurityIncident | summarize Rows = count(), Alerts = max(array_length(AlertIds)), \
                 Comments = max(array_length(Comments)) by IncidentNumber";
    let mut changes = 0;
    let mut rows: BTreeMap<i64, Value> = BTreeMap::new();
    for row in work.program.query(query)? {
        changes += usize::try_from(row["Rows"].as_u64().unwrap_or(0))?;
        rows.insert(row["IncidentNumber"].as_i64().unwrap_or(0), row);
    }
    for incident in incidents {
        let row = rows.remove(&incident.number).unwrap_or_default();
        let same = row["Alerts"].as_u64() == Some(incident.alerts.len() as u64)
            && row["Comments"].as_u64() == Some(incident.comments.len() as u64);
        problems.require(same, || format!("SecurityIncident says of incident {}: {row}", incident.number));
    }
    problems.require(rows.is_empty(), || format!("SecurityIncident has {rows:?}"));
    Ok(changes)
}
