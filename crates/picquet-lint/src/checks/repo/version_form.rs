//! The version of a YAML rule is not of the form `1.2.3`, or has more than 20 characters.
//!
//! ## Why it matters
//!
//! The repository's validation fails, and Sentinel cannot tell that a template is newer than a rule made from it.
//!
//! ## How to mend it
//!
//! Write three numbers with dots.

use picquet_rules::SourceFormat;

use crate::check::{Check, Run, Set, Severity};
use crate::checks::forms::is_version;
use crate::context::Context;
use crate::limits;
use crate::report::Report;

pub(crate) const CHECK: Check = Check {
    code: "PQ403",
    name: "version-form",
    sets: &[Set::Repo],
    severity: Severity::Error,
    fixable: false,
    source: include_str!("version_form.rs"),
    run: Run::Rule(run),
};

fn run(context: &Context<'_>, report: &mut Report<'_>) {
    if context.tree.format != SourceFormat::Yaml {
        return;
    }
    let Some(place) = context.root.get("version") else { return };
    let Some(text) = place.text() else { return };
    if !is_version(text) || text.len() > limits::VERSION {
        report
            .at(place, format!("the version `{text}` is not of the form `1.2.3`"))
            .help("write three numbers with dots");
    }
}
