//! A table is read with neither a time filter nor any other condition.
//!
//! ## Why it matters
//!
//! Every row of the period is read and carried through the query. That is dear where the table is large, and the rule may be
//! disabled for it.
//!
//! ## How to mend it
//!
//! Begin with `where TimeGenerated > ago(…)` and with conditions on what is looked for.

use crate::check::{Check, Run, Set, Severity};
use crate::context::Context;
use crate::report::Report;

pub(crate) const CHECK: Check = Check {
    code: "PQ509",
    name: "unfiltered-table",
    sets: &[Set::Style],
    severity: Severity::Advice,
    fixable: false,
    source: include_str!("unfiltered_table.rs"),
    run: Run::Rule(run),
};

fn run(context: &Context<'_>, report: &mut Report<'_>) {
    let Some(query) = context.query.as_ref().filter(|query| query.is_sound()) else { return };
    let mut told = Vec::new();
    for read in query.facts.reads.iter().filter(|read| read.timed && !read.filtered && read.lower.is_none()) {
        if told.contains(&read.span) || !query.holds(read.span, &read.table) {
            continue;
        }
        told.push(read.span);
        let message = format!("`{}` is read with neither a time filter nor any other condition", read.table);
        report.query(read.span, message).help("begin with a time filter and conditions on what is looked for");
    }
}
