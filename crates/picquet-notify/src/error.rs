//! What goes wrong: with a configuration, and with a message.

use std::time::Duration;

/// What is wrong with the configuration of an output.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("output `{output}`: {}{message}", key.as_ref().map(|key| format!("`{key}`: ")).unwrap_or_default())]
pub struct OutputError {
    /// Name of the output.
    pub output: String,
    /// The key at fault, with dots for the tables it lies in; none where it is no single key.
    pub key: Option<String>,
    /// What is wrong.
    pub message: String,
}

/// What is wrong with the value of a key; the output's name is put in later.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct KeyError {
    pub key: &'static str,
    pub message: String,
}

impl KeyError {
    pub fn new(key: &'static str, message: impl Into<String>) -> Self {
        Self { key, message: message.into() }
    }

    pub fn of(self, output: &str) -> OutputError {
        OutputError { output: output.to_owned(), key: Some(self.key.to_owned()), message: self.message }
    }
}

/// Why a message was not sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct SendError {
    /// Whether it may succeed later.
    pub retry: bool,
    /// What happened. Holds no secret of the configuration.
    pub message: String,
    /// How long the other side asks to wait (Retry-After).
    pub after: Option<Duration>,
}

impl SendError {
    pub(crate) fn later(message: impl Into<String>) -> Self {
        Self { retry: true, message: message.into(), after: None }
    }

    pub(crate) fn never(message: impl Into<String>) -> Self {
        Self { retry: false, message: message.into(), after: None }
    }
}
