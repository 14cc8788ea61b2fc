//! Rules as content-repository YAML.

use picquet_rules::{AnalyticsRule, EventGrouping, IncidentConfiguration, RuleKind, SourceFormat};
use serde_json::Value;

use crate::convert::Options;
use crate::note::Note;
use crate::properties::{
    alert_details, connectors, custom_details, entity_mappings, event_grouping, incidents, sentinel_mappings,
};
use crate::tree::{Entries, Tree};
use crate::yaml_scalar::{double_quoted, inline, literal};

/// Keys of a rule in the order of the content repository; keys of our own stand beside what they belong to.
pub(crate) const KEY_ORDER: &[&str] = &[
    "id",
    "name",
    "version",
    "kind",
    "description",
    "severity",
    "status",
    "enabled",
    "requiredDataConnectors",
    "queryFrequency",
    "queryPeriod",
    "triggerOperator",
    "triggerThreshold",
    "startTimeUtc",
    "tactics",
    "relevantTechniques",
    "tags",
    "query",
    "suppressionEnabled",
    "suppressionDuration",
    "eventGroupingSettings",
    "incidentConfiguration",
    "customDetails",
    "alertDetailsOverride",
    "entityMappings",
    "sentinelEntitiesMappings",
    "metadata",
    "alertRuleTemplateName",
];

pub(crate) fn write(rules: &[&AnalyticsRule], options: &Options, notes: &mut Vec<Note>) -> String {
    let documents = rules.iter().map(|rule| {
        for parameter in &options.parameters {
            notes.push(Note::beside(rule, parameter, "no parameter: YAML has none"));
        }
        document(&tree(rule, &options.name_prefix))
    });
    documents.collect::<Vec<_>>().join("---\n")
}

pub(crate) fn tree(rule: &AnalyticsRule, prefix: &str) -> Tree {
    let mut out = Entries::default();
    out.put_some("id", rule.id.as_ref());
    match &rule.verbatim {
        Some(verbatim) => listed(rule, verbatim, prefix, &mut out),
        None => executable(rule, prefix, &mut out),
    }
    let order =
        |key: &str| KEY_ORDER.iter().position(|known| known.eq_ignore_ascii_case(key)).unwrap_or(KEY_ORDER.len());
    out.0.sort_by_key(|(key, _)| order(key));
    let mut tree = Tree::Object(out.0);
    for (path, value) in rule.extra.iter().filter(|_| rule.verbatim.is_none()) {
        tree.insert_at(path, Tree::from(value));
    }
    tree
}

fn executable(rule: &AnalyticsRule, prefix: &str, out: &mut Entries) {
    out.put("name", Tree::Text(format!("{prefix}{}", rule.name)));
    out.put_some("version", rule.version.as_ref());
    out.put("kind", Tree::text(rule.kind.as_str()));
    out.put_text("description", &rule.description);
    out.put("severity", Tree::text(rule.severity.as_str()));
    out.put_some("status", rule.status.as_ref());
    if !rule.enabled {
        out.put("enabled", Tree::Bool(false));
    }
    out.put_full("requiredDataConnectors", connectors(rule));
    if rule.kind == RuleKind::Scheduled {
        out.put("queryFrequency", Tree::Text(rule.query_frequency.to_short()));
        out.put("queryPeriod", Tree::Text(rule.query_period.to_short()));
        out.put("triggerOperator", Tree::text(rule.trigger.operator.as_yaml()));
        out.put("triggerThreshold", Tree::number(rule.trigger.threshold));
    }
    if let Some(start) = rule.start_time {
        out.put("startTimeUtc", Tree::Text(start.to_string()));
    }
    out.put_full("tactics", Tree::texts(&rule.tactics));
    out.put_full("relevantTechniques", Tree::texts(&rule.relevant_techniques));
    out.put_full("tags", Tree::List(rule.tags.iter().map(Tree::from).collect()));
    out.put("query", Tree::text(rule.query.as_str()));
    let five_hours = picquet_rules::Duration::from_hours(5);
    if rule.suppression_enabled || rule.suppression_duration != five_hours {
        out.put("suppressionEnabled", Tree::Bool(rule.suppression_enabled));
        out.put("suppressionDuration", Tree::Text(rule.suppression_duration.to_short()));
    }
    if rule.event_grouping != EventGrouping::SingleAlert {
        out.put("eventGroupingSettings", event_grouping(rule));
    }
    if rule.incident_configuration != IncidentConfiguration::default() {
        out.put("incidentConfiguration", incidents(&rule.incident_configuration, |d| d.to_short()));
    }
    out.put_full("customDetails", custom_details(rule));
    out.put_full("alertDetailsOverride", alert_details(&rule.alert_details_override));
    out.put_full("entityMappings", entity_mappings(&rule.entity_mappings));
    out.put_full("sentinelEntitiesMappings", sentinel_mappings(rule));
    if let Some(metadata) = &rule.metadata {
        out.put("metadata", Tree::from(metadata));
    }
    // A version says by itself that the rule was made from the template of its own id.
    let implied = rule.version.is_some() && rule.template_name == rule.id;
    if !implied {
        out.put_some("alertRuleTemplateName", rule.template_name.as_ref());
    }
    out.put_full("armProperties", Tree::from(&rule.arm_properties));
}

/// A kind that is only listed: its keys as they are.
fn listed(rule: &AnalyticsRule, verbatim: &Value, prefix: &str, out: &mut Entries) {
    let from_arm = rule.source.format == SourceFormat::Arm;
    if !rule.is_hunting_query() {
        out.put("kind", Tree::text(rule.kind.as_str()));
    }
    for (key, value) in verbatim.as_object().into_iter().flatten() {
        let is = |name: &str| key.eq_ignore_ascii_case(name);
        if is("kind") || is("id") || is("lastModifiedUtc") {
            continue;
        }
        match value {
            Value::String(text) if is("name") || (from_arm && is("displayName")) => {
                out.put("name", Tree::Text(format!("{prefix}{text}")));
            }
            value => out.put(key, Tree::from(value)),
        }
    }
    // What tells a rule of a kind that is not known from other YAML.
    if !rule.is_hunting_query() && !out.0.iter().any(|(key, _)| key.eq_ignore_ascii_case("enabled")) {
        out.put("enabled", Tree::Bool(true));
    }
}

/// A YAML document of a tree's keys.
pub(crate) fn document(tree: &Tree) -> String {
    let mut out = String::new();
    match tree {
        Tree::Object(entries) => object(entries, 0, &mut out),
        other => value(other, 0, false, &mut out),
    }
    out
}

fn object(entries: &[(String, Tree)], depth: usize, out: &mut String) {
    for (index, (key, inner)) in entries.iter().enumerate() {
        if index > 0 {
            margin(depth, out);
        }
        out.push_str(&inline(key));
        out.push(':');
        let block = depth == 0 && key == "query";
        value(inner, depth, block, out);
    }
}

fn margin(depth: usize, out: &mut String) {
    out.push_str(&"  ".repeat(depth));
}

/// What follows a key's colon, to the end of its last line.
fn value(tree: &Tree, depth: usize, block: bool, out: &mut String) {
    match tree {
        Tree::Object(entries) if !entries.is_empty() => {
            out.push('\n');
            margin(depth + 1, out);
            object(entries, depth + 1, out);
        }
        Tree::List(items) if !items.is_empty() => {
            out.push('\n');
            for item in items {
                margin(depth + 1, out);
                out.push('-');
                list_item(item, depth + 1, out);
            }
        }
        other => {
            out.push(' ');
            scalar(other, depth, block, out);
        }
    }
}

fn list_item(item: &Tree, depth: usize, out: &mut String) {
    match item {
        Tree::Object(entries) if !entries.is_empty() => {
            out.push(' ');
            object(entries, depth + 1, out);
        }
        other => value(other, depth, false, out),
    }
}

fn scalar(tree: &Tree, depth: usize, block: bool, out: &mut String) {
    match tree {
        Tree::Null => out.push_str("null"),
        Tree::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
        Tree::Number(number) => out.push_str(&number.to_string()),
        Tree::List(_) => out.push_str("[]"),
        Tree::Object(_) => out.push_str("{}"),
        Tree::Text(text) | Tree::Code(text) => {
            if block || text.contains('\n') {
                if let Some(lines) = literal(text, 2 * (depth + 1)) {
                    out.push_str(&lines);
                    return;
                }
                out.push_str(&if text.contains('\n') { double_quoted(text) } else { inline(text) });
            } else {
                out.push_str(&inline(text));
            }
        }
    }
    out.push('\n');
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn nested_values() {
        let tree = Tree::from(&json!({
            "a": [{"b": [1, "x"], "c": {"d": "e: f"}}, [], [["w"]]],
            "m": "one\n  two",
            "z": {},
        }));
        let expected = "a:\n  - b:\n      - 1\n      - x\n    c:\n      d: 'e: f'\n  - []\n  -\n    -\n      - w\nm: |-\n  one\n    two\nz: {}\n";
        assert_eq!(document(&tree), expected);
    }
}
