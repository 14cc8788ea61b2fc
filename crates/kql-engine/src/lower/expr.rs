//! Scalar expressions. DataFusion's own operators are used where they mean the same, so that its optimizer and the
//! scans understand them.

use std::sync::Arc;

use datafusion::common::ScalarValue;
use datafusion::logical_expr::expr::{Case, InList, ScalarFunction};
use datafusion::logical_expr::{BinaryExpr, Expr as DfExpr, Operator, cast, lit};
use kql_functions::catalogue::Catalogue;
use kql_functions::{DECIMAL_SCALE, Dynamic, Type, Val};
use kql_semantics::bound::{Expr, ExprKind};

use super::{Lowering, Result, column_name, internal, named, not_supported};
use crate::repr::data_type;
use crate::udf::{MOST_CONDITIONS, cast_udf, choose_udf, scalar_udf};

impl Lowering<'_> {
    /// An expression whose value is needed.
    pub(super) fn expr(&mut self, expr: &Expr) -> Result<DfExpr> {
        match &expr.kind {
            ExprKind::Const(value) => Ok(DfExpr::Literal(scalar(value, expr.ty), None)),
            ExprKind::Column(id) => Ok(named(&column_name(*id))),
            ExprKind::Cast(inner) => {
                if expr.ty == Type::String
                    && let Some(("split item", args)) = fused(inner)
                {
                    return self.fused_call("split text", &args, Type::String);
                }
                let value = self.expr(inner)?;
                if widens(inner.ty, expr.ty) {
                    return Ok(cast(value, data_type(expr.ty)));
                }
                Ok(call(cast_udf(inner.ty, expr.ty), vec![value]))
            }
            ExprKind::Subquery(index) => {
                Ok(DfExpr::Literal(scalar(&self.subquery_value(*index, expr.ty), expr.ty), None))
            }
            ExprKind::InSubquery { .. } => {
                let list = self.in_values(expr)?;
                self.expr(&list)
            }
            ExprKind::Call { function, args } => {
                if let Some((function, args)) = fused(expr) {
                    return self.fused_call(function, &args, expr.ty);
                }
                if Catalogue::get().kernel(function).is_none() {
                    return Err(not_supported(&format!("The function '{function}'"), expr.span));
                }
                self.call(function, args, expr.ty)
            }
            ExprKind::Window { .. } => Err(internal("a window function outside a projection")),
            ExprKind::Error => Err(internal("an expression with errors was lowered")),
        }
    }

    fn fused_call(&mut self, function: &str, args: &[&Expr], ty: Type) -> Result<DfExpr> {
        let types: Vec<Type> = args.iter().map(|a| a.ty).collect();
        let args = args.iter().map(|a| self.expr(a)).collect::<Result<Vec<_>>>()?;
        self.function(function, &types, ty, args)
    }

    /// A condition on rows, where null counts as false.
    pub(super) fn predicate(&mut self, expr: &Expr) -> Result<DfExpr> {
        match &expr.kind {
            ExprKind::Call { function, args } => match (function.as_str(), args.as_slice()) {
                ("and", [l, r]) => Ok(self.predicate(l)?.and(self.predicate(r)?)),
                ("or", [l, r]) => Ok(self.predicate(l)?.or(self.predicate(r)?)),
                ("==", [l, r]) if l.ty == r.ty && native(l.ty) => Ok(self.expr(l)?.eq(self.expr(r)?)),
                ("!=", [l, r]) if l.ty == r.ty && native(l.ty) => {
                    let op = if l.ty == Type::String { Operator::NotEq } else { Operator::IsDistinctFrom };
                    Ok(binary(self.expr(l)?, op, self.expr(r)?))
                }
                ("in", [left, list @ ..]) if native(left.ty) && same_constants(left, list) => {
                    self.in_list(left, list, false)
                }
                _ => self.expr(expr),
            },
            ExprKind::InSubquery { .. } => {
                let list = self.in_values(expr)?;
                self.predicate(&list)
            }
            _ => self.expr(expr),
        }
    }

    fn in_list(&mut self, left: &Expr, list: &[Expr], negated: bool) -> Result<DfExpr> {
        let expr = Box::new(self.expr(left)?);
        let list = list.iter().map(|e| self.expr(e)).collect::<Result<Vec<_>>>()?;
        Ok(DfExpr::InList(InList { expr, list, negated }))
    }

    /// `left in (query)` with the query's values in the place of the query.
    fn in_values(&self, expr: &Expr) -> Result<Expr> {
        let ExprKind::InSubquery { function, left, subquery } = &expr.kind else {
            return Err(internal("not a query in a list"));
        };
        let values = self.inputs.subqueries.get(subquery).cloned().unwrap_or_default();
        let ty = self.query.subqueries.get(*subquery).and_then(|r| r.columns.first()).map_or(left.ty, |c| c.ty);
        let mut args = vec![left.as_ref().clone()];
        for value in values {
            // An array in the first column counts as its elements.
            match (ty, value.to_tree()) {
                (Type::Dynamic, Dynamic::Array(items)) => {
                    args.extend(items.iter().map(|i| list_constant(&Val::dynamic(i), Type::Dynamic, left.ty)));
                }
                _ => args.push(list_constant(&value, ty, left.ty)),
            }
        }
        Ok(Expr { kind: ExprKind::Call { function: function.clone(), args }, ty: Type::Bool, span: expr.span })
    }

    fn call(&mut self, function: &str, args: &[Expr], ty: Type) -> Result<DfExpr> {
        if let Some(native) = self.native_call(function, args, ty)? {
            return Ok(native);
        }
        let types: Vec<Type> = args.iter().map(|a| a.ty).collect();
        let lowered = args.iter().map(|a| self.expr(a)).collect::<Result<Vec<_>>>()?;
        self.function(function, &types, ty, lowered)
    }

    /// A catalogue function on lowered arguments.
    pub(super) fn function(&self, name: &str, types: &[Type], ty: Type, args: Vec<DfExpr>) -> Result<DfExpr> {
        let Some(kernel) = Catalogue::get().kernel(name) else {
            return Err(internal(&format!("the function '{name}' has no kernel")));
        };
        Ok(call(scalar_udf(kernel, types, ty), args))
    }

    fn native_call(&mut self, function: &str, args: &[Expr], ty: Type) -> Result<Option<DfExpr>> {
        let same = |l: &Expr, r: &Expr| l.ty == r.ty;
        Ok(Some(match (function, args) {
            ("and", [l, r]) => self.expr(l)?.and(self.expr(r)?),
            ("or", [l, r]) => self.expr(l)?.or(self.expr(r)?),
            ("not", [value]) => DfExpr::Not(Box::new(self.expr(value)?)),
            ("==", [l, r]) if same(l, r) && l.ty == Type::String => self.expr(l)?.eq(self.expr(r)?),
            ("!=", [l, r]) if same(l, r) && l.ty == Type::String => self.expr(l)?.not_eq(self.expr(r)?),
            ("<", [l, r]) if same(l, r) && ordered(l.ty) => self.expr(l)?.lt(self.expr(r)?),
            ("<=", [l, r]) if same(l, r) && ordered(l.ty) => self.expr(l)?.lt_eq(self.expr(r)?),
            (">", [l, r]) if same(l, r) && ordered(l.ty) => self.expr(l)?.gt(self.expr(r)?),
            (">=", [l, r]) if same(l, r) && ordered(l.ty) => self.expr(l)?.gt_eq(self.expr(r)?),
            ("+", [l, r]) if same(l, r) && wraps(ty) => self.expr(l)? + self.expr(r)?,
            ("-", [l, r]) if same(l, r) && wraps(ty) => self.expr(l)? - self.expr(r)?,
            ("*", [l, r]) if same(l, r) && wraps(ty) => self.expr(l)? * self.expr(r)?,
            ("in", [left, list @ ..]) if left.ty == Type::String && same_constants(left, list) => {
                self.in_list(left, list, false)?
            }
            ("!in", [left, list @ ..]) if left.ty == Type::String && same_constants(left, list) => {
                self.in_list(left, list, true)?
            }
            ("between", [value, from, to])
                if ordered(value.ty) && same(value, from) && same(value, to) && is_known(from) && is_known(to) =>
            {
                let value = self.expr(value)?;
                value.clone().gt_eq(self.expr(from)?).and(value.lt_eq(self.expr(to)?))
            }
            ("isempty", [value]) if value.ty == Type::String => self.expr(value)?.eq(text("")),
            ("isnotempty" | "notempty", [value]) if value.ty == Type::String => self.expr(value)?.not_eq(text("")),
            ("isnull", [value]) if native(value.ty) && value.ty != Type::String => self.expr(value)?.is_null(),
            ("isnotnull" | "notnull", [value]) if native(value.ty) && value.ty != Type::String => {
                self.expr(value)?.is_not_null()
            }
            ("iff" | "iif" | "case", [_, _, rest @ ..]) if rest.len() % 2 == 1 => self.case(args, ty)?,
            _ => return Ok(None),
        }))
    }

    /// The value after the first condition that is true, else the last one.
    fn case(&mut self, args: &[Expr], ty: Type) -> Result<DfExpr> {
        let (pairs, last) = args.as_chunks::<2>();
        let mut whens = Vec::with_capacity(pairs.len());
        for [condition, then] in pairs {
            whens.push((self.predicate(condition)?, self.expr(then)?));
        }
        let Some(last) = last.first() else { return Err(internal("a case without a last value")) };
        let otherwise = self.expr(last)?;
        let cheap = |(condition, then): &(DfExpr, DfExpr)| is_cheap(condition) && is_cheap(then);
        let constant = |(condition, _): &(DfExpr, DfExpr)| matches!(condition, DfExpr::Literal(..));
        let few = whens.len() <= MOST_CONDITIONS && !whens.iter().any(constant);
        if few
            && whens.iter().all(cheap)
            && is_cheap(&otherwise)
            && args.iter().skip(1).step_by(2).all(|v| v.ty == ty)
            && last.ty == ty
        {
            let args = whens.into_iter().flat_map(|(condition, then)| [condition, then]).chain([otherwise]).collect();
            return Ok(call(choose_udf(ty), args));
        }
        let whens = whens.into_iter().map(|(condition, then)| (Box::new(condition), Box::new(then))).collect();
        Ok(DfExpr::Case(Case::new(None, whens, Some(Box::new(otherwise)))))
    }
}

/// What costs so little that it may be computed for rows that do not need it, and cannot fail there: columns, constants,
/// and comparisons of them.
fn is_cheap(expr: &DfExpr) -> bool {
    match expr {
        DfExpr::Column(_) | DfExpr::Literal(..) => true,
        DfExpr::Not(inner) | DfExpr::IsNull(inner) | DfExpr::IsNotNull(inner) => is_cheap(inner),
        // Only numbers are cast by Arrow, to wider ones.
        DfExpr::Cast(inner) => is_cheap(&inner.expr),
        DfExpr::BinaryExpr(BinaryExpr { left, op, right }) => {
            let known = matches!(
                op,
                Operator::Eq
                    | Operator::NotEq
                    | Operator::Lt
                    | Operator::LtEq
                    | Operator::Gt
                    | Operator::GtEq
                    | Operator::IsDistinctFrom
                    | Operator::And
                    | Operator::Or
                    | Operator::Plus
                    | Operator::Minus
            );
            known && is_cheap(left) && is_cheap(right)
        }
        _ => false,
    }
}

fn binary(left: DfExpr, op: Operator, right: DfExpr) -> DfExpr {
    DfExpr::BinaryExpr(BinaryExpr::new(Box::new(left), op, Box::new(right)))
}

fn call(udf: datafusion::logical_expr::ScalarUDF, args: Vec<DfExpr>) -> DfExpr {
    DfExpr::ScalarFunction(ScalarFunction::new_udf(Arc::new(udf), args))
}

fn text(value: &str) -> DfExpr {
    lit(ScalarValue::Utf8View(Some(value.to_string())))
}

/// Calls within calls that one function computes: a chain of `.` and `[]`, and one item of a `split`.
fn fused(expr: &Expr) -> Option<(&'static str, Vec<&Expr>)> {
    let ExprKind::Call { function, args } = &expr.kind else { return None };
    let ("." | "[]", [inner, step]) = (function.as_str(), args.as_slice()) else { return None };
    if let Some(args) = split_item(inner, step) {
        return Some(("split item", args));
    }
    let mut steps = Vec::new();
    let mut root = expr;
    while let ExprKind::Call { function, args } = &root.kind
        && let ("." | "[]", [inner, step]) = (function.as_str(), args.as_slice())
        && inner.ty == Type::Dynamic
        && matches!(step.as_const(), Some(Val::Str(_) | Val::Int(_) | Val::Long(_)))
        && split_item(inner, step).is_none()
    {
        steps.push(step);
        root = inner;
    }
    if steps.len() < 2 {
        return None;
    }
    steps.push(root);
    steps.reverse();
    Some(("path", steps))
}

/// The source, the delimiter and the position of `split(…)[n]`.
fn split_item<'e>(array: &'e Expr, position: &'e Expr) -> Option<Vec<&'e Expr>> {
    let ExprKind::Call { function, args } = &array.kind else { return None };
    match args.as_slice() {
        [source, delimiter] if function == "split" && position.ty.is_integer() && position.as_const().is_some() => {
            Some(vec![source, delimiter, position])
        }
        _ => None,
    }
}

/// Types that Arrow compares as Kusto does.
fn native(ty: Type) -> bool {
    !matches!(ty, Type::Dynamic | Type::Real | Type::Decimal)
}

fn ordered(ty: Type) -> bool {
    matches!(ty, Type::Bool | Type::Int | Type::Long | Type::DateTime | Type::Timespan)
}

/// Arithmetic that Arrow does as Kusto does.
fn wraps(ty: Type) -> bool {
    matches!(ty, Type::Long | Type::Real)
}

/// Conversions that Arrow does as Kusto does; the optimizer sees through them.
fn widens(from: Type, to: Type) -> bool {
    matches!((from, to), (Type::Int, Type::Long) | (Type::Int | Type::Long, Type::Real))
}

fn is_known(value: &Expr) -> bool {
    value.as_const().is_some_and(|v| !v.is_null())
}

fn same_constants(left: &Expr, list: &[Expr]) -> bool {
    !list.is_empty() && list.iter().all(|e| e.ty == left.ty && is_known(e))
}

/// A value of an `in` list, as the left side's type where that is another one.
fn list_constant(value: &Val<'static>, from: Type, to: Type) -> Expr {
    let (value, ty) = match (from, to) {
        (from, to) if from == to => (value.clone(), from),
        (from, to) if from.is_number() && to.is_number() => (value.clone(), from),
        (_, Type::Dynamic) => (value.clone(), from),
        (_, to) => (kql_functions::families::cast(value, to), to),
    };
    Expr::constant(value, ty, kql_syntax::Span::default())
}

/// A constant as Arrow holds it.
pub(super) fn scalar(value: &Val<'_>, ty: Type) -> ScalarValue {
    match ty {
        Type::Bool => ScalarValue::Boolean(value.as_bool()),
        Type::Int => ScalarValue::Int32(value.as_i64().and_then(|v| i32::try_from(v).ok())),
        Type::Long => ScalarValue::Int64(value.as_i64()),
        Type::DateTime | Type::Timespan => ScalarValue::Int64(value.as_ticks()),
        Type::Real => ScalarValue::Float64(value.as_f64()),
        Type::Decimal => {
            let units = match value {
                Val::Decimal(units) => Some(*units),
                _ => None,
            };
            ScalarValue::Decimal128(units, 38, DECIMAL_SCALE as i8)
        }
        Type::String => ScalarValue::Utf8View(Some(value.as_str().unwrap_or("").to_string())),
        Type::Dynamic | Type::Unknown => ScalarValue::Utf8View(value.as_str().map(str::to_string)),
        Type::Guid => ScalarValue::FixedSizeBinary(
            16,
            match value {
                Val::Guid(bytes) => Some(bytes.to_vec()),
                _ => None,
            },
        ),
    }
}
