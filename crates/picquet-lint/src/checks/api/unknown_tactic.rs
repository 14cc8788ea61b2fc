//! A tactic that Sentinel does not have, or one in another spelling than Sentinel's.
//!
//! ## Why it matters
//!
//! Azure refuses other names; `Command and Control` is written `CommandAndControl`.
//!
//! ## How to mend it
//!
//! Write the tactic's name in one word.

use picquet_rules::{TACTICS, canonical_tactic, nearest};

use crate::check::{Check, Run, Set, Severity};
use crate::context::Context;
use crate::report::Report;

pub(crate) const CHECK: Check = Check {
    code: "PQ320",
    name: "unknown-tactic",
    sets: &[Set::Api, Set::Repo],
    severity: Severity::Error,
    fixable: true,
    source: include_str!("unknown_tactic.rs"),
    run: Run::Rule(run),
};

fn run(context: &Context<'_>, report: &mut Report<'_>) {
    for place in context.root.list("tactics") {
        let Some(text) = place.text().filter(|text| !TACTICS.contains(text)) else { continue };
        if let Some(known) = canonical_tactic(text) {
            let message = format!("the tactic `{text}` is written `{known}`");
            report.at(place, message).help(format!("write `{known}`")).fix(context.replace(place, known));
        } else {
            let near = nearest(text, TACTICS.iter().copied()).map(|near| format!("did you mean `{near}`?"));
            let help = near.unwrap_or_else(|| format!("the tactics are {}", TACTICS.join(", ")));
            report.at(place, format!("Sentinel has no tactic `{text}`")).help(help);
        }
    }
}
