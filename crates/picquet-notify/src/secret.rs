//! Secrets of a configuration: named, not written there.

use std::fmt;
use std::path::PathBuf;

use serde::{Deserialize, Serialize, Serializer};

/// A secret: `{ env = "NAME" }`, `{ file = "path" }`, or the text itself.
///
/// Neither `Debug` nor `Serialize` show an inline text.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged, deny_unknown_fields, expecting = r#"want a text, { env = "NAME" } or { file = "path" }"#)]
pub enum Secret {
    /// The text itself.
    Inline(String),
    /// The value of an environment variable.
    Env {
        /// Its name.
        env: String,
    },
    /// The text of a file, without the line break at its end.
    File {
        /// Its path.
        file: PathBuf,
    },
}

/// What is shown in place of an inline secret.
const HIDDEN: &str = "(hidden)";

impl Secret {
    /// The secret's text; an error where it cannot be read or is empty.
    pub(crate) fn read(&self) -> Result<String, String> {
        let (text, from) = match self {
            Self::Inline(text) => (text.clone(), "it".to_owned()),
            Self::Env { env } => {
                let text = std::env::var(env).map_err(|error| match error {
                    std::env::VarError::NotPresent => format!("the environment variable {env} is not set"),
                    std::env::VarError::NotUnicode(_) => format!("the environment variable {env} is not UTF-8"),
                })?;
                (text, format!("the environment variable {env}"))
            }
            Self::File { file } => {
                let text = std::fs::read_to_string(file)
                    .map_err(|error| format!("the file {} cannot be read: {error}", file.display()))?;
                (text.trim_end_matches(['\r', '\n']).to_owned(), format!("the file {}", file.display()))
            }
        };
        if text.is_empty() { Err(format!("{from} is empty")) } else { Ok(text) }
    }

    pub(crate) const fn is_inline(&self) -> bool {
        matches!(self, Self::Inline(_))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Inline(_) => f.write_str(HIDDEN),
            Self::Env { env } => write!(f, "env {env}"),
            Self::File { file } => write!(f, "file {}", file.display()),
        }
    }
}

impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Inline(_) => serializer.serialize_str(HIDDEN),
            Self::Env { env } => serializer.collect_map([("env", env)]),
            Self::File { file } => serializer.collect_map([("file", file)]),
        }
    }
}
