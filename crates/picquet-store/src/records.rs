//! Rows that the program itself writes: records of known tables, as JSON.

use std::sync::Arc;

use arrow::array::RecordBatch;
use jiff::Timestamp;
use kql_engine::repr::{self, ColumnBuilder};
use kql_functions::{Dynamic, Type, Val, families};
use picquet_sources::Schemas;
use serde_json::{Map, Value};

use crate::columns::{Column, UNIX_EPOCH};
use crate::error::{Result, StoreError};
use crate::state::Change;
use crate::table::{TIME_GENERATED, TIME_RECEIVED};

/// An instant in ticks of 100 ns since 0001-01-01.
pub(crate) fn ticks(time: Timestamp) -> i64 {
    let ticks = time.as_nanosecond().div_euclid(100).saturating_add(i128::from(UNIX_EPOCH));
    i64::try_from(ticks).unwrap_or(i64::MAX)
}

impl Change<'_> {
    /// Appends records to a table: of a known one the columns of its schema, of another the keys of the first record as
    /// text. The ingestion time is `now`.
    pub fn append_records(&mut self, table: &str, records: &[Map<String, Value>], now: Timestamp) -> Result<()> {
        let known = Schemas::builtin().table(table).or(self.columns(table)?);
        let columns = match known {
            Some(columns) => columns,
            None => {
                let keys = records.iter().flat_map(Map::keys);
                let mut columns: Vec<Column> = vec![(TIME_GENERATED.to_string(), Type::DateTime)];
                for key in keys {
                    if !columns.iter().any(|(name, _)| name == key) {
                        columns.push((key.clone(), Type::String));
                    }
                }
                columns.push((TIME_RECEIVED.to_string(), Type::DateTime));
                columns
            }
        };
        let batch = batch(&columns, records, now).map_err(|e| StoreError::table(table, e))?;
        self.append(table, &columns, batch, now)
    }
}

fn batch(
    columns: &[Column],
    records: &[Map<String, Value>],
    now: Timestamp,
) -> Result<RecordBatch, arrow::error::ArrowError> {
    let schema = repr::schema(columns.iter().map(|(name, ty)| (name.as_str(), *ty)));
    let mut arrays = Vec::with_capacity(columns.len());
    for (name, ty) in columns {
        let mut out = ColumnBuilder::new(*ty, records.len());
        for record in records {
            let value = match record.get(name) {
                _ if name == TIME_RECEIVED => Val::DateTime(ticks(now)),
                None | Some(Value::Null) if name == TIME_GENERATED => Val::DateTime(ticks(now)),
                None | Some(Value::Null) => Val::missing(*ty),
                Some(value) => value_of(value, *ty),
            };
            out.push(&value);
        }
        arrays.push(out.finish());
    }
    RecordBatch::try_new(Arc::clone(&schema), arrays)
}

fn value_of(value: &Value, ty: Type) -> Val<'static> {
    match (value, ty) {
        (Value::String(text), Type::String) => Val::str(text.clone()),
        (Value::String(text), Type::Dynamic) => Val::dynamic(&Dynamic::String(text.clone())),
        (Value::String(text), ty) => families::cast(&Val::str(text.clone()), ty),
        (other, ty) => {
            let tree = Dynamic::parse_json(&other.to_string()).unwrap_or(Dynamic::Null);
            if ty == Type::Dynamic { Val::dynamic(&tree) } else { families::cast(&Val::dynamic(&tree), ty) }
        }
    }
}
