//! Operators: which types they take, and the conversions they imply.

use kql_functions::catalogue::{Catalogue, Cx};
use kql_functions::{Type, Val};
use kql_syntax::Span;
use kql_syntax::ast::{self, BinaryOp, InOp, UnaryOp};

use super::expr::decimal_units;
use super::statements::Value;
use super::{Binder, Env, Row};
use crate::bound::{Expr, ExprKind, is_random};

impl Binder<'_> {
    /// A call of a catalogue function on converted arguments; constants are computed at once.
    pub(super) fn call(&mut self, function: &str, args: Vec<Expr>, ty: Type, span: Span) -> Expr {
        if args.iter().any(|a| matches!(a.kind, ExprKind::Error)) {
            return Expr { kind: ExprKind::Error, ty, span };
        }
        if let Some(result) = fold(function, &args, ty) {
            return match result {
                Ok(value) => Expr::constant(value, ty, span),
                Err(message) => {
                    self.error("PQ003", span, message);
                    Expr { kind: ExprKind::Error, ty, span }
                }
            };
        }
        Expr { kind: ExprKind::Call { function: function.to_string(), args }, ty, span }
    }

    /// Converts to a type, as the `to…()` functions do.
    pub(super) fn convert(&mut self, expr: Expr, ty: Type) -> Expr {
        if expr.ty == ty {
            return expr;
        }
        let span = expr.span;
        match expr.kind {
            ExprKind::Error => Expr { kind: ExprKind::Error, ty, span },
            ExprKind::Const(ref value) => {
                let value = match (value, ty) {
                    (Val::Long(v), Type::Decimal) => Val::Decimal(decimal_units(*v)),
                    (value, ty) => kql_functions::families::cast(value, ty),
                };
                Expr::constant(value, ty, span)
            }
            _ => Expr { kind: ExprKind::Cast(Box::new(expr)), ty, span },
        }
    }

    pub(super) fn unary(&mut self, op: UnaryOp, operand: Expr, span: Span) -> Expr {
        let function = match op {
            UnaryOp::Minus => "unary-",
            UnaryOp::Plus => "unary+",
        };
        if matches!(operand.kind, ExprKind::Error) {
            return self.error_expr(span);
        }
        if !operand.ty.is_summable() && operand.ty != Type::Dynamic {
            let message =
                format!("The operator '{}' is not defined for the operand type {}.", &function[5..], operand.ty);
            self.error("KS106", span, message);
            return self.error_expr(span);
        }
        // As all arithmetic on ints: a long.
        let ty = if operand.ty == Type::Int { Type::Long } else { operand.ty };
        self.call(function, vec![operand], ty, span)
    }

    /// `a and b and c …` is bound in a loop: generated rules have thousands of terms.
    pub(super) fn binary_chain(&mut self, expr: &ast::Expr, row: Row<'_>, env: &Env) -> Expr {
        let mut spine = Vec::new();
        let mut first = expr;
        while let ast::ExprKind::Binary { op, op_span, left, right } = &first.kind {
            spine.push((*op, *op_span, right, first.span));
            first = left;
        }
        let mut result = match (&first.kind, spine.last()) {
            (ast::ExprKind::Star, Some((op, op_span, right, span))) => {
                let right = self.scalar(right, row, env);
                let result = self.any_column(*op, *op_span, right, row, *span);
                spine.pop();
                result
            }
            _ => self.scalar(first, row, env),
        };
        for (op, op_span, right, span) in spine.into_iter().rev() {
            let right = self.scalar(right, row, env);
            result = self.binary(op, op_span, result, right, span);
        }
        result
    }

    /// `* has "x"`: true where it holds for some column, read as text; `* !has "x"` where it holds for none.
    fn any_column(&mut self, op: BinaryOp, op_span: Span, right: Expr, row: Row<'_>, span: Span) -> Expr {
        let (positive, negated) = match text(op) {
            "!=" => ("==", true),
            "!~" => ("=~", true),
            op => op.strip_prefix('!').map_or((op, false), |positive| (positive, true)),
        };
        if matches!(right.kind, ExprKind::Error) {
            return Expr { kind: ExprKind::Error, ty: Type::Bool, span };
        }
        if arithmetic(op) || matches!(op, BinaryOp::And | BinaryOp::Or) || right.ty != Type::String {
            return self.undefined(text(op), op_span, Type::Dynamic, right.ty);
        }
        let mut found: Option<Expr> = None;
        for column in row.columns {
            let value = self.convert(Expr::column(column, span), Type::String);
            let hit = self.call(positive, vec![value, right.clone()], Type::Bool, span);
            found = Some(match found {
                Some(others) => self.call("or", vec![others, hit], Type::Bool, span),
                None => hit,
            });
        }
        let found = found.unwrap_or_else(|| Expr::constant(Val::Bool(false), Type::Bool, span));
        if negated { self.call("not", vec![found], Type::Bool, span) } else { found }
    }

    fn binary(&mut self, op: BinaryOp, op_span: Span, left: Expr, right: Expr, span: Span) -> Expr {
        if matches!(left.kind, ExprKind::Error) || matches!(right.kind, ExprKind::Error) {
            let ty = if arithmetic(op) { Type::Unknown } else { Type::Bool };
            return Expr { kind: ExprKind::Error, ty, span };
        }
        match op {
            BinaryOp::And | BinaryOp::Or => self.logical(op, op_span, left, right, span),
            BinaryOp::Add | BinaryOp::Sub | BinaryOp::Mul | BinaryOp::Div | BinaryOp::Mod => {
                self.arithmetic(op, op_span, left, right, span)
            }
            BinaryOp::Equal
            | BinaryOp::NotEqual
            | BinaryOp::Less
            | BinaryOp::LessEqual
            | BinaryOp::Greater
            | BinaryOp::GreaterEqual => self.comparison(op, op_span, left, right, span),
            _ => self.string_operator(op, op_span, left, right, span),
        }
    }

    fn undefined(&mut self, op: &str, op_span: Span, left: Type, right: Type) -> Expr {
        let message = format!("The operator '{op}' is not defined for the operand types {left} and {right}.");
        self.error("KS106", op_span, message);
        self.error_expr(op_span)
    }

    fn logical(&mut self, op: BinaryOp, op_span: Span, left: Expr, right: Expr, span: Span) -> Expr {
        if left.ty != Type::Bool || right.ty != Type::Bool {
            self.undefined(text(op), op_span, left.ty, right.ty);
            return Expr { kind: ExprKind::Error, ty: Type::Bool, span };
        }
        self.call(text(op), vec![left, right], Type::Bool, span)
    }

    /// What an operator filters by.
    pub(super) fn predicate(&mut self, expr: Expr) -> Expr {
        match (&expr.kind, expr.ty) {
            (ExprKind::Error, _) | (_, Type::Bool) => expr,
            _ => {
                self.error("KS141", expr.span, "The expression must have the type bool.");
                self.error_expr(expr.span)
            }
        }
    }

    /// A condition: a bool, or what converts to one.
    pub(super) fn boolean(&mut self, expr: Expr) -> Expr {
        match (&expr.kind, expr.ty) {
            (ExprKind::Error, _) | (_, Type::Bool) => expr,
            _ => {
                self.error("KS107", expr.span, "A value of type bool expected.");
                self.error_expr(expr.span)
            }
        }
    }

    fn arithmetic(&mut self, op: BinaryOp, op_span: Span, left: Expr, right: Expr, span: Span) -> Expr {
        use Type::{DateTime, Dynamic, Int, Long, Real, Timespan};
        let (l, r) = (left.ty, right.ty);
        let ty = match (op, l, r) {
            (_, l, r) if l.is_number() && r.is_number() => {
                let ty = arithmetic_type(l, r);
                let (left, right) = (self.convert(left, ty), self.convert(right, ty));
                return self.call(text(op), vec![left, right], ty, span);
            }
            (_, Dynamic, Dynamic) => Dynamic,
            (_, Dynamic, Int) | (_, Int, Dynamic) => Long,
            (BinaryOp::Sub, DateTime, Dynamic) | (BinaryOp::Sub, Dynamic, DateTime) => Timespan,
            (BinaryOp::Add | BinaryOp::Sub, Dynamic, other) if other.is_summable() => other,
            (BinaryOp::Add | BinaryOp::Sub, other, Dynamic) if other.is_summable() => other,
            (_, Dynamic, other) if other.is_number() => other,
            (_, other, Dynamic) if other.is_number() => other,
            (BinaryOp::Add | BinaryOp::Sub | BinaryOp::Mul | BinaryOp::Mod, Timespan, Timespan) => Timespan,
            (BinaryOp::Add, DateTime, Timespan) | (BinaryOp::Add, Timespan, DateTime) => DateTime,
            (BinaryOp::Sub, DateTime, DateTime) => Timespan,
            (BinaryOp::Sub, DateTime, Timespan) | (BinaryOp::Sub, Timespan, DateTime) => DateTime,
            (BinaryOp::Mul, Timespan, n) if n.is_number() => Timespan,
            (BinaryOp::Mul, n, Timespan) if n.is_number() => Timespan,
            (BinaryOp::Mul, DateTime, n) if n.is_number() => DateTime,
            (BinaryOp::Mul, n, DateTime) if n.is_number() => DateTime,
            (BinaryOp::Div, Timespan, Timespan) | (BinaryOp::Div, DateTime, DateTime | Timespan) => Real,
            (BinaryOp::Div | BinaryOp::Mod, Timespan, n) if n.is_number() => Timespan,
            (BinaryOp::Div, DateTime, n) if n.is_number() => DateTime,
            (BinaryOp::Mod, DateTime, n) if n.is_number() || matches!(n, DateTime | Timespan) => Timespan,
            _ => return self.undefined(text(op), op_span, l, r),
        };
        self.call(text(op), vec![left, right], ty, span)
    }

    fn comparison(&mut self, op: BinaryOp, op_span: Span, left: Expr, right: Expr, span: Span) -> Expr {
        let equality = matches!(op, BinaryOp::Equal | BinaryOp::NotEqual);
        let Some((left, right)) = self.comparable(left, right, equality) else {
            return self.error_expr(span);
        };
        let (l, r) = (left.ty, right.ty);
        let (dynamic_left, dynamic_right) = (l == Type::Dynamic, r == Type::Dynamic);
        let defined = if dynamic_left && dynamic_right {
            // The engine asks for a cast of one side before it tells whether two dynamic values are equal.
            !equality
        } else {
            let other = if dynamic_left { r } else { l };
            let one_dynamic = dynamic_left || dynamic_right;
            one_dynamic && (equality || other.is_number()) || (l == r && (equality || orderable(l)))
        };
        if !defined {
            return self.undefined(text(op), op_span, l, r);
        }
        self.call(text(op), vec![left, right], Type::Bool, span)
    }

    /// Brings two sides of a comparison to one type where Kusto does.
    fn comparable(&mut self, left: Expr, right: Expr, equality: bool) -> Option<(Expr, Expr)> {
        if matches!(left.kind, ExprKind::Error) || matches!(right.kind, ExprKind::Error) {
            return None;
        }
        let (l, r) = (left.ty, right.ty);
        let target = if l == r {
            l
        } else if l.is_number() && r.is_number() {
            widest(l, r)
        } else if equality && l == Type::String && (r.is_number() || r == Type::Bool) {
            // Published rules compare text columns with numbers (ResultType == 0): the text is read as one.
            r
        } else if equality && r == Type::String && (l.is_number() || l == Type::Bool) {
            l
        } else if l == Type::Bool && r.is_number() || equality && is_text(&left) && converts_from_text(r) {
            r
        } else if r == Type::Bool && l.is_number() || equality && is_text(&right) && converts_from_text(l) {
            l
        } else {
            return Some((left, right));
        };
        Some((self.convert(left, target), self.convert(right, target)))
    }

    fn string_operator(&mut self, op: BinaryOp, op_span: Span, left: Expr, right: Expr, span: Span) -> Expr {
        let takes = |ty: Type| matches!(ty, Type::String | Type::Dynamic);
        if !takes(left.ty) || !takes(right.ty) {
            return self.undefined(text(op), op_span, left.ty, right.ty);
        }
        let (left, right) = (self.convert(left, Type::String), self.convert(right, Type::String));
        self.call(text(op), vec![left, right], Type::Bool, span)
    }

    /// `x between (a .. b)` is a pair of comparisons, so that time filters are seen by the scan.
    pub(super) fn between(&mut self, negated: bool, value: Expr, low: Expr, high: Expr, span: Span) -> Expr {
        let high = if value.ty == Type::DateTime && high.ty == Type::Timespan && low.ty == Type::DateTime {
            let high_span = high.span;
            self.call("+", vec![low.clone(), high], Type::DateTime, high_span)
        } else {
            high
        };
        let (first, second, both) = if negated {
            (BinaryOp::Less, BinaryOp::Greater, BinaryOp::Or)
        } else {
            (BinaryOp::GreaterEqual, BinaryOp::LessEqual, BinaryOp::And)
        };
        let low = self.comparison(first, span, value.clone(), low, span);
        let high = self.comparison(second, span, value, high, span);
        if matches!(low.kind, ExprKind::Error) || matches!(high.kind, ExprKind::Error) {
            return Expr { kind: ExprKind::Error, ty: Type::Bool, span };
        }
        self.logical(both, span, low, high, span)
    }

    #[allow(clippy::too_many_arguments)]
    pub(super) fn in_list(
        &mut self,
        op: InOp,
        op_span: Span,
        left: &ast::Expr,
        list: &[ast::Expr],
        row: Row<'_>,
        env: &Env,
        span: Span,
    ) -> Expr {
        let mut left = self.scalar(left, row, env);
        let textual = !matches!(op, InOp::In | InOp::NotIn);
        if matches!(left.kind, ExprKind::Error) {
            left.ty = Type::Bool;
        } else if textual {
            if !matches!(left.ty, Type::String | Type::Dynamic) {
                return self.undefined(in_text(op), op_span, left.ty, Type::String);
            }
            left = self.convert(left, Type::String);
        }
        let mut values = Vec::new();
        for item in list {
            match self.value(item, row, env) {
                Value::Rel(rel) => {
                    if rel.columns.is_empty() {
                        return Expr { kind: ExprKind::Error, ty: Type::Bool, span };
                    }
                    self.subqueries.push(rel);
                    let kind = ExprKind::InSubquery {
                        function: in_text(op).to_string(),
                        left: Box::new(left),
                        subquery: self.subqueries.len() - 1,
                    };
                    return Expr { kind, ty: Type::Bool, span };
                }
                Value::Scalar(value) => self.list_value(value, &left, textual, &mut values),
            }
        }
        if matches!(left.kind, ExprKind::Error) {
            return Expr { kind: ExprKind::Error, ty: Type::Bool, span };
        }
        let mut args = vec![left];
        args.append(&mut values);
        self.call(in_text(op), args, Type::Bool, span)
    }

    /// Adds one value of an `in` list; a constant array counts as its elements.
    fn list_value(&mut self, value: Expr, left: &Expr, textual: bool, values: &mut Vec<Expr>) {
        if let (Type::Dynamic, Some(constant)) = (value.ty, value.as_const())
            && let kql_functions::Dynamic::Array(items) = constant.to_tree()
        {
            for item in items {
                let item = Expr::constant(Val::dynamic(&item), Type::Dynamic, value.span);
                values.push(if left.ty == Type::Dynamic { item } else { self.convert(item, left.ty) });
            }
            return;
        }
        let span = value.span;
        let value = if value.ty == left.ty || value.ty == Type::Dynamic || left.ty == Type::Dynamic {
            if textual && value.ty == Type::Dynamic && value.as_const().is_some() {
                self.convert(value, Type::String)
            } else {
                value
            }
        } else if textual {
            if value.ty == Type::String || value.ty.is_number() {
                self.convert(value, Type::String)
            } else {
                self.error("KS107", span, "A value of type string expected.");
                self.error_expr(span)
            }
        } else if left.ty.is_number() && value.ty.is_number() {
            value
        } else if left.ty.is_number() && value.ty == Type::String
            || left.ty == Type::String && value.ty.is_number()
            || value.as_const().is_some_and(Val::is_null)
            || (converts_from_text(left.ty) && value.ty == Type::String)
        {
            self.convert(value, left.ty)
        } else if !matches!(left.kind, ExprKind::Error) && !matches!(value.kind, ExprKind::Error) {
            self.error("KS107", span, format!("A value of type {} expected.", left.ty));
            self.error_expr(span)
        } else {
            value
        };
        values.push(value);
    }
}

/// Computes a call on constants; `None` where it cannot be known before the rows are.
fn fold(function: &str, args: &[Expr], ty: Type) -> Option<Result<Val<'static>, String>> {
    if is_random(function) {
        return None;
    }
    let values: Vec<Val<'static>> = args.iter().map(|a| a.as_const().cloned()).collect::<Option<_>>()?;
    let kernel = Catalogue::get().kernel(function)?;
    let types: Vec<Type> = args.iter().map(|a| a.ty).collect();
    let cx = Cx { args: &types, ret: ty };
    Some(kernel.call(&cx, &values).map(Val::into_owned).map_err(|e| e.0))
}

fn arithmetic(op: BinaryOp) -> bool {
    matches!(op, BinaryOp::Add | BinaryOp::Sub | BinaryOp::Mul | BinaryOp::Div | BinaryOp::Mod)
}

/// Result of arithmetic on two numbers; that of two ints is a long.
fn arithmetic_type(left: Type, right: Type) -> Type {
    match widest(left, right) {
        Type::Int => Type::Long,
        other => other,
    }
}

/// The number type that holds both: int, long, real, decimal in this order.
pub(super) fn widest(left: Type, right: Type) -> Type {
    let rank = |ty| match ty {
        Type::Int => 0,
        Type::Long => 1,
        Type::Real => 2,
        _ => 3,
    };
    if rank(left) >= rank(right) { left } else { right }
}

fn orderable(ty: Type) -> bool {
    ty.is_summable() || ty == Type::Bool
}

fn is_text(expr: &Expr) -> bool {
    expr.ty == Type::String && expr.as_const().is_some()
}

fn converts_from_text(ty: Type) -> bool {
    matches!(ty, Type::DateTime | Type::Timespan | Type::Guid)
}

/// Kusto's text of an operator, under which the catalogue knows it.
fn text(op: BinaryOp) -> &'static str {
    match op {
        BinaryOp::Or => "or",
        BinaryOp::And => "and",
        BinaryOp::Add => "+",
        BinaryOp::Sub => "-",
        BinaryOp::Mul => "*",
        BinaryOp::Div => "/",
        BinaryOp::Mod => "%",
        BinaryOp::Equal => "==",
        BinaryOp::NotEqual => "!=",
        BinaryOp::Less => "<",
        BinaryOp::LessEqual => "<=",
        BinaryOp::Greater => ">",
        BinaryOp::GreaterEqual => ">=",
        BinaryOp::EqualTilde => "=~",
        BinaryOp::NotEqualTilde => "!~",
        BinaryOp::Has | BinaryOp::SearchTerm => "has",
        BinaryOp::NotHas => "!has",
        BinaryOp::HasCs => "has_cs",
        BinaryOp::NotHasCs => "!has_cs",
        BinaryOp::HasPrefix => "hasprefix",
        BinaryOp::NotHasPrefix => "!hasprefix",
        BinaryOp::HasPrefixCs => "hasprefix_cs",
        BinaryOp::NotHasPrefixCs => "!hasprefix_cs",
        BinaryOp::HasSuffix => "hassuffix",
        BinaryOp::NotHasSuffix => "!hassuffix",
        BinaryOp::HasSuffixCs => "hassuffix_cs",
        BinaryOp::NotHasSuffixCs => "!hassuffix_cs",
        BinaryOp::Contains => "contains",
        BinaryOp::NotContains => "!contains",
        BinaryOp::ContainsCs => "contains_cs",
        BinaryOp::NotContainsCs => "!contains_cs",
        BinaryOp::StartsWith => "startswith",
        BinaryOp::NotStartsWith => "!startswith",
        BinaryOp::StartsWithCs => "startswith_cs",
        BinaryOp::NotStartsWithCs => "!startswith_cs",
        BinaryOp::EndsWith => "endswith",
        BinaryOp::NotEndsWith => "!endswith",
        BinaryOp::EndsWithCs => "endswith_cs",
        BinaryOp::NotEndsWithCs => "!endswith_cs",
        BinaryOp::Like => "like",
        BinaryOp::NotLike => "notlike",
        BinaryOp::LikeCs => "likecs",
        BinaryOp::NotLikeCs => "notlikecs",
        BinaryOp::MatchesRegex => "matches regex",
    }
}

fn in_text(op: InOp) -> &'static str {
    match op {
        InOp::In => "in",
        InOp::NotIn => "!in",
        InOp::InCi => "in~",
        InOp::NotInCi => "!in~",
        InOp::HasAny => "has_any",
        InOp::NotHasAny => "!has_any",
        InOp::HasAll => "has_all",
    }
}
