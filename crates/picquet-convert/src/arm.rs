//! Rules as ARM JSON.

use picquet_rules::AnalyticsRule;

use crate::api_version::{has_sub_techniques, needed};
use crate::convert::{ArmForm, Options, Symbols};
use crate::hunting;
use crate::json::{self, Brackets};
use crate::note::Note;
use crate::properties::{Shape, properties};
use crate::sidecar::sidecar;
use crate::tree::{Entries, Tree};

const SCHEMA: &str = "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#";
/// Version of the API that solutions deploy their content with.
const CONTENT_API: &str = "2023-04-01-preview";

pub(crate) fn write(rules: &[&AnalyticsRule], options: &Options, notes: &mut Vec<Note>) -> String {
    if options.form == ArmForm::Payload {
        return write_payload(rules, options, notes);
    }
    let mut parameters = vec![("workspace".to_owned(), Tree::object([("type", Tree::text("String"))]))];
    let mut symbols = Symbols::default();
    let mut resources = Vec::new();
    for rule in rules {
        let symbol = symbols.of(rule);
        let mut part = Part::new(rule, options, notes);
        part.sidecar(Some(notes));
        for parameter in parameterize(&part, options, (rules.len() > 1).then_some(symbol.as_str()), notes) {
            part.set(&parameter, Tree::Code(format!("[parameters('{}')]", parameter.name)));
            // What the template puts into a template inside it is evaluated there once more.
            let packaged = options.form == ArmForm::Solution;
            let default = if packaged { escaped(parameter.default) } else { parameter.default };
            let declaration = [("type", Tree::text(type_name(&default))), ("defaultValue", default)];
            parameters.push((parameter.name, Tree::object(declaration)));
        }
        resources.push(match options.form {
            ArmForm::Solution => content_template(part),
            form => alert_rule(part, form),
        });
    }
    let template = Tree::object([
        ("$schema", Tree::text(SCHEMA)),
        ("contentVersion", Tree::text("1.0.0.0")),
        ("parameters", Tree::Object(parameters)),
        ("resources", Tree::List(resources)),
    ]);
    json::write(&template, Brackets::Escaped(1)) + "\n"
}

/// The body of a request has no place beside the rule: what has no property is lost.
fn write_payload(rules: &[&AnalyticsRule], options: &Options, notes: &mut Vec<Note>) -> String {
    let bodies = rules.iter().map(|rule| {
        let part = Part::new(rule, options, notes);
        let linked = part.properties.get("alertRuleTemplateName").and_then(Tree::as_text) == rule.id.as_deref();
        for (key, _) in sidecar(rule, &part.shape, linked) {
            notes.push(Note::lost(rule, &key, "not carried: the body of a request has no place for it"));
        }
        let kind = (!rule.is_hunting_query()).then(|| ("kind".to_owned(), Tree::text(rule.kind.as_str())));
        Tree::Object(kind.into_iter().chain([("properties".to_owned(), part.properties)]).collect())
    });
    let mut bodies: Vec<Tree> = bodies.collect();
    let body = if bodies.len() == 1 { bodies.remove(0) } else { Tree::List(bodies) };
    json::write(&body, Brackets::Plain) + "\n"
}

/// A rule on its way into a template.
pub(crate) struct Part<'a> {
    pub rule: &'a AnalyticsRule,
    pub version: String,
    pub shape: Shape<'a>,
    pub properties: Tree,
}

impl<'a> Part<'a> {
    pub(crate) fn new(rule: &'a AnalyticsRule, options: &'a Options, notes: &mut Vec<Note>) -> Self {
        let version = options.api_version.clone().unwrap_or_else(|| needed(rule).to_owned());
        let sub_techniques = has_sub_techniques(&version);
        if !sub_techniques && !rule.sub_techniques().is_empty() && !rule.is_hunting_query() {
            let message = format!("not deployed: API version {version} has no sub-techniques; their parents are");
            notes.push(Note::lost(rule, "subTechniques", message));
        }
        let template = options.form == ArmForm::Solution;
        let shape = Shape { prefix: &options.name_prefix, sub_techniques, template };
        Self { rule, version, shape, properties: properties(rule, &shape) }
    }

    /// Puts a value in the place of a property.
    pub(crate) fn set(&mut self, parameter: &Parameter, value: Tree) {
        self.properties.insert_at(&parameter.property, value);
    }

    /// The rule's id, where it can be the name of a resource.
    pub(crate) fn resource_name(&self) -> Option<&'a str> {
        let fits = |id: &&str| id.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c));
        self.rule.id.as_deref().filter(fits)
    }

    /// The sidecar as a `metadata` value, with notes of what it holds.
    pub(crate) fn sidecar(&self, notes: Option<&mut Vec<Note>>) -> Vec<(String, Tree)> {
        let found = sidecar(self.rule, &self.shape, self.resource_name().is_some());
        if let Some(notes) = notes {
            let message = "ARM has no property for it: kept in `metadata.picquet`";
            notes.extend(found.iter().map(|(key, _)| Note::beside(self.rule, key, message)));
        }
        found
    }
}

/// A property that a deployment gives.
pub(crate) struct Parameter {
    pub name: String,
    pub property: String,
    pub default: Tree,
}

/// The properties that become parameters. Several rules of one text have their symbol in the name.
pub(crate) fn parameterize(
    part: &Part<'_>,
    options: &Options,
    symbol: Option<&str>,
    notes: &mut Vec<Note>,
) -> Vec<Parameter> {
    let mut found = Vec::new();
    for wanted in &options.parameters {
        let Tree::Object(entries) = &part.properties else { continue };
        match entries.iter().find(|(key, _)| key.eq_ignore_ascii_case(wanted)) {
            Some((property, value)) => found.push(Parameter {
                name: symbol.map_or_else(|| property.clone(), |symbol| format!("{property}_{symbol}")),
                property: property.clone(),
                default: value.clone(),
            }),
            None => notes.push(Note::beside(part.rule, wanted, "no parameter: the rule has no such property")),
        }
    }
    found
}

/// The value with a bracket before every text that a template would take for an expression.
fn escaped(value: Tree) -> Tree {
    match value {
        Tree::Text(text) if text.starts_with('[') && text.ends_with(']') => Tree::Text(format!("[{text}")),
        Tree::List(items) => Tree::List(items.into_iter().map(escaped).collect()),
        Tree::Object(entries) => Tree::Object(entries.into_iter().map(|(key, value)| (key, escaped(value))).collect()),
        other => other,
    }
}

fn type_name(value: &Tree) -> &'static str {
    match value {
        Tree::Bool(_) => "Bool",
        Tree::Number(_) => "Int",
        Tree::List(_) => "Array",
        Tree::Object(_) | Tree::Null => "Object",
        Tree::Text(_) | Tree::Code(_) => "String",
    }
}

/// A string inside a template expression.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// The rule's part of a resource name inside an expression. A rule without id gets one that is the same in every
/// deployment to a workspace.
fn name_in_expression(part: &Part<'_>) -> String {
    match part.resource_name() {
        Some(id) => quoted(id),
        None => format!("guid(parameters('workspace'), {})", quoted(&part.rule.name)),
    }
}

fn name_value(part: &Part<'_>) -> Tree {
    match part.resource_name() {
        Some(id) => Tree::text(id),
        None => Tree::Code(format!("[{}]", name_in_expression(part))),
    }
}

fn nested_name(part: &Part<'_>) -> Tree {
    let name = match part.resource_name() {
        Some(id) => quoted(&format!("/Microsoft.SecurityInsights/{id}")),
        None => format!("'/Microsoft.SecurityInsights/', {}", name_in_expression(part)),
    };
    Tree::Code(format!("[concat(parameters('workspace'), {name})]"))
}

fn alert_rule(part: Part<'_>, form: ArmForm) -> Tree {
    let mut out = Entries::default();
    if part.rule.is_hunting_query() {
        let name = match part.resource_name() {
            Some(id) => quoted(&format!("/{id}")),
            None => format!("'/', {}", name_in_expression(&part)),
        };
        out.put("type", Tree::text(hunting::RESOURCE));
        out.put("name", Tree::Code(format!("[concat(parameters('workspace'), {name})]")));
        out.put("apiVersion", Tree::text(part.version.as_str()));
        return finish(part, out);
    }
    if form == ArmForm::Extension {
        let scope = "[format('Microsoft.OperationalInsights/workspaces/{0}', parameters('workspace'))]";
        out.put("type", Tree::text("Microsoft.SecurityInsights/alertRules"));
        out.put("scope", Tree::Code(scope.to_owned()));
        out.put("name", name_value(&part));
    } else {
        out.put("type", Tree::text("Microsoft.OperationalInsights/workspaces/providers/alertRules"));
        out.put("name", nested_name(&part));
    }
    out.put("apiVersion", Tree::text(part.version.as_str()));
    out.put("kind", Tree::text(part.rule.kind.as_str()));
    finish(part, out)
}

/// Metadata and properties, which end every resource.
fn finish(part: Part<'_>, mut out: Entries) -> Tree {
    let beside = part.sidecar(None);
    if !beside.is_empty() {
        out.put("metadata", Tree::object([("picquet", Tree::Object(beside))]));
    }
    out.put("properties", part.properties);
    Tree::Object(out.0)
}

/// A `contentTemplates` resource: the rule as a template that can be made from in the content hub.
fn content_template(part: Part<'_>) -> Tree {
    let id = name_value(&part);
    let name = nested_name(&part);
    let version = part.rule.version.clone().unwrap_or_else(|| "1.0.0".to_owned());
    let display_name = Tree::Text(format!("{}{}", part.shape.prefix, part.rule.name));
    let mut inner = Entries::default();
    let is_hunting = part.rule.is_hunting_query();
    let kind = if is_hunting { hunting::RESOURCE } else { "Microsoft.SecurityInsights/AlertRuleTemplates" };
    inner.put("type", Tree::text(kind));
    inner.put("name", id.clone());
    inner.put("apiVersion", Tree::text(part.version.as_str()));
    if !is_hunting {
        inner.put("kind", Tree::text(part.rule.kind.as_str()));
    }
    let inner = finish(part, inner);
    let main = Tree::object([
        ("$schema", Tree::text(SCHEMA)),
        ("contentVersion", Tree::text(version.as_str())),
        ("parameters", Tree::Object(Vec::new())),
        ("resources", Tree::List(vec![inner])),
    ]);
    Tree::object([
        ("type", Tree::text("Microsoft.OperationalInsights/workspaces/providers/contentTemplates")),
        ("name", name),
        ("apiVersion", Tree::text(CONTENT_API)),
        (
            "properties",
            Tree::object([
                ("contentId", id.clone()),
                ("contentProductId", id.clone()),
                ("contentKind", Tree::text(if is_hunting { "HuntingQuery" } else { "AnalyticsRule" })),
                ("displayName", display_name),
                ("version", Tree::text(version.as_str())),
                ("packageKind", Tree::text("Standalone")),
                ("packageId", id),
                ("packageVersion", Tree::text(version)),
                ("source", Tree::object([("kind", Tree::text("LocalWorkspace"))])),
                ("mainTemplate", main),
            ]),
        ),
    ])
}
