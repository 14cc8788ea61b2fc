//! How results and alerts change: both versions of a rule over the same logs at the same instant.

use std::collections::BTreeMap;
use std::io::Write;

use jiff::Timestamp;
use kql_engine::{Engine, json};
use picquet_convert::{RuleChange, RuleDiff};
use picquet_detect::{RuleRun, RunSettings, RunStatus, run_rule};
use picquet_rules::{AlertContext, AnalyticsRule, Duration};
use serde_json::{Map, Value, json};

use crate::cli::DataArgs;
use crate::commands::open;
use crate::logs::Logs;
use crate::output::clean;
use crate::{progress, reports};

/// Most rows and alerts of each kind that are shown to people.
const MOST: usize = 5;

/// What one version gave.
struct Side {
    rows: usize,
    alerts: usize,
    error: Option<String>,
}

/// What both versions of a rule gave, and in what they differ.
pub(super) struct DataDiff {
    old: Option<Side>,
    new: Option<Side>,
    rows: Changes,
    alerts: Changes,
}

/// What only one of two lists has.
#[derive(Default)]
struct Changes {
    added: Vec<Value>,
    removed: Vec<Value>,
}

/// Runs both versions of every rule that changed, came or went.
pub(super) async fn compare(
    diffs: &[RuleDiff<'_>],
    args: &DataArgs,
    end: Option<Timestamp>,
    period: Option<Duration>,
) -> anyhow::Result<Vec<Option<DataDiff>>> {
    let (database, engine) = open(args).await?;
    let end = end.unwrap_or_else(Timestamp::now);
    let limits = crate::commands::limits(&args.resources)?;
    let settings = RunSettings { end, period, generated_at: end, context: AlertContext::default(), limits };
    let bar = progress::bar(diffs.len() as u64);
    let mut found = Vec::with_capacity(diffs.len());
    for diff in diffs {
        bar.inc(1);
        let runs = [diff.old, diff.new].iter().flatten().any(|rule| rule.is_executable());
        if diff.kind() == RuleChange::Same || !runs {
            found.push(None);
            continue;
        }
        let old = progress::shown(&bar, side(&engine, &database, diff.old, &settings)).await;
        let new = progress::shown(&bar, side(&engine, &database, diff.new, &settings)).await;
        found.push(Some(DataDiff::of(old, new)));
    }
    bar.finish_and_clear();
    reports::tell(&database)?;
    Ok(found)
}

async fn side(
    engine: &Engine,
    database: &Logs,
    rule: Option<&AnalyticsRule>,
    settings: &RunSettings,
) -> Option<RuleRun> {
    let rule = rule.filter(|rule| rule.is_executable())?;
    // The same ids on both sides, so that they make no difference.
    let mut number = 0_u64;
    let mut next_id = || {
        number += 1;
        format!("00000000-0000-0000-0000-{number:012}")
    };
    Some(run_rule(engine, database, rule, settings, &mut next_id).await)
}

impl DataDiff {
    fn of(old: Option<RuleRun>, new: Option<RuleRun>) -> Self {
        let values =
            |run: &Option<RuleRun>, list: fn(&RuleRun) -> Vec<Value>| run.as_ref().map(list).unwrap_or_default();
        Self {
            rows: Changes::between(values(&old, rows), values(&new, rows)),
            alerts: Changes::between(values(&old, alerts), values(&new, alerts)),
            old: old.map(Side::of),
            new: new.map(Side::of),
        }
    }

    /// Whether a version did not run.
    pub(super) fn is_failure(&self) -> bool {
        [&self.old, &self.new].into_iter().flatten().any(|side| side.error.is_some())
    }

    pub(super) fn json(&self) -> Value {
        let side = |side: &Option<Side>| {
            side.as_ref().map(|side| json!({"rows": side.rows, "alerts": side.alerts, "error": side.error}))
        };
        json!({
            "old": side(&self.old),
            "new": side(&self.new),
            "rows": {"added": self.rows.added, "removed": self.rows.removed},
            "alerts": {"added": self.alerts.added, "removed": self.alerts.removed},
        })
    }

    pub(super) fn write(&self, out: &mut dyn Write) -> anyhow::Result<()> {
        for (name, side) in [("old", &self.old), ("new", &self.new)] {
            if let Some(error) = side.as_ref().and_then(|side| side.error.as_ref()) {
                writeln!(out, "  data: the {name} rule does not run: {}", clean(error))?;
            }
        }
        let figure = |of: fn(&Side) -> usize| {
            let text = |side: &Option<Side>| side.as_ref().map_or("none".to_owned(), |side| of(side).to_string());
            format!("{} -> {}", text(&self.old), text(&self.new))
        };
        self.rows.write("rows", &figure(|side| side.rows), out)?;
        self.alerts.write("alerts", &figure(|side| side.alerts), out)
    }
}

impl Side {
    fn of(run: RuleRun) -> Self {
        let failed = run.status == RunStatus::Failed;
        let error = run.error.filter(|_| failed).map(|error| format!("{}: {}", error.code, error.message));
        let rows = run.result.as_ref().map_or(0, kql_engine::QueryResult::row_count);
        Self { rows, alerts: run.output.alerts.len(), error }
    }
}

impl Changes {
    /// Compares two lists without regard to order.
    fn between(old: Vec<Value>, new: Vec<Value>) -> Self {
        let mut counts: BTreeMap<String, (i64, Value)> = BTreeMap::new();
        for (values, step) in [(old, -1), (new, 1)] {
            for value in values {
                counts.entry(value.to_string()).or_insert((0, value)).0 += step;
            }
        }
        let mut changes = Self::default();
        for (count, value) in counts.into_values() {
            let list = if count > 0 { &mut changes.added } else { &mut changes.removed };
            list.extend((0..count.abs()).map(|_| value.clone()));
        }
        changes
    }

    fn write(&self, what: &str, figure: &str, out: &mut dyn Write) -> anyhow::Result<()> {
        writeln!(out, "  {what}: {figure} (+{}, -{})", self.added.len(), self.removed.len())?;
        for (sign, values) in [('-', &self.removed), ('+', &self.added)] {
            for value in values.iter().take(MOST) {
                writeln!(out, "    {sign} {}", clean(&value.to_string()))?;
            }
            if values.len() > MOST {
                writeln!(out, "    {sign} and {} more", values.len() - MOST)?;
            }
        }
        Ok(())
    }
}

/// Rows as objects, so that the order of columns makes no difference.
fn rows(run: &RuleRun) -> Vec<Value> {
    let Some(result) = &run.result else { return Vec::new() };
    let names: Vec<&String> = result.columns.iter().map(|(name, _)| name).collect();
    let object = |row: &[kql_functions::Val<'_>]| {
        let pairs = names.iter().zip(row).map(|(name, value)| ((*name).clone(), json::to_json(value)));
        Value::Object(pairs.collect::<Map<_, _>>())
    };
    result.rows().map(|row| object(&row)).collect()
}

/// Columns of an alert that say what it says; the others are ids, times of writing, and the query's text.
const ALERT_COLUMNS: &[&str] = &[
    "DisplayName",
    "AlertSeverity",
    "Description",
    "StartTime",
    "EndTime",
    "Entities",
    "Tactics",
    "Techniques",
    "SubTechniques",
    "AlertLink",
    "RemediationSteps",
    "ConfidenceLevel",
    "ConfidenceScore",
    "ProductName",
    "ProductComponentName",
    "ProviderName",
    "ExtendedLinks",
];

fn alerts(run: &RuleRun) -> Vec<Value> {
    let shown = |alert: &picquet_rules::Alert| {
        let Ok(Value::Object(mut columns)) = serde_json::to_value(alert) else { return Value::Null };
        let extended = columns.remove("ExtendedProperties").unwrap_or_default();
        let extended: Value = extended.as_str().and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
        columns.retain(|name, value| ALERT_COLUMNS.contains(&name.as_str()) && value.as_str() != Some(""));
        if let Some(details) = extended.get("Custom Details") {
            columns.insert("CustomDetails".to_owned(), details.clone());
        }
        Value::Object(columns)
    };
    run.alerts().iter().map(shown).collect()
}
