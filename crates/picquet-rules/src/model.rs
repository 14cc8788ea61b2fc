//! The one model of an analytics rule that every reader fills and everything else uses.

use jiff::Timestamp;
use serde::{Serialize, Serializer};
use serde_json::{Map, Value};

use crate::duration::Duration;
pub use crate::enums::{EventGrouping, MatchingMethod, RuleKind, Severity, TriggerOperator};

/// An analytics rule, read from YAML or ARM JSON (spec sections 1 to 7, 10 and 11).
///
/// Optional parts that a file leaves out hold Sentinel's defaults. Keys that the model does not know are kept in
/// [`AnalyticsRule::extra`], so that writing a rule back loses nothing. Serialises for listings; the serialised form
/// is neither YAML's nor ARM's.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AnalyticsRule {
    /// Where the rule was read from.
    pub source: RuleSource,
    /// The rule's GUID, in lower case as far as it is one. Where an ARM template makes a new one at every deployment
    /// this is the template's id; none when there is neither.
    pub id: Option<String>,
    /// Display name.
    pub name: String,
    /// Version of the template, `a.b.c`.
    pub version: Option<String>,
    /// Kind; a YAML file without one holds a scheduled rule.
    pub kind: RuleKind,
    /// Id of the template the rule was made from (ARM `alertRuleTemplateName`).
    pub template_name: Option<String>,
    /// Description, as written (older files keep their own quotes inside it); may be empty.
    pub description: String,
    /// Severity; Medium for kinds that have none.
    pub severity: Severity,
    /// Whether the rule is on; on when the file does not say.
    pub enabled: bool,
    /// The KQL text, as written; empty for kinds that run none.
    pub query: String,
    /// Where the query stands in the file, to show KQL errors there.
    pub query_location: QueryLocation,
    /// Time between runs; one minute for NRT.
    pub query_frequency: Duration,
    /// Length of the window a run looks at; one minute for NRT.
    pub query_period: Duration,
    /// When a run's result fires; more than zero rows for NRT.
    pub trigger: Trigger,
    /// MITRE tactics in Sentinel's spelling; names that are not known are kept as written.
    pub tactics: Vec<String>,
    /// Techniques and sub-techniques as in YAML's `relevantTechniques`: `T####` and `T####.###`. A parent that is
    /// listed only because ARM wants it beside its sub-technique is not repeated here; see
    /// [`AnalyticsRule::techniques`].
    pub relevant_techniques: Vec<String>,
    /// One alert a result, or one a row.
    pub event_grouping: EventGrouping,
    /// Whether runs are left out for a while after an alert (spec section 6).
    pub suppression_enabled: bool,
    /// For how long; five hours when the file does not say.
    pub suppression_duration: Duration,
    /// Entity mappings, in order.
    pub entity_mappings: Vec<EntityMapping>,
    /// Columns that hold ready-made Entities arrays.
    pub sentinel_entities_mappings: Vec<String>,
    /// Custom details: key and column, in order.
    #[serde(serialize_with = "pairs_as_map")]
    pub custom_details: Vec<(String, String)>,
    /// What of the alert is taken from the result.
    pub alert_details_override: AlertDetailsOverride,
    /// Whether and how incidents are made.
    pub incident_configuration: IncidentConfiguration,
    /// What a MicrosoftSecurityIncidentCreation rule reacts to; none for other kinds.
    pub incident_creation: Option<IncidentCreation>,
    /// Data connectors the rule needs (YAML only).
    pub required_data_connectors: Vec<DataConnector>,
    /// YAML `metadata`, as written.
    pub metadata: Option<Value>,
    /// YAML `tags`, as written.
    pub tags: Vec<Value>,
    /// YAML `status`.
    pub status: Option<String>,
    /// First run, where one is fixed.
    #[serde(serialize_with = "optional_time")]
    pub start_time: Option<Timestamp>,
    /// For kinds that run no query, the YAML document or the ARM `properties`, with every key that was written;
    /// expressions that have a value are replaced by it.
    pub verbatim: Option<Value>,
    /// YAML keys the model does not know, by their path (`entityMappings[0].note`), with their values.
    pub extra: Map<String, Value>,
    /// ARM properties the model does not know, by their path below `properties`; YAML keeps them under the key
    /// `armProperties`.
    pub arm_properties: Map<String, Value>,
    /// Texts that are ARM expressions which only a deployment can answer (`[newGuid()]`): path and expression.
    pub expressions: Vec<(String, String)>,
}

impl AnalyticsRule {
    /// The id, or the name for a rule without one: what alerts and state refer to.
    #[must_use]
    pub fn rule_id(&self) -> &str {
        self.id.as_deref().unwrap_or(&self.name)
    }

    /// Whether the rule has a query to run.
    #[must_use]
    pub const fn is_executable(&self) -> bool {
        self.kind.is_executable()
    }

    /// Whether it is a hunting query, which is no rule; see [`crate::LoadOptions::hunting`].
    #[must_use]
    pub fn is_hunting_query(&self) -> bool {
        self.kind.as_str() == crate::HUNTING_KIND
    }

    /// ARM `techniques`: every technique and the parent of every sub-technique, each once, in order.
    #[must_use]
    pub fn techniques(&self) -> Vec<String> {
        split_techniques(&self.relevant_techniques).0
    }

    /// ARM `subTechniques`: the `T####.###` of the list, each once, in order.
    #[must_use]
    pub fn sub_techniques(&self) -> Vec<String> {
        split_techniques(&self.relevant_techniques).1
    }

    /// How many alerts one run may give when there is one a row: 150, for NRT 30 (spec sections 4 and 9).
    #[must_use]
    pub const fn alert_limit(&self) -> usize {
        match self.kind {
            RuleKind::Nrt => 30,
            _ => 150,
        }
    }
}

/// Splits technique ids into parents and sub-techniques, each without repeats (spec section 10).
pub(crate) fn split_techniques(list: &[String]) -> (Vec<String>, Vec<String>) {
    let mut parents: Vec<String> = Vec::new();
    let mut subs: Vec<String> = Vec::new();
    for id in list {
        let parent = id.split_once('.').map_or(id.as_str(), |(parent, _)| parent);
        if !parents.iter().any(|known| known == parent) {
            parents.push(parent.to_owned());
        }
        if id.contains('.') && !subs.contains(id) {
            subs.push(id.clone());
        }
    }
    (parents, subs)
}

/// One list of technique ids from ARM's two: every sub-technique stands for its parent too, so a parent is listed only
/// where none of its sub-techniques is. The reverse of [`AnalyticsRule::techniques`] and
/// [`AnalyticsRule::sub_techniques`].
#[must_use]
pub fn join_techniques(parents: &[String], subs: &[String]) -> Vec<String> {
    let mut joined: Vec<String> = Vec::new();
    let mut add = |id: &String| {
        if !joined.contains(id) {
            joined.push(id.clone());
        }
    };
    for parent in parents {
        let is_below = |sub: &&String| sub.split_once('.').is_some_and(|(front, _)| front == parent);
        if !subs.iter().any(|sub| is_below(&sub)) {
            add(parent);
        }
        subs.iter().filter(is_below).for_each(&mut add);
    }
    subs.iter().for_each(add);
    joined
}

fn pairs_as_map<S: Serializer>(pairs: &[(String, String)], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(pairs.iter().map(|(key, column)| (key, column)))
}

fn optional_time<S: Serializer>(time: &Option<Timestamp>, serializer: S) -> Result<S::Ok, S::Error> {
    time.map(|time| time.to_string()).serialize(serializer)
}

/// File format of a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum SourceFormat {
    /// Content-repository YAML.
    Yaml,
    /// ARM template, resource or payload.
    Arm,
}

/// Where a rule was read from.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RuleSource {
    /// The file's name as given to the loader.
    pub file: String,
    /// Path of the rule in its file: empty for a YAML rule, `resources[2]` in a template.
    pub path: String,
    /// Line on which the rule starts, from 1.
    pub line: usize,
    /// Format of the file.
    pub format: SourceFormat,
    /// Of an ARM resource everything but `properties` (name, apiVersion, …), as written; empty for YAML.
    pub envelope: Map<String, Value>,
}

/// How the query is written in its file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum QueryStyle {
    /// A literal block (`|`): every line of the query is one line of the file.
    Block,
    /// A quoted, plain or folded scalar, or a JSON string: lines of the query are not lines of the file.
    Inline,
}

/// Where the query stands in its file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct QueryLocation {
    /// How the query is written.
    pub style: QueryStyle,
    /// Line of the file that holds the first line of the query, from 1; 0 when there is no query.
    pub first_line: usize,
    /// Columns taken off the front of every line of a block.
    pub indent: usize,
}

impl QueryLocation {
    pub(crate) const NONE: Self = Self { style: QueryStyle::Inline, first_line: 0, indent: 0 };

    /// Line and column of the file (both from 1) for a line and column of the query (both from 1).
    ///
    /// Inline queries give the line they start on and no column.
    #[must_use]
    pub const fn in_file(&self, line: usize, column: usize) -> (usize, Option<usize>) {
        match self.style {
            QueryStyle::Block => (self.first_line + line.saturating_sub(1), Some(column + self.indent)),
            QueryStyle::Inline => (self.first_line, None),
        }
    }
}

/// When a run's result fires: its row count against a threshold, run by run (spec section 3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
pub struct Trigger {
    /// How the row count is compared.
    pub operator: TriggerOperator,
    /// With what.
    pub threshold: u64,
}

impl Trigger {
    /// More than zero rows: the wizard's default, and what NRT rules always use.
    pub const ANY_ROW: Self = Self { operator: TriggerOperator::GreaterThan, threshold: 0 };

    /// Whether a number of rows fires.
    #[must_use]
    pub const fn fires(&self, rows: usize) -> bool {
        self.operator.fires(rows as u64, self.threshold)
    }
}

/// One entity mapping: a type, and the columns of its identifiers (spec section 5.1).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct EntityMapping {
    /// Name of the type, as in [`crate::ENTITY_TYPES`].
    pub entity_type: String,
    /// Identifiers and columns, in order.
    pub field_mappings: Vec<FieldMapping>,
}

/// One identifier of an entity mapping.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FieldMapping {
    /// The identifier as written; Sentinel takes its case seriously.
    pub identifier: String,
    /// The result column that holds it.
    pub column_name: String,
}

/// What of an alert is taken from the result instead of the rule (spec section 5.4).
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AlertDetailsOverride {
    /// Name with `{{Column}}` places.
    pub display_name_format: Option<String>,
    /// Description with `{{Column}}` places.
    pub description_format: Option<String>,
    /// Column of tactics.
    pub tactics_column_name: Option<String>,
    /// Column of the severity.
    pub severity_column_name: Option<String>,
    /// Further properties and their columns.
    pub dynamic_properties: Vec<DynamicProperty>,
}

/// One dynamic property of an alert.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DynamicProperty {
    /// Property, such as `RemediationSteps`.
    pub alert_property: String,
    /// The result column that holds its value.
    pub value: String,
}

/// Whether and how incidents are made (spec section 7).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct IncidentConfiguration {
    /// Whether alerts become incidents at all.
    pub create_incident: bool,
    /// How alerts share an incident.
    pub grouping: GroupingConfiguration,
}

impl Default for IncidentConfiguration {
    fn default() -> Self {
        Self { create_incident: true, grouping: GroupingConfiguration::default() }
    }
}

/// How alerts of one rule share an incident.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct GroupingConfiguration {
    /// Whether they do; else every alert has its own incident.
    pub enabled: bool,
    /// Whether a matching closed incident is opened again.
    pub reopen_closed_incident: bool,
    /// How long after its first alert an incident takes further ones; five hours when the file does not say.
    pub lookback_duration: Duration,
    /// What must match.
    pub matching_method: MatchingMethod,
    /// For [`MatchingMethod::Selected`]: entity types.
    pub group_by_entities: Vec<String>,
    /// For [`MatchingMethod::Selected`]: `DisplayName`, `Severity`.
    pub group_by_alert_details: Vec<String>,
    /// For [`MatchingMethod::Selected`]: keys of custom details.
    pub group_by_custom_details: Vec<String>,
}

impl Default for GroupingConfiguration {
    fn default() -> Self {
        Self {
            enabled: false,
            reopen_closed_incident: false,
            lookback_duration: Duration::from_hours(5),
            matching_method: MatchingMethod::AllEntities,
            group_by_entities: Vec::new(),
            group_by_alert_details: Vec::new(),
            group_by_custom_details: Vec::new(),
        }
    }
}

/// Which alerts of another product become incidents (kind MicrosoftSecurityIncidentCreation).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct IncidentCreation {
    /// The product's name.
    pub product_filter: String,
    /// Severities; empty for all.
    pub severities_filter: Vec<String>,
    /// Names that alerts must have; empty for all.
    pub display_names_filter: Vec<String>,
    /// Names that alerts must not have.
    pub display_names_exclude_filter: Vec<String>,
}

/// A data connector a rule needs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DataConnector {
    /// Id of the connector.
    pub connector_id: String,
    /// Tables, or tables with a product in brackets.
    pub data_types: Vec<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn techniques_split_and_repeat_once() {
        // relevantTechniques, techniques, subTechniques
        let cases: [(&[&str], &[&str], &[&str]); 4] = [
            (&["T1570", "T1059.001"], &["T1570", "T1059"], &["T1059.001"]),
            (&["T1078.003", "T1078.004", "T1078"], &["T1078"], &["T1078.003", "T1078.004"]),
            (&["T1078", "T1078"], &["T1078"], &[]),
            (&[], &[], &[]),
        ];
        for (list, techniques, subs) in cases {
            let list: Vec<String> = list.iter().map(|id| (*id).to_owned()).collect();
            let (parents, sub) = split_techniques(&list);
            assert_eq!(parents, techniques);
            assert_eq!(sub, subs);
        }
    }

    #[test]
    fn query_places() {
        let block = QueryLocation { style: QueryStyle::Block, first_line: 10, indent: 2 };
        assert_eq!(block.in_file(1, 1), (10, Some(3)));
        assert_eq!(block.in_file(4, 7), (13, Some(9)));
        let inline = QueryLocation { style: QueryStyle::Inline, ..block };
        assert_eq!(inline.in_file(4, 7), (10, None));
    }
}
