//! Finding rules in ARM JSON: templates (nested ones too), single resources, and bare payloads (spec section 10).

use serde_json::{Map, Value};

use crate::expression::{Scope, UNKNOWN_PART};
use crate::hunting::saved_search;
use crate::model::SourceFormat;
use crate::node::{Data, Entry, Node};
use crate::read::Candidate;

/// Last part of the resource types that hold rules.
const RULE_TYPES: &[&str] = &["alertrules", "alertruletemplates"];

/// Keys of a rule's properties; an object that has the query and one of the others is a rule without a resource.
const RULE_KEYS: &[&str] = &["severity", "queryFrequency", "queryPeriod", "triggerOperator", "triggerThreshold"];

/// Every rule of a JSON file, in the order of the file.
pub(crate) fn find_rules(root: &Node, hunting: bool) -> Vec<Candidate> {
    let mut found = Vec::new();
    let scope = Scope { template: root, outer: None, packaged: false };
    walk(root, String::new(), &scope, hunting, &mut found);
    found
}

fn walk(node: &Node, path: String, scope: &Scope<'_>, hunting: bool, found: &mut Vec<Candidate>) {
    match &node.data {
        Data::List(items) => {
            for (index, item) in items.iter().enumerate() {
                walk(item, format!("{path}[{index}]"), scope, hunting, found);
            }
        }
        Data::Object(entries) => {
            let search = || if hunting { saved_search(node, &path, scope) } else { None };
            if let Some(candidate) = candidate(node, &path, scope).or_else(search) {
                found.push(candidate);
                return;
            }
            let inner = Scope { template: node, outer: Some(scope), packaged: scope.packaged };
            let holds_resources = node.get("resources").is_some();
            let scope = if holds_resources { &inner } else { scope };
            let is_template = holds_resources || node.get("$schema").is_some();
            let package = Scope { packaged: true, ..*scope };
            for entry in entries {
                // Declarations may have the names of a rule's properties.
                if is_template && ["parameters", "outputs"].iter().any(|key| entry.key.eq_ignore_ascii_case(key)) {
                    continue;
                }
                let path = join(&path, &entry.key);
                let is_package = entry.key.eq_ignore_ascii_case("mainTemplate");
                walk(&entry.value, path, if is_package { &package } else { scope }, hunting, found);
            }
        }
        Data::Scalar { .. } | Data::Unresolved { .. } => {}
    }
}

pub(crate) fn join(path: &str, key: &str) -> String {
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
            carried: Map::new(),
            resource: None,
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
    let mut properties = scope.resolve(properties);
    let template_name = properties.get("alertRuleTemplateName").and_then(Node::as_text);
    let id = resource_id(node, scope).or_else(|| template_name.map(str::to_owned));
    let carried = sidecar(node, id.as_deref(), scope).map(|sidecar| take_sidecar(&mut properties, &sidecar));
    let id = properties.get("id").and_then(Node::as_text).map(str::to_owned).or(id);
    Candidate {
        path: join(path, "properties"),
        format: SourceFormat::Arm,
        line: node.line,
        kind: node.get("kind").map(|kind| scope.resolve(kind)),
        id,
        envelope,
        carried: carried.unwrap_or_default(),
        resource: Some(scope.resolve(node)),
        node: properties,
    }
}

/// Keys of a rule that ARM has no property for. They stand in `metadata.picquet` of the resource (Resource Manager
/// ignores `metadata` wherever it stands in a template), under their YAML names.
pub const SIDECAR_KEYS: &[&str] = &[
    "id",
    "version",
    "status",
    "requiredDataConnectors",
    "relevantTechniques",
    "alertRuleTemplateName",
    "tags",
    "metadata",
];

/// Key of the sidecar that holds YAML keys the model does not know, by path.
pub const SIDECAR_UNKNOWN: &str = "unknown";

/// What a conversion put beside the rule: in the resource, or in the template under the rule's id, where Bicep's
/// `metadata` statement puts it.
pub(crate) fn sidecar(resource: &Node, id: Option<&str>, scope: &Scope<'_>) -> Option<Node> {
    let own = resource.get("metadata").and_then(|metadata| metadata.get("picquet"));
    let of_template = || {
        let mut scope = Some(scope);
        while let Some(at) = scope {
            let all = at.template.get("metadata").and_then(|metadata| metadata.get("picquet"));
            if let Some(found) = all.and_then(|all| all.get(id?)) {
                return Some(found);
            }
            scope = at.outer;
        }
        None
    };
    own.or_else(of_template).filter(|found| found.entries().is_some()).map(|found| scope.resolve(found))
}

/// Adds the sidecar's keys to the properties; the answer is what the model does not know.
pub(crate) fn take_sidecar(properties: &mut Node, sidecar: &Node) -> Map<String, Value> {
    let Data::Object(entries) = &mut properties.data else { return Map::new() };
    for entry in sidecar.entries().unwrap_or_default() {
        if SIDECAR_KEYS.iter().any(|key| key.eq_ignore_ascii_case(&entry.key)) {
            entries.retain(|old| !old.key.eq_ignore_ascii_case(&entry.key));
            entries.push(entry.clone());
        }
    }
    let unknown = sidecar.get(SIDECAR_UNKNOWN).and_then(Node::entries).unwrap_or_default();
    unknown.iter().map(|entry| (entry.key.clone(), entry.value.to_json())).collect()
}

/// Gives parameters of a template (and of those inside it) values, as a deployment does.
pub(crate) fn set_parameters(root: &mut Node, values: &[(String, Value)]) {
    if values.is_empty() {
        return;
    }
    match &mut root.data {
        Data::List(items) => items.iter_mut().for_each(|item| set_parameters(item, values)),
        Data::Object(entries) => {
            let is_template = entries.iter().any(|entry| entry.key.eq_ignore_ascii_case("resources"));
            for entry in entries {
                if is_template && entry.key.eq_ignore_ascii_case("parameters") {
                    set_defaults(&mut entry.value, values);
                } else {
                    set_parameters(&mut entry.value, values);
                }
            }
        }
        Data::Scalar { .. } | Data::Unresolved { .. } => {}
    }
}

fn set_defaults(parameters: &mut Node, values: &[(String, Value)]) {
    let Data::Object(declarations) = &mut parameters.data else { return };
    for declaration in declarations {
        let value = values.iter().rfind(|(name, _)| name.eq_ignore_ascii_case(&declaration.key));
        if let (Some((_, value)), Data::Object(parts)) = (value, &mut declaration.value.data) {
            let line = declaration.line;
            parts.retain(|part| !part.key.eq_ignore_ascii_case("defaultValue"));
            parts.push(Entry { key: "defaultValue".to_owned(), line, span: 0..0, value: Node::from_json(line, value) });
        }
    }
}

/// The rule's own part of a resource's name, or of its id: what follows the last slash. None where a deployment
/// makes it up.
pub(crate) fn resource_id(node: &Node, scope: &Scope<'_>) -> Option<String> {
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
        find_rules(&Node::from_json(1, file), false).into_iter().map(|rule| (rule.path, rule.id)).collect()
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
            (json!({"parameters": properties, "resources": []}), vec![]),
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
