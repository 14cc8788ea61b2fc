//! What the output got: each message at least once, and those of an incident in order.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::Work;
use super::checks::{Alert, Incident, Problems};

/// Looks at the lines; the number of messages, and of those that came more than once.
pub(super) fn check(
    work: &Work<'_>,
    alerts: &[Alert],
    incidents: &[Incident],
    changes: usize,
    problems: &mut Problems,
) -> anyhow::Result<[usize; 2]> {
    let text = std::fs::read_to_string(work.program.workspace.join("messages.jsonl"))?;
    let incident_of: BTreeMap<&str, Option<i64>> =
        alerts.iter().map(|alert| (alert.id.as_str(), alert.incident)).collect();
    let mut of_incident: BTreeMap<i64, Vec<Value>> = BTreeMap::new();
    let mut ids: BTreeMap<String, usize> = BTreeMap::new();
    let (mut raised, mut changed): (BTreeSet<String>, BTreeSet<String>) = Default::default();
    let mut cut_off = 0;
    for line in text.lines() {
        let Ok(message) = serde_json::from_str::<Value>(line) else {
            cut_off += 1;
            continue;
        };
        let id = message["id"].as_str().unwrap_or_default().to_string();
        let number = if message["event"] == "alert.raised" {
            raised.insert(id.clone());
            incident_of.get(id.as_str()).copied().flatten()
        } else {
            changed.insert(id.clone());
            message["record"]["IncidentNumber"].as_i64()
        };
        *ids.entry(id).or_default() += 1;
        match number {
            Some(number) => of_incident.entry(number).or_default().push(message),
            None => problems.require(false, || format!("a message of no incident: {line}")),
        }
    }
    problems.require(cut_off <= work.summary.kills.iter().sum::<usize>(), || format!("{cut_off} lines are cut off"));
    let expected: BTreeSet<String> = alerts.iter().map(|alert| alert.id.clone()).collect();
    problems.require(raised == expected, || format!("messages of {} of {} alerts", raised.len(), expected.len()));
    problems.require(changed.len() == changes, || {
        format!("{} messages about incidents, which changed {changes} times", changed.len())
    });
    problems.require(of_incident.len() == incidents.len(), || {
        format!("messages of {} incidents; there are {}", of_incident.len(), incidents.len())
    });
    for (number, messages) in &of_incident {
        check_order(*number, messages, problems);
    }
    Ok([ids.len(), ids.values().filter(|count| **count > 1).count()])
}

/// Repetitions follow at once; an incident only grows, and its alerts are told of before.
fn check_order(number: i64, messages: &[Value], problems: &mut Problems) {
    let mut last = "";
    let mut seen = BTreeSet::new();
    let mut size = (0, 0);
    for message in messages {
        let id = message["id"].as_str().unwrap_or_default();
        if id == last {
            continue;
        }
        last = id;
        problems.require(seen.insert(id), || format!("incident {number}: the message {id} comes again later"));
        if message["event"] == "alert.raised" {
            continue;
        }
        let list = |name: &str| message["record"][name].as_array().cloned().unwrap_or_default();
        let (alerts, comments) = (list("AlertIds"), list("Comments"));
        let now = (alerts.len(), comments.len());
        problems.require(now.0 >= size.0 && now.1 >= size.1 && now != size, || {
            format!("incident {number}: {now:?} alerts and comments come after {size:?}")
        });
        size = now;
        let told = alerts.iter().filter_map(Value::as_str).all(|alert| seen.contains(alert));
        problems.require(told, || format!("incident {number}: the message {id} comes before one of its alerts"));
    }
}
