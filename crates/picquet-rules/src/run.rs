//! One run of a rule: from a query's result to alerts (spec sections 3, 4, 5 and 8).

use std::io::Write;

use base64::Engine as _;
use flate2::{Compression, write::ZlibEncoder};
use jiff::Timestamp;
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::Value;

use crate::alert::{Alert, AlertContext, Properties, alert_table};
use crate::details::{column_index, custom_details, overridden};
use crate::entities::{extract_entities, legacy_mappings};
use crate::error::{Warning, WarningKind};
use crate::model::{AnalyticsRule, EntityMapping, EventGrouping, RuleKind};
use crate::time::{floor_to, parse_time};

/// Most bytes of the row that an alert's query rebuilds.
const MAX_EVENT_BYTES: usize = 10 * 1024;

const SECOND_NANOS: i128 = 1_000_000_000;

/// A query's result with everything an alert needs besides.
///
/// Cells are neutral: datetimes are ISO 8601 texts, dynamic values plain JSON, timespans and guids texts. A row that
/// is shorter than `columns` reads as null at its end.
pub struct RunInput<'a> {
    /// The rule that ran.
    pub rule: &'a AnalyticsRule,
    /// Names of the result's columns.
    pub columns: &'a [String],
    /// Kusto types of the columns; may be empty when they are not known.
    pub column_types: &'a [String],
    /// Rows, in the order the query returned.
    pub rows: &'a [Vec<Value>],
    /// Start of the window the query looked at.
    pub window_start: Timestamp,
    /// End of that window: the scheduled instant, and `now()` inside the query.
    pub window_end: Timestamp,
    /// When the alerts are written: their `TimeGenerated`.
    pub generated_at: Timestamp,
    /// The workspace.
    pub context: &'a AlertContext,
    /// Gives a new GUID at each call: one for the run, then two for each alert.
    pub next_id: &'a mut dyn FnMut() -> String,
}

/// What a run gave.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct RunOutput {
    /// Whether the trigger fired; else the threshold was not reached and there are no alerts.
    pub fired: bool,
    /// Rows of the result.
    pub row_count: usize,
    /// GUID of the run; "" when the trigger did not fire.
    pub correlation_id: String,
    /// Alerts, in the order of the rows they stand for.
    pub alerts: Vec<Alert>,
    /// What had to be left out, each remark once.
    pub warnings: Vec<Warning>,
    /// Entities left out of the alerts because of their number or size.
    pub entities_dropped_for_size: usize,
    /// Entities that the alerts lack because a mapping names a type or column that does not exist.
    pub entities_dropped_for_mapping: usize,
}

/// Evaluates the trigger and builds the alerts of one run. Rules that run no query never fire.
#[must_use]
pub fn evaluate(input: RunInput<'_>) -> RunOutput {
    let RunInput { rule, rows, .. } = input;
    let mut output = RunOutput {
        fired: rule.is_executable() && rule.trigger.fires(rows.len()),
        row_count: rows.len(),
        ..RunOutput::default()
    };
    if !output.fired {
        return output;
    }
    output.correlation_id = (input.next_id)();
    let groups = group_rows(rule, rows, &mut output.warnings);
    let has_mappings = !rule.entity_mappings.is_empty() || !rule.sentinel_entities_mappings.is_empty();
    let mappings = if has_mappings { rule.entity_mappings.clone() } else { legacy_mappings(input.columns) };
    let mut builder = AlertBuilder { input, mappings, correlation_id: output.correlation_id.clone() };
    for group in &groups {
        let alert = builder.build(group, &mut output);
        output.alerts.push(alert);
    }
    output
}

/// The rows one alert stands for.
struct Group<'a> {
    rows: Vec<&'a Vec<Value>>,
    /// Whether the alert is for one row of an `AlertPerResult` rule.
    single_event: bool,
}

/// Deals rows to alerts (spec section 4).
///
/// [I] A rule that fires on an empty result gives one alert under either grouping: there is no row to give one for.
fn group_rows<'a>(rule: &AnalyticsRule, rows: &'a [Vec<Value>], warnings: &mut Vec<Warning>) -> Vec<Group<'a>> {
    let whole = || Group { rows: rows.iter().collect(), single_event: false };
    if rule.event_grouping == EventGrouping::SingleAlert || rows.is_empty() {
        return vec![whole()];
    }
    let limit = rule.alert_limit();
    let singles = if rows.len() > limit { limit - 1 } else { rows.len() };
    let mut groups: Vec<Group<'a>> =
        rows[..singles].iter().map(|row| Group { rows: vec![row], single_event: true }).collect();
    if rows.len() > limit {
        let message = format!(
            "{} rows: the first {singles} have an alert each, alert {limit} stands for all of them",
            rows.len()
        );
        Warning::new(WarningKind::AlertLimit, message).push(warnings);
        groups.push(whole());
    }
    groups
}

struct AlertBuilder<'a> {
    input: RunInput<'a>,
    mappings: Vec<EntityMapping>,
    correlation_id: String,
}

impl AlertBuilder<'_> {
    fn build(&mut self, group: &Group<'_>, output: &mut RunOutput) -> Alert {
        let warnings = &mut output.warnings;
        let system_alert_id = (self.input.next_id)();
        let vendor_original_id = (self.input.next_id)();
        let RunInput { rule, columns, context, generated_at, .. } = &self.input;
        let details = overridden(&rule.alert_details_override, columns, &group.rows, warnings);
        let custom = custom_details(&rule.custom_details, columns, &group.rows, warnings);
        let extraction =
            extract_entities(&self.mappings, &rule.sentinel_entities_mappings, columns, group.rows.iter().copied());
        let entities = extraction.to_text();
        for warning in extraction.warnings {
            warning.push(warnings);
        }
        output.entities_dropped_for_size += extraction.dropped_for_size;
        output.entities_dropped_for_mapping += extraction.dropped_for_mapping;
        let (start_time, end_time) = self.event_times(&group.rows);
        let (provider, component) = product_names(&rule.kind);
        let display_name = details.display_name.unwrap_or_else(|| rule.name.clone());
        let tactics = details.tactics.unwrap_or_else(|| rule.tactics.clone());
        let (techniques, sub_techniques) =
            details.techniques.unwrap_or_else(|| (rule.techniques(), rule.sub_techniques()));
        let or = |value: Option<String>, default: &str| value.unwrap_or_else(|| default.to_owned());

        Alert {
            tenant_id: context.workspace_id.clone(),
            time_generated: *generated_at,
            alert_name: display_name.clone(),
            display_name,
            alert_severity: details.severity.unwrap_or(rule.severity),
            description: or(details.description, &rule.description),
            provider_name: or(details.provider_name, provider),
            vendor_name: context.vendor_name.clone(),
            vendor_original_id,
            system_alert_id,
            resource_id: String::new(),
            source_computer_id: String::new(),
            alert_type: format!("{}_{}", context.workspace_id, rule.rule_id()),
            confidence_level: or(details.confidence_level, ""),
            confidence_score: details.confidence_score,
            is_incident: false,
            start_time,
            end_time,
            processing_end_time: *generated_at,
            remediation_steps: or(details.remediation_steps, ""),
            extended_properties: self.extended_properties(group, &custom),
            entities,
            source_system: "Detection".to_owned(),
            workspace_subscription_id: context.subscription_id.clone(),
            workspace_resource_group: context.resource_group.clone(),
            extended_links: or(details.extended_links, ""),
            product_name: or(details.product_name, "Azure Sentinel"),
            product_component_name: or(details.product_component_name, component),
            alert_link: or(details.alert_link, ""),
            status: "New".to_owned(),
            compromised_entity: String::new(),
            tactics: tactics.join(","),
            techniques: context.technique_format.write(&techniques),
            sub_techniques: context.technique_format.write(&sub_techniques),
            table: alert_table(),
        }
    }

    /// First and last `TimeGenerated` of the rows; the window when there is none (spec section 8.1).
    fn event_times(&self, rows: &[&Vec<Value>]) -> (Timestamp, Timestamp) {
        let window = (self.input.window_start, self.input.window_end);
        let Some(index) = column_index(self.input.columns, "TimeGenerated") else {
            return window;
        };
        let column_type = self.input.column_types.get(index);
        if column_type.is_some_and(|name| name != "datetime") {
            return window;
        }
        let times = rows.iter().filter_map(|row| parse_time(row.get(index)?.as_str()?));
        times
            .fold(None, |span: Option<(Timestamp, Timestamp)>, time| {
                let (first, last) = span.unwrap_or((time, time));
                Some((first.min(time), last.max(time)))
            })
            .unwrap_or(window)
    }

    fn extended_properties(&self, group: &Group<'_>, custom: &[(String, Vec<String>)]) -> String {
        let rule = self.input.rule;
        let mut properties = Properties::default();
        properties.push("Query Period", rule.query_period.to_dotnet());
        properties.push("Trigger Operator", rule.trigger.operator.as_arm());
        properties.push("Trigger Threshold", rule.trigger.threshold.to_string());
        properties.push("Correlation Id", self.correlation_id.as_str());
        properties.push("Search Query Results Overall Count", self.input.rows.len().to_string());
        properties.push("Data Sources", json_list(&self.input.context.workspace_name));
        match self.event_query(group) {
            Some(query) => {
                properties.push("Query", query);
                properties.push("OriginalQuery", rule.query.as_str());
            }
            None => properties.push("Query", query_with_clock(rule, self.input.window_end)),
        }
        properties.push("Query Start Time UTC", second_text(self.input.window_start));
        properties.push("Query End Time UTC", second_text(ceil_to_second(self.input.window_end)));
        properties.push("Analytic Rule Ids", json_list(rule.rule_id()));
        properties.push("Event Grouping", event_grouping_name(rule.event_grouping));
        properties.push("Analytic Rule Name", rule.name.as_str());
        properties.push("ProcessedBySentinel", "True");
        properties.push("Alert generation status", "Full alert created");
        if !custom.is_empty() {
            let text = serde_json::to_string(&Pairs(custom)).unwrap_or_default();
            properties.push("Custom Details", text);
        }
        properties.to_text()
    }

    /// For an alert of one row, a query that gives back just that row (spec section 8.2); none for rows too large.
    fn event_query(&self, group: &Group<'_>) -> Option<String> {
        let [row] = group.rows.as_slice() else {
            return None;
        };
        if !group.single_event {
            return None;
        }
        let cells: Vec<(&String, &Value)> = self.input.columns.iter().zip(row.iter()).collect();
        let record = serde_json::to_string(&Pairs(&cells)).ok()?;
        if record.len() > MAX_EVENT_BYTES {
            return None;
        }
        let packed = pack(&record)?;
        Some(format!(
            "let alertedEvent = datatable(compressedRec: string)\n['{packed}']\n\
             | extend raw = todynamic(zlib_decompress_from_base64_string(compressedRec)) \
             | evaluate bag_unpack(raw) | project-away compressedRec;\nalertedEvent"
        ))
    }
}

/// Name and component of the product that raised the alert. The NRT provider is by report only.
fn product_names(kind: &RuleKind) -> (&'static str, &'static str) {
    match kind {
        RuleKind::Nrt => ("ASI NRT Alerts", "NRT Alerts"),
        _ => ("ASI Scheduled Alerts", "Scheduled Alerts"),
    }
}

/// Alerts call the grouping by another name than rules do.
fn event_grouping_name(grouping: EventGrouping) -> &'static str {
    match grouping {
        EventGrouping::SingleAlert => "SingleAlert",
        EventGrouping::AlertPerResult => "AlertPerEvent",
    }
}

/// The rule's query with the clock of the run in front, so that running it later gives the same rows.
fn query_with_clock(rule: &AnalyticsRule, now: Timestamp) -> String {
    let nanos = now.as_nanosecond().rem_euclid(SECOND_NANOS);
    let text = now.strftime("%Y-%m-%dT%H:%M:%S");
    format!(
        "// query_now is the time (UTC) of the run that gave this alert.\n\
         set query_now = datetime({text}.{:07}Z);\n{}",
        nanos / 100,
        rule.query
    )
}

fn ceil_to_second(time: Timestamp) -> Timestamp {
    let floor = floor_to(time, SECOND_NANOS);
    if floor == time {
        return time;
    }
    Timestamp::from_nanosecond(floor.as_nanosecond() + SECOND_NANOS).unwrap_or(floor)
}

fn second_text(time: Timestamp) -> String {
    floor_to(time, SECOND_NANOS).strftime("%Y-%m-%d %H:%M:%SZ").to_string()
}

fn json_list(text: &str) -> String {
    serde_json::to_string(&[text]).unwrap_or_default()
}

/// Base64 of the zlib stream of a text.
fn pack(text: &str) -> Option<String> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(text.as_bytes()).ok()?;
    let packed = encoder.finish().ok()?;
    Some(base64::engine::general_purpose::STANDARD.encode(packed))
}

/// Serialises pairs as a JSON object that keeps their order.
struct Pairs<'a, K, V>(&'a [(K, V)]);

impl<K: AsRef<str>, V: Serialize> Serialize for Pairs<'_, K, V> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (key, value) in self.0 {
            map.serialize_entry(key.as_ref(), value)?;
        }
        map.end()
    }
}
