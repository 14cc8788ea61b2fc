//! What is due at a look at the clock.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration as StdDuration, Instant};

use jiff::Timestamp;
use kql_engine::{Limits, Spent};
use picquet_rules::AnalyticsRule;
use picquet_store::{Result, RuleRow, RunRow};
use tokio::task::JoinSet;

use super::Service;
use super::rules::{Retry, RuleState};
use crate::failure::{AfterFailure, FailureState, after_failure, failure_reason, is_cancelled};
use crate::run::{RunSettings, RunStatus, ask, judge};
use crate::schedule::{Plan, RuleTiming, SkipReason, plan};
use crate::watch::Look;

/// A run, as it ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunReport {
    /// The rule's id.
    pub rule: String,
    /// Its name.
    pub name: String,
    /// The scheduled instant.
    pub scheduled: Timestamp,
    /// How the run ended; none where it is to be tried again.
    pub status: Option<RunStatus>,
    /// Rows of the result.
    pub results: usize,
    /// Alerts raised.
    pub alerts: usize,
    /// Incidents that are new or changed.
    pub incidents: usize,
    /// Why it failed.
    pub error: Option<String>,
    /// Where its time went.
    pub spent: RunSpent,
}

/// The time that a run took, by what it was spent on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RunSpent {
    /// Waiting for files that are being taken in, and looking at the tables as they are.
    pub opening: StdDuration,
    /// The query.
    pub query: Spent,
    /// Making alerts of its rows.
    pub judging: StdDuration,
    /// Keeping what came of it.
    pub keeping: StdDuration,
}

impl RunSpent {
    /// All of it.
    pub fn total(&self) -> StdDuration {
        let query = self.query.binding + self.query.planning + self.query.running;
        self.opening + query + self.judging + self.keeping
    }
}

/// What a turn did.
#[derive(Debug, Default)]
pub struct Turn {
    /// The runs, as they ended.
    pub runs: Vec<RunReport>,
    /// When the next run is due, where one is.
    pub next: Option<Timestamp>,
}

/// Instants that were passed over together and are remembered one by one; the rest is only told in the log.
const MOST_PASSED_OVER: usize = 10_000;

/// So many runs of a rule are done in one go: one that has much to catch up does not keep the others waiting.
const MOST_AT_ONCE: usize = 10;

/// Runs that were begun, each rule's in a task of its own. Who drops it ends them.
#[derive(Default)]
pub struct Begun {
    tasks: JoinSet<Option<Turn>>,
    /// When the next run is due of rules that have nothing to do now.
    pub next: Option<Timestamp>,
}

impl Begun {
    /// Whether nothing was begun.
    pub fn is_empty(&self) -> bool {
        self.tasks.is_empty()
    }

    /// What the next rule to end did; `None` once all have ended.
    pub async fn ended(&mut self) -> Option<Turn> {
        loop {
            match self.tasks.join_next().await? {
                Ok(Some(turn)) => return Some(turn),
                Ok(None) => {}
                Err(error) => tracing::error!(%error, "a rule's run broke off; please report it"),
            }
        }
    }
}

/// A rule at work, which is not begun again meanwhile.
struct Busy {
    busy: Arc<Mutex<HashSet<String>>>,
    rule: String,
}

impl Busy {
    fn begin(service: &Service, rule: &str) -> Option<Busy> {
        let busy = Arc::clone(&service.busy);
        let is_new = busy.lock().unwrap_or_else(PoisonError::into_inner).insert(rule.to_string());
        is_new.then(|| Busy { busy, rule: rule.to_string() })
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.busy.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.rule);
    }
}

impl Service {
    /// Runs everything that is due, and waits for it.
    pub async fn turn(&self, look: Look) -> Turn {
        let mut all = Turn::default();
        loop {
            let mut begun = self.begin(look);
            let before = all.runs.len();
            all.next = begun.next;
            while let Some(turn) = begun.ended().await {
                all.runs.extend(turn.runs);
                all.next = earliest(all.next, turn.next);
            }
            let is_left = all.next.is_some_and(|next| next <= look.now);
            if !is_left || all.runs.len() == before {
                return all;
            }
        }
    }

    /// Begins everything that is due: each rule's runs in order, rules side by side, as many as the settings say. What one
    /// rule meets does not touch another; one that is still at work is left alone. The state is asked for the rules each
    /// time, so that they may be switched off and on from outside.
    pub fn begin(&self, look: Look) -> Begun {
        let mut begun = Begun::default();
        let rows = match self.workspace.state().rules() {
            Ok(rows) => rows,
            Err(error) => {
                tracing::error!(%error, "the rules' state cannot be read");
                return begun;
            }
        };
        let rows: HashMap<String, RuleRow> = rows.into_iter().map(|row| (row.id.clone(), row)).collect();
        for rule in self.rule_list() {
            let Some(row) = rows.get(rule.rule_id()) else { continue };
            match self.idle_until(&rule, row, look) {
                Ok(Some(next)) => begun.next = earliest(begun.next, next),
                Ok(None) => {
                    let Some(busy) = Busy::begin(self, rule.rule_id()) else { continue };
                    let service = self.clone();
                    begun.tasks.spawn(async move {
                        let _busy = busy;
                        let _turn = service.turns.acquire().await.ok()?;
                        let name = rule.name.clone();
                        let turn = service.turn_of(rule, look).await;
                        let told = |error: &_| tracing::error!(rule = name, %error, "the rule's run was not kept");
                        turn.inspect_err(told).ok()
                    });
                }
                Err(error) => tracing::error!(rule = rule.name, %error, "the rule's state cannot be read"),
            }
        }
        begun
    }

    /// When a rule has something to do that has nothing to do now.
    fn idle_until(&self, rule: &AnalyticsRule, row: &RuleRow, look: Look) -> Result<Option<Option<Timestamp>>> {
        let Some(timing) = timing_of(rule, row) else { return Ok(Some(None)) };
        let state = RuleState::of(row)?;
        let plan = plan(&timing, state.schedule.as_ref(), look, &self.settings.schedule);
        if let Some(retry) = state.retry.filter(|retry| Some(retry.scheduled) == plan.due.first()) {
            return Ok((retry.at > look.now).then_some(earliest(plan.next, Some(retry.at))));
        }
        let unchanged = state.schedule.as_ref() == Some(&plan.state);
        Ok((unchanged && plan.due.is_empty() && plan.skipped.is_empty()).then_some(plan.next))
    }

    async fn turn_of(&self, rule: Arc<AnalyticsRule>, look: Look) -> Result<Turn> {
        let mut turn = Turn::default();
        // As it is now that nobody else works on it.
        let Some(mut row) = self.workspace.state().rule(rule.rule_id())? else { return Ok(turn) };
        let Some(timing) = timing_of(&rule, &row) else { return Ok(turn) };
        let mut state = RuleState::of(&row)?;
        let version = row.hash.clone();
        let Plan { state: schedule, due, skipped, next, reanchored } =
            plan(&timing, state.schedule.as_ref(), look, &self.settings.schedule);
        turn.next = next;
        let changed = state.schedule.as_ref() != Some(&schedule);
        state.schedule = Some(schedule);
        if let Some(reanchored) = reanchored {
            tracing::warn!(rule = rule.name, expected = %reanchored.expected, now = %reanchored.anchor,
                "the clock went back: the schedule begins anew");
        }
        for skip in &skipped {
            let (count, reason) = (skip.instants.count(), skip_text(skip.reason));
            tracing::warn!(rule = rule.name, count, reason, "runs were passed over");
        }
        if !skipped.is_empty() || changed && due.is_empty() {
            self.keep_state(&mut row, &state, &skipped)?;
        }
        for (at, scheduled) in due.iter().enumerate() {
            if at == MOST_AT_ONCE {
                turn.next = Some(look.now);
                break;
            }
            if let Some(retry) = state.retry.filter(|retry| retry.scheduled == scheduled && retry.at > look.now) {
                turn.next = earliest(turn.next, Some(retry.at));
                break;
            }
            let (report, go_on) = self.run_once(&rule, &mut row, &mut state, scheduled).await?;
            if let Some(retry) = state.retry {
                turn.next = earliest(turn.next, Some(retry.at));
            }
            turn.runs.extend(report);
            // Somebody may have edited it, switched it off or taken it away meanwhile.
            if !go_on || row.hash != version || !row.present || !row.disabled_reason.is_empty() {
                break;
            }
        }
        Ok(turn)
    }

    fn keep_state(&self, row: &mut RuleRow, state: &RuleState, skipped: &[crate::schedule::Skipped]) -> Result<()> {
        let now = self.now();
        self.workspace.change(|change| {
            for skip in skipped {
                for scheduled in skip.instants.iter().take(MOST_PASSED_OVER) {
                    if !change.has_run(&row.id, scheduled)? {
                        change.add_run(&passed_over(&row.id, scheduled, now, skip_text(skip.reason)))?;
                    }
                }
            }
            state.keep(change, row).map(|_| ())
        })
    }

    /// One run; whether the rule's next one may follow.
    async fn run_once(
        &self,
        rule: &AnalyticsRule,
        row: &mut RuleRow,
        state: &mut RuleState,
        scheduled: Timestamp,
    ) -> Result<(Option<RunReport>, bool)> {
        if state.schedule.as_ref().is_some_and(|schedule| schedule.suppresses(rule, scheduled)) {
            if let Some(schedule) = &mut state.schedule {
                schedule.settle(scheduled);
            }
            self.keep_suppressed(row, state, scheduled)?;
            return Ok((None, true));
        }
        let wait = StdDuration::from_nanos(u64::try_from(self.settings.ingestion_wait.ticks()).unwrap_or(0) * 100);
        let mut begun = Instant::now();
        let mut lap = || std::mem::replace(&mut begun, Instant::now()).elapsed();
        let complete = self.workspace.taken_in(scheduled, wait).await;
        let started = self.now();
        let snapshot = self.workspace.snapshot()?;
        let timeout = StdDuration::from_nanos(u64::try_from(self.settings.timeout.ticks()).unwrap_or(0) * 100);
        let settings = RunSettings {
            end: scheduled,
            period: None,
            generated_at: started,
            context: self.settings.context.clone(),
            limits: Limits { timeout: Some(timeout), cancel: Some(self.cancel.clone()), ..Limits::default() },
        };
        let opening = lap();
        let answer = ask(&self.engine, &snapshot, rule, &settings).await;
        drop(snapshot);
        lap();
        let mut run = judge(rule, &settings, answer, &mut || self.next_id());
        let judging = lap();
        let mut report = RunReport {
            rule: row.id.clone(),
            name: rule.name.clone(),
            scheduled,
            status: Some(run.status),
            results: run.output.row_count,
            alerts: run.output.alerts.len(),
            incidents: 0,
            error: run.error.as_ref().map(|error| error.message.clone()),
            spent: RunSpent { opening, query: run.spent, judging, keeping: StdDuration::ZERO },
        };
        let attempts = state.failure.retries + 1;
        let mut disable = false;
        if let Some(error) = &run.error {
            if is_cancelled(error) {
                // Nothing happened: the run is done again at the next start.
                report.status = None;
                return Ok((Some(report), false));
            }
            let (failure, after) =
                after_failure(state.failure, failure_reason(error), self.now(), &self.settings.failures);
            state.failure = failure;
            match after {
                AfterFailure::Retry(at) => {
                    tracing::warn!(rule = rule.name, %scheduled, error = error.message, retry = %at, "a run failed");
                    state.retry = Some(Retry { scheduled, at });
                    self.keep_state(row, state, &[])?;
                    report.status = None;
                    return Ok((Some(report), false));
                }
                AfterFailure::NextRun => {}
                AfterFailure::Disable => disable = true,
            }
        } else {
            state.failure = FailureState::default();
        }
        state.retry = None;
        if let Some(schedule) = &mut state.schedule {
            schedule.settle(scheduled);
            if !run.output.alerts.is_empty() {
                schedule.alerted(scheduled);
            }
        }
        report.incidents = self.commit(rule, row, state, &mut run, started, attempts, disable, complete)?;
        report.spent.keeping = lap();
        Ok((Some(report), !disable))
    }

    fn keep_suppressed(&self, row: &mut RuleRow, state: &RuleState, scheduled: Timestamp) -> Result<()> {
        let now = self.now();
        let id = row.id.clone();
        self.workspace.change(|change| {
            if !change.has_run(&id, scheduled)? {
                change.add_run(&passed_over(&id, scheduled, now, "suppressed"))?;
            }
            Ok(())
        })?;
        self.keep_state(row, state, &[])
    }
}

/// When a rule runs, by itself and by what was done to it.
fn timing_of(rule: &AnalyticsRule, row: &RuleRow) -> Option<RuleTiming> {
    let mut timing = RuleTiming::of(rule)?;
    timing.enabled = rule.enabled && row.disabled_reason.is_empty();
    Some(timing)
}

fn earliest(a: Option<Timestamp>, b: Option<Timestamp>) -> Option<Timestamp> {
    [a, b].into_iter().flatten().min()
}

fn skip_text(reason: SkipReason) -> &'static str {
    match reason {
        SkipReason::TooOld => "too old",
        SkipReason::Missed => "missed",
        SkipReason::Superseded => "superseded",
        SkipReason::Suppressed => "suppressed",
    }
}

/// An instant without a run.
fn passed_over(rule: &str, scheduled: Timestamp, now: Timestamp, status: &str) -> RunRow {
    RunRow {
        rule: rule.to_string(),
        scheduled,
        window_start: scheduled,
        status: status.to_string(),
        results: None,
        alerts: 0,
        attempts: 0,
        error: None,
        started: now,
        ended: now,
    }
}
