//! Faults of rules around their queries, and rules that have them not.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use support::rules::{ARM, YAML, expect, findings, with};
use support::{catalog, check, options, texts};

#[test]
fn mappings_and_details() {
    let fields = |names: &[&str]| {
        let field = |name: &&str| format!("      - identifier: {name}\n        columnName: IPAddress\n");
        let fields: String = names.iter().map(field).collect();
        with(
            YAML,
            &[
                ("entityType: IP", "entityType: Account"),
                ("      - identifier: Address\n        columnName: IPAddress\n", &fields),
            ],
        )
    };
    let many = |count: usize| {
        let one =
            "  - entityType: IP\n    fieldMappings:\n      - identifier: Address\n        columnName: IPAddress\n";
        with(YAML, &[(one, &one.repeat(count))])
    };
    let details = |count: usize| {
        let lines: String = (0..count).map(|i| format!("  K{i}: IPAddress\n")).collect();
        with(YAML, &[("  User: UserPrincipalName\n", &lines)])
    };
    let cases: &[(&str, String, &str, &[&str])] = &[
        (
            "a column that the query dropped",
            with(YAML, &[("UserPrincipalName, IPAddress", "UserPrincipalName")]),
            "PQ301",
            &["IPAddress"],
        ),
        (
            "a column in another case",
            with(YAML, &[("columnName: IPAddress", "columnName: IpAddress")]),
            "PQ301",
            &["IpAddress"],
        ),
        (
            "a merged column",
            with(YAML, &[("customDetails:", "sentinelEntitiesMappings:\n  - columnName: Entities\ncustomDetails:")]),
            "PQ301",
            &["Entities"],
        ),
        ("an identifier in another case", fields(&["AaDUserId"]), "PQ302", &["AaDUserId"]),
        ("an unknown identifier", fields(&["Nickname"]), "PQ302", &["Nickname"]),
        ("a type in another case", with(YAML, &[("entityType: IP", "entityType: ip")]), "PQ302", &["ip"]),
        ("four identifiers", fields(&["Name", "NTDomain", "Sid", "AadUserId"]), "PQ303", &["identifier: AadUserId"]),
        ("an identifier twice", fields(&["Name", "Name"]), "PQ303", &["Name"]),
        ("eleven mappings", many(11), "PQ303", &["entityType: IP"]),
        ("ten mappings", many(10), "PQ303", &[]),
        ("21 details", details(21), "PQ304", &["K20"]),
        ("a long key", with(YAML, &[("  User:", "  A23456789012345678901:")]), "PQ304", &["A23456789012345678901"]),
        ("a key with a space", with(YAML, &[("  User:", "  The user:")]), "PQ304", &["The user"]),
        (
            "a detail of a dropped column",
            with(YAML, &[("TimeGenerated, UserPrincipalName,", "TimeGenerated,")]),
            "PQ305",
            &["UserPrincipalName"],
        ),
        (
            "a placeholder of a dropped column",
            with(YAML, &[("{{UserPrincipalName}}", "{{ User }}")]),
            "PQ306",
            &["User"],
        ),
        (
            "a severity of a missing column",
            with(YAML, &[("alertDetailsOverride:\n", "alertDetailsOverride:\n  alertSeverityColumnName: Risk\n")]),
            "PQ306",
            &["Risk"],
        ),
        (
            "four placeholders",
            with(YAML, &[("{{UserPrincipalName}}", "{{IPAddress}} {{IPAddress}} {{IPAddress}} {{IPAddress}}")]),
            "PQ307",
            &["Failed sign-in of {{IPAddress}} {{IPAddress}} {{IPAddress}} {{IPAddress}}"],
        ),
        (
            "an open placeholder",
            with(YAML, &[("{{UserPrincipalName}}", "{{UserPrincipalName}")]),
            "PQ307",
            &["Failed sign-in of {{UserPrincipalName}"],
        ),
        (
            "an unknown property",
            with(
                YAML,
                &[(
                    "alertDetailsOverride:\n",
                    "alertDetailsOverride:\n  alertDynamicProperties:\n    - alertProperty: AlertLinks\n      value: IPAddress\n",
                )],
            ),
            "PQ308",
            &["AlertLinks"],
        ),
        (
            "grouping by nothing",
            with(YAML, &[("matchingMethod: AllEntities", "matchingMethod: Selected")]),
            "PQ309",
            &["Selected"],
        ),
        (
            "grouping by what is not there",
            with(
                YAML,
                &[(
                    "matchingMethod: AllEntities",
                    "matchingMethod: Selected\n    groupByEntities: [Host]\n    groupByCustomDetails: [user]\n    groupByAlertDetails: [Tactic]",
                )],
            ),
            "PQ309",
            &["Host", "user", "Tactic"],
        ),
        (
            "a lookback of nothing",
            with(YAML, &[("lookbackDuration: 5h", "lookbackDuration: PT0S")]),
            "PQ310",
            &["PT0S"],
        ),
        ("a lookback of eight days", with(YAML, &[("lookbackDuration: 5h", "lookbackDuration: 8d")]), "PQ310", &["8d"]),
        (
            "a column that is an expression",
            with(YAML, &[("columnName: IPAddress", "columnName: Details.ip")]),
            "PQ412",
            &["Details.ip"],
        ),
        (
            "a hash without its algorithm",
            with(YAML, &[("entityType: IP", "entityType: FileHash"), ("identifier: Address", "identifier: Value")]),
            "PQ413",
            &["FileHash"],
        ),
        (
            "a severity that is a number",
            with(
                YAML,
                &[("alertDetailsOverride:\n", "alertDetailsOverride:\n  alertSeverityColumnName: TimeGenerated\n")],
            ),
            "PQ517",
            &["TimeGenerated"],
        ),
    ];
    for (what, text, code, at) in cases {
        expect(what, text, code, at);
    }
}

#[test]
fn schedules_and_texts() {
    let long = "x".repeat(300);
    let cases: &[(&str, String, &str, &[&str])] = &[
        ("every minute", with(YAML, &[("queryFrequency: 1d", "queryFrequency: 1m")]), "PQ311", &["1m"]),
        ("fifteen days", with(YAML, &[("queryPeriod: 1d", "queryPeriod: 15d")]), "PQ311", &["15d"]),
        ("a period below the frequency", with(YAML, &[("queryPeriod: 1d", "queryPeriod: 1h")]), "PQ312", &["1h"]),
        (
            "a long period, often",
            with(YAML, &[("Period: 1d", "Period: 2d"), ("Frequency: 1d", "Frequency: 30m")]),
            "PQ313",
            &["30m"],
        ),
        ("a high threshold", with(YAML, &[("Threshold: 0", "Threshold: 10001")]), "PQ314", &["10001"]),
        ("a long suppression", with(YAML, &[("tactics:", "suppressionDuration: 2d\ntactics:")]), "PQ315", &["2d"]),
        ("a long name", with(YAML, &[("Sign-ins that failed", &long)]), "PQ316", &["name"]),
        (
            "an unknown tactic",
            with(YAML, &[("- CredentialAccess", "- CredentialAcess")]),
            "PQ320",
            &["CredentialAcess"],
        ),
        (
            "a tactic in words",
            with(YAML, &[("- CredentialAccess", "- Credential Access")]),
            "PQ320",
            &["Credential Access"],
        ),
        ("an odd technique", with(YAML, &[("T1110", "T110")]), "PQ321", &["T110"]),
        ("an unknown kind", with(YAML, &[("kind: Scheduled", "kind: Sheduled")]), "PQ326", &["Sheduled"]),
        ("no version", with(YAML, &[("version: 1.0.0\n", "")]), "PQ401", &["Sign-ins that failed"]),
        (
            "an id of words",
            with(YAML, &[("7d3f1a52-0000-4000-8000-000000000001", "failed-sign-ins")]),
            "PQ402",
            &["failed-sign-ins"],
        ),
        ("a version of two numbers", with(YAML, &[("version: 1.0.0", "version: 1.0")]), "PQ403", &["1.0"]),
        ("an unknown technique", with(YAML, &[("T1110", "T1999")]), "PQ406", &["T1999"]),
        ("a withdrawn technique", with(YAML, &[("T1110", "T1002")]), "PQ406", &["T1002"]),
        (
            "one tactic of several",
            with(YAML, &[("T1110", "T1078"), ("CredentialAccess", "InitialAccess")]),
            "PQ407",
            &["T1078"],
        ),
        ("a technique of another tactic", with(YAML, &[("T1110", "T1059")]), "PQ508", &["T1059"]),
        (
            "an unknown connector",
            with(YAML, &[("Id: AzureActiveDirectory", "Id: azureactivedirectory")]),
            "PQ408",
            &["azureactivedirectory"],
        ),
        ("an unknown data type", with(YAML, &[("- SigninLogs", "- SigninLog\n      - SigninLogs")]), "PQ409", &[]),
        (
            "a data type of nowhere",
            with(YAML, &[("- SigninLogs", "- Signins\n      - SigninLogs")]),
            "PQ409",
            &["Signins"],
        ),
        ("a table without a data type", with(YAML, &[("- SigninLogs", "- AuditLogs")]), "PQ409", &["SigninLogs"]),
        ("letters of other alphabets", with(YAML, &[("that failed.", "that failed – now.")]), "PQ411", &["–"]),
        (
            "a headline",
            with(YAML, &[("Sign-ins that failed", "Sign-ins From Rare Places Abroad")]),
            "PQ501",
            &["Sign-ins From Rare Places Abroad"],
        ),
        (
            "a full stop",
            with(YAML, &[("Sign-ins that failed", "Sign-ins that failed.")]),
            "PQ501",
            &["Sign-ins that failed."],
        ),
        (
            "a suspicious name",
            with(YAML, &[("Sign-ins that failed", "Suspicious IP")]),
            "PQ502",
            &["Suspicious IP", "Suspicious IP"],
        ),
        (
            "a description of another form",
            with(YAML, &[("Identifies sign-ins", "Sign-ins")]),
            "PQ503",
            &["Sign-ins that failed."],
        ),
    ];
    for (what, text, code, at) in cases {
        expect(what, text, code, at);
    }
    let catalog = catalog();
    let named = check(&options(&catalog), "rule.yml", YAML, None).findings;
    assert_eq!(texts(&named, "PQ414", YAML), ["Sign-ins that failed"]);
}

#[test]
fn templates() {
    let nrt = with(
        ARM,
        &[
            ("\"Scheduled\"", "\"NRT\""),
            (
                "    \"queryFrequency\": \"PT1H\",\n    \"queryPeriod\": \"PT1H\",\n    \"triggerOperator\": \"GreaterThan\",\n    \"triggerThreshold\": 0,\n",
                "",
            ),
        ],
    );
    let subs = "\"severity\": \"Low\",\n    \"tactics\": [\"Execution\"],\n    \"techniques\": [\"T1059\"],\n    \"subTechniques\": [\"T1059.001\"],";
    let cases: &[(&str, String, &str, &[&str])] = &[
        ("an NRT rule", nrt.clone(), "PQ322", &[]),
        (
            "a version without a template",
            with(ARM, &[("\"severity\"", "\"templateVersion\": \"1.0.0\",\n    \"severity\"")]),
            "PQ318",
            &["\"templateVersion\""],
        ),
        (
            "a version of a template",
            with(
                ARM,
                &[(
                    "\"severity\"",
                    "\"templateVersion\": \"1.0.0\",\n    \"alertRuleTemplateName\": \"x\",\n    \"severity\"",
                )],
            ),
            "PQ318",
            &[],
        ),
        ("sub-techniques of now", with(ARM, &[("\"severity\": \"Low\",", subs)]), "PQ319", &[]),
        (
            "sub-techniques of an old version",
            with(ARM, &[("\"severity\": \"Low\",", subs), ("2023-12-01-preview", "2022-11-01-preview")]),
            "PQ319",
            &["\"2022-11-01-preview\""],
        ),
        (
            "sub-techniques of a stable version",
            with(ARM, &[("\"severity\": \"Low\",", subs), ("2023-12-01-preview", "2024-03-01")]),
            "PQ319",
            &["\"2024-03-01\""],
        ),
        (
            "a sub-technique as a technique",
            with(ARM, &[("\"severity\": \"Low\",", "\"severity\": \"Low\",\n    \"techniques\": [\"T1059.001\"],")]),
            "PQ319",
            &["\"T1059.001\""],
        ),
        ("NRT of a stable version", with(&nrt, &[("2023-12-01-preview", "2023-11-01")]), "PQ319", &["\"2023-11-01\""]),
        (
            "NRT with a schedule",
            with(ARM, &[("\"Scheduled\"", "\"NRT\"")]),
            "PQ322",
            &["\"queryFrequency\"", "\"queryPeriod\"", "\"triggerOperator\"", "\"triggerThreshold\""],
        ),
        (
            "NRT over workspaces",
            with(&nrt, &[("\"SigninLogs\\n", "\"workspace('x').SigninLogs\\n")]),
            "PQ322",
            &["workspace('x')"],
        ),
        (
            "no suppression",
            with(ARM, &[("\"suppressionEnabled\": false,\n", "")]),
            "PQ325",
            &["\"Sign-ins that failed\""],
        ),
        (
            "durations of YAML",
            with(ARM, &[("\"queryFrequency\": \"PT1H\"", "\"queryFrequency\": \"1h\""), ("GreaterThan", "gt")]),
            "PQ327",
            &["\"1h\"", "\"gt\""],
        ),
    ];
    for (what, text, code, at) in cases {
        expect(what, text, code, at);
    }
    // A parameter's value is checked where it is used.
    let parameter = with(
        ARM,
        &[
            ("{\"resources\"", "{\"parameters\": {\"f\": {\"defaultValue\": \"PT1M\"}}, \"resources\""),
            ("\"queryFrequency\": \"PT1H\"", "\"queryFrequency\": \"[parameters('f')]\""),
        ],
    );
    expect("a parameter", &parameter, "PQ311", &["\"[parameters('f')]\""]);
    let unknown =
        with(ARM, &[("\"displayName\": \"Sign-ins that failed\"", "\"displayName\": \"[resourceGroup().name]\"")]);
    assert!(findings(&unknown).is_empty(), "{:#?}", findings(&unknown));
}
