//! `top-nested`, `top-hitters` and `sample-distinct`: the values that count most.

use kql_functions::Type;
use kql_syntax::Span;
use kql_syntax::ast::{self, NamedExpr, TopNestedLevel};

use super::naming::{name_of, unique};
use super::{Binder, Env, Row, project};
use crate::bound::{AggregateCall, Branch, Column, Expr, ExprKind, JoinKind, Rel, RelKind, SortKey};

/// The rows of all levels, with the keys of the levels behind the columns that the query sees.
struct Rows {
    shared: usize,
    visible: usize,
}

impl Binder<'_> {
    /// The result's columns are key and aggregate of each level in turn.
    pub(super) fn top_nested(&mut self, input: Rel, levels: &[TopNestedLevel], env: &Env, span: Span) -> Rel {
        if matches!(input.kind, RelKind::Error) {
            return input;
        }
        // The keys of all levels become columns first.
        let visible = input.columns.clone();
        let mut columns = visible.clone();
        let mut exprs: Vec<Expr> = columns.iter().map(|c| Expr::column(c, span)).collect();
        let mut names: Vec<String> = Vec::new();
        for level in levels {
            let key = self.scalar(&level.of.value, Row::of(&input), env);
            let given = level.of.names.first().map(|n| n.text.clone());
            let name = given.or_else(|| name_of(&level.of.value)).unwrap_or_else(|| "Column1".to_string());
            columns.push(self.column(name.clone(), key.ty));
            names.push(name);
            exprs.push(key);
        }
        let keyed = project(input, columns, exprs, span);
        let rows = Rows { shared: self.share(keyed, false), visible: visible.len() };

        let mut above: Option<Rel> = None;
        let mut others = Vec::new();
        for (depth, level) in levels.iter().enumerate() {
            let groups = self.groups(&rows, None, depth + 1, level, env, span);
            let joined = match above.take() {
                None => (groups, None),
                Some(parents) => {
                    let index = self.share(parents, false);
                    let left = self.read_shared(index, span);
                    (beside(left, groups, depth, span), Some(index))
                }
            };
            let (joined, parents) = joined;
            let top = self.greatest(joined, depth, level, env, span);
            above = Some(match &level.others {
                None => top,
                Some(value) => {
                    let index = self.share(top, false);
                    let left_out = self.groups(&rows, Some((index, parents)), depth + 1, level, env, span);
                    others.push(self.others(left_out, parents, depth, value, env, span));
                    self.read_shared(index, span)
                }
            });
        }
        let Some(rel) = above else { return self.error_rel(span) };
        let mut outputs: Vec<Column> = Vec::with_capacity(rel.columns.len());
        for (i, column) in rel.columns.iter().enumerate() {
            let level = &levels[i / 2];
            let name = match (i % 2, level.by.names.first()) {
                (0, _) => names[i / 2].clone(),
                (_, Some(name)) => name.text.clone(),
                (_, None) => format!("aggregated_{}", names[i / 2]),
            };
            let name = unique(&name, &outputs);
            outputs.push(self.column(name, column.ty));
        }
        let mut sort = Vec::new();
        for (pair, level) in rel.columns.chunks_exact(2).zip(levels) {
            let ascending = level.ascending.unwrap_or(false);
            sort.push(SortKey { expr: Expr::column(&pair[1], span), ascending, nulls_first: ascending });
            sort.push(SortKey { expr: Expr::column(&pair[0], span), ascending: true, nulls_first: true });
        }
        sort.retain(|key| key.expr.ty != Type::Dynamic);
        let inner = rel.columns.clone();
        let kind = RelKind::Sort { input: Box::new(rel), keys: sort, limit: None };
        let rel = Rel { kind, columns: inner.clone(), serialized: false, open: false, span };
        if others.is_empty() {
            let exprs = inner.iter().map(|c| Expr::column(c, span)).collect();
            let mut rel = project(rel, outputs, exprs, span);
            rel.serialized = false;
            return rel;
        }
        let branch = |rel: Rel| {
            let columns = rel.columns.iter().cloned().enumerate().collect();
            Branch { rel, columns, source: None }
        };
        let branches = std::iter::once(rel).chain(others).map(branch).collect();
        Rel { kind: RelKind::Union(branches), columns: outputs, serialized: false, open: false, span }
    }

    /// The aggregate of a level for each value of the keys up to it: the keys, then the aggregate. With `without`, over
    /// the rows whose keys are not among the chosen ones, but whose parents are; then the last key is no key.
    fn groups(
        &mut self,
        rows: &Rows,
        without: Option<(usize, Option<usize>)>,
        depth: usize,
        level: &TopNestedLevel,
        env: &Env,
        span: Span,
    ) -> Rel {
        let mut input = self.read_shared(rows.shared, span);
        let (own, keys) = input.columns.split_at(rows.visible);
        let (own, mut keys) = (own.to_vec(), keys[..depth].to_vec());
        if let Some((chosen, parents)) = without {
            let chosen = self.read_shared(chosen, span);
            input = filtered(input, chosen, JoinKind::LeftAnti, &keys, span);
            keys.pop();
            if let Some(parents) = parents {
                let parents = self.read_shared(parents, span);
                input = filtered(input, parents, JoinKind::LeftSemi, &keys, span);
            }
        }
        let row = Row { columns: &own, right: None, serialized: false, open: input.open };
        self.collector = Some(Vec::new());
        let value = self.scalar(&level.by.value, row, env);
        let calls = self.collector.take().unwrap_or_default();
        let mut plain = false;
        value.walk(&mut |e| {
            if let ExprKind::Column(id) = e.kind {
                plain |= own.iter().any(|c| c.id == id);
            }
        });
        if plain {
            self.error("KS112", level.by.span, "An aggregate function is expected after by.");
        }
        let mut columns = keys.clone();
        columns.extend(calls.iter().map(|(_, column)| column.clone()));
        let aggregates: Vec<AggregateCall> = calls.into_iter().map(|(call, _)| call).collect();
        let group_keys = keys.iter().map(|c| Expr::column(c, span)).collect();
        let kind = RelKind::Aggregate { input: Box::new(input), keys: group_keys, aggregates };
        let grouped = Rel { kind, columns, serialized: false, open: false, span };
        let result = self.column("", value.ty);
        let exprs = keys.iter().map(|c| Expr::column(c, span)).chain([value]).collect();
        project(grouped, keys.into_iter().chain([result]).collect(), exprs, span)
    }

    /// The greatest groups of a level within each group of the level above.
    fn greatest(&mut self, groups: Rel, depth: usize, level: &TopNestedLevel, env: &Env, span: Span) -> Rel {
        let Some(count) = &level.count else { return groups };
        let Some(value) = groups.columns.last() else { return groups };
        let ascending = level.ascending.unwrap_or(false);
        let by = SortKey { expr: Expr::column(value, span), ascending, nulls_first: ascending };
        let count = self.count_expr(count, env);
        let columns = groups.columns.clone();
        let per = columns.iter().step_by(2).take(depth).map(|c| c.id).collect();
        let sorted = RelKind::Sort { input: Box::new(groups), keys: vec![by], limit: None };
        let sorted = Rel { kind: sorted, columns: columns.clone(), serialized: true, open: false, span };
        let kind = RelKind::Take { input: Box::new(sorted), count, per };
        Rel { kind, columns, serialized: true, open: false, span }
    }

    /// `with others`: a row of the values that were not chosen. Deeper levels have nothing to say about it.
    fn others(
        &mut self,
        groups: Rel,
        parents: Option<usize>,
        depth: usize,
        value: &ast::Expr,
        env: &Env,
        span: Span,
    ) -> Rel {
        let joined = match parents {
            None => groups,
            Some(parents) => {
                let left = self.read_shared(parents, span);
                beside(left, groups, depth, span)
            }
        };
        let name = self.scalar(value, Row::NONE, env);
        let ty = name.ty;
        let mut columns = joined.columns.clone();
        let mut exprs: Vec<Expr> = columns.iter().map(|c| Expr::column(c, span)).collect();
        let at = columns.len() - 1;
        columns.insert(at, self.column("", ty));
        exprs.insert(at, name);
        project(joined, columns, exprs, span)
    }

    /// `top-hitters N of X by Y`: exact counts or sums are good approximations.
    pub(super) fn top_hitters(
        &mut self,
        input: Rel,
        count: &ast::Expr,
        of: &NamedExpr,
        by: Option<&NamedExpr>,
        env: &Env,
        span: Span,
    ) -> Rel {
        let count = self.count_expr(count, env);
        self.column_only(of);
        let (keys, columns, _) = self.group_keys(&input, std::slice::from_ref(of), env);
        let Some(key) = columns.into_iter().next() else { return self.error_rel(span) };
        let (call, name) = match by {
            None => {
                let call = AggregateCall::new("count", Vec::new(), Type::Long, span);
                (call, format!("approximate_count_{}", key.name))
            }
            Some(by) => {
                let value = self.scalar(&by.value, Row::of(&input), env);
                if matches!(value.kind, ExprKind::Error) {
                    return self.error_rel(span);
                }
                if !value.ty.is_summable() {
                    let message = "The argument value must be summable: a number, timespan or datetime.";
                    self.error("KS138", value.span, message);
                    return self.error_rel(span);
                }
                let value = if value.ty == Type::Int { self.convert(value, Type::Long) } else { value };
                let ty = value.ty;
                let name = format!("approximate_sum_{}", name_of(&by.value).unwrap_or_default());
                (AggregateCall::new("sum", vec![value], ty, span), name)
            }
        };
        let total = self.column(name, call.ty);
        let columns = vec![key, total.clone()];
        let kind = RelKind::Aggregate { input: Box::new(input), keys, aggregates: vec![call] };
        let grouped = Rel { kind, columns: columns.clone(), serialized: false, open: false, span };
        let by = SortKey { expr: Expr::column(&total, span), ascending: false, nulls_first: false };
        let kind = RelKind::Sort { input: Box::new(grouped), keys: vec![by], limit: Some(count) };
        Rel { kind, columns, serialized: true, open: false, span }
    }

    fn column_only(&mut self, of: &NamedExpr) {
        if !matches!(of.value.kind, ast::ExprKind::Name(_)) {
            self.error("KS109", of.value.span, "Column name expected.");
        }
    }

    /// `sample-distinct N of X`: any N different values.
    pub(super) fn sample_distinct(
        &mut self,
        input: Rel,
        count: &ast::Expr,
        of: &NamedExpr,
        env: &Env,
        span: Span,
    ) -> Rel {
        let count = self.count_expr(count, env);
        self.column_only(of);
        let (keys, columns, _) = self.group_keys(&input, std::slice::from_ref(of), env);
        let kind = RelKind::Aggregate { input: Box::new(input), keys, aggregates: Vec::new() };
        let distinct = Rel { kind, columns: columns.clone(), serialized: false, open: false, span };
        let kind = RelKind::Take { input: Box::new(distinct), count, per: Vec::new() };
        Rel { kind, columns, serialized: false, open: false, span }
    }
}

/// Pairs of equal columns; nulls are equal.
fn equal(left: &[Column], right: impl Iterator<Item = Column>, span: Span) -> Vec<(Expr, Expr)> {
    left.iter().zip(right).map(|(l, r)| (Expr::column(l, span), Expr::column(&r, span))).collect()
}

/// Rows that have, or have not, a row of the same keys in `by`, whose columns are pairs of key and aggregate.
fn filtered(rows: Rel, by: Rel, kind: JoinKind, keys: &[Column], span: Span) -> Rel {
    let keys = equal(keys, by.columns.iter().step_by(2).cloned(), span);
    let columns = rows.columns.clone();
    let kind = RelKind::Join { left: Box::new(rows), right: Box::new(by), kind, keys };
    Rel { kind, columns, serialized: false, open: false, span }
}

/// Pairs of key and aggregate of the levels above, and behind them what `groups` adds to their `depth` keys.
fn beside(above: Rel, groups: Rel, depth: usize, span: Span) -> Rel {
    let parents: Vec<Column> = above.columns.iter().step_by(2).cloned().collect();
    let keys = equal(&parents, groups.columns[..depth].iter().cloned(), span);
    let columns = above.columns.iter().chain(&groups.columns[depth..]).cloned().collect();
    let kind = RelKind::Join { left: Box::new(above), right: Box::new(groups), kind: JoinKind::Inner, keys };
    Rel { kind, columns, serialized: false, open: false, span }
}
