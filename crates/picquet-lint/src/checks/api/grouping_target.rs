//! Alerts are grouped by an entity type, a custom detail or an alert detail that the rule does not have, or by nothing at
//! all.
//!
//! With `matchingMethod: Selected` at least one of the three lists names something.
//!
//! ## Why it matters
//!
//! Azure refuses the rule when it is deployed.
//!
//! ## How to mend it
//!
//! Map the entity or define the custom detail, or take it out of the list. To group all alerts of the rule, write
//! `matchingMethod: AnyAlert`.

use picquet_rules::{MatchingMethod, Place, nearest};

use crate::check::{Check, Run, Set, Severity};
use crate::context::Context;
use crate::report::Report;

pub(crate) const CHECK: Check = Check {
    code: "PQ309",
    name: "grouping-target",
    sets: &[Set::Api],
    severity: Severity::Error,
    fixable: false,
    source: include_str!("grouping_target.rs"),
    run: Run::Rule(run),
};

fn run(context: &Context<'_>, report: &mut Report<'_>) {
    let incidents = context.root.get("incidentConfiguration");
    let Some(grouping) = incidents.and_then(|incidents| incidents.get("groupingConfiguration")) else { return };
    let configuration = &context.rule.incident_configuration.grouping;
    let lists = ["groupByEntities", "groupByAlertDetails", "groupByCustomDetails"];
    let by: Vec<Place<'_>> = lists.iter().flat_map(|key| grouping.list(key)).collect();
    if configuration.enabled && configuration.matching_method == MatchingMethod::Selected && by.is_empty() {
        let place = grouping.get("matchingMethod").unwrap_or(grouping);
        report.at(place, "alerts are grouped by nothing").help("name entities or details, or write `AnyAlert`");
    }
    for place in grouping.list("groupByEntities") {
        let Some(name) = place.text() else { continue };
        let mapped = context.rule.entity_mappings.iter().any(|mapping| mapping.entity_type.eq_ignore_ascii_case(name));
        if !mapped {
            let message = format!("alerts are grouped by {name}, and no mapping gives such entities");
            report.at(place, message).help("map the entity, or group by one that is mapped");
        }
    }
    for place in grouping.list("groupByCustomDetails") {
        let Some(name) = place.text() else { continue };
        let keys = || context.rule.custom_details.iter().map(|(key, _)| key.as_str());
        if !keys().any(|key| key == name) {
            let near = nearest(name, keys()).map(|near| format!("did you mean `{near}`?"));
            let message = format!("alerts are grouped by the custom detail `{name}`, which the rule does not have");
            report.at(place, message).help(near.unwrap_or_else(|| "define it in `customDetails`".to_owned()));
        }
    }
    for place in grouping.list("groupByAlertDetails") {
        let Some(name) = place.text().filter(|name| !ALERT_DETAILS.contains(name)) else { continue };
        report.at(place, format!("alerts cannot be grouped by `{name}`")).help("expected `DisplayName` or `Severity`");
    }
}

const ALERT_DETAILS: [&str; 2] = ["DisplayName", "Severity"];
