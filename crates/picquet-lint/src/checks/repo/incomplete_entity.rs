//! An entity mapping has no identifier, or set of identifiers, by which its entity can be told.
//!
//! ## Why it matters
//!
//! The repository's validation fails, and the alert carries no such entity.
//!
//! ## How to mend it
//!
//! Map one of the sets that the finding names: a file hash needs its algorithm beside its value.

use picquet_rules::entity_type;

use crate::check::{Check, Run, Set, Severity};
use crate::context::Context;
use crate::report::Report;

pub(crate) const CHECK: Check = Check {
    code: "PQ413",
    name: "incomplete-entity",
    sets: &[Set::Repo, Set::Style],
    severity: Severity::Warning,
    fixable: false,
    source: include_str!("incomplete_entity.rs"),
    run: Run::Rule(run),
};

fn run(context: &Context<'_>, report: &mut Report<'_>) {
    for mapping in context.root.list("entityMappings") {
        let Some(place) = mapping.get("entityType") else { continue };
        let Some(entity) = place.text().and_then(entity_type) else { continue };
        let fields = mapping.list("fieldMappings");
        let names: Vec<&str> = fields.iter().filter_map(|f| f.get("identifier")?.text()).collect();
        let known = |name: &str| entity.identifiers.iter().copied().find(|id| id.eq_ignore_ascii_case(name));
        let present: Vec<&str> = names.iter().filter_map(|name| known(name)).collect();
        // An unknown identifier is a finding of its own.
        if names.is_empty() || present.len() < names.len() || entity.accepts(present.iter().copied()) {
            continue;
        }
        let sets: Vec<String> = entity.required.iter().map(|set| set.join(" with ")).collect();
        let message = format!("{} is told by none of {}", entity.name, names.join(", "));
        report.at(place, message).help(format!("map {}", sets.join(", or ")));
    }
}
