//! Everything that follows from a run, in one transaction.

use jiff::Timestamp;
use picquet_notify::{Event, Message};
use picquet_rules::{
    Alert, AnalyticsRule, GroupingInput, HealthInput, HealthOutcome, HealthRecord, Incident, IncidentChange,
    IncidentEvent, group_alerts,
};
use picquet_store::{AlertRow, Change, IncidentRow, OutboxEntry, OutboxState, Result, RuleRow, RunRow, StoreError};
use serde_json::{Map, Value};

use super::rules::{RuleState, renew};
use super::{Service, members};
use crate::failure::{FailureState, auto_disabled_name, failure_reason};
use crate::run::{RuleRun, RunStatus};

/// Messages that are not yet addressed to outputs.
pub(super) const UNADDRESSED: &str = "";

impl Service {
    /// Keeps a run with its alerts, incidents, health and messages, and the rule's state after it; the number of incidents
    /// that changed. A run that is kept already changes nothing.
    #[allow(clippy::too_many_arguments)]
    pub(super) fn commit(
        &self,
        rule: &AnalyticsRule,
        row: &mut RuleRow,
        state: &RuleState,
        run: &RuleRun,
        started: Timestamp,
        attempts: u32,
        disable: bool,
        complete: bool,
    ) -> Result<usize> {
        let now = self.now();
        let context = &self.settings.context;
        let scheduled = run.window.end;
        let next_id = || self.next_id();
        self.workspace.change(|change| {
            if change.has_run(&row.id, scheduled)? {
                return Ok(0);
            }
            let incidents = self.group(change, rule, &row.id, &run.output.alerts, now)?;
            let mut records = Vec::with_capacity(run.output.alerts.len());
            for alert in &run.output.alerts {
                let record = members("alert", alert)?;
                let id = &alert.system_alert_id;
                let incident = incidents.iter().find(|change| change.added.contains(id));
                change.add_alert(&AlertRow {
                    id: id.clone(),
                    rule: row.id.clone(),
                    scheduled,
                    created: alert.time_generated,
                    severity: alert.alert_severity.as_str().to_string(),
                    name: alert.display_name.clone(),
                    incident: incident.map(|change| change.incident.number),
                    record: Value::Object(record.clone()),
                })?;
                let message = Message {
                    id: id.clone(),
                    event: Event::AlertRaised,
                    severity: alert.alert_severity,
                    rule_id: row.id.clone(),
                    rule_name: rule.name.clone(),
                    order_key: incident.map(|change| change.incident.number.to_string()),
                    created: now,
                    body: Value::Object(record.clone()),
                };
                post(change, &message)?;
                records.push(record);
            }
            change.append_records("SecurityAlert", &records, now)?;
            for IncidentChange { incident, event, .. } in &incidents {
                let event = match event {
                    IncidentEvent::Created => Event::IncidentCreated,
                    IncidentEvent::AlertAdded => Event::IncidentUpdated,
                    IncidentEvent::Reopened => Event::IncidentReopened,
                };
                put_incident(change, incident, event, context, now, next_id())?;
            }
            let detail = run.error.as_ref().map_or("", |error| error.message.as_str());
            let outcome = match &run.error {
                Some(error) => HealthOutcome::Failed { reason: failure_reason(error), detail },
                None => HealthOutcome::Completed(&run.output),
            };
            let correlation_id =
                if run.output.correlation_id.is_empty() { next_id() } else { run.output.correlation_id.clone() };
            let health = HealthRecord::of_run(HealthInput {
                rule,
                context,
                outcome,
                window_start: run.window.start,
                window_end: scheduled,
                execution_start: started,
                now,
                record_id: next_id(),
                correlation_id,
                query_performance: None,
                triggered_by: None,
            });
            let mut health = members("health", &health)?;
            if !complete {
                note_delay(&mut health);
            }
            change.append_records("SentinelHealth", &[health], now)?;
            change.add_run(&RunRow {
                rule: row.id.clone(),
                scheduled,
                window_start: run.window.start,
                status: status_text(run.status).to_string(),
                results: run.error.is_none().then_some(run.output.row_count as u64),
                alerts: run.output.alerts.len() as u64,
                attempts,
                error: run.error.as_ref().map(|error| error.message.clone()),
                started,
                ended: now,
            })?;
            let same = renew(change, row)?;
            let failure = if same { state.failure } else { FailureState::default() };
            RuleState { failure, ..state.clone() }.put(row)?;
            if disable && same {
                row.name = auto_disabled_name(&rule.name);
                row.disabled_reason = format!("disabled after {} failures: {detail}", state.failure.consecutive);
                tracing::error!(rule = rule.name, reason = row.disabled_reason, "a rule was switched off");
            }
            change.put_rule(row)?;
            Ok(incidents.len())
        })
    }

    fn group(
        &self,
        change: &mut Change<'_>,
        rule: &AnalyticsRule,
        id: &str,
        alerts: &[Alert],
        now: Timestamp,
    ) -> Result<Vec<IncidentChange>> {
        if alerts.is_empty() {
            return Ok(Vec::new());
        }
        let grouping = &rule.incident_configuration.grouping;
        let since = now.checked_sub(grouping.lookback_duration.to_signed_duration()).unwrap_or(Timestamp::MIN);
        let candidates: Vec<Incident> = if grouping.enabled {
            change.incidents_since(id, since)?.iter().map(incident_of).collect::<Result<_>>()?
        } else {
            Vec::new()
        };
        let mut number = change.next_incident()?;
        let mut next_number = || {
            number += 1;
            number - 1
        };
        let mut next_id = || self.next_id();
        Ok(group_alerts(GroupingInput {
            rule,
            alerts,
            candidates: &candidates,
            now,
            next_number: &mut next_number,
            next_id: &mut next_id,
        }))
    }
}

/// The incident that a row holds.
pub(super) fn incident_of(row: &IncidentRow) -> Result<Incident> {
    serde_json::from_value(row.record.clone()).map_err(|source| StoreError::Record { what: "incident", source })
}

/// Writes an incident, its row of SecurityIncident, and the message about it.
pub(super) fn put_incident(
    change: &mut Change<'_>,
    incident: &Incident,
    event: Event,
    context: &picquet_rules::AlertContext,
    now: Timestamp,
    message_id: String,
) -> Result<()> {
    change.put_incident(&IncidentRow {
        number: incident.number,
        rule: incident.rule_id.clone(),
        created: incident.first_alert_created,
        modified: incident.last_modified,
        status: incident.status.as_str().to_string(),
        severity: incident.severity.as_str().to_string(),
        record: Value::Object(members("incident", incident)?),
    })?;
    let record = incident.record(context, now);
    let mut body = record.clone();
    change.append_records("SecurityIncident", &[record], now)?;
    let alerts = change.alerts_of(&incident.alert_ids)?.into_iter().map(|alert| alert.record).collect();
    body.insert("Alerts".to_string(), Value::Array(alerts));
    post(change, &Message {
        id: message_id,
        event,
        severity: incident.severity,
        rule_id: incident.rule_id.clone(),
        rule_name: incident.rule_name.clone(),
        order_key: Some(incident.number.to_string()),
        created: now,
        body: Value::Object(body),
    })
}

fn post(change: &mut Change<'_>, message: &Message) -> Result<()> {
    change.add_message(&OutboxEntry {
        seq: 0,
        output: UNADDRESSED.to_string(),
        order_key: message.order_key.clone(),
        message: Value::Object(members("message", message)?),
        created: message.created,
        attempts: 0,
        // At once, also where the clock of whoever sends it shows an earlier time.
        not_before: Timestamp::UNIX_EPOCH,
        state: OutboxState::Pending,
        error: None,
    })
}

/// Says of a run that files were still being taken in whose rows it may have missed.
fn note_delay(health: &mut Map<String, Value>) {
    let reason = picquet_rules::HealthReason::IngestionDelay.text();
    if health.get("Reason").and_then(Value::as_str).is_none_or(str::is_empty) {
        health.insert("Reason".to_string(), Value::from(reason));
    }
    let description = health.get("Description").and_then(Value::as_str).unwrap_or_default();
    let description = format!("{description} {reason}").trim().to_string();
    health.insert("Description".to_string(), Value::from(description));
}

fn status_text(status: RunStatus) -> &'static str {
    match status {
        RunStatus::Alert => "alert",
        RunStatus::BelowThreshold => "below_threshold",
        RunStatus::Failed => "failed",
    }
}
