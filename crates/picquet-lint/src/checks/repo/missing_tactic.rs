//! ATT&CK lists a technique under several tactics, and the rule has some of them but not all.
//!
//! ## Why it matters
//!
//! The repository's validation demands every tactic of every technique.
//!
//! ## How to mend it
//!
//! Add the tactics, or a sub-technique that belongs to the rule's tactics alone.

use crate::check::{Check, Run, Set, Severity};
use crate::checks::techniques;
use crate::context::Context;
use crate::report::Report;

pub(crate) const CHECK: Check = Check {
    code: "PQ407",
    name: "missing-tactic",
    sets: &[Set::Repo],
    severity: Severity::Warning,
    fixable: false,
    source: include_str!("missing_tactic.rs"),
    run: Run::Rule(run),
};

fn run(context: &Context<'_>, report: &mut Report<'_>) {
    for (place, id, technique) in techniques::known(context) {
        let has = |tactic: &&String| context.rule.tactics.contains(tactic);
        let missing: Vec<&str> = technique.tactics.iter().filter(|t| !has(t)).map(String::as_str).collect();
        if missing.is_empty() || !technique.tactics.iter().any(|tactic| has(&tactic)) {
            continue;
        }
        let message = format!("{id} ({}) belongs to {}, too", technique.name, missing.join(", "));
        report.at(place, message).help(format!("add {} to `tactics`", missing.join(", ")));
    }
}
