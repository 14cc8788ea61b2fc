//! The alert's severity or tactics are taken from a column that is no text.
//!
//! ## Why it matters
//!
//! Sentinel takes only `High`, `Medium`, `Low`, `Informational` and names of tactics; with other values the alert keeps the
//! rule's own.
//!
//! ## How to mend it
//!
//! Compute the text in the query: `| extend Severity = case(Risk > 80, "High", "Medium")`.

use crate::check::{Check, Run, Set, Severity};
use crate::context::Context;
use crate::report::Report;

pub(crate) const CHECK: Check = Check {
    code: "PQ517",
    name: "override-type",
    sets: &[Set::Style],
    severity: Severity::Warning,
    fixable: false,
    source: include_str!("override_type.rs"),
    run: Run::Rule(run),
};

fn run(context: &Context<'_>, report: &mut Report<'_>) {
    let Some(columns) = context.columns() else { return };
    let Some(details) = context.root.get("alertDetailsOverride") else { return };
    for key in ["alertSeverityColumnName", "alertTacticsColumnName"] {
        let Some(place) = details.get(key) else { continue };
        let Some(ty) = place.text().and_then(|name| columns.type_of(name)) else { continue };
        if !matches!(ty, "string" | "dynamic" | "unknown") {
            let message = format!("the column `{}` is of type {ty}", place.text().unwrap_or_default());
            report.at(place, message).help("compute the text in the query");
        }
    }
}
