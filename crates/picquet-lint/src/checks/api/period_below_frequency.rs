//! The rule looks back over less time than lies between two runs.
//!
//! ## Why it matters
//!
//! What happens between the windows would be seen by no run. Azure refuses the rule when it is deployed.
//!
//! ## How to mend it
//!
//! Make `queryPeriod` at least as long as `queryFrequency`.

use picquet_rules::RuleKind;

use crate::check::{Check, Run, Set, Severity};
use crate::context::Context;
use crate::report::Report;

pub(crate) const CHECK: Check = Check {
    code: "PQ312",
    name: "period-below-frequency",
    sets: &[Set::Api, Set::Repo],
    severity: Severity::Error,
    fixable: false,
    source: include_str!("period_below_frequency.rs"),
    run: Run::Rule(run),
};

fn run(context: &Context<'_>, report: &mut Report<'_>) {
    let (period, frequency) = (context.rule.query_period, context.rule.query_frequency);
    if context.rule.kind != RuleKind::Scheduled || period >= frequency {
        return;
    }
    let Some(place) = context.root.get("queryPeriod") else { return };
    let message = format!("a run sees {period}, and the next one comes after {frequency}");
    report.at(place, message).help(format!("write a period of {frequency} or more"));
}
