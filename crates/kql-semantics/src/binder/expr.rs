//! Scalar expressions: literals, names, paths.

use std::borrow::Cow;
use std::rc::Rc;

use kql_functions::catalogue::Catalogue;
use kql_functions::{DECIMAL_SCALE, Dynamic, Type, Val, calendar, text};
use kql_syntax::Span;
use kql_syntax::ast::{self, DynamicLiteral, Literal};

use super::pattern::pattern_call;
use super::scope::Entity;
use super::statements::Value;
use super::{Binder, Env, Row};
use crate::bound::{Column, Expr, ExprKind, Rel, RelKind};
use crate::nearest::nearest;

/// Where less than this is left of the stack, it is continued elsewhere: deep queries recurse deeply.
const RED_ZONE: usize = 256 << 10;
const STACK: usize = 4 << 20;

impl Binder<'_> {
    /// An expression that may be tabular or scalar.
    pub(super) fn value(&mut self, expr: &ast::Expr, row: Row<'_>, env: &Env) -> Value {
        stacker::maybe_grow(RED_ZONE, STACK, || self.value_here(expr, row, env))
    }

    fn value_here(&mut self, expr: &ast::Expr, row: Row<'_>, env: &Env) -> Value {
        match &expr.kind {
            ast::ExprKind::Paren(inner) => self.value(inner, row, env),
            ast::ExprKind::Pipeline { source, operators } => {
                // A query inside an expression of summarize sees none of its aggregates.
                let collector = self.collector.take();
                let source = self.tabular(source, env);
                let rel = self.pipeline(source, operators, env);
                self.collector = collector;
                Value::Rel(rel)
            }
            ast::ExprKind::Source(operator) => Value::Rel(self.source_operator(operator, env)),
            ast::ExprKind::Datatable { columns, values, .. } => {
                Value::Rel(self.datatable(columns, values, env, expr.span))
            }
            ast::ExprKind::Externaldata { columns, uris, properties } => {
                Value::Rel(self.externaldata(columns, uris, properties, env, expr.span))
            }
            ast::ExprKind::Name(name) => self.named_value(name, row, env),
            ast::ExprKind::Call { name, args } => self.call_value(name, args, row, env, expr.span),
            ast::ExprKind::Path { base, selector } if pattern_call(base, env).is_some() => {
                self.pattern_path(base, selector, row, env, expr.span)
            }
            ast::ExprKind::Path { base, selector } if is_place(base) || stands_for_place(base, env) => {
                self.placed(base, selector, row, env)
            }
            _ => Value::Scalar(self.scalar(expr, row, env)),
        }
    }

    /// An expression that must be tabular.
    pub(super) fn tabular(&mut self, expr: &ast::Expr, env: &Env) -> Rel {
        match self.value(expr, Row::NONE, env) {
            Value::Rel(rel) => rel,
            Value::Scalar(Expr { kind: ExprKind::Error, span, .. }) => self.error_rel(span),
            Value::Scalar(bound) => {
                self.error("KS111", bound.span, "Tabular value expected.");
                self.error_rel(bound.span)
            }
        }
    }

    /// An expression that must be scalar.
    pub(super) fn scalar(&mut self, expr: &ast::Expr, row: Row<'_>, env: &Env) -> Expr {
        stacker::maybe_grow(RED_ZONE, STACK, || self.scalar_here(expr, row, env))
    }

    fn scalar_here(&mut self, expr: &ast::Expr, row: Row<'_>, env: &Env) -> Expr {
        let span = expr.span;
        match &expr.kind {
            ast::ExprKind::Literal(literal) => self.literal(literal, span),
            ast::ExprKind::Paren(inner) => self.scalar(inner, row, env),
            ast::ExprKind::Name(name) => self.scalar_name(name, row, env),
            ast::ExprKind::Path { base, selector } => self.path(base, selector, row, env, span),
            ast::ExprKind::Index { base, index } => self.index(base, index, row, env, span),
            ast::ExprKind::Call { name, args } => match self.call_value(name, args, row, env, span) {
                Value::Scalar(expr) => expr,
                Value::Rel(rel) => self.rel_as_scalar(rel, span),
            },
            // A written -0.0 keeps its sign, which a computed one loses.
            ast::ExprKind::Unary { op: ast::UnaryOp::Minus, operand }
                if matches!(operand.kind, ast::ExprKind::Literal(Literal::Real(Some(_)))) =>
            {
                let ast::ExprKind::Literal(Literal::Real(Some(v))) = operand.kind else { return self.error_expr(span) };
                Expr::constant(Val::Real(-v), Type::Real, span)
            }
            ast::ExprKind::Unary { op, operand } => {
                let operand = self.scalar(operand, row, env);
                self.unary(*op, operand, span)
            }
            ast::ExprKind::Binary { .. } => self.binary_chain(expr, row, env),
            ast::ExprKind::Between { negated, expr, low, high } => {
                let (value, low, high) =
                    (self.scalar(expr, row, env), self.scalar(low, row, env), self.scalar(high, row, env));
                self.between(*negated, value, low, high, span)
            }
            ast::ExprKind::In { op, op_span, left, list } => self.in_list(*op, *op_span, left, list, row, env, span),
            ast::ExprKind::Pipeline { .. }
            | ast::ExprKind::Source(_)
            | ast::ExprKind::Datatable { .. }
            | ast::ExprKind::Externaldata { .. } => match self.value(expr, row, env) {
                Value::Rel(rel) => self.rel_as_scalar(rel, span),
                Value::Scalar(expr) => expr,
            },
            ast::ExprKind::Star => {
                self.error("KS131", span, "The star expression is not allowed in this context.");
                self.error_expr(span)
            }
            ast::ExprKind::Typeof(_) => {
                self.error("KS116", span, "A type literal is not allowed in this context.");
                self.error_expr(span)
            }
            ast::ExprKind::Unsupported(what) => {
                self.unsupported(span, what);
                self.error_expr(span)
            }
            ast::ExprKind::Error => self.error_expr(span),
        }
    }

    fn rel_as_scalar(&mut self, rel: Rel, span: Span) -> Expr {
        if !matches!(rel.kind, RelKind::Error) {
            self.error("KS116", span, "A tabular value is not allowed in this context; toscalar() makes it a scalar.");
        }
        self.error_expr(span)
    }

    fn named_value(&mut self, name: &ast::Name, row: Row<'_>, env: &Env) -> Value {
        if let Some(column) = row.columns.iter().find(|c| c.name == name.text) {
            return Value::Scalar(Expr::column(column, name.span));
        }
        match env.find(&name.text) {
            Some(Entity::Scalar(expr)) => {
                let mut expr = expr.clone();
                expr.span = name.span;
                Value::Scalar(expr)
            }
            Some(Entity::Tabular(index)) => {
                let index = *index;
                Value::Rel(self.read_shared(index, name.span))
            }
            Some(Entity::Function(function, scope)) => {
                let (function, scope) = (Rc::clone(function), Rc::clone(scope));
                self.call_function(&name.text, &function, &scope, &[], row, env, name.span)
            }
            Some(Entity::Broken | Entity::Place | Entity::Visible(_) | Entity::Pattern(..)) => {
                Value::Rel(self.error_rel(name.span))
            }
            None if !row.columns.is_empty() || row.open => Value::Scalar(self.scalar_name(name, row, env)),
            None => Value::Rel(self.table_or_function(name, env)),
        }
    }

    fn scalar_name(&mut self, name: &ast::Name, row: Row<'_>, env: &Env) -> Expr {
        if let Some(column) = row.columns.iter().find(|c| c.name == name.text) {
            return Expr::column(column, name.span);
        }
        if let Some(column) = row.right.and_then(|right| right.iter().find(|c| c.name == name.text)) {
            return Expr::column(column, name.span);
        }
        if let Some(element) = self.graph_element(name) {
            return element;
        }
        match env.find(&name.text) {
            Some(Entity::Scalar(expr)) => {
                let mut expr = expr.clone();
                expr.span = name.span;
                return expr;
            }
            Some(Entity::Broken | Entity::Place | Entity::Visible(_) | Entity::Pattern(..)) => {
                return self.error_expr(name.span);
            }
            Some(Entity::Function(function, scope)) if function.params.is_empty() => {
                let (function, scope) = (Rc::clone(function), Rc::clone(scope));
                if let Value::Scalar(expr) = self.call_function(&name.text, &function, &scope, &[], row, env, name.span)
                {
                    return expr;
                }
                return self.error_expr(name.span);
            }
            Some(Entity::Tabular(_)) => {
                let message =
                    format!("The tabular variable '{}' is not allowed where a scalar is expected.", name.text);
                self.error("KS116", name.span, message);
                return self.error_expr(name.span);
            }
            Some(Entity::Function(..)) => {
                self.error("KS117", name.span, format!("The function '{}' requires an argument list.", name.text));
                return self.error_expr(name.span);
            }
            None => {}
        }
        let catalogue = Catalogue::get();
        if !row.open && (catalogue.function(&name.text).is_some() || catalogue.aggregate(&name.text).is_some()) {
            self.error("KS117", name.span, format!("The function '{}' requires an argument list.", name.text));
            return self.error_expr(name.span);
        }
        if !row.open {
            let known = row.columns.iter().chain(row.right.unwrap_or_default()).map(|c| c.name.as_str());
            let help = nearest(&name.text, known.chain(env.names())).map(|n| format!("did you mean '{n}'?"));
            self.error_with_help(
                "KS142",
                name.span,
                format!("The name '{}' does not refer to any known column, table, variable or function.", name.text),
                help,
            );
        }
        self.infer(row.open, &name.text);
        self.error_expr(name.span)
    }

    fn path(&mut self, base: &ast::Expr, selector: &ast::Expr, row: Row<'_>, env: &Env, span: Span) -> Expr {
        let ast::ExprKind::Name(key) = &selector.kind else {
            self.error("KS116", selector.span, "A property name is expected here.");
            return self.error_expr(span);
        };
        if let ast::ExprKind::Name(side) = &base.kind {
            let columns = match side.text.as_str() {
                "$left" => Some(row.columns),
                "$right" => Some(row.right.unwrap_or_default()),
                _ => None,
            };
            if let Some(columns) = columns {
                return self.side_column(columns, &side.text, key, row.open);
            }
            if let Some(object) = self.objects.iter().rev().find(|o| o.name == side.text) {
                let columns = object.columns.clone();
                return self.side_column(&columns, &side.text, key, row.open);
            }
        }
        let base = self.scalar(base, row, env);
        let key = Expr::constant(Val::Str(Cow::Owned(key.text.clone())), Type::String, key.span);
        self.member(base, key, false, span)
    }

    fn side_column(&mut self, columns: &[Column], side: &str, name: &ast::Name, open: bool) -> Expr {
        if let Some(column) = columns.iter().find(|c| c.name == name.text) {
            return Expr::column(column, name.span);
        }
        self.infer(open, &name.text);
        if !open {
            let help =
                nearest(&name.text, columns.iter().map(|c| c.name.as_str())).map(|n| format!("did you mean '{n}'?"));
            let message = format!("The name '{}' does not refer to any known column of {side}.", name.text);
            self.error_with_help("KS142", name.span, message, help);
        }
        self.error_expr(name.span)
    }

    fn index(&mut self, base: &ast::Expr, index: &ast::Expr, row: Row<'_>, env: &Env, span: Span) -> Expr {
        // An index on a call of several columns chooses one of them.
        let base = match self.whole(base, row, env) {
            Some(columns) => columns,
            None => self.scalar(base, row, env),
        };
        let index = self.scalar(index, row, env);
        self.member(base, index, true, span)
    }

    /// `base.key`, `base["key"]`, `base[0]`
    fn member(&mut self, base: Expr, key: Expr, indexed: bool, span: Span) -> Expr {
        if matches!(base.kind, ExprKind::Error) || matches!(key.kind, ExprKind::Error) {
            return self.error_expr(span);
        }
        if base.ty != Type::Dynamic {
            let help = Some(format!("only values of type dynamic have elements; this one is of type {}", base.ty));
            if indexed {
                let message = "The element access operator [] is not allowed in this context.".to_string();
                self.error_with_help("KS147", key.span, message, help);
            } else {
                let name = key.as_const().and_then(Val::as_str).unwrap_or_default();
                let message =
                    format!("The name '{name}' does not refer to any known column, table, variable or function.");
                self.error_with_help("KS142", key.span, message, help);
            }
            return self.error_expr(span);
        }
        let function = match key.ty {
            Type::String if key.as_const().is_some() => ".",
            Type::String | Type::Dynamic | Type::Int | Type::Long => "[]",
            _ => {
                self.error("KS107", key.span, "A value of type string or long expected.");
                return self.error_expr(span);
            }
        };
        let key = if key.ty == Type::Int { self.convert(key, Type::Long) } else { key };
        self.call(function, vec![base, key], Type::Dynamic, span)
    }

    fn literal(&mut self, literal: &Literal, span: Span) -> Expr {
        let ty = literal_type(literal);
        match literal_value(literal, self.options.now) {
            Some(value) => Expr::constant(value, ty, span),
            None => {
                self.error("KS107", span, format!("The literal is not a valid {ty}."));
                self.error_expr(span)
            }
        }
    }
}

/// Whether the first name of `base.x` was declared as another place.
fn stands_for_place(base: &ast::Expr, env: &Env) -> bool {
    super::open::place(base).is_some_and(|name| matches!(env.find(name), Some(Entity::Place)))
}

/// Whether `base.x` names a place of tables rather than a property.
fn is_place(base: &ast::Expr) -> bool {
    match &base.kind {
        ast::ExprKind::Call { name, .. } => {
            matches!(name.text.as_str(), "workspace" | "database" | "cluster" | "app" | "adx" | "arg" | "resource")
        }
        ast::ExprKind::Path { base, selector } => is_place(base) && is_place(selector),
        _ => false,
    }
}

fn literal_type(literal: &Literal) -> Type {
    match literal {
        Literal::Bool(_) => Type::Bool,
        Literal::Int(_) => Type::Int,
        Literal::Long(_) => Type::Long,
        Literal::Real(_) => Type::Real,
        Literal::Decimal(_) => Type::Decimal,
        Literal::String(_) => Type::String,
        Literal::DateTime(_) => Type::DateTime,
        Literal::Timespan(_) => Type::Timespan,
        Literal::Guid(_) => Type::Guid,
        Literal::Dynamic(_) => Type::Dynamic,
    }
}

/// A datetime literal's text; also its numbers with commas between them, `2025, 6, 14`, and a time alone, which is of the
/// present day.
fn datetime_text(text: &str, now: i64) -> Option<i64> {
    // A space of any kind parts date and time.
    let plain: String = text.trim().chars().map(|c| if c.is_whitespace() { ' ' } else { c }).collect();
    if let Some(ticks) = text::parse_datetime(&plain) {
        return Some(ticks);
    }
    if let Some(time) = text::parse_time_of_day(&plain) {
        return Some(now - now.rem_euclid(calendar::DAY) + time);
    }
    let parts: Vec<&str> = plain.split(',').map(str::trim).collect();
    let (date, time) = parts.split_at_checked(3)?;
    let numbers = parts.iter().all(|p| !p.is_empty() && p.bytes().all(|b| b.is_ascii_digit()));
    if !numbers || time.len() > 3 {
        return None;
    }
    let time: Vec<&str> = time.iter().copied().chain(std::iter::repeat("0")).take(3).collect();
    text::parse_datetime(&format!("{} {}", date.join("-"), time.join(":")))
}

/// The value of a literal; `None` where its text is no value of its type.
fn literal_value(literal: &Literal, now: i64) -> Option<Val<'static>> {
    fn or_null<T>(value: &Option<T>, make: impl Fn(&T) -> Option<Val<'static>>) -> Option<Val<'static>> {
        value.as_ref().map_or(Some(Val::Null), make)
    }
    match literal {
        Literal::Bool(v) => or_null(v, |v| Some(Val::Bool(*v))),
        Literal::Int(v) => or_null(v, |v| Some(Val::Int(*v))),
        Literal::Long(v) => or_null(v, |v| Some(Val::Long(*v))),
        Literal::Real(v) => or_null(v, |v| Some(Val::Real(*v))),
        Literal::Decimal(v) => or_null(v, |v| text::parse_decimal(v).map(Val::Decimal)),
        Literal::String(v) => Some(Val::Str(Cow::Owned(v.clone()))),
        Literal::DateTime(v) => or_null(v, |v| {
            if v.trim().is_empty() { Some(Val::DateTime(now)) } else { datetime_text(v, now).map(Val::DateTime) }
        }),
        Literal::Timespan(v) => or_null(v, |v| Some(Val::Timespan(*v))),
        Literal::Guid(v) => or_null(v, |v| text::parse_guid(v.trim()).map(Val::Guid)),
        Literal::Dynamic(v) => or_null(v, |v| Some(Val::dynamic(&dynamic_tree(v, now)?))),
    }
}

fn dynamic_tree(literal: &DynamicLiteral, now: i64) -> Option<Dynamic> {
    Some(match literal {
        DynamicLiteral::Null => Dynamic::Null,
        DynamicLiteral::Scalar(scalar) => literal_value(scalar, now)?.to_tree(),
        DynamicLiteral::Array(items) => {
            Dynamic::Array(items.iter().map(|i| dynamic_tree(i, now)).collect::<Option<_>>()?)
        }
        DynamicLiteral::Bag(items) => {
            let mut bag: Vec<(String, Dynamic)> = Vec::new();
            for (key, value) in items {
                let value = dynamic_tree(value, now)?;
                match bag.iter_mut().find(|(k, _)| k == key) {
                    Some(slot) => slot.1 = value,
                    None => bag.push((key.clone(), value)),
                }
            }
            Dynamic::Bag(bag)
        }
    })
}

/// Units of a decimal of whole value `v`.
pub(super) fn decimal_units(v: i64) -> i128 {
    i128::from(v) * 10i128.pow(DECIMAL_SCALE)
}
