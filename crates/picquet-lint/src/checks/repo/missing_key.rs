//! A YAML rule lacks a key that the content repository demands: id, name, kind, version, description, severity, query,
//! requiredDataConnectors.
//!
//! ## Why it matters
//!
//! The repository's validation fails.
//!
//! ## How to mend it
//!
//! Write the key. A rule without a kind is taken as `Scheduled`.

use picquet_rules::SourceFormat;

use crate::check::{Check, Run, Set, Severity};
use crate::context::Context;
use crate::report::Report;

pub(crate) const CHECK: Check = Check {
    code: "PQ401",
    name: "missing-key",
    sets: &[Set::Repo],
    severity: Severity::Error,
    fixable: false,
    source: include_str!("missing_key.rs"),
    run: Run::Rule(run),
};

fn run(context: &Context<'_>, report: &mut Report<'_>) {
    if context.tree.format != SourceFormat::Yaml {
        return;
    }
    for key in REQUIRED {
        let is_there = context.root.entries().iter().any(|entry| entry.key() == Some(key));
        if context.root.get(key).is_none() && !(key == "requiredDataConnectors" && is_there) {
            report.rule(format!("the key `{key}` is missing")).help(format!("write `{key}`"));
        }
    }
}

const REQUIRED: [&str; 8] =
    ["id", "name", "kind", "version", "description", "severity", "query", "requiredDataConnectors"];
