//! A rule as the `properties` of its ARM resource, which Bicep and Terraform's azapi take too.

use picquet_rules::{
    AlertDetailsOverride, AnalyticsRule, EntityMapping, EventGrouping, GroupingConfiguration, IncidentConfiguration,
    RuleKind, SIDECAR_KEYS, SourceFormat,
};
use serde_json::Value;

use crate::hunting::saved_search;
use crate::tree::{Entries, Tree};

/// What the properties are written for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shape<'a> {
    /// Put before the display name.
    pub prefix: &'a str,
    /// Whether the API version has `subTechniques`.
    pub sub_techniques: bool,
    /// For an `AlertRuleTemplates` resource, which has `version`, `status` and `requiredDataConnectors`.
    pub template: bool,
}

/// The properties of a rule of any kind.
pub(crate) fn properties(rule: &AnalyticsRule, shape: &Shape<'_>) -> Tree {
    let mut tree = match &rule.verbatim {
        _ if rule.is_hunting_query() => return saved_search(rule, shape.prefix).0,
        Some(verbatim) => verbatim_properties(rule, verbatim, shape),
        None => executable_properties(rule, shape),
    };
    // Kinds that are only listed hold these keys in place already.
    for (path, value) in &rule.arm_properties {
        tree.insert_at(path, Tree::from(value));
    }
    tree
}

fn executable_properties(rule: &AnalyticsRule, shape: &Shape<'_>) -> Tree {
    let mut out = Entries::default();
    out.put("displayName", Tree::Text(format!("{}{}", shape.prefix, rule.name)));
    out.put_text("description", &rule.description);
    out.put("severity", Tree::text(rule.severity.as_str()));
    out.put("enabled", Tree::Bool(rule.enabled));
    out.put("query", Tree::text(rule.query.as_str()));
    if rule.kind == RuleKind::Scheduled {
        out.put("queryFrequency", Tree::Text(rule.query_frequency.to_iso()));
        out.put("queryPeriod", Tree::Text(rule.query_period.to_iso()));
        out.put("triggerOperator", Tree::text(rule.trigger.operator.as_arm()));
        out.put("triggerThreshold", Tree::number(rule.trigger.threshold));
    }
    out.put("suppressionDuration", Tree::Text(rule.suppression_duration.to_iso()));
    out.put("suppressionEnabled", Tree::Bool(rule.suppression_enabled));
    if let Some(start) = rule.start_time {
        out.put("startTimeUtc", Tree::Text(start.to_string()));
    }
    out.put_full("tactics", Tree::texts(&rule.tactics));
    out.put_full("techniques", Tree::texts(&rule.techniques()));
    if shape.sub_techniques {
        out.put_full("subTechniques", Tree::texts(&rule.sub_techniques()));
    }
    if shape.template {
        out.put_some("version", rule.version.as_ref());
        out.put_some("status", rule.status.as_ref());
        out.put_full("requiredDataConnectors", connectors(rule));
    } else if let Some(link) = template_link(rule) {
        out.put("alertRuleTemplateName", Tree::text(link.template));
        if let Some(version) = link.version {
            out.put("templateVersion", Tree::text(version));
        }
    }
    if rule.incident_configuration != IncidentConfiguration::default() {
        out.put("incidentConfiguration", incidents(&rule.incident_configuration, |d| d.to_iso()));
    }
    if rule.event_grouping != EventGrouping::SingleAlert {
        out.put("eventGroupingSettings", event_grouping(rule));
    }
    out.put_full("alertDetailsOverride", alert_details(&rule.alert_details_override));
    out.put_full("customDetails", custom_details(rule));
    out.put_full("entityMappings", entity_mappings(&rule.entity_mappings));
    out.put_full("sentinelEntitiesMappings", sentinel_mappings(rule));
    Tree::Object(out.0)
}

/// A kind that is only listed: its keys as they are, but for those that are not ARM's.
fn verbatim_properties(rule: &AnalyticsRule, verbatim: &Value, shape: &Shape<'_>) -> Tree {
    let from_yaml = rule.source.format == SourceFormat::Yaml;
    let mut out = Entries::default();
    for (key, value) in verbatim.as_object().into_iter().flatten() {
        let is = |name: &str| key.eq_ignore_ascii_case(name);
        if is("kind")
            || is("armProperties")
            || is("lastModifiedUtc")
            || (is_sidecar_key(key) && !is("alertRuleTemplateName"))
        {
            continue;
        }
        match value {
            Value::String(text) if is("displayName") || (from_yaml && is("name")) => {
                out.put("displayName", Tree::Text(format!("{}{text}", shape.prefix)));
            }
            value => out.put(key, Tree::from(value)),
        }
    }
    if !out.0.iter().any(|(key, _)| key.eq_ignore_ascii_case("enabled")) {
        out.put("enabled", Tree::Bool(true));
    }
    const FIRST: &[&str] = &["displayName", "description", "severity", "enabled", "alertRuleTemplateName"];
    out.0.sort_by_key(|(key, _)| FIRST.iter().position(|first| first == key).unwrap_or(FIRST.len()));
    Tree::Object(out.0)
}

pub(crate) fn is_sidecar_key(key: &str) -> bool {
    SIDECAR_KEYS.iter().any(|known| known.eq_ignore_ascii_case(key))
}

/// The template that a deployed rule names, and its version. The API refuses a version without a template.
pub(crate) struct TemplateLink<'a> {
    pub template: &'a str,
    pub version: Option<&'a str>,
}

/// A rule with a version was made from the template of its own id, unless it names another.
pub(crate) fn template_link(rule: &AnalyticsRule) -> Option<TemplateLink<'_>> {
    let version = rule.version.as_deref();
    let own = rule.id.as_deref().filter(|_| version.is_some());
    rule.template_name.as_deref().or(own).map(|template| TemplateLink { template, version })
}

pub(crate) fn connectors(rule: &AnalyticsRule) -> Tree {
    let connectors = rule.required_data_connectors.iter();
    Tree::List(
        connectors
            .map(|connector| {
                Tree::object([
                    ("connectorId", Tree::text(connector.connector_id.as_str())),
                    ("dataTypes", Tree::texts(&connector.data_types)),
                ])
            })
            .collect(),
    )
}

pub(crate) fn incidents(
    configuration: &IncidentConfiguration,
    duration: impl Fn(picquet_rules::Duration) -> String,
) -> Tree {
    let mut out = Entries::default();
    out.put("createIncident", Tree::Bool(configuration.create_incident));
    let grouping = &configuration.grouping;
    if *grouping != GroupingConfiguration::default() {
        out.put(
            "groupingConfiguration",
            Tree::object([
                ("enabled", Tree::Bool(grouping.enabled)),
                ("reopenClosedIncident", Tree::Bool(grouping.reopen_closed_incident)),
                ("lookbackDuration", Tree::Text(duration(grouping.lookback_duration))),
                ("matchingMethod", Tree::text(grouping.matching_method.as_str())),
                ("groupByEntities", Tree::texts(&grouping.group_by_entities)),
                ("groupByAlertDetails", Tree::texts(&grouping.group_by_alert_details)),
                ("groupByCustomDetails", Tree::texts(&grouping.group_by_custom_details)),
            ]),
        );
    }
    Tree::Object(out.0)
}

pub(crate) fn event_grouping(rule: &AnalyticsRule) -> Tree {
    Tree::object([("aggregationKind", Tree::text(rule.event_grouping.as_str()))])
}

pub(crate) fn alert_details(details: &AlertDetailsOverride) -> Tree {
    let mut out = Entries::default();
    out.put_some("alertDisplayNameFormat", details.display_name_format.as_ref());
    out.put_some("alertDescriptionFormat", details.description_format.as_ref());
    out.put_some("alertTacticsColumnName", details.tactics_column_name.as_ref());
    out.put_some("alertSeverityColumnName", details.severity_column_name.as_ref());
    let properties = details.dynamic_properties.iter().map(|property| {
        Tree::object([
            ("alertProperty", Tree::text(property.alert_property.as_str())),
            ("value", Tree::text(property.value.as_str())),
        ])
    });
    out.put_full("alertDynamicProperties", Tree::List(properties.collect()));
    Tree::Object(out.0)
}

pub(crate) fn custom_details(rule: &AnalyticsRule) -> Tree {
    Tree::Object(rule.custom_details.iter().map(|(key, column)| (key.clone(), Tree::text(column.as_str()))).collect())
}

pub(crate) fn entity_mappings(mappings: &[EntityMapping]) -> Tree {
    let field = |field: &picquet_rules::FieldMapping| {
        Tree::object([
            ("identifier", Tree::text(field.identifier.as_str())),
            ("columnName", Tree::text(field.column_name.as_str())),
        ])
    };
    Tree::List(
        mappings
            .iter()
            .map(|mapping| {
                Tree::object([
                    ("entityType", Tree::text(mapping.entity_type.as_str())),
                    ("fieldMappings", Tree::List(mapping.field_mappings.iter().map(field).collect())),
                ])
            })
            .collect(),
    )
}

pub(crate) fn sentinel_mappings(rule: &AnalyticsRule) -> Tree {
    let columns = rule.sentinel_entities_mappings.iter();
    Tree::List(columns.map(|column| Tree::object([("columnName", Tree::text(column.as_str()))])).collect())
}
