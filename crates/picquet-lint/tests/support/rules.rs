//! Rules without faults, and what changes them.

use picquet_lint::Finding;

use super::{catalog, check, options, texts};

/// A rule without faults.
pub const YAML: &str = "id: 7d3f1a52-0000-4000-8000-000000000001
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
pub const ARM: &str = r#"{"resources": [{
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

/// The findings of a text with all sets.
pub fn findings(text: &str) -> Vec<Finding> {
    let catalog = catalog();
    let name = if text.starts_with('{') { "rule.json" } else { "rule.yaml" };
    check(&options(&catalog), name, text, None).findings
}

/// The text with other words in it; the words must be there.
pub fn with(text: &str, changes: &[(&str, &str)]) -> String {
    let mut text = text.to_owned();
    for (old, new) in changes {
        assert!(text.contains(old), "{old} is not there");
        text = text.replacen(old, new, 1);
    }
    text
}

/// The query of [`YAML`].
pub const QUERY: &str = "SigninLogs
  | where ResultType != '0'
  | project TimeGenerated, UserPrincipalName, IPAddress";

/// A rule with another query and no mapping.
pub fn query(query: &str) -> String {
    let end = YAML.find("entityMappings").expect("mappings");
    with(&YAML[..end], &[(QUERY, &query.replace('\n', "\n  "))])
}

/// Codes that a text has, and no others but the ones that are not meant.
pub fn expect(what: &str, text: &str, code: &str, at: &[&str]) {
    let found = findings(text);
    assert_eq!(texts(&found, code, text), at, "{what}: {found:#?}");
}
