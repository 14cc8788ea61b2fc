//! The query computes one of the old entity columns (`AccountCustomEntity`, `HostCustomEntity`, `IPCustomEntity`,
//! `URLCustomEntity`, `ProcessCustomEntity`, `FileHashCustomEntity`), and no mapping uses it.
//!
//! ## Why it matters
//!
//! Sentinel ignores these columns as soon as the rule has one mapping, so the entity is lost; and the repository demands a
//! mapping for each.
//!
//! ## How to mend it
//!
//! Map the column, or better the column that it is made from.

use crate::check::{Check, Run, Set, Severity};
use crate::context::Context;
use crate::report::Report;

pub(crate) const CHECK: Check = Check {
    code: "PQ410",
    name: "legacy-entity-column",
    sets: &[Set::Repo],
    severity: Severity::Warning,
    fixable: false,
    source: include_str!("legacy_entity_column.rs"),
    run: Run::Rule(run),
};

fn run(context: &Context<'_>, report: &mut Report<'_>) {
    let Some(query) = &context.query else { return };
    for column in COLUMNS {
        let fields = context.rule.entity_mappings.iter().flat_map(|mapping| &mapping.field_mappings);
        if fields.into_iter().any(|field| field.column_name == column) {
            continue;
        }
        // The columns of the result, where they are known; else the name as a word of the query.
        let is_result = match context.columns() {
            Some(columns) => columns.type_of(column).is_some(),
            None => kql_syntax::tokenize(query.text).iter().any(|token| token.span.text(query.text) == column),
        };
        let tokens = kql_syntax::tokenize(query.text);
        let at = tokens.iter().rev().find(|token| token.span.text(query.text) == column);
        if let Some(token) = at.filter(|_| is_result) {
            let message = format!("no entity mapping uses `{column}`");
            report.query(token.span, message).help("map the column that it is made from");
        }
    }
}

const COLUMNS: [&str; 6] = [
    "AccountCustomEntity",
    "HostCustomEntity",
    "IPCustomEntity",
    "URLCustomEntity",
    "ProcessCustomEntity",
    "FileHashCustomEntity",
];
