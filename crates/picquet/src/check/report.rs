//! Telling what a check found: to people, and as JSON.

use std::io::Write;

use picquet_lint::{Answer, Checked, CheckedRule, Finding, Severity, Source};
use serde_json::{Value, json};

use crate::diagnostics;

/// How many there are of each.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Summary {
    /// Queries.
    pub(crate) checked: usize,
    /// Findings that make a query or rule unusable.
    pub(crate) errors: usize,
    /// Findings that are probably not meant.
    pub(crate) warnings: usize,
    /// The others.
    pub(crate) advice: usize,
    /// Findings that comments allow.
    pub(crate) allowed: usize,
    /// Findings of the baseline.
    pub(crate) known: usize,
    /// Findings that were mended.
    pub(crate) mended: usize,
}

impl Summary {
    /// Counts a file's queries.
    pub(crate) fn file(&mut self, checked: &Checked) {
        self.checked += checked.rules.iter().filter(|rule| rule.answer.is_some()).count();
        self.allowed += checked.allowed;
    }

    /// Counts findings.
    pub(crate) fn findings(&mut self, findings: &[Finding]) {
        for finding in findings {
            match finding.severity {
                Severity::Error => self.errors += 1,
                Severity::Warning => self.warnings += 1,
                Severity::Advice => self.advice += 1,
            }
        }
    }

    /// In words.
    pub(crate) fn text(self) -> String {
        let count = |n: usize, one: &str, more: &str| format!("{n} {}", if n == 1 { one } else { more });
        let mut text = format!(
            "checked {}: {}, {}",
            count(self.checked, "query", "queries"),
            count(self.errors, "error", "errors"),
            count(self.warnings, "warning", "warnings")
        );
        let parts = [
            (self.advice, "of advice"),
            (self.mended, "mended"),
            (self.allowed, "allowed by comments"),
            (self.known, "in the baseline"),
        ];
        for (n, what) in parts.into_iter().filter(|(n, _)| *n > 0) {
            text.push_str(&format!(", {n} {what}"));
        }
        text
    }

    pub(crate) fn json(self) -> Value {
        json!({
            "checked": self.checked,
            "errors": self.errors,
            "warnings": self.warnings,
            "advice": self.advice,
            "allowed": self.allowed,
            "baseline": self.known,
            "mended": self.mended,
        })
    }
}

/// A finding with its source lines.
pub(crate) fn write_human(finding: &Finding, source: &Source, color: bool, out: &mut dyn Write) -> std::io::Result<()> {
    let place = &finding.place;
    let mut notes = Vec::new();
    let shown = match (&finding.within, &place.span) {
        (Some(within), _) => {
            let title = format!("query of {}", finding.rule.as_deref().unwrap_or("the rule"));
            notes.push(format!("at {}:{}:{}", place.file.as_deref().unwrap_or("query"), place.line, place.column));
            Some((within.text.as_str(), within.span.clone(), Some(title)))
        }
        (None, Some(span)) => Some((source.text.as_str(), span.clone(), source.name.clone())),
        (None, None) => None,
    };
    if !finding.why.is_empty() {
        notes.push(finding.why.clone());
    }
    match shown {
        Some((text, span, title)) => {
            writeln!(out, "{}", diagnostics::finding(finding, text, span, title.as_deref(), &notes, color))
        }
        None => {
            let name = place.file.as_deref().unwrap_or("query");
            let line = if place.line > 0 { format!(":{}", place.line) } else { String::new() };
            writeln!(out, "{}[{}]: {name}{line}: {}", finding.severity.name(), finding.code, finding.message)?;
            finding.help.iter().try_for_each(|help| writeln!(out, "  help: {help}"))
        }
    }
}

/// The result's columns of a query.
pub(crate) fn write_columns(file: &str, rule: &CheckedRule, out: &mut dyn Write) -> std::io::Result<()> {
    let Some(answer) = &rule.answer else { return Ok(()) };
    let name = rule.name.as_ref().map_or(String::new(), |name| format!(", {}", crate::output::clean(name)));
    let Some(columns) = &answer.columns else {
        return writeln!(out, "{file}{name}: no single table ({})", answer.kind.name());
    };
    let more = if answer.open { " or more" } else { "" };
    writeln!(out, "{file}{name}: {}{more} columns", columns.len())?;
    let width = columns.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
    for (name, ty) in columns {
        writeln!(out, "  {name:<width$}  {ty}")?;
    }
    Ok(())
}

/// A finding as an object. Edits are told by offsets in bytes.
pub(crate) fn finding_json(finding: &Finding) -> Value {
    let place = &finding.place;
    let known = |n: usize| (n > 0).then_some(n);
    let edits = finding.fix.as_ref().map(|fix| {
        let edit =
            |edit: &picquet_lint::Edit| json!({"start": edit.span.start, "end": edit.span.end, "text": edit.text});
        fix.edits.iter().map(edit).collect::<Vec<_>>()
    });
    json!({
        "file": place.file,
        "rule": finding.rule,
        "line": known(place.line),
        "column": known(place.column),
        "endLine": known(place.end_line),
        "endColumn": known(place.end_column),
        "code": finding.code,
        "severity": finding.severity.name(),
        "message": finding.message,
        "why": Some(&finding.why).filter(|why| !why.is_empty()),
        "help": finding.help,
        "fix": edits,
    })
}

/// The result's columns as an object.
pub(crate) fn columns_json(file: Option<&str>, rule: &CheckedRule) -> Option<Value> {
    let answer: &Answer = rule.answer.as_ref()?;
    Some(json!({
        "file": file,
        "rule": rule.name,
        "columns": answer.columns,
        "open": answer.open,
        "kind": answer.kind.name(),
    }))
}
