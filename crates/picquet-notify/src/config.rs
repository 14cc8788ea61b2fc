//! The configuration of an output: an `[[output]]` table.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use picquet_rules::Severity;
use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

pub use self::kinds::{
    Addresses, Basic, Facility, Framing, JsonlConfig, KindConfig, Rotation, SmtpConfig, SmtpTls, SyslogConfig,
    Transport, WebhookConfig,
};
use crate::backoff::Backoff;
use crate::error::{KeyError, OutputError};
use crate::message::EventKind;

mod kinds;

/// An output as it is configured.
///
/// Reading it finds unknown keys and values of the wrong type; [`Output::new`](crate::Output::new) the rest. Serialising it is for
/// showing: secrets that are written in the configuration itself are hidden.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct OutputConfig {
    /// What the output is called; unique.
    pub name: String,
    /// `kind`, and the settings of that kind.
    #[serde(flatten)]
    pub kind: KindConfig,
    /// The settings that all kinds have.
    #[serde(flatten)]
    pub common: CommonConfig,
}

/// The settings that all kinds of output have.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CommonConfig {
    /// What is sent: alerts, incidents, or (the default) both.
    #[serde(default = "both")]
    pub events: Vec<EventKind>,
    /// The lowest severity that is sent.
    #[serde(default = "lowest", deserialize_with = "crate::message::severity")]
    pub min_severity: Severity,
    /// Ids or names of the rules whose messages are sent, whatever their case; all rules if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rules: Option<Vec<String>>,
    /// A minijinja template of the text that is sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub template: Option<String>,
    /// A file with such a template.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub template_file: Option<PathBuf>,
    /// When a message that was not sent is sent again.
    #[serde(default)]
    pub retry: Backoff,
}

fn both() -> Vec<EventKind> {
    vec![EventKind::Alert, EventKind::Incident]
}

const fn lowest() -> Severity {
    Severity::Informational
}

/// The keys of [`CommonConfig`].
const COMMON: [&str; 6] = ["events", "min_severity", "rules", "template", "template_file", "retry"];

impl<'de> Deserialize<'de> for OutputConfig {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::from_table(Map::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

impl OutputConfig {
    fn from_table(mut table: Map<String, Value>) -> Result<Self, OutputError> {
        let name = match table.remove("name") {
            Some(Value::String(name)) if !name.trim().is_empty() => name,
            other => {
                let message = if other.is_none() { "missing" } else { "want a text that is not empty" };
                return Err(KeyError::new("name", message).of("?"));
            }
        };
        let common = COMMON.iter().filter_map(|key| table.remove_entry(*key)).collect();
        let common = read(&name, common)?;
        let kind = match table.remove("kind") {
            None => Err(KeyError::new("kind", "missing; want one of webhook, jsonl, syslog, smtp").of(&name)),
            Some(kind) => match kind.as_str() {
                Some("webhook") => read(&name, table).map(KindConfig::Webhook),
                Some("jsonl") => read(&name, table).map(KindConfig::Jsonl),
                Some("syslog") => read(&name, table).map(KindConfig::Syslog),
                Some("smtp") => read(&name, table).map(KindConfig::Smtp),
                _ => Err(KeyError::new("kind", format!("{kind}: want one of webhook, jsonl, syslog, smtp")).of(&name)),
            },
        }?;
        Ok(Self { name, kind, common })
    }

    /// Takes relative paths as relative to a folder, that of the configuration file.
    pub fn resolve(&mut self, folder: &Path) {
        let paths = self.common.template_file.as_mut().into_iter().chain(self.kind.paths());
        for path in paths {
            // Joining keeps an absolute path as it is.
            *path = folder.join(&*path);
        }
    }

    /// What works but should be otherwise: secrets in the configuration itself, credentials in the clear.
    #[must_use]
    pub fn warnings(&self) -> Vec<String> {
        let warnings = self.kind.warnings();
        warnings.into_iter().map(|warning| format!("output `{}`: {warning}", self.name)).collect()
    }

    /// The template's text, if there is one.
    pub(crate) fn template(&self) -> Result<Option<String>, KeyError> {
        text_or_file("template", self.common.template.as_deref(), "template_file", self.common.template_file.as_deref())
    }
}

/// A text that is given itself or by its file.
pub(crate) fn text_or_file(
    text_key: &'static str,
    text: Option<&str>,
    file_key: &'static str,
    file: Option<&Path>,
) -> Result<Option<String>, KeyError> {
    match (text, file) {
        (Some(_), Some(_)) => Err(KeyError::new(file_key, format!("`{text_key}` is given too; want one of the two"))),
        (Some(text), None) => Ok(Some(text.to_owned())),
        (None, Some(file)) => match std::fs::read_to_string(file) {
            Ok(text) => Ok(Some(text)),
            Err(error) => Err(KeyError::new(file_key, format!("{} cannot be read: {error}", file.display()))),
        },
        (None, None) => Ok(None),
    }
}

/// Reads settings, and says which key is at fault.
fn read<T: DeserializeOwned>(output: &str, table: Map<String, Value>) -> Result<T, OutputError> {
    serde_path_to_error::deserialize(Value::Object(table)).map_err(|error| {
        let path = error.path().to_string();
        let mut message = error.into_inner().to_string();
        for (from, to) in [("unknown field ", "unknown key "), ("missing field ", "missing key ")] {
            if let Some(rest) = message.strip_prefix(from) {
                message = format!("{to}{rest}");
            }
        }
        // An unknown key is reported with its own path by some tables and with the table's by others; the message names it.
        let unknown = message.starts_with("unknown key ");
        let key = match unknown {
            true => path.rsplit_once('.').map(|(table, _)| table.to_owned()),
            false => (path != ".").then_some(path),
        };
        OutputError { output: output.to_owned(), key, message }
    })
}

/// Checks that no two outputs have one name: what waits to be sent is kept by it.
///
/// # Errors
///
/// The second of two outputs with one name.
pub fn check_names(configs: &[OutputConfig]) -> Result<(), OutputError> {
    let mut names = HashSet::new();
    match configs.iter().find(|config| !names.insert(&config.name)) {
        Some(twice) => Err(KeyError::new("name", "another output has it too").of(&twice.name)),
        None => Ok(()),
    }
}
