//! An alert's name or description has more than three placeholders, is too long, or has a placeholder that is not closed or
//! names nothing.
//!
//! A name format may have 256 characters, a description format 5,000.
//!
//! ## Why it matters
//!
//! Azure refuses the rule when it is deployed; a placeholder that is not closed stands in the alert as it is.
//!
//! ## How to mend it
//!
//! Put values together in the query (`strcat`), and name the new column.

use crate::check::{Check, Run, Set, Severity};
use crate::checks::columns::{FORMATS, placeholders};
use crate::context::Context;
use crate::limits;
use crate::report::Report;

pub(crate) const CHECK: Check = Check {
    code: "PQ307",
    name: "override-limits",
    sets: &[Set::Api, Set::Repo],
    severity: Severity::Error,
    fixable: false,
    source: include_str!("override_limits.rs"),
    run: Run::Rule(run),
};

fn run(context: &Context<'_>, report: &mut Report<'_>) {
    let Some(details) = context.root.get("alertDetailsOverride") else { return };
    for (key, most) in FORMATS.iter().zip([limits::ALERT_NAME_FORMAT, limits::ALERT_DESCRIPTION_FORMAT]) {
        let Some(place) = details.get(key) else { continue };
        let Some(text) = place.text() else { continue };
        let found = placeholders(text);
        if found.len() > limits::PLACEHOLDERS {
            let message = format!("{} placeholders, and a format may have {}", found.len(), limits::PLACEHOLDERS);
            report.at(place, message).help("put values together in the query, and name the new column");
        }
        let length = text.chars().count();
        if length > most {
            report.at(place, format!("{length} characters, and `{key}` may have {most}")).help("shorten the text");
        }
        if text.matches("{{").count() != found.len() || found.iter().any(|found| found.name.is_empty()) {
            let message = "a placeholder is not closed, or names no column";
            report.at(place, message).help("write `{{Column}}`");
        }
    }
}
