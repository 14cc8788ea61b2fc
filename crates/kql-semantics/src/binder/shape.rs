//! `mv-expand`, `parse`, `parse-kv`: operators that make columns out of values.

use kql_functions::{Type, Val};
use kql_syntax::Span;
use kql_syntax::ast::{self, Property};

use super::items::already_declared;
use super::joins::property;
use super::naming::{name_of, unique};
use super::{Binder, Env, Row};
use crate::bound::{Column, Expr, ExprKind, MvExpandItem, ParseKind, ParsePiece, Rel, RelKind};

/// Puts a column in the place of one of the same name, else last.
fn put(columns: &mut Vec<Column>, column: Column) {
    match columns.iter_mut().find(|c| c.name == column.name) {
        Some(slot) => *slot = column,
        None => columns.push(column),
    }
}

impl Binder<'_> {
    pub(super) fn mv_expand(
        &mut self,
        input: Rel,
        items: &[ast::MvItem],
        limit: Option<&ast::Expr>,
        properties: &[Property],
        env: &Env,
        span: Span,
    ) -> Rel {
        let mut pairs = false;
        for (kind, at) in ["kind", "bagexpansion"].iter().filter_map(|name| property(properties, name)) {
            pairs |= kind == "array";
            if !matches!(kind, "array" | "bag") {
                self.error("KS005", at, "Expected one of: bag, array");
            }
        }
        let mut columns = input.columns.clone();
        let index = property(properties, "with_itemindex").map(|(name, _)| self.column(name, Type::Long));
        let mut expansions = Vec::with_capacity(items.len());
        for item in items {
            let source = self.scalar(&item.expr.value, Row::of(&input), env);
            if source.ty != Type::Dynamic && !matches!(source.kind, ExprKind::Error) {
                self.error("KS141", source.span, "The expression must have the type dynamic.");
                continue;
            }
            let ty = match &item.to {
                Some(name) => self.type_named(name),
                None => Type::Dynamic,
            };
            let name = match item.expr.names.first() {
                Some(name) => name.text.clone(),
                None => match name_of(&item.expr.value) {
                    Some(name) => name,
                    None => unique("Column1", &columns),
                },
            };
            let output = self.column(name, ty);
            put(&mut columns, output.clone());
            expansions.push(MvExpandItem { source, output });
        }
        if let Some(index) = &index {
            put(&mut columns, index.clone());
        }
        let limit = limit.map(|l| {
            let limit = self.scalar(l, Row::NONE, env);
            self.argument(limit, Type::Long)
        });
        let (serialized, open) = (input.serialized, input.open);
        let kind = RelKind::MvExpand { input: Box::new(input), items: expansions, index, pairs, limit, marker: None };
        Rel { kind, columns, serialized, open, span }
    }

    #[allow(clippy::too_many_arguments)]
    pub(super) fn parse(
        &mut self,
        input: Rel,
        source: &ast::Expr,
        pattern: &[ast::ParsePiece],
        drop_unmatched: bool,
        properties: &[Property],
        env: &Env,
        span: Span,
    ) -> Rel {
        let source = self.scalar(source, Row::of(&input), env);
        let source = match source.ty {
            Type::String | Type::Dynamic | Type::Unknown => self.convert(source, Type::String),
            _ => {
                self.error("KS107", source.span, "A value of type string expected.");
                self.error_expr(source.span)
            }
        };
        let kind = match property(properties, "kind") {
            Some(("relaxed", _)) => ParseKind::Relaxed,
            Some(("regex", _)) => ParseKind::Regex,
            _ => ParseKind::Simple,
        };
        let flags = property(properties, "flags").map_or(String::new(), |(flags, _)| flags.to_string());
        let mut columns = input.columns.clone();
        let mut outputs = Vec::new();
        let mut pieces = Vec::with_capacity(pattern.len());
        for piece in pattern {
            match piece {
                ast::ParsePiece::Star(_) => pieces.push(ParsePiece::Star),
                ast::ParsePiece::Text(text, _) => pieces.push(ParsePiece::Text(text.clone())),
                ast::ParsePiece::Column { name, ty } => {
                    let ty = ty.as_ref().map_or(Type::String, |ty| self.type_named(ty));
                    // Only a regex's own expressions may part two columns.
                    if kind != ParseKind::Regex && matches!(pieces.last(), Some(ParsePiece::Column(_))) {
                        self.error("KS101", name.span, "The column name must follow a string literal");
                    }
                    if outputs.iter().any(|c: &Column| c.name == name.text) {
                        self.error("KS171", name.span, already_declared(&name.text));
                        continue;
                    }
                    let column = self.column(name.text.clone(), ty);
                    put(&mut columns, column.clone());
                    outputs.push(column);
                    pieces.push(ParsePiece::Column(ty));
                }
            }
        }
        let (serialized, open) = (input.serialized, input.open);
        let kind =
            RelKind::Parse { input: Box::new(input), source, kind, flags, pattern: pieces, outputs, drop_unmatched };
        Rel { kind, columns, serialized, open, span }
    }

    pub(super) fn parse_kv(
        &mut self,
        input: Rel,
        source: &ast::Expr,
        declared: &[ast::ColumnDecl],
        with: &[Property],
        env: &Env,
        span: Span,
    ) -> Rel {
        let source = self.scalar(source, Row::of(&input), env);
        let source = match source.ty {
            Type::String | Type::Dynamic | Type::Unknown => self.convert(source, Type::String),
            _ => {
                self.error("KS107", source.span, "A value of type string expected.");
                self.error_expr(source.span)
            }
        };
        let mut options = Vec::with_capacity(with.len());
        for option in with {
            let value = match &option.value.kind {
                ast::ExprKind::Name(name) => Some(name.text.clone()),
                _ => match self.constant(&option.value, env, "An option of parse-kv") {
                    Some(Val::Str(text)) => Some(text.into_owned()),
                    Some(Val::Bool(flag)) => Some(flag.to_string()),
                    _ => None,
                },
            };
            options.push((option.name.text.clone(), value.unwrap_or_default()));
        }
        let mut columns = input.columns.clone();
        let mut outputs = Vec::with_capacity(declared.len());
        for column in declared {
            let ty = self.type_named(&column.ty);
            let column = self.column(column.name.text.clone(), ty);
            put(&mut columns, column.clone());
            outputs.push(column);
        }
        let (serialized, open) = (input.serialized, input.open);
        Rel {
            kind: RelKind::ParseKv { input: Box::new(input), source, outputs, options },
            columns,
            serialized,
            open,
            span,
        }
    }
}

/// A string constant.
pub(super) fn string_const(expr: &Expr) -> Option<&str> {
    match expr.as_const() {
        Some(Val::Str(text)) => Some(text),
        _ => None,
    }
}
