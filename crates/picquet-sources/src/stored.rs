//! Arrow columns of files as Kusto values.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, PrimitiveArray, StringViewBuilder};
use arrow::compute::{cast, concat};
use arrow::datatypes::{
    DataType, Date32Type, Decimal128Type, Field, Float64Type, Int64Type, Schema, TimeUnit, TimestampMicrosecondType,
    TimestampMillisecondType, TimestampNanosecondType, TimestampSecondType, UInt64Type,
};
use datafusion::common::{Result, ScalarValue};
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility};
use kql_engine::repr::{ColumnBuilder, data_type};
use kql_functions::{DECIMAL_SCALE, Dynamic, Type, Val, families, transcode};

pub(crate) use kql_functions::calendar::UNIX_EPOCH;

const TICKS_PER_DAY: i64 = 864_000_000_000;

/// The Kusto type that a stored column is read as, where no table schema says otherwise.
pub(crate) fn kusto_type(stored: &DataType) -> Type {
    match stored {
        DataType::Boolean => Type::Bool,
        DataType::Int8 | DataType::Int16 | DataType::Int32 | DataType::UInt8 | DataType::UInt16 => Type::Int,
        DataType::Int64 | DataType::UInt32 | DataType::UInt64 => Type::Long,
        DataType::Float16 | DataType::Float32 | DataType::Float64 => Type::Real,
        DataType::Decimal32(..) | DataType::Decimal64(..) | DataType::Decimal128(..) | DataType::Decimal256(..) => {
            Type::Decimal
        }
        DataType::Timestamp(..) | DataType::Date32 | DataType::Date64 => Type::DateTime,
        DataType::Duration(_) | DataType::Time32(_) | DataType::Time64(_) => Type::Timespan,
        DataType::List(_)
        | DataType::LargeList(_)
        | DataType::FixedSizeList(..)
        | DataType::Struct(_)
        | DataType::Map(..) => Type::Dynamic,
        DataType::Dictionary(_, value) => kusto_type(value),
        _ => Type::String,
    }
}

/// The schema under which files are read: texts as views, so that they are not copied.
pub(crate) fn reading_schema(stored: &Schema) -> Schema {
    let fields: Vec<Field> = stored
        .fields()
        .iter()
        .map(|field| {
            let plain = match field.data_type() {
                DataType::Dictionary(_, value) => value.as_ref(),
                other => other,
            };
            let ty = match plain {
                DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => DataType::Utf8View,
                other => other.clone(),
            };
            Field::new(field.name(), ty, true)
        })
        .collect();
    Schema::new(fields)
}

/// The function that turns a stored column into one of a Kusto type.
pub(crate) fn stored_udf(to: Type) -> ScalarUDF {
    ScalarUDF::new_from_impl(Stored {
        name: format!("stored_as_{to}"),
        to,
        signature: Signature::user_defined(Volatility::Immutable),
    })
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Stored {
    name: String,
    to: Type,
    signature: Signature,
}

impl ScalarUDFImpl for Stored {
    fn name(&self) -> &str {
        &self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(data_type(self.to))
    }

    fn coerce_types(&self, args: &[DataType]) -> Result<Vec<DataType>> {
        Ok(args.to_vec())
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let arrays = ColumnarValue::values_to_arrays(&args.args)?;
        match arrays.as_slice() {
            [array, ticks] => Ok(ColumnarValue::Array(with_ticks(&convert(array, self.to)?, ticks)?)),
            [array, ..] => Ok(ColumnarValue::Array(convert(array, self.to)?)),
            [] => Ok(ColumnarValue::Scalar(ScalarValue::try_new_null(&data_type(self.to))?)),
        }
    }
}

/// Times with the ticks that stand in a column of their own; none where there is no value.
fn with_ticks(times: &ArrayRef, ticks: &ArrayRef) -> Result<ArrayRef> {
    let ticks = cast(ticks, &DataType::Int64)?;
    let (times, ticks) = (times.as_primitive::<Int64Type>(), ticks.as_primitive::<Int64Type>());
    let sum = times.iter().zip(ticks).map(|(time, ticks)| time.map(|time| time.saturating_add(ticks.unwrap_or(0))));
    Ok(Arc::new(sum.collect::<PrimitiveArray<Int64Type>>()))
}

/// Converts a stored array; what has no value of the type becomes missing.
pub(crate) fn convert(array: &ArrayRef, to: Type) -> Result<ArrayRef> {
    if let DataType::Dictionary(_, value) = array.data_type() {
        return convert(&cast(array, value)?, to);
    }
    let stored = array.data_type().clone();
    Ok(match (&stored, to) {
        (DataType::Utf8View, Type::String) => texts(array),
        (DataType::Utf8View, Type::Dynamic) => dynamics(array),
        (DataType::Timestamp(unit, _), Type::DateTime) => ticks(&cast(array, &DataType::Int64)?, *unit, UNIX_EPOCH),
        (DataType::Int64, Type::Timespan | Type::DateTime) => Arc::clone(array),
        (DataType::Duration(unit), Type::Timespan) => ticks(&cast(array, &DataType::Int64)?, *unit, 0),
        (DataType::Date32, Type::DateTime) => Arc::new(
            array.as_primitive::<Date32Type>().unary::<_, Int64Type>(|d| i64::from(d) * TICKS_PER_DAY + UNIX_EPOCH),
        ),
        (DataType::Date64, Type::DateTime) => ticks(&cast(array, &DataType::Int64)?, TimeUnit::Millisecond, UNIX_EPOCH),
        (stored, Type::Bool | Type::Int | Type::Long | Type::Real | Type::Decimal)
            if stored.is_numeric() || *stored == DataType::Boolean =>
        {
            cast(array, &data_type(to))?
        }
        _ => {
            let mut out = ColumnBuilder::new(to, array.len());
            for row in 0..array.len() {
                out.push(&as_type(tree(array.as_ref(), row), to));
            }
            out.finish()
        }
    })
}

/// Texts; one that is missing is empty.
fn texts(array: &ArrayRef) -> ArrayRef {
    let stored = array.as_string_view();
    if stored.null_count() == 0 {
        return Arc::clone(array);
    }
    let mut out = StringViewBuilder::with_capacity(stored.len());
    stored.iter().for_each(|text| out.append_value(text.unwrap_or("")));
    Arc::new(out.finish())
}

/// Texts as dynamic values. Most logs hold them as columns do, and they stay as they are.
fn dynamics(array: &ArrayRef) -> ArrayRef {
    let stored = array.as_string_view();
    let is_value = |text: &str| transcode::is_encoded(text) && text != "null";
    if stored.iter().flatten().all(is_value) {
        return Arc::clone(array);
    }
    let mut out = ColumnBuilder::new(Type::Dynamic, stored.len());
    for text in stored {
        match text {
            None => out.push(&Val::Null),
            Some(text) if is_value(text) => out.push(&Val::Dynamic(text.into())),
            Some(text) => out.push(&as_type(Dynamic::String(text.to_string()), Type::Dynamic)),
        }
    }
    out.finish()
}

/// A stored value as a value of the type: texts are read as ingestion reads them.
fn as_type(tree: Dynamic, to: Type) -> Val<'static> {
    match (tree, to) {
        (Dynamic::Null, to) => Val::missing(to),
        (Dynamic::String(text), Type::String) => Val::Str(text.into()),
        (Dynamic::String(text), Type::Dynamic) => {
            Val::dynamic(&Dynamic::parse_json(&text).unwrap_or(Dynamic::String(text)))
        }
        (Dynamic::String(text), to) => families::cast(&Val::Str(text.into()), to),
        (tree, Type::Dynamic) => Val::dynamic(&tree),
        (tree, to) => families::cast(&Val::dynamic(&tree), to),
    }
}

fn ticks(values: &ArrayRef, unit: TimeUnit, epoch: i64) -> ArrayRef {
    let values = values.as_primitive::<Int64Type>();
    let ticks = match unit {
        TimeUnit::Second => values.unary::<_, Int64Type>(|v| v.saturating_mul(10_000_000).saturating_add(epoch)),
        TimeUnit::Millisecond => values.unary::<_, Int64Type>(|v| v.saturating_mul(10_000).saturating_add(epoch)),
        TimeUnit::Microsecond => values.unary::<_, Int64Type>(|v| v.saturating_mul(10).saturating_add(epoch)),
        TimeUnit::Nanosecond => values.unary::<_, Int64Type>(|v| v.div_euclid(100).saturating_add(epoch)),
    };
    Arc::new(ticks)
}

/// One stored value as a tree.
fn tree(array: &dyn Array, row: usize) -> Dynamic {
    if array.is_null(row) {
        return Dynamic::Null;
    }
    let list = |items: ArrayRef| Dynamic::Array((0..items.len()).map(|i| tree(items.as_ref(), i)).collect());
    match array.data_type() {
        DataType::Boolean => Dynamic::Bool(array.as_boolean().value(row)),
        DataType::Utf8 => Dynamic::String(array.as_string::<i32>().value(row).to_string()),
        DataType::LargeUtf8 => Dynamic::String(array.as_string::<i64>().value(row).to_string()),
        DataType::Utf8View => Dynamic::String(array.as_string_view().value(row).to_string()),
        DataType::Binary => Dynamic::String(String::from_utf8_lossy(array.as_binary::<i32>().value(row)).into_owned()),
        DataType::BinaryView => {
            Dynamic::String(String::from_utf8_lossy(array.as_binary_view().value(row)).into_owned())
        }
        DataType::UInt64 => {
            let value = array.as_primitive::<UInt64Type>().value(row);
            i64::try_from(value).map_or(Dynamic::Real(value as f64), Dynamic::Long)
        }
        DataType::Timestamp(unit, _) => Dynamic::DateTime(
            match unit {
                TimeUnit::Second => array.as_primitive::<TimestampSecondType>().value(row).saturating_mul(10_000_000),
                TimeUnit::Millisecond => {
                    array.as_primitive::<TimestampMillisecondType>().value(row).saturating_mul(10_000)
                }
                TimeUnit::Microsecond => array.as_primitive::<TimestampMicrosecondType>().value(row).saturating_mul(10),
                TimeUnit::Nanosecond => array.as_primitive::<TimestampNanosecondType>().value(row).div_euclid(100),
            }
            .saturating_add(UNIX_EPOCH),
        ),
        DataType::Decimal128(_, scale) => {
            let value = array.as_primitive::<Decimal128Type>().value(row);
            let shift = DECIMAL_SCALE as i32 - i32::from(*scale);
            let factor = 10i128.checked_pow(shift.unsigned_abs()).unwrap_or(i128::MAX);
            Dynamic::Decimal(if shift >= 0 { value.saturating_mul(factor) } else { value / factor })
        }
        DataType::List(_) => list(array.as_list::<i32>().value(row)),
        DataType::LargeList(_) => list(array.as_list::<i64>().value(row)),
        DataType::FixedSizeList(..) => list(array.as_fixed_size_list().value(row)),
        DataType::Struct(fields) => {
            let values = array.as_struct();
            Dynamic::Bag(
                fields
                    .iter()
                    .zip(values.columns())
                    .map(|(field, column)| (field.name().clone(), tree(column.as_ref(), row)))
                    .collect(),
            )
        }
        DataType::Map(..) => {
            let entries = array.as_map().value(row);
            let [keys, values] = entries.columns() else { return Dynamic::Null };
            Dynamic::Bag(
                (0..entries.len()).map(|i| (text(&tree(keys.as_ref(), i)), tree(values.as_ref(), i))).collect(),
            )
        }
        other if other.is_integer() => single(array, row, &DataType::Int64)
            .map_or(Dynamic::Null, |a| Dynamic::Long(a.as_primitive::<Int64Type>().value(0))),
        other if other.is_floating() => single(array, row, &DataType::Float64)
            .map_or(Dynamic::Null, |a| Dynamic::Real(a.as_primitive::<Float64Type>().value(0))),
        _ => single(array, row, &DataType::Utf8)
            .map_or(Dynamic::Null, |a| Dynamic::String(a.as_string::<i32>().value(0).to_string())),
    }
}

/// One value cast to another Arrow type.
fn single(array: &dyn Array, row: usize, to: &DataType) -> Option<ArrayRef> {
    let one = concat(&[array.slice(row, 1).as_ref()]).ok()?;
    cast(&one, to).ok().filter(|a| a.is_valid(0))
}

fn text(tree: &Dynamic) -> String {
    match tree {
        Dynamic::String(text) => text.clone(),
        other => other.to_json(),
    }
}
