//! More custom details than a rule may have, or a key of a custom detail that is too long or has characters other than
//! letters, digits and underscores.
//!
//! A rule may have twenty, and a key twenty characters, of which the first one is a letter.
//!
//! ## Why it matters
//!
//! Azure refuses the rule when it is deployed.
//!
//! ## How to mend it
//!
//! Shorten the key; it is only what analysts see beside the value.

use crate::check::{Check, Run, Set, Severity};
use crate::context::Context;
use crate::limits;
use crate::report::Report;

pub(crate) const CHECK: Check = Check {
    code: "PQ304",
    name: "custom-detail-limits",
    sets: &[Set::Api, Set::Repo],
    severity: Severity::Error,
    fixable: false,
    source: include_str!("custom_detail_limits.rs"),
    run: Run::Rule(run),
};

fn run(context: &Context<'_>, report: &mut Report<'_>) {
    let Some(details) = context.root.get("customDetails") else { return };
    let entries = details.entries();
    if let Some(place) = entries.get(limits::CUSTOM_DETAILS) {
        let message = format!("{} custom details, and a rule may have {}", entries.len(), limits::CUSTOM_DETAILS);
        report.key(*place, message).help("take out those that matter least");
    }
    for place in entries {
        let key = place.key().unwrap_or_default();
        let length = key.chars().count();
        let starts = key.starts_with(|c: char| c.is_ascii_alphabetic());
        let rest = key.chars().all(|c| c.is_alphanumeric() || c == '_');
        if length > limits::CUSTOM_DETAIL_KEY {
            let message =
                format!("the key `{key}` has {length} characters, and may have {}", limits::CUSTOM_DETAIL_KEY);
            report.key(place, message).help("shorten the key");
        } else if !starts || !rest {
            let message = format!("the key `{key}` is not a letter followed by letters, digits and underscores");
            report.key(place, message).help("write a key such as `ClientIP`");
        }
    }
}
