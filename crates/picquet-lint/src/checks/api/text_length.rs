//! A name of more than 256 characters, a description of more than 5,000, or a query of more than 10,000.
//!
//! ## Why it matters
//!
//! Azure refuses the rule when it is deployed.
//!
//! ## How to mend it
//!
//! Shorten the text. A long query can keep its lists in a watchlist, and its common parts in a saved function.

use crate::check::{Check, Run, Set, Severity};
use crate::context::Context;
use crate::limits;
use crate::report::Report;

pub(crate) const CHECK: Check = Check {
    code: "PQ316",
    name: "text-length",
    sets: &[Set::Api, Set::Repo],
    severity: Severity::Error,
    fixable: false,
    source: include_str!("text_length.rs"),
    run: Run::Rule(run),
};

fn run(context: &Context<'_>, report: &mut Report<'_>) {
    let texts = [
        ("displayName", limits::NAME),
        ("name", limits::NAME),
        ("description", limits::DESCRIPTION),
        ("query", limits::QUERY),
    ];
    for (key, most) in texts {
        let Some(place) = context.root.get(key) else { continue };
        let length = place.text().unwrap_or_default().chars().count();
        if length > most {
            report.key(place, format!("`{key}` has {length} characters, and may have {most}")).help("shorten the text");
        }
    }
}
