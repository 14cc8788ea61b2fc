//! The places of a rule's values in its file, for messages that point there.

use std::ops::Range;

use crate::load::{LoadOptions, candidates};
use crate::model::{AnalyticsRule, SourceFormat};
use crate::node::{Data, Entry, Node, Style};
use crate::scalar_map::ScalarMap;

/// The tree of one rule, with the places of its keys and values in the file. ARM expressions are resolved as far as
/// the file tells their values.
#[derive(Debug, Clone)]
pub struct RuleTree {
    /// File format.
    pub format: SourceFormat,
    path: String,
    line: usize,
    node: Node,
    resource: Option<Node>,
}

impl RuleTree {
    /// The rules of a text, in its order; none where it cannot be read. `name` tells JSON from YAML, as for
    /// [`crate::load_text`]. Offsets count from the text's first byte, a byte order mark included.
    #[must_use]
    pub fn all(name: &str, text: &str) -> Vec<RuleTree> {
        if text.starts_with('\u{feff}') {
            return Vec::new();
        }
        let found = candidates(name, text, &LoadOptions::default()).unwrap_or_default();
        found
            .into_iter()
            .map(|c| RuleTree { format: c.format, path: c.path, line: c.line, node: c.node, resource: c.resource })
            .collect()
    }

    /// Whether this is the tree of `rule`.
    #[must_use]
    pub fn is_of(&self, rule: &AnalyticsRule) -> bool {
        self.path == rule.source.path && self.line == rule.source.line
    }

    /// The rule's keys: the YAML document, or ARM `properties`.
    #[must_use]
    pub fn root(&self) -> Place<'_> {
        Place { node: &self.node, entry: None }
    }

    /// The ARM resource around the rule; none for YAML and bare payloads.
    #[must_use]
    pub fn resource(&self) -> Option<Place<'_>> {
        self.resource.as_ref().map(|node| Place { node, entry: None })
    }

    /// The value at a path as in [`crate::RuleError::path`], which counts from the root of the file.
    #[must_use]
    pub fn find(&self, path: &str) -> Option<Place<'_>> {
        let rest = path.strip_prefix(self.path.as_str())?;
        let mut place = self.root();
        for part in rest.split('.').filter(|part| !part.is_empty()) {
            let (key, indexes) = part.split_once('[').map_or((part, ""), |(key, rest)| (key, rest));
            if !key.is_empty() {
                place = place.get(key)?;
            }
            for index in indexes.split('[').filter(|index| !index.is_empty()) {
                let index: usize = index.trim_end_matches(']').parse().ok()?;
                place = place.raw_item(index)?;
            }
        }
        Some(place)
    }
}

/// A value of a rule file and the key that it stands under.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    node: &'a Node,
    entry: Option<&'a Entry>,
}

impl<'a> Place<'a> {
    /// Bytes of the value in the file, with its quotes. A block scalar begins at its first character that is not
    /// blank.
    #[must_use]
    pub fn span(&self) -> Range<usize> {
        self.node.span.clone()
    }

    /// Bytes of the key.
    #[must_use]
    pub fn key_span(&self) -> Option<Range<usize>> {
        self.entry.map(|entry| entry.span.clone())
    }

    /// The key as written.
    #[must_use]
    pub fn key(&self) -> Option<&'a str> {
        self.entry.map(|entry| entry.key.as_str())
    }

    /// The text of a scalar; none for null, lists, mappings, and expressions without a value.
    #[must_use]
    pub fn text(&self) -> Option<&'a str> {
        self.node.as_text()
    }

    /// Whether nothing is written.
    #[must_use]
    pub fn is_null(&self) -> bool {
        self.node.is_null()
    }

    /// Whether only a deployment knows the value.
    #[must_use]
    pub fn is_unresolved(&self) -> bool {
        matches!(self.node.data, Data::Unresolved { .. })
    }

    /// The ARM expression whose value only a deployment knows.
    #[must_use]
    pub fn expression(&self) -> Option<&'a str> {
        match &self.node.data {
            Data::Unresolved { text, .. } => Some(text),
            _ => None,
        }
    }

    /// The value of a key, whatever the key's case; null counts as absent.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<Place<'a>> {
        let entries = self.node.entries()?;
        let found = entries.iter().find(|entry| entry.key == key);
        let entry = found.or_else(|| entries.iter().find(|entry| entry.key.eq_ignore_ascii_case(key)))?;
        (!entry.value.is_null()).then_some(Place { node: &entry.value, entry: Some(entry) })
    }

    /// The items of a list but null ones; another value stands for a list of itself.
    #[must_use]
    pub fn items(&self) -> Vec<Place<'a>> {
        match &self.node.data {
            Data::List(items) => {
                items.iter().filter(|item| !item.is_null()).map(|node| Place { node, entry: None }).collect()
            }
            _ => vec![*self],
        }
    }

    /// The items of the list at `key`; none where it is absent.
    #[must_use]
    pub fn list(&self, key: &str) -> Vec<Place<'a>> {
        self.get(key).map(|place| place.items()).unwrap_or_default()
    }

    /// Keys and values of a mapping.
    #[must_use]
    pub fn entries(&self) -> Vec<Place<'a>> {
        let entries = self.node.entries().unwrap_or_default();
        entries.iter().map(|entry| Place { node: &entry.value, entry: Some(entry) }).collect()
    }

    fn raw_item(&self, index: usize) -> Option<Place<'a>> {
        match &self.node.data {
            Data::List(items) => items.get(index).map(|node| Place { node, entry: None }),
            // A single value reads as a list of one.
            _ => (index == 0).then_some(*self),
        }
    }

    /// Where the characters of a scalar's text stand in the file; none where they cannot be found there, as in the
    /// value of an ARM parameter.
    #[must_use]
    pub fn map(&self, file: &str) -> Option<ScalarMap> {
        match &self.node.data {
            Data::Scalar { text, style } => ScalarMap::find(file, self.node.span.start, text, *style == Style::Plain),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_found_where_they_stand() {
        let yaml = "name: 'A é'\nquery: |\n  T\nseverity: Low\nentityMappings:\n  - entityType: IP\n    fieldMappings:\n      - identifier: Address\n        columnName: Ip\n";
        let json = "{\n \"displayName\": \"A é\", \"query\": \"T\", \"severity\": \"Low\",\n \"entityMappings\": [{\"entityType\": \"IP\", \"fieldMappings\": [{\"identifier\": \"Address\", \"columnName\": \"Ip\"}]}]}";
        for (name, text) in [("a.yaml", yaml), ("a.json", json)] {
            let trees = RuleTree::all(name, text);
            let tree = trees.first().expect(name);
            let shown = |path: &str| tree.find(path).map(|place| text[place.span()].trim_matches('"').to_owned());
            assert_eq!(shown("entityMappings[0].entityType").as_deref(), Some("IP"), "{name}");
            assert_eq!(shown("entityMappings[0].fieldMappings[0].columnName").as_deref(), Some("Ip"), "{name}");
            assert_eq!(shown("entityMappings[1].entityType"), None, "{name}");
            let key = tree.root().get("Severity").and_then(|place| place.key_span()).expect("a key");
            assert_eq!(text[key].trim_matches('"'), "severity");
        }
    }
}
