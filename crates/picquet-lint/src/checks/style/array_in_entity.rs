//! An entity mapping takes a column that holds an array or a property bag.
//!
//! A column that the table itself has as JSON counts, too. Nothing is said of its members (`Details.ip`) and of the elements
//! that `mv-expand` gives, whose form only the data tells.
//!
//! ## Why it matters
//!
//! Sentinel does not spread arrays: the entity's value is the JSON text `["a","b"]`, which matches no other entity.
//!
//! ## How to mend it
//!
//! Give every value a row (`mv-expand`, then `tostring`), or take one of them (`tostring(Addresses[0])`). `split(x, "@", 0)`
//! gives an array of one, too: write `tostring(split(x, "@")[0])`.
//!
//! ## Example
//!
//! ```kusto
//! SigninLogs
//! | summarize Addresses = make_set(IPAddress) by UserPrincipalName
//! | mv-expand Address = Addresses to typeof(string) // map Address, not Addresses
//! ```

use crate::check::{Check, Run, Set, Severity};
use crate::context::Context;
use crate::report::Report;

pub(crate) const CHECK: Check = Check {
    code: "PQ504",
    name: "array-in-entity",
    sets: &[Set::Style],
    severity: Severity::Warning,
    fixable: false,
    source: include_str!("array_in_entity.rs"),
    run: Run::Rule(run),
};

fn run(context: &Context<'_>, report: &mut Report<'_>) {
    let Some(query) = context.query.as_ref().filter(|query| query.is_sound()) else { return };
    let Some(tree) = &query.answer.tree else { return };
    for mapping in context.root.list("entityMappings") {
        for place in mapping.list("fieldMappings").iter().filter_map(|field| field.get("columnName")) {
            let Some(name) = place.text() else { continue };
            let Some(column) = tree.last().columns.iter().find(|column| column.name == name) else { continue };
            let Some(shape) = query.facts.shape(column.id) else { continue };
            let message = format!("the column `{name}` holds {}", shape.words());
            report.at(place, message).help("give every value a row with `mv-expand`, or take one of them");
        }
    }
}
