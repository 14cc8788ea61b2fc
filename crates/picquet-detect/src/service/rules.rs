//! Which rules there are, and what is kept of each.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError};

use jiff::Timestamp;
use picquet_rules::AnalyticsRule;
use picquet_store::{Change, Result, RuleRow, StoreError, Workspace};
use serde::{Deserialize, Serialize};

use super::Service;
use crate::failure::{FailureState, enabled_name};
use crate::schedule::{RuleTiming, ScheduleState};

/// What is kept of a rule between runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(default)]
pub struct RuleState {
    /// When it runs; nothing before its first look.
    pub schedule: Option<ScheduleState>,
    /// How its last runs failed.
    pub failure: FailureState,
    /// A run that is to be tried again.
    pub retry: Option<Retry>,
}

/// A run that is to be tried again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Retry {
    /// Its scheduled instant.
    pub scheduled: Timestamp,
    /// When.
    pub at: Timestamp,
}

impl RuleState {
    pub(super) fn of(row: &RuleRow) -> Result<RuleState> {
        if row.state.is_null() {
            return Ok(RuleState::default());
        }
        serde_json::from_value(row.state.clone()).map_err(|source| StoreError::Record { what: "rule state", source })
    }

    pub(super) fn put(&self, row: &mut RuleRow) -> Result<()> {
        row.state = serde_json::to_value(self).map_err(|source| StoreError::Record { what: "rule state", source })?;
        Ok(())
    }
}

/// What a new set of rules changed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RulesChange {
    /// Names of rules that are new, or there again.
    pub added: Vec<String>,
    /// Names of rules that were edited.
    pub edited: Vec<String>,
    /// Names of rules that are gone.
    pub removed: Vec<String>,
    /// Rules that cannot run, with the reason.
    pub refused: Vec<String>,
}

impl Service {
    /// The rules are these from now on. A rule that was edited goes on with its schedule; one that was switched off for its
    /// failures is on again once it is edited. Of rules with the same id only the first one runs.
    pub fn set_rules(&self, rules: Vec<AnalyticsRule>) -> Result<RulesChange> {
        let now = self.now();
        let mut by_id: BTreeMap<String, Arc<AnalyticsRule>> = BTreeMap::new();
        let mut told = RulesChange::default();
        for rule in rules {
            let id = rule.rule_id().to_string();
            if let Some(first) = by_id.get(&id) {
                let (file, first) = (&rule.source.file, &first.source.file);
                told.refused
                    .push(format!("{file}: the rule {} has the id of a rule in {first}; it does not run", rule.name));
                continue;
            }
            if RuleTiming::of(&rule).is_none() {
                told.refused.push(format!(
                    "{}: a rule of the kind {} is not run",
                    rule.source.file,
                    rule.kind.as_str()
                ));
                continue;
            }
            by_id.insert(id, Arc::new(rule));
        }
        let known = self.workspace().state().rules()?;
        self.workspace().change(|change| {
            for (id, rule) in &by_id {
                let row = known.iter().find(|row| row.id == *id);
                put_rule(change, id, rule, row, now, &mut told)?;
            }
            for row in known.iter().filter(|row| row.present && !by_id.contains_key(&row.id)) {
                told.removed.push(row.name.clone());
                change.put_rule(&RuleRow { present: false, ..row.clone() })?;
            }
            Ok(())
        })?;
        *self.rules.write().unwrap_or_else(PoisonError::into_inner) = by_id;
        Ok(told)
    }
}

/// Makes the row what is kept of the rule now: since it was read, the rule may have been edited, or switched off. Whether it
/// is the same version of the rule still.
pub(super) fn renew(change: &Change<'_>, row: &mut RuleRow) -> Result<bool> {
    let Some(kept) = change.rule(&row.id)? else { return Ok(true) };
    let same = kept.hash == row.hash;
    *row = kept;
    Ok(same)
}

fn put_rule(
    change: &mut Change<'_>,
    id: &str,
    rule: &AnalyticsRule,
    row: Option<&RuleRow>,
    now: Timestamp,
    told: &mut RulesChange,
) -> Result<()> {
    let hash = fingerprint(rule);
    let mut next = match row {
        Some(row) if row.hash == hash && row.present && row.file == rule.source.file => return Ok(()),
        Some(row) => row.clone(),
        None => RuleRow {
            id: id.to_string(),
            name: String::new(),
            kind: String::new(),
            file: String::new(),
            hash: String::new(),
            enabled: true,
            disabled_reason: String::new(),
            present: false,
            created: now,
            state: serde_json::Value::Null,
        },
    };
    let edited = next.hash != hash;
    if !next.present {
        told.added.push(rule.name.clone());
        // What happened while the rule was away is not caught up.
        let mut state = RuleState::of(&next)?;
        if let Some(schedule) = &mut state.schedule {
            schedule.enabled_since = None;
        }
        state.retry = None;
        state.put(&mut next)?;
    } else if edited {
        told.edited.push(rule.name.clone());
    }
    if edited {
        let mut state = RuleState::of(&next)?;
        state.failure = FailureState::default();
        state.put(&mut next)?;
        next.disabled_reason = String::new();
    }
    next.name = rule.name.clone();
    next.kind = rule.kind.as_str().to_string();
    next.file = rule.source.file.clone();
    next.hash = hash;
    next.enabled = rule.enabled;
    next.present = true;
    change.put_rule(&next)
}

/// Tells versions of a rule apart by what it means, not by its layout or place.
fn fingerprint(rule: &AnalyticsRule) -> String {
    let mut value = serde_json::to_value(rule).unwrap_or_default();
    if let Some(members) = value.as_object_mut() {
        for place in ["source", "queryLocation"] {
            members.remove(place);
        }
    }
    value.to_string()
}

/// Finds a rule of a workspace by its id or name.
fn find(change: &Change<'_>, rules: &[RuleRow], rule: &str) -> Result<RuleRow> {
    if let Some(row) = change.rule(rule)? {
        return Ok(row);
    }
    let named: Vec<&RuleRow> = rules.iter().filter(|row| row.name.eq_ignore_ascii_case(rule)).collect();
    match named.as_slice() {
        [row] => Ok((*row).clone()),
        [] => Err(StoreError::Refused(format!("the workspace has no rule '{rule}'"))),
        _ => Err(StoreError::Refused(format!("several rules are named '{rule}'; give the id"))),
    }
}

/// Switches a rule off, with a reason, until it is enabled or edited. What happens meanwhile is not caught up.
pub fn disable_rule(workspace: &Workspace, rule: &str, reason: &str) -> Result<RuleRow> {
    let rules = workspace.state().rules()?;
    workspace.change(|change| {
        let mut row = find(change, &rules, rule)?;
        row.disabled_reason = if reason.is_empty() { "by hand".to_string() } else { reason.to_string() };
        change.put_rule(&row)?;
        Ok(row)
    })
}

/// Switches a rule on again; its failures are forgotten.
pub fn enable_rule(workspace: &Workspace, rule: &str) -> Result<RuleRow> {
    let rules = workspace.state().rules()?;
    workspace.change(|change| {
        let mut row = find(change, &rules, rule)?;
        if !row.enabled {
            let message = format!("the rule's own file says that it is not enabled: {}", row.file);
            return Err(StoreError::Refused(message));
        }
        row.disabled_reason = String::new();
        row.name = enabled_name(&row.name).to_string();
        let mut state = RuleState::of(&row)?;
        state.failure = FailureState::default();
        state.put(&mut row)?;
        change.put_rule(&row)?;
        Ok(row)
    })
}
