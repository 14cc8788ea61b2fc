//! Values in the JSON of Kusto's REST interface.

use kql_functions::{Dynamic, Val, text};
use serde_json::{Number, Value};

/// A value as Kusto's REST interface writes it: datetimes and timespans as text, non-finite reals as `"NaN"`,
/// `"Infinity"`, `"-Infinity"`, decimals as text, dynamic as plain JSON.
pub fn to_json(value: &Val<'_>) -> Value {
    match value {
        Val::Null => Value::Null,
        Val::Bool(v) => Value::Bool(*v),
        Val::Int(v) => Value::from(*v),
        Val::Long(v) => Value::from(*v),
        Val::Real(v) => real(*v),
        Val::Decimal(v) => Value::String(text::decimal(*v)),
        Val::Str(v) => Value::String(v.to_string()),
        Val::DateTime(v) => Value::String(text::datetime(*v)),
        Val::Timespan(v) => Value::String(text::timespan(*v)),
        Val::Guid(v) => Value::String(text::guid(v)),
        Val::Dynamic(v) => dynamic(&Dynamic::decode(v)),
    }
}

fn real(v: f64) -> Value {
    if v.is_nan() {
        return Value::from("NaN");
    }
    Number::from_f64(v).map_or_else(|| Value::from(if v > 0.0 { "Infinity" } else { "-Infinity" }), Value::Number)
}

fn dynamic(tree: &Dynamic) -> Value {
    match tree {
        Dynamic::Null => Value::Null,
        Dynamic::Bool(v) => Value::Bool(*v),
        Dynamic::Long(v) => Value::from(*v),
        Dynamic::Real(v) => real(*v),
        Dynamic::Decimal(v) => Value::String(text::decimal(*v)),
        Dynamic::String(v) => Value::String(v.clone()),
        Dynamic::DateTime(v) => Value::String(text::datetime(*v)),
        Dynamic::Timespan(v) => Value::String(text::timespan(*v)),
        Dynamic::Guid(v) => Value::String(text::guid(v)),
        Dynamic::Array(items) => Value::Array(items.iter().map(dynamic).collect()),
        Dynamic::Bag(items) => Value::Object(items.iter().map(|(k, v)| (k.clone(), dynamic(v))).collect()),
    }
}
