//! Where checks put what they find.

use std::ops::Range;

use kql_syntax::Span;
use picquet_rules::Place;

use crate::check::{Check, Finding};
use crate::context::Context;
use crate::docs;
use crate::linter::within;

/// Takes the findings of one check on one rule.
pub(crate) struct Report<'r> {
    check: &'static Check,
    context: &'r Context<'r>,
    findings: Vec<Finding>,
}

impl<'r> Report<'r> {
    pub(crate) fn new(check: &'static Check, context: &'r Context<'r>) -> Self {
        Report { check, context, findings: Vec::new() }
    }

    pub(crate) fn into_findings(self) -> Vec<Finding> {
        self.findings
    }

    /// A finding at a value.
    pub(crate) fn at(&mut self, place: Place<'_>, message: impl Into<String>) -> &mut Finding {
        let span = place.span();
        self.add(span, message)
    }

    /// A finding at a key.
    pub(crate) fn key(&mut self, place: Place<'_>, message: impl Into<String>) -> &mut Finding {
        let span = place.key_span().unwrap_or_else(|| place.span());
        self.add(span, message)
    }

    /// A finding about the whole rule.
    pub(crate) fn rule(&mut self, message: impl Into<String>) -> &mut Finding {
        self.add(0..0, message)
    }

    /// A finding in the query.
    pub(crate) fn query(&mut self, span: Span, message: impl Into<String>) -> &mut Finding {
        let map = self.context.query.as_ref().and_then(|query| query.map.as_ref());
        let range = match map {
            Some(map) => map.range(span.start as usize, span.end as usize),
            None => self.context.root.get("query").map(|place| place.span()).unwrap_or_default(),
        };
        let text = self.context.query.as_ref().map(|query| query.text).unwrap_or_default();
        let within = within(text, map, span);
        let finding = self.add(range, message);
        finding.within = within;
        finding
    }

    fn add(&mut self, span: Range<usize>, message: impl Into<String>) -> &mut Finding {
        let source = self.context.source;
        let place = if span.is_empty() && span.start == 0 {
            let name = ["displayName", "name"].iter().find_map(|key| self.context.root.get(key));
            let shown = name.map(|place| place.span()).filter(|span| !span.is_empty());
            shown.map_or_else(
                || source.line(self.context.rule.source.line),
                |span| source.place(first_line(source, span)),
            )
        } else {
            source.place(first_line(source, span))
        };
        self.findings.push(Finding {
            code: self.check.code,
            severity: self.check.severity,
            message: message.into(),
            why: docs::why(self.check),
            help: None,
            rule: Some(self.context.rule.name.clone()),
            place,
            fix: None,
            within: None,
        });
        let last = self.findings.len() - 1;
        &mut self.findings[last]
    }
}

/// What of a range lies on its first line.
fn first_line(source: &crate::Source, span: Range<usize>) -> Range<usize> {
    let text = source.text.get(span.clone()).unwrap_or_default();
    let length = text.find(['\n', '\r']).unwrap_or(text.len());
    span.start..span.start + text.get(..length).unwrap_or_default().trim_end().len()
}
