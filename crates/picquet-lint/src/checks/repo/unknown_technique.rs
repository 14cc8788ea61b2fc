//! A technique that ATT&CK's enterprise matrix does not have, or that it has withdrawn.
//!
//! Techniques of the industrial matrix (`T0800` and above) are not looked at.
//!
//! ## Why it matters
//!
//! The alert shows no technique, and coverage by technique counts the rule for nothing.
//!
//! ## How to mend it
//!
//! Look the technique up at [attack.mitre.org](https://attack.mitre.org): a withdrawn one names what has replaced it.

use crate::attack::Attack;
use crate::check::{Check, Run, Set, Severity};
use crate::checks::forms::is_technique;
use crate::context::Context;
use crate::report::Report;

pub(crate) const CHECK: Check = Check {
    code: "PQ406",
    name: "unknown-technique",
    sets: &[Set::Repo, Set::Style],
    severity: Severity::Warning,
    fixable: false,
    source: include_str!("unknown_technique.rs"),
    run: Run::Rule(run),
};

fn run(context: &Context<'_>, report: &mut Report<'_>) {
    let attack = Attack::builtin();
    for place in ["relevantTechniques", "techniques", "subTechniques"].iter().flat_map(|key| context.root.list(key)) {
        let Some(id) = place.text().filter(|id| is_technique(id) && !Attack::is_industrial(id)) else { continue };
        match attack.technique(id) {
            None => {
                let message = format!("ATT&CK {} has no technique {id}", attack.version);
                report.at(place, message).help("look the id up at attack.mitre.org");
            }
            Some(technique) if technique.retired => {
                let message = format!("ATT&CK {} has withdrawn {id} ({})", attack.version, technique.name);
                report.at(place, message).help(format!("see attack.mitre.org/techniques/{id} for what replaces it"));
            }
            Some(_) => {}
        }
    }
}
