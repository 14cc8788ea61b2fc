//! The threshold of the trigger is above 10,000.
//!
//! ## Why it matters
//!
//! Azure refuses the rule when it is deployed.
//!
//! ## How to mend it
//!
//! Count in the query, and fire on any row.

use crate::check::{Check, Run, Set, Severity};
use crate::context::Context;
use crate::limits;
use crate::report::Report;

pub(crate) const CHECK: Check = Check {
    code: "PQ314",
    name: "threshold-range",
    sets: &[Set::Api, Set::Repo],
    severity: Severity::Error,
    fixable: false,
    source: include_str!("threshold_range.rs"),
    run: Run::Rule(run),
};

fn run(context: &Context<'_>, report: &mut Report<'_>) {
    let Some(place) = context.root.get("triggerThreshold") else { return };
    let threshold = context.rule.trigger.threshold;
    if threshold > limits::THRESHOLD {
        let message = format!("the threshold is {threshold}, and may be {}", limits::THRESHOLD);
        report.at(place, message).help("count in the query, and fire on any row");
    }
}
