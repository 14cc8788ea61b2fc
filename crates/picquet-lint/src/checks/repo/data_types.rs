//! A data type of a required connector is no known table, or the query reads a table that no data type names.
//!
//! A data type may add a product in brackets: `CommonSecurityLog (Fortinet)`.
//!
//! ## Why it matters
//!
//! Sentinel tells by the data types whether the rule's data is there; a rule that names others shows as ready when it is
//! not.
//!
//! ## How to mend it
//!
//! Name the tables that the query reads.

use picquet_rules::nearest;

use crate::check::{Check, Run, Set, Severity};
use crate::context::Context;
use crate::report::Report;

pub(crate) const CHECK: Check = Check {
    code: "PQ409",
    name: "data-types",
    sets: &[Set::Repo],
    severity: Severity::Warning,
    fixable: false,
    source: include_str!("data_types.rs"),
    run: Run::Rule(run),
};

fn run(context: &Context<'_>, report: &mut Report<'_>) {
    let mut named: Vec<String> = Vec::new();
    for place in context.root.list("requiredDataConnectors").iter().flat_map(|connector| connector.list("dataTypes")) {
        let Some(text) = place.text() else { continue };
        let table = base_name(text);
        named.push(table.to_owned());
        let known = context.options.catalog.table(table).is_some()
            || context.options.catalog.function(table).is_some()
            || context.options.catalog.known_function(table).is_some();
        // A custom table or a parser of a solution may be nowhere but in the workspace.
        let may_exist = table.ends_with("_CL") || context.rule.query.contains(table);
        if !known && !may_exist {
            let names = context.options.catalog.table_names();
            let near = nearest(table, names.iter().map(String::as_str));
            let help = near.map_or_else(|| "name a table".to_owned(), |near| format!("did you mean `{near}`?"));
            report.at(place, format!("the data type `{table}` is no known table")).help(help);
        }
    }
    let Some(query) = context.query.as_ref().filter(|query| query.is_sound() && !named.is_empty()) else { return };
    let mut told: Vec<&str> = Vec::new();
    for read in &query.facts.reads {
        let table = read.table.as_str();
        if told.contains(&table) || named.iter().any(|name| name.eq_ignore_ascii_case(table)) {
            continue;
        }
        told.push(table);
        if query.holds(read.span, table) {
            let message = format!("the query reads `{table}`, which no data type names");
            report.query(read.span, message).help(format!("add `{table}` to the `dataTypes` of its connector"));
        }
    }
}

/// The table of `CommonSecurityLog (Fortinet)`.
fn base_name(text: &str) -> &str {
    text.split('(').next().unwrap_or(text).trim()
}
