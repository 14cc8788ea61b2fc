//! `picquet alerts`.

use std::io::Write;
use std::path::PathBuf;

use clap::{Args, Subcommand};
use comfy_table::{Table, presets};
use jiff::Timestamp;
use picquet_store::{Access, AlertFilter, AlertRow};
use serde_json::{Value, json};

use super::workspace::{TextOrJson, open};
use crate::cli::time;
use crate::output::clean;

#[derive(Debug, Args)]
pub(crate) struct AlertsArgs {
    #[command(subcommand)]
    command: AlertsCommand,
}

#[derive(Debug, Subcommand)]
enum AlertsCommand {
    /// List alerts, the last first
    List {
        /// The workspace
        #[arg(long, short, value_name = "DIR", env = "PICQUET_WORKSPACE")]
        workspace: PathBuf,
        /// Of this rule, by id or by the alert's name
        #[arg(long, value_name = "RULE")]
        rule: Option<String>,
        /// Of this severity; may be given several times
        #[arg(long, value_name = "SEVERITY")]
        severity: Vec<String>,
        /// Of this incident
        #[arg(long, value_name = "NUMBER")]
        incident: Option<i64>,
        /// Raised at this time or later
        #[arg(long, value_name = "TIME", value_parser = time)]
        since: Option<Timestamp>,
        /// So many at most
        #[arg(long, value_name = "N", default_value_t = 50)]
        limit: usize,
        /// Form of the output
        #[arg(long, value_enum, default_value_t = TextOrJson::Text)]
        format: TextOrJson,
    },
    /// Show an alert: its SecurityAlert record
    Show {
        /// Its SystemAlertId, or the first characters of it
        #[arg(value_name = "ID")]
        id: String,
        /// The workspace
        #[arg(long, short, value_name = "DIR", env = "PICQUET_WORKSPACE")]
        workspace: PathBuf,
    },
}

pub(crate) async fn run(args: &AlertsArgs) -> anyhow::Result<bool> {
    let mut out = std::io::stdout().lock();
    match &args.command {
        AlertsCommand::List { workspace, rule, severity, incident, since, limit, format } => {
            let workspace = open(workspace, Access::Share).await?;
            let filter = AlertFilter {
                rule: rule.clone(),
                since: *since,
                severities: severity.clone(),
                incident: *incident,
                limit: Some(*limit),
            };
            let alerts = workspace.state().alerts(&filter)?;
            match format {
                TextOrJson::Json => writeln!(out, "{}", json!(alerts.iter().map(alert_json).collect::<Vec<_>>()))?,
                TextOrJson::Text if alerts.is_empty() => writeln!(out, "no alerts")?,
                TextOrJson::Text => writeln!(out, "{}", listed(&alerts))?,
            }
        }
        AlertsCommand::Show { id, workspace } => {
            let workspace = open(workspace, Access::Share).await?;
            let alert = match workspace.state().alert(id)? {
                Some(alert) => alert,
                None => {
                    let all = workspace.state().alerts(&AlertFilter::default())?;
                    let mut found = all.into_iter().filter(|alert| alert.id.starts_with(id.as_str()));
                    match (found.next(), found.next()) {
                        (Some(alert), None) => alert,
                        (Some(_), Some(_)) => anyhow::bail!("several alerts have an id that begins with {id}"),
                        _ => anyhow::bail!("there is no alert {id}"),
                    }
                }
            };
            writeln!(out, "{}", serde_json::to_string_pretty(&opened(&alert.record))?)?;
        }
    }
    Ok(true)
}

fn alert_json(alert: &AlertRow) -> Value {
    json!({
        "id": alert.id, "name": alert.name, "severity": alert.severity, "rule": alert.rule,
        "created": alert.created.to_string(), "scheduled": alert.scheduled.to_string(), "incident": alert.incident,
        "record": alert.record,
    })
}

/// The record with its JSON texts as JSON.
fn opened(record: &Value) -> Value {
    let mut record = record.clone();
    for column in ["Entities", "ExtendedProperties", "ExtendedLinks", "RemediationSteps"] {
        let parsed = record.get(column).and_then(Value::as_str).and_then(|text| serde_json::from_str(text).ok());
        if let (Some(members), Some(parsed)) = (record.as_object_mut(), parsed) {
            members.insert(column.to_string(), parsed);
        }
    }
    record
}

/// Alerts as a table for people.
pub(crate) fn listed(alerts: &[AlertRow]) -> Table {
    let mut shown = Table::new();
    shown.load_style(presets::NOTHING);
    shown.set_header(["Raised", "Severity", "Incident", "Name", "Id"]);
    for alert in alerts {
        shown.add_row([
            format!("{:.0}", alert.created),
            alert.severity.clone(),
            alert.incident.map_or_else(String::new, |number| number.to_string()),
            clean(&alert.name).into_owned(),
            alert.id.clone(),
        ]);
    }
    shown
}
