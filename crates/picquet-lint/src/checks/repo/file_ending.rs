//! A YAML rule is in a file whose name does not end in `.yaml`.
//!
//! ## Why it matters
//!
//! The repository's validation fails for `.yml`, or never sees the file.
//!
//! ## How to mend it
//!
//! Rename the file.

use picquet_rules::SourceFormat;

use crate::check::{Check, Run, Set, Severity};
use crate::context::Context;
use crate::report::Report;

pub(crate) const CHECK: Check = Check {
    code: "PQ414",
    name: "file-ending",
    sets: &[Set::Repo],
    severity: Severity::Warning,
    fixable: false,
    source: include_str!("file_ending.rs"),
    run: Run::Rule(run),
};

fn run(context: &Context<'_>, report: &mut Report<'_>) {
    let Some(name) = context.source.name.as_deref() else { return };
    if context.tree.format == SourceFormat::Yaml && !name.ends_with(".yaml") {
        report.rule("the file's name does not end in `.yaml`").help("rename the file");
    }
}
