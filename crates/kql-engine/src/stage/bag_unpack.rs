//! `evaluate bag_unpack`: the keys of a bag become columns.

use std::collections::BTreeMap;

use arrow::array::RecordBatch;
use kql_functions::{Dynamic, Type, Val, interrupt};
use kql_semantics::bound::{Column, ColumnId};

use super::{Computed, rows_of, table_of};
use crate::QueryError;

/// The plugin's arguments.
pub(crate) struct UnpackSpec<'s> {
    pub(crate) column: ColumnId,
    pub(crate) prefix: &'s str,
    pub(crate) conflict: &'s str,
    pub(crate) ignored: &'s [String],
}

/// Unpacks. A key's column has the type of its values where they agree, else dynamic; new columns come last, by name.
pub(crate) fn bag_unpack(
    batches: &[RecordBatch],
    columns: &[Column],
    spec: &UnpackSpec<'_>,
) -> Result<Computed, QueryError> {
    let Some(at) = columns.iter().position(|c| c.id == spec.column) else {
        return Err(QueryError::Failed("bag_unpack: the column is not in its input".to_string()));
    };
    let mut rows = Vec::new();
    let mut keys: BTreeMap<String, Option<Type>> = BTreeMap::new();
    for (number, row) in rows_of(batches, columns).enumerate() {
        if number % 64 == 0 {
            interrupt::check()?;
        }
        let bag: Vec<(String, Dynamic)> = match row[at].to_tree() {
            Dynamic::Bag(items) => items
                .into_iter()
                .filter(|(key, _)| !spec.ignored.contains(key))
                .map(|(key, value)| (format!("{}{key}", spec.prefix), value))
                .collect(),
            _ => Vec::new(),
        };
        for (key, value) in &bag {
            let ty = type_of(value);
            keys.entry(key.clone()).and_modify(|known| *known = merge(*known, ty)).or_insert(ty);
        }
        rows.push((row, bag));
    }
    let mut outputs: Vec<(String, Type, Source)> = Vec::new();
    for (i, column) in columns.iter().enumerate() {
        let unpacked = keys.get(&column.name);
        match unpacked {
            Some(ty) if i == at || spec.conflict == "replace_source" => {
                outputs.push((column.name.clone(), ty.unwrap_or(Type::Dynamic), Source::Key(column.name.clone())));
            }
            Some(_) if spec.conflict != "keep_source" => {
                let message = format!(
                    "bag_unpack: the bag has a key '{}', which is a column already; \
                     use columnsConflict='replace_source' or 'keep_source'",
                    column.name
                );
                return Err(QueryError::Failed(message));
            }
            _ if i == at => {}
            _ => outputs.push((column.name.clone(), column.ty, Source::Input(i))),
        }
    }
    for (key, ty) in &keys {
        if !outputs.iter().any(|(name, ..)| name == key) {
            outputs.push((key.clone(), ty.unwrap_or(Type::Dynamic), Source::Key(key.clone())));
        }
    }
    let cells: Vec<Vec<Val<'_>>> = rows
        .iter()
        .map(|(row, bag)| {
            outputs
                .iter()
                .map(|(_, ty, source)| match source {
                    Source::Input(i) => row[*i].clone(),
                    Source::Key(key) => {
                        bag.iter().find(|(k, _)| k == key).map_or(Val::missing(*ty), |(_, value)| typed(value, *ty))
                    }
                })
                .collect()
        })
        .collect();
    table_of(outputs.into_iter().map(|(name, ty, _)| (name, ty)).collect(), &cells)
}

enum Source {
    Input(usize),
    Key(String),
}

/// The type of a slot's value; a null tells nothing.
fn type_of(value: &Dynamic) -> Option<Type> {
    Some(match value {
        Dynamic::Null => return None,
        Dynamic::Bool(_) => Type::Bool,
        Dynamic::Long(_) => Type::Long,
        Dynamic::Real(_) => Type::Real,
        Dynamic::Decimal(_) => Type::Decimal,
        Dynamic::String(_) => Type::String,
        Dynamic::DateTime(_) => Type::DateTime,
        Dynamic::Timespan(_) => Type::Timespan,
        Dynamic::Guid(_) => Type::Guid,
        Dynamic::Array(_) | Dynamic::Bag(_) => Type::Dynamic,
    })
}

fn merge(known: Option<Type>, ty: Option<Type>) -> Option<Type> {
    match (known, ty) {
        (None, other) | (other, None) => other,
        (Some(a), Some(b)) if a == b => Some(a),
        _ => Some(Type::Dynamic),
    }
}

fn typed(value: &Dynamic, ty: Type) -> Val<'static> {
    let value = Val::dynamic(value);
    if ty == Type::Dynamic { value } else { kql_functions::families::cast(&value, ty) }
}
