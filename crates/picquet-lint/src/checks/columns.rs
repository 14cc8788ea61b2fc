//! Columns that a rule names, against those that its query returns.

use picquet_rules::Place;

use crate::context::{Columns, Context, Presence};
use crate::report::Report;

/// Keys of `alertDetailsOverride` whose texts have placeholders.
pub(crate) const FORMATS: [&str; 2] = ["alertDisplayNameFormat", "alertDescriptionFormat"];

/// Finds a named column missing.
pub(crate) fn result_column(
    context: &Context<'_>,
    report: &mut Report<'_>,
    columns: &Columns<'_>,
    place: Option<Place<'_>>,
) {
    let Some(place) = place else { return };
    let Some(name) = place.text().map(str::trim) else { return };
    let message = format!("the query returns no column `{name}`");
    match columns.presence(name) {
        Presence::Yes | Presence::Maybe => {}
        Presence::OtherCase(known) => {
            let help = format!("the column is written `{known}`");
            report.at(place, message).help(help).fix(context.replace(place, &known));
        }
        Presence::No(Some(near)) => {
            report.at(place, message).help(format!("did you mean `{near}`? The columns are: {}", columns.names()));
        }
        Presence::No(None) => {
            report.at(place, message).help(format!("the columns are: {}", columns.names()));
        }
    }
}

/// A `{{Column}}` of a format.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Placeholder<'t> {
    /// The name between the braces, without blanks around it.
    pub name: &'t str,
    /// Bytes of the name in the format.
    pub start: usize,
    pub end: usize,
}

/// The placeholders of a format.
pub(crate) fn placeholders(text: &str) -> Vec<Placeholder<'_>> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(open) = text.get(at..).and_then(|rest| rest.find("{{")) {
        let inside = at + open + 2;
        let Some(length) = text.get(inside..).and_then(|rest| rest.find("}}")) else { break };
        let raw = text.get(inside..inside + length).unwrap_or_default();
        let name = raw.trim();
        let start = inside + (raw.len() - raw.trim_start().len());
        found.push(Placeholder { name, start, end: start + name.len() });
        at = inside + length + 2;
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_in_braces() {
        let names = |text| placeholders(text).into_iter().map(|p| p.name).collect::<Vec<_>>();
        assert_eq!(names("a {{X}} b {{ Y }}{{Z}"), ["X", "Y"]);
        assert!(names("{X} }} {").is_empty());
        let text = "é {{ Name }}";
        let found = placeholders(text);
        assert_eq!(&text[found[0].start..found[0].end], "Name");
    }
}
