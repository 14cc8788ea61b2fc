//! A rule has another id than at the git revision that `--base` names.
//!
//! ## Why it matters
//!
//! Rules made from the template are found by its id: they would never be updated again.
//!
//! ## How to mend it
//!
//! Write the old id again. A rule that finds something else is a new file.

use crate::check::{Check, Run, Set, Severity};
use crate::context::Context;
use crate::report::Report;

pub(crate) const CHECK: Check = Check {
    code: "PQ405",
    name: "id-changed",
    sets: &[Set::Repo],
    severity: Severity::Error,
    fixable: false,
    source: include_str!("id_changed.rs"),
    run: Run::Rule(run),
};

fn run(context: &Context<'_>, report: &mut Report<'_>) {
    let Some(old) = context.previous.and_then(|old| old.id.as_deref()) else { return };
    let Some(id) = context.rule.id.as_deref().filter(|id| *id != old) else { return };
    let message = format!("the id was {old}, and is {id}");
    match context.root.get("id") {
        Some(place) => report.at(place, message).help("write the old id again"),
        None => report.rule(message).help("write the old id again"),
    };
}
