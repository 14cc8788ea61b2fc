//! An operator or a function in a spelling that has been replaced: `containscs`, `notcontains`, `<>`, `mvexpand`, `makeset`.
//!
//! ## Why it matters
//!
//! The old spellings are not documented any more, and not every tool that reads queries knows them.
//!
//! ## How to mend it
//!
//! Write the spelling that the documentation has.

use kql_syntax::Span;
use kql_syntax::ast::{Expr, ExprKind, Operator};

use crate::check::{Check, Run, Set, Severity};
use crate::context::Context;
use crate::report::Report;
use crate::walk::{self, Visitor};

pub(crate) const CHECK: Check = Check {
    code: "PQ515",
    name: "old-spelling",
    sets: &[Set::Style],
    severity: Severity::Advice,
    fixable: true,
    source: include_str!("old_spelling.rs"),
    run: Run::Rule(run),
};

fn run(context: &Context<'_>, report: &mut Report<'_>) {
    let Some(query) = &context.query else { return };
    let mut found = Old { text: query.text, found: Vec::new() };
    walk::query(&query.syntax, &mut found);
    for (span, new) in found.found {
        let message = format!("`{}` is written `{new}` now", span.text(query.text));
        let fix = context.replace_in_query(span, new);
        report.query(span, message).help(format!("write `{new}`")).fix(fix);
    }
}

const OPERATORS: [(&str, &str); 5] = [
    ("containscs", "contains_cs"),
    ("notcontains", "!contains"),
    ("notcontainscs", "!contains_cs"),
    ("<>", "!="),
    ("notin", "!in"),
];

const FUNCTIONS: [(&str, &str); 5] = [
    ("makeset", "make_set"),
    ("makelist", "make_list"),
    ("argmax", "arg_max"),
    ("argmin", "arg_min"),
    ("parsejson", "parse_json"),
];

struct Old<'q> {
    text: &'q str,
    found: Vec<(Span, &'static str)>,
}

impl Old<'_> {
    fn look(&mut self, span: Span, table: &[(&str, &'static str)]) {
        let written = span.text(self.text);
        if let Some((_, new)) = table.iter().find(|(old, _)| *old == written) {
            self.found.push((span, *new));
        }
    }
}

impl Visitor for Old<'_> {
    fn expr(&mut self, expr: &Expr) {
        match &expr.kind {
            ExprKind::Binary { op_span, .. } | ExprKind::In { op_span, .. } => self.look(*op_span, &OPERATORS),
            ExprKind::Call { name, .. } => self.look(name.span, &FUNCTIONS),
            _ => {}
        }
    }

    fn operator(&mut self, operator: &Operator) {
        for (old, new) in [("mvexpand", "mv-expand"), ("mvapply", "mv-apply")] {
            if operator.span.text(self.text).starts_with(old) {
                let start = operator.span.start as usize;
                self.found.push((Span::new(start, start + old.len()), new));
            }
        }
    }
}
