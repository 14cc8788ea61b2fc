//! The query asks for rows from further back than the rule's period.
//!
//! ## Why it matters
//!
//! A run sees only the rows of its period, whatever the query says: `ago(30d)` in a rule over 14 days sees 14 days, and
//! nothing tells so.
//!
//! ## How to mend it
//!
//! Make `queryPeriod` as long as what the query looks at (up to 14 days), or look back less far.

use picquet_rules::{Duration, RuleKind};

use crate::check::{Check, Run, Set, Severity};
use crate::context::Context;
use crate::limits;
use crate::report::Report;
use crate::times;

pub(crate) const CHECK: Check = Check {
    code: "PQ505",
    name: "lookback-beyond-period",
    sets: &[Set::Style],
    severity: Severity::Warning,
    fixable: false,
    source: include_str!("lookback_beyond_period.rs"),
    run: Run::Rule(run),
};

fn run(context: &Context<'_>, report: &mut Report<'_>) {
    let Some(query) = &context.query else { return };
    if context.rule.kind != RuleKind::Scheduled || context.root.get("queryPeriod").is_none() {
        return;
    }
    let period = context.rule.query_period;
    let mut told = Vec::new();
    for read in &query.facts.reads {
        let Some(bound) = read.lower.filter(|bound| !query.absolute.contains(bound)) else { continue };
        let back = Duration::from_ticks(context.options.now - bound.at);
        // What is rounded to whole days or hours may begin before the period.
        let slack =
            if is_rounded(bound.span.text(query.text)) { Duration::from_hours(24) } else { Duration::default() };
        if back.ticks() <= period.ticks() + slack.ticks() || told.contains(&bound.span) {
            continue;
        }
        told.push(bound.span);
        let message = format!("the query asks for {} back, and a run sees {period}", times::words(back));
        let help = if back <= limits::LONGEST_SCHEDULE {
            format!("write a period of {}", times::words(back))
        } else {
            "look back at most 14d, and write that period".to_owned()
        };
        report.query(bound.span, message).help(help);
    }
}

fn is_rounded(text: &str) -> bool {
    !(text.starts_with("ago") && !text.contains("startof") && !text.contains("bin"))
}
