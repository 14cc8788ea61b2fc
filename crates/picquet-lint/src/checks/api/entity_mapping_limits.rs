//! More entity mappings than a rule may have, more identifiers than a mapping may have, a mapping without identifiers, or
//! with one identifier twice.
//!
//! A rule may have ten mappings, a mapping one to three different identifiers.
//!
//! ## Why it matters
//!
//! Azure refuses the rule when it is deployed.
//!
//! ## How to mend it
//!
//! Keep the identifiers that identify the entity best, and give further entities mappings of their own.

use crate::check::{Check, Run, Set, Severity};
use crate::context::Context;
use crate::limits;
use crate::report::Report;

pub(crate) const CHECK: Check = Check {
    code: "PQ303",
    name: "entity-mapping-limits",
    sets: &[Set::Api, Set::Repo],
    severity: Severity::Error,
    fixable: false,
    source: include_str!("entity_mapping_limits.rs"),
    run: Run::Rule(run),
};

fn run(context: &Context<'_>, report: &mut Report<'_>) {
    let mappings = context.root.list("entityMappings");
    if let Some(place) = mappings.get(limits::ENTITY_MAPPINGS) {
        let message = format!("{} entity mappings, and a rule may have {}", mappings.len(), limits::ENTITY_MAPPINGS);
        report.at(*place, message).help("take out the mappings that matter least");
    }
    for mapping in mappings {
        let fields = mapping.list("fieldMappings");
        if fields.is_empty() {
            report.at(mapping, "the entity mapping has no identifiers").help("map one to three identifiers");
        }
        if let Some(place) = fields.get(limits::IDENTIFIERS) {
            let message = format!("{} identifiers, and a mapping may have {}", fields.len(), limits::IDENTIFIERS);
            report.at(*place, message).help("keep the three that identify the entity best");
        }
        let mut seen = Vec::new();
        for place in fields.iter().filter_map(|field| field.get("identifier")) {
            let Some(name) = place.text() else { continue };
            if seen.contains(&name) {
                let message = format!("the identifier `{name}` is mapped twice");
                report.at(place, message).help("a second value needs a mapping of its own");
            }
            seen.push(name);
        }
    }
}
