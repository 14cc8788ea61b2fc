//! A rule has changed since the git revision that `--base` names, and its version has not risen.
//!
//! ## Why it matters
//!
//! The repository's validation fails, and Sentinel offers the change to nobody who uses the rule.
//!
//! ## How to mend it
//!
//! Raise the version: the last number for a correction, the middle one for a change of what is found.

use crate::check::{Check, Run, Set, Severity};
use crate::checks::forms::version_numbers;
use crate::context::Context;
use crate::report::Report;

pub(crate) const CHECK: Check = Check {
    code: "PQ404",
    name: "version-not-raised",
    sets: &[Set::Repo],
    severity: Severity::Error,
    fixable: false,
    source: include_str!("version_not_raised.rs"),
    run: Run::Rule(run),
};

fn run(context: &Context<'_>, report: &mut Report<'_>) {
    let Some(old) = context.previous else { return };
    let (Some(before), Some(now)) = (old.version.as_deref(), context.rule.version.as_deref()) else { return };
    let (before_numbers, now_numbers) = (version_numbers(before), version_numbers(now));
    let raised = match (&before_numbers, &now_numbers) {
        (Some(before), Some(now)) => now > before,
        _ => before != now,
    };
    if raised {
        return;
    }
    let message = format!("the rule has changed, and its version is still {now}, which was {before}");
    let help = match before_numbers.as_deref() {
        Some([major, minor, patch]) => format!("write {major}.{minor}.{} or more", patch.saturating_add(1)),
        _ => "raise the version".to_owned(),
    };
    match context.root.get("version").or_else(|| context.root.get("templateVersion")) {
        Some(place) => report.at(place, message).help(help),
        None => report.rule(message).help(help),
    };
}
