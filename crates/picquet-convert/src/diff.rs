//! What changed in meaning between two rules, or two sets of them.

use std::collections::HashMap;

use picquet_rules::AnalyticsRule;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::json::{self, Brackets};
use crate::lines::{Line, changed_lines};
use crate::query::{same_query, shown};
use crate::yaml;

/// One key whose value means something else.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Change {
    /// The key under YAML's name, as a path.
    pub path: String,
    /// The old value; null where the key was absent or had its default.
    pub old: Value,
    /// The new value; null likewise.
    pub new: Value,
}

impl Change {
    /// For the query: its lines in the formatter's layout, without comments.
    #[must_use]
    pub fn query_lines(&self) -> Option<Vec<Line>> {
        match (self.path.as_str(), &self.old, &self.new) {
            ("query", Value::String(old), Value::String(new)) => Some(changed_lines(&shown(old), &shown(new))),
            _ => None,
        }
    }
}

/// What became of a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum RuleChange {
    /// Only in the new set.
    Added,
    /// Only in the old set.
    Removed,
    /// In both, with another meaning.
    Changed,
    /// In both, meaning the same.
    Same,
}

/// A rule of one or both sets.
#[derive(Debug, Clone, PartialEq)]
pub struct RuleDiff<'a> {
    /// The rule in the old set.
    pub old: Option<&'a AnalyticsRule>,
    /// The rule in the new set.
    pub new: Option<&'a AnalyticsRule>,
    /// What changed, where it is in both.
    pub changes: Vec<Change>,
}

impl RuleDiff<'_> {
    /// What became of the rule.
    #[must_use]
    pub fn kind(&self) -> RuleChange {
        match (self.old, self.new) {
            (None, _) => RuleChange::Added,
            (_, None) => RuleChange::Removed,
            _ if self.changes.is_empty() => RuleChange::Same,
            _ => RuleChange::Changed,
        }
    }
}

/// Lists whose order says nothing.
const SETS: &[&str] = &[
    "tactics",
    "relevantTechniques",
    "tags",
    "requiredDataConnectors",
    "groupByEntities",
    "groupByAlertDetails",
    "groupByCustomDetails",
    "severitiesFilter",
    "displayNamesFilter",
    "displayNamesExcludeFilter",
];

/// Compares two rules: keys by value, defaults as if they were written, lists that are sets without their order, the
/// query by its tree.
#[must_use]
pub fn diff_rules(old: &AnalyticsRule, new: &AnalyticsRule) -> Vec<Change> {
    let mut changes = Vec::new();
    objects("", &comparable(old), &comparable(new), &mut changes);
    changes
}

/// The rule under YAML's keys, without what is as good as absent.
fn comparable(rule: &AnalyticsRule) -> Map<String, Value> {
    let text = json::write(&yaml::tree(rule, ""), Brackets::Plain);
    let Ok(Value::Object(mut keys)) = serde_json::from_str(&text) else { return Map::new() };
    if keys.get("enabled") == Some(&Value::Bool(true)) {
        keys.remove("enabled");
    }
    if rule.is_executable() {
        // A sub-technique stands for its parent, listed or not.
        let all = rule.techniques().into_iter().chain(rule.sub_techniques());
        keys.insert("relevantTechniques".to_owned(), all.map(Value::from).collect());
    }
    keys
}

fn objects(path: &str, old: &Map<String, Value>, new: &Map<String, Value>, changes: &mut Vec<Change>) {
    let mut keys: Vec<&String> = old.keys().chain(new.keys().filter(|key| !old.contains_key(*key))).collect();
    let rank = |key: &str| yaml::KEY_ORDER.iter().position(|known| *known == key).unwrap_or(usize::MAX);
    keys.sort_by_key(|key| rank(key));
    for key in keys {
        let (before, after) = (old.get(key).unwrap_or(&Value::Null), new.get(key).unwrap_or(&Value::Null));
        let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
        match (before, after) {
            (Value::Object(before), Value::Object(after)) => objects(&path, before, after, changes),
            (Value::String(before), Value::String(after)) if path == "query" && same_query(before, after) => {}
            (before, after) if before == after || (SETS.contains(&key.as_str()) && same_set(before, after)) => {}
            (before, after) => changes.push(Change { path, old: before.clone(), new: after.clone() }),
        }
    }
}

fn same_set(old: &Value, new: &Value) -> bool {
    let sorted = |value: &Value| {
        let mut items: Vec<String> = value.as_array().into_iter().flatten().map(Value::to_string).collect();
        items.sort();
        items.dedup();
        items
    };
    sorted(old) == sorted(new)
}

/// Compares two sets of rules. Rules are the same rule by their id; those without a counterpart, by their name.
/// The answer has the new set's order; removed rules stand at the end.
#[must_use]
pub fn diff_sets<'a>(
    old: impl IntoIterator<Item = &'a AnalyticsRule>,
    new: impl IntoIterator<Item = &'a AnalyticsRule>,
) -> Vec<RuleDiff<'a>> {
    let old: Vec<&AnalyticsRule> = old.into_iter().collect();
    let new: Vec<&AnalyticsRule> = new.into_iter().collect();
    let mut partner: Vec<Option<usize>> = vec![None; new.len()];
    let mut free: Vec<bool> = vec![true; old.len()];
    type Name = fn(&AnalyticsRule) -> Option<String>;
    let names: [Name; 2] = [|rule| rule.id.clone(), |rule| Some(rule.name.clone())];
    for name in names {
        let mut places: HashMap<String, Vec<usize>> = HashMap::new();
        for (at, rule) in old.iter().enumerate().rev().filter(|(at, _)| free[*at]) {
            if let Some(name) = name(rule) {
                places.entry(name).or_default().push(at);
            }
        }
        for (rule, partner) in new.iter().zip(&mut partner).filter(|(_, partner)| partner.is_none()) {
            let found = name(rule).and_then(|name| places.get_mut(&name)).and_then(Vec::pop);
            if let Some(at) = found {
                free[at] = false;
                *partner = Some(at);
            }
        }
    }
    let pairs = new.iter().zip(&partner).map(|(new, partner)| match partner {
        Some(at) => RuleDiff { old: Some(old[*at]), new: Some(new), changes: diff_rules(old[*at], new) },
        None => RuleDiff { old: None, new: Some(new), changes: Vec::new() },
    });
    let removed = old.iter().zip(&free).filter(|(_, free)| **free);
    pairs.chain(removed.map(|(old, _)| RuleDiff { old: Some(old), new: None, changes: Vec::new() })).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(more: &str) -> AnalyticsRule {
        let text = format!(
            "name: n\nkind: Scheduled\nseverity: Low\nqueryFrequency: 1h\nqueryPeriod: 1h\ntriggerOperator: gt\ntriggerThreshold: 0\n{more}"
        );
        picquet_rules::load_text("x.yaml", &text).rules.remove(0)
    }

    fn paths(old: &str, new: &str) -> Vec<String> {
        diff_rules(&rule(old), &rule(new)).into_iter().map(|change| change.path).collect()
    }

    #[test]
    fn what_changes_and_what_does_not() {
        let cases: [(&str, &str, &[&str]); 6] = [
            (
                "query: T | where a == 'x' // c",
                "query: |\n  T\n  | where (a == \"x\")\nenabled: true\nsuppressionEnabled: false",
                &[],
            ),
            ("query: T | where a > 1", "query: T | where a > 2", &["query"]),
            (
                "query: T\ntactics: [Impact, Execution]\nrelevantTechniques: [T1059.001, T1059]",
                "query: T\ntactics: [Execution, Impact]\nrelevantTechniques: [T1059.001]",
                &[],
            ),
            ("query: T\ncustomDetails: {a: A, b: B}", "query: T\ncustomDetails: {b: B, a: X}", &["customDetails.a"]),
            (
                "query: T",
                "query: T\nenabled: false\nincidentConfiguration: {createIncident: false}",
                &["enabled", "incidentConfiguration"],
            ),
            ("query: T\nversion: 1.0.0", "query: T\nversion: 1.0.1\ndescription: d", &["version", "description"]),
        ];
        for (old, new, expected) in cases {
            assert_eq!(paths(old, new), expected, "{old}\n{new}");
        }
    }

    #[test]
    fn rules_find_each_other() {
        let named = |id: &str, name: &str, query: &str| {
            let id = if id.is_empty() { String::new() } else { format!("id: {id}\n") };
            let text = format!("{id}name: {name}\nseverity: Low\nquery: {query}\n");
            picquet_rules::load_text("x.yaml", &text).rules.remove(0)
        };
        let old = [named("a", "one", "T"), named("b", "two", "T"), named("", "three", "T"), named("d", "four", "T")];
        let new =
            [named("b", "renamed", "T"), named("a", "one", "U"), named("", "three", "T"), named("e", "five", "T")];
        let found: Vec<(RuleChange, usize)> =
            diff_sets(&old, &new).iter().map(|diff| (diff.kind(), diff.changes.len())).collect();
        let expected = [
            (RuleChange::Changed, 1),
            (RuleChange::Changed, 1),
            (RuleChange::Same, 0),
            (RuleChange::Added, 0),
            (RuleChange::Removed, 0),
        ];
        assert_eq!(found, expected);
    }
}
