//! A dynamic property that alerts do not have, or the same property twice.
//!
//! ## Why it matters
//!
//! The set of properties is closed: Azure refuses others.
//!
//! ## How to mend it
//!
//! Write one of AlertLink, ConfidenceLevel, ConfidenceScore, ExtendedLinks, ProductName, ProviderName, ProductComponentName,
//! RemediationSteps, Techniques.

use picquet_rules::{DYNAMIC_PROPERTIES, nearest};

use crate::check::{Check, Run, Set, Severity};
use crate::context::Context;
use crate::report::Report;

pub(crate) const CHECK: Check = Check {
    code: "PQ308",
    name: "unknown-alert-property",
    sets: &[Set::Api],
    severity: Severity::Error,
    fixable: false,
    source: include_str!("unknown_alert_property.rs"),
    run: Run::Rule(run),
};

fn run(context: &Context<'_>, report: &mut Report<'_>) {
    let Some(details) = context.root.get("alertDetailsOverride") else { return };
    let mut seen: Vec<&str> = Vec::new();
    for property in details.list("alertDynamicProperties") {
        let Some(place) = property.get("alertProperty") else { continue };
        let Some(name) = place.text() else { continue };
        if !DYNAMIC_PROPERTIES.contains(&name) {
            let near = nearest(name, DYNAMIC_PROPERTIES.iter().copied());
            let help = near.map_or_else(
                || format!("alerts have {}", DYNAMIC_PROPERTIES.join(", ")),
                |near| format!("did you mean `{near}`?"),
            );
            report.at(place, format!("alerts have no dynamic property `{name}`")).help(help);
        } else if seen.contains(&name) {
            report.at(place, format!("the property `{name}` is set twice")).help("keep one of the two");
        }
        seen.push(name);
    }
}
