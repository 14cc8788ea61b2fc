//! Functions over the rows around: `row_number`, `prev`, `next`….

use kql_functions::{Type, Val};
use kql_syntax::Span;
use kql_syntax::ast;

use super::{Binder, Env, Row};
use crate::bound::{Expr, ExprKind, WindowFunction};

/// The window function of that name.
pub(super) fn window_function(name: &str) -> Option<WindowFunction> {
    Some(match name {
        "row_number" => WindowFunction::RowNumber,
        "row_cumsum" => WindowFunction::RowCumsum,
        "row_rank_dense" => WindowFunction::RowRankDense,
        "row_rank_min" => WindowFunction::RowRankMin,
        "row_window_session" => WindowFunction::RowWindowSession,
        "prev" => WindowFunction::Prev,
        "next" => WindowFunction::Next,
        _ => return None,
    })
}

impl Binder<'_> {
    pub(super) fn window(
        &mut self,
        function: WindowFunction,
        name: &ast::Name,
        args: &[ast::Arg],
        row: Row<'_>,
        env: &Env,
        span: Span,
    ) -> Expr {
        if !row.serialized {
            let message =
                format!("The function '{}' requires a serialized input: sort it, or use serialize.", name.text);
            self.error("KS187", span, message);
            return self.error_expr(span);
        }
        let (least, most) = match function {
            WindowFunction::RowNumber => (0, 2),
            WindowFunction::RowCumsum | WindowFunction::RowRankDense | WindowFunction::RowRankMin => (1, 2),
            WindowFunction::RowWindowSession => (3, 4),
            WindowFunction::Prev | WindowFunction::Next => (1, 3),
        };
        if args.len() < least || args.len() > most {
            self.error("KS119", span, super::call::arguments_message(&name.text, least, most));
            return self.error_expr(span);
        }
        let mut bound: Vec<Expr> = args.iter().map(|a| self.scalar(&a.value, row, env)).collect();
        if bound.iter().any(|a| matches!(a.kind, ExprKind::Error)) {
            return self.error_expr(span);
        }
        let ty = match function {
            WindowFunction::RowNumber => {
                if bound.is_empty() {
                    bound.push(Expr::constant(Val::Long(1), Type::Long, span));
                }
                let start = bound.remove(0);
                bound.insert(0, self.argument(start, Type::Long));
                Type::Long
            }
            WindowFunction::RowRankDense | WindowFunction::RowRankMin => Type::Long,
            WindowFunction::RowCumsum => match bound[0].ty {
                ty if ty.is_summable() => ty,
                _ => {
                    self.error(
                        "KS138",
                        bound[0].span,
                        "The argument value must be summable: a number, timespan or datetime.",
                    );
                    return self.error_expr(span);
                }
            },
            WindowFunction::RowWindowSession => Type::DateTime,
            WindowFunction::Prev | WindowFunction::Next => {
                let ty = bound[0].ty;
                if let Some(offset) = bound.get(1)
                    && (!offset.ty.is_integer() || offset.as_const().is_none())
                {
                    self.error("KS134", offset.span, "The expression value must be an integer.");
                    return self.error_expr(span);
                }
                if bound.len() > 2 {
                    let default = bound.remove(2);
                    if default.as_const().is_none() {
                        self.error("KS101", default.span, "The default value must be a constant.");
                        return self.error_expr(span);
                    }
                    bound.push(self.argument(default, ty));
                }
                ty
            }
        };
        let restart = match function {
            WindowFunction::RowWindowSession => 3,
            WindowFunction::Prev | WindowFunction::Next => usize::MAX,
            _ => 1,
        };
        if restart < bound.len() {
            let condition = bound.remove(restart);
            bound.push(self.boolean(condition));
        }
        Expr { kind: ExprKind::Window { function, args: bound, per: Vec::new() }, ty, span }
    }
}
