//! Telling what a check found: to people, and as JSON.

use std::io::Write;

use kql_syntax::{Diagnostic, LineIndex, Severity};
use picquet_rules::RuleError;
use serde_json::{Value, json};

use super::answer::Answer;
use super::place::line_column;
use super::unit::Unit;
use crate::diagnostics;

/// Code of a rule that cannot be read.
const RULE_ERROR: &str = "PQ101";
/// Code of a remark on a rule.
const RULE_WARNING: &str = "PQ102";

/// How many there are of each.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Summary {
    /// Queries.
    pub(crate) checked: usize,
    /// Findings that make a query or rule unusable.
    pub(crate) errors: usize,
    /// The others.
    pub(crate) warnings: usize,
}

impl Summary {
    /// Counts one query's findings.
    pub(crate) fn count(&mut self, answer: &Answer) {
        self.checked += 1;
        self.errors += answer.errors.len();
        self.warnings += answer.warnings.len();
    }

    /// In words.
    pub(crate) fn text(self) -> String {
        let count = |n: usize, one: &str, more: &str| format!("{n} {}", if n == 1 { one } else { more });
        format!(
            "checked {}: {}, {}",
            count(self.checked, "query", "queries"),
            count(self.errors, "error", "errors"),
            count(self.warnings, "warning", "warnings")
        )
    }

    pub(crate) fn json(self) -> Value {
        json!({"checked": self.checked, "errors": self.errors, "warnings": self.warnings})
    }
}

/// The findings of one query with source lines.
pub(crate) fn write_human(unit: &Unit, answer: &Answer, color: bool, out: &mut dyn Write) -> std::io::Result<()> {
    for diagnostic in answer.errors.iter().chain(&answer.warnings) {
        let text = match &unit.file {
            Some(file) if unit.place.shows_lines() => {
                let (start, end) = (diagnostic.span.start as usize, diagnostic.span.end as usize);
                let mut moved = diagnostic.clone();
                // The end is that of the last character, which may stand on another line than what follows it.
                let last = unit.place.in_file(end.max(start + 1) - 1) + usize::from(end > start);
                moved.span = kql_syntax::Span::new(unit.place.in_file(start), last);
                diagnostics::render(&moved, &file.text, Some(&file.name), None, color)
            }
            Some(file) => {
                let (line, column) = in_file(unit, diagnostic);
                let name = unit.rule.as_ref().map_or("query", |rule| rule.name.as_str());
                let note = format!("at {}:{line}:{column}", file.name);
                diagnostics::render(diagnostic, &unit.query, Some(&format!("query of {name}")), Some(&note), color)
            }
            None => diagnostics::render(diagnostic, &unit.query, None, None, color),
        };
        writeln!(out, "{text}")?;
    }
    Ok(())
}

/// A rule's problem in one paragraph.
pub(crate) fn write_rule(problem: &RuleError, severity: Severity, out: &mut dyn Write) -> std::io::Result<()> {
    writeln!(out, "{}: {problem}", severity_name(severity))
}

/// The result's columns.
pub(crate) fn write_columns(unit: &Unit, answer: &Answer, out: &mut dyn Write) -> std::io::Result<()> {
    let file = unit.file.as_ref().map_or("query", |f| f.name.as_str());
    let rule = unit.rule.as_ref().map_or(String::new(), |r| format!(", {}", crate::output::clean(&r.name)));
    let Some(columns) = &answer.columns else {
        return writeln!(out, "{file}{rule}: no single table ({})", answer.kind.name());
    };
    let more = if answer.open { " or more" } else { "" };
    writeln!(out, "{file}{rule}: {}{more} columns", columns.len())?;
    let width = columns.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
    for (name, ty) in columns {
        writeln!(out, "  {name:<width$}  {ty}")?;
    }
    Ok(())
}

/// The findings of one query as objects.
pub(crate) fn findings(unit: &Unit, answer: &Answer) -> Vec<Value> {
    let file = unit.file.as_ref().map(|f| f.name.as_str());
    let rule = unit.rule.as_ref().map(|r| r.name.as_str());
    let one = |d: &Diagnostic| {
        let (line, column) = in_file(unit, d);
        json!({
            "file": file,
            "rule": rule,
            "line": line,
            "column": column,
            "code": d.code,
            "severity": severity_name(d.severity),
            "message": d.message,
            "help": d.help,
        })
    };
    answer.errors.iter().chain(&answer.warnings).map(one).collect()
}

/// A rule's problem as an object.
pub(crate) fn rule_finding(problem: &RuleError, severity: Severity) -> Value {
    let code = if severity == Severity::Error { RULE_ERROR } else { RULE_WARNING };
    let path = if problem.path.is_empty() { String::new() } else { format!("{}: ", problem.path) };
    json!({
        "file": problem.file,
        "rule": null,
        "line": problem.line,
        "column": null,
        "code": code,
        "severity": severity_name(severity),
        "message": format!("{path}{}", problem.message),
        "help": problem.help,
    })
}

/// The result's columns as an object.
pub(crate) fn columns_json(unit: &Unit, answer: &Answer) -> Value {
    json!({
        "file": unit.file.as_ref().map(|f| f.name.as_str()),
        "rule": unit.rule.as_ref().map(|r| r.name.as_str()),
        "columns": answer.columns,
        "open": answer.open,
        "kind": answer.kind.name(),
    })
}

fn severity_name(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    }
}

/// Line and column in the file, or in the text where there is none.
fn in_file(unit: &Unit, diagnostic: &Diagnostic) -> (usize, usize) {
    let text = unit.file.as_ref().map_or(unit.query.as_str(), |f| f.text.as_str());
    line_column(text, &LineIndex::new(text), unit.place.in_file(diagnostic.span.start as usize))
}
