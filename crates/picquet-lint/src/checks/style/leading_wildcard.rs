//! A condition on all columns (`* has "x"`), a regular expression that begins with `.*`, or a `*` at the front of a text in
//! which it is no wildcard.
//!
//! ## Why it matters
//!
//! The first reads every column, the second tries every place of every text and finds the same without it, and the third
//! finds only texts that really hold an asterisk.
//!
//! ## How to mend it
//!
//! Name the columns; leave `.*` out, for a match may begin anywhere; leave the asterisk out, or write `matches regex`.

use kql_syntax::Span;
use kql_syntax::ast::{BinaryOp, Expr, ExprKind, Literal};

use crate::check::{Check, Run, Set, Severity};
use crate::context::Context;
use crate::report::Report;
use crate::walk::{self, Visitor};

pub(crate) const CHECK: Check = Check {
    code: "PQ512",
    name: "leading-wildcard",
    sets: &[Set::Style],
    severity: Severity::Warning,
    fixable: false,
    source: include_str!("leading_wildcard.rs"),
    run: Run::Rule(run),
};

fn run(context: &Context<'_>, report: &mut Report<'_>) {
    let Some(query) = &context.query else { return };
    let mut found = Wildcards(Vec::new());
    walk::query(&query.syntax, &mut found);
    for (span, what) in found.0 {
        let (message, help) = match what {
            What::AllColumns => ("the condition reads every column", "name the columns"),
            What::Regex => ("the leading `.*` is of no use: a match may begin anywhere", "leave it out"),
            What::Literal => ("the leading `*` is no wildcard here", "leave it out, or write `matches regex`"),
        };
        let finding = report.query(span, message).help(help);
        if what == What::Regex {
            finding.severity(Severity::Advice);
        }
    }
}

#[derive(PartialEq, Eq)]
enum What {
    AllColumns,
    Regex,
    Literal,
}

struct Wildcards(Vec<(Span, What)>);

impl Visitor for Wildcards {
    fn expr(&mut self, expr: &Expr) {
        let ExprKind::Binary { op, left, right, .. } = &expr.kind else { return };
        if left.kind == ExprKind::Star {
            self.0.push((left.span.to(right.span), What::AllColumns));
            return;
        }
        let ExprKind::Literal(Literal::String(text)) = &right.kind else { return };
        match op {
            BinaryOp::MatchesRegex => {
                let rest = text.trim_start_matches("(?i)").strip_prefix(".*");
                if rest.is_some_and(|rest| !rest.is_empty() && !rest.starts_with(['?', '+', '*', '$'])) {
                    self.0.push((right.span, What::Regex));
                }
            }
            BinaryOp::Has
            | BinaryOp::NotHas
            | BinaryOp::HasCs
            | BinaryOp::Contains
            | BinaryOp::NotContains
            | BinaryOp::ContainsCs
            | BinaryOp::StartsWith
            | BinaryOp::StartsWithCs
            | BinaryOp::EndsWith
            | BinaryOp::EndsWithCs
                if text
                    .strip_prefix('*')
                    .is_some_and(|rest| rest.starts_with(|c: char| c.is_alphanumeric() || c == '.')) =>
            {
                self.0.push((right.span, What::Literal));
            }
            _ => {}
        }
    }
}
