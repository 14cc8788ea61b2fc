//! A rule that looks back over two days or more runs more often than every hour.
//!
//! ## Why it matters
//!
//! Azure refuses the rule when it is deployed.
//!
//! ## How to mend it
//!
//! Run it every hour or less often, or shorten the period.

use picquet_rules::RuleKind;

use crate::check::{Check, Run, Set, Severity};
use crate::context::Context;
use crate::limits;
use crate::report::Report;

pub(crate) const CHECK: Check = Check {
    code: "PQ313",
    name: "long-period-often",
    sets: &[Set::Api, Set::Repo],
    severity: Severity::Error,
    fixable: false,
    source: include_str!("long_period_often.rs"),
    run: Run::Rule(run),
};

fn run(context: &Context<'_>, report: &mut Report<'_>) {
    let (period, frequency) = (context.rule.query_period, context.rule.query_frequency);
    let often = period >= limits::LONG_PERIOD && frequency < limits::FREQUENCY_OF_LONG_PERIOD;
    if context.rule.kind != RuleKind::Scheduled || !often {
        return;
    }
    let Some(place) = context.root.get("queryFrequency") else { return };
    let message = format!("a rule over {period} runs every {frequency}");
    report.at(place, message).help("write a frequency of 1h or more, or a period below 2d");
}
