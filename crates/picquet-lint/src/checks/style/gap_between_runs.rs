//! What the query looks at up to now is shorter than the time between two runs.
//!
//! ## Why it matters
//!
//! Events between the two are seen by no run, although the rule's period covers them.
//!
//! ## How to mend it
//!
//! Look back at least as far as the frequency, or run the rule as often as it looks back.
//!
//! ## Example
//!
//! ```yaml
//! queryFrequency: 1d
//! query: |
//!   SigninLogs
//!   | where TimeGenerated > ago(1h) # 23 of 24 hours are never looked at
//! ```

use picquet_rules::{Duration, RuleKind};

use crate::check::{Check, Run, Set, Severity};
use crate::context::Context;
use crate::facts::Bound;
use crate::report::Report;
use crate::times;

pub(crate) const CHECK: Check = Check {
    code: "PQ507",
    name: "gap-between-runs",
    sets: &[Set::Style],
    severity: Severity::Warning,
    fixable: false,
    source: include_str!("gap_between_runs.rs"),
    run: Run::Rule(run),
};

fn run(context: &Context<'_>, report: &mut Report<'_>) {
    let Some(query) = context.query.as_ref().filter(|query| query.is_sound()) else { return };
    if context.rule.kind != RuleKind::Scheduled || context.root.get("queryFrequency").is_none() {
        return;
    }
    let frequency = context.rule.query_frequency;
    let mut nearest: Option<(Duration, Bound)> = None;
    for read in query.facts.reads.iter().filter(|read| read.timed) {
        let upper = read.upper.filter(|upper| upper.at < context.options.now);
        if upper.is_some() {
            continue;
        }
        // A reading up to now without a lower bound sees the whole period.
        let Some(bound) = read.lower.filter(|bound| !query.absolute.contains(bound)) else { return };
        let back = Duration::from_ticks(context.options.now - bound.at);
        if nearest.is_none_or(|(longest, _)| back > longest) {
            nearest = Some((back, bound));
        }
    }
    let Some((back, bound)) = nearest else { return };
    if back.ticks() > 0 && back < frequency {
        let message = format!("the query looks back {}, and the rule runs every {frequency}", times::words(back));
        report.query(bound.span, message).help(format!("look back {frequency}, or run every {}", times::words(back)));
    }
}
