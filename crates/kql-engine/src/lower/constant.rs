//! Values that must be known before rows are read.

use kql_functions::catalogue::{Catalogue, Cx};
use kql_functions::{Type, Val, families};
use kql_semantics::bound::{Expr, ExprKind};

use super::{Lowering, Result};
use crate::QueryError;

impl Lowering<'_> {
    /// The value of an expression without columns.
    pub(super) fn constant(&self, expr: &Expr) -> Result<Val<'static>> {
        match &expr.kind {
            ExprKind::Const(value) => Ok(value.clone()),
            ExprKind::Subquery(index) => Ok(self.subquery_value(*index, expr.ty)),
            ExprKind::Cast(inner) => Ok(families::cast(&self.constant(inner)?, expr.ty)),
            ExprKind::Call { function, args } => {
                let values = args.iter().map(|a| self.constant(a)).collect::<Result<Vec<_>>>()?;
                let types: Vec<Type> = args.iter().map(|a| a.ty).collect();
                let Some(kernel) = Catalogue::get().kernel(function) else {
                    return Err(super::internal("a function without a kernel"));
                };
                let cx = Cx { args: &types, ret: expr.ty };
                Ok(kernel.call(&cx, &values)?.into_owned())
            }
            _ => Err(QueryError::Failed("a value that does not depend on rows is expected here".to_string())),
        }
    }

    /// The value of a `toscalar()`.
    pub(super) fn subquery_value(&self, index: usize, ty: Type) -> Val<'static> {
        let values = self.inputs.subqueries.get(&index);
        values.and_then(|v| v.first().cloned()).unwrap_or(Val::missing(ty))
    }
}
