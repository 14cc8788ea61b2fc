//! Public rules, read where they lie beside the workspace; without them the test says so and passes.

#![allow(clippy::expect_used, clippy::print_stderr, reason = "helpers of tests, which the lint does not see as tests")]

use std::path::PathBuf;

use picquet_rules::{AnalyticsRule, Loaded, RuleKind, load_path};

fn corpus(folder: &str) -> Option<PathBuf> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpus").join(folder);
    if path.is_dir() {
        return Some(path);
    }
    eprintln!("skipped: no corpus folder `{folder}`");
    None
}

fn problems(loaded: &[Loaded]) -> String {
    let errors = loaded.iter().flat_map(|file| &file.errors);
    errors.map(|error| format!("{error}\n")).collect()
}

#[test]
fn every_yaml_rule_loads() {
    let Some(folder) = corpus("rules") else {
        return;
    };
    let loaded = load_path(&folder);
    assert_eq!(problems(&loaded), "");
    let rules: Vec<&AnalyticsRule> = loaded.iter().flat_map(|file| &file.rules).collect();
    assert_eq!((loaded.len(), rules.len()), (211, 211));
    for rule in &rules {
        assert!(rule.is_executable(), "{}", rule.source.file);
        assert_query_place(rule);
    }
    let nrt = rules.iter().filter(|rule| rule.kind == RuleKind::Nrt).count();
    let defaulted = loaded
        .iter()
        .flat_map(|file| &file.warnings)
        .filter(|warning| warning.message.starts_with("no schedule"))
        .count();
    assert_eq!((nrt, defaulted), (6, 8));
    let unknown: Vec<&String> = rules.iter().flat_map(|rule| rule.extra.keys()).collect();
    assert!(unknown.is_empty(), "{unknown:?}");
}

/// Every line of a block query must stand where the rule says it does.
fn assert_query_place(rule: &AnalyticsRule) {
    let bytes = std::fs::read(&rule.source.file).expect("a file just read");
    let text = picquet_rules::decode_text(&bytes);
    let lines: Vec<&str> = text.lines().collect();
    for (index, line) in rule.query.lines().enumerate() {
        let (number, column) = rule.query_location.in_file(index + 1, 1);
        let Some(column) = column else {
            continue;
        };
        let in_file: String = lines[number - 1].chars().skip(column - 1).collect();
        assert_eq!(in_file, line, "{}:{number}", rule.source.file);
    }
}

#[test]
fn every_executable_arm_rule_loads() {
    let Some(folder) = corpus("rules-arm") else {
        return;
    };
    let loaded = load_path(&folder);
    let rules: Vec<&AnalyticsRule> = loaded.iter().flat_map(|file| &file.rules).collect();
    let executable = rules.iter().filter(|rule| rule.is_executable()).count();
    // One template takes its query from a parameter that only a deployment fills.
    let errors = problems(&loaded);
    let failing: Vec<&Loaded> = loaded.iter().filter(|file| !file.errors.is_empty()).collect();
    assert_eq!(failing.len(), 1, "{errors}");
    assert!(errors.contains("parameter `query` has no default value"), "{errors}");
    assert_eq!((loaded.len(), rules.len(), executable), (22, 98, 85));
}

#[test]
fn yaml_and_arm_of_one_rule_agree() {
    let (Some(yaml), Some(arm)) = (corpus("rules"), corpus("rules-arm")) else {
        return;
    };
    let yaml = load_path(yaml.join("4a4364e4-bd26-46f6-a040-ab14860275f8.yaml"));
    let arm = load_path(arm.join("f-bader--examples--NRT.json"));
    let (yaml, arm) = (&yaml[0].rules[0], &arm[0].rules[0]);
    assert_eq!(yaml.id, arm.id);
    assert_eq!(yaml.entity_mappings, arm.entity_mappings);
    assert_eq!(yaml.incident_configuration, arm.incident_configuration);
    assert_eq!(yaml.query, arm.query);
}
