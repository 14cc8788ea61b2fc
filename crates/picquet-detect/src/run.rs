//! One run of one rule.

use jiff::Timestamp;
use kql_engine::{
    Answer, Database, Engine, Limits, QueryError, QueryOptions, QueryResult, Scope, ScopeColumn, Spent, json,
};
use kql_syntax::{Diagnostic, LineIndex, Severity};
use picquet_rules::{Alert, AlertContext, AnalyticsRule, Duration, RuleKind, RunInput, RunOutput, evaluate};
use serde::Serialize;
use serde_json::Value;

use crate::instants::minus;
use crate::time::to_ticks;

/// What a run depends on besides rule and data.
#[derive(Debug, Clone)]
pub struct RunSettings {
    /// The scheduled instant: end of the window, and `now()` in the query.
    pub end: Timestamp,
    /// Length of the window, instead of the rule's query period.
    pub period: Option<Duration>,
    /// When the alerts are written.
    pub generated_at: Timestamp,
    /// The workspace that alerts name.
    pub context: AlertContext,
    /// What a rule's query may take and give.
    pub limits: Limits,
}

/// The time that a run looks at.
///
/// Of a scheduled rule both ends belong to it, on TimeGenerated (documented). Of an NRT rule the start does not: each of
/// its windows begins where the one before ended, and a row that was ingested at that instant must not be reported twice.
///
/// [I] A scheduled rule that goes by `ingestion_time()` wants what was ingested since its last run, so that a row that comes
/// late is reported by one run alone (documented). Runs start after their window's end, and later still when they are caught
/// up; what was ingested meanwhile is therefore left to the next run, if its window has it too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// Its start.
    pub start: Timestamp,
    /// Its end, the scheduled instant.
    pub end: Timestamp,
}

impl Window {
    /// That of a rule's run for a scheduled instant; `period` instead of the rule's query period.
    pub fn of(rule: &AnalyticsRule, end: Timestamp, period: Option<Duration>) -> Window {
        Window { start: minus(end, period.unwrap_or(rule.query_period)), end }
    }

    /// The rows of tables that lie in it.
    fn scope(&self, rule: &AnalyticsRule) -> Scope {
        let (start, to) = (to_ticks(self.start), to_ticks(self.end));
        match rule.kind {
            RuleKind::Nrt => Scope { column: ScopeColumn::IngestionTime, from: start.saturating_add(1), to },
            _ if asks_for_ingestion_time(&rule.query) => {
                let next = start.saturating_add(rule.query_frequency.ticks());
                Scope { column: ScopeColumn::TimeGeneratedOnce { next }, from: start, to }
            }
            _ => Scope { column: ScopeColumn::TimeGenerated, from: start, to },
        }
    }
}

/// Whether a query names `ingestion_time` itself; what the functions do that it calls is not looked at.
fn asks_for_ingestion_time(query: &str) -> bool {
    kql_syntax::tokenize(query).iter().any(|token| token.span.text(query) == "ingestion_time")
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RunStatus {
    /// The trigger fired.
    Alert,
    /// The query ran, and the trigger did not fire.
    BelowThreshold,
    /// The query did not run.
    Failed,
}

/// Why a run failed, and where in the rule's file.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RunError {
    /// Kusto's code.
    pub code: String,
    /// What is wrong.
    pub message: String,
    /// The remedy, or the nearest name.
    pub help: Option<String>,
    /// The rule's file.
    pub file: String,
    /// Line in the file, from 1.
    pub line: Option<usize>,
    /// Column in the file, from 1, where the file shows the query's lines.
    pub column: Option<usize>,
    /// All errors of the query, with places in the query text.
    #[serde(skip)]
    pub diagnostics: Vec<Diagnostic>,
}

/// What a run gave.
#[derive(Debug)]
pub struct RuleRun {
    /// The time it looked at.
    pub window: Window,
    /// How it ended.
    pub status: RunStatus,
    /// Rows of the query; `None` where it failed.
    pub result: Option<QueryResult>,
    /// What the rows came to: alerts, and what had to be left out of them. Of a run that failed, nothing.
    pub output: RunOutput,
    /// Why it failed.
    pub error: Option<RunError>,
    /// Where the time of its query went; nothing where it failed.
    pub spent: Spent,
}

impl RuleRun {
    /// The alerts; none unless the trigger fired.
    pub fn alerts(&self) -> &[Alert] {
        &self.output.alerts
    }
}

/// Runs a rule. `next_id` gives the GUIDs of run and alerts.
///
/// A scheduled rule looks at `[end - period, end]` of TimeGenerated. An NRT rule looks at what was ingested in
/// `(end - 1m, end]`, or in `settings.period` before `end` ([I]: over files, TimeGenerated stands for the ingestion time
/// unless the rows have a `_TimeReceived`).
///
/// A query with more than one result set is a failure (documented).
pub async fn run_rule(
    engine: &Engine,
    database: &dyn Database,
    rule: &AnalyticsRule,
    settings: &RunSettings,
    next_id: &mut (dyn FnMut() -> String + Send),
) -> RuleRun {
    let answer = ask(engine, database, rule, settings).await;
    judge(rule, settings, answer, next_id)
}

/// The query of a run, and its answer.
pub(crate) async fn ask(
    engine: &Engine,
    database: &dyn Database,
    rule: &AnalyticsRule,
    settings: &RunSettings,
) -> Result<Answer, RunError> {
    let window = Window::of(rule, settings.end, settings.period);
    if !rule.is_executable() {
        let message = format!("a rule of the kind {} has no query to run", rule.kind.as_str());
        return Err(plain_error(rule, NOTHING_TO_RUN, message));
    }
    let limits = settings.limits.clone();
    let scope = Some(window.scope(rule));
    let options = QueryOptions { now: to_ticks(window.end), scope, limits, ..QueryOptions::default() };
    let answer = engine.query(&rule.query, database, &options).await.map_err(|error| query_error(rule, error))?;
    if !answer.others.is_empty() {
        let message = format!("the query has {} result sets; a rule's has one", answer.others.len() + 1);
        return Err(plain_error(rule, SEVERAL_RESULTS, message));
    }
    Ok(answer)
}

/// What an answer comes to.
pub(crate) fn judge(
    rule: &AnalyticsRule,
    settings: &RunSettings,
    answer: Result<Answer, RunError>,
    next_id: &mut dyn FnMut() -> String,
) -> RuleRun {
    let window = Window::of(rule, settings.end, settings.period);
    let answer = match answer {
        Ok(answer) => answer,
        Err(error) => {
            return RuleRun {
                window,
                status: RunStatus::Failed,
                result: None,
                output: RunOutput::default(),
                error: Some(error),
                spent: Spent::default(),
            };
        }
    };
    let columns: Vec<String> = answer.result.columns.iter().map(|(name, _)| name.clone()).collect();
    let column_types: Vec<String> = answer.result.columns.iter().map(|(_, ty)| ty.name().to_string()).collect();
    let rows: Vec<Vec<Value>> = answer.result.rows().map(|row| row.iter().map(json::to_json).collect()).collect();
    let output = evaluate(RunInput {
        rule,
        columns: &columns,
        column_types: &column_types,
        rows: &rows,
        window_start: window.start,
        window_end: window.end,
        generated_at: settings.generated_at,
        context: &settings.context,
        next_id,
    });
    RuleRun {
        window,
        status: if output.fired { RunStatus::Alert } else { RunStatus::BelowThreshold },
        result: Some(answer.result),
        output,
        error: None,
        spent: answer.spent,
    }
}

/// Code of a rule of a kind that has no query.
pub(crate) const NOTHING_TO_RUN: &str = "PQ200";
/// Code of a query with more than one result set.
pub(crate) const SEVERAL_RESULTS: &str = "PQ110";

fn plain_error(rule: &AnalyticsRule, code: &str, message: String) -> RunError {
    RunError {
        code: code.to_string(),
        message,
        help: None,
        file: rule.source.file.clone(),
        line: None,
        column: None,
        diagnostics: Vec::new(),
    }
}

/// A query's error at its place in the rule's file.
fn query_error(rule: &AnalyticsRule, error: QueryError) -> RunError {
    let code = error.code().to_string();
    let QueryError::Invalid(diagnostics) = error else {
        return plain_error(rule, &code, error.to_string());
    };
    let Some(first) = diagnostics.iter().find(|d| d.severity == Severity::Error) else {
        return plain_error(rule, &code, "the query is not valid".to_string());
    };
    let (line, column) = LineIndex::new(&rule.query).line_column(first.span.start);
    let (line, column) = rule.query_location.in_file(line, column);
    RunError {
        code,
        message: first.message.clone(),
        help: first.help.clone(),
        file: rule.source.file.clone(),
        line: Some(line),
        column,
        diagnostics,
    }
}
