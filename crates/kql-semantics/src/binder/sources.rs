//! What stands at the head of a pipeline: `print`, `range`, `datatable`, `externaldata`, `evaluate`.

use kql_functions::{Type, Val};
use kql_syntax::Span;
use kql_syntax::ast::{self, Operator, OperatorKind, Property};

use super::items::already_declared;
use super::{Binder, Env, Row};
use crate::bound::{Expr, ExprKind, External, ExternalData, Rel, RelKind};

impl Binder<'_> {
    pub(super) fn source_operator(&mut self, operator: &Operator, env: &Env) -> Rel {
        let span = operator.span;
        match &operator.kind {
            OperatorKind::Print(items) => self.print(items, env, span),
            OperatorKind::Range { column, from, to, step } => self.range(column, from, to, step, env, span),
            OperatorKind::Union(items) => self.union(None, items, &operator.properties, env, span),
            OperatorKind::MacroExpand { scope, body, .. } => self.macro_expand(scope.as_ref(), body, env, span),
            OperatorKind::Evaluate { call, schema, open } => {
                let kind = RelKind::Values(vec![Vec::new()]);
                let nothing = Rel { kind, columns: Vec::new(), serialized: false, open: false, span };
                self.evaluate(nothing, call, schema.as_deref().map(|columns| (columns, *open)), env, span)
            }
            OperatorKind::Error => self.error_rel(span),
            OperatorKind::Find { .. } => self.find(None, &operator.kind, env, span),
            OperatorKind::Search { sources, predicate } => {
                self.search(None, sources, predicate, &operator.properties, env, span)
            }
            _ => {
                self.unsupported(span, "This operator at the head of a query");
                self.error_rel(span)
            }
        }
    }

    fn print(&mut self, items: &[ast::NamedExpr], env: &Env, span: Span) -> Rel {
        let mut columns: Vec<crate::bound::Column> = Vec::with_capacity(items.len());
        let mut values = Vec::with_capacity(items.len());
        for item in self.items(items, Row::NONE, env) {
            let spread = item.implied.filter(|_| item.spread);
            let name = item.given.or(spread).unwrap_or_else(|| format!("print_{}", item.index));
            if columns.iter().any(|c| c.name == name) {
                self.error("KS171", item.span, already_declared(&name));
                continue;
            }
            columns.push(self.column(name, item.value.ty));
            values.push(item.value);
        }
        Rel { kind: RelKind::Values(vec![values]), columns, serialized: true, open: false, span }
    }

    fn range(
        &mut self,
        column: &ast::Name,
        from: &ast::Expr,
        to: &ast::Expr,
        step: &ast::Expr,
        env: &Env,
        span: Span,
    ) -> Rel {
        let bound: Vec<Expr> = [from, to, step].iter().map(|e| self.scalar(e, Row::NONE, env)).collect();
        let Ok([from, to, step]) = <[Expr; 3]>::try_from(bound) else { return self.error_rel(span) };
        if [&from, &to, &step].iter().any(|e| matches!(e.kind, ExprKind::Error)) {
            let ty = from.ty;
            let column = self.column(column.text.clone(), ty);
            return Rel { kind: RelKind::Error, columns: vec![column], serialized: true, open: false, span };
        }
        let (ty, step_ty) = match (from.ty, to.ty) {
            (Type::DateTime, _) | (_, Type::DateTime) => (Type::DateTime, Type::Timespan),
            (Type::Timespan, _) => (Type::Timespan, Type::Timespan),
            (a, b) if a.is_number() && b.is_number() && step.ty.is_number() => {
                let ty = super::ops::widest(super::ops::widest(a, b), step.ty);
                let ty = if ty == Type::Int { Type::Long } else { ty };
                (ty, ty)
            }
            (Type::Dynamic, _) | (_, Type::Dynamic) => (Type::Long, Type::Long),
            _ => {
                self.error("KS138", from.span, "The argument value must be summable: a number, timespan or datetime.");
                return self.error_rel(span);
            }
        };
        let from = self.argument(from, ty);
        let to = self.argument(to, ty);
        let step = self.argument(step, step_ty);
        if matches!(&step.kind, ExprKind::Const(Val::Long(0) | Val::Real(0.0))) {
            self.error("KS140", step.span, "The expression must not be the value: 0");
        }
        let column = self.column(column.text.clone(), ty);
        Rel { kind: RelKind::Range { from, to, step }, columns: vec![column], serialized: true, open: false, span }
    }

    pub(super) fn datatable(
        &mut self,
        declared: &[ast::ColumnDecl],
        values: &[ast::Expr],
        env: &Env,
        span: Span,
    ) -> Rel {
        let mut columns: Vec<crate::bound::Column> = Vec::with_capacity(declared.len());
        for column in declared {
            let ty = self.type_named(&column.ty);
            if columns.iter().any(|c| c.name == column.name.text) {
                self.error("KS171", column.name.span, already_declared(&column.name.text));
            }
            columns.push(self.column(column.name.text.clone(), ty));
        }
        if columns.is_empty() || !values.len().is_multiple_of(columns.len()) {
            let message =
                format!("The number of values must be a multiple of the number of columns ({}).", columns.len());
            self.error("KS141", span, message);
            return Rel { kind: RelKind::Error, columns, serialized: false, open: false, span };
        }
        let mut rows = Vec::with_capacity(values.len() / columns.len());
        for row in values.chunks(columns.len()) {
            let mut bound = Vec::with_capacity(row.len());
            for (value, column) in row.iter().zip(&columns) {
                let value = self.scalar(value, Row::NONE, env);
                bound.push(self.cell(value, column.ty));
            }
            rows.push(bound);
        }
        Rel { kind: RelKind::Values(rows), columns, serialized: false, open: false, span }
    }

    /// A value of a datatable, as its column's type.
    fn cell(&mut self, value: Expr, ty: Type) -> Expr {
        // A datatable knows no negative zero.
        if value.as_const() == Some(&Val::Real(0.0)) {
            let zero = Expr::constant(Val::Real(0.0), Type::Real, value.span);
            return self.convert(zero, ty);
        }
        if value.ty == ty || matches!(value.kind, ExprKind::Error) {
            return value;
        }
        if ty == Type::Dynamic && value.ty == Type::String {
            let span = value.span;
            return self.call("parse_json", vec![value], Type::Dynamic, span);
        }
        if ty == Type::String && value.as_const().is_some_and(Val::is_null) {
            self.error("KS107", value.span, "A value of type string expected.");
            return self.error_expr(value.span);
        }
        self.convert(value, ty)
    }

    pub(super) fn externaldata(
        &mut self,
        declared: &[ast::ColumnDecl],
        uris: &[ast::Expr],
        properties: &[Property],
        env: &Env,
        span: Span,
    ) -> Rel {
        let mut columns = Vec::with_capacity(declared.len());
        for column in declared {
            let ty = self.type_named(&column.ty);
            columns.push(self.column(column.name.text.clone(), ty));
        }
        let mut external = ExternalData { uris: Vec::new(), format: None, ignore_first_record: false, mapping: None };
        for uri in uris {
            let value = self.constant(uri, env, "The place of external data");
            external.uris.extend(value.and_then(|v| v.as_str().map(str::to_string)));
        }
        for property in properties {
            let (word, _) = super::joins::property(properties, &property.name.text).unwrap_or_default();
            match property.name.text.to_ascii_lowercase().as_str() {
                "format" => external.format = Some(word.to_ascii_lowercase()),
                "ignorefirstrecord" => external.ignore_first_record = word.eq_ignore_ascii_case("true"),
                "ingestionmapping" => external.mapping = Some(word.to_string()),
                // What it asks for cannot be left out without another answer.
                "ingestionmappingreference" if !self.options.checking => {
                    self.unsupported(property.name.span, "A reference to an ingestion mapping");
                }
                _ => {}
            }
        }
        let kind = RelKind::External(External::Data(external));
        Rel { kind, columns, serialized: false, open: false, span }
    }
}
