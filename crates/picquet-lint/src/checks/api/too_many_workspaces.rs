//! The query names more than twenty workspaces.
//!
//! ## Why it matters
//!
//! A run of the rule fails.
//!
//! ## How to mend it
//!
//! Split the rule, or move the logs into fewer workspaces.

use crate::check::{Check, Run, Set, Severity};
use crate::checks::workspaces;
use crate::context::Context;
use crate::limits;
use crate::report::Report;

pub(crate) const CHECK: Check = Check {
    code: "PQ323",
    name: "too-many-workspaces",
    sets: &[Set::Api],
    severity: Severity::Error,
    fixable: false,
    source: include_str!("too_many_workspaces.rs"),
    run: Run::Rule(run),
};

fn run(context: &Context<'_>, report: &mut Report<'_>) {
    let Some(query) = &context.query else { return };
    let mut names: Vec<String> = Vec::new();
    for (span, name) in workspaces::named(&query.syntax) {
        if names.contains(&name) {
            continue;
        }
        names.push(name);
        if names.len() == limits::WORKSPACES + 1 {
            let message = format!("the query names more than {} workspaces", limits::WORKSPACES);
            report.query(span, message).help("split the rule");
        }
    }
}
