//! The right side of `in` is a table of several columns.
//!
//! ## Why it matters
//!
//! Only the first column is compared, whatever it is: a `project` or a `summarize` that puts another column first changes
//! what the rule finds, and nothing tells so.
//!
//! ## How to mend it
//!
//! End the right side in `| project Column` or `| distinct Column`.

use crate::check::{Check, Run, Set, Severity};
use crate::context::Context;
use crate::report::Report;

pub(crate) const CHECK: Check = Check {
    code: "PQ516",
    name: "several-columns-in",
    sets: &[Set::Style],
    severity: Severity::Warning,
    fixable: false,
    source: include_str!("several_columns_in.rs"),
    run: Run::Rule(run),
};

fn run(context: &Context<'_>, report: &mut Report<'_>) {
    let Some(query) = &context.query else { return };
    let mut told = Vec::new();
    for (span, columns) in query.facts.in_queries.iter().filter(|(_, columns)| columns.len() > 1) {
        if told.contains(span) || !query.holds(*span, "(") {
            continue;
        }
        told.push(*span);
        let first = columns.first().map(String::as_str).unwrap_or_default();
        let message = format!("only `{first}` of the right side's {} columns is compared", columns.len());
        report.query(*span, message).help(format!("end the right side in `| project {first}`"));
    }
}
