//! A technique is not of the form `T1059`, or `T1059.001` for a sub-technique.
//!
//! ## Why it matters
//!
//! Azure refuses the rule when it is deployed.
//!
//! ## How to mend it
//!
//! Write ATT&CK's id, with a capital T and four digits.

use crate::check::{Check, Run, Set, Severity};
use crate::checks::forms::is_technique;
use crate::context::Context;
use crate::report::Report;

pub(crate) const CHECK: Check = Check {
    code: "PQ321",
    name: "technique-form",
    sets: &[Set::Api, Set::Repo],
    severity: Severity::Error,
    fixable: false,
    source: include_str!("technique_form.rs"),
    run: Run::Rule(run),
};

fn run(context: &Context<'_>, report: &mut Report<'_>) {
    for place in ["relevantTechniques", "techniques", "subTechniques"].iter().flat_map(|key| context.root.list(key)) {
        let Some(text) = place.text().filter(|text| !is_technique(text)) else { continue };
        report
            .at(place, format!("`{text}` is no id of a technique"))
            .help("write an id such as `T1059` or `T1059.001`");
    }
}
