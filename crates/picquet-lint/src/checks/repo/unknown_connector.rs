//! A data connector whose id is not among those that are known, or is written in another case.
//!
//! The built-in list is not complete; `connectors` of the configuration file adds to it.
//!
//! ## Why it matters
//!
//! The repository's validation fails for ids that it does not know, and Sentinel cannot tell whether the rule's data is
//! there.
//!
//! ## How to mend it
//!
//! Write the connector's id as its own definition has it.

use picquet_rules::nearest;

use crate::check::{Check, Run, Set, Severity};
use crate::context::Context;
use crate::report::Report;

pub(crate) const CHECK: Check = Check {
    code: "PQ408",
    name: "unknown-connector",
    sets: &[Set::Repo],
    severity: Severity::Advice,
    fixable: false,
    source: include_str!("unknown_connector.rs"),
    run: Run::Rule(run),
};

fn run(context: &Context<'_>, report: &mut Report<'_>) {
    for connector in context.root.list("requiredDataConnectors") {
        let Some(place) = connector.get("connectorId") else { continue };
        let Some(id) = place.text().map(str::trim) else { continue };
        let own = context.options.connectors.iter().map(String::as_str);
        let known: Vec<&str> = KNOWN.lines().chain(own).collect();
        if known.contains(&id) {
            continue;
        }
        let same = known.iter().find(|known| known.eq_ignore_ascii_case(id)).copied();
        let message = format!("the data connector `{id}` is not known");
        match same.or_else(|| nearest(id, known.iter().copied())) {
            Some(near) => {
                report.at(place, message).help(format!("did you mean `{near}`?")).severity(Severity::Warning);
            }
            None => {
                report.at(place, message).help("see the connector's definition, or add the id to the configuration");
            }
        }
    }
}

static KNOWN: &str = include_str!("../../../data/connectors.txt");
