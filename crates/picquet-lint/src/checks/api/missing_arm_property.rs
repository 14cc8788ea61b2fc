//! A property that the API requires is missing in an ARM rule.
//!
//! A scheduled rule has displayName, enabled, severity, query, queryFrequency, queryPeriod, triggerOperator, triggerThreshold,
//! suppressionEnabled and suppressionDuration, even where nothing is suppressed. An NRT rule has those but the four of the
//! schedule.
//!
//! ## Why it matters
//!
//! Azure refuses the rule when it is deployed.
//!
//! ## How to mend it
//!
//! Write the property; `false` and `PT5H` are usual for the suppression.

use picquet_rules::{RuleKind, SourceFormat};

use crate::check::{Check, Run, Set, Severity};
use crate::context::Context;
use crate::report::Report;

pub(crate) const CHECK: Check = Check {
    code: "PQ325",
    name: "missing-arm-property",
    sets: &[Set::Api],
    severity: Severity::Error,
    fixable: false,
    source: include_str!("missing_arm_property.rs"),
    run: Run::Rule(run),
};

fn run(context: &Context<'_>, report: &mut Report<'_>) {
    let is_template = context.tree.resource().and_then(|r| r.get("type")).and_then(|t| t.text()).is_some_and(|text| {
        text.rsplit('/').next().is_some_and(|last| last.eq_ignore_ascii_case("alertRuleTemplates"))
    });
    // A bare list of properties may be what a tool completes.
    if context.tree.format != SourceFormat::Arm || context.tree.resource().is_none() || is_template {
        return;
    }
    let required = match context.rule.kind {
        RuleKind::Scheduled => &REQUIRED[..],
        RuleKind::Nrt => &REQUIRED[..NRT],
        _ => return,
    };
    for key in required.iter().filter(|key| context.root.get(key).is_none()) {
        report.rule(format!("the required property `{key}` is missing")).help(format!("write `{key}`"));
    }
}

/// Those of NRT rules first.
const REQUIRED: [&str; 10] = [
    "displayName",
    "enabled",
    "severity",
    "query",
    "suppressionEnabled",
    "suppressionDuration",
    "queryFrequency",
    "queryPeriod",
    "triggerOperator",
    "triggerThreshold",
];
const NRT: usize = 6;
