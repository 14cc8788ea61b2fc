//! Leaves branches of unions out that are known to have no rows, before anything is planned.
//!
//! `search` and wildcards read every known table, most of which have no rows. Each would stand in the plan as a projection to
//! all columns of the union: thousands of expressions a table, at which the optimizer looks many times.

use kql_semantics::bound::{Branch, JoinKind, Query, Rel, RelKind};

use crate::Database;

/// Leaves them out of all relations of a query.
pub(crate) fn drop_vacant(query: &mut Query, database: &dyn Database) {
    let shared = query.shared.iter_mut().map(|shared| &mut shared.rel);
    for rel in [&mut query.rel].into_iter().chain(&mut query.others).chain(&mut query.subqueries).chain(shared) {
        drop_from(rel, database);
    }
}

/// Leaves them out of a relation and what it reads.
pub(crate) fn drop_from(rel: &mut Rel, database: &dyn Database) {
    if let RelKind::Union(branches) = &mut rel.kind {
        retain(branches, database);
    }
    rel.inputs_mut().into_iter().for_each(|input| drop_from(input, database));
}

/// Keeps one branch where all are vacant: the union's columns stay.
fn retain(branches: &mut Vec<Branch>, database: &dyn Database) {
    let vacant: Vec<bool> = branches.iter().map(|branch| is_vacant(&branch.rel, database)).collect();
    let none_left = !vacant.contains(&false);
    let mut at = 0;
    branches.retain(|_| {
        let kept = !vacant.get(at).copied().unwrap_or(false) || none_left && at == 0;
        at += 1;
        kept
    });
}

/// Whether a relation is known to have no rows.
fn is_vacant(rel: &Rel, database: &dyn Database) -> bool {
    match &rel.kind {
        RelKind::Table { name, .. } => database.table(name).is_some_and(|table| table.is_empty()),
        RelKind::Values(rows) => rows.is_empty(),
        RelKind::Filter { input, .. }
        | RelKind::Project { input, .. }
        | RelKind::Sort { input, .. }
        | RelKind::Take { input, .. }
        | RelKind::Sample { input, .. }
        | RelKind::MvExpand { input, .. }
        | RelKind::Parse { input, .. }
        | RelKind::ParseKv { input, .. } => is_vacant(input, database),
        // Without keys there is a row even of no rows.
        RelKind::Aggregate { input, keys, .. } => !keys.is_empty() && is_vacant(input, database),
        RelKind::Join { left, right, kind, .. } => {
            use JoinKind::{Inner, InnerUnique, LeftAnti, LeftOuter, LeftSemi, RightAnti, RightOuter, RightSemi};
            let left = || is_vacant(left, database);
            let right = || is_vacant(right, database);
            match kind {
                Inner | InnerUnique | LeftSemi | RightSemi => left() || right(),
                LeftOuter | LeftAnti => left(),
                RightOuter | RightAnti => right(),
                JoinKind::FullOuter => left() && right(),
            }
        }
        RelKind::Union(branches) => branches.iter().all(|branch| is_vacant(&branch.rel, database)),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use kql_functions::{Type, Val};
    use kql_semantics::{BindOptions, bind};

    use super::*;
    use crate::Table;
    use crate::engine::DatabaseCatalog;

    /// `A` has a row, `E` and `F` are known to have none.
    struct Tables;

    impl Database for Tables {
        fn table(&self, name: &str) -> Option<Table> {
            let columns = vec![("x".to_string(), Type::Long)];
            match name {
                "A" => Table::of_rows(columns, &[vec![Val::Long(1)]]).ok(),
                "E" | "F" => Some(Table::empty(columns)),
                _ => None,
            }
        }

        fn table_names(&self) -> Vec<String> {
            ["A", "E", "F"].map(str::to_string).to_vec()
        }
    }

    fn branches(rel: &Rel) -> Option<usize> {
        match &rel.kind {
            RelKind::Union(branches) => Some(branches.len()),
            _ => rel.inputs().into_iter().find_map(branches),
        }
    }

    #[test]
    fn branches_that_are_left() {
        let cases = [
            ("union A, A", 2),
            ("union A, E, F", 1),
            ("union E, F | count", 1),
            ("union A, (E | where x > 1 | extend y = x | top 3 by y)", 1),
            ("union A, (E | summarize count())", 2),
            ("union A, (E | summarize count() by x)", 1),
            ("union A, (A | join E on x)", 1),
            ("union A, (A | join kind=leftouter E on x)", 2),
            ("union A, (E | join kind=leftouter A on x)", 1),
            ("union A, (A | join kind=fullouter E on x)", 2),
            ("union A, (E | join kind=fullouter F on x)", 1),
            ("union A, (datatable(x: long)[])", 1),
            ("search 5", 1),
            ("find where x == 1", 1),
        ];
        for (query, left) in cases {
            let mut bound = bind(query, &DatabaseCatalog(&Tables), &BindOptions::default()).query.unwrap();
            let columns = bound.rel.columns.clone();
            drop_vacant(&mut bound, &Tables);
            assert_eq!((branches(&bound.rel), &bound.rel.columns), (Some(left), &columns), "{query}");
        }
    }
}
