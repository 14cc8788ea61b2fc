//! Small results for tests.

use arrow::array::RecordBatch;
use kql_engine::repr::{self, ColumnBuilder};
use kql_engine::{QueryResult, Visualization};
use kql_functions::{Dynamic, Type, Val, text};

/// A result of columns and rows; each row becomes a part of one of two batches.
pub fn result(columns: &[(&str, Type)], rows: Vec<Vec<Val<'static>>>) -> QueryResult {
    let schema = repr::schema(columns.iter().copied());
    let (first, second) = rows.split_at(rows.len() / 2);
    let batch = |rows: &[Vec<Val<'static>>]| {
        let arrays = columns.iter().enumerate().map(|(column, (_, ty))| {
            let mut builder = ColumnBuilder::new(*ty, rows.len());
            rows.iter().for_each(|row| builder.push(&row[column]));
            builder.finish()
        });
        RecordBatch::try_new(schema.clone(), arrays.collect()).unwrap()
    };
    let columns = columns.iter().map(|(name, ty)| (name.to_string(), *ty)).collect();
    QueryResult { columns, batches: vec![batch(first), batch(second)], render: None }
}

/// The same result with `render`.
pub fn rendered(mut result: QueryResult, kind: &str, properties: &[(&str, &str)]) -> QueryResult {
    let properties = properties.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
    result.render = Some(Visualization { kind: kind.to_string(), properties });
    result
}

pub fn time(text: &str) -> Val<'static> {
    Val::DateTime(text::parse_datetime(text).unwrap())
}

pub fn json(text: &str) -> Val<'static> {
    Val::dynamic(&Dynamic::parse_json(text).unwrap())
}

/// A column of every type: values, nulls, and what is awkward to print.
pub fn all_types() -> QueryResult {
    let columns = [
        ("Flag", Type::Bool),
        ("Small", Type::Int),
        ("Big", Type::Long),
        ("Ratio", Type::Real),
        ("Price", Type::Decimal),
        ("Name", Type::String),
        ("When", Type::DateTime),
        ("Span", Type::Timespan),
        ("Id", Type::Guid),
        ("Bag", Type::Dynamic),
    ];
    let mut nulls: Vec<Val<'static>> = columns.iter().map(|(_, ty)| Val::missing(*ty)).collect();
    nulls[3] = Val::Real(f64::NAN);
    let rows = vec![
        vec![
            Val::Bool(true),
            Val::Int(-7),
            Val::Long(1 << 60),
            Val::Real(0.5),
            Val::Decimal(1_250_000_000_000),
            Val::str("say \"hi\", then\r\ngo \u{1b}[31mred"),
            time("2026-03-14T02:52:16.2636860Z"),
            Val::Timespan(36_000_000_001),
            Val::Guid(*b"0123456789abcdef"),
            json(r#"{"z":[1,null,"é"],"a":{"b":true}}"#),
        ],
        nulls,
    ];
    result(&columns, rows)
}
