//! Window functions, and the position of rows.

use datafusion::logical_expr::expr::WindowFunction as DfWindow;
use datafusion::logical_expr::{Expr as DfExpr, WindowFunctionDefinition};
use kql_functions::{Type, Val};
use kql_semantics::bound::{ColumnId, Expr, ExprKind, WindowFunction};
use kql_syntax::Span;
use std::sync::Arc;

use super::{Lowering, OrderKey, Plan, Result, named};
use crate::udf::window_udf;

/// Ids of columns that lowering adds; far above those of the binder.
const ADDED: u32 = 1 << 30;

impl Lowering<'_> {
    /// Computes the window functions in `exprs` below the projection, and puts columns in their place. Functions inside
    /// the arguments of others come first.
    pub(super) fn windows(&mut self, input: Plan, exprs: &[Expr]) -> Result<(Plan, Vec<Expr>)> {
        let mut found = false;
        for expr in exprs {
            expr.walk(&mut |e| found |= matches!(e.kind, ExprKind::Window { .. }));
        }
        if !found {
            return Ok((input, exprs.to_vec()));
        }
        let mut plan = if input.order.is_empty() { self.with_position(input)?.0 } else { input };
        let mut replaced = Vec::with_capacity(exprs.len());
        let mut made = Vec::new();
        for expr in exprs {
            let (next, expr) = self.window_below(plan, expr.clone(), &mut made)?;
            plan = next;
            replaced.push(expr);
        }
        Ok((plan, replaced))
    }

    fn window_below(&mut self, mut plan: Plan, expr: Expr, made: &mut Vec<(Expr, u32)>) -> Result<(Plan, Expr)> {
        let Expr { kind, ty, span } = expr;
        let kind = match kind {
            ExprKind::Window { function, args, per } => {
                let mut lowered = Vec::with_capacity(args.len());
                for arg in args {
                    let (next, arg) = self.window_below(plan, arg, made)?;
                    plan = next;
                    lowered.push(arg);
                }
                let per_columns = per.clone();
                let call = Expr { kind: ExprKind::Window { function, args: lowered.clone(), per }, ty, span };
                // The same function twice is computed once.
                let known = made.iter().find(|(other, _)| other.same_as(&call)).map(|(_, id)| *id);
                let id = match known {
                    Some(id) => id,
                    None => {
                        self.hidden += 1;
                        let id = ADDED + self.hidden as u32;
                        plan = self.add_window(plan, function, &lowered, &per_columns, ty, &super::column_name(id))?;
                        made.push((call, id));
                        id
                    }
                };
                ExprKind::Column(id)
            }
            ExprKind::Call { function, args } => {
                let mut below = Vec::with_capacity(args.len());
                for arg in args {
                    let (next, arg) = self.window_below(plan, arg, made)?;
                    plan = next;
                    below.push(arg);
                }
                ExprKind::Call { function, args: below }
            }
            ExprKind::Cast(inner) => {
                let (next, inner) = self.window_below(plan, *inner, made)?;
                plan = next;
                ExprKind::Cast(Box::new(inner))
            }
            ExprKind::InSubquery { function, left, subquery } => {
                let (next, left) = self.window_below(plan, *left, made)?;
                plan = next;
                ExprKind::InSubquery { function, left: Box::new(left), subquery }
            }
            other => other,
        };
        Ok((plan, Expr { kind, ty, span }))
    }

    #[allow(clippy::too_many_arguments)]
    pub(super) fn add_window(
        &mut self,
        plan: Plan,
        function: WindowFunction,
        args: &[Expr],
        per: &[ColumnId],
        ty: Type,
        name: &str,
    ) -> Result<Plan> {
        let types: Vec<Type> = args.iter().map(|a| a.ty).collect();
        // Computed arguments become columns first: the optimizer would share them among windows below the window that
        // one of them needs.
        let mut computed = Vec::new();
        let mut lowered = Vec::with_capacity(args.len());
        for arg in args {
            let value = self.expr(arg)?;
            if matches!(value, DfExpr::Column(_) | DfExpr::Literal(..)) {
                lowered.push(value);
            } else {
                let name = self.hidden();
                computed.push(value.alias(&name));
                lowered.push(named(&name));
            }
        }
        let mut builder = plan.builder;
        if !computed.is_empty() {
            let kept: Vec<DfExpr> = builder.schema().fields().iter().map(|f| named(f.name())).chain(computed).collect();
            builder = builder.project(kept)?;
        }
        let udf = WindowFunctionDefinition::WindowUDF(Arc::new(window_udf(function, &types, ty)));
        let mut window = DfWindow::new(udf, lowered);
        window.params.partition_by = per.iter().map(|id| named(&super::column_name(*id))).collect();
        window.params.order_by = plan.order.iter().map(OrderKey::sort).collect();
        let window = DfExpr::WindowFunction(Box::new(window)).alias(name);
        Ok(Plan { builder: builder.window([window])?, order: plan.order })
    }

    /// The position of each row as a long, and the plan that has it.
    pub(super) fn with_position(&mut self, plan: Plan) -> Result<(Plan, DfExpr)> {
        if let [OrderKey { column, position: true, .. }, ..] = plan.order.as_slice() {
            let position = named(column);
            return Ok((plan, position));
        }
        let name = self.hidden();
        let start = Expr::constant(Val::Long(1), Type::Long, Span::default());
        let plan = self.add_window(plan, WindowFunction::RowNumber, &[start], &[], Type::Long, &name)?;
        let position = named(&name);
        Ok((Plan { builder: plan.builder, order: vec![OrderKey::position(name)] }, position))
    }
}
