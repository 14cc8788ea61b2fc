//! Parquet, zstd.
//!
//! | Kusto | column |
//! |---|---|
//! | bool, int, long, real | BOOLEAN, INT32, INT64, DOUBLE |
//! | decimal | DECIMAL(38, 12) |
//! | string, guid | text; a guid is lower case with hyphens |
//! | dynamic | text: plain JSON |
//! | datetime | timestamp in UTC; nanoseconds, or microseconds when a value of the column lies outside 1677 to 2262 |
//! | timespan | INT64: ticks of 100 ns, as Kusto counts them (Parquet has no duration) |
//!
//! Each field's metadata names its type under `kusto_type`, so that a reader can restore it.

use std::collections::HashMap;
use std::io::Write;
use std::sync::Arc;

use ::parquet::arrow::ArrowWriter;
use ::parquet::basic::{Compression, ZstdLevel};
use ::parquet::file::properties::WriterProperties;
use arrow::array::{
    ArrayRef, Int64Array, RecordBatch, RecordBatchOptions, StringArray, TimestampMicrosecondArray,
    TimestampNanosecondArray, new_null_array,
};
use arrow::datatypes::{DataType, Field, Schema, TimeUnit};
use kql_engine::{QueryResult, repr};
use kql_functions::{Type, Val};

use super::cell_text;

const UNIX_EPOCH_TICKS: i64 = 621_355_968_000_000_000;

pub(super) fn write(result: &QueryResult, out: &mut dyn Write) -> anyhow::Result<()> {
    let targets: Vec<DataType> =
        result.columns.iter().enumerate().map(|(column, (_, ty))| target_type(result, column, *ty)).collect();
    let fields: Vec<Field> = result
        .columns
        .iter()
        .zip(&targets)
        .map(|((name, ty), target)| {
            let metadata = HashMap::from([("kusto_type".to_string(), ty.name().to_string())]);
            Field::new(name, target.clone(), true).with_metadata(metadata)
        })
        .collect();
    let schema = Arc::new(Schema::new(fields));
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .set_created_by(concat!("picquet ", env!("CARGO_PKG_VERSION")).to_string())
        .build();
    // The writer must be able to move between threads, which `out` need not be; so it fills a buffer.
    let mut writer = ArrowWriter::try_new(Vec::new(), Arc::clone(&schema), Some(properties))?;
    for batch in &result.batches {
        let arrays = result
            .columns
            .iter()
            .zip(&targets)
            .enumerate()
            .map(|(column, ((_, ty), target))| convert(batch, column, *ty, target))
            .collect();
        let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
        writer.write(&RecordBatch::try_new_with_options(Arc::clone(&schema), arrays, &options)?)?;
    }
    out.write_all(&writer.into_inner()?)?;
    Ok(())
}

fn values<'a>(batch: &'a RecordBatch, column: usize, ty: Type) -> impl Iterator<Item = Val<'a>> {
    let array = batch.columns().get(column);
    (0..batch.num_rows()).map(move |row| match array {
        Some(array) => repr::value_at(array.as_ref(), ty, row),
        None => Val::missing(ty),
    })
}

fn target_type(result: &QueryResult, column: usize, ty: Type) -> DataType {
    match ty {
        Type::DateTime => {
            let mut ticks =
                result.batches.iter().flat_map(|batch| values(batch, column, ty)).filter_map(|value| value.as_ticks());
            let unit =
                if ticks.all(|t| nanoseconds(t).is_some()) { TimeUnit::Nanosecond } else { TimeUnit::Microsecond };
            DataType::Timestamp(unit, Some("UTC".into()))
        }
        Type::String | Type::Dynamic | Type::Unknown | Type::Guid => DataType::Utf8,
        other => repr::data_type(other),
    }
}

fn nanoseconds(ticks: i64) -> Option<i64> {
    ticks.checked_sub(UNIX_EPOCH_TICKS)?.checked_mul(100)
}

fn microseconds(ticks: i64) -> i64 {
    ticks.saturating_sub(UNIX_EPOCH_TICKS).div_euclid(10)
}

fn convert(batch: &RecordBatch, column: usize, ty: Type, target: &DataType) -> ArrayRef {
    let ticks = || values(batch, column, ty).map(|value| value.as_ticks());
    match target {
        DataType::Timestamp(TimeUnit::Nanosecond, _) => {
            let array: TimestampNanosecondArray = ticks().map(|t| t.and_then(nanoseconds)).collect();
            Arc::new(array.with_timezone("UTC"))
        }
        DataType::Timestamp(..) => {
            let array: TimestampMicrosecondArray = ticks().map(|t| t.map(microseconds)).collect();
            Arc::new(array.with_timezone("UTC"))
        }
        DataType::Utf8 => {
            let texts = values(batch, column, ty)
                .map(|value| if value.is_null() { None } else { Some(dynamic_or_cell_text(&value)) });
            Arc::new(texts.collect::<StringArray>())
        }
        DataType::Int64 if ty == Type::Timespan => Arc::new(ticks().collect::<Int64Array>()),
        same => match batch.columns().get(column) {
            Some(array) if array.data_type() == same => Arc::clone(array),
            _ => new_null_array(same, batch.num_rows()),
        },
    }
}

/// A string inside a dynamic keeps its quotes, as the column holds JSON.
fn dynamic_or_cell_text(value: &Val<'_>) -> String {
    match value {
        Val::Dynamic(_) => value.to_tree().to_json(),
        other => cell_text(other).into_owned(),
    }
}
