//! `search`: rows of any table in which terms are found.

use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use kql_functions::{Type, Val, interrupt};
use kql_syntax::Span;
use kql_syntax::ast::{self, BinaryOp, Property};

use super::joins::{likely_types, property};
use super::operators::wildcard;
use super::scope::{Entity, VISIBLE};
use super::{Binder, Env, Row, project};
use crate::bound::{Column, Expr, ExprKind, Rel, RelKind};
use crate::nearest::nearest;

impl Binder<'_> {
    pub(super) fn search(
        &mut self,
        input: Option<Rel>,
        sources: &[ast::Expr],
        predicate: &ast::Expr,
        properties: &[Property],
        env: &Env,
        span: Span,
    ) -> Rel {
        let all = if input.is_none() && sources.is_empty() { self.all_tables(Some("$table"), env, span) } else { None };
        let cased = property(properties, "kind").is_some_and(|(kind, _)| kind == "case_sensitive");
        if let Some(all) = all {
            let whole = vec![(String::new(), all)];
            self.missing_columns(&whole, predicate, true, env);
            let Some((_, all)) = whole.into_iter().next() else { return self.error_rel(span) };
            let condition = self.condition(predicate, &[], Row::of(&all), cased, env);
            return self.filter(all, condition, span);
        }
        let wide = input.is_none() && (sources.is_empty() || sources.iter().any(is_pattern));
        let mut inputs = match input {
            Some(rel) => vec![("search_arg0".to_string(), rel)],
            None => self.sources(sources, env, span),
        };
        if inputs.iter().any(|(_, rel)| matches!(rel.kind, RelKind::Error)) {
            return self.error_rel(span);
        }
        if inputs.is_empty() && !self.options.checking {
            // Nothing can be found where there are no tables.
            let columns = vec![self.column("$table", Type::String)];
            return Rel { kind: RelKind::Values(Vec::new()), columns, serialized: false, open: false, span };
        }
        if wide && self.options.checking {
            likely_types(&mut inputs);
        }
        let missing = self.missing_columns(&inputs, predicate, true, env);
        if wide && self.options.checking {
            let all = self.merge(inputs, false, Some("$table"), span);
            let condition = self.condition(predicate, &[], Row::of(&all), cased, env);
            return self.filter(all, condition, span);
        }
        let mut found = Vec::with_capacity(inputs.len());
        let before = self.diagnostics.len();
        for (label, rel) in inputs {
            // The engine says why it ends.
            if interrupt::check().is_err() {
                return self.error_rel(span);
            }
            found.push((label, self.search_one(rel, predicate, &missing, cased, env, span)));
            // What is wrong for one table is wrong for all; it is told once.
            if self.diagnostics.len() > before {
                let mut seen = HashSet::new();
                let told = self.diagnostics.split_off(before);
                self.diagnostics.extend(told.into_iter().filter(|d| seen.insert((d.span, d.code))));
            }
        }
        self.merge(found, false, Some("$table"), span)
    }

    fn search_one(
        &mut self,
        rel: Rel,
        predicate: &ast::Expr,
        missing: &[(String, Type)],
        cased: bool,
        env: &Env,
        span: Span,
    ) -> Rel {
        let own: Vec<Column> = rel.columns.clone();
        let padded = self.padded(rel, missing, span);
        let condition = self.condition(predicate, &own, Row::of(&padded), cased, env);
        let rel = self.filter(padded, condition, span);
        let exprs = own.iter().map(|c| Expr::column(c, span)).collect();
        project(rel, own, exprs, span)
    }

    /// The relation with the columns that it lacks and a predicate names, as missing values.
    pub(super) fn padded(&mut self, rel: Rel, missing: &[(String, Type)], span: Span) -> Rel {
        let lacking: Vec<&(String, Type)> =
            missing.iter().filter(|(name, _)| !rel.columns.iter().any(|c| c.name == *name)).collect();
        if lacking.is_empty() {
            return rel;
        }
        let mut columns = rel.columns.clone();
        let mut exprs: Vec<Expr> = columns.iter().map(|c| Expr::column(c, span)).collect();
        for (name, ty) in lacking {
            columns.push(self.column(name.clone(), *ty));
            exprs.push(Expr::constant(Val::missing(*ty), *ty, span));
        }
        project(rel, columns, exprs, span)
    }

    /// The tables that `in (…)` names, all of them and the views where it names none.
    pub(super) fn sources(&mut self, sources: &[ast::Expr], env: &Env, span: Span) -> Vec<(String, Rel)> {
        let mut inputs = Vec::new();
        if sources.is_empty() {
            self.matching_tables("*", span, env, &mut inputs);
            return inputs;
        }
        for source in sources {
            match &source.kind {
                ast::ExprKind::Star => self.matching_tables("*", source.span, env, &mut inputs),
                ast::ExprKind::Name(name) if name.text.contains('*') => {
                    let before = inputs.len();
                    self.matching_tables(&name.text, source.span, env, &mut inputs);
                    if inputs.len() == before {
                        let message = format!("The pattern '{}' does not match any table.", name.text);
                        self.error("KS204", source.span, message);
                    }
                }
                _ => {
                    let rel = self.tabular(source, env);
                    let label = match &source.kind {
                        ast::ExprKind::Name(name) => name.text.clone(),
                        _ => format!("search_arg{}", inputs.len()),
                    };
                    inputs.push((label, rel));
                }
            }
        }
        inputs
    }

    /// Tables and views whose names match a pattern, by name.
    pub(super) fn matching_tables(&mut self, pattern: &str, span: Span, env: &Env, inputs: &mut Vec<(String, Rel)>) {
        let mut names = self.catalog.table_names();
        if let Some(Entity::Visible(visible)) = env.find(VISIBLE) {
            names.retain(|name| visible.iter().any(|p| wildcard(p, name)));
        }
        names.retain(|name| wildcard(pattern, name));
        names.sort_unstable();
        for text in names {
            if interrupt::check().is_err() {
                return;
            }
            let rel = self.table(&ast::Name { text: text.clone(), span }, env);
            inputs.push((text, rel));
        }
        let mut views: Vec<String> =
            env.views().into_iter().filter(|name| wildcard(pattern, name)).map(str::to_string).collect();
        views.sort_unstable();
        for name in views {
            if let Some(Entity::Function(function, scope)) = env.find(&name) {
                let (function, scope) = (Rc::clone(function), Rc::clone(scope));
                if let super::statements::Value::Rel(rel) =
                    self.call_function(&name, &function, &scope, &[], Row::NONE, env, span)
                {
                    inputs.push((name, rel));
                }
            }
        }
    }

    /// The columns that a predicate names and some tables lack, with their types; errors for names that none has, and
    /// with `one_type` for those that have several types.
    pub(super) fn missing_columns(
        &mut self,
        inputs: &[(String, Rel)],
        predicate: &ast::Expr,
        one_type: bool,
        env: &Env,
    ) -> Vec<(String, Type)> {
        let mut types: HashMap<&str, HashSet<Type>> = HashMap::new();
        for column in inputs.iter().flat_map(|(_, rel)| &rel.columns) {
            types.entry(&column.name).or_default().insert(column.ty);
        }
        let open = inputs.iter().any(|(_, rel)| rel.open);
        let mut names = Vec::new();
        column_names(predicate, &mut names);
        let mut missing = Vec::new();
        for name in names {
            match types.get(name.text.as_str()) {
                Some(found) if found.len() == 1 || !one_type => {
                    missing.extend(found.iter().next().map(|ty| (name.text.clone(), *ty)));
                }
                _ if open || env.find(&name.text).is_some() => {}
                _ => {
                    let message = format!(
                        "The name '{}' does not refer to any known column, table, variable or function.",
                        name.text
                    );
                    let help = nearest(&name.text, types.keys().copied()).map(|near| format!("did you mean '{near}'?"));
                    self.error_with_help("KS142", name.span, message, help);
                    missing.push((name.text.clone(), Type::Unknown));
                }
            }
        }
        missing
    }

    /// A predicate in which bare texts are terms.
    pub(super) fn condition(&mut self, expr: &ast::Expr, own: &[Column], row: Row<'_>, cased: bool, env: &Env) -> Expr {
        let span = expr.span;
        match &expr.kind {
            ast::ExprKind::Star => Expr::constant(Val::Bool(true), Type::Bool, span),
            ast::ExprKind::Paren(inner) => self.condition(inner, own, row, cased, env),
            ast::ExprKind::Literal(ast::Literal::String(term)) => self.term_in_row(term, own, cased, span),
            ast::ExprKind::Binary { op: op @ (BinaryOp::And | BinaryOp::Or), left, right, .. } => {
                let left = self.condition(left, own, row, cased, env);
                let right = self.condition(right, own, row, cased, env);
                self.call(if *op == BinaryOp::And { "and" } else { "or" }, vec![left, right], Type::Bool, span)
            }
            ast::ExprKind::Call { name, args } if name.text == "not" && args.len() == 1 => {
                let inner = self.condition(&args[0].value, own, row, cased, env);
                self.call("not", vec![inner], Type::Bool, span)
            }
            ast::ExprKind::Binary { op: BinaryOp::SearchTerm, left, right, .. } => {
                let column = self.scalar(left, row, env);
                match &right.kind {
                    ast::ExprKind::Literal(ast::Literal::String(term)) => self.term(term, column, cased, span),
                    _ => {
                        let value = self.scalar(right, row, env);
                        let value = self.convert(value, Type::String);
                        match value.as_const() {
                            Some(Val::Str(term)) => self.term(&term.clone(), column, cased, span),
                            _ => self.error_expr(span),
                        }
                    }
                }
            }
            _ => {
                let value = self.scalar(expr, row, env);
                self.predicate(value)
            }
        }
    }

    /// A term in any column.
    fn term_in_row(&mut self, term: &str, own: &[Column], cased: bool, span: Span) -> Expr {
        if self.options.checking {
            return Expr { kind: ExprKind::Error, ty: Type::Bool, span };
        }
        let mut found: Option<Expr> = None;
        for column in own {
            let hit = self.term(term, Expr::column(column, span), cased, span);
            found = Some(match found {
                Some(others) => self.call("or", vec![others, hit], Type::Bool, span),
                None => hit,
            });
        }
        found.unwrap_or_else(|| Expr::constant(Val::Bool(false), Type::Bool, span))
    }

    /// A term in one column: a whole word; with a star at an end, a part of one.
    fn term(&mut self, term: &str, column: Expr, cased: bool, span: Span) -> Expr {
        let inner = term.trim_start_matches('*').trim_end_matches('*');
        let (before, after) = (term.starts_with('*'), term.len() > 1 && term.ends_with('*'));
        let text = self.convert(column, Type::String);
        if inner.contains('*') {
            let parts: Vec<String> = term.split('*').map(escape).collect();
            let flags = if cased { "(?s)" } else { "(?is)" };
            let pattern = Expr::constant(Val::Str(format!("{flags}{}", parts.join(".*")).into()), Type::String, span);
            return self.call("matches regex", vec![text, pattern], Type::Bool, span);
        }
        let operator = match (before, after, cased) {
            (false, false, false) => "has",
            (false, false, true) => "has_cs",
            (true, false, false) => "hassuffix",
            (true, false, true) => "hassuffix_cs",
            (false, true, false) => "hasprefix",
            (false, true, true) => "hasprefix_cs",
            (true, true, false) => "contains",
            (true, true, true) => "contains_cs",
        };
        let needle = Expr::constant(Val::Str(inner.to_string().into()), Type::String, span);
        self.call(operator, vec![text, needle], Type::Bool, span)
    }
}

fn is_pattern(source: &ast::Expr) -> bool {
    match &source.kind {
        ast::ExprKind::Star => true,
        ast::ExprKind::Name(name) => name.text.contains('*'),
        _ => false,
    }
}

/// A text as a regular expression that matches itself.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_ascii() && !c.is_ascii_alphanumeric() {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

/// The names in an expression that may be columns.
pub(super) fn column_names<'e>(expr: &'e ast::Expr, names: &mut Vec<&'e ast::Name>) {
    let mut todo = vec![expr];
    while let Some(expr) = todo.pop() {
        match &expr.kind {
            ast::ExprKind::Name(name) if !names.iter().any(|n| n.text == name.text) => names.push(name),
            ast::ExprKind::Paren(inner) => todo.push(inner),
            ast::ExprKind::Path { base, .. } => todo.push(base),
            ast::ExprKind::Index { base, index } => todo.extend([&**index, &**base]),
            ast::ExprKind::Call { args, .. } => todo.extend(args.iter().rev().map(|a| &a.value)),
            ast::ExprKind::Unary { operand, .. } => todo.push(operand),
            ast::ExprKind::Binary { left, right, .. } => todo.extend([&**right, &**left]),
            ast::ExprKind::Between { expr, low, high, .. } => todo.extend([&**high, &**low, &**expr]),
            ast::ExprKind::In { left, list, .. } => {
                todo.extend(list.iter().rev());
                todo.push(left);
            }
            _ => {}
        }
    }
}
