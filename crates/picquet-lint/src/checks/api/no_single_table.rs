//! The query gives a single value, a graph, or several tables.
//!
//! ## Why it matters
//!
//! A run of the rule fails: it needs one table, whose rows are counted.
//!
//! ## How to mend it
//!
//! End in one tabular expression: `print x = …` for a value, `union` for several tables.

use crate::answer::Kind;
use crate::check::{Check, Run, Set, Severity};
use crate::context::Context;
use crate::report::Report;

pub(crate) const CHECK: Check = Check {
    code: "PQ328",
    name: "no-single-table",
    sets: &[Set::Api],
    severity: Severity::Error,
    fixable: false,
    source: include_str!("no_single_table.rs"),
    run: Run::Rule(run),
};

fn run(context: &Context<'_>, report: &mut Report<'_>) {
    let Some(query) = context.query.as_ref().filter(|query| query.is_sound()) else { return };
    let several = query.answer.tree.as_ref().is_some_and(|tree| !tree.others.is_empty());
    let what = match query.answer.kind {
        Kind::Scalar => "a single value",
        Kind::Group => "several tables",
        Kind::Graph => "a graph",
        Kind::None => "nothing",
        Kind::Table if several => "several tables",
        Kind::Table => return,
    };
    if let Some(place) = context.root.get("query") {
        report.key(place, format!("the query gives {what}")).help("end in one tabular expression");
    }
}
