//! An alert's name, description, tactics, severity or other property is to be taken from a column that the query does not
//! return.
//!
//! ## Why it matters
//!
//! Azure refuses the rule when it is deployed, or the alert keeps the rule's own value.
//!
//! ## How to mend it
//!
//! Name a column of the query's result. A placeholder is written `{{Column}}`.
//!
//! ## Example
//!
//! ```yaml
//! query: SigninLogs | project UserPrincipalName
//! alertDetailsOverride:
//!   alertDisplayNameFormat: Sign-in of {{User}} # {{UserPrincipalName}}
//! ```

use picquet_rules::Place;

use crate::check::{Check, Edit, Fix, Run, Set, Severity};
use crate::checks::columns::{FORMATS, Placeholder, placeholders, result_column};
use crate::context::{Columns, Context, Presence};
use crate::report::Report;

pub(crate) const CHECK: Check = Check {
    code: "PQ306",
    name: "missing-override-column",
    sets: &[Set::Api],
    severity: Severity::Error,
    fixable: true,
    source: include_str!("missing_override_column.rs"),
    run: Run::Rule(run),
};

fn run(context: &Context<'_>, report: &mut Report<'_>) {
    let Some(columns) = context.columns() else { return };
    let Some(details) = context.root.get("alertDetailsOverride") else { return };
    for key in ["alertTacticsColumnName", "alertSeverityColumnName"] {
        result_column(context, report, &columns, details.get(key));
    }
    for property in details.list("alertDynamicProperties") {
        result_column(context, report, &columns, property.get("value"));
    }
    for key in FORMATS {
        let Some(place) = details.get(key) else { continue };
        for placeholder in placeholders(place.text().unwrap_or_default()) {
            format_column(context, report, &columns, place, &placeholder);
        }
    }
}

fn format_column(
    context: &Context<'_>,
    report: &mut Report<'_>,
    columns: &Columns<'_>,
    place: Place<'_>,
    placeholder: &Placeholder<'_>,
) {
    let name = placeholder.name;
    let (help, meant) = match columns.presence(name) {
        Presence::Yes | Presence::Maybe => return,
        Presence::OtherCase(known) => (format!("the column is written `{known}`"), Some(known)),
        Presence::No(Some(near)) => (format!("did you mean `{near}`?"), None),
        Presence::No(None) => (format!("the columns are: {}", columns.names()), None),
    };
    let range = place.map(&context.source.text).map(|map| map.range(placeholder.start, placeholder.end));
    let message = format!("the query returns no column `{name}`");
    let finding = report.at(place, message).help(help);
    if let Some(range) = range {
        finding.place = context.source.place(range.clone());
        finding.fix = meant.map(|text| Fix { edits: vec![Edit { span: range, text }] });
    }
}
