//! Hunting queries: YAML with a query but neither severity nor schedule, and saved searches in ARM.
//!
//! They are no rules: nothing runs them on a schedule. They are loaded only where that is asked for, as a kind that is
//! listed and never run.

use serde_json::Map;

use crate::arm::{join, resource_id, sidecar, take_sidecar};
use crate::expression::Scope;
use crate::model::SourceFormat;
use crate::node::{Data, Entry, Node};
use crate::read::Candidate;

/// The kind under which hunting queries are listed.
pub const HUNTING_KIND: &str = "HuntingQuery";
/// The category of saved searches that are hunting queries.
pub const HUNTING_CATEGORY: &str = "Hunting Queries";
/// YAML keys, and the tags of a saved search that hold them; lists are joined with commas.
pub const HUNTING_TAGS: &[(&str, &str)] =
    &[("description", "description"), ("tactics", "tactics"), ("relevantTechniques", "techniques")];

/// Whether a YAML document that is no rule is a hunting query.
pub(crate) fn is_hunting_query(document: &Node) -> bool {
    const KEYS: &[&str] = &["tactics", "relevantTechniques", "requiredDataConnectors", "description"];
    let has = |key: &str| document.get(key).is_some();
    has("query") && (has("name") || has("id")) && KEYS.iter().any(|key| has(key))
}

/// The hunting query in a `savedSearches` resource.
pub(crate) fn saved_search(node: &Node, path: &str, scope: &Scope<'_>) -> Option<Candidate> {
    let kind = node.get("type").and_then(Node::as_text)?;
    let properties = scope.resolve(node.get("properties").filter(|inner| inner.entries().is_some())?);
    let category = properties.get("category").and_then(Node::as_text)?;
    let is_search = kind.to_ascii_lowercase().ends_with("savedsearches");
    if !is_search || !category.eq_ignore_ascii_case(HUNTING_CATEGORY) {
        return None;
    }
    let id = resource_id(node, scope);
    let mut keys = Node { line: node.line, span: 0..0, data: Data::Object(yaml_keys(&properties)) };
    let beside = sidecar(node, id.as_deref(), scope);
    let unknown = beside.map(|beside| take_sidecar(&mut keys, &beside)).unwrap_or_default();
    if let Data::Object(entries) = &mut keys.data {
        let added = unknown.iter().map(|(key, value)| entry(key, node.line, Node::from_json(node.line, value)));
        entries.extend(added);
    }
    let id = keys.get("id").and_then(Node::as_text).map(str::to_owned).or(id);
    let own = node.entries().unwrap_or_default().iter().filter(|own| !own.key.eq_ignore_ascii_case("properties"));
    Some(Candidate {
        path: join(path, "properties"),
        format: SourceFormat::Arm,
        line: node.line,
        kind: Some(Node::text(node.line, HUNTING_KIND)),
        id,
        envelope: own.map(|own| (own.key.clone(), own.value.to_json())).collect(),
        carried: Map::new(),
        resource: None,
        node: keys,
    })
}

fn entry(key: &str, line: usize, value: Node) -> Entry {
    Entry { key: key.to_owned(), line, span: 0..0, value }
}

/// The properties of a saved search under the keys of a hunting query.
fn yaml_keys(properties: &Node) -> Vec<Entry> {
    let mut keys = Vec::new();
    for property in properties.entries().unwrap_or_default() {
        let line = property.line;
        match property.key.to_ascii_lowercase().as_str() {
            "displayname" => keys.push(entry("name", line, property.value.clone())),
            "query" => keys.push(entry("query", line, property.value.clone())),
            "tags" => tags(&property.value, line, &mut keys),
            // The same for all hunting queries, or the service's own.
            "category" | "version" | "etag" => {}
            _ => keys.push(property.clone()),
        }
    }
    keys
}

fn tags(value: &Node, line: usize, keys: &mut Vec<Entry>) {
    let Data::List(items) = &value.data else { return };
    let mut others = Vec::new();
    for item in items {
        let (name, text) = (item.get("name").and_then(Node::as_text), item.get("value").and_then(Node::as_text));
        let known = HUNTING_TAGS.iter().find(|(_, tag)| Some(*tag) == name);
        match (known, text) {
            (Some((key @ "description", _)), Some(text)) => keys.push(entry(key, line, Node::text(line, text))),
            (Some((key, _)), Some(text)) => {
                let parts = text.split(',').map(|part| Node::text(line, part.trim())).collect();
                keys.push(entry(key, line, Node { line, span: 0..0, data: Data::List(parts) }));
            }
            _ => others.push(item.clone()),
        }
    }
    if !others.is_empty() {
        keys.push(entry("tags", line, Node { line, span: 0..0, data: Data::List(others) }));
    }
}
