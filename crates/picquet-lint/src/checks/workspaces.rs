//! Workspaces and clusters that a query names.

use kql_syntax::Span;
use kql_syntax::ast::{Expr, ExprKind, Literal, Query};

use crate::walk::{self, Visitor};

/// Each `workspace("…")`, `app("…")`, `adx("…")`, `resource("…")` and `cluster("…")` with its name.
pub(crate) fn named(query: &Query) -> Vec<(Span, String)> {
    struct Names(Vec<(Span, String)>);
    impl Visitor for Names {
        fn expr(&mut self, expr: &Expr) {
            let ExprKind::Call { name, args } = &expr.kind else { return };
            if !matches!(name.text.as_str(), "workspace" | "app" | "adx" | "resource" | "cluster") {
                return;
            }
            if let Some(ExprKind::Literal(Literal::String(text))) = args.first().map(|arg| &arg.value.kind) {
                self.0.push((expr.span, text.clone()));
            }
        }
    }
    let mut names = Names(Vec::new());
    walk::query(query, &mut names);
    names.0
}
