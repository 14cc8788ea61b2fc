//! `contains` with a single word.
//!
//! ## Why it matters
//!
//! Where the word stands as a whole in the values that are looked for, `has` finds them much faster, by the index.
//!
//! ## How to mend it
//!
//! Write `has` if the word is not a part of longer ones, `hasprefix` or `hassuffix` if it begins or ends them.

use crate::check::{Check, Run, Set, Severity};
use crate::checks::contains;
use crate::context::Context;
use crate::limits;
use crate::report::Report;

pub(crate) const CHECK: Check = Check {
    code: "PQ511",
    name: "contains-word",
    sets: &[Set::Style],
    severity: Severity::Advice,
    fixable: false,
    source: include_str!("contains_word.rs"),
    run: Run::Rule(run),
};

fn run(context: &Context<'_>, report: &mut Report<'_>) {
    for found in contains::all(context) {
        let word = found.literal.chars().all(char::is_alphanumeric);
        if word && found.literal.chars().count() > limits::INDEXED_TERM {
            let message = format!("`{}` with the single word `{}`", found.written, found.literal);
            let help = format!("write `{}` if it stands there as a whole word", found.better);
            report.query(found.operator, message).help(help);
        }
    }
}
