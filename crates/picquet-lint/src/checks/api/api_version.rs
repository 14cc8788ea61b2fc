//! The resource's `apiVersion` does not know something that the rule has: sub-techniques, or the kind NRT.
//!
//! `subTechniques` came with the preview version 2023-12-01; the stable versions up to 2024-09-01 have neither them nor NRT
//! rules. A sub-technique such as `T1059.001` never belongs among `techniques`.
//!
//! ## Why it matters
//!
//! Azure refuses the rule when it is deployed.
//!
//! ## How to mend it
//!
//! Write a newer preview version, or list only the technique itself.

use picquet_rules::{RuleKind, SourceFormat};

use crate::check::{Check, Run, Set, Severity};
use crate::context::Context;
use crate::limits;
use crate::report::Report;

pub(crate) const CHECK: Check = Check {
    code: "PQ319",
    name: "api-version",
    sets: &[Set::Api],
    severity: Severity::Error,
    fixable: false,
    source: include_str!("api_version.rs"),
    run: Run::Rule(run),
};

fn run(context: &Context<'_>, report: &mut Report<'_>) {
    if context.tree.format != SourceFormat::Arm {
        return;
    }
    for place in context.root.list("techniques") {
        if place.text().is_some_and(|text| text.contains('.')) {
            let help = "list the technique here and the sub-technique in `subTechniques`";
            report.at(place, "a sub-technique among `techniques`").help(help);
        }
    }
    let Some(version) = context.tree.resource().and_then(|resource| resource.get("apiVersion")) else { return };
    let Some(text) = version.text() else { return };
    let preview = text.ends_with("-preview");
    let day = text.get(..10).unwrap_or(text);
    let stable_too_old = !preview && day <= limits::STABLE_WITHOUT_PREVIEWS;
    let help = "write a newer preview version, such as `2023-12-01-preview`";
    if !context.root.list("subTechniques").is_empty() && (stable_too_old || day < limits::SUB_TECHNIQUES_SINCE) {
        report.at(version, format!("the API version {text} knows no sub-techniques")).help(help);
    }
    if context.rule.kind == RuleKind::Nrt && stable_too_old {
        report.at(version, format!("the API version {text} knows no NRT rules")).help(help);
    }
}
