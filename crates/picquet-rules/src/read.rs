//! From a tree to a rule: every key of YAML and of ARM `properties`, read leniently, refused with a reason.

mod parts;
mod reader;
mod schedule;

use serde_json::{Map, Value};

pub use self::parts::DYNAMIC_PROPERTIES;

use self::reader::{Field, Object, Reader};
use crate::duration::Duration;
use crate::entity_types::{ENTITY_TYPES, entity_type};
use crate::error::{RuleError, nearest};
use crate::model::{
    AlertDetailsOverride, AnalyticsRule, DataConnector, DynamicProperty, EntityMapping, EventGrouping, FieldMapping,
    GroupingConfiguration, IncidentConfiguration, IncidentCreation, MatchingMethod, QueryLocation, QueryStyle,
    RuleKind, RuleSource, Severity, SourceFormat, join_techniques,
};
use crate::node::{Data, Node, Style};
use crate::tactics::canonical_tactic;
use crate::time::parse_time;

/// A part of a file that holds a rule.
pub(crate) struct Candidate {
    /// The YAML document, or ARM `properties` with its expressions resolved.
    pub node: Node,
    /// Path of `node` in the file.
    pub path: String,
    pub format: SourceFormat,
    /// Line on which the rule starts.
    pub line: usize,
    /// ARM: the resource's `kind`.
    pub kind: Option<Node>,
    /// ARM: the id in the resource's name.
    pub id: Option<String>,
    /// ARM: the resource but for `properties`.
    pub envelope: Map<String, Value>,
    /// ARM: YAML keys that the model does not know, which a conversion put beside the rule, by path.
    pub carried: Map<String, Value>,
    /// ARM: the resource.
    pub resource: Option<Node>,
}

/// What reading one rule gave: the rule, unless there are errors, and remarks.
pub(crate) struct Reading {
    pub rule: Option<AnalyticsRule>,
    pub errors: Vec<RuleError>,
    pub warnings: Vec<RuleError>,
}

/// Reads a rule.
pub(crate) fn read_rule(file: &str, candidate: &Candidate) -> Reading {
    let mut reader = Reader {
        file,
        base: candidate.path.clone(),
        errors: Vec::new(),
        warnings: Vec::new(),
        extra: Map::new(),
        expressions: Vec::new(),
    };
    let rule = reader.rule(candidate);
    reader.errors.sort_by_key(|error| error.line);
    reader.warnings.sort_by_key(|warning| warning.line);
    if rule.as_ref().is_some_and(is_only_listed) {
        // Nothing is done with these but to keep them, and their keys may mean other things.
        reader.warnings.append(&mut reader.errors);
    }
    Reading { rule: rule.filter(|_| reader.errors.is_empty()), errors: reader.errors, warnings: reader.warnings }
}

/// Whether a rule is of a kind that is kept as it is and never looked into.
fn is_only_listed(rule: &AnalyticsRule) -> bool {
    !rule.is_executable() && rule.kind != RuleKind::MicrosoftSecurityIncidentCreation
}

impl Reader<'_> {
    fn rule(&mut self, candidate: &Candidate) -> Option<AnalyticsRule> {
        let field = Field { node: &candidate.node, path: candidate.path.clone() };
        let mut object = self.object(&field)?;
        let kind = self.kind(&mut object, candidate);
        let executable = kind.is_executable();
        // The API answers it and takes no other.
        object.get(&["lastModifiedUtc"]);
        let id = self.text(object.get(&["id"]));
        let template_name = self.text(object.get(&["alertRuleTemplateName"]));
        let name = self.name(&mut object, &kind, template_name.as_deref());
        let (query, query_location) = self.query(&mut object, executable);
        let schedule = self.schedule(&mut object, &kind, candidate.format);
        let severity = self.severity(&mut object, executable);
        let incident_creation = self.incident_creation(&mut object, &kind);

        let rule = AnalyticsRule {
            source: RuleSource {
                file: self.file.to_owned(),
                path: candidate.path.clone(),
                line: candidate.line,
                format: candidate.format,
                envelope: candidate.envelope.clone(),
            },
            id: candidate.id.clone().or(id).and_then(|id| canonical_id(&id)),
            name: name.unwrap_or_default(),
            version: self.text(object.get(&["version", "templateVersion"])),
            kind,
            template_name,
            description: self.text(object.get(&["description"])).unwrap_or_default(),
            severity,
            enabled: self.boolean(object.get(&["enabled"]), true),
            query,
            query_location,
            query_frequency: schedule.frequency,
            query_period: schedule.period,
            trigger: schedule.trigger,
            tactics: self.tactics(&mut object),
            relevant_techniques: self.techniques(&mut object),
            event_grouping: self.event_grouping(&mut object),
            suppression_enabled: self.boolean(object.get(&["suppressionEnabled"]), false),
            suppression_duration: self
                .duration(object.get(&["suppressionDuration"]))
                .unwrap_or(Duration::from_hours(5)),
            entity_mappings: self.entity_mappings(&mut object),
            sentinel_entities_mappings: self.sentinel_mappings(&mut object),
            custom_details: self.custom_details(&mut object),
            alert_details_override: self.alert_details(&mut object),
            incident_configuration: self.incidents(&mut object),
            incident_creation,
            required_data_connectors: self.connectors(&mut object),
            metadata: object.get(&["metadata"]).map(|field| field.node.to_json()),
            tags: self.items(object.get(&["tags"])).iter().map(|item| item.node.to_json()).collect(),
            status: self.text(object.get(&["status"])),
            start_time: self.start_time(&mut object),
            verbatim: (!executable).then(|| candidate.node.to_json()),
            extra: Map::new(),
            arm_properties: self.arm_properties(&mut object, candidate.format),
            expressions: Vec::new(),
        };
        self.finish(object);
        let unknown = std::mem::take(&mut self.extra);
        let expressions = std::mem::take(&mut self.expressions);
        Some(match candidate.format {
            SourceFormat::Yaml => AnalyticsRule { extra: unknown, expressions, ..rule },
            SourceFormat::Arm => {
                AnalyticsRule { extra: candidate.carried.clone(), arm_properties: unknown, expressions, ..rule }
            }
        })
    }

    /// YAML's `armProperties`: properties that only ARM has, by path.
    fn arm_properties(&mut self, object: &mut Object<'_>, format: SourceFormat) -> Map<String, Value> {
        if format == SourceFormat::Arm {
            return Map::new();
        }
        let field = object.get(&["armProperties"]);
        let entries = field.as_ref().and_then(|field| field.node.entries()).unwrap_or_default();
        entries.iter().map(|entry| (entry.key.clone(), entry.value.to_json())).collect()
    }

    /// A rule without a kind is scheduled: most files of the content repository were written before there were
    /// others.
    fn kind(&mut self, object: &mut Object<'_>, candidate: &Candidate) -> RuleKind {
        let own = object.get(&["kind"]);
        let resource = candidate.kind.as_ref().map(|node| Field { node, path: "kind".to_owned() });
        match self.text(resource.or(own)) {
            Some(text) => RuleKind::from_name(&text),
            None => RuleKind::Scheduled,
        }
    }

    fn name(&mut self, object: &mut Object<'_>, kind: &RuleKind, template: Option<&str>) -> Option<String> {
        let field = object.get(&["displayName", "name"]);
        let name = self.text(field).filter(|name| !name.trim().is_empty());
        if name.is_some() {
            return name.map(|name| name.trim().to_owned());
        }
        if kind.is_executable() {
            self.missing(object, "name", "give the rule a name");
            return None;
        }
        Some(template.unwrap_or(kind.as_str()).to_owned())
    }

    fn query(&mut self, object: &mut Object<'_>, executable: bool) -> (String, QueryLocation) {
        let none = (String::new(), QueryLocation::NONE);
        let Some(field) = object.get(&["query"]) else {
            if executable {
                self.missing(object, "query", "a rule needs the KQL text it runs");
            }
            return none;
        };
        let Some(text) = self.scalar(&field, "the KQL text") else {
            return none;
        };
        if text.trim().is_empty() && executable {
            let help = "a rule needs the KQL text it runs".to_owned();
            let message = "the query is empty".to_owned();
            self.error(&field.path, field.node.line, message, Some(help));
        }
        let location = match &field.node.data {
            Data::Scalar { style: Style::Literal { indent }, .. } => {
                QueryLocation { style: QueryStyle::Block, first_line: field.node.line + 1, indent: *indent }
            }
            _ => QueryLocation { style: QueryStyle::Inline, first_line: field.node.line, indent: 0 },
        };
        (text.to_owned(), location)
    }

    fn severity(&mut self, object: &mut Object<'_>, executable: bool) -> Severity {
        let field = object.get(&["severity"]);
        let missing = field.is_none();
        let severity = self.named(field, "a severity", Severity::NAMES, Severity::from_name);
        if missing && executable {
            let help = format!("expected one of {}", Severity::NAMES.join(", "));
            self.missing(object, "severity", &help);
        }
        severity.unwrap_or(Severity::Medium)
    }

    fn tactics(&mut self, object: &mut Object<'_>) -> Vec<String> {
        let mut tactics: Vec<String> = Vec::new();
        for text in self.texts(object.get(&["tactics"])) {
            let name = canonical_tactic(&text).map_or(text, str::to_owned);
            if !tactics.contains(&name) {
                tactics.push(name);
            }
        }
        tactics
    }

    /// YAML's one list, or ARM's two. A parent that ARM lists beside its sub-technique is taken as implied. Where a
    /// rule has all three, what the two have besides goes to the end.
    fn techniques(&mut self, object: &mut Object<'_>) -> Vec<String> {
        let mut listed = self.texts(object.get(&["relevantTechniques"]));
        let parents = self.texts(object.get(&["techniques"]));
        let subs = self.texts(object.get(&["subTechniques"]));
        if listed.is_empty() {
            listed = join_techniques(&parents, &subs);
        } else {
            let missing = subs.into_iter().chain(parents.into_iter().filter(|parent| {
                let below = |id: &String| id.split_once('.').is_some_and(|(front, _)| front == parent);
                !listed.iter().any(below)
            }));
            listed = listed.iter().cloned().chain(missing).collect();
        }
        let mut techniques: Vec<String> = Vec::new();
        for id in listed {
            if !techniques.contains(&id) {
                techniques.push(id);
            }
        }
        techniques
    }

    fn start_time(&mut self, object: &mut Object<'_>) -> Option<jiff::Timestamp> {
        let field = object.get(&["startTimeUtc", "startTime"])?;
        let text = self.scalar(&field, "a time such as `2024-05-01T06:00:00Z`")?;
        let parsed = parse_time(text);
        if parsed.is_none() {
            let help = Some("expected a time such as `2024-05-01T06:00:00Z`".to_owned());
            let message = format!("{} is not a time", field.node.describe());
            self.error(&field.path, field.node.line, message, help);
        }
        parsed
    }
}

/// Ids are GUIDs in lower case; other texts stay as they are.
fn canonical_id(id: &str) -> Option<String> {
    let id = id.trim();
    if id.is_empty() {
        return None;
    }
    let is_guid = id.len() == 36
        && id.chars().enumerate().all(|(index, c)| match index {
            8 | 13 | 18 | 23 => c == '-',
            _ => c.is_ascii_hexdigit(),
        });
    Some(if is_guid { id.to_ascii_lowercase() } else { id.to_owned() })
}
