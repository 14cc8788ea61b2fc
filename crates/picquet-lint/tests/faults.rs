//! Every check on rules that have its fault, and on rules that have not.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::sync::Arc;

use picquet_lint::{CHECKS, Finding, Linter, Samples, Source, apply};
use picquet_rules::load_text;
use support::{catalog, check, options, texts};

/// A rule without faults.
const YAML: &str = "id: 7d3f1a52-0000-4000-8000-000000000001
name: Sign-ins that failed
kind: Scheduled
version: 1.0.0
description: Identifies sign-ins that failed.
severity: Low
requiredDataConnectors:
  - connectorId: AzureActiveDirectory
    dataTypes:
      - SigninLogs
queryFrequency: 1d
queryPeriod: 1d
triggerOperator: gt
triggerThreshold: 0
tactics:
  - CredentialAccess
relevantTechniques:
  - T1110
query: |
  SigninLogs
  | where ResultType != '0'
  | project TimeGenerated, UserPrincipalName, IPAddress
entityMappings:
  - entityType: IP
    fieldMappings:
      - identifier: Address
        columnName: IPAddress
customDetails:
  User: UserPrincipalName
alertDetailsOverride:
  alertDisplayNameFormat: Failed sign-in of {{UserPrincipalName}}
incidentConfiguration:
  createIncident: true
  groupingConfiguration:
    enabled: true
    lookbackDuration: 5h
    matchingMethod: AllEntities
";

/// A resource without faults.
const ARM: &str = r#"{"resources": [{
  "type": "Microsoft.OperationalInsights/workspaces/providers/alertRules",
  "name": "w/Microsoft.SecurityInsights/7d3f1a52-0000-4000-8000-000000000002",
  "apiVersion": "2023-12-01-preview",
  "kind": "Scheduled",
  "properties": {
    "displayName": "Sign-ins that failed",
    "description": "Identifies sign-ins that failed.",
    "enabled": true,
    "severity": "Low",
    "query": "SigninLogs\n| where ResultType != '0'\n| project UserPrincipalName",
    "queryFrequency": "PT1H",
    "queryPeriod": "PT1H",
    "triggerOperator": "GreaterThan",
    "triggerThreshold": 0,
    "suppressionEnabled": false,
    "suppressionDuration": "PT5H"
  }
}]}"#;

fn findings(text: &str) -> Vec<Finding> {
    let catalog = catalog();
    let name = if text.starts_with('{') { "rule.json" } else { "rule.yaml" };
    check(&options(&catalog), name, text, None).findings
}

/// The text with other words in it; the words must be there.
fn with(text: &str, changes: &[(&str, &str)]) -> String {
    let mut text = text.to_owned();
    for (old, new) in changes {
        assert!(text.contains(old), "{old} is not there");
        text = text.replacen(old, new, 1);
    }
    text
}

const QUERY: &str = "SigninLogs
  | where ResultType != '0'
  | project TimeGenerated, UserPrincipalName, IPAddress";

/// A rule with another query and no mapping.
fn query(query: &str) -> String {
    let end = YAML.find("entityMappings").unwrap();
    with(&YAML[..end], &[(QUERY, &query.replace('\n', "\n  "))])
}

/// Codes that a text has, and no others but the ones that are not meant.
fn expect(what: &str, text: &str, code: &str, at: &[&str]) {
    let found = findings(text);
    assert_eq!(texts(&found, code, text), at, "{what}: {found:#?}");
}

#[test]
fn rules_without_faults() {
    for text in [YAML, ARM] {
        let found = findings(text);
        assert!(found.is_empty(), "{found:#?}");
    }
}

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

/// Rows that two places read, each within times of its own.
const SHARED: &str = "let all = SigninLogs | where ResultType != '0';
all
| where TimeGenerated > ago(1h)
| join kind=leftanti (all | where TimeGenerated between (ago(1d) .. ago(1h))) on IPAddress";

#[test]
fn queries() {
    let cases: &[(&str, &str, &[&str])] = &[
        ("search in (SigninLogs) 'x'", "PQ317", &["search"]),
        ("union *\n| where TimeGenerated > ago(1d)", "PQ317", &["union"]),
        ("union SigninLogs, AuditLogs\n| where TimeGenerated > ago(1d)", "PQ317", &[]),
        ("print x = 1\n| fork (take 1) (count)", "PQ328", &["query"]),
        ("1 + 1", "PQ328", &["query"]),
        ("SigninLogs\n| where TimeGenerated > ago(30d)", "PQ505", &["ago(30d)"]),
        ("let back = 14d;\nSigninLogs\n| where TimeGenerated between (ago(back) .. ago(1h))", "PQ505", &["ago(back)"]),
        ("SigninLogs\n| where TimeGenerated > ago(1d)", "PQ505", &[]),
        ("SigninLogs\n| where TimeGenerated > datetime(2020-01-01)", "PQ505", &[]),
        ("SigninLogs\n| where TimeGenerated > startofday(ago(1d))", "PQ505", &[]),
        ("SigninLogs\n| where TimeGenerated > ago(1h)", "PQ506", &["1d"]),
        ("SigninLogs\n| where TimeGenerated > ago(20h)", "PQ506", &[]),
        (SHARED, "PQ506", &[]),
        (SHARED, "PQ507", &["ago(1h)"]),
        ("SigninLogs\n| where TimeGenerated > ago(1h)", "PQ507", &["ago(1h)"]),
        (
            "let old = SigninLogs | where TimeGenerated between (ago(1d) .. ago(1h)) | distinct IPAddress;\nSigninLogs\n| where TimeGenerated >= ago(1h) and IPAddress !in (old)",
            "PQ507",
            &["ago(1h)"],
        ),
        ("SigninLogs\n| where ingestion_time() > ago(1d)", "PQ507", &[]),
        ("SigninLogs\n| join kind=leftanti (SigninLogs | where TimeGenerated > ago(1h)) on IPAddress", "PQ507", &[]),
        ("SigninLogs\n| summarize n = count() by IPAddress", "PQ509", &["SigninLogs"]),
        ("SigninLogs\n| where ResultType == '0'\n| summarize n = count() by IPAddress", "PQ509", &[]),
        ("SigninLogs\n| parse IPAddress with a '.' *\n| where a == '10'\n| summarize n = count() by a", "PQ509", &[]),
        (
            "let ips = SigninLogs | project IPAddress, TimeGenerated;\nips\n| where TimeGenerated > ago(1d)",
            "PQ509",
            &[],
        ),
        ("DeviceProcessEvents\n| where ProcessCommandLine contains ' -enc '", "PQ510", &["contains"]),
        ("DeviceProcessEvents\n| where ProcessCommandLine contains '-enc'", "PQ510", &[]),
        ("DeviceProcessEvents\n| where ProcessCommandLine !contains 'mimikatz'", "PQ511", &["!contains"]),
        ("DeviceProcessEvents\n| where ProcessCommandLine has 'mimikatz'", "PQ511", &[]),
        ("SigninLogs\n| where * has 'admin'", "PQ512", &["* has 'admin'"]),
        ("SigninLogs\n| where IPAddress matches regex '.*[.]1$'", "PQ512", &["'.*[.]1$'"]),
        ("SigninLogs\n| where UserPrincipalName has '*admin'", "PQ512", &["'*admin'"]),
        ("SigninLogs\n| where UserPrincipalName == '*admin'", "PQ512", &[]),
        (
            "let few = datatable(IPAddress:string) ['203.0.113.7'];\nSigninLogs\n| where ResultType != '0'\n| join kind=inner few on IPAddress",
            "PQ513",
            &["join"],
        ),
        (
            "let few = datatable(IPAddress:string) ['203.0.113.7'];\nfew\n| join kind=inner (SigninLogs | where ResultType != '0') on IPAddress",
            "PQ513",
            &[],
        ),
        ("DeviceProcessEvents\n| where ProcessCommandLine containscs 'x'", "PQ515", &["containscs"]),
        (
            "AuditLogs\n| mvexpand TargetResources\n| summarize makeset(OperationName)",
            "PQ515",
            &["mvexpand", "makeset"],
        ),
        (
            "SigninLogs\n| where IPAddress in (SigninLogs | project UserPrincipalName, IPAddress)",
            "PQ516",
            &["IPAddress in (SigninLogs | project UserPrincipalName, IPAddress)"],
        ),
        ("SigninLogs\n| where IPAddress in (SigninLogs | project IPAddress)", "PQ516", &[]),
        ("SigninLogs\n| extend AccountCustomEntity = UserPrincipalName", "PQ410", &["AccountCustomEntity"]),
    ];
    for (kql, code, at) in cases {
        expect(kql, &query(kql), code, at);
    }
    let names: Vec<String> = (0..21).map(|i| format!("workspace('w{i}').SigninLogs")).collect();
    expect("workspaces", &query(&format!("union {}", names.join(", "))), "PQ323", &["workspace('w20')"]);
}

#[test]
fn arrays_in_mappings() {
    let cases = [
        ("SigninLogs | summarize IPAddress = make_set(IPAddress) by UserPrincipalName", true),
        ("SigninLogs | summarize IPAddress = tostring(make_list(IPAddress)) by UserPrincipalName", true),
        ("SigninLogs | extend IPAddress = split(IPAddress, '.', 0)", true),
        ("SigninLogs | extend IPAddress = bag_pack('a', IPAddress)", true),
        ("SigninLogs | extend IPAddress = LocationDetails", true),
        ("SigninLogs | extend IPAddress = tostring(split(IPAddress, '.')[0])", false),
        ("SigninLogs | extend IPAddress = tostring(LocationDetails.city)", false),
        (
            "SigninLogs | summarize A = make_set(IPAddress) by UserPrincipalName | mv-expand IPAddress = A to typeof(string)",
            false,
        ),
        ("SigninLogs | summarize IPAddress = take_any(IPAddress) by UserPrincipalName", false),
        ("let a = SigninLogs | summarize IPAddress = make_set(IPAddress) by UserPrincipalName; union a, a", true),
    ];
    for (kql, faulty) in cases {
        let at: &[&str] = if faulty { &["IPAddress"] } else { &[] };
        expect(kql, &with(YAML, &[(QUERY, kql)]), "PQ504", at);
    }
}

/// Places in queries that are written in other ways.
#[test]
fn places_in_scalars() {
    let kql = "SigninLogs\n| where IPAddress contains '-a-b-abc-'\n| where TimeGenerated > ago(30d)";
    let folded = kql.replace('\n', "\n\n");
    let styles = [
        format!("|\n  {}", kql.replace('\n', "\n  ")),
        format!("|-\n      {}", kql.replace('\n', "\n      ")),
        format!(">\n  {}", folded.replace('\n', "\n  ")),
        format!("'{}'", kql.replace('\'', "''").replace('\n', "\n\n  ")),
        format!("\"{}\"", kql.replace('\n', "\\n")),
        format!("\"{}\"", kql.replace('\n', "\\\n  \\n")),
    ];
    for style in styles {
        let start = YAML.find("query: |").unwrap();
        let end = YAML.find("entityMappings").unwrap();
        let text = format!("{}query: {style}\n", &YAML[..start]);
        assert!(end > start);
        let found = findings(&text);
        assert_eq!(texts(&found, "PQ510", &text), ["contains"], "{text}");
        assert_eq!(texts(&found, "PQ505", &text), ["ago(30d)"], "{text}");
        let finding = found.iter().find(|finding| finding.code == "PQ505").unwrap();
        let line = text.lines().nth(finding.place.line - 1).unwrap();
        assert!(line[finding.place.column - 1..].starts_with("ago(30d)"), "{line}");
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

struct Values;

impl Samples for Values {
    fn values(&self, table: &str, column: &str) -> Option<Arc<Vec<String>>> {
        let values = ["Failure", "Success"].map(str::to_owned).to_vec();
        (table == "SigninLogs" && column == "ResultType").then(|| Arc::new(values))
    }
}

#[test]
fn literals_in_another_case() {
    let catalog = catalog();
    let options = picquet_lint::Options { samples: Some(&Values), ..options(&catalog) };
    let cases: &[(&str, &[&str])] = &[
        ("SigninLogs | where ResultType == 'failure'", &["'failure'"]),
        ("SigninLogs | where ResultType in ('failure', 'Success', 'other')", &["'failure'"]),
        ("SigninLogs | where ResultType startswith_cs 'FAIL'", &["'FAIL'"]),
        ("SigninLogs | where ResultType =~ 'failure' or ResultType == 'Success'", &[]),
        ("SigninLogs | project R = ResultType | where R == 'failure'", &["'failure'"]),
        ("SigninLogs | where IPAddress == 'failure'", &[]),
    ];
    for (kql, at) in cases {
        let text = query(kql);
        let found = check(&options, "rule.yaml", &text, None).findings;
        assert_eq!(texts(&found, "PQ514", &text), *at, "{kql}");
    }
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
    let own = include_str!("faults.rs");
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
