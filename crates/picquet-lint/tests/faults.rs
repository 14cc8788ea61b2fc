//! Rules without faults, faults between files, fixes, and comments that allow findings.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use picquet_lint::{CHECKS, Linter, Source, apply};
use picquet_rules::load_text;
use support::rules::{ARM, YAML, findings, query, with};
use support::{catalog, check, options};

#[test]
fn rules_without_faults() {
    for text in [YAML, ARM] {
        let found = findings(text);
        assert!(found.is_empty(), "{found:#?}");
    }
}

#[test]
fn ids_that_two_rules_have() {
    let catalog = catalog();
    let options = options(&catalog);
    let one = check(&options, "one.yaml", YAML, None);
    let two = check(&options, "two.yaml", &with(YAML, &[("Sign-ins", "Other sign-ins")]), None);
    let arm = ARM.replace("000000000002", "000000000001");
    let four = check(
        &options,
        "four.json",
        &arm.replace("\"w/Micro", "\"[concat(parameters('w'), '/Micro").replace("000000000001\"", "000000000001')]\""),
        None,
    );
    let five = check(&options, "five.json", &arm, None);
    let three = check(&options, "three.json", ARM, None);
    let found = Linter::new(options).duplicates([&one, &two, &three, &four, &five]);
    let places: Vec<_> = found.iter().map(|finding| (finding.code, finding.place.file.as_deref())).collect();
    assert_eq!(places, [("PQ324", Some("two.yaml")), ("PQ324", Some("five.json"))]);
    assert!(found[0].help.as_deref().is_some_and(|help| help.contains("one.yaml:1")));
}

#[test]
fn changes_since_a_base() {
    let catalog = catalog();
    let codes = |now: &str, before: &str| {
        let found = check(&options(&catalog), "rule.yaml", now, Some(before)).findings;
        found.iter().map(|finding| (finding.code, finding.help.clone().unwrap_or_default())).collect::<Vec<_>>()
    };
    let changed = with(YAML, &[("severity: Low", "severity: High")]);
    assert_eq!(codes(&changed, YAML), [("PQ404", "write 1.0.1 or more".to_owned())]);
    assert!(codes(&with(&changed, &[("1.0.0", "1.0.1")]), YAML).is_empty());
    let lower = with(&changed, &[("1.0.0", "0.9.9")]);
    assert_eq!(codes(&lower, YAML).len(), 1);
    let renamed = with(&changed, &[("000000000001", "000000000009"), ("1.0.0", "1.1.0")]);
    assert_eq!(codes(&renamed, YAML)[0].0, "PQ405");
}

#[test]
fn fixes() {
    let cases: &[(String, &str, &str)] = &[
        (
            with(YAML, &[("columnName: IPAddress", "columnName: ipaddress # note")]),
            "columnName: ipaddress # note",
            "columnName: IPAddress # note",
        ),
        (with(YAML, &[("entityType: IP", "entityType: 'ip'")]), "'ip'", "'IP'"),
        (
            with(YAML, &[("- CredentialAccess", "- \"Credential Access\"")]),
            "\"Credential Access\"",
            "\"CredentialAccess\"",
        ),
        (
            with(YAML, &[("{{UserPrincipalName}}", "{{ userprincipalname }}")]),
            "{{ userprincipalname }}",
            "{{ UserPrincipalName }}",
        ),
        (
            query("SigninLogs\n| where IPAddress contains '.abc.' // why"),
            "contains '.abc.' // why",
            "has '.abc.' // why",
        ),
        (query("SigninLogs\n| where IPAddress containscs 'x'"), "containscs", "contains_cs"),
        (with(ARM, &[("\"queryFrequency\": \"PT1H\"", "\"queryFrequency\": \"1h\"")]), "\"1h\"", "\"PT1H\""),
        (with(ARM, &[("ResultType != '0'", "ResultType containscs 'x'")]), "containscs", "contains_cs"),
    ];
    for (text, old, new) in cases {
        let found = findings(text);
        let fixes: Vec<_> = found.iter().filter_map(|finding| finding.fix.as_ref()).collect();
        let (mended, count) = apply(text, &fixes);
        assert!(count > 0, "{text}");
        assert_eq!(mended, text.replacen(old, new, 1));
        let name = if text.starts_with('{') { "rule.json" } else { "rule.yaml" };
        assert!(load_text(name, &mended).errors.is_empty());
    }
}

#[test]
fn comments_allow_findings() {
    let name =
        |comment: &str| with(YAML, &[("name: Sign-ins that failed", &format!("{comment}name: Suspicious sign-ins"))]);
    let codes = |text: &str| findings(text).iter().map(|finding| finding.code).collect::<Vec<_>>();
    assert_eq!(codes(&name("")), ["PQ502"]);
    assert!(codes(&name("# picquet: allow PQ502 the product calls it so\n")).is_empty());
    assert_eq!(codes(&name("# picquet: allow PQ502\n")), ["PQ300", "PQ502"]);
    assert_eq!(codes(&name("# picquet: allow PQ501 short\n")), ["PQ300", "PQ502"]);
    assert_eq!(codes(&name("# picquet: allow PQ999 what\n")), ["PQ300", "PQ502"]);
    let file = format!("# picquet: allow-file PQ502,PQ503 the product calls it so\n{}", name(""));
    assert_eq!(codes(&file), ["PQ300"]);
    let inside =
        query("SigninLogs\n// picquet: allow PQ511 the word is a part of others\n| where IPAddress contains 'admin'");
    assert!(codes(&inside).is_empty(), "{:#?}", findings(&inside));
    let json = with(
        ARM,
        &[
            (
                "    \"severity\"",
                "    // picquet: allow PQ311 for the test\n    \"queryFrequency\": \"PT1M\",\n    \"severity\"",
            ),
            ("    \"queryFrequency\": \"PT1H\",\n", ""),
        ],
    );
    assert!(codes(&json).is_empty(), "{:#?}", findings(&json));
}

/// A check that nothing here finds is not known to work.
#[test]
fn every_check_has_a_case() {
    let own = [include_str!("faults.rs"), include_str!("faults_rules.rs"), include_str!("faults_queries.rs")].concat();
    for check in CHECKS {
        assert!(own.contains(&format!("\"{}\"", check.code)), "no case of {}", check.code);
    }
}

#[test]
fn query_files() {
    let catalog = catalog();
    let source = Source::new(Some("hunt.kql".to_owned()), "SigninLogs\n| where Reslt == 1\n".to_owned());
    let checked = Linter::new(options(&catalog)).query(&source);
    assert_eq!(
        (checked.findings[0].code, checked.findings[0].place.line, checked.findings[0].place.column),
        ("KS142", 2, 9)
    );
}
