//! From the alerts of a run to incidents (spec section 7).

use std::collections::HashSet;

use jiff::Timestamp;

use super::{Edit, GroupingKey, Incident, IncidentStatus, cut_description};
use crate::alert::Alert;
use crate::model::{AnalyticsRule, GroupingConfiguration};

/// Most alerts of an incident; the next one opens another incident.
pub const MAX_ALERTS_PER_INCIDENT: usize = 150;

/// [I] `ModifiedBy` of an incident that nobody has changed.
const CREATED_BY: &str = "Incident created from alert";
/// [I] `ModifiedBy` of an incident whose last change is an alert that joined.
const EXTENDED_BY: &str = "Alert added to incident";

/// The alerts of one run, and what they may join.
pub struct GroupingInput<'a> {
    /// The rule that raised the alerts.
    pub rule: &'a AnalyticsRule,
    /// All alerts of the run, in order.
    pub alerts: &'a [Alert],
    /// Incidents of the rule, in any order; those of other rules are left alone. It is enough to give those whose
    /// first alert is not older than the lookback, and none where grouping is off.
    pub candidates: &'a [Incident],
    /// When incidents are created and changed.
    pub now: Timestamp,
    /// Gives the number of a new incident at each call, ascending.
    pub next_number: &'a mut dyn FnMut() -> i64,
    /// Gives a new GUID at each call, one for each new incident.
    pub next_id: &'a mut dyn FnMut() -> String,
}

/// What happened to an incident.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum IncidentEvent {
    /// It is new.
    Created,
    /// It was open, and got alerts.
    AlertAdded,
    /// It was closed, and was opened by an alert.
    Reopened,
}

/// An incident as a run left it.
#[derive(Debug, Clone, PartialEq)]
pub struct IncidentChange {
    /// The incident, with its new alerts.
    pub incident: Incident,
    /// What happened to it.
    pub event: IncidentEvent,
    /// `SystemAlertId`s of the alerts that joined.
    pub added: Vec<String>,
}

/// Puts the alerts of a run into incidents, and gives every incident that changed, in the order of its first new alert.
///
/// With grouping off every alert opens an incident of its own; where the rule creates no incidents there are none.
/// With grouping on an alert joins an incident of the rule that it matches ([`GroupingKey::matches`]) and whose first
/// alert was created no longer ago than the lookback, or opens one that later alerts of the same run may join.
/// [`choose`] tells which incident it is when there are several. [I] An alert that a candidate has already is passed
/// over, so that a run may be put in twice.
#[must_use]
pub fn group_alerts(input: GroupingInput<'_>) -> Vec<IncidentChange> {
    let GroupingInput { rule, alerts, candidates, now, next_number, next_id } = input;
    let configuration = &rule.incident_configuration;
    if !configuration.create_incident {
        return Vec::new();
    }
    let grouping = &configuration.grouping;
    let own = candidates.iter().filter(|incident| incident.rule_id == rule.rule_id());
    let mut entries: Vec<Entry> = own.cloned().map(|incident| Entry { incident, change: None }).collect();
    let mut seen: HashSet<String> = entries.iter().flat_map(|entry| entry.incident.alert_ids.iter().cloned()).collect();
    let mut changed: Vec<usize> = Vec::new();

    for alert in alerts {
        if !seen.insert(alert.system_alert_id.clone()) {
            continue;
        }
        let key = GroupingKey::of(alert);
        let target = if grouping.enabled { choose(&entries, alert, &key, grouping) } else { Target::New };
        let index = match target {
            Target::Join(index) => index,
            Target::New | Target::Next(_) => {
                let mut incident = Incident::of_alert(rule, alert, key, now);
                incident.number = next_number();
                incident.name = next_id();
                if let Target::Next(full) = target
                    && let Some(full) = entries.get(full)
                {
                    incident.take_details(&full.incident);
                }
                entries.push(Entry { incident, change: Some((IncidentEvent::Created, Vec::new())) });
                entries.len() - 1
            }
        };
        let Some(entry) = entries.get_mut(index) else { continue };
        if entry.add(alert, now) {
            changed.push(index);
        }
    }

    let mut entries: Vec<Option<Entry>> = entries.into_iter().map(Some).collect();
    changed.iter().filter_map(|index| entries.get_mut(*index)?.take()?.into_change()).collect()
}

/// An incident on the table.
struct Entry {
    incident: Incident,
    change: Option<(IncidentEvent, Vec<String>)>,
}

impl Entry {
    /// Adds an alert; gives whether it is the first of this run.
    fn add(&mut self, alert: &Alert, now: Timestamp) -> bool {
        let event = if self.incident.is_closed() {
            self.incident.reopen_for_alert();
            IncidentEvent::Reopened
        } else {
            IncidentEvent::AlertAdded
        };
        let (event, added) = self.change.get_or_insert((event, Vec::new()));
        if *event != IncidentEvent::Created {
            self.incident.touched(Edit { by: EXTENDED_BY, at: now });
        }
        self.incident.add_alert(alert);
        added.push(alert.system_alert_id.clone());
        added.len() == 1
    }

    fn into_change(self) -> Option<IncidentChange> {
        let (event, added) = self.change?;
        Some(IncidentChange { incident: self.incident, event, added })
    }
}

/// Where an alert goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Target {
    /// Into this incident.
    Join(usize),
    /// Into a new one that goes on from this full one.
    Next(usize),
    /// Into a new one.
    New,
}

/// Which incident an alert goes into.
///
/// [I] Of several that match, the newest open one that has room; where all open ones are full, a new one that goes on
/// from the newest of them. Only where no open one matches, and the rule opens closed incidents again, the same
/// among the closed ones. The newest is the one that was created last, and of those created at once the one with the
/// highest number.
fn choose(entries: &[Entry], alert: &Alert, key: &GroupingKey, grouping: &GroupingConfiguration) -> Target {
    let belongs = |incident: &Incident| {
        within_lookback(incident, alert, grouping) && incident.grouping_key.matches(key, grouping)
    };
    let matching: Vec<(usize, &Incident)> = entries
        .iter()
        .enumerate()
        .map(|(index, entry)| (index, &entry.incident))
        .filter(|(_, incident)| belongs(incident))
        .collect();
    let newest = |closed: bool| {
        let of_kind = || matching.iter().filter(move |(_, incident)| incident.is_closed() == closed);
        let age = |(_, incident): &&(usize, &Incident)| (incident.created, incident.number);
        let with_room = of_kind().filter(|(_, incident)| incident.alert_ids.len() < MAX_ALERTS_PER_INCIDENT);
        let join = with_room.max_by_key(age).map(|(index, _)| Target::Join(*index));
        join.or_else(|| of_kind().max_by_key(age).map(|(index, _)| Target::Next(*index)))
    };
    newest(false).or_else(|| grouping.reopen_closed_incident.then(|| newest(true)).flatten()).unwrap_or(Target::New)
}

/// Whether an alert was created within the lookback of the incident's first alert. [I] Both ends count; an alert that
/// is older than the first one does not.
fn within_lookback(incident: &Incident, alert: &Alert, grouping: &GroupingConfiguration) -> bool {
    let age = alert.time_generated.duration_since(incident.first_alert_created);
    !age.is_negative() && age <= grouping.lookback_duration.to_signed_duration()
}

impl Incident {
    /// A new incident without alerts, and with what it takes from its first one; name and number are still to be given.
    fn of_alert(rule: &AnalyticsRule, alert: &Alert, key: GroupingKey, now: Timestamp) -> Self {
        Self {
            name: String::new(),
            number: 0,
            rule_id: rule.rule_id().to_owned(),
            rule_name: rule.name.clone(),
            title: alert.display_name.clone(),
            description: cut_description(&alert.description).to_owned(),
            severity: alert.alert_severity,
            status: IncidentStatus::New,
            closing: None,
            owner: None,
            labels: Vec::new(),
            tasks: Vec::new(),
            comments: Vec::new(),
            alert_ids: Vec::new(),
            bookmark_ids: Vec::new(),
            tactics: Vec::new(),
            techniques: Vec::new(),
            alert_product_names: Vec::new(),
            first_activity: alert.start_time,
            last_activity: alert.end_time,
            created: now,
            first_modified: None,
            last_modified: now,
            closed: None,
            modified_by: CREATED_BY.to_owned(),
            first_alert_created: alert.time_generated,
            grouping_key: key,
        }
    }

    /// [I] The details that an incident shares with the full one that it goes on from: title, description, severity,
    /// tactics and techniques. What people did to that one (owner, labels, comments, …) stays there.
    fn take_details(&mut self, full: &Self) {
        self.title.clone_from(&full.title);
        self.description.clone_from(&full.description);
        self.severity = full.severity;
        self.tactics.clone_from(&full.tactics);
        self.techniques.clone_from(&full.techniques);
    }

    /// [I] The severity becomes the highest, tactics and techniques the union; title and description stay.
    fn add_alert(&mut self, alert: &Alert) {
        self.alert_ids.push(alert.system_alert_id.clone());
        self.severity = self.severity.max(alert.alert_severity);
        add_new(&mut self.tactics, list_of_text(&alert.tactics));
        add_new(&mut self.techniques, list_of_text(&alert.techniques));
        add_new(&mut self.alert_product_names, [alert.product_name.clone()]);
        self.first_activity = self.first_activity.min(alert.start_time);
        self.last_activity = self.last_activity.max(alert.end_time);
    }
}

fn add_new(list: &mut Vec<String>, items: impl IntoIterator<Item = String>) {
    for item in items {
        if !item.is_empty() && !list.contains(&item) {
            list.push(item);
        }
    }
}

/// The items of a column that is a list with commas, or a JSON array.
fn list_of_text(text: &str) -> Vec<String> {
    serde_json::from_str(text).unwrap_or_else(|_| text.split(',').map(|item| item.trim().to_owned()).collect())
}
