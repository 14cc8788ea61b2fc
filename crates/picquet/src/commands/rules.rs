//! `picquet rules`.

use std::io::Write;
use std::path::PathBuf;

use clap::{Args, Subcommand};
use comfy_table::{Table, presets};
use picquet_detect::{RuleState, disable_rule, enable_rule};
use picquet_store::{Access, RuleRow, RunRow};
use serde_json::{Value, json};

use super::workspace::{TextOrJson, open};
use crate::output::clean;

#[derive(Debug, Args)]
pub(crate) struct RulesArgs {
    #[command(subcommand)]
    command: RulesCommand,
}

#[derive(Debug, Args)]
struct InWorkspace {
    /// The workspace
    #[arg(long, short, value_name = "DIR", env = "PICQUET_WORKSPACE")]
    workspace: PathBuf,
}

#[derive(Debug, Subcommand)]
enum RulesCommand {
    /// List the rules that the workspace runs
    List {
        #[command(flatten)]
        place: InWorkspace,
        /// Form of the output
        #[arg(long, value_enum, default_value_t = TextOrJson::Text)]
        format: TextOrJson,
    },
    /// List runs, the last first
    Runs {
        #[command(flatten)]
        place: InWorkspace,
        /// Of this rule, by id or name
        #[arg(long, value_name = "RULE")]
        rule: Option<String>,
        /// So many at most
        #[arg(long, value_name = "N", default_value_t = 50)]
        limit: usize,
        /// Form of the output
        #[arg(long, value_enum, default_value_t = TextOrJson::Text)]
        format: TextOrJson,
    },
    /// Switch a rule off until it is enabled or edited
    Disable {
        /// The rule, by id or name
        #[arg(value_name = "RULE")]
        rule: String,
        #[command(flatten)]
        place: InWorkspace,
        /// Why
        #[arg(long, value_name = "TEXT", default_value = "")]
        reason: String,
    },
    /// Switch a rule on again
    Enable {
        /// The rule, by id or name
        #[arg(value_name = "RULE")]
        rule: String,
        #[command(flatten)]
        place: InWorkspace,
    },
}

pub(crate) async fn run(args: &RulesArgs) -> anyhow::Result<bool> {
    let mut out = std::io::stdout().lock();
    match &args.command {
        RulesCommand::List { place, format } => {
            let rules = open(&place.workspace, Access::Share).await?.state().rules()?;
            match format {
                TextOrJson::Json => writeln!(out, "{}", json!(rules.iter().map(rule_json).collect::<Vec<_>>()))?,
                TextOrJson::Text if rules.is_empty() => {
                    writeln!(out, "no rules yet: `picquet serve` reads them from the workspace's folder rules")?;
                }
                TextOrJson::Text => writeln!(out, "{}", listed(&rules))?,
            }
        }
        RulesCommand::Runs { place, rule, limit, format } => {
            let workspace = open(&place.workspace, Access::Share).await?;
            let rules = workspace.state().rules()?;
            let id = rule.as_ref().map(|rule| {
                let named = rules.iter().find(|row| row.id == *rule || row.name.eq_ignore_ascii_case(rule));
                named.map_or_else(|| rule.clone(), |row| row.id.clone())
            });
            let runs = workspace.state().runs(id.as_deref(), Some(*limit))?;
            match format {
                TextOrJson::Json => writeln!(out, "{}", json!(runs.iter().map(run_json).collect::<Vec<_>>()))?,
                TextOrJson::Text => writeln!(out, "{}", listed_runs(&runs, &rules))?,
            }
        }
        RulesCommand::Disable { rule, place, reason } => {
            let row = disable_rule(&open(&place.workspace, Access::Share).await?, rule, reason)?;
            writeln!(out, "{} is off: {}", row.name, row.disabled_reason)?;
        }
        RulesCommand::Enable { rule, place } => {
            let row = enable_rule(&open(&place.workspace, Access::Share).await?, rule)?;
            writeln!(out, "{} is on", row.name)?;
        }
    }
    Ok(true)
}

fn next_run(row: &RuleRow) -> Option<String> {
    let state: RuleState = serde_json::from_value(row.state.clone()).ok()?;
    Some(state.schedule?.next().to_string())
}

fn rule_json(row: &RuleRow) -> Value {
    json!({
        "id": row.id, "name": row.name, "kind": row.kind, "file": row.file, "present": row.present,
        "enabled": is_on(row), "disabledReason": row.disabled_reason, "next": next_run(row),
    })
}

fn is_on(row: &RuleRow) -> bool {
    row.enabled && row.present && row.disabled_reason.is_empty()
}

fn listed(rules: &[RuleRow]) -> Table {
    let mut shown = Table::new();
    shown.load_style(presets::NOTHING);
    shown.set_header(["State", "Next run", "Kind", "Name", "Id"]);
    for row in rules {
        let state = match row {
            _ if is_on(row) => "on".to_string(),
            RuleRow { present: false, .. } => "gone".to_string(),
            RuleRow { disabled_reason, .. } if !disabled_reason.is_empty() => format!("off: {disabled_reason}"),
            _ => "off".to_string(),
        };
        let next = if is_on(row) { next_run(row).unwrap_or_default() } else { String::new() };
        shown.add_row([state, next, row.kind.clone(), clean(&row.name).into_owned(), row.id.clone()]);
    }
    shown
}

fn run_json(run: &RunRow) -> Value {
    json!({
        "rule": run.rule, "scheduled": run.scheduled.to_string(), "windowStart": run.window_start.to_string(),
        "status": run.status, "results": run.results, "alerts": run.alerts, "attempts": run.attempts,
        "error": run.error, "started": run.started.to_string(), "ended": run.ended.to_string(),
    })
}

fn listed_runs(runs: &[RunRow], rules: &[RuleRow]) -> Table {
    let mut shown = Table::new();
    shown.load_style(presets::NOTHING);
    shown.set_header(["Scheduled", "Status", "Rows", "Alerts", "Took", "Rule", "Error"]);
    for run in runs {
        let name = rules.iter().find(|row| row.id == run.rule).map_or(run.rule.as_str(), |row| row.name.as_str());
        shown.add_row([
            run.scheduled.to_string(),
            run.status.clone(),
            run.results.map_or_else(String::new, |rows| rows.to_string()),
            run.alerts.to_string(),
            format!("{:#}", run.ended.duration_since(run.started)),
            clean(name).into_owned(),
            run.error.as_deref().map_or_else(String::new, |error| clean(error).into_owned()),
        ]);
    }
    shown
}
