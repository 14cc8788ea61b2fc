//! Messages about files that hold no rule, or a wrong one: which file and line, which key, what would be right.

#![allow(clippy::unwrap_used, reason = "helpers of tests, which the lint does not see as tests")]

use picquet_rules::{Loaded, load_path, load_text};

const GOOD: &str = "id: 7d3f1a52-0000-4000-8000-000000000001
name: Unusual sign-ins
kind: Scheduled
severity: Medium
query: |
  SigninLogs
  | take 5
queryFrequency: 1h
queryPeriod: 1h
triggerOperator: gt
triggerThreshold: 0
";

fn shown(loaded: &Loaded) -> String {
    let errors = loaded.errors.iter().map(|error| format!("{error}\n"));
    let warnings = loaded.warnings.iter().map(|warning| format!("(remark) {warning}\n"));
    let rules = format!("rules: {}\n", loaded.rules.len());
    errors.chain(warnings).chain([rules]).collect()
}

/// The good rule with lines replaced, by how they start; an empty replacement takes the line out.
fn changed(changes: &[(&str, &str)]) -> String {
    let mut text = GOOD.to_owned();
    for (line_start, replacement) in changes {
        let line = GOOD.lines().find(|line| line.starts_with(line_start)).unwrap();
        let new = if replacement.is_empty() { String::new() } else { format!("{replacement}\n") };
        text = text.replace(&format!("{line}\n"), &new);
    }
    text
}

#[test]
fn yaml_messages() {
    let cases = [
        ("good", GOOD.to_owned()),
        ("no query", changed(&[("query:", "querry: |")])),
        ("empty query", changed(&[("query:", "query: ''"), ("  Signin", ""), ("  | take", "")])),
        ("operator", changed(&[("triggerOperator", "triggerOperator: Equals")])),
        ("operator that does not exist", changed(&[("triggerOperator", "triggerOperator: '>='")])),
        ("threshold", changed(&[("triggerThreshold", "triggerThreshold: none")])),
        ("duration", changed(&[("queryFrequency", "queryFrequency: 5min"), ("queryPeriod", "queryPeriod: [1h]")])),
        ("part of the schedule", changed(&[("queryPeriod", ""), ("triggerThreshold", "")])),
        (
            "no schedule",
            changed(&[("queryFrequency", ""), ("queryPeriod", ""), ("triggerOperator", ""), ("triggerThreshold", "")]),
        ),
        ("severity", changed(&[("severity", "severity: Mediun")])),
        ("no severity, no name", changed(&[("severity", ""), ("name", "")])),
        (
            "entities",
            format!(
                "{GOOD}entityMappings:\n  - entityType: Acount\n    fieldMappings:\n      - identifier: FullName\n        columnName: A\n  - entityType: Account\n    fieldMappings:\n      - identifier: AaDUserId\n        columnName: A\n      - identifier: Name\n"
            ),
        ),
        (
            "grouping and incidents",
            format!(
                "{GOOD}eventGroupingSettings:\n  aggregationKind: AlertPerRow\nincidentConfiguration:\n  createIncident: maybe\n  groupingConfiguration:\n    lookbackDuration: 5 hours\n    matchingMethod: AllEntites\n"
            ),
        ),
        ("unknown keys", format!("{GOOD}entityMapings: []\nnotes: kept\n")),
        ("key twice", format!("{GOOD}severity: Low\n")),
        ("not YAML", "name: 'open\nseverity: Low\n".to_owned()),
        ("a list", "- 1\n- 2\n".to_owned()),
        ("a hunting query", "id: x\nname: y\nquery: T\n".to_owned()),
        ("nothing", String::new()),
        ("two documents", format!("{}---\n{GOOD}", changed(&[("severity", "severity: Hi")]))),
    ];
    let all: String =
        cases.iter().map(|(name, text)| format!("## {name}\n{}\n", shown(&load_text("rule.yaml", text)))).collect();
    insta::assert_snapshot!(all);
}

#[test]
fn json_messages() {
    let template = r#"{
  "parameters": {"period": {"type": "string"}, "severity": {"defaultValue": "High"}},
  "resources": [
    {
      "type": "Microsoft.SecurityInsights/alertRules",
      "name": "7d3f1a52-0000-4000-8000-000000000001",
      "kind": "Scheduled",
      "properties": {
        "displayName": "[[Test] sign-ins]",
        "severity": "[parameters('severity')]",
        "query": "T",
        "queryFrequency": "PT1H",
        "queryPeriod": "[parameters('period')]",
        "triggerOperator": "Equals",
        "triggerThreshold": 0
      }
    },
    {
      "type": "Microsoft.SecurityInsights/alertRules",
      "name": "7d3f1a52-0000-4000-8000-000000000002",
      "kind": "NRT",
      "properties": {"displayName": "[[Test] sign-ins]", "severity": "[parameters('severity')]", "query": "T"}
    },
    {
      "type": "Microsoft.SecurityInsights/alertRules",
      "name": "x",
      "kind": "MicrosoftSecurityIncidentCreation",
      "properties": {"displayName": "n", "enabled": true}
    }
  ]
}"#;
    let cases = [
        ("template", template),
        ("not JSON", "{\n  \"kind\": \"Scheduled\"\n  \"properties\": {}\n}"),
        ("no rule", "{\"a\": 1}"),
        (
            "schedule missing",
            "{\"kind\": \"Scheduled\", \"properties\": {\"displayName\": \"n\", \"severity\": \"Low\", \"query\": \"T\"}}",
        ),
    ];
    let all: String =
        cases.iter().map(|(name, text)| format!("## {name}\n{}\n", shown(&load_text("rule.json", text)))).collect();
    insta::assert_snapshot!(all);
    let loaded = load_text("rule.json", template);
    assert_eq!(loaded.rules[0].name, "[Test] sign-ins]");
    assert_eq!(loaded.rules[0].severity.as_str(), "High");
}

#[test]
fn folders_are_walked_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    };
    let crlf = format!("\u{feff}{}", GOOD.replace('\n', "\r\n"));
    let utf16: Vec<u8> = [0xFF, 0xFE].into_iter().chain(GOOD.encode_utf16().flat_map(u16::to_le_bytes)).collect();
    let ansi = [GOOD.as_bytes(), b"description: d\xe9j\xe0 \x93vu\x94\n"].concat();
    write("b/crlf.YAML", crlf.as_bytes());
    write("a.yml", &utf16);
    write("c.yaml", &ansi);
    write("d.yaml", changed(&[("query:", "query: {")]).as_bytes());
    write("data.json", b"{\"rows\": []}");
    write("lines.json", b"{\"a\": 1}\n{\"a\": 2}\n");
    write(
        "deep/er/z.json",
        b"[{\"kind\":\"NRT\",\"properties\":{\"displayName\":\"n\",\"severity\":\"Low\",\"query\":\"T\"}}]",
    );
    write("case.test.yaml", b"cases: []\n");
    write("readme.md", b"# no rule\n");
    write(".git/x.yaml", GOOD.as_bytes());

    let loaded = load_path(folder.path());
    let found: Vec<(String, usize, usize)> = loaded
        .iter()
        .map(|file| {
            let name = file.file.strip_prefix(&folder.path().display().to_string());
            (name.unwrap().trim_start_matches(['/', '\\']).replace('\\', "/"), file.rules.len(), file.errors.len())
        })
        .collect();
    let expected =
        [("a.yml", 1, 0), ("b/crlf.YAML", 1, 0), ("c.yaml", 1, 0), ("d.yaml", 0, 1), ("deep/er/z.json", 1, 0)];
    let expected: Vec<(String, usize, usize)> =
        expected.iter().map(|(name, rules, errors)| ((*name).to_owned(), *rules, *errors)).collect();
    assert_eq!(found, expected);
    assert_eq!(loaded[1].rules[0].query, "SigninLogs\n| take 5\n");
    assert_eq!(loaded[2].rules[0].description, "déjà “vu”");

    let missing = load_path(folder.path().join("none.yaml"));
    assert!(missing[0].errors[0].message.starts_with("cannot be read"));
    let not_a_rule = load_path(folder.path().join("case.test.yaml"));
    assert_eq!(not_a_rule[0].errors[0].message, "holds no analytics rule");
}

#[test]
fn unknown_keys_and_kinds_are_kept() {
    let text = format!(
        "{}notes: [1, x]\nentityMappings:\n  - entityType: ip\n    why: because\n    fieldMappings:\n      - identifier: Address\n        columnName: A\n",
        changed(&[("kind:", "kind: Anomaly")])
    );
    let rule = load_text("rule.yaml", &text).rules.remove(0);
    assert_eq!((rule.kind.as_str(), rule.is_executable()), ("Anomaly", false));
    assert_eq!(
        serde_json::to_value(&rule.extra).unwrap(),
        serde_json::json!({"notes": [1, "x"], "entityMappings[0].why": "because"})
    );
    assert_eq!(rule.entity_mappings[0].entity_type, "IP");
}

#[test]
fn kinds_that_are_only_listed_load_whatever_they_hold() {
    let text = r#"{"type": "Microsoft.SecurityInsights/alertRules", "name": "x", "kind": "Anomaly",
        "properties": {"displayName": "[concat('a', newGuid())]", "severity": 7, "query": {"a": 1}}}"#;
    let loaded = load_text("x.json", text);
    assert_eq!((loaded.errors.len(), loaded.warnings.len()), (0, 2));
    assert_eq!(
        loaded.rules[0].verbatim,
        Some(serde_json::json!({"displayName": "[concat('a', newGuid())]", "severity": 7, "query": {"a": 1}}))
    );
}

#[test]
fn every_beginning_of_a_file_is_answered() {
    let arm = r#"{"resources":[{"type":"a/alertRules","name":"[concat('é', x('''))]","kind":"NRT",
        "properties":{"displayName":"\u00e9\ud83d\ude00","severity":"Low","query":"T /* */"}}]}"#;
    let yaml = format!("{GOOD}tags: ['é', \"x\\n\", {{a: [1]}}]\nmore: >-\n  é\n");
    for (name, text) in [("x.json", arm), ("x.yaml", yaml.as_str())] {
        for (end, _) in text.char_indices() {
            let loaded = load_text(name, &text[..end]);
            assert!(!loaded.is_empty(), "{}", &text[..end]);
        }
    }
}

#[test]
fn deep_nesting_does_not_crash() {
    for text in ["[".repeat(20_000), format!("query: {}", "[".repeat(20_000))] {
        assert!(!load_text("x.yaml", &text).errors.is_empty());
        assert!(!load_text("x.json", &text).errors.is_empty());
    }
    let closed = format!("a: {}{}", "[".repeat(5_000), "]".repeat(5_000));
    assert!(!load_text("x.yaml", &closed).errors.is_empty());
}
