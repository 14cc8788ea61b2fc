//! Subqueries that run once a partition (`mv-apply`, `partition`), as one plan over all partitions.
//!
//! The subquery is bound as if there were one partition. Then columns that tell the partitions apart are carried through
//! its operators: groups get them as keys, window functions and `take` count within them.

use std::collections::HashMap;

use kql_functions::{Type, Val};
use kql_syntax::Span;

use super::Binder;
use crate::bound::{
    AggregateCall, Branch, Column, Expr, ExprKind, GraphMatch, JoinKind, Marker, Rel, RelKind, SortKey, Stage,
};

/// Columns that go along with a relation's own; they are the last of it.
#[derive(Clone, Default)]
pub(super) struct Along {
    /// Partitions, then the values that are the same within one.
    pub(super) columns: Vec<Column>,
    /// How many of them tell partitions apart.
    pub(super) keys: usize,
    /// Is true on the rows that stand for their partition.
    pub(super) marker: Option<Column>,
}

impl Along {
    fn all(&self) -> impl Iterator<Item = &Column> {
        self.columns.iter().chain(&self.marker)
    }

    /// What window functions and `take` count within.
    fn per(&self) -> Vec<u32> {
        self.columns[..self.keys].iter().chain(&self.marker).map(|c| c.id).collect()
    }
}

/// What a subquery does with the rows of its partition.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Shape {
    /// Something depends on which rows are together.
    pub(super) needs_partitions: bool,
    /// A total is made of rows of which there may be none.
    pub(super) needs_markers: bool,
    /// Rows may be lost, so that a partition may have none.
    loses_rows: bool,
    totals: usize,
}

/// Carries the columns `along` from the shared rows `leaf` up to the result.
pub(super) struct Carry<'c, 'a> {
    binder: &'c mut Binder<'a>,
    leaf: usize,
    along: Along,
    /// What goes along with shared rows that were changed already.
    done: HashMap<usize, Along>,
}

/// Why a subquery cannot be run: what is not supported, and where.
type Refusal = (&'static str, Span);

impl<'c, 'a> Carry<'c, 'a> {
    pub(super) fn new(binder: &'c mut Binder<'a>, leaf: usize, along: Along) -> Self {
        Carry { binder, leaf, along, done: HashMap::new() }
    }

    /// The relation with the columns that go along.
    pub(super) fn rel(&mut self, rel: Rel) -> Result<(Rel, Along), Refusal> {
        let Rel { kind, mut columns, serialized, open, span } = rel;
        let (kind, along) = match kind {
            RelKind::Shared(index) => {
                let along = self.shared(index, span)?;
                (RelKind::Shared(index), along)
            }
            RelKind::Filter { input, predicate } => {
                let (input, along) = self.rel(*input)?;
                let predicate = match &along.marker {
                    None => predicate,
                    Some(marker) => {
                        self.binder.call("or", vec![Expr::column(marker, span), predicate], Type::Bool, span)
                    }
                };
                (RelKind::Filter { input: Box::new(input), predicate }, along)
            }
            RelKind::Project { input, exprs } => {
                let (input, along) = self.rel(*input)?;
                let per = along.per();
                let own = exprs.into_iter().map(|e| within(e, &per));
                let exprs = own.chain(along.all().map(|c| Expr::column(c, span))).collect();
                (RelKind::Project { input: Box::new(input), exprs }, along)
            }
            RelKind::Aggregate { input, keys, aggregates } => {
                return self.aggregate(*input, keys, aggregates, columns, open, span);
            }
            RelKind::Sort { input, mut keys, limit } => {
                let (input, along) = self.rel(*input)?;
                // Partitions stay together, each in its own order.
                let partitions = along.columns[..along.keys].iter().map(|c| SortKey {
                    expr: Expr::column(c, span),
                    ascending: true,
                    nulls_first: true,
                });
                keys.splice(0..0, partitions.collect::<Vec<_>>());
                let sorted = RelKind::Sort { input: Box::new(input), keys, limit: None };
                match limit {
                    None => (sorted, along),
                    Some(count) => {
                        let columns = columns.iter().chain(along.all()).cloned().collect();
                        let sorted = Rel { kind: sorted, columns, serialized: true, open, span };
                        (RelKind::Take { input: Box::new(sorted), count, per: along.per() }, along)
                    }
                }
            }
            RelKind::Take { input, count, mut per } => {
                let (input, along) = self.rel(*input)?;
                per.extend(along.per());
                (RelKind::Take { input: Box::new(input), count, per }, along)
            }
            RelKind::MvExpand { input, items, index, pairs, limit, marker } => {
                let (input, mut along) = self.rel(*input)?;
                let marker = match (marker, &along.marker) {
                    (None, Some(kept)) => {
                        let kept = kept.id;
                        let output = self.binder.column("", Type::Bool);
                        along.marker = Some(output.clone());
                        Some(Marker { input: Some(kept), output })
                    }
                    // With markers of its own every row stays, and so do the outer ones.
                    (marker, _) => marker,
                };
                (RelKind::MvExpand { input: Box::new(input), items, index, pairs, limit, marker }, along)
            }
            RelKind::Parse { drop_unmatched: true, .. } if self.along.marker.is_some() => {
                return Err(("parse-where before a total in a subquery", span));
            }
            RelKind::Parse { input, source, kind, flags, pattern, outputs, drop_unmatched } => {
                let (input, along) = self.rel(*input)?;
                let input = Box::new(input);
                (RelKind::Parse { input, source, kind, flags, pattern, outputs, drop_unmatched }, along)
            }
            RelKind::ParseKv { input, source, outputs, options } => {
                let (input, along) = self.rel(*input)?;
                (RelKind::ParseKv { input: Box::new(input), source, outputs, options }, along)
            }
            RelKind::Join { left, right, kind, keys } => self.join(*left, *right, kind, keys, span)?,
            RelKind::Union(branches) => return self.union(branches, columns, open, span),
            RelKind::MakeSeries { .. } => return Err(("make-series in the subquery of this operator", span)),
            RelKind::Sample { .. } => return Err(("sample in the subquery of this operator", span)),
            RelKind::Staged { inputs, stage } => return self.staged(inputs, *stage, columns, open, span),
            RelKind::Open { .. } | RelKind::Resolved(_) => {
                return Err(("this operator in the subquery of mv-apply or partition", span));
            }
            RelKind::Table { .. }
            | RelKind::Values(_)
            | RelKind::Range { .. }
            | RelKind::External(_)
            | RelKind::Watchlist { .. }
            | RelKind::Graph(_)
            | RelKind::NotRun(_)
            | RelKind::Refused(_)
            | RelKind::Error => (kind, Along::default()),
        };
        columns.extend(along.all().cloned());
        Ok((Rel { kind, columns, serialized, open, span }, along))
    }

    /// A reading of shared rows: of the partitions themselves, or of rows made of them.
    fn shared(&mut self, index: usize, span: Span) -> Result<Along, Refusal> {
        let along = if index == self.leaf {
            self.along.clone()
        } else if index < self.leaf {
            return Ok(Along::default());
        } else if let Some(along) = self.done.get(&index) {
            along.clone()
        } else {
            let empty = self.binder.error_rel(span);
            let Some(shared) = self.binder.shared.get_mut(index) else { return Ok(Along::default()) };
            let rel = std::mem::replace(&mut shared.rel, empty);
            let (rel, along) = self.rel(rel)?;
            self.binder.shared[index].rel = rel;
            self.done.insert(index, along.clone());
            along
        };
        let mut fresh = |c: &Column| self.binder.column(c.name.clone(), c.ty);
        let columns = along.columns.iter().map(&mut fresh).collect();
        let marker = along.marker.as_ref().map(fresh);
        Ok(Along { columns, keys: along.keys, marker })
    }

    fn aggregate(
        &mut self,
        input: Rel,
        keys: Vec<Expr>,
        aggregates: Vec<AggregateCall>,
        columns: Vec<Column>,
        open: bool,
        span: Span,
    ) -> Result<(Rel, Along), Refusal> {
        let (input, along) = self.rel(input)?;
        let total = keys.is_empty();
        let (partitions, constant) = along.columns.split_at(along.keys);
        // Keys come first: those of the query, the partitions, and the marker but for a total, which takes it in.
        let added: Vec<&Column> = partitions.iter().chain(along.marker.iter().filter(|_| !total)).collect();
        let (key_columns, value_columns) = columns.split_at(keys.len().min(columns.len()));
        let fresh: Vec<Column> = constant.iter().map(|c| self.binder.column("", c.ty)).collect();
        let made: Vec<Column> =
            key_columns.iter().chain(added.iter().copied()).chain(value_columns).chain(&fresh).cloned().collect();
        let all_keys = keys.into_iter().chain(added.iter().map(|c| Expr::column(c, span))).collect();
        let unless = along.marker.as_ref().filter(|_| total).map(|m| m.id);
        let own = aggregates.into_iter().map(|a| AggregateCall { unless, ..a });
        let calls = own
            .chain(constant.iter().map(|c| AggregateCall::new("passthrough", vec![Expr::column(c, span)], c.ty, span)))
            .collect();
        let grouped = Rel {
            kind: RelKind::Aggregate { input: Box::new(input), keys: all_keys, aggregates: calls },
            columns: made,
            serialized: false,
            open,
            span,
        };
        let along = Along {
            columns: partitions.iter().chain(&fresh).cloned().collect(),
            keys: along.keys,
            marker: along.marker.clone().filter(|_| !total),
        };
        // In the order that the rest expects.
        let columns: Vec<Column> = columns.into_iter().chain(along.all().cloned()).collect();
        let exprs = columns.iter().map(|c| Expr::column(c, span)).collect();
        Ok((super::project(grouped, columns, exprs, span), along))
    }

    /// `scan` is one machine for each partition; a graph that is parted tells the part of each match; other stages see
    /// all rows at once.
    fn staged(
        &mut self,
        inputs: Vec<Rel>,
        stage: Stage,
        columns: Vec<Column>,
        open: bool,
        span: Span,
    ) -> Result<(Rel, Along), Refusal> {
        if let Stage::GraphMatch(GraphMatch { partition: Some(partition), .. }) = &stage {
            let along = Along { columns: vec![partition.clone()], keys: 1, marker: None };
            let kind = RelKind::Staged { inputs, stage: Box::new(stage) };
            return Ok((Rel { kind, columns, serialized: false, open, span }, along));
        }
        if !inputs.iter().any(|input| shape(self.binder, input, self.leaf, false).is_some()) {
            let kind = RelKind::Staged { inputs, stage: Box::new(stage) };
            return Ok((Rel { kind, columns, serialized: true, open, span }, Along::default()));
        }
        let (Stage::Scan(mut scan), Ok([input])) = (stage, <[Rel; 1]>::try_from(inputs)) else {
            return Err(("this operator in the subquery of mv-apply or partition", span));
        };
        let width = input.columns.len();
        let (input, along) = self.rel(input)?;
        if along.marker.is_some() {
            return Err(("scan before a total in a subquery", span));
        }
        scan.partition.extend(along.columns[..along.keys].iter().map(|c| Expr::column(c, span)));
        let mut fresh = || -> Vec<Column> { along.columns.iter().map(|c| self.binder.column("", c.ty)).collect() };
        for step in &mut scan.steps {
            step.state.splice(width..width, fresh());
            for (at, _) in step.assignments.iter_mut().filter(|(at, _)| *at >= width) {
                *at += along.columns.len();
            }
        }
        let after = Along { columns: fresh(), keys: along.keys, marker: None };
        let mut made = columns.clone();
        made.splice(width..width, after.columns.iter().cloned());
        let kind = RelKind::Staged { inputs: vec![input], stage: Box::new(Stage::Scan(scan)) };
        let staged = Rel { kind, columns: made, serialized: true, open, span };
        let columns: Vec<Column> = columns.into_iter().chain(after.columns.iter().cloned()).collect();
        let exprs = columns.iter().map(|c| Expr::column(c, span)).collect();
        Ok((super::project(staged, columns, exprs, span), after))
    }

    fn join(
        &mut self,
        left: Rel,
        right: Rel,
        kind: JoinKind,
        mut keys: Vec<(Expr, Expr)>,
        span: Span,
    ) -> Result<(RelKind, Along), Refusal> {
        let (left, from_left) = self.rel(left)?;
        let (right, from_right) = self.rel(right)?;
        if from_left.marker.is_some() || from_right.marker.is_some() {
            return Err(("a join before a total in a subquery", span));
        }
        let along = match (from_left.columns.is_empty(), from_right.columns.is_empty()) {
            (true, true) => Along::default(),
            (false, false) => {
                let pairs = from_left.columns.iter().zip(&from_right.columns).take(from_left.keys);
                keys.extend(pairs.map(|(l, r)| (Expr::column(l, span), Expr::column(r, span))));
                match kind {
                    JoinKind::RightSemi | JoinKind::RightAnti | JoinKind::RightOuter => from_right,
                    JoinKind::FullOuter => return Err(("a full outer join in a subquery", span)),
                    _ => from_left,
                }
            }
            (false, true)
                if matches!(kind, JoinKind::Inner | JoinKind::LeftOuter | JoinKind::LeftSemi | JoinKind::LeftAnti) =>
            {
                from_left
            }
            (true, false)
                if matches!(
                    kind,
                    JoinKind::Inner | JoinKind::RightOuter | JoinKind::RightSemi | JoinKind::RightAnti
                ) =>
            {
                from_right
            }
            _ => return Err(("this kind of join in a subquery", span)),
        };
        Ok((RelKind::Join { left: Box::new(left), right: Box::new(right), kind, keys }, along))
    }

    fn union(
        &mut self,
        branches: Vec<Branch>,
        mut columns: Vec<Column>,
        open: bool,
        span: Span,
    ) -> Result<(Rel, Along), Refusal> {
        let width = columns.len();
        let mut carried = Vec::with_capacity(branches.len());
        for Branch { rel, columns, source } in branches {
            let (rel, along) = self.rel(rel)?;
            carried.push((rel, columns, source, along));
        }
        let Some(first) = carried.iter().map(|c| &c.3).find(|a| !a.columns.is_empty()).cloned() else {
            let branches =
                carried.into_iter().map(|(rel, columns, source, _)| Branch { rel, columns, source }).collect();
            let kind = RelKind::Union(branches);
            return Ok((Rel { kind, columns, serialized: false, open, span }, Along::default()));
        };
        let mut along = Along { columns: Vec::new(), keys: first.keys, marker: None };
        for c in &first.columns {
            along.columns.push(self.binder.column("", c.ty));
        }
        if carried.iter().any(|c| c.3.marker.is_some()) {
            along.marker = Some(self.binder.column("", Type::Bool));
        }
        let mut branches = Vec::with_capacity(carried.len());
        for (rel, mut columns, source, from) in carried {
            if from.columns.is_empty() {
                return Err(("a union with rows that are not of the partition", span));
            }
            columns.extend(from.columns.into_iter().enumerate().map(|(i, c)| (width + i, c)));
            match (&along.marker, from.marker) {
                (Some(_), Some(marker)) => columns.push((width + along.columns.len(), marker)),
                (Some(_), None) => return Err(("a union of a total and rows", span)),
                _ => {}
            }
            branches.push(Branch { rel, columns, source });
        }
        columns.extend(along.all().cloned());
        Ok((Rel { kind: RelKind::Union(branches), columns, serialized: false, open, span }, along))
    }
}

/// What a subquery does with the rows of its partition; `None` where it does not read them.
pub(super) fn shape(binder: &Binder<'_>, rel: &Rel, leaf: usize, loses_rows: bool) -> Option<Shape> {
    let below = match &rel.kind {
        RelKind::Shared(index) if *index == leaf => Some(Shape { loses_rows, ..Shape::default() }),
        RelKind::Shared(index) if *index > leaf => {
            binder.shared.get(*index).and_then(|s| shape(binder, &s.rel, leaf, loses_rows))
        }
        _ => rel.inputs().into_iter().filter_map(|input| shape(binder, input, leaf, loses_rows)).reduce(|a, b| Shape {
            needs_partitions: a.needs_partitions | b.needs_partitions,
            needs_markers: a.needs_markers | b.needs_markers,
            loses_rows: a.loses_rows | b.loses_rows,
            totals: a.totals.max(b.totals),
        }),
    };
    let mut shape = below?;
    match &rel.kind {
        RelKind::Filter { .. } | RelKind::Parse { drop_unmatched: true, .. } => shape.loses_rows = true,
        RelKind::MvExpand { .. } => shape.loses_rows = true,
        RelKind::Join { .. } => {
            shape.loses_rows = true;
            shape.needs_partitions = true;
        }
        RelKind::Project { exprs, .. } => {
            let mut window = false;
            exprs.iter().for_each(|e| e.walk(&mut |e| window |= matches!(e.kind, ExprKind::Window { .. })));
            shape.needs_partitions |= window;
        }
        RelKind::Aggregate { keys, .. } => {
            shape.needs_partitions = true;
            if keys.is_empty() {
                shape.needs_markers |= shape.loses_rows;
                shape.loses_rows = false;
                shape.totals += 1;
            }
        }
        RelKind::Shared(_) | RelKind::Parse { .. } | RelKind::ParseKv { .. } => {}
        _ => shape.needs_partitions = true,
    }
    Some(shape)
}

/// An expression whose window functions see one partition.
fn within(expr: Expr, per: &[u32]) -> Expr {
    let Expr { kind, ty, span } = expr;
    let all = |args: Vec<Expr>| args.into_iter().map(|a| within(a, per)).collect();
    let kind = match kind {
        ExprKind::Window { function, args, per: mut inner } => {
            inner.extend_from_slice(per);
            ExprKind::Window { function, args: all(args), per: inner }
        }
        ExprKind::Call { function, args } => ExprKind::Call { function, args: all(args) },
        ExprKind::Cast(inner) => ExprKind::Cast(Box::new(within(*inner, per))),
        ExprKind::InSubquery { function, left, subquery } => {
            ExprKind::InSubquery { function, left: Box::new(within(*left, per)), subquery }
        }
        other => other,
    };
    Expr { kind, ty, span }
}

/// A constant that is always so.
pub(super) fn truth(value: bool, span: Span) -> Expr {
    Expr::constant(Val::Bool(value), Type::Bool, span)
}
