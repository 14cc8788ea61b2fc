//! Expressions evaluated on single rows, by the kernels that run on arrays elsewhere: for constants, and for operators
//! that look at one row after the other.

use std::collections::HashMap;

use kql_functions::catalogue::{Catalogue, Cx};
use kql_functions::{Dynamic, Type, Val, families};
use kql_semantics::bound::{ColumnId, Expr, ExprKind};

use crate::QueryError;
use crate::lower::internal;

/// Evaluates expressions of one query.
#[derive(Clone, Copy)]
pub(crate) struct Evaluator<'e> {
    /// Values of the first column of subqueries, by index.
    pub(crate) subqueries: &'e HashMap<usize, Vec<Val<'static>>>,
}

impl Evaluator<'_> {
    /// The value of an expression, whose columns `column` knows.
    pub(crate) fn value<'v>(
        &self,
        expr: &Expr,
        column: &dyn Fn(ColumnId) -> Option<Val<'v>>,
    ) -> Result<Val<'static>, QueryError> {
        match &expr.kind {
            ExprKind::Const(value) => Ok(value.clone()),
            ExprKind::Column(id) => match column(*id) {
                Some(value) => Ok(value.into_owned()),
                None => Err(QueryError::Failed("a value that does not depend on rows is expected here".to_string())),
            },
            ExprKind::Subquery(index) => Ok(self.subquery(*index, expr.ty)),
            ExprKind::InSubquery { function, left, subquery } => {
                let mut types = vec![left.ty];
                let mut values = vec![self.value(left, column)?];
                for value in self.subqueries.get(subquery).into_iter().flatten() {
                    types.push(left.ty);
                    values.push(families::cast(value, left.ty));
                }
                call(function, &types, &values, Type::Bool)
            }
            ExprKind::Cast(inner) => Ok(families::cast(&self.value(inner, column)?, expr.ty)),
            ExprKind::Call { function, args } => self.call(function, args, expr.ty, column),
            ExprKind::Window { .. } => {
                Err(QueryError::Failed("a window function is not possible in this place".to_string()))
            }
            ExprKind::Error => Err(internal("an expression with errors was evaluated")),
        }
    }

    /// Whether a condition holds; null is no.
    pub(crate) fn holds<'v>(
        &self,
        expr: &Expr,
        column: &dyn Fn(ColumnId) -> Option<Val<'v>>,
    ) -> Result<bool, QueryError> {
        Ok(matches!(self.value(expr, column)?, Val::Bool(true)))
    }

    /// The value of a `toscalar()`.
    pub(crate) fn subquery(&self, index: usize, ty: Type) -> Val<'static> {
        let values = self.subqueries.get(&index);
        values.and_then(|v| v.first().cloned()).unwrap_or(Val::missing(ty))
    }

    fn call<'v>(
        &self,
        function: &str,
        args: &[Expr],
        ty: Type,
        column: &dyn Fn(ColumnId) -> Option<Val<'v>>,
    ) -> Result<Val<'static>, QueryError> {
        // Only the branch that counts is computed.
        match (function, args) {
            ("and", [left, right]) if !self.holds(left, column)? => {
                let other = self.value(left, column)?;
                return if other.is_null() {
                    call(function, &[left.ty, right.ty], &[other, self.value(right, column)?], ty)
                } else {
                    Ok(other)
                };
            }
            ("or", [left, _]) if self.holds(left, column)? => return Ok(Val::Bool(true)),
            ("iff" | "iif", [condition, then, otherwise]) => {
                return self.value(if self.holds(condition, column)? { then } else { otherwise }, column);
            }
            _ => {}
        }
        let types: Vec<Type> = args.iter().map(|a| a.ty).collect();
        let values = args.iter().map(|a| self.value(a, column)).collect::<Result<Vec<_>, _>>()?;
        call(function, &types, &values, ty)
    }
}

fn call(function: &str, types: &[Type], values: &[Val<'static>], ret: Type) -> Result<Val<'static>, QueryError> {
    let Some(kernel) = Catalogue::get().kernel(function) else {
        return Err(QueryError::Failed(format!("The function '{function}' is not supported yet.")));
    };
    Ok(kernel.call(&Cx { args: types, ret }, values)?.into_owned())
}

/// A key by which equal rows are found equal.
pub(crate) fn group_key(values: &[Val<'_>]) -> String {
    let trees: Vec<Dynamic> = values.iter().map(Val::to_tree).collect();
    format!("{trees:?}")
}
