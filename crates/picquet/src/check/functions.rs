//! Files of saved functions, with bodies or with results only.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Context as _;
use kql_semantics::{KnownFunction, SavedFunction};
use serde::Deserialize;

use super::catalog::columns;

/// Functions by name: with bodies, and with results only.
#[derive(Debug, Default)]
pub(super) struct Functions {
    pub(super) saved: BTreeMap<String, SavedFunction>,
    pub(super) known: BTreeMap<String, KnownFunction>,
}

/// A value of an object of functions.
#[derive(Deserialize)]
#[serde(untagged)]
enum Entry {
    Columns(Vec<(String, String)>),
    Body {
        #[serde(default, alias = "parameters")]
        params: Option<String>,
        #[serde(alias = "query")]
        body: String,
    },
}

impl Functions {
    /// Adds the functions of a file or folder: one JSON object by name, or what `picquet run` takes.
    pub(super) fn read(&mut self, path: &Path) -> anyhow::Result<()> {
        if path.is_file() {
            let bytes = std::fs::read(path).with_context(|| format!("reading {}", path.display()))?;
            if let Ok(entries) = serde_json::from_str::<BTreeMap<String, Entry>>(&picquet_rules::decode_text(&bytes)) {
                return self.add(entries).with_context(|| path.display().to_string());
            }
        }
        self.saved.extend(crate::commands::saved_functions(std::slice::from_ref(&path.to_path_buf()))?);
        Ok(())
    }

    fn add(&mut self, entries: BTreeMap<String, Entry>) -> anyhow::Result<()> {
        for (name, entry) in entries {
            match entry {
                Entry::Columns(listed) => {
                    let columns = columns(listed).with_context(|| format!("function {name}"))?;
                    self.known.insert(name, KnownFunction { columns, open: false });
                }
                Entry::Body { params, body } => {
                    let parameters = params.unwrap_or_default();
                    let inner = parameters.trim();
                    let inner = inner.strip_prefix('(').and_then(|rest| rest.strip_suffix(')')).unwrap_or(inner);
                    self.saved.insert(name, SavedFunction { parameters: inner.to_string(), body });
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn add(functions: &mut Functions, text: &str) -> anyhow::Result<()> {
        functions.add(serde_json::from_str(text)?)
    }

    #[test]
    fn objects_by_name() {
        let mut functions = Functions::default();
        add(&mut functions, r#"{"k":[["a","string"]],"h":{"params":"(x:long)","body":"print x"}}"#).unwrap();
        assert_eq!(functions.known["k"].columns.len(), 1);
        assert_eq!(functions.saved["h"].parameters, "x:long");
        assert!(add(&mut functions, "{\"name\":1}").is_err());
        assert!(add(&mut functions, r#"{"k":[["a","strng"]]}"#).is_err());
    }
}
