//! Values that must be known before rows are read.

use kql_functions::{Type, Val};
use kql_semantics::bound::Expr;

use super::{Lowering, Result};
use crate::evaluate::Evaluator;

impl Lowering<'_> {
    /// The value of an expression without columns.
    pub(super) fn constant(&self, expr: &Expr) -> Result<Val<'static>> {
        self.evaluator().value(expr, &|_| None)
    }

    /// The value of a `toscalar()`.
    pub(super) fn subquery_value(&self, index: usize, ty: Type) -> Val<'static> {
        self.evaluator().subquery(index, ty)
    }

    fn evaluator(&self) -> Evaluator<'_> {
        Evaluator { subqueries: &self.inputs.subqueries }
    }
}
