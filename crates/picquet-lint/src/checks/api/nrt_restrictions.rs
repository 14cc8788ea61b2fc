//! A near-real-time rule has a schedule or a trigger, or reads another workspace.
//!
//! NRT rules run every minute over what came in since, and any row fires.
//!
//! ## Why it matters
//!
//! Azure refuses or ignores the keys, and the query cannot reach other workspaces.
//!
//! ## How to mend it
//!
//! Take out `queryFrequency`, `queryPeriod`, `triggerOperator` and `triggerThreshold`, or make the rule a scheduled one.

use picquet_rules::RuleKind;

use crate::check::{Check, Run, Set, Severity};
use crate::checks::workspaces;
use crate::context::Context;
use crate::report::Report;

pub(crate) const CHECK: Check = Check {
    code: "PQ322",
    name: "nrt-restrictions",
    sets: &[Set::Api],
    severity: Severity::Error,
    fixable: false,
    source: include_str!("nrt_restrictions.rs"),
    run: Run::Rule(run),
};

fn run(context: &Context<'_>, report: &mut Report<'_>) {
    if context.rule.kind != RuleKind::Nrt {
        return;
    }
    for key in ["queryFrequency", "queryPeriod", "triggerOperator", "triggerThreshold"] {
        if let Some(place) = context.root.get(key) {
            report
                .key(place, format!("an NRT rule has no `{key}`"))
                .help("take the key out")
                .severity(Severity::Warning);
        }
    }
    let Some(query) = &context.query else { return };
    for (span, _) in workspaces::named(&query.syntax) {
        let help = "read the rule's own workspace, or make the rule a scheduled one";
        report.query(span, "an NRT rule reads only its own workspace").help(help);
    }
}
