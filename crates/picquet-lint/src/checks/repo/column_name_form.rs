//! The name of a mapped column is not a letter or underscore followed by letters, digits and underscores, or has more than 500
//! characters.
//!
//! ## Why it matters
//!
//! The repository's validation fails; a mapping takes the name of a column, not an expression such as `Details.ip`.
//!
//! ## How to mend it
//!
//! Compute a column in the query: `| extend ClientIp = tostring(Details.ip)`.

use crate::check::{Check, Run, Set, Severity};
use crate::context::Context;
use crate::limits;
use crate::report::Report;

pub(crate) const CHECK: Check = Check {
    code: "PQ412",
    name: "column-name-form",
    sets: &[Set::Repo],
    severity: Severity::Error,
    fixable: false,
    source: include_str!("column_name_form.rs"),
    run: Run::Rule(run),
};

fn run(context: &Context<'_>, report: &mut Report<'_>) {
    let mappings = context.root.list("entityMappings");
    let fields = mappings.iter().flat_map(|mapping| mapping.list("fieldMappings"));
    let mapped = fields.filter_map(|field| field.get("columnName"));
    let details = context.root.get("customDetails").map(|details| details.entries()).unwrap_or_default();
    for place in mapped.chain(details) {
        let Some(name) = place.text() else { continue };
        let starts = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
        let rest = name.chars().all(|c| c.is_alphanumeric() || c == '_');
        if !starts || !rest || name.chars().count() > limits::COLUMN_NAME {
            let help = "compute a column with a plain name in the query";
            report.at(place, format!("`{name}` is not the plain name of a column")).help(help);
        }
    }
}
