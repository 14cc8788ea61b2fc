//! An entity mapping names a column that the query does not return.
//!
//! The names of columns are case-sensitive. Nothing is said of queries with errors, and of those whose columns only the data
//! decides.
//!
//! ## Why it matters
//!
//! Azure refuses the rule when it is deployed.
//!
//! ## How to mend it
//!
//! Map a column of the query's result, or keep the column in the query's last `project` or `summarize`.
//!
//! ## Example
//!
//! ```yaml
//! query: SigninLogs | summarize n = count() by UserPrincipalName
//! entityMappings:
//!   - entityType: IP
//!     fieldMappings:
//!       - identifier: Address
//!         columnName: IPAddress # not among UserPrincipalName, n
//! ```

use crate::check::{Check, Run, Set, Severity};
use crate::checks::columns::result_column;
use crate::context::Context;
use crate::report::Report;

pub(crate) const CHECK: Check = Check {
    code: "PQ301",
    name: "missing-entity-column",
    sets: &[Set::Api],
    severity: Severity::Error,
    fixable: true,
    source: include_str!("missing_entity_column.rs"),
    run: Run::Rule(run),
};

fn run(context: &Context<'_>, report: &mut Report<'_>) {
    let Some(columns) = context.columns() else { return };
    for mapping in context.root.list("entityMappings") {
        for field in mapping.list("fieldMappings") {
            result_column(context, report, &columns, field.get("columnName"));
        }
    }
    for mapping in context.root.list("sentinelEntitiesMappings") {
        result_column(context, report, &columns, mapping.get("columnName"));
    }
}
