//! What a rule means, apart from how and where it is written.

use picquet_rules::{AnalyticsRule, SourceFormat};
use serde_json::{Map, Value};

/// Parts of the model that say where the rule stands.
const PLACE: &[&str] = &["source", "queryLocation", "verbatim", "expressions"];

/// The rule as a JSON object of what it means: two rules with equal meanings do the same, whatever file and format
/// they are read from. The query is its text; see [`crate::canonical_query`] for what of that matters.
#[must_use]
pub fn meaning(rule: &AnalyticsRule) -> Map<String, Value> {
    match &rule.verbatim {
        Some(verbatim) => listed(rule, verbatim),
        None => executable(rule),
    }
}

fn executable(rule: &AnalyticsRule) -> Map<String, Value> {
    let Ok(Value::Object(mut model)) = serde_json::to_value(rule) else { return Map::new() };
    model.retain(|key, _| !PLACE.contains(&key.as_str()));
    if rule.version.is_some() && rule.template_name == rule.id {
        model.insert("templateName".to_owned(), Value::Null);
    }
    model.insert("kind".to_owned(), Value::from(rule.kind.as_str()));
    model
}

/// Kinds that are only listed mean what their keys say, under YAML's names.
fn listed(rule: &AnalyticsRule, verbatim: &Value) -> Map<String, Value> {
    let from_arm = rule.source.format == SourceFormat::Arm;
    let mut found = Map::new();
    for (key, value) in verbatim.as_object().into_iter().flatten() {
        let is = |name: &str| key.eq_ignore_ascii_case(name);
        if is("kind") || is("id") || is("armProperties") || is("lastModifiedUtc") {
            continue;
        }
        let name = if is("displayName") && from_arm { "name" } else { key };
        found.insert(name.to_owned(), value.clone());
    }
    if !from_arm {
        found.extend(rule.arm_properties.iter().map(|(path, value)| (path.clone(), value.clone())));
    }
    found.entry("enabled").or_insert(Value::Bool(true));
    found.insert("id".to_owned(), Value::from(rule.id.as_deref()));
    found.insert("kind".to_owned(), Value::from(rule.kind.as_str()));
    found
}
