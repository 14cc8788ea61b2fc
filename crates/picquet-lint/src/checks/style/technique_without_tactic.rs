//! A technique belongs to none of the rule's tactics.
//!
//! ## Why it matters
//!
//! Sentinel shows techniques under their tactics: this one is shown nowhere.
//!
//! ## How to mend it
//!
//! Add a tactic that ATT&CK lists the technique under, or take the technique out.

use crate::check::{Check, Run, Set, Severity};
use crate::checks::techniques;
use crate::context::Context;
use crate::report::Report;

pub(crate) const CHECK: Check = Check {
    code: "PQ508",
    name: "technique-without-tactic",
    sets: &[Set::Repo, Set::Style],
    severity: Severity::Warning,
    fixable: false,
    source: include_str!("technique_without_tactic.rs"),
    run: Run::Rule(run),
};

fn run(context: &Context<'_>, report: &mut Report<'_>) {
    let unresolved = context.root.get("tactics").is_some_and(|tactics| tactics.is_unresolved());
    for (place, id, technique) in techniques::known(context) {
        if unresolved || technique.tactics.iter().any(|tactic| context.rule.tactics.contains(tactic)) {
            continue;
        }
        let tactics = technique.tactics.join(", ");
        let message = format!("{id} ({}) belongs to none of the rule's tactics", technique.name);
        report.at(place, message).help(format!("ATT&CK lists it under {tactics}"));
    }
}
