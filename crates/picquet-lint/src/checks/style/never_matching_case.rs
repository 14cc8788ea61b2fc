//! A case-sensitive comparison with a text that the log data given with `--data` holds only in another case.
//!
//! Without data nothing is said. A text that the data does not hold at all is no finding: what is looked for may not have
//! happened yet.
//!
//! ## Why it matters
//!
//! The comparison never holds, so that the rule is blind to what it was made for.
//!
//! ## How to mend it
//!
//! Write the text as the data has it, or compare with `=~`, `in~`, `has`.

use kql_syntax::Span;

use crate::check::{Check, Run, Set, Severity};
use crate::context::Context;
use crate::facts::Comparison;
use crate::report::Report;

pub(crate) const CHECK: Check = Check {
    code: "PQ514",
    name: "never-matching-case",
    sets: &[Set::Style],
    severity: Severity::Warning,
    fixable: true,
    source: include_str!("never_matching_case.rs"),
    run: Run::Rule(run),
};

fn run(context: &Context<'_>, report: &mut Report<'_>) {
    let (Some(query), Some(samples)) = (&context.query, context.options.samples) else { return };
    let mut told = Vec::new();
    for comparison in &query.facts.comparisons {
        let Some(test) = test_of(&comparison.operator) else { continue };
        let values: Option<Vec<_>> =
            comparison.columns.iter().map(|(table, column)| samples.values(table, column)).collect();
        // Of a union every table's values must be known.
        let Some(values) = values else { continue };
        let values = || values.iter().flat_map(|values| values.iter());
        for (literal, span) in &comparison.literals {
            if literal.is_empty() || told.contains(span) || values().any(|value| test(value, literal)) {
                continue;
            }
            let lower = literal.to_lowercase();
            let Some(value) = values().find(|value| test(&value.to_lowercase(), &lower)) else { continue };
            told.push(*span);
            literal_finding(context, report, comparison, (literal, *span), value);
        }
    }
}

fn literal_finding(
    context: &Context<'_>,
    report: &mut Report<'_>,
    comparison: &Comparison,
    (literal, span): (&str, Span),
    value: &str,
) {
    let column = comparison.columns.first().map_or("the column", |(_, column)| column.as_str());
    let exact = matches!(comparison.operator.as_str(), "==" | "!=" | "in" | "!in");
    let message = format!("no value of `{column}` matches `{literal}` in this case; the data has `{value}`");
    let written = context.query.as_ref().map(|query| span.text(query.text)).unwrap_or_default();
    let same_length = written.len() == literal.len() + 2 && value.len() == literal.len();
    let inner = Span { start: span.start + 1, end: span.end.saturating_sub(1) };
    let fix = if exact && same_length { context.replace_in_query(inner, value) } else { None };
    report.query(span, message).help("write the text as the data has it, or ignore the case with `=~`").fix(fix);
}

type Test = fn(&str, &str) -> bool;

/// How a case-sensitive operator compares a value with a literal.
fn test_of(operator: &str) -> Option<Test> {
    Some(match operator {
        "==" | "!=" | "in" | "!in" => |value, literal| value == literal,
        "contains_cs" | "!contains_cs" | "has_cs" | "!has_cs" => |value, literal| value.contains(literal),
        "startswith_cs" | "!startswith_cs" => |value, literal| value.starts_with(literal),
        "endswith_cs" | "!endswith_cs" => |value, literal| value.ends_with(literal),
        _ => return None,
    })
}
