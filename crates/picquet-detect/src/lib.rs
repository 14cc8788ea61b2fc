//! Runs a Sentinel analytics rule over a database at an instant, as Sentinel's scheduler would have.
//!
//! The clock is an argument: [`RunSettings::end`] is the scheduled instant. The query sees
//! `[end - queryPeriod, end]` of TimeGenerated on every table, and `now()` is `end`. Nothing here reads the wall clock.

mod run;
mod time;

pub use run::{RuleRun, RunError, RunSettings, RunStatus, Window, run_rule};
pub use time::{from_ticks, to_ticks};
