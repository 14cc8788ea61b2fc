//! Turns the scalars of text files into values of a column's type.

use std::borrow::Cow;

use kql_functions::{DECIMAL_SCALE, Type, Val, text};

use crate::json_text::{write_canonical, write_real, write_string};
use crate::times::{self, TimeStyle};

/// Where a text comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Origin {
    /// A JSON string: it is a string, unless an object or array stands in it.
    Json,
    /// A field of a CSV file, which may be anything.
    Field,
}

/// The value of a text in a column of a type; `None` where it is of another type.
pub(crate) fn from_text<'a>(text: &'a str, ty: Type, style: TimeStyle, origin: Origin) -> Option<Val<'a>> {
    if ty == Type::String {
        return Some(Val::str(text));
    }
    let trimmed = text.trim();
    if trimmed.is_empty() || (ty != Type::Dynamic && trimmed.eq_ignore_ascii_case("null")) {
        return Some(Val::Null);
    }
    match ty {
        Type::String => None,
        Type::Bool => match trimmed {
            "1" => Some(Val::Bool(true)),
            "0" => Some(Val::Bool(false)),
            _ if trimmed.eq_ignore_ascii_case("true") => Some(Val::Bool(true)),
            _ if trimmed.eq_ignore_ascii_case("false") => Some(Val::Bool(false)),
            _ => None,
        },
        Type::Int => whole(trimmed).and_then(|value| i32::try_from(value).ok()).map(Val::Int),
        Type::Long => whole(trimmed).map(Val::Long),
        Type::Real => trimmed.parse().ok().map(Val::Real),
        Type::Decimal => text::parse_decimal(trimmed).map(Val::Decimal),
        Type::DateTime => times::parse(trimmed, style).map(Val::DateTime),
        Type::Timespan => text::parse_timespan(trimmed).map(Val::Timespan),
        Type::Guid => text::parse_guid(trimmed).map(Val::Guid),
        Type::Dynamic | Type::Unknown => Some(dynamic(text, trimmed, origin)),
    }
}

fn whole(text: &str) -> Option<i64> {
    if let Ok(value) = text.parse() {
        return Some(value);
    }
    if let Some(digits) = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        return i64::from_str_radix(digits, 16).ok();
    }
    // `8.0`, as a spreadsheet writes 8.
    let (whole, fraction) = text.split_once('.')?;
    fraction.bytes().all(|digit| digit == b'0').then(|| whole.parse().ok()).flatten()
}

/// Kusto's ingestion parses the text of a dynamic column where it is JSON, and keeps it as a string where it is not.
fn dynamic<'a>(text: &str, trimmed: &str, origin: Origin) -> Val<'a> {
    let first = trimmed.as_bytes().first().copied().unwrap_or_default();
    let scalar = origin == Origin::Field
        && (matches!(first, b'"' | b'-' | b'0'..=b'9') || matches!(trimmed, "true" | "false" | "null"));
    let mut out = String::with_capacity(text.len() + 2);
    if (scalar || matches!(first, b'{' | b'[')) && write_canonical(&mut out, trimmed) {
        return if out == "null" { Val::Null } else { Val::Dynamic(Cow::Owned(out)) };
    }
    write_string(&mut out, text);
    Val::Dynamic(Cow::Owned(out))
}

/// The value of a JSON bool.
pub(crate) fn from_bool(value: bool, ty: Type) -> Option<Val<'static>> {
    let text = if value { "true" } else { "false" };
    Some(match ty {
        Type::Bool => Val::Bool(value),
        Type::String => Val::str(text),
        Type::Dynamic => Val::Dynamic(Cow::Borrowed(text)),
        Type::Int => Val::Int(i32::from(value)),
        Type::Long => Val::Long(i64::from(value)),
        _ => return None,
    })
}

/// The value of a whole JSON number.
pub(crate) fn from_i64(value: i64, ty: Type) -> Option<Val<'static>> {
    Some(match ty {
        Type::Long => Val::Long(value),
        Type::Int => Val::Int(i32::try_from(value).ok()?),
        Type::Real => Val::Real(value as f64),
        Type::Decimal => Val::Decimal(i128::from(value) * 10i128.pow(DECIMAL_SCALE)),
        Type::String => Val::str(value.to_string()),
        Type::Dynamic => Val::Dynamic(Cow::Owned(value.to_string())),
        Type::Bool if value == 0 || value == 1 => Val::Bool(value == 1),
        _ => return None,
    })
}

/// The value of a JSON number with a point or beyond 64 bits.
pub(crate) fn from_f64(value: f64, ty: Type) -> Option<Val<'static>> {
    Some(match ty {
        Type::Real => Val::Real(value),
        Type::Decimal => Val::Decimal(text::parse_decimal(&value.to_string())?),
        Type::String => Val::str(text::real(value)),
        Type::Dynamic => {
            let mut out = String::new();
            write_real(&mut out, value);
            Val::Dynamic(Cow::Owned(out))
        }
        Type::Int | Type::Long if value.fract() == 0.0 && value.abs() < 9e15 => return from_i64(value as i64, ty),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields() {
        let field = |text, ty| from_text(text, ty, TimeStyle::default(), Origin::Field);
        let dynamic = |text: &'static str| Some(Val::Dynamic(Cow::Borrowed(text)));
        let cases = [
            (field("8", Type::Long), Some(Val::Long(8))),
            (field(" 8.00 ", Type::Long), Some(Val::Long(8))),
            (field("8.5", Type::Long), None),
            (field("0x10", Type::Int), Some(Val::Int(16))),
            (field("3000000000", Type::Int), None),
            (field("", Type::Long), Some(Val::Null)),
            (field("", Type::String), Some(Val::str(""))),
            (field("true", Type::Bool), Some(Val::Bool(true))),
            (field("yes", Type::Bool), None),
            (field("1e3", Type::Real), Some(Val::Real(1000.0))),
            (field("abc", Type::DateTime), None),
            (field("{ \"a\": 1 }", Type::Dynamic), dynamic("{\"a\":1}")),
            (field("not json", Type::Dynamic), dynamic("\"not json\"")),
            (field("{broken", Type::Dynamic), dynamic("\"{broken\"")),
            (field("5", Type::Dynamic), dynamic("5")),
            (field("005", Type::Dynamic), dynamic("\"005\"")),
            (field("null", Type::Dynamic), Some(Val::Null)),
            (field("", Type::Dynamic), Some(Val::Null)),
        ];
        for (index, (found, expected)) in cases.iter().enumerate() {
            assert_eq!(found, expected, "case {index}");
        }
    }

    #[test]
    fn json_scalars() {
        let json = |text, ty| from_text(text, ty, TimeStyle::default(), Origin::Json);
        assert_eq!(json("5", Type::Dynamic), Some(Val::Dynamic(Cow::Borrowed("\"5\""))));
        assert_eq!(json("[1, 2]", Type::Dynamic), Some(Val::Dynamic(Cow::Borrowed("[1,2]"))));
        assert_eq!(from_i64(5, Type::String), Some(Val::str("5")));
        assert_eq!(from_i64(5, Type::DateTime), None);
        assert_eq!(from_f64(8.0, Type::Long), Some(Val::Long(8)));
        assert_eq!(from_f64(8.5, Type::Long), None);
        assert_eq!(from_bool(true, Type::String), Some(Val::str("true")));
        assert_eq!(from_bool(true, Type::Real), None);
    }
}
