//! Rules as Terraform: the resources of `azurerm`, or of `azapi` with the ARM properties.

use picquet_rules::{AnalyticsRule, RuleKind};

use crate::arm::{Part, parameterize};
use crate::convert::{ArmForm, Options, Provider, Symbols};
use crate::hcl::{Block, quoted, write as write_blocks};
use crate::hunting;
use crate::note::Note;
use crate::tree::Tree;

const WORKSPACE: &str = "log_analytics_workspace_id";

/// Providers and the workspace's variable, which a module has once.
#[must_use]
pub fn header(azurerm: bool, azapi: bool) -> String {
    let mut providers = Block::new("required_providers", &[]);
    let source =
        |source: &str, version: &str| Tree::object([("source", Tree::text(source)), ("version", Tree::text(version))]);
    if azapi {
        providers.put("azapi", source("Azure/azapi", ">= 2.0"));
    }
    if azurerm {
        providers.put("azurerm", source("hashicorp/azurerm", ">= 4.0"));
    }
    let mut terraform = Block::new("terraform", &[]);
    terraform.put_block(providers);
    let mut workspace = Block::new("variable", &[WORKSPACE]);
    workspace.put("description", Tree::text("Resource id of the Log Analytics workspace."));
    workspace.put("type", Tree::Code("string".to_owned()));
    write_blocks(&[terraform, workspace])
}

/// Terraform text, the names of its resources, and which of azurerm and azapi it needs.
pub(crate) struct Written {
    pub text: String,
    pub names: Vec<String>,
    pub providers: (bool, bool),
}

pub(crate) fn write(rules: &[&AnalyticsRule], options: &Options, notes: &mut Vec<Note>) -> Written {
    let options = Options { form: ArmForm::Extension, ..options.clone() };
    let mut symbols = Symbols::default();
    symbols.reserve(&options.taken_names);
    let mut names = Vec::new();
    let mut variables = Vec::new();
    let mut resources = Vec::new();
    let (mut azurerm, mut azapi) = (false, false);
    for rule in rules {
        let symbol = symbols.of(rule);
        names.push(symbol.clone());
        let mut part = Part::new(rule, &options, notes);
        let several = rules.len() > 1 || options.without_header;
        for parameter in parameterize(&part, &options, several.then_some(symbol.as_str()), notes) {
            let name = snake_case(&parameter.name);
            part.set(&parameter, Tree::Code(format!("var.{name}")));
            let mut variable = Block::new("variable", &[&name]);
            variable.put("type", Tree::Code(type_name(&parameter.default)));
            variable.put("default", parameter.default);
            variables.push(variable);
        }
        for (key, _) in part.sidecar(None) {
            notes.push(Note::lost(rule, &key, "not carried: neither the API nor the provider has a place for it"));
        }
        let own = if options.provider == Provider::Azurerm { resource_type(&part) } else { None };
        if own.is_none() && options.provider == Provider::Azurerm {
            let message = "azurerm has no resource for this rule: written for azapi";
            notes.push(Note::beside(rule, "kind", message));
        }
        match own {
            Some(kind) => {
                azurerm = true;
                resources.push(azurerm_resource(kind, &symbol, &part, notes));
            }
            None => {
                azapi = true;
                resources.push(azapi_resource(&symbol, part));
            }
        }
    }
    variables.append(&mut resources);
    let blocks = write_blocks(&variables);
    let text = if options.without_header { blocks } else { format!("{}\n{blocks}", header(azurerm, azapi)) };
    Written { text, names, providers: (azurerm, azapi) }
}

fn type_name(value: &Tree) -> String {
    let name = match value {
        Tree::Bool(_) => "bool",
        Tree::Number(_) => "number",
        Tree::List(items) if items.iter().all(|item| item.as_text().is_some()) => "list(string)",
        Tree::Text(_) | Tree::Code(_) => "string",
        _ => "any",
    };
    name.to_owned()
}

/// `queryFrequency` as `query_frequency`.
fn snake_case(name: &str) -> String {
    let mut out = String::new();
    for c in name.chars() {
        if c.is_ascii_uppercase() && !out.is_empty() && !out.ends_with('_') {
            out.push('_');
        }
        out.push(c.to_ascii_lowercase());
    }
    out
}

fn rule_name(part: &Part<'_>) -> Tree {
    match part.resource_name() {
        Some(id) => Tree::text(id),
        // The same at every run.
        None => Tree::Code(format!("uuidv5(\"url\", {})", quoted(&part.rule.name))),
    }
}

fn azapi_resource(symbol: &str, part: Part<'_>) -> Block {
    let is_hunting = part.rule.is_hunting_query();
    let kind = if is_hunting { hunting::RESOURCE } else { "Microsoft.SecurityInsights/alertRules" };
    let mut block = Block::new("resource", &["azapi_resource", symbol]);
    block.put("type", Tree::Text(format!("{kind}@{}", part.version)));
    block.put("name", rule_name(&part));
    block.put("parent_id", Tree::Code(format!("var.{WORKSPACE}")));
    let kind = (!is_hunting).then(|| ("kind".to_owned(), Tree::text(part.rule.kind.as_str())));
    let body = kind.into_iter().chain([("properties".to_owned(), part.properties)]);
    block.put("body", Tree::Object(body.collect()));
    block
}

/// The azurerm resource of a rule; none where there is none, or where the rule lacks what it asks for.
fn resource_type(part: &Part<'_>) -> Option<&'static str> {
    let has_template = part.properties.get("alertRuleTemplateName").is_some_and(|value| *value != Tree::Null);
    match part.rule.kind {
        _ if part.rule.is_hunting_query() => Some("azurerm_log_analytics_saved_search"),
        RuleKind::Scheduled => Some("azurerm_sentinel_alert_rule_scheduled"),
        RuleKind::Nrt => Some("azurerm_sentinel_alert_rule_nrt"),
        RuleKind::MicrosoftSecurityIncidentCreation => Some("azurerm_sentinel_alert_rule_ms_security_incident"),
        RuleKind::Fusion if has_template => Some("azurerm_sentinel_alert_rule_fusion"),
        RuleKind::MlBehaviorAnalytics if has_template => {
            Some("azurerm_sentinel_alert_rule_machine_learning_behavior_analytics")
        }
        RuleKind::ThreatIntelligence if has_template => Some("azurerm_sentinel_alert_rule_threat_intelligence"),
        _ => None,
    }
}

fn azurerm_resource(kind: &'static str, symbol: &str, part: &Part<'_>, notes: &mut Vec<Note>) -> Block {
    let rule = part.rule;
    let mut block = Block::new("resource", &[kind, symbol]);
    if rule.kind != RuleKind::Fusion {
        block.put("name", rule_name(part));
    }
    block.put(WORKSPACE, Tree::Code(format!("var.{WORKSPACE}")));
    if rule.is_hunting_query() {
        for (property, name) in [("category", "category"), ("displayName", "display_name"), ("query", "query")] {
            block.put(name, part.properties.get(property).cloned().unwrap_or(Tree::Null));
        }
        let tags = part.properties.get("tags").into_iter().flat_map(items);
        let pair = |tag: &Tree| Some((tag.get("name")?.as_text()?.to_owned(), tag.get("value")?.clone()));
        block.put("tags", Tree::Object(tags.filter_map(pair).collect()));
        return block;
    }
    let given = if rule.is_executable() { &[][..] } else { GIVEN_BY_TEMPLATE };
    let Tree::Object(properties) = &part.properties else { return block };
    let mut blocks = Vec::new();
    for (key, value) in properties.iter().filter(|(_, value)| *value != Tree::Null) {
        if let Some(name) = attribute(&rule.kind, key) {
            block.put(name, value.clone());
        } else if let Some(mut inner) = inner_blocks(&rule.kind, key, value) {
            blocks.append(&mut inner);
        } else if key == "subTechniques" {
            notes.push(Note::lost(rule, key, "not carried: azurerm has no sub-techniques; their parents are"));
        } else if given.contains(&key.as_str()) {
            notes.push(Note::beside(rule, key, "left out: the rule has it from its template"));
        } else {
            notes.push(Note::lost(rule, key, "not carried: azurerm has no argument for it"));
        }
    }
    if rule.kind == RuleKind::Nrt && part.properties.get("eventGroupingSettings").is_none() {
        blocks.extend(inner_blocks(&rule.kind, "eventGroupingSettings", &Tree::Object(Vec::new())).unwrap_or_default());
    }
    let no_severities =
        part.properties.get("severitiesFilter").is_none_or(|value| value.is_empty() || *value == Tree::Null);
    if rule.kind == RuleKind::MicrosoftSecurityIncidentCreation && no_severities {
        let all = picquet_rules::Severity::NAMES.iter().rev().map(|name| Tree::text(*name));
        block.put("severity_filter", Tree::List(all.collect()));
    }
    blocks.into_iter().for_each(|inner| block.put_block(inner));
    block
}

/// Properties that the service answers for kinds that are made from a template, and takes from the template.
const GIVEN_BY_TEMPLATE: &[&str] =
    &["displayName", "description", "severity", "tactics", "techniques", "subTechniques"];

/// The azurerm argument of an ARM property.
fn attribute(kind: &RuleKind, property: &str) -> Option<&'static str> {
    let common = match property {
        "enabled" => Some("enabled"),
        "alertRuleTemplateName" => Some("alert_rule_template_guid"),
        _ => None,
    };
    let own = match kind {
        RuleKind::MicrosoftSecurityIncidentCreation => match property {
            "displayName" => Some("display_name"),
            "description" => Some("description"),
            "productFilter" => Some("product_filter"),
            "severitiesFilter" => Some("severity_filter"),
            "displayNamesFilter" => Some("display_name_filter"),
            "displayNamesExcludeFilter" => Some("display_name_exclude_filter"),
            _ => None,
        },
        RuleKind::Scheduled | RuleKind::Nrt => match property {
            "displayName" => Some("display_name"),
            "description" => Some("description"),
            "severity" => Some("severity"),
            "query" => Some("query"),
            "queryFrequency" => Some("query_frequency"),
            "queryPeriod" => Some("query_period"),
            "triggerOperator" => Some("trigger_operator"),
            "triggerThreshold" => Some("trigger_threshold"),
            "suppressionDuration" => Some("suppression_duration"),
            "suppressionEnabled" => Some("suppression_enabled"),
            "tactics" => Some("tactics"),
            "techniques" => Some("techniques"),
            "templateVersion" => Some("alert_rule_template_version"),
            "customDetails" => Some("custom_details"),
            _ => None,
        },
        _ => None,
    };
    common.or(own)
}

/// The azurerm blocks of an ARM property.
fn inner_blocks(kind: &RuleKind, property: &str, value: &Tree) -> Option<Vec<Block>> {
    if *kind == RuleKind::Fusion {
        return (property == "sourceSettings").then(|| items(value).map(fusion_source).collect());
    }
    if !matches!(kind, RuleKind::Scheduled | RuleKind::Nrt) {
        return None;
    }
    match property {
        "eventGroupingSettings" => {
            let mut block = Block::new("event_grouping", &[]);
            let method = value.get("aggregationKind").cloned().unwrap_or(Tree::text("SingleAlert"));
            block.put("aggregation_method", method);
            Some(vec![block])
        }
        "incidentConfiguration" => Some(vec![incident(value)]),
        "alertDetailsOverride" => {
            let names = [
                ("alertDescriptionFormat", "description_format"),
                ("alertDisplayNameFormat", "display_name_format"),
                ("alertSeverityColumnName", "severity_column_name"),
                ("alertTacticsColumnName", "tactics_column_name"),
            ];
            let mut block = renamed("alert_details_override", value, &names);
            for property in value.get("alertDynamicProperties").into_iter().flat_map(items) {
                block.put_block(renamed(
                    "dynamic_property",
                    property,
                    &[("alertProperty", "name"), ("value", "value")],
                ));
            }
            Some(vec![block])
        }
        "entityMappings" => Some(
            items(value)
                .map(|mapping| {
                    let mut block = renamed("entity_mapping", mapping, &[("entityType", "entity_type")]);
                    for field in mapping.get("fieldMappings").into_iter().flat_map(items) {
                        let names = [("identifier", "identifier"), ("columnName", "column_name")];
                        block.put_block(renamed("field_mapping", field, &names));
                    }
                    block
                })
                .collect(),
        ),
        "sentinelEntitiesMappings" => {
            let one = |mapping| renamed("sentinel_entity_mapping", mapping, &[("columnName", "column_name")]);
            Some(items(value).map(one).collect())
        }
        _ => None,
    }
}

fn incident(value: &Tree) -> Block {
    let mut block = renamed("incident", value, &[("createIncident", "create_incident_enabled")]);
    let names = [
        ("enabled", "enabled"),
        ("reopenClosedIncident", "reopen_closed_incidents"),
        ("lookbackDuration", "lookback_duration"),
        ("matchingMethod", "entity_matching_method"),
        ("groupByEntities", "by_entities"),
        ("groupByAlertDetails", "by_alert_details"),
        ("groupByCustomDetails", "by_custom_details"),
    ];
    let mut grouping = match value.get("groupingConfiguration") {
        Some(grouping) => renamed("grouping", grouping, &names),
        None => Block::new("grouping", &[]),
    };
    if value.get("groupingConfiguration").is_none() {
        // The block is required, and groups unless it says otherwise.
        grouping.put("enabled", Tree::Bool(false));
    }
    block.put_block(grouping);
    block
}

fn fusion_source(source: &Tree) -> Block {
    let mut block = renamed("source", source, &[("sourceName", "name"), ("enabled", "enabled")]);
    for sub_type in source.get("sourceSubTypes").into_iter().flat_map(items) {
        let mut inner = renamed("sub_type", sub_type, &[("sourceSubTypeName", "name"), ("enabled", "enabled")]);
        let filters = sub_type.get("severityFilters").and_then(|filters| filters.get("filters"));
        let allowed =
            filters.into_iter().flat_map(items).filter(|filter| filter.get("enabled") == Some(&Tree::Bool(true)));
        let allowed: Vec<Tree> = allowed.filter_map(|filter| filter.get("severity").cloned()).collect();
        inner.put("severities_allowed", Tree::List(allowed));
        block.put_block(inner);
    }
    block
}

/// A block with some of an object's values under other names; empty lists are left out.
fn renamed(kind: &'static str, value: &Tree, names: &[(&str, &str)]) -> Block {
    let mut block = Block::new(kind, &[]);
    for (from, to) in names {
        if let Some(inner) = value.get(from).filter(|inner| !inner.is_empty()) {
            block.put(to, inner.clone());
        }
    }
    block
}

fn items(value: &Tree) -> impl Iterator<Item = &Tree> {
    match value {
        Tree::List(items) => items.iter(),
        _ => [].iter(),
    }
}
