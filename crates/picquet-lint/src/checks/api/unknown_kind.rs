//! A kind of rule that Sentinel does not have.
//!
//! ## Why it matters
//!
//! Azure refuses the rule when it is deployed.
//!
//! ## How to mend it
//!
//! Write `Scheduled` or `NRT`.

use picquet_rules::{RuleKind, nearest};

use crate::check::{Check, Run, Set, Severity};
use crate::context::Context;
use crate::report::Report;

pub(crate) const CHECK: Check = Check {
    code: "PQ326",
    name: "unknown-kind",
    sets: &[Set::Api, Set::Repo],
    severity: Severity::Error,
    fixable: false,
    source: include_str!("unknown_kind.rs"),
    run: Run::Rule(run),
};

fn run(context: &Context<'_>, report: &mut Report<'_>) {
    let RuleKind::Unknown(kind) = &context.rule.kind else { return };
    let place = context.tree.resource().and_then(|resource| resource.get("kind")).or_else(|| context.root.get("kind"));
    let near = nearest(kind, RuleKind::NAMES.iter().copied()).map(|near| format!("did you mean `{near}`?"));
    let help = near.unwrap_or_else(|| format!("the kinds are {}", RuleKind::NAMES.join(", ")));
    let message = format!("Sentinel has no rules of kind `{kind}`");
    match place {
        Some(place) => report.at(place, message).help(help),
        None => report.rule(message).help(help),
    };
}
