//! Columns of a table as they lie on the disk.
//!
//! | Kusto | Delta | note |
//! |---|---|---|
//! | bool, int, long, real | boolean, integer, long, double | |
//! | decimal | decimal(38, 12) | |
//! | string | string | |
//! | datetime | timestamp | microseconds; the tick of 100 ns is in a column beside it, where there is one |
//! | timespan | long | ticks of 100 ns |
//! | guid | string | |
//! | dynamic | string | JSON text |
//!
//! The Kusto type stands in the metadata of each column.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Int8Array, StringBuilder, TimestampMicrosecondArray};
use arrow::datatypes::{DataType as Arrow, Field, Int64Type, Schema, SchemaRef, TimeUnit};
use deltalake_core::kernel::{DataType, DecimalType, MetadataValue, PrimitiveType, StructField};
use kql_engine::repr::Values;
use kql_functions::{DECIMAL_SCALE, Type, Val, families};
use picquet_sources::{KUSTO_TYPE, TICKS_SUFFIX};

pub(crate) use kql_functions::calendar::UNIX_EPOCH;

/// Name and type of a column.
pub(crate) type Column = (String, Type);

fn arrow_type(ty: Type) -> Arrow {
    match ty {
        Type::Bool => Arrow::Boolean,
        Type::Int => Arrow::Int32,
        Type::Long | Type::Timespan => Arrow::Int64,
        Type::Real => Arrow::Float64,
        Type::Decimal => Arrow::Decimal128(38, DECIMAL_SCALE as i8),
        Type::DateTime => Arrow::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
        Type::String | Type::Dynamic | Type::Unknown | Type::Guid => Arrow::Utf8View,
    }
}

fn delta_type(ty: Type) -> DataType {
    DataType::Primitive(match ty {
        Type::Bool => PrimitiveType::Boolean,
        Type::Int => PrimitiveType::Integer,
        Type::Long | Type::Timespan => PrimitiveType::Long,
        Type::Real => PrimitiveType::Double,
        Type::Decimal => match DecimalType::try_new(38, DECIMAL_SCALE as u8) {
            Ok(decimal) => PrimitiveType::Decimal(decimal),
            Err(_) => PrimitiveType::String,
        },
        Type::DateTime => PrimitiveType::Timestamp,
        Type::String | Type::Dynamic | Type::Unknown | Type::Guid => PrimitiveType::String,
    })
}

/// Field metadata with the column's name, where the stored one differs from it.
const KUSTO_NAME: &str = "kusto_name";

/// The names under which columns are stored, for those that have another one: Delta Lake does not tell names apart by their
/// case, and Kusto does.
pub(crate) type StoredNames = HashMap<String, String>;

/// The name under which a column is stored.
pub(crate) fn stored_name<'n>(names: &'n StoredNames, column: &'n str) -> &'n str {
    names.get(column).map_or(column, String::as_str)
}

/// The stored names of columns of a table, with those that the table has already.
pub(crate) fn stored_names(columns: &[Column], known: &[Column], names: &StoredNames) -> StoredNames {
    let mut names = names.clone();
    let mut taken: HashSet<String> = known.iter().map(|(name, _)| stored_name(&names, name).to_lowercase()).collect();
    for (name, _) in columns {
        if known.iter().any(|(known, _)| known == name) || taken.insert(name.to_lowercase()) {
            continue;
        }
        let other = (2..).map(|n| format!("{name}__{n}")).find(|other| taken.insert(other.to_lowercase()));
        names.extend(other.map(|other| (name.clone(), other)));
    }
    names
}

/// The columns of the log for these columns.
pub(crate) fn delta_fields(
    columns: &[Column],
    names: &StoredNames,
    with_ticks: impl Fn(&str) -> bool,
) -> Vec<StructField> {
    let mut fields = Vec::with_capacity(columns.len());
    for (name, ty) in columns {
        let mut kusto = vec![(KUSTO_TYPE.to_string(), MetadataValue::String(ty.name().to_string()))];
        let stored = stored_name(names, name);
        if stored != name {
            kusto.push((KUSTO_NAME.to_string(), MetadataValue::String(name.clone())));
        }
        fields.push(StructField::new(stored, delta_type(*ty), true).with_metadata(kusto));
        if *ty == Type::DateTime && with_ticks(name) {
            let byte = DataType::Primitive(PrimitiveType::Byte);
            fields.push(StructField::new(format!("{stored}{TICKS_SUFFIX}"), byte, true));
        }
    }
    fields
}

/// The Kusto column of a column of the log; `None` for one that only helps another.
pub(crate) fn kusto_column(field: &StructField) -> Option<Column> {
    let name = field.name();
    let told = match field.metadata().get(KUSTO_TYPE) {
        Some(MetadataValue::String(ty)) => Type::parse(ty),
        _ => None,
    };
    if told.is_none() && name.ends_with(TICKS_SUFFIX) {
        return None;
    }
    let ty = told.unwrap_or(match field.data_type() {
        DataType::Primitive(primitive) => match primitive {
            PrimitiveType::Boolean => Type::Bool,
            PrimitiveType::Byte | PrimitiveType::Short | PrimitiveType::Integer => Type::Int,
            PrimitiveType::Long => Type::Long,
            PrimitiveType::Float | PrimitiveType::Double => Type::Real,
            PrimitiveType::Decimal(_) => Type::Decimal,
            PrimitiveType::Date | PrimitiveType::Timestamp | PrimitiveType::TimestampNtz => Type::DateTime,
            _ => Type::String,
        },
        _ => Type::Dynamic,
    });
    let own = match field.metadata().get(KUSTO_NAME) {
        Some(MetadataValue::String(own)) => own,
        _ => name,
    };
    Some((own.clone(), ty))
}

/// The schema under which files of a table are read.
pub(crate) fn reading_schema(columns: &[Column], ticks: &[String], names: &StoredNames) -> SchemaRef {
    let field = |(name, ty): &Column| Field::new(stored_name(names, name), arrow_type(*ty), true);
    let mut fields: Vec<Field> = columns.iter().map(field).collect();
    fields.extend(ticks.iter().map(|name| ticks_field(stored_name(names, name))));
    Arc::new(Schema::new(fields))
}

/// A column as it is written, with its ticks of 100 ns where a time has any; `None` where no row has a value.
pub(crate) fn stored(array: &ArrayRef, ty: Type) -> Option<(ArrayRef, Option<ArrayRef>)> {
    if is_empty(array, ty) {
        return None;
    }
    Some(match ty {
        Type::DateTime => {
            let ticks = array.as_primitive_opt::<Int64Type>()?;
            let since = |t: i64| t.saturating_sub(UNIX_EPOCH);
            let micros: TimestampMicrosecondArray = ticks.iter().map(|t| t.map(|t| since(t).div_euclid(10))).collect();
            let has_rest = ticks.iter().flatten().any(|t| since(t).rem_euclid(10) != 0);
            let rest = |t: i64| i8::try_from(since(t).rem_euclid(10)).unwrap_or(0);
            let rest = has_rest.then(|| {
                let rest: Int8Array = ticks.iter().map(|t| t.map(rest)).collect();
                Arc::new(rest) as ArrayRef
            });
            (Arc::new(micros.with_timezone("UTC")), rest)
        }
        Type::Guid => {
            let values = Values::new(array.as_ref(), ty);
            let mut out = StringBuilder::with_capacity(array.len(), array.len() * 36);
            for row in 0..array.len() {
                match families::cast(&values.get(row), Type::String) {
                    Val::Str(text) if !text.is_empty() => out.append_value(text),
                    _ => out.append_null(),
                }
            }
            (Arc::new(out.finish()), None)
        }
        _ => (Arc::clone(array), None),
    })
}

fn is_empty(array: &ArrayRef, ty: Type) -> bool {
    match ty {
        Type::String => array.as_string_view_opt().is_none_or(|texts| texts.iter().flatten().all(str::is_empty)),
        _ => array.null_count() == array.len(),
    }
}

/// The Arrow type of [`stored`].
pub(crate) fn written_field(name: &str, ty: Type) -> Field {
    let written = if ty == Type::Guid { Arrow::Utf8 } else { arrow_type(ty) };
    Field::new(name, written, true).with_metadata([(KUSTO_TYPE.to_string(), ty.name().to_string())].into())
}

/// The column of ticks beside a time.
pub(crate) fn ticks_field(name: &str) -> Field {
    Field::new(format!("{name}{TICKS_SUFFIX}"), Arrow::Int8, true)
}
