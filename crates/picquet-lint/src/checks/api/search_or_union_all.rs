//! The query uses `search`, or a `union *` of all tables.
//!
//! ## Why it matters
//!
//! Azure refuses the rule when it is deployed, and the query would read every table of the workspace.
//!
//! ## How to mend it
//!
//! Name the tables, and the columns in which the text is looked for.
//!
//! ## Example
//!
//! ```kusto
//! union SigninLogs, AADNonInteractiveUserSignInLogs // not union *
//! | where UserPrincipalName has "contoso"           // not search "contoso"
//! ```

use kql_syntax::Span;
use kql_syntax::ast::{Expr, ExprKind, Operator, OperatorKind};

use crate::check::{Check, Run, Set, Severity};
use crate::context::Context;
use crate::report::Report;
use crate::walk::{self, Visitor};

pub(crate) const CHECK: Check = Check {
    code: "PQ317",
    name: "search-or-union-all",
    sets: &[Set::Api, Set::Repo],
    severity: Severity::Error,
    fixable: false,
    source: include_str!("search_or_union_all.rs"),
    run: Run::Rule(run),
};

fn run(context: &Context<'_>, report: &mut Report<'_>) {
    let Some(query) = &context.query else { return };
    let mut found = Operators(Vec::new());
    walk::query(&query.syntax, &mut found);
    for (span, what, word) in found.0 {
        let start = span.start as usize;
        let place = Span::new(start, start + word.len());
        report.query(place, format!("a rule's query must not use {what}")).help("name the tables and columns");
    }
}

struct Operators(Vec<(Span, &'static str, &'static str)>);

impl Visitor for Operators {
    fn operator(&mut self, operator: &Operator) {
        match &operator.kind {
            OperatorKind::Search { .. } => self.0.push((operator.span, "`search`", "search")),
            OperatorKind::Union(sources) if sources.iter().any(is_all) => {
                self.0.push((operator.span, "`union *`", "union"));
            }
            _ => {}
        }
    }
}

fn is_all(source: &Expr) -> bool {
    match &source.kind {
        ExprKind::Star => true,
        ExprKind::Name(name) => name.text == "*",
        _ => false,
    }
}
