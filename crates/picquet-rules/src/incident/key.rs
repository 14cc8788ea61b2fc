//! What alerts are compared by when they are grouped.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::alert::Alert;
use crate::entity_types::entity_type;
use crate::model::{GroupingConfiguration, MatchingMethod, Severity};

/// How deep nested entities may go before they are cut; a guard against references that form a ring.
const MAX_NESTING: usize = 8;

/// Everything of an alert that a rule's grouping may compare. All of it is kept, so that a rule may change its mind
/// about the matching method.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GroupingKey {
    /// Name of the alert.
    pub display_name: String,
    /// Severity of the alert.
    pub severity: Severity,
    /// Entities by the lower-case `Type` of Entities JSON. Each is a JSON text of its identifiers in the order of their
    /// names, without `$id` and `Type`, and with the entities that it refers to in place.
    pub entities: BTreeMap<String, BTreeSet<String>>,
    /// Values of custom details, by key.
    pub custom_details: BTreeMap<String, BTreeSet<String>>,
}

impl GroupingKey {
    /// The key of an alert. Entities and custom details that are no JSON of the expected shape count as none.
    #[must_use]
    pub fn of(alert: &Alert) -> Self {
        Self {
            display_name: alert.display_name.clone(),
            severity: alert.alert_severity,
            entities: entities(&alert.entities),
            custom_details: custom_details(&alert.extended_properties),
        }
    }

    /// Whether a rule groups two alerts that have these keys (spec section 7).
    ///
    /// - `AnyAlert`: always.
    /// - `AllEntities`: the entities of both are the same, type by type.
    /// - `Selected`: every listed entity type has the same entities, every listed alert detail is the same, and every
    ///   listed custom detail has the same values.
    ///
    /// [I] Values are the same when they are so letter by letter, whatever their order, as entities of one alert are
    /// merged. Two alerts without any entity (of the type) have the same entities, and two without a custom detail the
    /// same values. A selection of nothing, which the API refuses, matches nothing; so does an alert detail that does
    /// not exist.
    #[must_use]
    pub fn matches(&self, other: &Self, grouping: &GroupingConfiguration) -> bool {
        match grouping.matching_method {
            MatchingMethod::AnyAlert => true,
            MatchingMethod::AllEntities => self.entities == other.entities,
            MatchingMethod::Selected => self.matches_selection(other, grouping),
        }
    }

    fn matches_selection(&self, other: &Self, grouping: &GroupingConfiguration) -> bool {
        let GroupingConfiguration { group_by_entities, group_by_alert_details, group_by_custom_details, .. } = grouping;
        if group_by_entities.is_empty() && group_by_alert_details.is_empty() && group_by_custom_details.is_empty() {
            return false;
        }
        let same_entities = |name: &String| {
            let json_type = entity_type(name).map_or(name.as_str(), |entity| entity.json_type).to_ascii_lowercase();
            self.entities.get(&json_type) == other.entities.get(&json_type)
        };
        let same_detail = |name: &String| match name.trim().to_ascii_lowercase().as_str() {
            "displayname" => self.display_name == other.display_name,
            "severity" => self.severity == other.severity,
            _ => false,
        };
        let same_custom = |key: &String| self.custom_details.get(key) == other.custom_details.get(key);
        group_by_entities.iter().all(same_entities)
            && group_by_alert_details.iter().all(same_detail)
            && group_by_custom_details.iter().all(same_custom)
    }
}

fn entities(text: &str) -> BTreeMap<String, BTreeSet<String>> {
    let items: Vec<Value> = serde_json::from_str(text).unwrap_or_default();
    let mut by_id: BTreeMap<&str, &Value> = BTreeMap::new();
    for item in &items {
        if let Some(id) = item.get("$id").and_then(Value::as_str) {
            by_id.insert(id, item);
        }
    }
    let mut entities: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for item in &items {
        if let Some(json_type) = item.get("Type").and_then(Value::as_str) {
            let mut identifiers = resolved(item, &by_id, 0);
            if let Value::Object(object) = &mut identifiers {
                object.remove("Type");
            }
            entities.entry(json_type.to_ascii_lowercase()).or_default().insert(sorted_text(&identifiers));
        }
    }
    entities
}

/// The value with referred entities in place of `$ref`s, and without `$id`s, which differ from alert to alert.
fn resolved(value: &Value, by_id: &BTreeMap<&str, &Value>, depth: usize) -> Value {
    if depth > MAX_NESTING {
        return Value::Null;
    }
    match value {
        Value::Object(object) => {
            let target = object.get("$ref").and_then(Value::as_str).and_then(|id| by_id.get(id));
            if let Some(target) = target {
                return resolved(target, by_id, depth + 1);
            }
            object
                .iter()
                .filter(|(name, _)| !matches!(name.as_str(), "$id" | "$ref"))
                .map(|(name, inner)| (name.clone(), resolved(inner, by_id, depth + 1)))
                .collect()
        }
        Value::Array(items) => items.iter().map(|item| resolved(item, by_id, depth + 1)).collect(),
        _ => value.clone(),
    }
}

/// JSON text with the names of all objects in order, however the map type of this build keeps them.
fn sorted_text(value: &Value) -> String {
    match value {
        Value::Object(object) => {
            let sorted: BTreeMap<&String, &Value> = object.iter().collect();
            let pairs: Vec<String> = sorted
                .into_iter()
                .map(|(name, inner)| format!("{}:{}", Value::from(name.as_str()), sorted_text(inner)))
                .collect();
            format!("{{{}}}", pairs.join(","))
        }
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(sorted_text).collect();
            format!("[{}]", items.join(","))
        }
        _ => value.to_string(),
    }
}

fn custom_details(extended_properties: &str) -> BTreeMap<String, BTreeSet<String>> {
    let properties: Value = serde_json::from_str(extended_properties).unwrap_or_default();
    let details = properties.get("Custom Details").and_then(Value::as_str).unwrap_or_default();
    serde_json::from_str(details).unwrap_or_default()
}
