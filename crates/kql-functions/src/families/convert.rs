//! Conversions between types, and the tests of a value's type.

use std::borrow::Cow;

use super::support::{DECIMAL_ONE, Out, decimal_units, lenient, strict};
use crate::{Cx, Dynamic, Scalar, Type, Val, calendar, text, transcode};

pub(super) static ENTRIES: &[Scalar] = &[
    strict("tostring", "The value as text; null becomes the empty string.", tostring),
    strict("toint", "The value as int, or null.", convert),
    strict("tolong", "The value as long, or null.", convert),
    strict("toreal", "The value as real, or null.", convert),
    strict("todouble", "The value as real, or null.", convert),
    strict("todecimal", "The value as decimal, or null.", convert),
    strict("tobool", "The value as bool, or null.", convert),
    strict("toboolean", "The value as bool, or null.", convert),
    strict("todatetime", "The value as datetime, or null.", convert),
    strict("totimespan", "The value as timespan, or null.", convert),
    strict("totime", "The value as timespan, or null.", convert),
    strict("toguid", "The value as guid, or null.", convert),
    strict("__cast", "The value as the type named first.", cast_to_result),
    strict("parse_json", "The dynamic value that a JSON text describes; other text becomes a string.", parse_json),
    strict("parsejson", "The dynamic value that a JSON text describes; other text becomes a string.", parse_json),
    strict("todynamic", "The dynamic value that a JSON text describes; other text becomes a string.", parse_json),
    strict("toobject", "The dynamic value that a JSON text describes; other text becomes a string.", parse_json),
    lenient("gettype", "The name of the value's type; of a dynamic value, of what it holds.", gettype),
    strict("tohex", "An integer in hexadecimal, padded with zeros to a length.", tohex),
];

/// `value` as `to`, as the `to…` functions convert: null (or the empty string) where that is not possible.
pub fn cast(value: &Val<'_>, to: Type) -> Val<'static> {
    converted(value, to).into_owned()
}

/// As [`cast`], borrowing from the value what stays the same.
pub fn cast_ref<'a>(value: &'a Val<'_>, to: Type) -> Val<'a> {
    converted(value, to)
}

/// An element of a dynamic value as `to`, as `mv-expand … to typeof` takes it: numbers are not read from strings.
pub fn cast_element(value: &Val<'_>, to: Type) -> Val<'static> {
    let scalar = dynamic_scalar(value);
    match scalar {
        Val::Str(_) if to.is_number() || to == Type::Bool => Val::Null,
        _ if to == Type::Dynamic => reborrow(value).into_owned(),
        other => converted(&other, to).into_owned(),
    }
}

/// The same value, borrowed from `value`.
pub(super) fn reborrow<'a>(value: &'a Val<'_>) -> Val<'a> {
    match value {
        Val::Str(s) => Val::Str(Cow::Borrowed(s)),
        Val::Dynamic(s) => Val::Dynamic(Cow::Borrowed(s)),
        Val::Null => Val::Null,
        Val::Bool(v) => Val::Bool(*v),
        Val::Int(v) => Val::Int(*v),
        Val::Long(v) => Val::Long(*v),
        Val::Real(v) => Val::Real(*v),
        Val::Decimal(v) => Val::Decimal(*v),
        Val::DateTime(v) => Val::DateTime(*v),
        Val::Timespan(v) => Val::Timespan(*v),
        Val::Guid(v) => Val::Guid(*v),
    }
}

/// `value` as `to`, borrowing where nothing changes.
pub(super) fn converted<'a>(value: &'a Val<'_>, to: Type) -> Val<'a> {
    match (value, to) {
        (Val::Null, _) => Val::missing(to),
        (_, Type::String) => Val::Str(text_of(value)),
        (_, Type::Dynamic | Type::Unknown) => as_dynamic(value),
        (Val::Dynamic(_), _) => match dynamic_scalar(value) {
            Val::Dynamic(_) => Val::Null,
            scalar => converted(&scalar, to).into_owned(),
        },
        (_, Type::Bool) => as_bool(value).map_or(Val::Null, Val::Bool),
        (_, Type::Int) => as_int(value).map_or(Val::Null, Val::Int),
        (_, Type::Long) => as_long(value).map_or(Val::Null, Val::Long),
        (_, Type::Real) => as_real(value).map_or(Val::Null, Val::Real),
        (_, Type::Decimal) => as_decimal(value).map_or(Val::Null, Val::Decimal),
        (_, Type::DateTime) => as_datetime(value).map_or(Val::Null, Val::DateTime),
        (_, Type::Timespan) => as_timespan(value).map_or(Val::Null, Val::Timespan),
        (_, Type::Guid) => as_guid(value).map_or(Val::Null, Val::Guid),
    }
}

/// The text of a value as `tostring` gives it.
pub(super) fn text_of<'a>(value: &'a Val<'_>) -> Cow<'a, str> {
    match value {
        Val::Null => Cow::Borrowed(""),
        Val::Bool(v) => Cow::Borrowed(if *v { "True" } else { "False" }),
        Val::Int(v) => Cow::Owned(v.to_string()),
        Val::Long(v) => Cow::Owned(v.to_string()),
        Val::Real(v) => Cow::Owned(text::real(*v)),
        Val::Decimal(v) => Cow::Owned(text::decimal(*v)),
        Val::Str(s) => Cow::Borrowed(s),
        Val::DateTime(v) => Cow::Owned(text::datetime(*v)),
        Val::Timespan(v) => Cow::Owned(text::timespan(*v)),
        Val::Guid(v) => Cow::Owned(text::guid(v)),
        Val::Dynamic(s) => dynamic_text(s),
    }
}

/// A dynamic string bare, all else as plain JSON.
fn dynamic_text(encoded: &str) -> Cow<'_, str> {
    if let Some(bare) = bare_string(encoded) {
        return Cow::Borrowed(bare);
    }
    if !encoded.starts_with('"') && !encoded.contains("\\u0011") {
        return Cow::Borrowed(encoded);
    }
    match Dynamic::decode(encoded) {
        Dynamic::String(s) => Cow::Owned(s),
        tree @ (Dynamic::Array(_) | Dynamic::Bag(_)) => Cow::Owned(tree.to_json()),
        tree => match super::support::scalar(tree) {
            Val::Dynamic(s) => Cow::Owned(s.into_owned()),
            scalar => Cow::Owned(text_of(&scalar).into_owned()),
        },
    }
}

/// The content of a JSON string without escapes.
fn bare_string(encoded: &str) -> Option<&str> {
    let inner = encoded.strip_prefix('"')?.strip_suffix('"')?;
    (!inner.contains(['\\', '"'])).then_some(inner)
}

/// What a dynamic value holds, if it is a scalar; other values as they are.
pub(super) fn dynamic_scalar<'a>(value: &'a Val<'_>) -> Val<'a> {
    let Val::Dynamic(encoded) = value else {
        return reborrow(value);
    };
    if let Some(bare) = bare_string(encoded) {
        return Val::str(bare);
    }
    match encoded.as_bytes().first() {
        Some(b'{' | b'[') => reborrow(value),
        _ => super::support::scalar(Dynamic::decode(encoded)),
    }
}

fn as_dynamic<'a>(value: &'a Val<'_>) -> Val<'a> {
    match value {
        Val::Dynamic(_) => reborrow(value),
        other => Val::dynamic(&other.to_tree()),
    }
}

fn as_bool(value: &Val<'_>) -> Option<bool> {
    match value {
        Val::Bool(v) => Some(*v),
        Val::Int(v) => Some(*v != 0),
        Val::Long(v) => Some(*v != 0),
        Val::Real(v) => Some(*v != 0.0),
        Val::Decimal(v) => Some(*v != 0),
        Val::Str(s) if s.eq_ignore_ascii_case("true") => Some(true),
        Val::Str(s) if s.eq_ignore_ascii_case("false") => Some(false),
        Val::Str(s) => parse_long(s).map(|v| v != 0),
        _ => None,
    }
}

fn as_int(value: &Val<'_>) -> Option<i32> {
    match value {
        Val::Real(v) => (!v.is_nan()).then_some(*v as i32),
        Val::Str(s) => parse_int(s),
        // Longs, datetimes and timespans keep their low 32 bits.
        other => as_long(other).map(|v| v as i32),
    }
}

fn as_long(value: &Val<'_>) -> Option<i64> {
    match value {
        Val::Bool(v) => Some(i64::from(*v)),
        Val::Int(v) => Some(i64::from(*v)),
        Val::Long(v) | Val::DateTime(v) | Val::Timespan(v) => Some(*v),
        Val::Real(v) => (!v.is_nan()).then_some(*v as i64),
        Val::Decimal(v) => i64::try_from(v / DECIMAL_ONE).ok(),
        Val::Str(s) => parse_long(s),
        _ => None,
    }
}

fn as_real(value: &Val<'_>) -> Option<f64> {
    match value {
        Val::Bool(v) => Some(f64::from(u8::from(*v))),
        Val::DateTime(v) | Val::Timespan(v) => Some(*v as f64),
        Val::Str(s) => parse_real(s),
        other => other.as_f64(),
    }
}

fn as_decimal(value: &Val<'_>) -> Option<i128> {
    match value {
        Val::Bool(v) => Some(i128::from(*v) * DECIMAL_ONE),
        Val::DateTime(v) | Val::Timespan(v) => Some(i128::from(*v) * DECIMAL_ONE),
        // By way of its digits, so that 0.1 becomes exactly 0.1.
        Val::Real(v) => text::parse_decimal(&format!("{v:e}")),
        Val::Str(s) => text::parse_decimal(s),
        other => decimal_units(other),
    }
}

fn as_datetime(value: &Val<'_>) -> Option<i64> {
    match value {
        Val::DateTime(v) => Some(*v),
        Val::Str(s) => text::parse_datetime(s),
        Val::Int(_) | Val::Long(_) | Val::Real(_) | Val::Decimal(_) => {
            as_long(value).and_then(|ticks| calendar::in_range(i128::from(ticks)))
        }
        _ => None,
    }
}

fn as_timespan(value: &Val<'_>) -> Option<i64> {
    match value {
        Val::Timespan(v) => Some(*v),
        Val::Str(s) => text::parse_timespan(s),
        Val::Int(_) | Val::Long(_) | Val::Real(_) | Val::Decimal(_) => as_long(value),
        _ => None,
    }
}

fn as_guid(value: &Val<'_>) -> Option<[u8; 16]> {
    match value {
        Val::Guid(v) => Some(*v),
        Val::Str(s) => text::parse_guid(s),
        _ => None,
    }
}

/// A text as long: decimal digits with a sign, or hexadecimal ones after `0x`, which may fill all bits. Blanks around it
/// do not count; `None` for all else.
pub fn parse_long(s: &str) -> Option<i64> {
    if let Some(number) = few_digits(s) {
        return Some(number);
    }
    let s = s.trim();
    match hex_digits(s) {
        Some(hex) => u64::from_str_radix(hex, 16).ok().map(|bits| bits as i64),
        None => s.parse().ok(),
    }
}

/// A text as int, as [`parse_long`] reads longs.
pub fn parse_int(s: &str) -> Option<i32> {
    if let Some(number) = few_digits(s) {
        return i32::try_from(number).ok();
    }
    let s = s.trim();
    match hex_digits(s) {
        Some(hex) => u32::from_str_radix(hex, 16).ok().map(|bits| bits as i32),
        None => s.parse().ok(),
    }
}

/// Most numbers are some digits and nothing else.
fn few_digits(s: &str) -> Option<i64> {
    if !(1..=18).contains(&s.len()) {
        return None;
    }
    let mut number = 0;
    for digit in s.bytes().map(|b| b.wrapping_sub(b'0')) {
        if digit > 9 {
            return None;
        }
        number = number * 10 + i64::from(digit);
    }
    Some(number)
}

fn hex_digits(s: &str) -> Option<&str> {
    let digits = s.strip_prefix("0x").or_else(|| s.strip_prefix("0X"))?;
    // A sign after the prefix would be taken by the integer parser.
    digits.bytes().all(|b| b.is_ascii_hexdigit()).then_some(digits)
}

fn parse_real(s: &str) -> Option<f64> {
    let s = s.trim();
    let unsigned = s.strip_prefix(['+', '-']).unwrap_or(s);
    let numeric = unsigned.starts_with(|c: char| c.is_ascii_digit() || c == '.');
    let special = matches!(unsigned, "nan" | "NaN" | "inf" | "Inf" | "infinity" | "Infinity");
    (numeric || special).then(|| s.parse().ok()).flatten()
}

fn convert<'a>(cx: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    Ok(args.first().map_or(Val::Null, |value| converted(value, cx.ret)))
}

fn cast_to_result<'a>(cx: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    Ok(args.last().map_or(Val::missing(cx.ret), |value| converted(value, cx.ret)))
}

fn tostring<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    Ok(Val::Str(args.first().map_or(Cow::Borrowed(""), text_of)))
}

fn parse_json<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    Ok(match args.first() {
        Some(Val::Str(s)) if transcode::is_encoded(s) => {
            if s == "null" {
                Val::Null
            } else {
                Val::Dynamic(Cow::Borrowed(s))
            }
        }
        Some(Val::Str(s)) => json_value(s),
        Some(other) => as_dynamic(other),
        None => Val::Null,
    })
}

/// A dynamic value from JSON text; text that is no JSON becomes a string.
pub(super) fn json_value(json: &str) -> Val<'static> {
    if json.trim().is_empty() {
        return Val::Null;
    }
    match transcode::encode_json(json) {
        Some(encoded) if encoded == "null" => Val::Null,
        Some(encoded) => Val::Dynamic(Cow::Owned(encoded)),
        None => Val::dynamic(&Dynamic::String(json.to_string())),
    }
}

fn gettype<'a>(cx: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    let declared = cx.args.first().copied().unwrap_or(Type::Dynamic);
    let name = match args.first() {
        _ if declared != Type::Dynamic => declared.name(),
        Some(value) => held_type(&dynamic_scalar(value)),
        None => "null",
    };
    Ok(Val::str(name))
}

/// The name of the type of what a dynamic value holds; a real is called by its other name there.
fn held_type(value: &Val<'_>) -> &'static str {
    match value {
        Val::Null => "null",
        Val::Bool(_) => "bool",
        Val::Int(_) | Val::Long(_) => "long",
        Val::Real(_) => "double",
        Val::Decimal(_) => "decimal",
        Val::Str(_) => "string",
        Val::DateTime(_) => "datetime",
        Val::Timespan(_) => "timespan",
        Val::Guid(_) => "guid",
        Val::Dynamic(s) if s.starts_with('[') => "array",
        Val::Dynamic(_) => "dictionary",
    }
}

fn tohex<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    let width = args.get(1).and_then(Val::as_i64).unwrap_or(0).clamp(0, 1024) as usize;
    Ok(Val::str(match args.first() {
        Some(Val::Int(v)) => format!("{v:0width$x}"),
        Some(Val::Long(v)) => format!("{v:0width$x}"),
        _ => String::new(),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn as_type(value: &Val<'_>, to: Type) -> Val<'static> {
        cast(value, to)
    }

    #[test]
    fn integers() {
        let int = |s: &str| as_type(&Val::str(s), Type::Int);
        let long = |s: &str| as_type(&Val::str(s), Type::Long);
        assert_eq!(int("  42  "), Val::Int(42));
        assert_eq!(int("0x7FFFFFFF"), Val::Int(i32::MAX));
        assert_eq!(long("0xFFFFFFFFFFFFFFFF"), Val::Long(-1));
        for text in ["5.9", "", "2147483648", "-0x10", "0x", "0x-1", "1e3", "1_000"] {
            assert_eq!(int(text), Val::Null, "{text}");
        }
        assert_eq!(long("9223372036854775808"), Val::Null);
        assert_eq!(as_type(&Val::Real(-2.9), Type::Int), Val::Int(-2));
        assert_eq!(as_type(&Val::Real(1e30), Type::Int), Val::Int(i32::MAX));
        assert_eq!(as_type(&Val::Real(-1e19), Type::Long), Val::Long(i64::MIN));
        assert_eq!(as_type(&Val::Timespan(calendar::HOUR), Type::Int), Val::Int(1_640_261_632));
        assert_eq!(as_type(&Val::Dynamic("9223372036854775807".into()), Type::Int), Val::Int(-1));
        assert_eq!(as_type(&Val::Dynamic("1.7976931348623157e+308".into()), Type::Int), Val::Int(i32::MAX));
        assert_eq!(as_type(&Val::Dynamic("\"192\"".into()), Type::Int), Val::Int(192));
        assert_eq!(as_type(&Val::Dynamic("[1]".into()), Type::Int), Val::Null);
    }

    #[test]
    fn reals_and_bools() {
        let real = |s: &str| as_type(&Val::str(s), Type::Real);
        assert_eq!(real("  3.25  "), Val::Real(3.25));
        assert_eq!(real(".5"), Val::Real(0.5));
        assert_eq!(real("5."), Val::Real(5.0));
        assert_eq!(real("1e400"), Val::Real(f64::INFINITY));
        assert_eq!(real("-inf"), Val::Real(f64::NEG_INFINITY));
        assert_eq!(real("+Infinity"), Val::Real(f64::INFINITY));
        assert!(matches!(real("  NaN  "), Val::Real(v) if v.is_nan()));
        for text in ["", "INF", "1,234", "1_000", "0b101", "abc", "e5"] {
            assert_eq!(real(text), Val::Null, "{text}");
        }
        let bool = |s: &str| as_type(&Val::str(s), Type::Bool);
        assert_eq!(bool("tRuE"), Val::Bool(true));
        assert_eq!(bool("0"), Val::Bool(false));
        assert_eq!(bool("-1"), Val::Bool(true));
        for text in ["yes", "", " true", "true ", "1.0"] {
            assert_eq!(bool(text), Val::Null, "{text}");
        }
    }

    #[test]
    fn texts() {
        let text = |v: Val<'_>| text_of(&v).into_owned();
        assert_eq!(text(Val::Bool(true)), "True");
        assert_eq!(text(Val::Real(1.0)), "1.0");
        assert_eq!(text(Val::Null), "");
        assert_eq!(text(Val::Dynamic("true".into())), "true");
        assert_eq!(text(Val::Dynamic("\"a\\\"b\"".into())), "a\"b");
        assert_eq!(text(Val::Dynamic("[1,\"x\"]".into())), "[1,\"x\"]");
        let timespans = Dynamic::Array(vec![Dynamic::Timespan(20_000_000)]);
        assert_eq!(text(Val::dynamic(&timespans)), "[\"00:00:02\"]");
        assert_eq!(text(Val::dynamic(&Dynamic::Timespan(20_000_000))), "00:00:02");
        assert_eq!(text(Val::dynamic(&Dynamic::Decimal(1_500_000_000_000))), "1.5");
    }

    #[test]
    fn json() {
        assert_eq!(json_value(""), Val::Null);
        assert_eq!(json_value("null"), Val::Null);
        assert_eq!(json_value("hello"), Val::Dynamic("\"hello\"".into()));
        assert_eq!(json_value("{\"a\": [1, 2.50]}"), Val::Dynamic("{\"a\":[1,2.5]}".into()));
        let held = |json: &str| held_type(&dynamic_scalar(&json_value(json)));
        assert_eq!(held("1"), "long");
        assert_eq!(held("1.0"), "double");
        assert_eq!(held("\"x\""), "string");
        assert_eq!(held("[]"), "array");
        assert_eq!(held("{}"), "dictionary");
        assert_eq!(held("true"), "bool");
        assert_eq!(held(""), "null");
    }

    #[test]
    fn elements_are_not_read_from_text() {
        assert_eq!(cast_element(&Val::Dynamic("\"5\"".into()), Type::Long), Val::Null);
        assert_eq!(cast_element(&Val::Dynamic("5.0".into()), Type::Long), Val::Long(5));
        assert_eq!(cast_element(&Val::Dynamic("5".into()), Type::String), Val::str("5"));
        assert_eq!(cast_element(&Val::Dynamic("[5]".into()), Type::Dynamic), Val::Dynamic("[5]".into()));
    }

    #[test]
    fn hexadecimal() {
        let types = [Type::Long, Type::Long];
        let cx = Cx { args: &types, ret: Type::String };
        let hex = |args: &[Val<'static>]| tohex(&cx, args).unwrap().into_owned();
        assert_eq!(hex(&[Val::Long(-256)]), Val::str("ffffffffffffff00"));
        assert_eq!(hex(&[Val::Int(-256), Val::Long(8)]), Val::str("ffffff00"));
        assert_eq!(hex(&[Val::Long(256), Val::Long(8)]), Val::str("00000100"));
        assert_eq!(hex(&[Val::Long(256), Val::Long(2)]), Val::str("100"));
    }
}
