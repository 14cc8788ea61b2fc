//! `evaluate pivot`: the values of a column become columns.

use std::collections::{BTreeMap, HashMap};

use arrow::array::RecordBatch;
use kql_functions::{Type, Val, families};
use kql_semantics::bound::Column;

use super::{Computed, rows_of, table_of};
use crate::QueryError;

/// Pivots groups: `batches` holds the group columns, then the pivot column, then the aggregate.
pub(crate) fn pivot(batches: &[RecordBatch], columns: &[Column], count: bool) -> Result<Computed, QueryError> {
    let [groups @ .., _, aggregate] = columns else {
        return Err(QueryError::Failed("pivot: no column to pivot".to_string()));
    };
    let mut names: BTreeMap<String, usize> = BTreeMap::new();
    let mut order: Vec<Vec<Val<'_>>> = Vec::new();
    let mut places: HashMap<String, usize> = HashMap::new();
    let mut cells: Vec<Vec<(String, Val<'_>)>> = Vec::new();
    for mut row in rows_of(batches, columns) {
        let (Some(value), Some(pivoted)) = (row.pop(), row.pop()) else { continue };
        let name = families::cast(&pivoted, Type::String).as_str().unwrap_or("").to_string();
        names.insert(name.clone(), 0);
        let key = format!("{row:?}");
        let place = *places.entry(key).or_insert_with(|| {
            order.push(row);
            cells.push(Vec::new());
            order.len() - 1
        });
        cells[place].push((name, value));
    }
    for (i, place) in names.values_mut().enumerate() {
        *place = i;
    }
    let empty = if count { Val::Long(0) } else { Val::missing(aggregate.ty) };
    let rows: Vec<Vec<Val<'_>>> = order
        .into_iter()
        .zip(cells)
        .map(|(mut row, cells)| {
            let start = row.len();
            row.resize(start + names.len(), empty.clone());
            for (name, value) in cells {
                if let Some(place) = names.get(&name) {
                    row[start + place] = value;
                }
            }
            row
        })
        .collect();
    let outputs = groups
        .iter()
        .map(|c| (c.name.clone(), c.ty))
        .chain(names.keys().map(|name| (name.clone(), aggregate.ty)))
        .collect();
    table_of(outputs, &rows)
}
