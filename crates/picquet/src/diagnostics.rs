//! Errors in KQL with the source line and a caret.

use std::io::Write;

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};
use kql_syntax::{Diagnostic, Severity, Span};
use picquet_lint::Finding;
use picquet_rules::AnalyticsRule;

/// Most diagnostics that are shown of one query.
const MOST: usize = 10;

/// Where a query text comes from.
pub(crate) struct Origin<'o> {
    /// Shown before the line number; none for a query on the command line.
    pub(crate) path: Option<&'o str>,
    /// Line of the file that holds the query's first line.
    pub(crate) first_line: usize,
}

impl Origin<'_> {
    /// The query of a rule in its file.
    pub(crate) fn of_rule(rule: &AnalyticsRule) -> Origin<'_> {
        Origin { path: Some(&rule.source.file), first_line: rule.query_location.first_line.max(1) }
    }
}

/// Writes diagnostics about `query`.
pub(crate) fn write(
    diagnostics: &[Diagnostic],
    query: &str,
    origin: &Origin<'_>,
    color: bool,
    out: &mut dyn Write,
) -> std::io::Result<()> {
    let renderer = renderer(color);
    for diagnostic in diagnostics.iter().take(MOST) {
        let group = group(diagnostic, query, origin);
        writeln!(out, "{}", renderer.render(&[group]))?;
    }
    if diagnostics.len() > MOST {
        writeln!(out, "and {} more", diagnostics.len() - MOST)?;
    }
    Ok(())
}

/// A finding about `text`, with notes below it.
pub(crate) fn finding(
    finding: &Finding,
    text: &str,
    span: std::ops::Range<usize>,
    path: Option<&str>,
    notes: &[String],
    color: bool,
) -> String {
    let level = match finding.severity {
        picquet_lint::Severity::Error => Level::ERROR,
        picquet_lint::Severity::Warning => Level::WARNING,
        picquet_lint::Severity::Advice => Level::INFO.with_name("advice"),
    };
    let span = Span::new(span.start, span.end);
    let mut snippet = Snippet::source(text).annotation(AnnotationKind::Primary.span(char_range(text, span)));
    if let Some(path) = path {
        snippet = snippet.path(path);
    }
    let mut group = level.primary_title(finding.message.as_str()).id(finding.code).element(snippet);
    if let Some(help) = &finding.help {
        group = group.element(Level::HELP.message(help.as_str()));
    }
    for note in notes {
        group = group.element(Level::NOTE.message(note.as_str()));
    }
    renderer(color).render(&[group])
}

fn renderer(color: bool) -> Renderer {
    if color { Renderer::styled() } else { Renderer::plain() }
}

fn group<'a>(diagnostic: &'a Diagnostic, text: &'a str, origin: &Origin<'a>) -> Group<'a> {
    let level = match diagnostic.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let span = char_range(text, diagnostic.span);
    let mut snippet =
        Snippet::source(text).line_start(origin.first_line).annotation(AnnotationKind::Primary.span(span));
    if let Some(path) = origin.path {
        snippet = snippet.path(path);
    }
    let mut group = level.primary_title(diagnostic.message.as_str()).id(diagnostic.code).element(snippet);
    if let Some(help) = &diagnostic.help {
        group = group.element(Level::HELP.message(help.as_str()));
    }
    group
}

/// The span as a range that lies within the text, on character boundaries.
fn char_range(query: &str, span: Span) -> std::ops::Range<usize> {
    let floor = |at: u32| {
        let mut at = (at as usize).min(query.len());
        while !query.is_char_boundary(at) {
            at -= 1;
        }
        at
    };
    let start = floor(span.start);
    start..floor(span.end).max(start)
}
