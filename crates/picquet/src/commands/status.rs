//! What a workspace has, and how its rules fare.

use std::io::Write;

use picquet_store::{IncidentFilter, OutboxState, RuleRow, Workspace};
use serde_json::{Value, json};

use super::workspace::{size, table_json};

/// The status for programs.
pub(crate) fn json(workspace: &Workspace) -> anyhow::Result<Value> {
    let state = workspace.state();
    let rule = |rule: RuleRow| {
        json!({
            "id": rule.id, "name": rule.name, "kind": rule.kind, "file": rule.file, "enabled": rule.enabled,
            "disabledReason": rule.disabled_reason, "present": rule.present,
        })
    };
    Ok(json!({
        "workspace": workspace.path().display().to_string(),
        "id": workspace.id(),
        "storage": workspace.place(),
        "tables": workspace.tables().iter().map(table_json).collect::<Vec<_>>(),
        "rules": state.rules()?.into_iter().map(rule).collect::<Vec<_>>(),
        "openIncidents": open_incidents(workspace)?,
        "messages": {
            "pending": state.messages(OutboxState::Pending, usize::MAX >> 1)?.len(),
            "dead": state.messages(OutboxState::Dead, usize::MAX >> 1)?.len(),
        },
    }))
}

fn open_incidents(workspace: &Workspace) -> anyhow::Result<usize> {
    let statuses = vec!["New".to_string(), "Active".to_string()];
    Ok(workspace.state().incidents(&IncidentFilter { statuses, ..IncidentFilter::default() })?.len())
}

/// The status for people.
pub(crate) fn write(workspace: &Workspace, out: &mut dyn Write) -> anyhow::Result<()> {
    let state = workspace.state();
    let tables = workspace.tables();
    let rows: u64 = tables.iter().map(|table| table.rows).sum();
    let bytes: u64 = tables.iter().map(|table| table.bytes).sum();
    writeln!(out, "workspace {} ({})", workspace.path().display(), workspace.id())?;
    writeln!(out, "tables    {} in {}: {rows} rows, {}", tables.len(), workspace.place(), size(bytes))?;
    let rules = state.rules()?;
    let running = rules.iter().filter(|rule| rule.enabled && rule.present).count();
    writeln!(out, "rules     {running} of {} enabled", rules.len())?;
    for rule in rules.iter().filter(|rule| !rule.disabled_reason.is_empty()) {
        writeln!(out, "          {} is disabled: {}", rule.name, rule.disabled_reason)?;
    }
    writeln!(out, "incidents {} open", open_incidents(workspace)?)?;
    let dead = state.messages(OutboxState::Dead, usize::MAX >> 1)?;
    let pending = state.messages(OutboxState::Pending, usize::MAX >> 1)?.len();
    writeln!(out, "messages  {pending} to be sent, {} given up", dead.len())?;
    for message in dead.iter().rev().take(3) {
        writeln!(out, "          {}: {}", message.output, message.error.as_deref().unwrap_or(""))?;
    }
    Ok(())
}
