//! Rules, their runs, alerts, incidents, and the messages about them.
//!
//! What a record holds besides the columns that are searched is the business of whoever writes it: it is kept as JSON.

use jiff::Timestamp;
use rusqlite::types::Value as Sql;
use rusqlite::{OptionalExtension as _, Row, Transaction, params, params_from_iter};
use serde_json::Value;

use super::{Change, State, micros, record, time};
use crate::error::Result;

/// A rule as the workspace knows it.
#[derive(Debug, Clone, PartialEq)]
pub struct RuleRow {
    /// The rule's id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its kind.
    pub kind: String,
    /// The file it was read from.
    pub file: String,
    /// Tells versions of the rule apart.
    pub hash: String,
    /// Whether it is to run.
    pub enabled: bool,
    /// Why it is disabled; "" if it is not, or if its file says so.
    pub disabled_reason: String,
    /// Whether the rule's file still has it.
    pub present: bool,
    /// When the workspace first met it.
    pub created: Timestamp,
    /// The scheduler's own record.
    pub state: Value,
}

/// A run of a rule. There is one for each scheduled instant.
#[derive(Debug, Clone, PartialEq)]
pub struct RunRow {
    /// The rule's id.
    pub rule: String,
    /// The scheduled instant: the end of the window.
    pub scheduled: Timestamp,
    /// The start of the window.
    pub window_start: Timestamp,
    /// How it ended.
    pub status: String,
    /// Rows of the result; none where there is no result.
    pub results: Option<u64>,
    /// Alerts raised.
    pub alerts: u64,
    /// How often it was tried.
    pub attempts: u32,
    /// Why it failed.
    pub error: Option<String>,
    /// When it began.
    pub started: Timestamp,
    /// When it ended.
    pub ended: Timestamp,
}

/// An alert.
#[derive(Debug, Clone, PartialEq)]
pub struct AlertRow {
    /// `SystemAlertId`.
    pub id: String,
    /// The rule's id.
    pub rule: String,
    /// The scheduled instant of the run that raised it.
    pub scheduled: Timestamp,
    /// When it was raised.
    pub created: Timestamp,
    /// Its severity.
    pub severity: String,
    /// Its name.
    pub name: String,
    /// The number of the incident that it belongs to.
    pub incident: Option<i64>,
    /// The SecurityAlert record.
    pub record: Value,
}

/// An incident.
#[derive(Debug, Clone, PartialEq)]
pub struct IncidentRow {
    /// Its number, ascending from 1.
    pub number: i64,
    /// The id of the rule whose alerts it holds.
    pub rule: String,
    /// When its first alert was raised.
    pub created: Timestamp,
    /// When it was last changed.
    pub modified: Timestamp,
    /// New, Active or Closed.
    pub status: String,
    /// Its severity.
    pub severity: String,
    /// The incident.
    pub record: Value,
}

/// Which alerts to list, the last first.
#[derive(Debug, Clone, Default)]
pub struct AlertFilter {
    /// Of this rule, by id or name.
    pub rule: Option<String>,
    /// Raised at this time or later.
    pub since: Option<Timestamp>,
    /// Of one of these severities; all where there is none.
    pub severities: Vec<String>,
    /// Of this incident.
    pub incident: Option<i64>,
    /// So many at most.
    pub limit: Option<usize>,
}

/// Which incidents to list, the last first.
#[derive(Debug, Clone, Default)]
pub struct IncidentFilter {
    /// Of this rule, by id.
    pub rule: Option<String>,
    /// Created at this time or later.
    pub since: Option<Timestamp>,
    /// Of one of these severities; all where there is none.
    pub severities: Vec<String>,
    /// In one of these states; all where there is none.
    pub statuses: Vec<String>,
    /// So many at most.
    pub limit: Option<usize>,
}

/// What has become of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OutboxState {
    /// To be sent.
    Pending,
    /// Sent.
    Sent,
    /// Given up.
    Dead,
}

impl OutboxState {
    /// In one word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            OutboxState::Pending => "pending",
            OutboxState::Sent => "sent",
            OutboxState::Dead => "dead",
        }
    }

    fn parse(text: &str) -> OutboxState {
        match text {
            "sent" => OutboxState::Sent,
            "dead" => OutboxState::Dead,
            _ => OutboxState::Pending,
        }
    }
}

/// A message to an output.
#[derive(Debug, Clone, PartialEq)]
pub struct OutboxEntry {
    /// Number, ascending: the order of the messages. Given by the state.
    pub seq: i64,
    /// Name of the output.
    pub output: String,
    /// Messages of one key go out in order.
    pub order_key: Option<String>,
    /// The message.
    pub message: Value,
    /// When it was written.
    pub created: Timestamp,
    /// How often it was tried.
    pub attempts: u32,
    /// Not to be tried earlier.
    pub not_before: Timestamp,
    /// What has become of it.
    pub state: OutboxState,
    /// Why the last try failed.
    pub error: Option<String>,
}

fn json(what: &'static str, value: &Value) -> Result<String> {
    serde_json::to_string(value).map_err(record(what))
}

fn parsed(text: &str) -> rusqlite::Result<Value> {
    serde_json::from_str(text)
        .map_err(|error| rusqlite::Error::FromSqlConversionFailure(0, rusqlite::types::Type::Text, Box::new(error)))
}

fn number(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

fn natural(n: i64) -> u64 {
    u64::try_from(n).unwrap_or(0)
}

fn rule_row(row: &Row<'_>) -> rusqlite::Result<RuleRow> {
    Ok(RuleRow {
        id: row.get(0)?,
        name: row.get(1)?,
        kind: row.get(2)?,
        file: row.get(3)?,
        hash: row.get(4)?,
        enabled: row.get(5)?,
        disabled_reason: row.get(6)?,
        present: row.get(7)?,
        created: time(row.get(8)?),
        state: parsed(&row.get::<_, String>(9)?)?,
    })
}

fn run_row(row: &Row<'_>) -> rusqlite::Result<RunRow> {
    Ok(RunRow {
        rule: row.get(0)?,
        scheduled: time(row.get(1)?),
        window_start: time(row.get(2)?),
        status: row.get(3)?,
        results: row.get::<_, Option<i64>>(4)?.map(natural),
        alerts: natural(row.get(5)?),
        attempts: row.get(6)?,
        error: row.get(7)?,
        started: time(row.get(8)?),
        ended: time(row.get(9)?),
    })
}

fn alert_row(row: &Row<'_>) -> rusqlite::Result<AlertRow> {
    Ok(AlertRow {
        id: row.get(0)?,
        rule: row.get(1)?,
        scheduled: time(row.get(2)?),
        created: time(row.get(3)?),
        severity: row.get(4)?,
        name: row.get(5)?,
        incident: row.get(6)?,
        record: parsed(&row.get::<_, String>(7)?)?,
    })
}

fn incident_row(row: &Row<'_>) -> rusqlite::Result<IncidentRow> {
    Ok(IncidentRow {
        number: row.get(0)?,
        rule: row.get(1)?,
        created: time(row.get(2)?),
        modified: time(row.get(3)?),
        status: row.get(4)?,
        severity: row.get(5)?,
        record: parsed(&row.get::<_, String>(6)?)?,
    })
}

fn outbox_row(row: &Row<'_>) -> rusqlite::Result<OutboxEntry> {
    Ok(OutboxEntry {
        seq: row.get(0)?,
        output: row.get(1)?,
        order_key: row.get(2)?,
        message: parsed(&row.get::<_, String>(3)?)?,
        created: time(row.get(4)?),
        attempts: row.get(5)?,
        not_before: time(row.get(6)?),
        state: OutboxState::parse(&row.get::<_, String>(7)?),
        error: row.get(8)?,
    })
}

const RULE: &str = "SELECT id, name, kind, file, hash, enabled, disabled_reason, present, created, state FROM rules";
const RUN: &str =
    "SELECT rule, scheduled, window_start, status, results, alerts, attempts, error, started, ended FROM runs";
const ALERT: &str = "SELECT id, rule, scheduled, created, severity, name, incident, record FROM alerts";
const INCIDENT: &str = "SELECT number, rule, created, modified, status, severity, record FROM incidents";
const OUTBOX: &str = "SELECT seq, output, order_key, message, created, attempts, not_before, state, error FROM outbox";

/// A WHERE clause that grows.
#[derive(Default)]
struct Conditions {
    text: Vec<String>,
    values: Vec<Sql>,
}

impl Conditions {
    fn add(&mut self, text: &str, value: impl Into<Sql>) {
        self.values.push(value.into());
        self.text.push(text.replace('?', &format!("?{}", self.values.len())));
    }

    fn one_of(&mut self, column: &str, values: &[String]) {
        if values.is_empty() {
            return;
        }
        let first = self.values.len() + 1;
        self.values.extend(values.iter().map(|v| Sql::from(v.clone())));
        let marks: Vec<String> = (first..=self.values.len()).map(|n| format!("?{n}")).collect();
        self.text.push(format!("{column} COLLATE NOCASE IN ({})", marks.join(", ")));
    }

    fn list<T>(
        self,
        transaction: &Transaction<'_>,
        select: &str,
        order: &str,
        limit: Option<usize>,
        read: fn(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Vec<T>> {
        let mut text = select.to_string();
        if !self.text.is_empty() {
            text.push_str(&format!(" WHERE {}", self.text.join(" AND ")));
        }
        text.push_str(&format!(" ORDER BY {order}"));
        if let Some(limit) = limit {
            text.push_str(&format!(" LIMIT {limit}"));
        }
        let mut statement = transaction.prepare_cached(&text)?;
        let rows = statement.query_map(params_from_iter(self.values), read)?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }
}

impl Change<'_> {
    /// Writes a rule, new or changed.
    pub fn put_rule(&mut self, rule: &RuleRow) -> Result<()> {
        self.transaction.prepare_cached(
            "INSERT OR REPLACE INTO rules (id, name, kind, file, hash, enabled, disabled_reason, present, created, state)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
        )?
        .execute(params![
            rule.id,
            rule.name,
            rule.kind,
            rule.file,
            rule.hash,
            rule.enabled,
            rule.disabled_reason,
            rule.present,
            micros(rule.created),
            json("rule", &rule.state)?
        ])?;
        Ok(())
    }

    /// A rule by its id.
    pub fn rule(&self, id: &str) -> Result<Option<RuleRow>> {
        let mut statement = self.transaction.prepare_cached(&format!("{RULE} WHERE id = ?1"))?;
        Ok(statement.query_row([id], rule_row).optional()?)
    }

    /// Whether there is a run of the rule for the scheduled instant.
    pub fn has_run(&self, rule: &str, scheduled: Timestamp) -> Result<bool> {
        let mut statement = self.transaction.prepare_cached("SELECT 1 FROM runs WHERE rule = ?1 AND scheduled = ?2")?;
        Ok(statement.exists(params![rule, micros(scheduled)])?)
    }

    /// Writes a run. One rule has one run for a scheduled instant; a second one is an error.
    pub fn add_run(&mut self, run: &RunRow) -> Result<()> {
        self.transaction
            .prepare_cached(
                "INSERT INTO runs
             (rule, scheduled, window_start, status, results, alerts, attempts, error, started, ended)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
            )?
            .execute(params![
                run.rule,
                micros(run.scheduled),
                micros(run.window_start),
                run.status,
                run.results.map(number),
                number(run.alerts),
                run.attempts,
                run.error,
                micros(run.started),
                micros(run.ended)
            ])?;
        Ok(())
    }

    /// Writes an alert.
    pub fn add_alert(&mut self, alert: &AlertRow) -> Result<()> {
        self.transaction
            .prepare_cached(
                "INSERT INTO alerts (id, rule, scheduled, created, severity, name, incident, record)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            )?
            .execute(params![
                alert.id,
                alert.rule,
                micros(alert.scheduled),
                micros(alert.created),
                alert.severity,
                alert.name,
                alert.incident,
                json("alert", &alert.record)?
            ])?;
        Ok(())
    }

    /// Alerts by their ids, those that there are.
    pub fn alerts_of(&self, ids: &[String]) -> Result<Vec<AlertRow>> {
        let mut statement = self.transaction.prepare_cached(&format!("{ALERT} WHERE id = ?1"))?;
        let found = ids.iter().map(|id| statement.query_row([id], alert_row).optional());
        Ok(found.filter_map(rusqlite::Result::transpose).collect::<rusqlite::Result<_>>()?)
    }

    /// The number for the next incident.
    pub fn next_incident(&self) -> Result<i64> {
        let last: Option<i64> = self.transaction.query_row("SELECT max(number) FROM incidents", [], |r| r.get(0))?;
        Ok(last.unwrap_or(0) + 1)
    }

    /// Incidents of a rule whose first alert was raised at this time or later, the last first.
    pub fn incidents_since(&self, rule: &str, since: Timestamp) -> Result<Vec<IncidentRow>> {
        let mut conditions = Conditions::default();
        conditions.add("rule = ?", rule.to_string());
        conditions.add("created >= ?", micros(since));
        conditions.list(&self.transaction, INCIDENT, "number DESC", None, incident_row)
    }

    /// An incident by its number.
    pub fn incident(&self, number: i64) -> Result<Option<IncidentRow>> {
        let mut statement = self.transaction.prepare_cached(&format!("{INCIDENT} WHERE number = ?1"))?;
        Ok(statement.query_row([number], incident_row).optional()?)
    }

    /// Writes an incident, new or changed.
    pub fn put_incident(&mut self, incident: &IncidentRow) -> Result<()> {
        self.transaction
            .prepare_cached(
                "INSERT OR REPLACE INTO incidents (number, rule, created, modified, status, severity, record)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            )?
            .execute(params![
                incident.number,
                incident.rule,
                micros(incident.created),
                micros(incident.modified),
                incident.status,
                incident.severity,
                json("incident", &incident.record)?
            ])?;
        Ok(())
    }

    /// Puts a message into the outbox; its number is given here.
    pub fn add_message(&mut self, entry: &OutboxEntry) -> Result<()> {
        self.transaction
            .prepare_cached(
                "INSERT INTO outbox (output, order_key, message, created, attempts, not_before, state, error)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            )?
            .execute(params![
                entry.output,
                entry.order_key,
                json("message", &entry.message)?,
                micros(entry.created),
                entry.attempts,
                micros(entry.not_before),
                entry.state.as_str(),
                entry.error
            ])?;
        Ok(())
    }

    /// Pending messages to an output, in order.
    pub fn messages_to(&self, output: &str, limit: usize) -> Result<Vec<OutboxEntry>> {
        messages_to(&self.transaction, output, limit)
    }

    /// Gives up pending messages to all outputs but these; how many there were.
    pub fn give_up_others(&mut self, outputs: &[&str], reason: &str) -> Result<usize> {
        let marks: Vec<String> = (2..outputs.len() + 2).map(|n| format!("?{n}")).collect();
        let text = format!(
            "UPDATE outbox SET state = 'dead', error = ?1 WHERE state = 'pending' AND output NOT IN ({})",
            marks.join(", ")
        );
        let values = std::iter::once(reason).chain(outputs.iter().copied());
        Ok(self.transaction.execute(&text, params_from_iter(values))?)
    }

    /// Writes what became of a message. One that was sent is forgotten.
    pub fn update_message(&mut self, entry: &OutboxEntry) -> Result<()> {
        if entry.state == OutboxState::Sent {
            self.transaction.execute("DELETE FROM outbox WHERE seq = ?1", [entry.seq])?;
            return Ok(());
        }
        self.transaction.execute(
            "UPDATE outbox SET attempts = ?2, not_before = ?3, state = ?4, error = ?5 WHERE seq = ?1",
            params![entry.seq, entry.attempts, micros(entry.not_before), entry.state.as_str(), entry.error],
        )?;
        Ok(())
    }

    /// Has a message that was given up sent again, as if it were new; whether there is one of this number.
    pub fn revive_message(&mut self, seq: i64, now: Timestamp) -> Result<bool> {
        let revived = self.transaction.execute(
            "UPDATE outbox SET state = 'pending', attempts = 0, created = ?2, not_before = ?2
             WHERE seq = ?1 AND state = 'dead'",
            params![seq, micros(now)],
        )?;
        Ok(revived > 0)
    }

    /// Forgets runs that ended before this time.
    pub fn forget_runs(&mut self, before: Timestamp) -> Result<usize> {
        Ok(self.transaction.execute("DELETE FROM runs WHERE ended < ?1", [micros(before)])?)
    }
}

impl State {
    /// All rules, by name.
    pub fn rules(&self) -> Result<Vec<RuleRow>> {
        self.read(|t| Conditions::default().list(t, RULE, "name, id", None, rule_row))
    }

    /// The rule of this id.
    pub fn rule(&self, id: &str) -> Result<Option<RuleRow>> {
        self.read(|t| Ok(t.query_row(&format!("{RULE} WHERE id = ?1"), [id], rule_row).optional()?))
    }

    /// Runs of a rule, or of all, the last first.
    pub fn runs(&self, rule: Option<&str>, limit: Option<usize>) -> Result<Vec<RunRow>> {
        let mut conditions = Conditions::default();
        if let Some(rule) = rule {
            conditions.add("rule = ?", rule.to_string());
        }
        self.read(|t| conditions.list(t, RUN, "scheduled DESC, rule", limit, run_row))
    }

    /// Alerts, the last first.
    pub fn alerts(&self, filter: &AlertFilter) -> Result<Vec<AlertRow>> {
        let mut conditions = Conditions::default();
        if let Some(rule) = &filter.rule {
            conditions.add("(rule = ? OR name = ?)", rule.clone());
        }
        if let Some(since) = filter.since {
            conditions.add("created >= ?", micros(since));
        }
        if let Some(incident) = filter.incident {
            conditions.add("incident = ?", incident);
        }
        conditions.one_of("severity", &filter.severities);
        self.read(|t| conditions.list(t, ALERT, "created DESC, id", filter.limit, alert_row))
    }

    /// The alert of this `SystemAlertId`.
    pub fn alert(&self, id: &str) -> Result<Option<AlertRow>> {
        self.read(|t| Ok(t.query_row(&format!("{ALERT} WHERE id = ?1"), [id], alert_row).optional()?))
    }

    /// Incidents, the last first.
    pub fn incidents(&self, filter: &IncidentFilter) -> Result<Vec<IncidentRow>> {
        let mut conditions = Conditions::default();
        if let Some(rule) = &filter.rule {
            conditions.add("rule = ?", rule.clone());
        }
        if let Some(since) = filter.since {
            conditions.add("created >= ?", micros(since));
        }
        conditions.one_of("severity", &filter.severities);
        conditions.one_of("status", &filter.statuses);
        self.read(|t| conditions.list(t, INCIDENT, "number DESC", filter.limit, incident_row))
    }

    /// The incident of this number.
    pub fn incident(&self, number: i64) -> Result<Option<IncidentRow>> {
        self.read(|t| Ok(t.query_row(&format!("{INCIDENT} WHERE number = ?1"), [number], incident_row).optional()?))
    }

    /// Messages in a state, in order.
    pub fn messages(&self, state: OutboxState, limit: usize) -> Result<Vec<OutboxEntry>> {
        let mut conditions = Conditions::default();
        conditions.add("state = ?", state.as_str().to_string());
        self.read(|t| conditions.list(t, OUTBOX, "seq", Some(limit), outbox_row))
    }

    /// Pending messages to an output, in order.
    pub fn messages_to(&self, output: &str, limit: usize) -> Result<Vec<OutboxEntry>> {
        self.read(|t| messages_to(t, output, limit))
    }
}

fn messages_to(transaction: &Transaction<'_>, output: &str, limit: usize) -> Result<Vec<OutboxEntry>> {
    let mut conditions = Conditions::default();
    conditions.add("state = ?", OutboxState::Pending.as_str().to_string());
    conditions.add("output = ?", output.to_string());
    conditions.list(transaction, OUTBOX, "seq", Some(limit), outbox_row)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state() -> (tempfile::TempDir, State) {
        let dir = tempfile::tempdir().unwrap();
        let state = State::open(&dir.path().join("state.sqlite"), true).unwrap();
        (dir, state)
    }

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn run(scheduled: &str) -> RunRow {
        RunRow {
            rule: "r".to_string(),
            scheduled: at(scheduled),
            window_start: at("2026-01-01T00:00:00Z"),
            status: "alert".to_string(),
            results: Some(3),
            alerts: 1,
            attempts: 1,
            error: None,
            started: at(scheduled),
            ended: at(scheduled),
        }
    }

    #[test]
    fn one_run_for_an_instant_and_nothing_of_a_change_that_fails() {
        let (_dir, state) = state();
        let first = run("2026-01-02T00:00:00Z");
        state.change(|change| change.add_run(&first), |_, _| ()).unwrap();
        let second = state.change(
            |change| {
                change.add_run(&run("2026-01-03T00:00:00Z"))?;
                change.add_run(&first)
            },
            |_, _| panic!("nothing was committed"),
        );
        assert!(second.is_err());
        assert_eq!(state.runs(None, None).unwrap(), [first]);
    }

    #[test]
    fn incidents_and_alerts_are_found_by_their_columns() {
        let (_dir, state) = state();
        let incident = |number: i64, status: &str, severity: &str| IncidentRow {
            number,
            rule: "r".to_string(),
            created: at("2026-01-02T00:00:00Z"),
            modified: at("2026-01-02T00:00:00Z"),
            status: status.to_string(),
            severity: severity.to_string(),
            record: serde_json::json!({"n": number}),
        };
        let all = [incident(1, "New", "Low"), incident(2, "Closed", "High"), incident(3, "New", "High")];
        let numbers = state.change(
            |change| {
                let next = change.next_incident()?;
                all.iter().try_for_each(|i| change.put_incident(i))?;
                Ok((next, change.next_incident()?))
            },
            |_, _| (),
        );
        assert_eq!(numbers.unwrap(), (1, 4));
        let found = |filter: IncidentFilter| -> Vec<i64> {
            state.incidents(&filter).unwrap().into_iter().map(|i| i.number).collect()
        };
        assert_eq!(found(IncidentFilter::default()), [3, 2, 1]);
        let high = vec!["high".to_string()];
        assert_eq!(found(IncidentFilter { severities: high.clone(), ..IncidentFilter::default() }), [3, 2]);
        let new = vec!["New".to_string()];
        let filter = IncidentFilter { severities: high, statuses: new, limit: Some(5), ..IncidentFilter::default() };
        assert_eq!(found(filter), [3]);
    }
}
