//! The techniques of a rule that ATT&CK knows.

use picquet_rules::Place;

use crate::attack::{Attack, Technique};
use crate::context::Context;

/// Each with its place and id. A technique that stands beside one of its sub-techniques says nothing of its own.
pub(crate) fn known<'c>(context: &'c Context<'_>) -> Vec<(Place<'c>, &'c str, &'static Technique)> {
    let attack = Attack::builtin();
    let places: Vec<Place<'c>> =
        ["relevantTechniques", "techniques", "subTechniques"].iter().flat_map(|key| context.root.list(key)).collect();
    let ids: Vec<&str> = places.iter().filter_map(Place::text).collect();
    places
        .into_iter()
        .filter_map(|place| {
            let id = place.text()?;
            let is_parent = ids.iter().any(|other| other.strip_prefix(id).is_some_and(|rest| rest.starts_with('.')));
            let technique = attack.technique(id).filter(|technique| !technique.retired && !is_parent)?;
            Some((place, id, technique))
        })
        .collect()
}
