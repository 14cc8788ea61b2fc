//! A custom detail names a column that the query does not return.
//!
//! ## Why it matters
//!
//! Azure refuses the rule when it is deployed, or the alerts lack the detail.
//!
//! ## How to mend it
//!
//! Name a column of the query's result, or keep the column in the query's last `project` or `summarize`.

use crate::check::{Check, Run, Set, Severity};
use crate::checks::columns::result_column;
use crate::context::Context;
use crate::report::Report;

pub(crate) const CHECK: Check = Check {
    code: "PQ305",
    name: "missing-detail-column",
    sets: &[Set::Api],
    severity: Severity::Error,
    fixable: true,
    source: include_str!("missing_detail_column.rs"),
    run: Run::Rule(run),
};

fn run(context: &Context<'_>, report: &mut Report<'_>) {
    let Some(columns) = context.columns() else { return };
    let details = context.root.get("customDetails").map(|details| details.entries()).unwrap_or_default();
    for detail in details {
        result_column(context, report, &columns, Some(detail));
    }
}
