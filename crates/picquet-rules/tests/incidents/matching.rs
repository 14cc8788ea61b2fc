//! What alerts are compared by.

use picquet_rules::{Alert, GroupingKey};

use crate::{Row, rule, run};

/// Whether the alerts of two rows match under a grouping.
fn rows_match(grouping: &str, first: Row<'_>, second: Row<'_>) -> bool {
    let rule = rule(&format!("enabled: true, {grouping}"));
    let alerts = run(&rule, 0, &[first, second]).alerts;
    let [first, second] = alerts.as_slice() else { panic!("two alerts") };
    let grouping = &rule.incident_configuration.grouping;
    let forth = GroupingKey::of(first).matches(&GroupingKey::of(second), grouping);
    assert_eq!(GroupingKey::of(second).matches(&GroupingKey::of(first), grouping), forth);
    forth
}

const BASE: Row<'_> = ["alex@contoso.com", "203.0.113.7", "Oslo", "Low", ""];
const OTHER_USER: Row<'_> = ["mia@contoso.com", "203.0.113.7", "Oslo", "Low", ""];
const OTHER_IP: Row<'_> = ["alex@contoso.com", "203.0.113.8", "Oslo", "Low", ""];
const OTHER_CITY: Row<'_> = ["alex@contoso.com", "203.0.113.7", "Rome", "Low", ""];
const OTHER_LEVEL: Row<'_> = ["alex@contoso.com", "203.0.113.7", "Oslo", "High", ""];
const NO_USER: Row<'_> = ["", "203.0.113.7", "Oslo", "Low", ""];
const NO_CITY: Row<'_> = ["alex@contoso.com", "203.0.113.7", "", "Low", ""];
const NOTHING: Row<'_> = ["", "", "", "", ""];

#[test]
fn s7_any_alert_always_matches() {
    for other in [BASE, OTHER_USER, OTHER_IP, OTHER_CITY, OTHER_LEVEL, NOTHING] {
        assert!(rows_match("matchingMethod: AnyAlert", BASE, other), "{other:?}");
    }
}

#[test]
fn s7_all_entities_wants_identical_values_of_all_mapped_entities() {
    let cases = [
        (BASE, BASE, true),
        (BASE, OTHER_CITY, true),
        (BASE, OTHER_LEVEL, true),
        (BASE, OTHER_USER, false),
        (BASE, OTHER_IP, false),
        (BASE, NO_USER, false),
        (NO_USER, NO_USER, true),
        (BASE, NOTHING, false),
        (NOTHING, NOTHING, true),
    ];
    for (first, second, expected) in cases {
        assert_eq!(rows_match("matchingMethod: AllEntities", first, second), expected, "{first:?} {second:?}");
    }
}

#[test]
fn s7_selected_wants_all_that_is_listed_to_be_equal() {
    let cases = [
        ("groupByEntities: [Account]", OTHER_IP, true),
        ("groupByEntities: [Account]", OTHER_USER, false),
        ("groupByEntities: [account]", OTHER_USER, false),
        ("groupByEntities: [IP]", OTHER_USER, true),
        ("groupByEntities: [IP]", OTHER_IP, false),
        ("groupByEntities: [Account, IP]", OTHER_CITY, true),
        ("groupByEntities: [Account, IP]", OTHER_IP, false),
        ("groupByEntities: [Account]", NO_USER, false),
        ("groupByEntities: [Host]", OTHER_USER, true),
        ("groupByAlertDetails: [DisplayName]", OTHER_USER, true),
        ("groupByAlertDetails: [DisplayName]", OTHER_CITY, false),
        ("groupByAlertDetails: [Severity]", OTHER_CITY, true),
        ("groupByAlertDetails: [Severity]", OTHER_LEVEL, false),
        ("groupByAlertDetails: [Severity, DisplayName]", BASE, true),
        ("groupByAlertDetails: [Severity, DisplayName]", OTHER_CITY, false),
        ("groupByCustomDetails: [Place]", OTHER_USER, true),
        ("groupByCustomDetails: [Place]", OTHER_CITY, false),
        ("groupByCustomDetails: [Place]", NO_CITY, false),
        ("groupByEntities: [Account], groupByCustomDetails: [Place]", OTHER_IP, true),
        ("groupByEntities: [Account], groupByCustomDetails: [Place]", OTHER_USER, false),
        ("groupByEntities: [Account], groupByAlertDetails: [Severity]", OTHER_LEVEL, false),
    ];
    for (selection, other, expected) in cases {
        let found = rows_match(&format!("matchingMethod: Selected, {selection}"), BASE, other);
        assert_eq!(found, expected, "{selection} {other:?}");
    }
}

#[test]
fn s7_a_selection_needs_at_least_one_list() {
    // The API refuses such rules, so nothing is known to be equal.
    for selection in ["", ", groupByEntities: []", ", groupByAlertDetails: [Description]"] {
        assert!(!rows_match(&format!("matchingMethod: Selected{selection}"), BASE, BASE), "{selection}");
    }
}

/// Whether alerts with these Entities texts match by all entities.
fn entities_match(first: &str, second: &str) -> bool {
    let rule = rule("enabled: true, matchingMethod: AllEntities");
    let alert = run(&rule, 0, &[BASE]).alerts.remove(0);
    let with = |entities: &str| GroupingKey::of(&Alert { entities: entities.to_owned(), ..alert.clone() });
    with(first).matches(&with(second), &rule.incident_configuration.grouping)
}

#[test]
fn s7_entities_are_compared_by_type_and_identifiers_in_whatever_order() {
    let cases = [
        // Neither numbers nor orders count, repeats no more.
        (
            r#"[{"$id":"3","Name":"a","UPNSuffix":"x","Type":"account"},{"$id":"4","Address":"1.1.1.1","Type":"ip"}]"#,
            r#"[{"$id":"1","Address":"1.1.1.1","Type":"IP"},{"$id":"9","UPNSuffix":"x","Name":"a","Type":"account"}]"#,
            true,
        ),
        (r#"[{"Name":"a","Type":"file"}]"#, r#"[{"Name":"a","Type":"malware"}]"#, false),
        (r#"[{"Name":"a","Type":"account"}]"#, r#"[{"Name":"A","Type":"account"}]"#, false),
        (r#"[{"Name":"a","Type":"account"}]"#, r#"[{"Name":"a","Sid":"S-1","Type":"account"}]"#, false),
        // More of them are not the same.
        (
            r#"[{"Address":"1.1.1.1","Type":"ip"}]"#,
            r#"[{"Address":"1.1.1.1","Type":"ip"},{"Address":"2.2.2.2","Type":"ip"}]"#,
            false,
        ),
        // A reference is what it refers to.
        (
            r#"[{"$id":"3","HostName":"h","Type":"host"},{"$id":"4","Host":{"$ref":"3"},"ProcessId":"1","Type":"process"}]"#,
            r#"[{"$id":"7","Host":{"$ref":"8"},"ProcessId":"1","Type":"process"},{"$id":"8","HostName":"h","Type":"host"}]"#,
            true,
        ),
        (
            r#"[{"$id":"3","HostName":"h","Type":"host"},{"$id":"5","HostName":"i","Type":"host"},{"Host":{"$ref":"3"},"Type":"process"}]"#,
            r#"[{"$id":"3","HostName":"h","Type":"host"},{"$id":"5","HostName":"i","Type":"host"},{"Host":{"$ref":"5"},"Type":"process"}]"#,
            false,
        ),
        // References in a ring, to nothing, and texts that are no entities, do no harm.
        (r#"[{"$id":"1","A":{"$ref":"1"},"Type":"t"}]"#, r#"[{"$id":"2","A":{"$ref":"2"},"Type":"t"}]"#, true),
        (r#"[{"A":{"$ref":"1"},"Type":"t"}]"#, r#"[{"A":{"$ref":"2"},"Type":"t"}]"#, true),
        ("not json", "{}", true),
        (r#"[1, null, {"Name":"a"}]"#, "", true),
    ];
    for (first, second, expected) in cases {
        assert_eq!(entities_match(first, second), expected, "{first} {second}");
    }
}

#[test]
fn s7_key_of_an_alert_is_canonical() {
    let rule = rule("");
    let key = GroupingKey::of(&run(&rule, 0, &[BASE]).alerts[0]);
    insta::assert_json_snapshot!(key, @r#"
    {
      "displayName": "Sign-in from Oslo",
      "severity": "Low",
      "entities": {
        "account": [
          "{\"Name\":\"alex\",\"UPNSuffix\":\"contoso.com\"}"
        ],
        "ip": [
          "{\"Address\":\"203.0.113.7\"}"
        ]
      },
      "customDetails": {
        "Place": [
          "Oslo"
        ]
      }
    }
    "#);
}
