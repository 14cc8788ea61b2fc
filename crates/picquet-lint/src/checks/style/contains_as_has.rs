//! `contains` with a text that begins and ends in a symbol and holds a whole term: `has` finds the same rows.
//!
//! ## Why it matters
//!
//! `contains` reads every value; `has` looks the term up in the index first.
//!
//! ## How to mend it
//!
//! Write `has` (`!has`, `has_cs`).
//!
//! ## Example
//!
//! ```kusto
//! DeviceProcessEvents
//! | where ProcessCommandLine contains " -enc " // has " -enc "
//! ```

use crate::check::{Check, Run, Set, Severity};
use crate::checks::contains;
use crate::context::Context;
use crate::limits;
use crate::report::Report;

pub(crate) const CHECK: Check = Check {
    code: "PQ510",
    name: "contains-as-has",
    sets: &[Set::Style],
    severity: Severity::Warning,
    fixable: true,
    source: include_str!("contains_as_has.rs"),
    run: Run::Rule(run),
};

fn run(context: &Context<'_>, report: &mut Report<'_>) {
    for found in contains::all(context) {
        if contains::is_delimited(&found.literal) && contains::has_term(&found.literal, limits::INDEXED_TERM) {
            let message = format!("`{}` finds the same rows as `{}` here, and reads more", found.written, found.better);
            let fix = context.replace_in_query(found.operator, found.better);
            report.query(found.operator, message).help(format!("write `{}`", found.better)).fix(fix);
        }
    }
}
