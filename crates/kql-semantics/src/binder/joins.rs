//! `join`, `lookup` and `union`: rows of several tables.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};

use kql_functions::Type;
use kql_syntax::Span;
use kql_syntax::ast::{self, BinaryOp, Property};

use super::scope::VISIBLE;
use super::{Binder, Env, Row};
use crate::bound::{Branch, Column, Expr, ExprKind, JoinKind, Rel, RelKind};

/// The word or text of a property.
pub(super) fn property<'p>(properties: &'p [Property], name: &str) -> Option<(&'p str, Span)> {
    let property = properties.iter().find(|p| p.name.text == name)?;
    match &property.value.kind {
        ast::ExprKind::Name(value) => Some((&value.text, property.value.span)),
        ast::ExprKind::Literal(ast::Literal::String(value)) => Some((value, property.value.span)),
        ast::ExprKind::Literal(ast::Literal::Bool(Some(value))) => {
            Some((if *value { "true" } else { "false" }, property.value.span))
        }
        _ => None,
    }
}

impl Binder<'_> {
    pub(super) fn join(
        &mut self,
        left: Rel,
        right: &ast::Expr,
        on: &[ast::Expr],
        properties: &[Property],
        env: &Env,
        span: Span,
    ) -> Rel {
        let kind = match property(properties, "kind") {
            None => JoinKind::InnerUnique,
            Some((word, _)) => match join_kind(word) {
                Some(kind) => kind,
                // The parser has refused it.
                None => JoinKind::InnerUnique,
            },
        };
        let right = self.tabular(right, env);
        let keys = self.join_keys(&left, &right, on, env);
        if matches!(left.kind, RelKind::Error) || matches!(right.kind, RelKind::Error) {
            return self.error_rel(span);
        }
        let columns = match kind {
            JoinKind::LeftSemi | JoinKind::LeftAnti => left.columns.clone(),
            JoinKind::RightSemi | JoinKind::RightAnti => right.columns.clone(),
            _ => both_sides(&left.columns, &right.columns),
        };
        let open = left.open || right.open;
        let kind = RelKind::Join { left: Box::new(left), right: Box::new(right), kind, keys };
        Rel { kind, columns, serialized: false, open, span }
    }

    pub(super) fn lookup(
        &mut self,
        left: Rel,
        right: &ast::Expr,
        on: &[ast::Expr],
        properties: &[Property],
        env: &Env,
        span: Span,
    ) -> Rel {
        let kind = match property(properties, "kind") {
            None | Some(("leftouter", _)) => JoinKind::LeftOuter,
            Some(("inner", _)) => JoinKind::Inner,
            Some(_) => JoinKind::LeftOuter,
        };
        let right = self.tabular(right, env);
        let keys = self.join_keys(&left, &right, on, env);
        if matches!(left.kind, RelKind::Error) || matches!(right.kind, RelKind::Error) {
            return self.error_rel(span);
        }
        let is_key = |column: &Column| {
            keys.iter().any(|(_, right)| {
                let mut found = false;
                right.walk(&mut |e| found |= e.kind == ExprKind::Column(column.id));
                found
            })
        };
        let rest: Vec<Column> = right.columns.iter().filter(|c| !is_key(c)).cloned().collect();
        let columns = both_sides(&left.columns, &rest);
        let open = left.open || right.open;
        let kind = RelKind::Join { left: Box::new(left), right: Box::new(right), kind, keys };
        Rel { kind, columns, serialized: false, open, span }
    }

    fn join_keys(&mut self, left: &Rel, right: &Rel, on: &[ast::Expr], env: &Env) -> Vec<(Expr, Expr)> {
        let mut keys = Vec::new();
        let mut todo: Vec<&ast::Expr> = on.iter().rev().collect();
        while let Some(condition) = todo.pop() {
            match &condition.kind {
                ast::ExprKind::Paren(inner) => todo.push(inner),
                ast::ExprKind::Binary { op: BinaryOp::And, left: a, right: b, .. } => {
                    todo.push(b);
                    todo.push(a);
                }
                ast::ExprKind::Name(name) => keys.extend(self.same_name_key(left, right, name)),
                ast::ExprKind::Binary { op: BinaryOp::Equal, left: a, right: b, .. } => {
                    keys.extend(self.equality_key(left, right, a, b, env));
                }
                _ => {
                    self.error("KS183", condition.span, "The join condition operand must be: $left.<column>");
                }
            }
        }
        keys
    }

    fn same_name_key(&mut self, left: &Rel, right: &Rel, name: &ast::Name) -> Option<(Expr, Expr)> {
        let find = |rel: &Rel| rel.columns.iter().find(|c| c.name == name.text).cloned();
        match (find(left), find(right)) {
            (Some(l), Some(r)) => self.key_pair(Expr::column(&l, name.span), Expr::column(&r, name.span)),
            (l, r) => {
                self.infer(left.open && l.is_none() || right.open && r.is_none(), &name.text);
                if !left.open && !right.open {
                    let message = format!("The column '{}' must exist on both sides of the join.", name.text);
                    self.error("KS145", name.span, message);
                }
                None
            }
        }
    }

    fn equality_key(
        &mut self,
        left: &Rel,
        right: &Rel,
        a: &ast::Expr,
        b: &ast::Expr,
        env: &Env,
    ) -> Option<(Expr, Expr)> {
        for (operand, side) in [(a, "$left"), (b, "$right")] {
            if !names_side(operand) {
                self.error("KS183", operand.span, format!("The join condition operand must be: {side}.<column>"));
                return None;
            }
        }
        let row = Row {
            columns: &left.columns,
            right: Some(&right.columns),
            serialized: false,
            open: left.open || right.open,
        };
        let (a_bound, b_bound) = (self.scalar(a, row, env), self.scalar(b, row, env));
        if matches!(a_bound.kind, ExprKind::Error) || matches!(b_bound.kind, ExprKind::Error) {
            return None;
        }
        let of = |rel: &Rel, expr: &Expr| match expr.kind {
            ExprKind::Column(id) => rel.columns.iter().any(|c| c.id == id),
            _ => false,
        };
        // The left side stands on the left.
        for (at, bound, rel, side) in [(a.span, &a_bound, left, "$left"), (b.span, &b_bound, right, "$right")] {
            if !of(rel, bound) {
                self.error("KS183", at, format!("The join condition operand must be: {side}.<column>"));
                return None;
            }
        }
        self.key_pair(a_bound, b_bound)
    }

    fn key_pair(&mut self, left: Expr, right: Expr) -> Option<(Expr, Expr)> {
        let (l, r) = (left.ty, right.ty);
        if l == Type::Unknown || r == Type::Unknown {
            return None;
        }
        if l == Type::Dynamic || r == Type::Dynamic {
            let at = if l == Type::Dynamic { left.span } else { right.span };
            self.error("KS116", at, "The value of type 'dynamic' is not allowed in this context.");
            return None;
        }
        if l == r {
            return Some((left, right));
        }
        if l.is_number() && r.is_number() {
            let ty = super::ops::widest(l, r);
            return Some((self.convert(left, ty), self.convert(right, ty)));
        }
        self.error("KS106", right.span, format!("The join keys must be of one type, these are {l} and {r}."));
        None
    }

    /// `union`, at the head of a query or after a pipe.
    pub(super) fn union(
        &mut self,
        input: Option<Rel>,
        items: &[ast::Expr],
        properties: &[Property],
        env: &Env,
        span: Span,
    ) -> Rel {
        let fuzzy = property(properties, "isfuzzy").is_some_and(|(v, _)| v.eq_ignore_ascii_case("true"));
        let inner = property(properties, "kind").is_some_and(|(v, _)| v == "inner");
        let source = property(properties, "withsource").or_else(|| property(properties, "with_source"));
        if let (None, false, [item]) = (&input, inner, items)
            && item_name(item) == Some("*")
            && let Some(rel) = self.all_tables(source.map(|(name, _)| name), env, span)
        {
            return rel;
        }
        let mut inputs: Vec<(String, Rel)> = Vec::new();
        let mut wildcards = false;
        if let Some(input) = input {
            let label = self.input_name.take().unwrap_or_else(|| "union_arg0".to_string());
            inputs.push((label, input));
        }
        for item in items {
            let name = item_name(item);
            if let Some(pattern) = name.filter(|n| n.contains('*')) {
                self.wildcard_inputs(pattern, fuzzy, item.span, env, &mut inputs);
                wildcards = true;
                continue;
            }
            let before = self.diagnostics.len();
            let rel = self.tabular(item, env);
            if fuzzy && self.diagnostics.len() > before && self.only_unknown_tables(before) {
                self.diagnostics.truncate(before);
                self.diagnostics.extend(name.map(|name| super::warnings::fuzzy_name(name, item.span)));
                continue;
            }
            let label = match (&rel.kind, name) {
                (RelKind::Table { name, .. }, Some(_)) => name.clone(),
                (_, Some(name)) if env.is_view(name) => name.to_string(),
                _ => as_name(item).map_or_else(|| format!("union_arg{}", inputs.len()), str::to_string),
            };
            inputs.push((label, rel));
        }
        if inputs.is_empty() {
            if self.options.checking {
                return self.not_run(&[], true, "A union without tables", span);
            }
            self.error("KS204", span, "None of the tables of the union exists.");
            return self.error_rel(span);
        }
        if inputs.iter().any(|(_, rel)| matches!(rel.kind, RelKind::Error)) {
            return self.error_rel(span);
        }
        if wildcards && self.options.checking {
            likely_types(&mut inputs);
        }
        self.merge(inputs, inner, source.map(|(name, _)| name), span)
    }

    /// The union of all tables, where a query is only checked: its columns are the same for every query.
    pub(super) fn all_tables(&mut self, source: Option<&str>, env: &Env, span: Span) -> Option<Rel> {
        if !self.options.checking || !env.views().is_empty() || env.find(VISIBLE).is_some() {
            return None;
        }
        let catalog = self.catalog;
        let known = catalog.all_columns()?;
        let columns = known.get(catalog.table_names().len(), || {
            let mut inputs = Vec::new();
            self.matching_tables("*", span, env, &mut inputs);
            likely_types(&mut inputs);
            self.merge(inputs, false, None, span).columns.into_iter().map(|c| (c.name, c.ty)).collect()
        });
        let mut named = Vec::with_capacity(columns.len() + 1);
        named.extend(source.map(|name| self.column(name, Type::String)));
        for (name, ty) in columns.iter() {
            let taken = source == Some(name.as_str());
            named.push(if taken { self.column(format!("{name}1"), *ty) } else { self.column(name.clone(), *ty) });
        }
        let kind = RelKind::Union(Vec::new());
        Some(Rel { kind, columns: named, serialized: false, open: false, span })
    }

    fn only_unknown_tables(&self, from: usize) -> bool {
        self.diagnostics[from..].iter().all(|d| matches!(d.code, "KS204" | "KS211"))
    }

    fn wildcard_inputs(&mut self, pattern: &str, fuzzy: bool, span: Span, env: &Env, inputs: &mut Vec<(String, Rel)>) {
        let before = inputs.len();
        self.matching_tables(pattern, span, env, inputs);
        if inputs.len() == before && !fuzzy {
            let message = format!("The pattern '{pattern}' does not match any table.");
            self.error("KS204", span, message);
        }
    }

    /// Columns by name and type; an input lacks those of the others.
    pub(super) fn merge(&mut self, inputs: Vec<(String, Rel)>, inner: bool, source: Option<&str>, span: Span) -> Rel {
        let mut merged: Vec<(String, Type)> = Vec::new();
        let mut known: HashMap<(String, Type), usize> = HashMap::new();
        let mut types: HashMap<String, usize> = HashMap::new();
        for column in inputs.iter().flat_map(|(_, rel)| &rel.columns) {
            if let Entry::Vacant(slot) = known.entry((column.name.clone(), column.ty)) {
                slot.insert(merged.len());
                merged.push((column.name.clone(), column.ty));
            }
        }
        if inner {
            merged.retain(|(name, ty)| {
                inputs.iter().all(|(_, rel)| rel.columns.iter().any(|c| c.name == *name && c.ty == *ty))
            });
        }
        for (name, _) in &merged {
            *types.entry(name.clone()).or_default() += 1;
        }
        // The columns of one name stand together, where the name first appears.
        let mut places: HashMap<String, usize> = HashMap::new();
        for (at, (name, _)) in merged.iter().enumerate() {
            places.entry(name.clone()).or_insert(at);
        }
        merged.sort_by_key(|(name, _)| places.get(name).copied());
        let first = usize::from(source.is_some());
        let positions: HashMap<(&str, Type), usize> =
            merged.iter().enumerate().map(|(i, (name, ty))| ((name.as_str(), *ty), first + i)).collect();
        let mut columns: Vec<Column> = Vec::with_capacity(first + merged.len());
        if let Some(source) = source {
            columns.push(self.column(source, Type::String));
        }
        // Names that stay as they are go before those that get a type behind them.
        let single = |name: &str| types.get(name).is_some_and(|n| *n == 1);
        let mut taken: HashSet<String> = merged.iter().map(|(n, _)| n).filter(|n| single(n)).cloned().collect();
        let mut free = |name: String| {
            let numbered = (1..).map(|n| format!("{name}{n}"));
            let free = std::iter::once(name.clone()).chain(numbered).find(|n| !taken.contains(n)).unwrap_or_default();
            taken.insert(free.clone());
            free
        };
        for (name, ty) in &merged {
            let shown = match source {
                Some(source) if source == name => free(format!("{name}1")),
                _ if single(name) => name.clone(),
                _ => free(format!("{name}_{ty}")),
            };
            columns.push(self.column(shown, *ty));
        }
        let open = inputs.iter().any(|(_, rel)| rel.open);
        let branches = inputs
            .into_iter()
            .map(|(label, rel)| {
                let place = |c: &Column| positions.get(&(c.name.as_str(), c.ty)).map(|at| (*at, c.clone()));
                let placed = rel.columns.iter().filter_map(place).collect();
                Branch { rel, columns: placed, source: source.map(|_| label) }
            })
            .collect();
        Rel { kind: RelKind::Union(branches), columns, serialized: false, open, span }
    }
}

/// Whether an operand says on which side of the join its column is.
fn names_side(operand: &ast::Expr) -> bool {
    match &operand.kind {
        ast::ExprKind::Paren(inner) => names_side(inner),
        ast::ExprKind::Path { base, .. } => {
            matches!(&base.kind, ast::ExprKind::Name(name) if matches!(name.text.as_str(), "$left" | "$right"))
        }
        _ => false,
    }
}

/// A wildcard over all tables that may exist stands for the few that do: of a name's types one
/// that nearly all have is kept.
pub(super) fn likely_types(inputs: &mut [(String, Rel)]) {
    let mut counts: HashMap<String, HashMap<Type, usize>> = HashMap::new();
    for column in inputs.iter().flat_map(|(_, rel)| &rel.columns) {
        *counts.entry(column.name.clone()).or_default().entry(column.ty).or_default() += 1;
    }
    let mut best: HashMap<String, Type> = HashMap::new();
    for (name, types) in counts {
        let all: usize = types.values().sum();
        let most = types.into_iter().max_by_key(|(ty, n)| (*n, ty.name()));
        if let Some((ty, _)) = most.filter(|(_, n)| *n * 4 > all * 3) {
            best.insert(name, ty);
        }
    }
    for (_, rel) in inputs {
        rel.columns.retain(|c| best.get(&c.name).is_none_or(|ty| *ty == c.ty));
    }
}

fn join_kind(word: &str) -> Option<JoinKind> {
    Some(match word {
        "innerunique" => JoinKind::InnerUnique,
        "inner" => JoinKind::Inner,
        "leftouter" => JoinKind::LeftOuter,
        "rightouter" => JoinKind::RightOuter,
        "fullouter" => JoinKind::FullOuter,
        "leftsemi" => JoinKind::LeftSemi,
        "leftanti" | "anti" | "leftantisemi" => JoinKind::LeftAnti,
        "rightsemi" => JoinKind::RightSemi,
        "rightanti" | "rightantisemi" => JoinKind::RightAnti,
        _ => return None,
    })
}

/// Left columns, then right ones, which are renamed where the name is taken. A new name is none of either side.
fn both_sides(left: &[Column], right: &[Column]) -> Vec<Column> {
    let mut columns = left.to_vec();
    let mut taken: HashSet<String> = left.iter().chain(right).map(|c| c.name.clone()).collect();
    let mut seen: HashSet<&str> = left.iter().map(|c| c.name.as_str()).collect();
    for column in right {
        let mut name = column.name.clone();
        if !seen.insert(&column.name) {
            name = (1..).map(|n| format!("{}{n}", column.name)).find(|n| !taken.contains(n)).unwrap_or_default();
            taken.insert(name.clone());
        }
        columns.push(Column { name, ..column.clone() });
    }
    columns
}

/// The name of a union's item, where it is a plain table.
fn item_name(item: &ast::Expr) -> Option<&str> {
    match &item.kind {
        ast::ExprKind::Name(name) => Some(&name.text),
        ast::ExprKind::Paren(inner) => item_name(inner),
        _ => None,
    }
}

/// The name that an item of a union gives its rows with `as` at its end.
fn as_name(item: &ast::Expr) -> Option<&str> {
    match &item.kind {
        ast::ExprKind::Paren(inner) => as_name(inner),
        ast::ExprKind::Pipeline { operators, .. } => match &operators.last()?.kind {
            ast::OperatorKind::As(name) => Some(&name.text),
            _ => None,
        },
        _ => None,
    }
}
