//! Drops columns that nothing reads, before anything is planned.
//!
//! The optimizer would drop them too, but only after it has looked at all of them many times: a union of many tables has
//! thousands of columns, each an expression in every branch.

use std::collections::HashSet;

use kql_semantics::bound::{Column, ColumnId, Expr, ExprKind, Query, Rel, RelKind};

type Needed = HashSet<ColumnId>;

/// Drops them from all relations of a query. Results keep their columns.
pub(crate) fn prune(query: &mut Query) {
    let mut shared: Vec<HashSet<usize>> = vec![HashSet::new(); query.shared.len()];
    for rel in [&query.rel].into_iter().chain(&query.others).chain(&query.subqueries) {
        gather(rel, &all(rel), &mut shared);
    }
    // Later rows may read earlier ones.
    for at in (0..query.shared.len()).rev() {
        let Some(rows) = query.shared.get(at) else { continue };
        if by_position(&rows.rel.kind)
            && let Some(positions) = shared.get_mut(at)
        {
            positions.extend(0..rows.rel.columns.len());
        }
        let needed = chosen(&rows.rel, shared.get(at));
        gather(&rows.rel, &needed, &mut shared);
    }
    for rel in [&mut query.rel].into_iter().chain(&mut query.others).chain(&mut query.subqueries) {
        let needed = all(rel);
        cut(rel, &needed, &shared);
    }
    for (at, rows) in query.shared.iter_mut().enumerate() {
        let needed = chosen(&rows.rel, shared.get(at));
        cut(&mut rows.rel, &needed, &shared);
        // What reads them counts columns by position, and has dropped the others as well.
        rows.rel.columns.retain(|c| needed.contains(&c.id));
    }
}

/// Relations whose columns are counted by position keep all of them.
fn by_position(kind: &RelKind) -> bool {
    matches!(
        kind,
        RelKind::Values(_)
            | RelKind::Range { .. }
            | RelKind::Shared(_)
            | RelKind::Resolved(_)
            | RelKind::MakeSeries { .. }
            | RelKind::Staged { .. }
            | RelKind::External(_)
    )
}

fn all(rel: &Rel) -> Needed {
    rel.columns.iter().map(|c| c.id).collect()
}

/// The columns at some positions; the first where there are none.
fn chosen(rel: &Rel, positions: Option<&HashSet<usize>>) -> Needed {
    let kept = |at: usize| positions.is_some_and(|p| p.contains(&at) || p.is_empty() && at == 0);
    rel.columns.iter().enumerate().filter(|(at, _)| kept(*at)).map(|(_, c)| c.id).collect()
}

/// Notes which positions of shared rows are read.
fn gather(rel: &Rel, needed: &Needed, shared: &mut [HashSet<usize>]) {
    if let RelKind::Shared(index) = &rel.kind
        && let Some(positions) = shared.get_mut(*index)
    {
        let read = rel.columns.iter().enumerate().filter(|(_, c)| needed.contains(&c.id));
        positions.extend(read.map(|(at, _)| at));
    }
    let below = needs(rel, needed);
    for (input, needed) in rel.inputs().into_iter().zip(below) {
        gather(input, &needed, shared);
    }
}

/// What a relation needs of each of its inputs.
fn needs(rel: &Rel, needed: &Needed) -> Vec<Needed> {
    // What is handed on, and what the relation's own expressions read.
    let with_own = || {
        let mut ids = needed.clone();
        let kept = keep(&rel.columns, 0, needed);
        ids.extend(rel.columns.iter().zip(kept).filter(|(_, kept)| *kept).map(|(c, _)| c.id));
        rel.exprs().into_iter().for_each(|e| read(e, &mut ids));
        ids
    };
    match &rel.kind {
        RelKind::Filter { .. }
        | RelKind::Sort { .. }
        | RelKind::Sample { .. }
        | RelKind::Parse { .. }
        | RelKind::ParseKv { .. } => vec![with_own()],
        RelKind::Take { per, .. } => {
            let mut ids = with_own();
            ids.extend(per);
            vec![ids]
        }
        RelKind::MvExpand { marker, .. } => {
            let mut ids = with_own();
            ids.extend(marker.iter().filter_map(|m| m.input));
            vec![ids]
        }
        RelKind::Join { .. } => {
            let ids = with_own();
            vec![ids.clone(), ids]
        }
        RelKind::Project { exprs, .. } => {
            let mut ids = Needed::new();
            let kept = keep(&rel.columns, 0, needed);
            exprs.iter().zip(kept).filter(|(_, kept)| *kept).for_each(|(e, _)| read(e, &mut ids));
            vec![ids]
        }
        RelKind::Aggregate { keys, aggregates, .. } => {
            let mut ids = Needed::new();
            keys.iter().for_each(|key| read(key, &mut ids));
            let kept = keep(&rel.columns, keys.len(), needed).split_off(keys.len().min(rel.columns.len()));
            for (call, _) in aggregates.iter().zip(kept).filter(|(_, kept)| *kept) {
                call.args.iter().for_each(|arg| read(arg, &mut ids));
                ids.extend(call.unless);
            }
            vec![ids]
        }
        RelKind::Union(branches) => {
            let kept = keep(&rel.columns, usize::from(branches.iter().any(|b| b.source.is_some())), needed);
            let is_kept = |at: &usize| kept.get(*at).copied().unwrap_or(false);
            let of = |columns: &[(usize, Column)]| {
                columns.iter().filter(|(at, _)| is_kept(at)).map(|(_, c)| c.id).collect::<Needed>()
            };
            branches.iter().map(|branch| of(&branch.columns)).collect()
        }
        _ => rel.inputs().into_iter().map(all).collect(),
    }
}

/// Which columns stay: the first `fixed`, and those that are needed; where that is none, the first.
fn keep(columns: &[Column], fixed: usize, needed: &Needed) -> Vec<bool> {
    let mut kept: Vec<bool> = columns.iter().enumerate().map(|(at, c)| at < fixed || needed.contains(&c.id)).collect();
    if let (false, Some(first)) = (kept.contains(&true), kept.first_mut()) {
        *first = true;
    }
    kept
}

fn read(expr: &Expr, ids: &mut Needed) {
    expr.walk(&mut |e| match &e.kind {
        ExprKind::Column(id) => {
            ids.insert(*id);
        }
        ExprKind::Window { per, .. } => ids.extend(per),
        _ => {}
    });
}

fn retain<T>(items: &mut Vec<T>, kept: &[bool]) {
    let mut kept = kept.iter();
    items.retain(|_| kept.next().copied().unwrap_or(true));
}

/// Drops what is not needed.
fn cut(rel: &mut Rel, needed: &Needed, shared: &[HashSet<usize>]) {
    let below = needs(rel, needed);
    match &mut rel.kind {
        RelKind::Table { source, .. } | RelKind::Watchlist { source, .. } => {
            let kept = keep(&rel.columns, 0, needed);
            retain(source, &kept);
            retain(&mut rel.columns, &kept);
        }
        RelKind::Shared(index) => {
            let positions = shared.get(*index);
            let kept = |at: usize| positions.is_some_and(|p| p.contains(&at) || p.is_empty() && at == 0);
            let kept: Vec<bool> = (0..rel.columns.len()).map(kept).collect();
            retain(&mut rel.columns, &kept);
        }
        RelKind::Project { exprs, .. } => {
            let kept = keep(&rel.columns, 0, needed);
            retain(exprs, &kept);
            retain(&mut rel.columns, &kept);
        }
        RelKind::Aggregate { keys, aggregates, .. } => {
            let kept = keep(&rel.columns, keys.len(), needed);
            retain(aggregates, kept.get(keys.len()..).unwrap_or_default());
            retain(&mut rel.columns, &kept);
        }
        RelKind::Union(branches) => {
            let kept = keep(&rel.columns, usize::from(branches.iter().any(|b| b.source.is_some())), needed);
            let places: Vec<Option<usize>> = kept
                .iter()
                .scan(0, |next, kept| {
                    let place = *next;
                    *next += usize::from(*kept);
                    Some(kept.then_some(place))
                })
                .collect();
            for branch in branches {
                branch.columns.retain_mut(|(at, _)| match places.get(*at).copied().flatten() {
                    Some(place) => {
                        *at = place;
                        true
                    }
                    None => false,
                });
            }
            retain(&mut rel.columns, &kept);
        }
        RelKind::Join { .. } | RelKind::MvExpand { .. } | RelKind::Parse { .. } | RelKind::ParseKv { .. } => {
            let kept = keep(&rel.columns, 0, needed);
            retain(&mut rel.columns, &kept);
        }
        _ => {}
    }
    for (input, needed) in rel.inputs_mut().into_iter().zip(below) {
        cut(input, &needed, shared);
    }
    // These give what their input gives.
    if let RelKind::Filter { input, .. }
    | RelKind::Sort { input, .. }
    | RelKind::Take { input, .. }
    | RelKind::Sample { input, .. } = &rel.kind
    {
        let given = all(input);
        rel.columns.retain(|c| given.contains(&c.id));
    }
}
