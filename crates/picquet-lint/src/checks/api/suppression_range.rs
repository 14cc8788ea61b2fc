//! The suppression lasts longer than a day, or no time at all although it is on.
//!
//! ## Why it matters
//!
//! Azure refuses the rule when it is deployed.
//!
//! ## How to mend it
//!
//! Write a duration up to `24h`.

use crate::check::{Check, Run, Set, Severity};
use crate::context::Context;
use crate::limits;
use crate::report::Report;

pub(crate) const CHECK: Check = Check {
    code: "PQ315",
    name: "suppression-range",
    sets: &[Set::Api],
    severity: Severity::Error,
    fixable: false,
    source: include_str!("suppression_range.rs"),
    run: Run::Rule(run),
};

fn run(context: &Context<'_>, report: &mut Report<'_>) {
    let Some(place) = context.root.get("suppressionDuration") else { return };
    let duration = context.rule.suppression_duration;
    let nothing = context.rule.suppression_enabled && duration.ticks() == 0;
    if duration > limits::SUPPRESSION || nothing {
        let message = format!("the suppression lasts {duration}, and may last up to 24h");
        report.at(place, message).help("write a duration up to 24h, such as 5h");
    }
}
