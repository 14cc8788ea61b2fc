//! What a conversion puts beside a rule in ARM, or under `armProperties` in YAML, is part of the rule again.

use picquet_rules::{LoadOptions, join_techniques, load_path_with, load_text, load_text_with};
use serde_json::json;

fn resource(metadata: &str) -> String {
    format!(
        r#"{{"type": "Microsoft.SecurityInsights/alertRules", "name": "r1", "kind": "NRT", {metadata} "properties": {{
            "displayName": "n", "severity": "Low", "query": "T", "techniques": ["T1059"], "subTechniques": ["T1059.001"],
            "future": {{"a": 1}}}}}}"#
    )
}

const SIDECAR: &str = r#"{"tags": ["x"], "status": "Available", "relevantTechniques": ["T1059", "T1059.001"],
    "requiredDataConnectors": [{"connectorId": "c", "dataTypes": ["T"]}], "unknown": {"entityMappings[0].why": "w"},
    "severity": "High"}"#;

#[test]
fn of_the_resource_or_of_the_template() {
    let own = resource(&format!(r#""metadata": {{"picquet": {SIDECAR}, "other": 1}},"#));
    // As Bicep compiles its `metadata` statement.
    let of_template = format!(r#"{{"metadata": {{"picquet": {{"R1": {SIDECAR}}}}}, "resources": [{}]}}"#, resource(""));
    for text in [own, of_template] {
        let loaded = load_text("x.json", &text);
        assert_eq!(loaded.errors, []);
        let rule = &loaded.rules[0];
        assert_eq!((rule.tags.as_slice(), rule.status.as_deref()), (&[json!("x")][..], Some("Available")));
        assert_eq!(rule.relevant_techniques, ["T1059", "T1059.001"]);
        assert_eq!(rule.required_data_connectors[0].connector_id, "c");
        assert_eq!(rule.severity.as_str(), "Low", "only keys that ARM has no property for are taken");
        assert_eq!(json!(rule.extra), json!({"entityMappings[0].why": "w"}));
        assert_eq!(json!(rule.arm_properties), json!({"future": {"a": 1}}));
    }
}

#[test]
fn properties_that_only_arm_has() {
    let rule = load_text("x.yaml", "name: n\nseverity: Low\nquery: T\nnote: x\narmProperties:\n  future.a: 1\n")
        .rules
        .remove(0);
    assert_eq!(json!(rule.arm_properties), json!({"future.a": 1}));
    assert_eq!(json!(rule.extra), json!({"note": "x"}));
}

#[test]
fn expressions_without_a_value_are_named() {
    let text = resource("").replace("\"n\"", "\"[concat('n', newGuid())]\"");
    let rule = load_text("x.json", &text).rules.remove(0);
    assert_eq!(rule.expressions, [("displayName".to_owned(), "[concat('n', newGuid())]".to_owned())]);
}

#[test]
fn brackets_in_a_template_inside_a_template() {
    let inner = resource("").replace("\"T\"", r#""[[[x]""#).replace("\"n\"", r#""[[parameters('inner')]""#);
    let text = format!(
        r#"{{"resources": [{{"type": "a/contentTemplates", "properties": {{"mainTemplate": {{
            "parameters": {{"inner": {{"defaultValue": "value"}}}}, "resources": [{inner}]}}}}}}]}}"#
    );
    let rule = load_text("x.json", &text).rules.remove(0);
    assert_eq!((rule.query.as_str(), rule.name.as_str()), ("[x]", "value"));
}

#[test]
fn parameters_are_given() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("t.json");
    let rule = resource("").replace("\"T\"", "\"[parameters('q')]\"");
    let text =
        format!(r#"{{"parameters": {{"q": {{"type": "string", "defaultValue": "T"}}}}, "resources": [{rule}]}}"#);
    std::fs::write(&file, text).unwrap();
    let query = |values: &[(String, serde_json::Value)]| {
        let options = LoadOptions { parameters: values.to_vec(), ..LoadOptions::default() };
        load_path_with(&file, &options).remove(0).rules.remove(0).query
    };
    assert_eq!(query(&[]), "T");
    assert_eq!(query(&[("Q".to_owned(), json!("U")), ("other".to_owned(), json!(1))]), "U");
}

#[test]
fn techniques_are_joined() {
    let list = |ids: &[&str]| ids.iter().map(|id| (*id).to_owned()).collect::<Vec<_>>();
    let cases: [(&[&str], &[&str], &[&str]); 4] = [
        (&["T1", "T2"], &["T2.001", "T2.002"], &["T1", "T2.001", "T2.002"]),
        (&[], &["T2.001"], &["T2.001"]),
        (&["T1", "T1"], &[], &["T1"]),
        (&["T2", "T1"], &["T1.001", "T3.001"], &["T2", "T1.001", "T3.001"]),
    ];
    for (parents, subs, joined) in cases {
        assert_eq!(join_techniques(&list(parents), &list(subs)), list(joined));
    }
}

#[test]
fn hunting_queries_are_loaded_on_request() {
    let yaml = "id: h\nname: n\ndescription: d\ntactics: [Impact, Discovery]\nquery: T\n";
    let arm = r#"{"resources": [{"type": "Microsoft.OperationalInsights/workspaces/savedSearches", "name": "w/h", "properties": {
        "category": "Hunting Queries", "displayName": "n", "query": "T", "version": 2, "tags": [
        {"name": "description", "value": "d"}, {"name": "tactics", "value": "Impact,Discovery"}, {"name": "x", "value": "y"}]}}]}"#;
    let options = LoadOptions { hunting: true, ..LoadOptions::default() };
    for (name, text) in [("h.yaml", yaml), ("h.json", arm)] {
        assert_eq!(load_text(name, text).errors[0].message, "holds no analytics rule");
        let rule = load_text_with(name, text, &options).rules.remove(0);
        assert!(rule.is_hunting_query() && !rule.is_executable());
        assert_eq!((rule.id.as_deref(), rule.name.as_str(), rule.description.as_str()), (Some("h"), "n", "d"));
        assert_eq!((rule.query.as_str(), rule.tactics.len()), ("T", 2));
    }
}
