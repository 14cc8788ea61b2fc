//! `picquet incidents`.

use std::io::Write;
use std::path::PathBuf;

use clap::{Args, Subcommand};
use comfy_table::{Table, presets};
use jiff::Timestamp;
use picquet_detect::{Clock as _, IncidentEdit, ServiceSettings, edit_incident};
use picquet_rules::{
    Classification, ClassificationReason, Closing, Edit, Incident, IncidentError, IncidentStatus, Owner,
};
use picquet_store::{Access, AlertFilter, IncidentFilter, IncidentRow, Workspace};
use serde_json::{Value, json};

use super::alerts;
use super::workspace::{TextOrJson, open};
use crate::cli::time;
use crate::clock::SystemClock;
use crate::output::clean;

#[derive(Debug, Args)]
pub(crate) struct IncidentsArgs {
    #[command(subcommand)]
    command: IncidentsCommand,
}

/// One incident, and who works on it.
#[derive(Debug, Args)]
struct OneArgs {
    /// Its number
    #[arg(value_name = "NUMBER")]
    number: i64,
    /// The workspace
    #[arg(long, short, value_name = "DIR", env = "PICQUET_WORKSPACE")]
    workspace: PathBuf,
    /// Who does it
    #[arg(long, value_name = "NAME", env = "USER", default_value = "picquet")]
    by: String,
}

#[derive(Debug, Subcommand)]
enum IncidentsCommand {
    /// List incidents, the last first
    List {
        /// The workspace
        #[arg(long, short, value_name = "DIR", env = "PICQUET_WORKSPACE")]
        workspace: PathBuf,
        /// In this state: New, Active, Closed; may be given several times; all but the closed ones by default
        #[arg(long, value_name = "STATUS")]
        status: Vec<IncidentStatus>,
        /// Of this severity; may be given several times
        #[arg(long, value_name = "SEVERITY")]
        severity: Vec<String>,
        /// Created at this time or later
        #[arg(long, value_name = "TIME", value_parser = time)]
        since: Option<Timestamp>,
        /// So many at most
        #[arg(long, value_name = "N", default_value_t = 50)]
        limit: usize,
        /// Form of the output
        #[arg(long, value_enum, default_value_t = TextOrJson::Text)]
        format: TextOrJson,
    },
    /// Show an incident with its alerts and comments
    Show {
        #[command(flatten)]
        one: OneArgs,
        /// Form of the output
        #[arg(long, value_enum, default_value_t = TextOrJson::Text)]
        format: TextOrJson,
    },
    /// Close an incident
    Close {
        #[command(flatten)]
        one: OneArgs,
        /// What it was: TruePositive, BenignPositive, FalsePositive, Undetermined
        #[arg(long, value_name = "CLASSIFICATION")]
        classification: Classification,
        /// Why: SuspiciousActivity, SuspiciousButExpected, IncorrectAlertLogic, InaccurateData; Undetermined has none
        #[arg(long, value_name = "REASON")]
        reason: Option<ClassificationReason>,
        /// A remark on the classification
        #[arg(long, value_name = "TEXT", default_value = "")]
        comment: String,
    },
    /// Open a closed incident again
    Reopen {
        #[command(flatten)]
        one: OneArgs,
    },
    /// Comment on an incident
    Comment {
        #[command(flatten)]
        one: OneArgs,
        /// The comment
        #[arg(value_name = "TEXT")]
        text: String,
    },
    /// Give an incident an owner
    Assign {
        #[command(flatten)]
        one: OneArgs,
        /// The owner's name or user principal name; without one, nobody
        #[arg(long, value_name = "NAME")]
        owner: Option<String>,
    },
}

pub(crate) async fn run(args: &IncidentsArgs) -> anyhow::Result<bool> {
    let mut out = std::io::stdout().lock();
    match &args.command {
        IncidentsCommand::List { workspace, status, severity, since, limit, format } => {
            let workspace = open(workspace, Access::Share).await?;
            let open_ones = [IncidentStatus::New, IncidentStatus::Active];
            let statuses = if status.is_empty() { &open_ones } else { status.as_slice() };
            let filter = IncidentFilter {
                rule: None,
                since: *since,
                severities: severity.clone(),
                statuses: statuses.iter().map(|status| status.as_str().to_string()).collect(),
                limit: Some(*limit),
            };
            let found = workspace.state().incidents(&filter)?;
            match format {
                TextOrJson::Json => writeln!(out, "{}", json!(found.iter().map(incident_json).collect::<Vec<_>>()))?,
                TextOrJson::Text if found.is_empty() => writeln!(out, "no incidents")?,
                TextOrJson::Text => writeln!(out, "{}", listed(&found)?)?,
            }
        }
        IncidentsCommand::Show { one, format } => {
            let workspace = open(&one.workspace, Access::Share).await?;
            let row = workspace.state().incident(one.number)?;
            let row = row.ok_or_else(|| anyhow::anyhow!("there is no incident {}", one.number))?;
            match format {
                TextOrJson::Json => writeln!(out, "{}", incident_json(&row))?,
                TextOrJson::Text => show(&workspace, &row, &mut out)?,
            }
        }
        IncidentsCommand::Close { one, classification, reason, comment } => {
            let closing = Closing { classification: *classification, reason: *reason, comment: comment.clone() };
            edit(one, &mut out, |incident, edit| incident.close(closing, edit)).await?;
        }
        IncidentsCommand::Reopen { one } => edit(one, &mut out, |incident, edit| incident.reopen(edit)).await?,
        IncidentsCommand::Comment { one, text } => {
            let id = uuid::Uuid::new_v4().to_string();
            edit(one, &mut out, |incident, edit| incident.comment(id, text, edit)).await?;
        }
        IncidentsCommand::Assign { one, owner } => {
            let assign = |incident: &mut Incident, edit: Edit<'_>| match owner {
                Some(owner) => incident.assign(Owner::named(owner.clone()), edit),
                None => {
                    incident.unassign(edit);
                    Ok(())
                }
            };
            edit(one, &mut out, assign).await?;
        }
    }
    Ok(true)
}

async fn edit(
    one: &OneArgs,
    out: &mut dyn Write,
    change: impl FnOnce(&mut Incident, Edit<'_>) -> Result<(), IncidentError>,
) -> anyhow::Result<()> {
    let workspace = open(&one.workspace, Access::Share).await?;
    let settings = ServiceSettings::of(&workspace)?;
    let what = IncidentEdit {
        number: one.number,
        by: &one.by,
        now: SystemClock.now(),
        context: &settings.context,
        message_id: uuid::Uuid::new_v4().to_string(),
    };
    let incident = edit_incident(&workspace, what, change)?;
    let owner = incident.owner.as_ref().and_then(|owner| owner.assigned_to.as_deref()).unwrap_or("nobody");
    writeln!(out, "incident {}: {}, owner {owner}", incident.number, incident.status)?;
    Ok(())
}

fn incident_json(row: &IncidentRow) -> Value {
    row.record.clone()
}

fn incident_of(row: &IncidentRow) -> anyhow::Result<Incident> {
    Ok(serde_json::from_value(row.record.clone())?)
}

fn listed(rows: &[IncidentRow]) -> anyhow::Result<Table> {
    let mut shown = Table::new();
    shown.load_style(presets::NOTHING);
    shown.set_header(["Number", "Created", "Severity", "Status", "Owner", "Alerts", "Title"]);
    for row in rows {
        let incident = incident_of(row)?;
        shown.add_row([
            incident.number.to_string(),
            format!("{:.0}", incident.created),
            incident.severity.to_string(),
            incident.status.to_string(),
            incident.owner.and_then(|owner| owner.assigned_to).unwrap_or_default(),
            incident.alert_ids.len().to_string(),
            clean(&incident.title).into_owned(),
        ]);
    }
    Ok(shown)
}

fn show(workspace: &Workspace, row: &IncidentRow, out: &mut dyn Write) -> anyhow::Result<()> {
    let incident = incident_of(row)?;
    writeln!(out, "{} {}", incident.number, clean(&incident.title))?;
    let owner = incident.owner.and_then(|owner| owner.assigned_to).unwrap_or_else(|| "nobody".to_string());
    writeln!(out, "  {}, {}, owner {owner}", incident.severity, incident.status)?;
    if let Some(Closing { classification, reason, comment }) = &incident.closing {
        let reason = reason.map_or_else(String::new, |reason| format!(", {reason}"));
        writeln!(out, "  {classification}{reason} {}", clean(comment))?;
    }
    writeln!(
        out,
        "  created {:.0}, activity {:.0} to {:.0}",
        incident.created, incident.first_activity, incident.last_activity
    )?;
    if !incident.tactics.is_empty() || !incident.techniques.is_empty() {
        writeln!(out, "  {} {}", incident.tactics.join(", "), incident.techniques.join(", "))?;
    }
    writeln!(out, "  rule {} ({})", clean(&incident.rule_name), incident.rule_id)?;
    let filter = AlertFilter { incident: Some(incident.number), ..AlertFilter::default() };
    writeln!(out, "\n{}", alerts::listed(&workspace.state().alerts(&filter)?))?;
    for comment in &incident.comments {
        writeln!(out, "\n{:.0} {}: {}", comment.created, clean(&comment.author), clean(&comment.text))?;
    }
    Ok(())
}
