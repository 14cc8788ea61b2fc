//! The frequency or the period of a scheduled rule is shorter than five minutes or longer than fourteen days.
//!
//! ## Why it matters
//!
//! Azure refuses the rule when it is deployed.
//!
//! ## How to mend it
//!
//! Write a duration from `5m` to `14d`. A query that needs older data has to keep it elsewhere, as in a watchlist or a summary
//! table.

use picquet_rules::RuleKind;

use crate::check::{Check, Run, Set, Severity};
use crate::context::Context;
use crate::limits;
use crate::report::Report;

pub(crate) const CHECK: Check = Check {
    code: "PQ311",
    name: "schedule-range",
    sets: &[Set::Api, Set::Repo],
    severity: Severity::Error,
    fixable: false,
    source: include_str!("schedule_range.rs"),
    run: Run::Rule(run),
};

fn run(context: &Context<'_>, report: &mut Report<'_>) {
    if context.rule.kind != RuleKind::Scheduled {
        return;
    }
    let durations = [("queryFrequency", context.rule.query_frequency), ("queryPeriod", context.rule.query_period)];
    for (key, duration) in durations {
        let Some(place) = context.root.get(key) else { continue };
        if !(limits::SHORTEST_SCHEDULE..=limits::LONGEST_SCHEDULE).contains(&duration) {
            let message = format!("`{key}` is {duration}, and may be 5m to 14d");
            report.at(place, message).help("write a duration from 5m to 14d");
        }
    }
}
