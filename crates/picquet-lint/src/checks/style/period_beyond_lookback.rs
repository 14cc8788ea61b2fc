//! The rule's period is more than twice as long as what the query looks at.
//!
//! ## Why it matters
//!
//! The longer period does nothing, and from two days on it keeps the rule from running more often than every hour.
//!
//! ## How to mend it
//!
//! Write the period that the query needs.

use picquet_rules::{Duration, RuleKind};

use crate::check::{Check, Run, Set, Severity};
use crate::context::Context;
use crate::report::Report;
use crate::times;

pub(crate) const CHECK: Check = Check {
    code: "PQ506",
    name: "period-beyond-lookback",
    sets: &[Set::Style],
    severity: Severity::Advice,
    fixable: false,
    source: include_str!("period_beyond_lookback.rs"),
    run: Run::Rule(run),
};

fn run(context: &Context<'_>, report: &mut Report<'_>) {
    let Some(query) = context.query.as_ref().filter(|query| query.is_sound()) else { return };
    let Some(place) = context.root.get("queryPeriod") else { return };
    let reads = &query.facts.reads;
    if context.rule.kind != RuleKind::Scheduled || reads.is_empty() {
        return;
    }
    let back = |read: &crate::facts::Read| {
        let bound = read.lower.filter(|bound| !query.absolute.contains(bound))?;
        Some(Duration::from_ticks(context.options.now - bound.at))
    };
    let lookbacks: Option<Vec<Duration>> = reads.iter().map(back).collect();
    let Some(longest) = lookbacks.and_then(|list| list.into_iter().max()) else { return };
    let period = context.rule.query_period;
    if longest.ticks() > 0 && period.ticks() > longest.ticks().saturating_mul(2) {
        let message = format!("the period is {period}, and the query looks back {}", times::words(longest));
        report.at(place, message).help(format!("write a period of {}", times::words(longest)));
    }
}
