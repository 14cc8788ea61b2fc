//! What a failed run means for its rule: try again, wait, or switch the rule off.

use jiff::Timestamp;
use picquet_rules::{Duration, HealthReason};
use serde::{Deserialize, Serialize};

use crate::instants::plus;
use crate::run::{RunError, SEVERAL_RESULTS};

/// What Sentinel puts in front of the name of a rule that it switched off.
const AUTO_DISABLED: &str = "AUTO DISABLED";

/// Whether a run was ended from outside, which says nothing about its rule.
pub fn is_cancelled(error: &RunError) -> bool {
    error.code == FAILED && error.message.contains("Query execution was cancelled")
}

/// Why a run failed, as rule health tells it.
pub fn failure_reason(error: &RunError) -> HealthReason {
    match error.code.as_str() {
        // Errors of the lexer and the parser.
        "KS001" | "KS002" | "KS003" | "KS004" | "KS005" | "KS006" => HealthReason::SyntaxError,
        "KS204" => HealthReason::TableNotFound,
        "KS211" => HealthReason::FunctionNotFound,
        SEVERAL_RESULTS => HealthReason::MultipleResultSets,
        FAILED => of_message(&error.message),
        _ => HealthReason::SemanticError,
    }
}

/// Code of a query that was valid and failed while it ran.
const FAILED: &str = "PQ100";

/// The reason of a query that failed while it ran, by Kusto's own codes where it has some. What is not known passes.
fn of_message(message: &str) -> HealthReason {
    const KNOWN: [(&str, HealthReason); 6] = [
        ("0x80DA0006", HealthReason::Timeout),
        ("E_RUNAWAY_QUERY", HealthReason::TooManyResources),
        ("E_QUERY_RESULT_SET_TOO_LARGE", HealthReason::TooManyResources),
        ("the query needs more than there is", HealthReason::TooManyResources),
        ("the query has no tabular expression", HealthReason::SemanticError),
        // Of `externaldata`: nobody has allowed the place.
        ("not allowed: allow it with --allow-external", HealthReason::StorageDenied),
    ];
    let known = KNOWN.iter().find(|(words, _)| message.contains(words));
    known.map_or(HealthReason::InternalError, |(_, reason)| *reason)
}

/// How often and how long failures are put up with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FailurePolicy {
    /// How often a run is tried again after a transient failure; then the rule waits for its next instant.
    pub retries: u32,
    /// How long to wait before the first of these.
    pub first_wait: Duration,
    /// By how much each wait is longer than the one before.
    pub growth: u32,
    /// The longest wait.
    pub longest_wait: Duration,
    /// How many permanent failures for the same reason, one after the other, switch the rule off.
    pub disable_after: u32,
}

impl Default for FailurePolicy {
    /// [I] Sentinel publishes none of these figures.
    fn default() -> Self {
        FailurePolicy {
            retries: 5,
            first_wait: Duration::from_minutes(1),
            growth: 2,
            longest_wait: Duration::from_minutes(30),
            disable_after: 5,
        }
    }
}

impl FailurePolicy {
    /// How long to wait before a retry, counted from 0.
    fn wait(&self, retry: u32) -> Duration {
        let factor = i64::from(self.growth.max(1)).saturating_pow(retry);
        Duration::from_ticks(self.first_wait.ticks().saturating_mul(factor)).min(self.longest_wait)
    }
}

/// What is kept of a rule's failures between runs. The default is that of a rule whose last run succeeded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct FailureState {
    /// How often the run for the present instant was tried again.
    pub retries: u32,
    /// The reason of the last run, where it failed permanently.
    pub permanent: Option<HealthReason>,
    /// How many runs, one after the other, failed for it.
    pub consecutive: u32,
}

/// What to do after a failed run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AfterFailure {
    /// Run it again, for the same scheduled instant, at this time.
    Retry(Timestamp),
    /// Leave it, and wait for the next scheduled instant.
    NextRun,
    /// Switch the rule off.
    Disable,
}

/// Judges a run that failed at `now`. After one that succeeded the state is [`FailureState::default`].
///
/// Transient failures are tried again and never switch a rule off; [I] they also begin the count of permanent ones anew.
/// Permanent ones are not tried again before the next instant.
pub fn after_failure(
    state: FailureState,
    reason: HealthReason,
    now: Timestamp,
    policy: &FailurePolicy,
) -> (FailureState, AfterFailure) {
    if reason.is_permanent() {
        let before = if state.permanent == Some(reason) { state.consecutive } else { 0 };
        let consecutive = before.saturating_add(1);
        let next = FailureState { retries: 0, permanent: Some(reason), consecutive };
        let disable = consecutive >= policy.disable_after.max(1);
        return (next, if disable { AfterFailure::Disable } else { AfterFailure::NextRun });
    }
    if state.retries >= policy.retries {
        return (FailureState::default(), AfterFailure::NextRun);
    }
    let next = FailureState { retries: state.retries + 1, ..FailureState::default() };
    (next, AfterFailure::Retry(plus(now, policy.wait(state.retries))))
}

/// The name of a rule that was switched off because of its failures.
pub fn auto_disabled_name(name: &str) -> String {
    if is_auto_disabled(name) { name.to_string() } else { format!("{AUTO_DISABLED} {name}") }
}

/// Whether a name is that of a rule that was switched off because of its failures.
pub(crate) fn is_auto_disabled(name: &str) -> bool {
    name.starts_with(AUTO_DISABLED)
}

/// The name that a rule had before it was switched off because of its failures.
pub(crate) fn own_name(name: &str) -> &str {
    name.strip_prefix(AUTO_DISABLED).map_or(name, str::trim_start)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(code: &str, message: &str) -> RunError {
        RunError {
            code: code.to_string(),
            message: message.to_string(),
            help: None,
            file: "rule.yaml".to_string(),
            line: None,
            column: None,
            diagnostics: Vec::new(),
        }
    }

    #[test]
    fn section_2_2_reasons_by_code_and_message() {
        for (code, message, reason, permanent) in [
            ("KS204", "The name 'T' does not refer to any known table, …", HealthReason::TableNotFound, true),
            ("KS211", "The name 'f' does not refer to any known function.", HealthReason::FunctionNotFound, true),
            ("KS006", "…", HealthReason::SyntaxError, true),
            ("KS142", "The name 'x' does not refer to any known column, …", HealthReason::SemanticError, true),
            ("PQ110", "the query has 2 result sets; a rule's has one", HealthReason::MultipleResultSets, true),
            ("PQ100", "Query execution has resulted in error (0x80DA0006): …", HealthReason::Timeout, false),
            ("PQ100", "… memory budget of 1 GB … (E_RUNAWAY_QUERY)", HealthReason::TooManyResources, true),
            ("PQ100", "… (E_QUERY_RESULT_SET_TOO_LARGE)", HealthReason::TooManyResources, true),
            ("PQ100", "externaldata: no answer from https://feeds.example", HealthReason::InternalError, false),
            (
                "PQ100",
                "externaldata: not allowed: allow it with --allow-external /lists, or …",
                HealthReason::StorageDenied,
                true,
            ),
            ("PQ100", "something nobody has seen before", HealthReason::InternalError, false),
        ] {
            let found = failure_reason(&error(code, message));
            assert_eq!((found, found.is_permanent()), (reason, permanent), "{code} {message}");
        }
    }

    #[test]
    fn a_run_that_was_ended_from_outside() {
        assert!(is_cancelled(&error("PQ100", "Query execution was cancelled.")));
        assert!(!is_cancelled(&error("PQ100", "something nobody has seen before")));
    }

    #[test]
    fn section_2_2_transient_failures_are_retried_with_growing_waits_and_never_disable() {
        let policy = FailurePolicy { retries: 6, ..FailurePolicy::default() };
        let start: Timestamp = "2026-03-14T00:05:00Z".parse().unwrap();
        let (mut now, mut state, mut waits) = (start, FailureState::default(), Vec::new());
        for _ in 0..3 {
            loop {
                let (next, after) = after_failure(state, HealthReason::Timeout, now, &policy);
                state = next;
                match after {
                    AfterFailure::Retry(at) => {
                        waits.push(at.duration_since(now).as_mins());
                        now = at;
                    }
                    AfterFailure::NextRun => break,
                    AfterFailure::Disable => panic!("disabled"),
                }
            }
            assert_eq!(state, FailureState::default(), "the next instant begins anew");
        }
        assert_eq!(waits, [[1, 2, 4, 8, 16, 30]; 3].concat());
    }

    #[test]
    fn section_2_2_five_permanent_failures_of_the_same_reason_disable() {
        use HealthReason::{FunctionNotFound, TableNotFound, Timeout};
        let run = |reasons: &[HealthReason]| {
            let policy = FailurePolicy::default();
            let mut last = (FailureState::default(), AfterFailure::NextRun);
            for reason in reasons {
                last = after_failure(last.0, *reason, Timestamp::UNIX_EPOCH, &policy);
            }
            last
        };
        assert_eq!(run(&[TableNotFound; 4]).1, AfterFailure::NextRun);
        assert_eq!(run(&[TableNotFound; 5]).1, AfterFailure::Disable);
        let mixed = [TableNotFound, TableNotFound, TableNotFound, TableNotFound, FunctionNotFound, TableNotFound];
        assert_eq!(
            run(&mixed),
            (FailureState { retries: 0, permanent: Some(TableNotFound), consecutive: 1 }, AfterFailure::NextRun)
        );
        let interrupted = [TableNotFound, TableNotFound, TableNotFound, TableNotFound, Timeout, TableNotFound];
        assert_eq!(run(&interrupted).0.consecutive, 1);
    }

    #[test]
    fn section_2_2_names_of_disabled_rules() {
        assert_eq!(auto_disabled_name("Rare command"), "AUTO DISABLED Rare command");
        assert_eq!(auto_disabled_name("AUTO DISABLED Rare command"), "AUTO DISABLED Rare command");
        assert_eq!(own_name("AUTO DISABLED Rare command"), "Rare command");
        assert_eq!(own_name("Rare command"), "Rare command");
    }

    #[test]
    fn failures_are_kept_over_restarts() {
        let state = FailureState { retries: 2, permanent: Some(HealthReason::TableNotFound), consecutive: 3 };
        let text = serde_json::to_string(&state).unwrap();
        assert_eq!(text, r#"{"retries":2,"permanent":"TableNotFound","consecutive":3}"#);
        assert_eq!(serde_json::from_str::<FailureState>(&text).unwrap(), state);
    }
}
