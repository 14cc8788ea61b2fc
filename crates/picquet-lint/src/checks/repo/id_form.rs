//! The id of a rule is not a GUID.
//!
//! ## Why it matters
//!
//! The repository's validation fails, and alerts are tied to their rule by that id.
//!
//! ## How to mend it
//!
//! Write a new GUID (`uuidgen`).

use crate::check::{Check, Run, Set, Severity};
use crate::checks::forms::is_guid;
use crate::context::Context;
use crate::report::Report;

pub(crate) const CHECK: Check = Check {
    code: "PQ402",
    name: "id-form",
    sets: &[Set::Repo],
    severity: Severity::Error,
    fixable: false,
    source: include_str!("id_form.rs"),
    run: Run::Rule(run),
};

fn run(context: &Context<'_>, report: &mut Report<'_>) {
    let Some(id) = context.rule.id.as_deref().filter(|id| !is_guid(id)) else { return };
    let own = context.root.get("id");
    let message = format!("the id `{id}` is not a GUID");
    match own.or_else(|| context.tree.resource().and_then(|resource| resource.get("name"))) {
        Some(place) => report.at(place, message).help("write a GUID such as `uuidgen` gives"),
        None => report.rule(message).help("write a GUID such as `uuidgen` gives"),
    };
}
