//! SARIF, JUnit and baselines.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use picquet_lint::{Baseline, Source, junit, sarif};
use serde_json::Value;
use support::{catalog, check, options};

const RULE: &str = "id: 7d3f1a52-0000-4000-8000-000000000001
name: 'Suspicious <é> sign-ins.'
kind: Scheduled
severity: Low
description: Identifies é.
tactics: [Credential Access]
queryFrequency: 1h
queryPeriod: 1h
triggerOperator: gt
triggerThreshold: 0
query: |
  SigninLogs
  | where Reslt == 'é' and IPAddress contains '.abc.'
";

#[test]
fn sarif_has_what_the_schema_requires() {
    let catalog = catalog();
    let checked = check(&options(&catalog), "rules/a b.yaml", RULE, None);
    let source = Source::new(Some("rules/a b.yaml".to_owned()), RULE.to_owned());
    let log = sarif(&checked.findings, &[&source], "1.2.3");
    assert_eq!(log["version"], "2.1.0");
    let run = &log["runs"][0];
    let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
    let ids: Vec<&str> = rules.iter().map(|rule| rule["id"].as_str().unwrap()).collect();
    let results = run["results"].as_array().unwrap();
    assert_eq!(results.len(), checked.findings.len());
    assert!(ids.contains(&"KS142") && ids.contains(&"PQ502") && ids.contains(&"PQ320"), "{ids:?}");
    let lines: Vec<&str> = RULE.lines().collect();
    for result in results {
        assert_eq!(ids[result["ruleIndex"].as_u64().unwrap() as usize], result["ruleId"]);
        assert!(["error", "warning", "note"].contains(&result["level"].as_str().unwrap()));
        assert!(!result["message"]["text"].as_str().unwrap().is_empty());
        assert!(result["partialFingerprints"]["picquet/v1"].is_string());
        let location = &result["locations"][0]["physicalLocation"];
        assert_eq!(location["artifactLocation"]["uri"], "rules/a%20b.yaml");
        let number = |key: &str| location["region"][key].as_u64().unwrap() as usize;
        let (line, column) = (number("startLine"), number("startColumn"));
        assert!(line >= 1 && line <= lines.len() && column >= 1 && column <= lines[line - 1].chars().count() + 1);
        assert!((number("endLine"), number("endColumn")) > (line, column));
    }
    let of = |code: &str| results.iter().find(|result| result["ruleId"] == code).unwrap();
    let region = &of("KS142")["locations"][0]["physicalLocation"]["region"];
    assert_eq!(
        (&region["startLine"], &region["startColumn"], &region["endColumn"]),
        (&Value::from(13), &Value::from(11), &Value::from(16))
    );
    let change = &of("PQ510")["fixes"][0]["artifactChanges"][0]["replacements"][0];
    assert_eq!(change["insertedContent"]["text"], "has");
    assert_eq!(
        (&change["deletedRegion"]["startLine"], &change["deletedRegion"]["startColumn"]),
        (&Value::from(13), &Value::from(38))
    );
}

#[test]
fn junit_counts_rules() {
    let catalog = catalog();
    let checked = check(&options(&catalog), "a.yaml", RULE, None);
    let text = junit(&[("a.yaml".to_owned(), &checked)], &checked.findings);
    assert!(text.contains("<testsuites tests=\"1\" failures=\"1\">"), "{text}");
    assert!(text.contains("name=\"Suspicious &lt;é&gt; sign-ins.\""), "{text}");
    assert_eq!(text.matches("<testcase").count(), 1);
    assert!(text.contains("KS142") && text.contains("<system-out>"), "{text}");
}

#[test]
fn a_baseline_hides_what_it_knows() {
    let catalog = catalog();
    let before = check(&options(&catalog), "a.yaml", RULE, None).findings;
    let text = Baseline::of(&before).to_text();
    let baseline = Baseline::read(&text).unwrap();
    assert_eq!(baseline, Baseline::of(&before));
    let moved = RULE.replace("severity: Low\n", "severity: Low\nstatus: Available\nsuppressionDuration: 2d\n");
    let now = check(&options(&catalog), "a.yaml", &moved, None).findings;
    let (new, known) = baseline.unknown(now);
    assert_eq!(known, before.len());
    assert_eq!(new.iter().map(|finding| finding.code).collect::<Vec<_>>(), ["PQ315"]);
    assert!(Baseline::read("{}").is_err() && Baseline::read("x").is_err());
    assert_eq!(Baseline::read(&Baseline::default().to_text()), Ok(Baseline::default()));
}
