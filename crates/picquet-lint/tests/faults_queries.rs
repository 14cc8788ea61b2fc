//! Faults of queries in rules, and queries that have them not.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::sync::Arc;

use picquet_lint::Samples;
use support::rules::{QUERY, YAML, expect, findings, query, with};
use support::{catalog, check, options, texts};

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
