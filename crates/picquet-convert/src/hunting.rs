//! Hunting queries as saved searches, which is what ARM has for them.

use picquet_rules::{AnalyticsRule, HUNTING_CATEGORY, HUNTING_TAGS, SIDECAR_UNKNOWN};
use serde_json::Value;

use crate::properties::is_sidecar_key;
use crate::tree::{Entries, Tree};

/// Version of the API of saved searches.
pub(crate) const API: &str = "2020-08-01";
/// Type of the resource below a workspace.
pub(crate) const RESOURCE: &str = "Microsoft.OperationalInsights/workspaces/savedSearches";

/// The properties of the saved search, and what has no place in them.
pub(crate) fn saved_search(rule: &AnalyticsRule, prefix: &str) -> (Tree, Vec<(String, Tree)>) {
    let mut name = rule.name.clone();
    let mut tags = Vec::new();
    let mut beside = Entries::default();
    let mut unknown = Vec::new();
    for (key, value) in rule.verbatim.as_ref().and_then(Value::as_object).into_iter().flatten() {
        let is = |name: &str| key.eq_ignore_ascii_case(name);
        let tag = HUNTING_TAGS.iter().find(|(yaml, _)| is(yaml)).map(|(_, tag)| *tag);
        match (value, tag) {
            _ if is("id") || is("kind") || is("query") => {}
            (Value::String(text), _) if is("name") => name.clone_from(text),
            (Value::String(text), Some(tag)) if is("description") => tags.push((tag.to_owned(), text.clone())),
            (Value::Array(items), Some(tag)) if joined(items).is_some() && !is("description") => {
                tags.extend(joined(items).map(|text| (tag.to_owned(), text)));
            }
            (Value::Array(items), _) if is("tags") && own_tags(items).is_some() => {
                tags.extend(own_tags(items).unwrap_or_default());
            }
            _ if is_sidecar_key(key) => beside.put(key, Tree::from(value)),
            _ => unknown.push((key.clone(), Tree::from(value))),
        }
    }
    beside.put_full(SIDECAR_UNKNOWN, Tree::Object(unknown));
    let tag =
        |(name, value): (String, String)| Tree::object([("name", Tree::Text(name)), ("value", Tree::Text(value))]);
    let properties = Tree::object([
        ("category", Tree::text(HUNTING_CATEGORY)),
        ("displayName", Tree::Text(format!("{prefix}{name}"))),
        ("query", Tree::text(rule.query.as_str())),
        ("version", Tree::number(2)),
        ("tags", Tree::List(tags.into_iter().map(tag).collect())),
    ]);
    (properties, beside.0)
}

/// Names with commas between them; none where the commas could not be told from the names.
fn joined(items: &[Value]) -> Option<String> {
    let fits = |text: &&str| !text.is_empty() && text.trim() == *text && !text.contains(',');
    let names: Option<Vec<&str>> = items.iter().map(|item| item.as_str().filter(fits)).collect();
    names.filter(|names| !names.is_empty()).map(|names| names.join(","))
}

/// Tags that are already pairs of a saved search.
fn own_tags(items: &[Value]) -> Option<Vec<(String, String)>> {
    let pair = |item: &Value| {
        let entries = item.as_object().filter(|entries| entries.len() == 2)?;
        let (name, value) = (entries.get("name")?.as_str()?, entries.get("value")?.as_str()?);
        let free = !HUNTING_TAGS.iter().any(|(_, tag)| *tag == name);
        free.then(|| (name.to_owned(), value.to_owned()))
    };
    let pairs: Option<Vec<(String, String)>> = items.iter().map(pair).collect();
    pairs.filter(|pairs| !pairs.is_empty())
}
