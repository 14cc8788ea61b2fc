//! An ARM rule has a `templateVersion` and no `alertRuleTemplateName`, or a version that is not of the form `1.2.3`.
//!
//! ## Why it matters
//!
//! Azure refuses the rule when it is deployed.
//!
//! ## How to mend it
//!
//! Name the template that the rule was made from, or take the version out.

use picquet_rules::SourceFormat;

use crate::check::{Check, Run, Set, Severity};
use crate::checks::forms::is_version;
use crate::context::Context;
use crate::report::Report;

pub(crate) const CHECK: Check = Check {
    code: "PQ318",
    name: "version-without-template",
    sets: &[Set::Api],
    severity: Severity::Error,
    fixable: false,
    source: include_str!("version_without_template.rs"),
    run: Run::Rule(run),
};

fn run(context: &Context<'_>, report: &mut Report<'_>) {
    if context.tree.format != SourceFormat::Arm {
        return;
    }
    let Some(place) = context.root.get("templateVersion") else { return };
    if context.root.get("alertRuleTemplateName").is_none() {
        let help = "write `alertRuleTemplateName`, or take the version out";
        report.key(place, "`templateVersion` without `alertRuleTemplateName`").help(help);
    }
    if place.text().is_some_and(|text| !is_version(text)) {
        report.at(place, "the version is not of the form `1.2.3`").help("write three numbers with dots");
    }
}
