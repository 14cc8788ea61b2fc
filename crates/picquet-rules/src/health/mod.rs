//! Runs as rows of the SentinelHealth table (spec section 8.4).
//!
//! Columns, properties and texts are those of the documentation pages "Microsoft Sentinel health tables reference" and
//! "Monitor the health and audit the integrity of your analytics rules".

mod reason;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

pub use self::reason::{HealthReason, HealthStatus};
use crate::alert::{Alert, AlertContext};
use crate::entities::MAX_ENTITY_BYTES;
use crate::error::WarningKind;
use crate::model::{AnalyticsRule, RuleKind};
use crate::run::RunOutput;
use crate::time::{iso_text, ticks};

/// One run of a rule, with how it ended.
pub struct HealthInput<'a> {
    /// The rule that ran.
    pub rule: &'a AnalyticsRule,
    /// The workspace.
    pub context: &'a AlertContext,
    /// How the run ended.
    pub outcome: HealthOutcome<'a>,
    /// Start of the window the query looked at.
    pub window_start: Timestamp,
    /// End of that window.
    pub window_end: Timestamp,
    /// When the run began by the wall clock. A later one than the window tells of a delay.
    pub execution_start: Timestamp,
    /// When the record is written: its `TimeGenerated`.
    pub now: Timestamp,
    /// A new GUID for the record.
    pub record_id: String,
    /// GUID of the run: [`RunOutput::correlation_id`] where the trigger fired, else a new one.
    pub correlation_id: String,
    /// What the query took, as the engine tells it; none where it does not.
    pub query_performance: Option<&'a Value>,
    /// Who asked for the run; none for runs of the schedule.
    pub triggered_by: Option<&'a str>,
}

/// How a run ended.
#[derive(Debug, Clone, Copy)]
pub enum HealthOutcome<'a> {
    /// The query ran; the trigger may have fired or not.
    Completed(&'a RunOutput),
    /// The query did not run, or not to its end.
    Failed {
        /// Why.
        reason: HealthReason,
        /// The engine's own words; may be empty.
        detail: &'a str,
    },
}

/// A SentinelHealth record. Serialises under the table's column names; times as ISO 8601 UTC, texts without a value
/// as "".
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct HealthRecord {
    /// Id of the workspace.
    pub tenant_id: String,
    /// When the record was written.
    #[serde(with = "ticks")]
    pub time_generated: Timestamp,
    /// `Scheduled analytics rule run` or `NRT analytics rule run`.
    pub operation_name: String,
    /// Resource id of the rule in the workspace.
    pub sentinel_resource_id: String,
    /// Name of the rule.
    pub sentinel_resource_name: String,
    /// How the run ended.
    pub status: HealthStatus,
    /// What happened, with numbers and names.
    pub description: String,
    /// Text of the reason, which is the same for all runs that have it; "" for a success.
    pub reason: String,
    /// Id of the workspace.
    pub workspace_id: String,
    /// Always `Analytics Rule`: health queries compare with that spelling.
    pub sentinel_resource_type: String,
    /// `Scheduled` or `NRT`.
    pub sentinel_resource_kind: String,
    /// GUID of the record.
    pub record_id: String,
    /// Settings of the rule, window and counts of the run.
    pub extended_properties: Map<String, Value>,
    /// Always `Azure`.
    pub source_system: String,
    /// Name of the table.
    #[serde(rename = "Type")]
    pub table: String,
}

impl HealthRecord {
    /// The record of a run.
    #[must_use]
    pub fn of_run(input: HealthInput<'_>) -> Self {
        let HealthInput { rule, context, outcome, now, .. } = &input;
        let issues = issues(rule, outcome);
        let texts = issues.iter().map(|(_, text)| text.as_str());
        let (status, description) = match outcome {
            HealthOutcome::Completed(output) => {
                let status = if issues.is_empty() { HealthStatus::Success } else { HealthStatus::PartialSuccess };
                let outcome = success_text(rule, output);
                (status, std::iter::once(outcome.as_str()).chain(texts).collect::<Vec<_>>().join(" "))
            }
            HealthOutcome::Failed { .. } => (HealthStatus::Failure, texts.collect::<Vec<_>>().join(" ")),
        };
        Self {
            tenant_id: context.workspace_id.clone(),
            time_generated: *now,
            operation_name: operation_name(&rule.kind).to_owned(),
            sentinel_resource_id: resource_id(rule, context),
            sentinel_resource_name: rule.name.clone(),
            status,
            description,
            reason: issues.first().map_or("", |(reason, _)| reason.text()).to_owned(),
            workspace_id: context.workspace_id.clone(),
            sentinel_resource_type: "Analytics Rule".to_owned(),
            sentinel_resource_kind: rule.kind.as_str().to_owned(),
            extended_properties: extended_properties(&input, &issues),
            record_id: input.record_id,
            source_system: "Azure".to_owned(),
            table: "SentinelHealth".to_owned(),
        }
    }
}

fn operation_name(kind: &RuleKind) -> &'static str {
    match kind {
        RuleKind::Nrt => "NRT analytics rule run",
        _ => "Scheduled analytics rule run",
    }
}

fn resource_id(rule: &AnalyticsRule, context: &AlertContext) -> String {
    format!(
        "/subscriptions/{}/resourceGroups/{}/providers/Microsoft.OperationalInsights/workspaces/{}/providers/\
         Microsoft.SecurityInsights/alertRules/{}",
        context.subscription_id,
        context.resource_group,
        context.workspace_name,
        rule.rule_id()
    )
}

fn success_text(rule: &AnalyticsRule, output: &RunOutput) -> String {
    if output.fired {
        return format!("Rule executed successfully, generating {} alert(s).", output.alerts.len());
    }
    let threshold = rule.trigger.threshold;
    format!("Rule executed successfully, but did not reach the threshold ({threshold}) required to generate an alert.")
}

/// What was wrong, the most important first, with the text for the description.
fn issues(rule: &AnalyticsRule, outcome: &HealthOutcome<'_>) -> Vec<(HealthReason, String)> {
    let output = match outcome {
        HealthOutcome::Completed(output) => output,
        HealthOutcome::Failed { reason, detail } => {
            let text = [reason.text(), detail.trim()].join(" ").trim_end().to_owned();
            return vec![(*reason, text)];
        }
    };
    // [I] Several alerts are told of by the rule's name.
    let alert = match output.alerts.as_slice() {
        [alert] => alert.display_name.as_str(),
        _ => rule.name.as_str(),
    };
    let has = |kind: WarningKind| output.warnings.iter().any(|warning| warning.kind == kind);
    let mut issues = Vec::new();
    if has(WarningKind::AlertLimit) {
        issues.push((HealthReason::AlertLimit, alert_limit_text(rule, output.row_count)));
    }
    let dropped = output.entities_dropped_for_size;
    if dropped > 0 {
        let kilobytes = MAX_ENTITY_BYTES / 1024;
        let text =
            format!("{dropped} entities were dropped in alert {alert} due to the {kilobytes} KB alert size limit.");
        issues.push((HealthReason::EntitiesDroppedForSize, text));
    }
    let dropped = output.entities_dropped_for_mapping;
    if dropped > 0 {
        let text = format!("{dropped} entities were dropped in alert {alert} due to entity mapping issues.");
        issues.push((HealthReason::EntitiesDroppedForMapping, text));
    } else if has(WarningKind::EntityMapping) {
        issues.push((HealthReason::EntityMapping, HealthReason::EntityMapping.text().to_owned()));
    }
    issues
}

fn alert_limit_text(rule: &AnalyticsRule, events: usize) -> String {
    let limit = rule.alert_limit();
    format!(
        "The query resulted in {events} events, which exceeds the maximum of {limit} results allowed for {} rules with \
         alert-per-row event-grouping configuration. Alert-per-row was generated for first {} events and an additional \
         aggregated alert was generated to account for all events.",
        rule.kind.as_str(),
        limit - 1
    )
}

/// Counts of a run that failed are left out, but for its alerts, of which there are none.
///
/// `QueryStartTimeUTC` and `QueryEndTimeUTC` are the ends of the window: the documented queries read them so, though
/// the reference describes them as times of execution. [I] `Issues` is a JSON array text of our names of reasons, and
/// `TriggeredByUser` tells who asked for a run that the schedule did not start.
fn extended_properties(input: &HealthInput<'_>, issues: &[(HealthReason, String)]) -> Map<String, Value> {
    let rule = input.rule;
    let names: Vec<&str> = issues.iter().map(|(reason, _)| reason.as_str()).collect();
    let issues = if names.is_empty() { String::new() } else { json!(names).to_string() };
    let output = match input.outcome {
        HealthOutcome::Completed(output) => Some(output),
        HealthOutcome::Failed { .. } => None,
    };
    let trigger_type = match rule.kind {
        RuleKind::Nrt => "NrtRun",
        _ => "Scheduled",
    };
    let properties = [
        ("AggregationKind", Some(json!(rule.event_grouping))),
        ("AlertsGeneratedAmount", Some(json!(output.map_or(0, |output| output.alerts.len())))),
        ("CorrelationId", Some(json!(input.correlation_id))),
        ("EntitiesDroppedDueToMappingIssuesAmount", output.map(|output| json!(output.entities_dropped_for_mapping))),
        ("EntitiesGeneratedAmount", output.map(|output| json!(output.alerts.iter().map(entity_count).sum::<usize>()))),
        ("Issues", Some(json!(issues))),
        ("QueryEndTimeUTC", Some(json!(iso_text(input.window_end)))),
        ("QueryFrequency", Some(json!(rule.query_frequency.to_dotnet()))),
        ("QueryPerformanceIndicators", input.query_performance.map(|value| json!(value.to_string()))),
        ("QueryPeriod", Some(json!(rule.query_period.to_dotnet()))),
        ("QueryResultAmount", output.map(|output| json!(output.row_count))),
        ("QueryStartTimeUTC", Some(json!(iso_text(input.window_start)))),
        ("RuleId", Some(json!(rule.rule_id()))),
        ("SuppressionDuration", Some(json!(rule.suppression_duration.to_dotnet()))),
        ("SuppressionEnabled", Some(json!(if rule.suppression_enabled { "True" } else { "False" }))),
        ("TriggerOperator", Some(json!(rule.trigger.operator))),
        ("TriggerThreshold", Some(json!(rule.trigger.threshold))),
        ("TriggerType", Some(json!(trigger_type))),
        ("TriggeredByUser", input.triggered_by.map(|user| json!(user))),
        ("executionStart", Some(json!(iso_text(input.execution_start)))),
    ];
    properties.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
}

fn entity_count(alert: &Alert) -> usize {
    serde_json::from_str::<Vec<Value>>(&alert.entities).map_or(0, |entities| entities.len())
}
