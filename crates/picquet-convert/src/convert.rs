//! From rules to a text of another format.

use std::collections::HashSet;

use picquet_rules::AnalyticsRule;

use crate::note::Note;
use crate::{arm, bicep, terraform, yaml};

pub use crate::terraform::header as terraform_header;

/// What is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Target {
    /// Content-repository YAML, a document a rule.
    Yaml,
    /// ARM JSON; see [`ArmForm`].
    Arm,
    /// Bicep, a resource a rule.
    Bicep,
    /// Terraform, a resource a rule; see [`Provider`].
    Terraform,
}

/// Which ARM JSON is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum ArmForm {
    /// A template with `Microsoft.OperationalInsights/workspaces/providers/alertRules` resources, as the portal
    /// exports them.
    #[default]
    Workspace,
    /// A template with `Microsoft.SecurityInsights/alertRules` resources that have the workspace as their scope.
    Extension,
    /// A template with `contentTemplates` resources, each holding one `AlertRuleTemplates` resource, as solutions do.
    Solution,
    /// The body of a request to the API: kind and properties; a list for several rules.
    Payload,
}

/// Which Terraform provider's resources are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Provider {
    /// `azurerm`, with a resource type for each kind of rule; other kinds are written for azapi.
    #[default]
    Azurerm,
    /// `azapi_resource` with the ARM properties as its body.
    Azapi,
}

/// How rules are written.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Put before every display name.
    pub name_prefix: String,
    /// The API version of the resources, instead of the oldest stable or preview one that has all a rule holds.
    pub api_version: Option<String>,
    /// Which ARM JSON.
    pub form: ArmForm,
    /// Which Terraform provider.
    pub provider: Provider,
    /// ARM properties (`severity`, `enabled`, …) that become parameters, with the rule's value as default.
    pub parameters: Vec<String>,
    /// Terraform: leave [`terraform_header`] to another file of the module.
    pub without_header: bool,
    /// Names of resources that other files of the module have.
    pub taken_names: Vec<String>,
}

/// A text in the target format, and what it could not take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Converted {
    /// The text, with a line end at its end.
    pub text: String,
    /// What was lost or stands beside the rule.
    pub notes: Vec<Note>,
    /// Names of the resources that the text declares (Terraform).
    pub names: Vec<String>,
    /// Terraform: which providers the text needs, azurerm and azapi.
    pub providers: (bool, bool),
}

/// Writes rules as one text.
pub fn convert<'a>(rules: impl IntoIterator<Item = &'a AnalyticsRule>, target: Target, options: &Options) -> Converted {
    let rules: Vec<&AnalyticsRule> = rules.into_iter().collect();
    let mut notes = Vec::new();
    for rule in &rules {
        note_template_parts(rule, &mut notes);
    }
    let text = match target {
        Target::Yaml => yaml::write(&rules, options, &mut notes),
        Target::Arm => arm::write(&rules, options, &mut notes),
        Target::Bicep => bicep::write(&rules, options, &mut notes),
        Target::Terraform => {
            let written = terraform::write(&rules, options, &mut notes);
            return Converted { text: written.text, notes, names: written.names, providers: written.providers };
        }
    };
    Converted { text, notes, names: Vec::new(), providers: (false, false) }
}

/// Keys of an ARM resource that reading took up, that the service answers, or that order a deployment of several
/// resources.
const OWN_KEYS: &[&str] =
    &["type", "name", "id", "apiVersion", "kind", "location", "etag", "scope", "metadata", "systemData", "dependsOn"];

/// Notes what belonged to the template that a rule was read from, and is no part of the rule.
fn note_template_parts(rule: &AnalyticsRule, notes: &mut Vec<Note>) {
    for (key, value) in &rule.source.envelope {
        let empty = value.is_null() || value.as_array().is_some_and(Vec::is_empty);
        if !empty && !OWN_KEYS.iter().any(|own| own.eq_ignore_ascii_case(key)) {
            let message = "not carried: it is part of the template around the rule";
            notes.push(Note::lost(rule, key, message));
        }
    }
    for (path, expression) in &rule.expressions {
        let message =
            format!("the expression `{expression}` has a value only in a deployment; its text is carried as it stands");
        notes.push(Note::lost(rule, path, message));
    }
}

/// Words that Bicep or Terraform keep for themselves in some place.
const KEYWORDS: &[&str] = &[
    "as",
    "assert",
    "existing",
    "extension",
    "false",
    "for",
    "func",
    "if",
    "import",
    "in",
    "metadata",
    "module",
    "null",
    "output",
    "param",
    "provider",
    "resource",
    "targetscope",
    "test",
    "true",
    "type",
    "using",
    "var",
    "with",
];

/// Gives every rule a name of letters, digits and underscores, made from its display name.
#[derive(Default)]
pub(crate) struct Symbols(HashSet<String>);

impl Symbols {
    pub(crate) fn of(&mut self, rule: &AnalyticsRule) -> String {
        const LONGEST: usize = 60;
        let mut name = String::new();
        for c in rule.name.chars() {
            if c.is_ascii_alphanumeric() {
                name.push(c.to_ascii_lowercase());
            } else if !name.is_empty() && !name.ends_with('_') {
                name.push('_');
            }
            if name.len() >= LONGEST {
                break;
            }
        }
        let name = name.trim_end_matches('_');
        let starts_well = name.starts_with(|c: char| c.is_ascii_alphabetic()) && !KEYWORDS.contains(&name);
        let base = if starts_well { name.to_owned() } else { format!("rule_{name}").trim_end_matches('_').to_owned() };
        let mut symbol = base.clone();
        let mut number = 2;
        while !self.0.insert(symbol.clone()) {
            symbol = format!("{base}_{number}");
            number += 1;
        }
        symbol
    }

    /// Keeps names from being given to rules.
    pub(crate) fn reserve<S: AsRef<str>>(&mut self, names: &[S]) {
        self.0.extend(names.iter().map(|name| name.as_ref().to_owned()));
    }
}
