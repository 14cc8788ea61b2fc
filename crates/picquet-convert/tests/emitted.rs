//! What is written is what Terraform and Bicep take.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stderr)]

mod support;

use std::fs;
use std::io::Write as _;
use std::process::{Command, Stdio};

use picquet_convert::{Options, Provider, Target, convert};
use picquet_rules::AnalyticsRule;
use support::{one, rules};

const HUNT: &str = "id: 00000000-0000-4000-8000-000000000009\nname: Hunt\ndescription: |\n  Two\n  lines\nrequiredDataConnectors:\n  - connectorId: C\n    \
                    dataTypes: [T]\ntactics: [Impact, Discovery]\nrelevantTechniques: [T1078.004]\nquery: |\n  T // c\n  | count\nentityMappings:\n  \
                    - entityType: IP\n    fieldMappings: [{identifier: Address, columnName: A}]\nversion: 1.0.0\n";

#[test]
fn hunting_queries_come_back() {
    let others = [
        "name: n\nquery: T\ntactics: []\ntags: [{name: a, value: b}]\ndescription: d\n",
        "id: a b\nquery: T\ntactics: ['x,y']\ntags: [z]\nname: n\n",
    ];
    for text in others.into_iter().chain([HUNT]) {
        let query = one("hunt.yaml", text);
        for form in support::FORMS {
            let back = support::round_trip(&query, Target::Arm, &support::arm(*form));
            support::round_trip(&back, Target::Yaml, &Options::default());
        }
    }
}

/// Rules that hold a bit of everything.
fn samples() -> Vec<AnalyticsRule> {
    let full = "id: 00000000-0000-4000-8000-000000000001\nname: Full ${x} 'rule'\nversion: 1.2.3\nkind: Scheduled\nseverity: High\n\
                description: |\n  First ''' line\n  EOT\nqueryFrequency: 1h\nqueryPeriod: 1d\ntriggerOperator: ne\ntriggerThreshold: 3\n\
                tactics: [Execution]\nrelevantTechniques: [T1059.001]\nquery: |\n  // ${a} %{b} \\d '''\n  T   \n    | where a == \"x\"\n\
                tags: [a]\neventGroupingSettings: {aggregationKind: AlertPerResult}\nincidentConfiguration:\n  createIncident: true\n  \
                groupingConfiguration: {enabled: true, reopenClosedIncident: false, lookbackDuration: 5h, matchingMethod: Selected, groupByEntities: [IP]}\n\
                customDetails: {a b: A, c: C}\nalertDetailsOverride: {alertDisplayNameFormat: 'x {{A}}', alertDynamicProperties: [{alertProperty: AlertLink, value: L}]}\n\
                entityMappings:\n  - entityType: IP\n    fieldMappings: [{identifier: Address, columnName: A}]\nsentinelEntitiesMappings: [{columnName: E}]\n\
                metadata: {n: 1.5, when: null}\n";
    let others = [
        full.to_owned(),
        "name: No id\nkind: NRT\nseverity: Low\nquery: T\n".to_owned(),
        "name: No id\nkind: NRT\nseverity: Low\nquery: \"a\\r\\nb\"\n".to_owned(),
        "id: b\nkind: Fusion\nname: f\nalertRuleTemplateName: t\nsourceSettings: [{sourceName: s, enabled: true, sourceSubTypes: [{sourceSubTypeName: u, enabled: true, severityFilters: {filters: [{severity: High, enabled: true}]}}]}]\n".to_owned(),
        "id: c\nkind: MLBehaviorAnalytics\nname: m\nalertRuleTemplateName: t\n".to_owned(),
        "id: d\nkind: ThreatIntelligence\nname: t\nalertRuleTemplateName: t\n".to_owned(),
        "id: e\nkind: MicrosoftSecurityIncidentCreation\nname: i\nproductFilter: Azure Security Center\n".to_owned(),
        HUNT.to_owned(),
        "id: f\nkind: Newest\nname: 1 n\nenabled: true\nthing: {a: [1, [2]]}\n".to_owned(),
    ];
    others.iter().map(|text| one("sample.yaml", text)).collect()
}

fn terraform(words: &[&str], folder: &std::path::Path, input: &str) -> Option<(bool, String, String)> {
    let child = Command::new("terraform")
        .args(words)
        .current_dir(folder)
        .env("CHECKPOINT_DISABLE", "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let Ok(mut child) = child else {
        eprintln!("skipped: there is no terraform");
        return None;
    };
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Some((output.status.success(), text(&output.stdout), text(&output.stderr)))
}

#[test]
fn terraform_takes_the_layout() {
    let folder = tempfile::tempdir().unwrap();
    let all: Vec<AnalyticsRule> = samples().into_iter().chain(rules("rules")).chain(rules("rules-arm")).collect();
    for provider in [Provider::Azurerm, Provider::Azapi] {
        for parameters in [Vec::new(), vec!["severity".to_owned(), "enabled".to_owned(), "tactics".to_owned()]] {
            let options = Options { provider, parameters, ..Options::default() };
            let text = convert(&all, Target::Terraform, &options).text;
            fs::write(folder.path().join("main.tf"), &text).unwrap();
            let Some((good, output, _)) = terraform(&["fmt", "-check", "-diff"], folder.path(), "") else { return };
            assert!(good, "{}", output.chars().take(3000).collect::<String>());
        }
    }
}

/// Texts read back by Terraform itself.
#[test]
fn terraform_reads_the_same_texts() {
    let folder = tempfile::tempdir().unwrap();
    let texts = [
        "one line",
        "two\nlines",
        "two\nlines\n",
        "end\n\n\n",
        "\n\nstart",
        "a ${x} %{y} $${z} %%{q}\n$${a}\nb",
        "back\\slash \"q\"\nx",
        "EOT\nEOTT\nx",
        "cr\r\nlf",
        "  indented\n    more\n",
        "tab\t\n\tx",
        "é😀\n'''",
        "trailing   \nx  ",
        "$\n{",
        "%{ if }\n",
        "\u{1}\n",
    ];
    let mut source = String::from("locals {\n");
    for (index, text) in texts.iter().enumerate() {
        let mut rule = one("t.yaml", "id: a\nname: n\nkind: NRT\nseverity: Low\nquery: T\n");
        rule.query = (*text).to_owned();
        let options = Options { without_header: true, ..Options::default() };
        let block = convert([&rule], Target::Terraform, &options).text;
        let start = block.find("  query").unwrap();
        let end = block.find("  suppression_duration").unwrap();
        source.push_str(&block[start..end].replacen("query", &format!("t{index}"), 1));
    }
    source.push_str("}\noutput \"all\" {\n  value = jsonencode([");
    source.push_str(&(0..texts.len()).map(|index| format!("local.t{index}")).collect::<Vec<_>>().join(", "));
    source.push_str("])\n}\n");
    fs::write(folder.path().join("main.tf"), &source).unwrap();
    let Some((good, _, errors)) = terraform(&["apply", "-auto-approve", "-no-color"], folder.path(), "") else {
        return;
    };
    assert!(good, "{errors}");
    let Some((_, output, _)) = terraform(&["output", "-raw", "all"], folder.path(), "") else { return };
    let found: Vec<String> = serde_json::from_str(&output).expect(&output);
    assert_eq!(found, texts);
}

/// Bicep's own compiler where it is; its grammar in any case.
#[test]
fn bicep_parses() {
    let mut parser = tree_sitter::Parser::new();
    parser.set_language(&tree_sitter_bicep::LANGUAGE.into()).expect("the grammar fits");
    let folder = tempfile::tempdir().unwrap();
    for rule in samples().into_iter().chain(rules("rules")).chain(rules("rules-arm")) {
        for parameters in [Vec::new(), vec!["severity".to_owned(), "tactics".to_owned()]] {
            let options = Options { parameters, ..Options::default() };
            let text = convert([&rule], Target::Bicep, &options).text;
            // The grammar takes two slashes for a comment where a string or a piece of it starts with them; Bicep does not.
            let text = text.replace("'//", "'\\u{2f}/").replace("\\n//", "\\n\\u{2f}/");
            let tree = parser.parse(&text, None).expect("a tree");
            assert!(!tree.root_node().has_error(), "{}\n{}\n{text}", rule.source.file, tree.root_node());
        }
    }
    let file = folder.path().join("all.bicep");
    fs::write(&file, convert(&samples(), Target::Bicep, &Options::default()).text).unwrap();
    match Command::new("bicep").arg("build").arg("--stdout").arg(&file).output() {
        Ok(output) => assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr)),
        Err(_) => eprintln!("skipped: there is no bicep; the texts were parsed by its grammar"),
    }
}
