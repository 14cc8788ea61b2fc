//! An ARM rule writes a duration or a trigger operator as YAML does.
//!
//! ARM has ISO 8601 durations (`PT5M`, `P1D`) and the operators GreaterThan, LessThan, Equal and NotEqual.
//!
//! ## Why it matters
//!
//! Azure refuses the rule when it is deployed.
//!
//! ## How to mend it
//!
//! Write the value in ARM's spelling.

use picquet_rules::{Duration, Place, SourceFormat, TriggerOperator};

use crate::check::{Check, Run, Set, Severity};
use crate::context::Context;
use crate::report::Report;

pub(crate) const CHECK: Check = Check {
    code: "PQ327",
    name: "arm-spelling",
    sets: &[Set::Api],
    severity: Severity::Error,
    fixable: true,
    source: include_str!("arm_spelling.rs"),
    run: Run::Rule(run),
};

fn run(context: &Context<'_>, report: &mut Report<'_>) {
    if context.tree.format != SourceFormat::Arm {
        return;
    }
    let grouping = context.root.get("incidentConfiguration").and_then(|i| i.get("groupingConfiguration"));
    let own = ["queryFrequency", "queryPeriod", "suppressionDuration"].iter().filter_map(|key| context.root.get(key));
    for place in own.chain(grouping.and_then(|grouping| grouping.get("lookbackDuration"))) {
        let Some(text) = place.text() else { continue };
        let Ok(duration) = text.parse::<Duration>() else { continue };
        if !text.starts_with('P') {
            spelling(context, report, place, &duration.to_iso());
        }
    }
    let Some(place) = context.root.get("triggerOperator") else { return };
    let operator = place.text().and_then(TriggerOperator::from_name);
    if let Some(operator) = operator.filter(|operator| place.text() != Some(operator.as_arm())) {
        spelling(context, report, place, operator.as_arm());
    }
}

fn spelling(context: &Context<'_>, report: &mut Report<'_>, place: Place<'_>, right: &str) {
    let message = format!("ARM writes `{}` as `{right}`", place.text().unwrap_or_default());
    report.at(place, message).help(format!("write `{right}`")).fix(context.replace(place, right));
}
