//! What is due at a look at the clock.

use std::sync::Arc;
use std::time::Duration as StdDuration;

use futures::StreamExt as _;
use jiff::Timestamp;
use kql_engine::Limits;
use picquet_rules::AnalyticsRule;
use picquet_store::{Result, RuleRow, RunRow};

use super::Service;
use super::rules::{Retry, RuleState, renew};
use crate::failure::{AfterFailure, FailureState, after_failure, failure_reason, is_cancelled};
use crate::run::{RunSettings, RunStatus, run_rule};
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

/// So many runs of a rule are done in one turn: one that has much to catch up does not keep the others waiting.
const MOST_AT_ONCE: usize = 10;

impl Service {
    /// Runs what is due, each rule's runs in order, rules side by side; what is left of many runs is due again at once. What one rule meets does not touch
    /// another. The state is asked for the rules each time, so that they may be switched off and on from outside.
    pub async fn turn(&self, look: Look) -> Turn {
        let rows = match self.workspace.state().rules() {
            Ok(rows) => rows,
            Err(error) => {
                tracing::error!(%error, "the rules' state cannot be read");
                return Turn::default();
            }
        };
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        let parallel = if self.settings.parallel == 0 { processors } else { self.settings.parallel };
        let work = self.rule_list().into_iter().filter_map(|rule| {
            let row = rows.iter().find(|row| row.id == rule.rule_id())?.clone();
            Some(async move {
                let name = rule.name.clone();
                let done = self.turn_of(rule, row, look).await;
                done.inspect_err(|error| tracing::error!(rule = name, %error, "the rule's run was not kept"))
            })
        });
        let done: Vec<Result<Turn>> = futures::stream::iter(work).buffer_unordered(parallel).collect().await;
        let mut all = Turn::default();
        for turn in done.into_iter().flatten() {
            all.runs.extend(turn.runs);
            all.next = [all.next, turn.next].into_iter().flatten().min();
        }
        all
    }

    async fn turn_of(&self, rule: Arc<AnalyticsRule>, mut row: RuleRow, look: Look) -> Result<Turn> {
        let mut turn = Turn::default();
        let Some(mut timing) = RuleTiming::of(&rule) else { return Ok(turn) };
        timing.enabled = rule.enabled && row.disabled_reason.is_empty();
        let mut state = RuleState::of(&row)?;
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
                turn.next = [turn.next, Some(retry.at)].into_iter().flatten().min();
                break;
            }
            let (report, go_on) = self.run_once(&rule, &mut row, &mut state, scheduled).await?;
            if let Some(retry) = state.retry {
                turn.next = [turn.next, Some(retry.at)].into_iter().flatten().min();
            }
            turn.runs.extend(report);
            if !go_on {
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
            renew(change, row)?;
            state.put(row)?;
            change.put_rule(row)
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
        let mut next_id = || self.next_id();
        let run = run_rule(&self.engine, &snapshot, rule, &settings, &mut next_id).await;
        drop(snapshot);
        let mut report = RunReport {
            rule: row.id.clone(),
            name: rule.name.clone(),
            scheduled,
            status: Some(run.status),
            results: run.output.row_count,
            alerts: run.output.alerts.len(),
            incidents: 0,
            error: run.error.as_ref().map(|error| error.message.clone()),
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
        report.incidents = self.commit(rule, row, state, &run, started, attempts, disable, complete)?;
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
