//! The workspace that is put to the test: its settings and rules.

use std::fs;
use std::path::Path;

use super::logs::ARRIVING;

/// Rows go from the buffer to files, and files together, as often as can be; what is removed is deleted soon.
const SETTINGS: &str = r#"flush_after = "1m"
flush_rows = 3000
file_bytes = 400000
keep_removed = "1m"

[[output]]
name = "lines"
kind = "jsonl"
path = "messages.jsonl"
"#;

/// A rule of the test.
pub(super) struct Rule {
    pub(super) id: &'static str,
    pub(super) file: &'static str,
    /// Minutes between its runs.
    pub(super) minutes: i64,
    /// What an alert of it stands for.
    pub(super) alert: AlertOf,
    text: &'static str,
}

/// What an alert stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum AlertOf {
    /// A run.
    Run,
    /// A file that arrived.
    File,
}

pub(super) const RULES: [Rule; 4] = [
    Rule {
        id: "00000000-0000-4000-8000-000000000001",
        file: "windows.yaml",
        minutes: 5,
        alert: AlertOf::Run,
        text: "name: Windows
kind: Scheduled
severity: Low
queryFrequency: 5m
queryPeriod: 5m
triggerOperator: gt
triggerThreshold: 0
query: TABLE | summarize Rows = count()
",
    },
    Rule {
        id: "00000000-0000-4000-8000-000000000002",
        file: "arrivals.yaml",
        minutes: 2,
        alert: AlertOf::File,
        text: "name: Arrivals
kind: Scheduled
severity: Medium
queryFrequency: 2m
queryPeriod: 14d
triggerOperator: gt
triggerThreshold: 0
query: |
  TABLE
  | where ingestion_time() > ago(2m) and ingestion_time() <= now()
  | summarize Rows = count() by File
eventGroupingSettings:
  aggregationKind: AlertPerResult
customDetails:
  File: File
  Rows: Rows
",
    },
    Rule {
        id: "00000000-0000-4000-8000-000000000003",
        file: "near-real-time.yaml",
        minutes: 1,
        alert: AlertOf::File,
        text: "name: Near real time
kind: NRT
severity: Medium
query: TABLE | summarize Rows = count() by File
eventGroupingSettings:
  aggregationKind: AlertPerResult
customDetails:
  File: File
  Rows: Rows
",
    },
    Rule {
        id: "00000000-0000-4000-8000-000000000004",
        file: "users.yaml",
        minutes: 2,
        alert: AlertOf::File,
        text: "name: Users
kind: Scheduled
severity: High
queryFrequency: 2m
queryPeriod: 14d
triggerOperator: gt
triggerThreshold: 0
query: |
  TABLE
  | where ingestion_time() > ago(2m) and ingestion_time() <= now()
  | summarize Rows = count() by File, User
entityMappings:
  - entityType: Account
    fieldMappings:
      - identifier: Name
        columnName: User
eventGroupingSettings:
  aggregationKind: AlertPerResult
incidentConfiguration:
  createIncident: true
  groupingConfiguration:
    enabled: true
    reopenClosedIncident: false
    lookbackDuration: 5h
    matchingMethod: AllEntities
customDetails:
  File: File
  Rows: Rows
  User: User
",
    },
];

/// The rule whose alerts are grouped by user.
pub(super) const GROUPED: &str = "00000000-0000-4000-8000-000000000004";

/// Writes the settings of a new workspace.
pub(super) fn write_settings(workspace: &Path) -> anyhow::Result<()> {
    Ok(fs::write(workspace.join("workspace.toml"), SETTINGS)?)
}

/// Writes the rules of a workspace.
pub(super) fn write_rules(workspace: &Path) -> anyhow::Result<()> {
    for rule in &RULES {
        let text = format!("id: {}\n{}", rule.id, rule.text.replace("TABLE", ARRIVING));
        fs::write(workspace.join("rules").join(rule.file), text)?;
    }
    Ok(())
}
