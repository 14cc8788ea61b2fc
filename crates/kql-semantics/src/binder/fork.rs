//! `fork` and `facet`: several result tables of one input.

use kql_functions::Type;
use kql_syntax::Span;
use kql_syntax::ast::{self, ForkBranch, Operator};

use super::{Binder, Env};
use crate::bound::{AggregateCall, Expr, Rel, RelKind};

impl Binder<'_> {
    /// Each branch is a table of its own; the first one is the result, the others follow it.
    pub(super) fn fork(&mut self, input: Rel, branches: &[ForkBranch], env: &Env, span: Span) -> Rel {
        if matches!(input.kind, RelKind::Error) {
            return input;
        }
        let index = self.share(input, false);
        let mut tables = Vec::with_capacity(branches.len());
        for branch in branches {
            let rows = self.read_shared(index, span);
            tables.push(self.pipeline(rows, &branch.operators, env));
        }
        self.tables(tables, span)
    }

    /// A table of the values of each column with their counts, then the table of the operators in `with`.
    pub(super) fn facet(
        &mut self,
        input: Rel,
        by: &[ast::Expr],
        with: Option<&[Operator]>,
        env: &Env,
        span: Span,
    ) -> Rel {
        if matches!(input.kind, RelKind::Error) {
            return input;
        }
        let index = self.share(input, false);
        let mut tables = Vec::with_capacity(by.len() + 1);
        for item in by {
            let ast::ExprKind::Name(name) = &item.kind else {
                self.error("KS109", item.span, "Column name expected.");
                continue;
            };
            let rows = self.read_shared(index, span);
            let Some(at) = self.find_column(&rows, name) else { continue };
            let key = Expr::column(&rows.columns[at], item.span);
            let columns =
                vec![self.column(name.text.clone(), key.ty), self.column(format!("count_{}", name.text), Type::Long)];
            let count = AggregateCall::new("count", Vec::new(), Type::Long, span);
            let kind = RelKind::Aggregate { input: Box::new(rows), keys: vec![key], aggregates: vec![count] };
            tables.push(Rel { kind, columns, serialized: false, open: false, span });
        }
        if let Some(operators) = with {
            let rows = self.read_shared(index, span);
            tables.push(self.pipeline(rows, operators, env));
        }
        self.tables(tables, span)
    }

    /// The first table as the result of the query, the others behind it.
    pub(super) fn tables(&mut self, tables: Vec<Rel>, span: Span) -> Rel {
        let mut tables = tables.into_iter();
        match tables.next() {
            Some(first) => {
                self.branches.extend(tables);
                first
            }
            None => self.error_rel(span),
        }
    }
}
