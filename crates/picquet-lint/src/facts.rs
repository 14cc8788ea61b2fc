//! What a bound query does with tables: which it reads, within which times, and where its columns come from.

use std::collections::HashMap;

use kql_functions::{Type, Val};
use kql_semantics::bound::{ColumnId, Expr, ExprKind, Query, Rel, RelKind};
use kql_syntax::Span;

use crate::shape::{self, Shape};

/// Columns that tell when something happened or came in.
const TIME_COLUMNS: [&str; 3] = ["TimeGenerated", "Timestamp", "_TimeReceived"];

/// A table that is read at one place of the query.
#[derive(Debug, Clone)]
pub(crate) struct Read {
    pub table: String,
    pub span: Span,
    /// The latest of the instants that its rows must lie behind.
    pub lower: Option<Bound>,
    /// An instant that its rows must lie before.
    pub upper: Option<Bound>,
    /// A condition on one of its columns holds for all its rows.
    pub filtered: bool,
    /// The table has a column that tells the time.
    pub timed: bool,
    /// A `let` of the query, whose own uses stand for it.
    is_shared: bool,
}

/// A constant instant that a time column is compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Bound {
    /// Ticks since year 1.
    pub at: i64,
    pub span: Span,
}

/// A comparison of a table's column with literals.
#[derive(Debug, Clone)]
pub(crate) struct Comparison {
    /// Table and column; several where a union gives them.
    pub columns: Vec<(String, String)>,
    pub operator: String,
    pub literals: Vec<(String, Span)>,
}

/// What the whole tree tells.
#[derive(Debug, Default)]
pub(crate) struct Facts {
    pub reads: Vec<Read>,
    pub comparisons: Vec<Comparison>,
    /// Expression and number of columns of each `in (query)`.
    pub in_queries: Vec<(Span, Vec<String>)>,
    origins: HashMap<ColumnId, Vec<(usize, String)>>,
    shapes: HashMap<ColumnId, Shape>,
}

impl Facts {
    /// Walks a tree.
    pub(crate) fn of(query: &Query) -> Facts {
        let mut facts = Facts::default();
        for (index, shared) in query.shared.iter().enumerate() {
            facts.rel(&shared.rel, &query.shared[..index]);
        }
        let shared = &query.shared;
        for rel in query.subqueries.iter().chain([&query.rel]).chain(&query.others) {
            facts.rel(rel, shared);
        }
        facts.all_exprs(query);
        facts.reads.retain(|read| !read.is_shared);
        facts
    }

    /// What values of a column look like, where that is known.
    pub(crate) fn shape(&self, column: ColumnId) -> Option<Shape> {
        self.shapes.get(&column).copied()
    }

    fn rel(&mut self, rel: &Rel, shared: &[kql_semantics::bound::Shared]) {
        for input in rel.inputs() {
            self.rel(input, shared);
        }
        match &rel.kind {
            RelKind::Table { name, source } => self.table(rel, name, source),
            RelKind::Shared(index) => {
                if let Some(shared) = shared.get(*index) {
                    self.use_shared(rel, &shared.rel);
                }
            }
            RelKind::Filter { input, predicate } => {
                self.filters(input);
                self.condition(predicate);
            }
            RelKind::Project { exprs, .. } => {
                for (column, expr) in rel.columns.iter().zip(exprs) {
                    self.computed(column.id, expr);
                }
            }
            RelKind::Aggregate { keys, aggregates, .. } => {
                for (column, key) in rel.columns.iter().zip(keys) {
                    self.computed(column.id, key);
                }
                for (column, call) in rel.columns.iter().skip(keys.len()).zip(aggregates) {
                    if let Some(shape) = shape::of_aggregate(&call.function) {
                        self.shapes.insert(column.id, shape);
                    } else if let Some(value) = call.args.last().filter(|_| shape::keeps_values(&call.function)) {
                        self.computed(column.id, value);
                    }
                }
            }
            RelKind::MakeSeries { keys, .. } => {
                for column in rel.columns.iter().skip(*keys) {
                    self.shapes.insert(column.id, Shape::Array);
                }
            }
            RelKind::Union(branches) => {
                for branch in branches {
                    for (position, from) in &branch.columns {
                        if let Some(column) = rel.columns.get(*position) {
                            self.copy(from.id, column.id);
                        }
                    }
                }
            }
            _ => {}
        }
    }

    /// A use of rows that several places read is a reading of its own: its conditions are not those of the others.
    fn use_shared(&mut self, rel: &Rel, shared: &Rel) {
        let mut renumbered: HashMap<usize, usize> = HashMap::new();
        for (column, from) in rel.columns.iter().zip(&shared.columns) {
            self.copy(from.id, column.id);
            for (read, _) in self.origins.get_mut(&column.id).into_iter().flatten() {
                let next = self.reads.len();
                let own = *renumbered.entry(*read).or_insert(next);
                if own == next
                    && let Some(known) = self.reads.get_mut(*read)
                {
                    known.is_shared = true;
                    let copy = Read { is_shared: false, ..known.clone() };
                    self.reads.push(copy);
                }
                *read = own;
            }
        }
    }

    fn table(&mut self, rel: &Rel, name: &str, source: &[String]) {
        let read = self.reads.len();
        for (column, source) in rel.columns.iter().zip(source) {
            self.origins.insert(column.id, vec![(read, source.clone())]);
            if column.ty == Type::Dynamic {
                self.shapes.insert(column.id, Shape::Json);
            }
        }
        self.reads.push(Read {
            table: name.to_owned(),
            span: rel.span,
            lower: None,
            upper: None,
            filtered: false,
            timed: source.iter().any(|column| TIME_COLUMNS.contains(&column.as_str())),
            is_shared: false,
        });
    }

    fn copy(&mut self, from: ColumnId, to: ColumnId) {
        if let Some(origins) = self.origins.get(&from).cloned() {
            self.origins.entry(to).or_default().extend(origins);
        }
        if let Some(shape) = self.shapes.get(&from).copied() {
            self.shapes.insert(to, shape);
        }
    }

    fn computed(&mut self, column: ColumnId, expr: &Expr) {
        if let ExprKind::Column(from) = &expr.kind {
            if *from != column {
                self.copy(*from, column);
            }
        } else if let Some(shape) = shape::of(expr, &|id| self.shape(id)) {
            self.shapes.insert(column, shape);
        }
    }

    /// Notes that a condition holds for the rows of what a filter stands on, also one on what is computed from them.
    fn filters(&mut self, rel: &Rel) {
        match &rel.kind {
            RelKind::Table { .. } | RelKind::Shared(_) => {
                let origins = rel.columns.iter().filter_map(|column| self.origins.get(&column.id));
                let reads: Vec<usize> = origins.flatten().map(|(read, _)| *read).collect();
                self.mark_filtered(&reads);
            }
            RelKind::Union(branches) => branches.iter().for_each(|branch| self.filters(&branch.rel)),
            RelKind::Filter { input, .. }
            | RelKind::Project { input, .. }
            | RelKind::Sort { input, limit: None, .. }
            | RelKind::MvExpand { input, .. }
            | RelKind::Parse { input, .. }
            | RelKind::ParseKv { input, .. } => self.filters(input),
            _ => {}
        }
    }

    fn mark_filtered(&mut self, reads: &[usize]) {
        for read in reads {
            if let Some(read) = self.reads.get_mut(*read) {
                read.filtered = true;
            }
        }
    }

    /// Takes a condition that all rows behind fulfil apart.
    fn condition(&mut self, predicate: &Expr) {
        let mut reads = Vec::new();
        predicate.walk(&mut |e| {
            if let ExprKind::Column(id) = &e.kind {
                reads.extend(self.origins.get(id).into_iter().flatten().map(|(read, _)| *read));
            }
        });
        self.mark_filtered(&reads);
        self.times(predicate);
    }

    fn times(&mut self, predicate: &Expr) {
        let ExprKind::Call { function, args } = &predicate.kind else { return };
        let [left, right] = args.as_slice() else { return };
        if function == "and" {
            self.times(left);
            self.times(right);
            return;
        }
        let (column, value, operator) = match (&left.kind, &right.kind) {
            (ExprKind::Column(column), ExprKind::Const(Val::DateTime(at))) => {
                (column, Bound { at: *at, span: right.span }, function.as_str())
            }
            (ExprKind::Const(Val::DateTime(at)), ExprKind::Column(column)) => {
                let turned = match function.as_str() {
                    "<" => ">",
                    "<=" => ">=",
                    ">" => "<",
                    ">=" => "<=",
                    other => other,
                };
                (column, Bound { at: *at, span: left.span }, turned)
            }
            _ => return,
        };
        for (read, source) in self.origins.get(column).cloned().unwrap_or_default() {
            let Some(read) = self.reads.get_mut(read).filter(|_| TIME_COLUMNS.contains(&source.as_str())) else {
                continue;
            };
            match operator {
                ">" | ">=" if read.lower.is_none_or(|known| value.at > known.at) => read.lower = Some(value),
                "<" | "<=" if read.upper.is_none_or(|known| value.at < known.at) => read.upper = Some(value),
                _ => {}
            }
        }
    }

    fn all_exprs(&mut self, query: &Query) {
        let mut todo: Vec<&Rel> = vec![&query.rel];
        todo.extend(query.shared.iter().map(|s| &s.rel));
        todo.extend(&query.subqueries);
        todo.extend(&query.others);
        let (mut comparisons, mut in_queries) = (Vec::new(), Vec::new());
        while let Some(rel) = todo.pop() {
            for expr in rel.exprs() {
                expr.walk(&mut |e| match &e.kind {
                    ExprKind::Call { function, args } => comparisons.extend(self.comparison(function, args)),
                    ExprKind::InSubquery { subquery, .. } => {
                        if let Some(rel) = query.subqueries.get(*subquery) {
                            in_queries.push((e.span, rel.columns.iter().map(|c| c.name.clone()).collect()));
                        }
                    }
                    _ => {}
                });
            }
            todo.extend(rel.inputs());
        }
        self.comparisons = comparisons;
        self.in_queries = in_queries;
    }

    fn comparison(&self, function: &str, args: &[Expr]) -> Option<Comparison> {
        let (first, values) = args.split_first()?;
        let ExprKind::Column(column) = &first.kind else { return None };
        let literal = |e: &Expr| match e.as_const() {
            Some(Val::Str(text)) => Some((text.to_string(), e.span)),
            _ => None,
        };
        let literals: Vec<(String, Span)> = values.iter().filter_map(literal).collect();
        let origins = self.origins.get(column)?;
        let table = |(read, source): &(usize, String)| Some((self.reads.get(*read)?.table.clone(), source.clone()));
        let columns: Vec<(String, String)> = origins.iter().filter_map(table).collect();
        let known = !literals.is_empty() && !columns.is_empty();
        known.then(|| Comparison { columns, operator: function.to_owned(), literals })
    }
}
