//! `contains` with a literal, for the checks that propose `has`.

use kql_syntax::Span;
use kql_syntax::ast::{BinaryOp, Expr, ExprKind, Literal};

use crate::context::Context;
use crate::walk::{self, Visitor};

/// A comparison by `contains`.
pub(crate) struct Contains {
    /// Where the operator stands.
    pub operator: Span,
    pub written: &'static str,
    /// The operator that uses the index.
    pub better: &'static str,
    pub literal: String,
}

/// All of the query.
pub(crate) fn all(context: &Context<'_>) -> Vec<Contains> {
    struct Found(Vec<Contains>);
    impl Visitor for Found {
        fn expr(&mut self, expr: &Expr) {
            let ExprKind::Binary { op, op_span, right, left } = &expr.kind else { return };
            let (written, better) = match op {
                BinaryOp::Contains => ("contains", "has"),
                BinaryOp::NotContains => ("!contains", "!has"),
                BinaryOp::ContainsCs => ("contains_cs", "has_cs"),
                BinaryOp::NotContainsCs => ("!contains_cs", "!has_cs"),
                _ => return,
            };
            let ExprKind::Literal(Literal::String(literal)) = &right.kind else { return };
            if left.kind != ExprKind::Star {
                self.0.push(Contains { operator: *op_span, written, better, literal: literal.clone() });
            }
        }
    }
    let mut found = Found(Vec::new());
    if let Some(query) = &context.query {
        walk::query(&query.syntax, &mut found);
    }
    found.0
}

/// Whether a text begins and ends in symbols, at which `has` needs no boundary.
pub(crate) fn is_delimited(text: &str) -> bool {
    let symbol = |c: Option<char>| c.is_some_and(|c| !c.is_alphanumeric());
    symbol(text.chars().next()) && symbol(text.chars().next_back())
}

/// Whether a text holds a term that the index has.
pub(crate) fn has_term(text: &str, least: usize) -> bool {
    text.split(|c: char| !c.is_alphanumeric()).any(|term| term.chars().count() >= least)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delimited_texts() {
        assert!(is_delimited(" -enc ") && is_delimited("\\temp\\"));
        assert!(!is_delimited("-enc") && !is_delimited("") && !is_delimited("é-"));
        assert!(has_term(" -enc ", 3) && !has_term("-e-n-", 3));
    }
}
