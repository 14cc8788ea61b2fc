//! Pipelines, and the operators that keep or choose columns.

use kql_functions::{Type, Val};
use kql_syntax::Span;
use kql_syntax::ast::{self, Operator, OperatorKind};

use super::items::{Names, already_declared};
use super::{Binder, Env, Row, project};
use crate::bound::{Column, Expr, ExprKind, Rel, RelKind, SortKey};
use crate::nearest::nearest;

impl Binder<'_> {
    /// Applies operators one after the other; `as` names are visible in the later ones.
    pub(super) fn pipeline(&mut self, source: Rel, operators: &[Operator], env: &Env) -> Rel {
        let mut rel = source;
        let mut env = std::rc::Rc::clone(env);
        let mut named = None;
        for (at, operator) in operators.iter().enumerate() {
            if let OperatorKind::As(name) = &operator.kind {
                if matches!(rel.kind, RelKind::Error) {
                    continue;
                }
                let index = match rel.kind {
                    RelKind::Shared(index) => index,
                    _ => self.share(rel, false),
                };
                env = env.with(&name.text, super::scope::Entity::Tabular(index));
                rel = self.read_shared(index, operator.span);
                named = Some(name.text.clone());
                continue;
            }
            self.input_name = named.take();
            let tables = self.branches.len();
            rel = self.operator_of_open(rel, operator, &env);
            rel.span = operator.span;
            let rest = operators.get(at + 1..).unwrap_or_default();
            if !has_further_tables(operator, rest) {
                self.branches.truncate(tables);
            }
        }
        rel
    }

    pub(super) fn operator(&mut self, input: Rel, operator: &Operator, env: &Env) -> Rel {
        let span = operator.span;
        match &operator.kind {
            OperatorKind::Where(predicate) => {
                let predicate = self.scalar(predicate, Row::of(&input), env);
                let predicate = self.predicate(predicate);
                self.filter(input, predicate, span)
            }
            OperatorKind::Project(items) => self.projection(input, items, env, span),
            OperatorKind::Extend(items) | OperatorKind::Serialize(items) => {
                let mut input = input;
                input.serialized |= matches!(operator.kind, OperatorKind::Serialize(_));
                self.extend(input, items, env, span)
            }
            OperatorKind::ProjectAway(patterns) => {
                let away = self.matching(&input, patterns);
                let keep = (0..input.columns.len()).filter(|i| !away.contains(i)).collect();
                self.choose(input, keep, span)
            }
            OperatorKind::ProjectKeep(patterns) => {
                let mut keep = self.matching(&input, patterns);
                keep.sort_unstable();
                keep.dedup();
                self.choose(input, keep, span)
            }
            OperatorKind::ProjectRename(items) => self.rename(input, items),
            OperatorKind::ProjectReorder(items) => self.reorder(input, items, span),
            OperatorKind::Count { as_name } => self.count(input, as_name.as_ref(), span),
            OperatorKind::Take(count) => {
                let count = self.count_expr(count, env);
                let (columns, serialized, open) = (input.columns.clone(), input.serialized, input.open);
                Rel {
                    kind: RelKind::Take { input: Box::new(input), count, per: Vec::new() },
                    columns,
                    serialized,
                    open,
                    span,
                }
            }
            OperatorKind::Sample(count) => {
                let count = self.count_expr(count, env);
                let (columns, open) = (input.columns.clone(), input.open);
                Rel { kind: RelKind::Sample { input: Box::new(input), count }, columns, serialized: false, open, span }
            }
            OperatorKind::Sort(keys) => self.sort(input, keys, None, env, span),
            OperatorKind::Top { count, by, with_others: None } => {
                let count = self.count_expr(count, env);
                self.sort(input, by, Some(count), env, span)
            }
            OperatorKind::Distinct(items) => self.distinct(input, items, env, span),
            OperatorKind::Summarize { aggregates, by, .. } => self.summarize(input, aggregates, by, env, span),
            OperatorKind::Join { right, on } => self.join(input, right, on, &operator.properties, env, span),
            OperatorKind::Lookup { right, on } => self.lookup(input, right, on, &operator.properties, env, span),
            OperatorKind::Union(items) => self.union(Some(input), items, &operator.properties, env, span),
            OperatorKind::MvExpand { items, limit } => {
                self.mv_expand(input, items, limit.as_ref(), &operator.properties, env, span)
            }
            OperatorKind::Parse { expr, pattern, drop_unmatched } => {
                self.parse(input, expr, pattern, *drop_unmatched, &operator.properties, env, span)
            }
            OperatorKind::ParseKv { expr, columns, with } => self.parse_kv(input, expr, columns, with, env, span),
            OperatorKind::GetSchema => self.getschema(&input, &operator.properties, span),
            OperatorKind::Render { chart, properties } => {
                self.render = Some(crate::explain::render_chart(chart.as_ref(), properties));
                self.render_properties(&input, properties, env);
                input
            }
            OperatorKind::MakeSeries { .. } => self.make_series(input, &operator.kind, &operator.properties, env, span),
            OperatorKind::Evaluate { call, schema, open } => {
                self.evaluate(input, call, schema.as_deref().map(|columns| (columns, *open)), env, span)
            }
            OperatorKind::Invoke(call) => self.invoke(input, call, env, span),
            OperatorKind::Consume => {
                let mut input = input;
                input.columns.clear();
                let none = self.choose(input, Vec::new(), span);
                let count = Expr::constant(Val::Long(0), Type::Long, span);
                let kind = RelKind::Take { input: Box::new(none), count, per: Vec::new() };
                Rel { kind, columns: Vec::new(), serialized: false, open: false, span }
            }
            OperatorKind::Find { .. } => self.find(Some(input), &operator.kind, env, span),
            OperatorKind::TopNested(levels) => self.top_nested(input, levels, env, span),
            OperatorKind::TopHitters { count, of, by } => self.top_hitters(input, count, of, by.as_ref(), env, span),
            OperatorKind::SampleDistinct { count, of } => self.sample_distinct(input, count, of, env, span),
            OperatorKind::ProjectByNames(names) => self.project_by_names(input, names, env, span),
            OperatorKind::AssertSchema(columns) => self.assert_schema(input, columns, span),
            OperatorKind::Reduce { by, with } => self.reduce(input, by, with, &operator.properties, env, span),
            OperatorKind::MakeGraph { source, target, with, partitioned_by } => {
                self.make_graph(input, source, target, with, partitioned_by.as_deref(), env, span)
            }
            OperatorKind::GraphMatch { patterns, r#where, project } => {
                self.graph_match(&input, patterns, r#where.as_ref(), project, &operator.properties, env, span)
            }
            OperatorKind::GraphShortestPaths { patterns, r#where, project } => {
                self.graph_paths(&input, patterns, r#where.as_ref(), project, &operator.properties, env, span)
            }
            OperatorKind::GraphToTable { outputs } => self.graph_to_table(&input, outputs, span),
            OperatorKind::GraphMarkComponents => self.graph_components(&input, &operator.properties, span),
            OperatorKind::Search { sources, predicate } => {
                self.search(Some(input), sources, predicate, &operator.properties, env, span)
            }
            OperatorKind::Fork(branches) => self.fork(input, branches, env, span),
            OperatorKind::Facet { by, with } => self.facet(input, by, with.as_deref(), env, span),
            OperatorKind::MvApply { .. } => self.mv_apply(input, &operator.kind, &operator.properties, env, span),
            OperatorKind::Partition { by, body } => self.partition(input, by, body, env, span),
            OperatorKind::Scan { .. } => self.scan(input, &operator.kind, &operator.properties, env, span),
            OperatorKind::Error => self.error_rel(span),
            other => {
                let what = format!("The operator '{}'", operator_name(other));
                self.unsupported(span, &what);
                self.error_rel(span)
            }
        }
    }

    pub(super) fn filter(&mut self, input: Rel, predicate: Expr, span: Span) -> Rel {
        let shown = input.columns.clone();
        let (input, mut predicates) = self.windows_first(input, vec![predicate], span);
        let (columns, serialized, open) = (input.columns.clone(), input.serialized, input.open);
        let predicate = predicates.pop().unwrap_or_else(|| self.error_expr(span));
        let kind = RelKind::Filter { input: Box::new(input), predicate };
        self.showing(Rel { kind, columns, serialized, open, span }, shown)
    }

    /// Window functions are computed for all rows, before some are left out or others come first: expressions with such
    /// functions become columns behind the input's own.
    fn windows_first(&mut self, input: Rel, exprs: Vec<Expr>, span: Span) -> (Rel, Vec<Expr>) {
        let has_window = |expr: &Expr| {
            let mut found = false;
            expr.walk(&mut |e| found |= matches!(e.kind, ExprKind::Window { .. }));
            found
        };
        if !exprs.iter().any(has_window) {
            return (input, exprs);
        }
        let mut columns = input.columns.clone();
        let mut values: Vec<Expr> = columns.iter().map(|c| Expr::column(c, span)).collect();
        let mut replaced = Vec::with_capacity(exprs.len());
        for expr in exprs {
            if has_window(&expr) {
                let column = self.column("", expr.ty);
                replaced.push(Expr::column(&column, expr.span));
                columns.push(column);
                values.push(expr);
            } else {
                replaced.push(expr);
            }
        }
        (project(input, columns, values, span), replaced)
    }

    /// Only these columns of a relation, where it has more.
    fn showing(&mut self, rel: Rel, columns: Vec<Column>) -> Rel {
        if rel.columns.len() == columns.len() {
            return rel;
        }
        let span = rel.span;
        let exprs = columns.iter().map(|c| Expr::column(c, span)).collect();
        project(rel, columns, exprs, span)
    }

    /// A count of rows: an integer known before the rows are.
    pub(super) fn count_expr(&mut self, count: &ast::Expr, env: &Env) -> Expr {
        let expr = self.scalar(count, Row::NONE, env);
        if matches!(expr.kind, ExprKind::Error) {
            return expr;
        }
        if !expr.ty.is_integer() && expr.ty != Type::Dynamic {
            self.error("KS134", expr.span, "The expression value must be an integer.");
            return self.error_expr(expr.span);
        }
        self.convert(expr, Type::Long)
    }

    pub(super) fn projection(&mut self, input: Rel, items: &[ast::NamedExpr], env: &Env, span: Span) -> Rel {
        if let [ast::NamedExpr { names, value: ast::Expr { kind: ast::ExprKind::Star, .. }, .. }] = items
            && names.is_empty()
        {
            let all = (0..input.columns.len()).collect();
            return self.choose(input, all, span);
        }
        let bound = self.items(items, Row::of(&input), env);
        let mut columns: Vec<Column> = Vec::with_capacity(bound.len());
        let mut exprs = Vec::with_capacity(bound.len());
        let mut names = Names::default();
        for item in bound {
            match names.of(&item, &columns) {
                Ok(name) => {
                    columns.push(self.column(name, item.value.ty));
                    exprs.push(item.value);
                }
                Err(name) => self.error("KS171", item.span, already_declared(&name)),
            }
        }
        let mut rel = project(input, columns, exprs, span);
        rel.open = false;
        rel
    }

    pub(super) fn extend(&mut self, input: Rel, items: &[ast::NamedExpr], env: &Env, span: Span) -> Rel {
        if items.is_empty() {
            return input;
        }
        let bound = self.items(items, Row::of(&input), env);
        let mut columns = input.columns.clone();
        let mut exprs: Vec<Expr> = columns.iter().map(|c| Expr::column(c, span)).collect();
        let mut names = Names::default();
        for item in bound {
            let name = match names.replacing(&item, &columns) {
                Ok(name) => name,
                Err(name) => {
                    self.error("KS171", item.span, already_declared(&name));
                    continue;
                }
            };
            let value = item.value;
            let column = self.column(name.clone(), value.ty);
            match columns.iter().position(|c| c.name == name) {
                Some(at) => {
                    columns[at] = column;
                    exprs[at] = value;
                }
                None => {
                    columns.push(column);
                    exprs.push(value);
                }
            }
        }
        project(input, columns, exprs, span)
    }

    /// Keeps columns by position.
    pub(super) fn choose(&mut self, input: Rel, keep: Vec<usize>, span: Span) -> Rel {
        let columns: Vec<Column> = keep.iter().filter_map(|i| input.columns.get(*i).cloned()).collect();
        let exprs = columns.iter().map(|c| Expr::column(c, span)).collect();
        project(input, columns, exprs, span)
    }

    /// Positions of the columns that names or wildcards mean, in the order of the patterns.
    fn matching(&mut self, input: &Rel, patterns: &[ast::Expr]) -> Vec<usize> {
        let mut found = Vec::new();
        for pattern in patterns {
            match &pattern.kind {
                ast::ExprKind::Name(name) if name.text.contains('*') => {
                    let before = found.len();
                    found.extend((0..input.columns.len()).filter(|i| wildcard(&name.text, &input.columns[*i].name)));
                    if found.len() == before && !input.open {
                        let message = format!("The name '{}' does not refer to any known column.", name.text);
                        self.error("KS109", name.span, message);
                    }
                }
                ast::ExprKind::Name(name) => found.extend(self.column_to_choose(input, name)),
                ast::ExprKind::Star => found.extend(0..input.columns.len()),
                _ => self.error("KS109", pattern.span, "Column name expected."),
            }
        }
        found
    }

    /// Position of a column that an operator of names alone chooses, or an error.
    fn column_to_choose(&mut self, input: &Rel, name: &ast::Name) -> Option<usize> {
        let message = || format!("Column name expected: there is no column '{}'.", name.text);
        self.column_or(input, name, "KS109", message)
    }

    /// Position of a column, or an error.
    pub(super) fn find_column(&mut self, input: &Rel, name: &ast::Name) -> Option<usize> {
        let message =
            || format!("The name '{}' does not refer to any known column, table, variable or function.", name.text);
        self.column_or(input, name, "KS142", message)
    }

    fn column_or(
        &mut self,
        input: &Rel,
        name: &ast::Name,
        code: &'static str,
        message: impl FnOnce() -> String,
    ) -> Option<usize> {
        let found = input.columns.iter().position(|c| c.name == name.text);
        if found.is_none() && !input.open {
            let help = nearest(&name.text, input.columns.iter().map(|c| c.name.as_str()))
                .map(|n| format!("did you mean '{n}'?"));
            self.error_with_help(code, name.span, message(), help);
        }
        if found.is_none() {
            self.infer(input.open, &name.text);
        }
        found
    }

    fn rename(&mut self, mut input: Rel, items: &[ast::NamedExpr]) -> Rel {
        let mut renamed = Vec::new();
        for item in items {
            let ([new], ast::ExprKind::Name(old)) = (item.names.as_slice(), &item.value.kind) else {
                self.error("KS110", item.span, "Column rename assignment expected.");
                continue;
            };
            if let Some(at) = self.column_to_choose(&input, old) {
                renamed.push((at, new));
            }
        }
        let mut columns = input.columns.clone();
        for (at, new) in renamed {
            if columns.iter().any(|c| c.name == new.text) {
                self.error("KS171", new.span, already_declared(&new.text));
            } else {
                columns[at].name.clone_from(&new.text);
            }
        }
        input.columns = columns;
        let keep = (0..input.columns.len()).collect();
        let span = input.span;
        self.choose(input, keep, span)
    }

    fn reorder(&mut self, input: Rel, items: &[(ast::Expr, Option<ast::Name>)], span: Span) -> Rel {
        let mut order: Vec<usize> = Vec::new();
        let mut named: std::collections::HashSet<usize> = std::collections::HashSet::new();
        for (pattern, direction) in items {
            let mut found = self.matching(&input, std::slice::from_ref(pattern));
            if let (ast::ExprKind::Name(name), [at]) = (&pattern.kind, found.as_slice())
                && !name.text.contains('*')
                && !named.insert(*at)
            {
                self.error("KS171", name.span, already_declared(&name.text));
            }
            found.retain(|i| !order.contains(i));
            let name = |i: &usize| input.columns[*i].name.clone();
            match direction.as_ref().map(|d| d.text.as_str()) {
                Some("asc") => found.sort_by_key(name),
                Some("desc") => found.sort_by_key(|i| std::cmp::Reverse(name(i))),
                Some("granny-asc" | "granny_asc") => found.sort_by_key(|i| granny(&name(i))),
                Some("granny-desc" | "granny_desc") => found.sort_by_key(|i| std::cmp::Reverse(granny(&name(i)))),
                _ => {}
            }
            order.extend(found);
        }
        let rest: Vec<usize> = (0..input.columns.len()).filter(|i| !order.contains(i)).collect();
        order.extend(rest);
        self.choose(input, order, span)
    }

    fn count(&mut self, input: Rel, as_name: Option<&ast::Name>, span: Span) -> Rel {
        let column = self.column(as_name.map_or("Count", |n| n.text.as_str()), Type::Long);
        let call = crate::bound::AggregateCall::new("count", Vec::new(), Type::Long, span);
        Rel {
            kind: RelKind::Aggregate { input: Box::new(input), keys: Vec::new(), aggregates: vec![call] },
            columns: vec![column],
            serialized: false,
            open: false,
            span,
        }
    }

    pub(super) fn sort(&mut self, input: Rel, by: &[ast::Ordered], limit: Option<Expr>, env: &Env, span: Span) -> Rel {
        let mut keys = Vec::with_capacity(by.len());
        for ordered in by {
            let expr = self.scalar(&ordered.expr.value, Row::of(&input), env);
            if matches!(expr.kind, ExprKind::Error) {
                continue;
            }
            if expr.ty == Type::Dynamic {
                self.error("KS116", expr.span, "The value of type 'dynamic' is not allowed in this context.");
                continue;
            }
            let ascending = ordered.ascending.unwrap_or(false);
            keys.push(SortKey { expr, ascending, nulls_first: ordered.nulls_first.unwrap_or(ascending) });
        }
        let shown = input.columns.clone();
        let exprs = keys.iter().map(|k| k.expr.clone()).collect();
        let (input, exprs) = self.windows_first(input, exprs, span);
        for (key, expr) in keys.iter_mut().zip(exprs) {
            key.expr = expr;
        }
        let (columns, open) = (input.columns.clone(), input.open);
        let kind = RelKind::Sort { input: Box::new(input), keys, limit };
        self.showing(Rel { kind, columns, serialized: true, open, span }, shown)
    }

    fn distinct(&mut self, input: Rel, items: &[ast::NamedExpr], env: &Env, span: Span) -> Rel {
        let rel = match items {
            [ast::NamedExpr { names, value: ast::Expr { kind: ast::ExprKind::Star, .. }, .. }] if names.is_empty() => {
                input
            }
            _ => self.projection(input, items, env, span),
        };
        if let Some(at) = rel.columns.iter().position(|c| c.ty == Type::Dynamic) {
            let at = items.get(at).or_else(|| items.first()).map_or(span, |item| item.span);
            self.error("KS116", at, "The value of type 'dynamic' is not allowed in this context.");
        }
        let keys = rel.columns.iter().map(|c| Expr::column(c, span)).collect();
        let columns = rel.columns.iter().map(|c| (c.name.clone(), c.ty)).collect::<Vec<_>>();
        let columns = columns.into_iter().map(|(name, ty)| self.column(name, ty)).collect();
        let open = rel.open;
        Rel {
            kind: RelKind::Aggregate { input: Box::new(rel), keys, aggregates: Vec::new() },
            columns,
            serialized: false,
            open,
            span,
        }
    }

    /// `invoke f(args)`: a function whose first, tabular parameter is the input.
    fn invoke(&mut self, input: Rel, call: &ast::Expr, env: &Env, span: Span) -> Rel {
        let ast::ExprKind::Call { name, args } = &call.kind else {
            self.error("KS211", call.span, "A function call is expected after invoke.");
            return self.error_rel(span);
        };
        if matches!(input.kind, RelKind::Error) {
            return input;
        }
        // The input gets a name that no query can write.
        let index = self.share(input, false);
        let env = env.with("\u{0}input", super::scope::Entity::Tabular(index));
        let input_name = ast::Name { text: "\u{0}input".to_string(), span };
        let first = ast::Arg { name: None, value: ast::Expr { kind: ast::ExprKind::Name(input_name), span } };
        let args: Vec<ast::Arg> = std::iter::once(first).chain(args.iter().cloned()).collect();
        match self.call_value(name, &args, Row::NONE, &env, span) {
            super::statements::Value::Rel(rel) => rel,
            super::statements::Value::Scalar(expr) => {
                if !matches!(expr.kind, ExprKind::Error) {
                    self.error("KS203", span, "invoke expects a function that gives a table.");
                }
                self.error_rel(span)
            }
        }
    }
}

/// Whether a pattern with `*` matches a name.
pub(super) fn wildcard(pattern: &str, name: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(first) = parts.next() else { return false };
    let Some(mut rest) = name.strip_prefix(first) else { return false };
    let mut parts: Vec<&str> = parts.collect();
    let Some(last) = parts.pop() else { return rest.is_empty() };
    for part in parts {
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
}

/// Sort key of natural order: numbers inside a name count as numbers.
fn granny(name: &str) -> Vec<(String, u64)> {
    let mut parts = Vec::new();
    let mut rest = name;
    while !rest.is_empty() {
        let text = rest.find(|c: char| c.is_ascii_digit()).unwrap_or(rest.len());
        let (word, tail) = rest.split_at(text);
        let digits = tail.find(|c: char| !c.is_ascii_digit()).unwrap_or(tail.len());
        let (number, tail) = tail.split_at(digits);
        parts.push((word.to_string(), number.parse().unwrap_or(0)));
        rest = tail;
    }
    parts
}

/// Whether further tables of an operator are results of the query. Those of a plugin are lost where operators follow;
/// those of queries inside of operators always are.
fn has_further_tables(operator: &Operator, rest: &[Operator]) -> bool {
    match operator.kind {
        OperatorKind::Fork(_) | OperatorKind::Facet { .. } | OperatorKind::Invoke(_) => true,
        OperatorKind::Evaluate { .. } => rest.iter().all(|o| matches!(o.kind, OperatorKind::Render { .. })),
        _ => false,
    }
}

/// Kusto's word for an operator that is not handled here.
fn operator_name(kind: &OperatorKind) -> &'static str {
    match kind {
        OperatorKind::MacroExpand { .. } => "macro-expand",
        OperatorKind::Top { .. } => "top … with others",
        OperatorKind::Print(_) | OperatorKind::Range { .. } => "print or range after a pipe",
        _ => "?",
    }
}
