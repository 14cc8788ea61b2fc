//! Finding rules in ARM JSON: templates (nested ones too), single resources, and bare payloads (spec section 10).

use serde_json::{Map, Value};

use crate::expression::{Scope, UNKNOWN_PART};
use crate::model::SourceFormat;
use crate::node::{Data, Node};
use crate::read::Candidate;

/// Last part of the resource types that hold rules.
const RULE_TYPES: &[&str] = &["alertrules", "alertruletemplates"];

/// Keys of a rule's properties; an object that has the query and one of the others is a rule without a resource.
const RULE_KEYS: &[&str] = &["severity", "queryFrequency", "queryPeriod", "triggerOperator", "triggerThreshold"];

/// Every rule of a JSON file, in the order of the file.
pub(crate) fn find_rules(root: &Node) -> Vec<Candidate> {
    let mut found = Vec::new();
    let scope = Scope { template: root, outer: None };
    walk(root, String::new(), &scope, &mut found);
    found
}

fn walk(node: &Node, path: String, scope: &Scope<'_>, found: &mut Vec<Candidate>) {
    match &node.data {
        Data::List(items) => {
            for (index, item) in items.iter().enumerate() {
                walk(item, format!("{path}[{index}]"), scope, found);
            }
        }
        Data::Object(entries) => {
            if let Some(candidate) = candidate(node, &path, scope) {
                found.push(candidate);
                return;
            }
            let inner = Scope { template: node, outer: Some(scope) };
            let scope = if node.get("resources").is_some() { &inner } else { scope };
            let is_template = node.get("resources").is_some() || node.get("$schema").is_some();
            // Parameters that are named as a rule's keys are no rule.
            for entry in entries.iter().filter(|entry| !(is_template && entry.key.eq_ignore_ascii_case("parameters"))) {
                let path = join(&path, &entry.key);
                walk(&entry.value, path, scope, found);
            }
        }
        Data::Scalar { .. } | Data::Unresolved { .. } => {}
    }
}

fn join(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}

fn candidate(node: &Node, path: &str, scope: &Scope<'_>) -> Option<Candidate> {
    let properties = node.get("properties").filter(|inner| inner.entries().is_some());
    if let Some(properties) = properties
        && (has_rule_type(node) || is_payload(node, properties))
    {
        return Some(resource(node, properties, path, scope));
    }
    if properties.is_none() && looks_like_rule(node) {
        return Some(Candidate {
            node: scope.resolve(node),
            path: path.to_owned(),
            format: SourceFormat::Arm,
            line: node.line,
            kind: None,
            id: None,
            envelope: Map::new(),
            resource: None,
            verbatim: node.to_json(),
        });
    }
    None
}

fn has_rule_type(node: &Node) -> bool {
    let Some(name) = node.get("type").and_then(Node::as_text) else {
        return false;
    };
    let last = name.rsplit('/').next().unwrap_or(name).to_ascii_lowercase();
    name.contains('/') && RULE_TYPES.contains(&last.as_str())
}

/// A payload has no `type`: `{"kind": …, "properties": {…}}`.
fn is_payload(node: &Node, properties: &Node) -> bool {
    let has_type = node.get("type").is_some();
    !has_type
        && node.get("kind").and_then(Node::as_text).is_some()
        && (looks_like_rule(properties) || properties.get("alertRuleTemplateName").is_some())
}

/// Whether an object has the query of a rule and something besides that only rules have.
pub(crate) fn looks_like_rule(node: &Node) -> bool {
    let has = |key: &&str| node.get(key).is_some();
    has(&"query") && RULE_KEYS.iter().any(has)
}

fn resource(node: &Node, properties: &Node, path: &str, scope: &Scope<'_>) -> Candidate {
    let envelope: Map<String, Value> = node
        .entries()
        .unwrap_or_default()
        .iter()
        .filter(|entry| !entry.key.eq_ignore_ascii_case("properties"))
        .map(|entry| (entry.key.clone(), entry.value.to_json()))
        .collect();
    let verbatim = properties.to_json();
    let properties = scope.resolve(properties);
    let template_name = properties.get("alertRuleTemplateName").and_then(Node::as_text);
    let id = resource_id(node, scope).or_else(|| template_name.map(str::to_owned));
    Candidate {
        path: join(path, "properties"),
        format: SourceFormat::Arm,
        line: node.line,
        kind: node.get("kind").map(|kind| scope.resolve(kind)),
        id,
        envelope,
        resource: Some(scope.resolve(node)),
        verbatim,
        node: properties,
    }
}

/// The rule's own part of a resource's name, or of its id: what follows the last slash. None where a deployment
/// makes it up.
fn resource_id(node: &Node, scope: &Scope<'_>) -> Option<String> {
    ["name", "id"].iter().find_map(|key| {
        let text = node.get(key).and_then(Node::as_text)?;
        let text = scope.partial_text(text);
        let last = text.rsplit('/').next().unwrap_or_default();
        let known = !last.is_empty() && !last.contains(UNKNOWN_PART);
        known.then(|| last.to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn ids(file: &Value) -> Vec<(String, Option<String>)> {
        find_rules(&Node::from_json(1, file)).into_iter().map(|rule| (rule.path, rule.id)).collect()
    }

    #[test]
    fn forms() {
        let properties = json!({"query": "T", "severity": "Low", "displayName": "n"});
        let named = |name: &str| {
            json!({
                "type": "Microsoft.OperationalInsights/workspaces/providers/alertRules",
                "name": name, "kind": "Scheduled", "properties": properties,
            })
        };
        let nested_id = "[concat(parameters('workspace'),'/Microsoft.SecurityInsights/abc')]";
        let made_id = "[concat(parameters('workspace'),'/x/',newGuid())]";
        let extension = json!({
            "type": "Microsoft.SecurityInsights/alertRules",
            "name": "[variables('id')]", "kind": "NRT", "properties": properties,
        });
        let cases = [
            (
                json!({"resources": [named(nested_id), named(made_id)]}),
                vec![("resources[0].properties", Some("abc")), ("resources[1].properties", None)],
            ),
            (named(nested_id), vec![("properties", Some("abc"))]),
            (properties.clone(), vec![("", None)]),
            (json!([{"kind": "Scheduled", "properties": properties}]), vec![("[0].properties", None)]),
            (
                json!({"value": [{"id": "/subscriptions/s/alertRules/r1", "kind": "NRT", "properties": properties}]}),
                vec![("value[0].properties", Some("r1"))],
            ),
            (
                json!({"resources": [{"type": "Microsoft.Resources/deployments", "properties": {"template": {
                "variables": {"id": "inner"}, "resources": [extension]}}}]}),
                vec![("resources[0].properties.template.resources[0].properties", Some("inner"))],
            ),
            (
                json!({"resources": [{"type": "Microsoft.Insights/workbooks", "kind": "shared", "properties": {"x": 1}}]}),
                vec![],
            ),
            (json!({"query": "T"}), vec![]),
            (json!([1, "x", null]), vec![]),
        ];
        for (file, expected) in cases {
            let found = ids(&file);
            let found: Vec<(&str, Option<&str>)> =
                found.iter().map(|(path, id)| (path.as_str(), id.as_deref())).collect();
            assert_eq!(found, expected, "{file}");
        }
    }
}
