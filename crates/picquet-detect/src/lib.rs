//! Runs Sentinel analytics rules over a database: when they are due, one run as of an instant, a replay of their past,
//! and what a failed run means for the rule.
//!
//! The clock is an argument: [`RunSettings::end`] is the scheduled instant. The query sees
//! `[end - queryPeriod, end]` of TimeGenerated on every table, and `now()` is `end`. Nothing here reads the wall clock;
//! what waits does so on a [`Clock`].

mod clock;
mod failure;
mod instants;
mod late;
mod replay;
mod run;
mod schedule;
mod service;
mod time;
mod watch;

pub use clock::{Clock, TestClock};
pub use failure::{
    AfterFailure, FailurePolicy, FailureState, after_failure, auto_disabled_name, failure_reason, is_cancelled,
};
pub use instants::Instants;
pub use late::LateDatabase;
pub use replay::{
    DelaySummary, Replay, ReplaySettings, ReplayStatus, ReplaySummary, ReplayWindow, WithoutDelay, replay,
    replay_instants, replay_start,
};
pub use run::{RuleRun, RunError, RunSettings, RunStatus, Window, run_rule};
pub use schedule::{
    CATCH_UP_LIMIT, Cadence, CatchUp, NRT_DELAY, NRT_FREQUENCY, Plan, Reanchored, RuleTiming, SCHEDULED_DELAY,
    ScheduleSettings, ScheduleState, SkipReason, Skipped, is_suppressed, plan,
};
pub use service::{
    Begun, Delivered, IncidentEdit, RuleState, RulesChange, RunReport, RunSpent, Service, ServiceSettings, Turn,
    disable_rule, edit_incident, enable_rule,
};
pub use time::{from_ticks, to_ticks};
pub use watch::{Jump, LOOK_EVERY, Look, Watch};
