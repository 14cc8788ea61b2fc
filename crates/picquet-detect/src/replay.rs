//! The past of a rule, window by window, as its schedule would have run it.

use std::collections::BTreeMap;
use std::time::Duration as Elapsed;

use jiff::Timestamp;
use kql_engine::{Database, Engine, Limits, QueryResult};
use picquet_rules::{AlertContext, AnalyticsRule, Duration};
use serde::Serialize;

use crate::instants::{Instants, minus, plus};
use crate::late::LateDatabase;
use crate::run::{RuleRun, RunError, RunSettings, RunStatus, Window, run_rule};
use crate::schedule::{RuleTiming, is_suppressed};

/// What a replay depends on besides rule and data.
#[derive(Debug, Clone)]
pub struct ReplaySettings {
    /// The windows end at this instant and whole frequencies of the rule.
    pub from: Timestamp,
    /// No window ends after this instant.
    pub to: Timestamp,
    /// Tables whose rows arrive so long after their TimeGenerated.
    pub delays: BTreeMap<String, Duration>,
    /// The workspace that alerts name.
    pub context: AlertContext,
    /// What a rule's query may take and give. A cancellation ends the replay.
    pub limits: Limits,
}

/// The scheduled instants of a replay: `from` and k frequencies, for k from 1 on, up to `to` included. None for rules that
/// run no query.
pub fn replay_instants(rule: &AnalyticsRule, from: Timestamp, to: Timestamp) -> Option<Instants> {
    let timing = RuleTiming::of(rule)?;
    Some(Instants::until(plus(from, timing.frequency), timing.frequency, to))
}

/// Where a replay begins that has so many windows, the last of which ends at `to`. `None` for a rule that runs no query.
pub fn replay_start(rule: &AnalyticsRule, to: Timestamp, windows: u32) -> Option<Timestamp> {
    let frequency = RuleTiming::of(rule)?.frequency;
    Some(minus(to, Duration::from_ticks(frequency.ticks().saturating_mul(i64::from(windows)))))
}

/// How a window of a replay ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ReplayStatus {
    /// The trigger fired.
    Alert,
    /// The query ran, and the trigger did not fire.
    BelowThreshold,
    /// The query did not run.
    Failed,
    /// The run was left out because of the last alert.
    Suppressed,
}

impl From<RunStatus> for ReplayStatus {
    fn from(status: RunStatus) -> Self {
        match status {
            RunStatus::Alert => ReplayStatus::Alert,
            RunStatus::BelowThreshold => ReplayStatus::BelowThreshold,
            RunStatus::Failed => ReplayStatus::Failed,
        }
    }
}

/// One window of a replay.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ReplayWindow {
    /// Its start.
    pub start: Timestamp,
    /// Its end, the scheduled instant.
    pub end: Timestamp,
    /// How it ended.
    pub status: ReplayStatus,
    /// Rows of the query.
    pub results: usize,
    /// Alerts.
    pub alerts: usize,
    /// Why it failed.
    pub error: Option<RunError>,
    /// What it gives when all rows arrive at once; only where delays are simulated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub without_delay: Option<WithoutDelay>,
}

/// A window as it is when all rows arrive at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct WithoutDelay {
    /// How it ends.
    pub status: ReplayStatus,
    /// Rows of the query.
    pub results: usize,
    /// Alerts.
    pub alerts: usize,
}

impl ReplayWindow {
    /// Rows that the window lacks because they arrive late.
    pub fn lost_results(&self) -> usize {
        self.without_delay.map_or(0, |whole| whole.results.saturating_sub(self.results))
    }

    /// Alerts that the window lacks because rows arrive late.
    pub fn lost_alerts(&self) -> usize {
        self.without_delay.map_or(0, |whole| whole.alerts.saturating_sub(self.alerts))
    }
}

/// The figures of a replay.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ReplaySummary {
    /// Windows.
    pub windows: usize,
    /// Windows with alerts.
    pub windows_with_alerts: usize,
    /// Windows that were left out because of the last alert.
    pub suppressed: usize,
    /// Windows that failed.
    pub failed: usize,
    /// Rows of all windows.
    pub results: usize,
    /// Alerts of all windows.
    pub alerts: usize,
    /// Alerts on an average day of the time between `from` and `to`.
    pub alerts_per_day: f64,
    /// End of the first window with alerts.
    pub first_hit: Option<Timestamp>,
    /// End of the last window with alerts.
    pub last_hit: Option<Timestamp>,
    /// Time that the replay took.
    pub seconds: f64,
    /// What late rows change; only where delays are simulated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delay: Option<DelaySummary>,
}

/// What late rows change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct DelaySummary {
    /// Rows of all windows when rows arrive at once.
    pub results_without_delay: usize,
    /// Alerts of all windows when rows arrive at once.
    pub alerts_without_delay: usize,
    /// Windows with fewer rows.
    pub windows_losing_results: usize,
    /// Windows with fewer alerts.
    pub windows_losing_alerts: usize,
}

/// The past of a rule.
#[derive(Debug, Clone, PartialEq)]
pub struct Replay {
    /// The windows, in order.
    pub windows: Vec<ReplayWindow>,
    /// Their figures.
    pub summary: ReplaySummary,
    /// Whether all windows were looked at; else it was cancelled.
    pub complete: bool,
}

/// Replays a rule. A window that fails does not end the replay. `None` for rules that run no query.
///
/// Runs are left out after an alert as [`is_suppressed`] says. Alerts are written when the run would have started. After
/// each window `on_window` gets it, with the run unless it was suppressed. `stopwatch` tells the time since any fixed
/// moment. `next_id` gives the GUIDs of runs and alerts.
///
/// With [`ReplaySettings::delays`] each window is run twice, as rows arrive and as they would arrive at once, each with
/// its own suppression; `on_window` gets the former.
pub async fn replay(
    engine: &Engine,
    database: &dyn Database,
    rule: &AnalyticsRule,
    settings: &ReplaySettings,
    next_id: &mut (dyn FnMut() -> String + Send),
    stopwatch: &dyn Fn() -> Elapsed,
    on_window: &mut dyn FnMut(&ReplayWindow, Option<&RuleRun>),
) -> Option<Replay> {
    let timing = RuleTiming::of(rule)?;
    let instants = replay_instants(rule, settings.from, settings.to)?;
    let began = stopwatch();
    let mut windows = Vec::new();
    let (mut last_alert, mut last_alert_without_delay) = (None, None);
    let mut complete = true;
    for t in instants.iter() {
        let start = timing.run_start(t);
        let run_settings = RunSettings {
            end: t,
            period: None,
            generated_at: start,
            context: settings.context.clone(),
            limits: settings.limits.clone(),
        };
        let late = LateDatabase::new(database, &settings.delays, start);
        let seen: &dyn Database = if settings.delays.is_empty() { database } else { &late };
        let run = unless_suppressed(engine, seen, rule, &run_settings, &mut last_alert, next_id).await;
        let whole = if settings.delays.is_empty() {
            None
        } else {
            Some(unless_suppressed(engine, database, rule, &run_settings, &mut last_alert_without_delay, next_id).await)
        };
        if settings.limits.cancel.as_ref().is_some_and(kql_engine::Cancel::is_cancelled) {
            complete = false;
            break;
        }
        let window = window(Window::of(rule, t, None), run.as_ref(), whole.as_ref().map(Option::as_ref));
        on_window(&window, run.as_ref());
        windows.push(window);
    }
    let summary = summary(&windows, settings, stopwatch().saturating_sub(began));
    Some(Replay { windows, summary, complete })
}

/// One run, unless the last alert suppresses it.
async fn unless_suppressed(
    engine: &Engine,
    database: &dyn Database,
    rule: &AnalyticsRule,
    settings: &RunSettings,
    last_alert: &mut Option<Timestamp>,
    next_id: &mut (dyn FnMut() -> String + Send),
) -> Option<RuleRun> {
    if rule.suppression_enabled && is_suppressed(settings.end, *last_alert, rule.suppression_duration) {
        return None;
    }
    let run = run_rule(engine, database, rule, settings, next_id).await;
    if !run.alerts().is_empty() {
        *last_alert = Some(settings.end);
    }
    Some(run)
}

fn window(window: Window, run: Option<&RuleRun>, whole: Option<Option<&RuleRun>>) -> ReplayWindow {
    let Window { start, end } = window;
    let without_delay = whole.map(|run| {
        let (status, results, alerts) = figures(run);
        WithoutDelay { status, results, alerts }
    });
    let (status, results, alerts) = figures(run);
    ReplayWindow { start, end, status, results, alerts, error: run.and_then(|r| r.error.clone()), without_delay }
}

fn figures(run: Option<&RuleRun>) -> (ReplayStatus, usize, usize) {
    match run {
        Some(run) => (run.status.into(), run.result.as_ref().map_or(0, QueryResult::row_count), run.alerts().len()),
        None => (ReplayStatus::Suppressed, 0, 0),
    }
}

fn summary(windows: &[ReplayWindow], settings: &ReplaySettings, elapsed: Elapsed) -> ReplaySummary {
    let having = |status: ReplayStatus| windows.iter().filter(|w| w.status == status).count();
    let hits = || windows.iter().filter(|w| w.alerts > 0).map(|w| w.end);
    let alerts: usize = windows.iter().map(|w| w.alerts).sum();
    let days = settings.to.duration_since(settings.from).as_secs_f64() / 86_400.0;
    let delay = (!settings.delays.is_empty()).then(|| DelaySummary {
        results_without_delay: windows.iter().filter_map(|w| w.without_delay).map(|w| w.results).sum(),
        alerts_without_delay: windows.iter().filter_map(|w| w.without_delay).map(|w| w.alerts).sum(),
        windows_losing_results: windows.iter().filter(|w| w.lost_results() > 0).count(),
        windows_losing_alerts: windows.iter().filter(|w| w.lost_alerts() > 0).count(),
    });
    ReplaySummary {
        windows: windows.len(),
        windows_with_alerts: hits().count(),
        suppressed: having(ReplayStatus::Suppressed),
        failed: having(ReplayStatus::Failed),
        results: windows.iter().map(|w| w.results).sum(),
        alerts,
        alerts_per_day: if days > 0.0 { alerts as f64 / days } else { 0.0 },
        first_hit: hits().next(),
        last_hit: hits().next_back(),
        seconds: elapsed.as_secs_f64(),
        delay,
    }
}
