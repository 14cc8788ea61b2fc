//! What a conversion has to tell.

use std::fmt;

use picquet_rules::AnalyticsRule;
use serde::Serialize;

/// How much a note matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum NoteKind {
    /// The value is not in the output.
    Lost,
    /// The value is in the output, where only reading it back finds it: a deployment does without it.
    Beside,
}

/// Something that the target could not take as it was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Note {
    /// How much it matters.
    pub kind: NoteKind,
    /// The rule's file.
    pub file: String,
    /// The rule's id, or its name.
    pub rule: String,
    /// The key, as a path below the rule.
    pub path: String,
    /// What became of it, and why.
    pub message: String,
}

impl Note {
    pub(crate) fn new(kind: NoteKind, rule: &AnalyticsRule, path: &str, message: impl Into<String>) -> Self {
        Self {
            kind,
            file: rule.source.file.clone(),
            rule: rule.rule_id().to_owned(),
            path: path.to_owned(),
            message: message.into(),
        }
    }

    pub(crate) fn lost(rule: &AnalyticsRule, path: &str, message: impl Into<String>) -> Self {
        Self::new(NoteKind::Lost, rule, path, message)
    }

    pub(crate) fn beside(rule: &AnalyticsRule, path: &str, message: impl Into<String>) -> Self {
        Self::new(NoteKind::Beside, rule, path, message)
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}: {}", self.file, self.path, self.message)
    }
}
