//! An entity mapping names an identifier that its entity type does not have, or writes a name in another case.
//!
//! ## Why it matters
//!
//! The names of entity types and identifiers are case-sensitive: Azure refuses a rule with `AaDUserId`.
//!
//! ## How to mend it
//!
//! Write one of the type's identifiers as the documentation spells it.
//!
//! ## Example
//!
//! ```yaml
//! entityMappings:
//!   - entityType: Account
//!     fieldMappings:
//!       - identifier: AaDUserId # AadUserId
//!         columnName: UserId
//! ```

use picquet_rules::{EntityType, Place, entity_type, nearest};

use crate::check::{Check, Run, Set, Severity};
use crate::context::Context;
use crate::report::Report;

pub(crate) const CHECK: Check = Check {
    code: "PQ302",
    name: "unknown-identifier",
    sets: &[Set::Api, Set::Repo],
    severity: Severity::Error,
    fixable: true,
    source: include_str!("unknown_identifier.rs"),
    run: Run::Rule(run),
};

fn run(context: &Context<'_>, report: &mut Report<'_>) {
    for mapping in context.root.list("entityMappings") {
        let Some(place) = mapping.get("entityType") else { continue };
        let Some(entity) = place.text().and_then(entity_type) else { continue };
        if place.text() != Some(entity.name) {
            let message = format!("the entity type is written `{}`", entity.name);
            report.at(place, message).help(format!("write `{}`", entity.name)).fix(context.replace(place, entity.name));
        }
        for field in mapping.list("fieldMappings") {
            let Some(place) = field.get("identifier") else { continue };
            let Some(name) = place.text().filter(|name| entity.identifier(name).is_none()) else { continue };
            identifier(context, report, entity, place, name);
        }
    }
}

fn identifier(context: &Context<'_>, report: &mut Report<'_>, entity: &EntityType, place: Place<'_>, name: &str) {
    let known = entity.identifiers.iter().find(|known| known.eq_ignore_ascii_case(name.trim()));
    let Some(known) = known else {
        let near = nearest(name, entity.identifiers.iter().copied());
        let help = near.map(|near| format!("did you mean `{near}`? "));
        let help = format!("{}it has {}", help.unwrap_or_default(), entity.identifiers.join(", "));
        report.at(place, format!("{} has no identifier `{name}`", entity.name)).help(help);
        return;
    };
    let message = format!("the identifier `{name}` of {} is written `{known}`", entity.name);
    report.at(place, message).help(format!("write `{known}`")).fix(context.replace(place, known));
}
