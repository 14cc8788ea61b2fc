//! Files of saved functions.

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

/// A line of a file of functions.
#[derive(Deserialize)]
struct Line {
    name: String,
    /// `saved function`, or `let function` for a text that declares it and is no body.
    #[serde(default)]
    kind: Option<String>,
    /// Of several versions of a name, the one to take.
    #[serde(default)]
    preferred: Option<bool>,
    #[serde(default)]
    parameters: Option<String>,
    #[serde(alias = "body")]
    query: String,
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
    /// Adds the functions of a file: JSON lines, or one JSON object by name.
    pub(super) fn read(&mut self, file: &Path) -> anyhow::Result<()> {
        let bytes = std::fs::read(file).with_context(|| format!("reading {}", file.display()))?;
        self.add(&picquet_rules::decode_text(&bytes)).with_context(|| file.display().to_string())
    }

    fn add(&mut self, text: &str) -> anyhow::Result<()> {
        if let Ok(entries) = serde_json::from_str::<BTreeMap<String, Entry>>(text) {
            for (name, entry) in entries {
                match entry {
                    Entry::Columns(listed) => {
                        let columns = columns(listed).with_context(|| format!("function {name}"))?;
                        self.known.insert(name, KnownFunction { columns, open: false });
                    }
                    Entry::Body { params, body } => self.save(name, params, body),
                }
            }
            return Ok(());
        }
        for (number, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
            let expected = "expected {\"name\",\"parameters\",\"query\"}";
            let line: Line = serde_json::from_str(line).with_context(|| format!("line {}: {expected}", number + 1))?;
            let is_body = line.kind.as_deref().is_none_or(|kind| kind == "saved function");
            if is_body && line.preferred.unwrap_or(true) {
                self.save(line.name, line.parameters, line.query);
            }
        }
        Ok(())
    }

    fn save(&mut self, name: String, parameters: Option<String>, body: String) {
        let parameters = parameters.unwrap_or_default();
        let inner = parameters.trim();
        let inner = inner.strip_prefix('(').and_then(|rest| rest.strip_suffix(')')).unwrap_or(inner);
        self.saved.insert(name, SavedFunction { parameters: inner.to_string(), body });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms() {
        let mut functions = Functions::default();
        functions
            .add(concat!(
                r#"{"name":"f","parameters":"a:long=1","query":"print a","kind":"saved function","preferred":true}"#,
                "\n\n",
                r#"{"name":"g","query":"let g = () {1}; g()","kind":"let function","preferred":true}"#,
                "\n",
                r#"{"name":"f","query":"print 2","kind":"saved function","preferred":false}"#,
            ))
            .unwrap();
        assert_eq!(functions.saved.len(), 1);
        assert_eq!(functions.saved["f"].parameters, "a:long=1");
        functions.add(r#"{"k":[["a","string"]],"h":{"params":"(x:long)","body":"print x"}}"#).unwrap();
        assert_eq!(functions.known["k"].columns.len(), 1);
        assert_eq!(functions.saved["h"].parameters, "x:long");
        assert!(functions.add("{\"name\":1}").is_err());
        assert!(functions.add(r#"{"k":[["a","strng"]]}"#).is_err());
    }
}
