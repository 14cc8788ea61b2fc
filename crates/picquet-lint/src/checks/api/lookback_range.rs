//! The time over which alerts are grouped is shorter than five minutes or longer than seven days.
//!
//! ## Why it matters
//!
//! Azure refuses the rule when it is deployed, even where grouping is off.
//!
//! ## How to mend it
//!
//! Write a duration from `5m` to `7d`; five hours is what the portal proposes.

use crate::check::{Check, Run, Set, Severity};
use crate::context::Context;
use crate::limits;
use crate::report::Report;

pub(crate) const CHECK: Check = Check {
    code: "PQ310",
    name: "lookback-range",
    sets: &[Set::Api],
    severity: Severity::Error,
    fixable: false,
    source: include_str!("lookback_range.rs"),
    run: Run::Rule(run),
};

fn run(context: &Context<'_>, report: &mut Report<'_>) {
    let incidents = context.root.get("incidentConfiguration");
    let grouping = incidents.and_then(|incidents| incidents.get("groupingConfiguration"));
    let Some(place) = grouping.and_then(|grouping| grouping.get("lookbackDuration")) else { return };
    let lookback = context.rule.incident_configuration.grouping.lookback_duration;
    if !(limits::SHORTEST_LOOKBACK..=limits::LONGEST_LOOKBACK).contains(&lookback) {
        let message = format!("alerts are grouped over {lookback}, and may be over 5m to 7d");
        report.at(place, message).help("write a duration from 5m to 7d, such as 5h");
    }
}
