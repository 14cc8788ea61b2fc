//! One documented cell against one value.

use kql_functions::{Type, text};
use serde_json::Value;

use super::json;

/// What a case says of how its values are compared.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Manner {
    /// The query makes sets: arrays have no order.
    pub(crate) sets: bool,
    /// Coordinates: an absolute tolerance, and rings begin anywhere.
    pub(crate) geo: bool,
    /// The page leaves parts out.
    pub(crate) truncated: bool,
}

/// Stands for what a page leaves out.
pub(crate) const OMISSION: &str = "...";

/// Whether a value of that type, in Kusto's REST encoding, is what the documented cell says.
pub(crate) fn same(got: &Value, ty: Type, want: &str, manner: Manner) -> bool {
    let want = want.trim();
    if manner.truncated && (want.contains(OMISSION) || want.contains('…')) {
        return true;
    }
    if ty == Type::String {
        return same_text(got.as_str().unwrap_or(""), want, manner);
    }
    if got.is_null() || is_null(want) {
        return got.is_null() && is_null(want);
    }
    let shown = got.as_str();
    match ty {
        Type::Bool => bool_of(want) == got.as_bool(),
        Type::Int | Type::Long => want.parse::<i64>().ok().is_some_and(|want| got.as_i64() == Some(want)),
        Type::Real | Type::Decimal => {
            let got = shown.map_or_else(|| got.to_string(), str::to_string);
            json::same_number(&got, want, manner.geo)
        }
        Type::DateTime => both(shown, want, text::parse_datetime),
        Type::Timespan => both(shown, want, text::parse_timespan),
        Type::Guid => shown.is_some_and(|got| got.eq_ignore_ascii_case(want)),
        Type::String | Type::Dynamic | Type::Unknown => json::same_dynamic(got, want, manner),
    }
}

fn is_null(text: &str) -> bool {
    matches!(text, "" | "null" | "NULL" | "(null)")
}

fn bool_of(text: &str) -> Option<bool> {
    match text {
        "true" | "True" | "TRUE" | "1" => Some(true),
        "false" | "False" | "FALSE" | "0" => Some(false),
        _ => None,
    }
}

fn both(got: Option<&str>, want: &str, parse: impl Fn(&str) -> Option<i64>) -> bool {
    match (got.and_then(&parse), parse(want)) {
        (Some(got), Some(want)) => got == want,
        _ => false,
    }
}

fn same_text(got: &str, want: &str, manner: Manner) -> bool {
    let lines = |text: &str| text.trim().replace("\r\n", "\n");
    if lines(got) == lines(want) {
        return true;
    }
    let looks_like_json = |text: &str| text.trim_start().starts_with(['{', '[']);
    if !looks_like_json(got) || !looks_like_json(want) {
        return false;
    }
    match (serde_json::from_str::<Value>(got), serde_json::from_str::<Value>(want)) {
        (Ok(got), Ok(want)) => json::same(&got, &want, manner),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(got: Value, ty: Type, want: &str) -> bool {
        same(&got, ty, want, Manner::default())
    }

    #[test]
    fn nulls_and_empty_texts() {
        assert!(check(json!(null), Type::Long, "(null)") && check(json!(null), Type::Dynamic, "null"));
        assert!(check(json!(""), Type::String, "") && !check(json!(""), Type::String, "null"));
        assert!(!check(json!(0), Type::Long, "") && !check(json!(null), Type::Real, "0"));
    }

    #[test]
    fn numbers() {
        assert!(check(json!(7.38905609893065), Type::Real, "7.389056"));
        assert!(!check(json!(7.3891), Type::Real, "7.389056"));
        assert!(check(json!("NaN"), Type::Real, "NaN") && check(json!("Infinity"), Type::Real, "∞"));
        assert!(check(json!("1.50"), Type::Decimal, "1.5"));
        assert!(check(json!(5), Type::Long, "5") && !check(json!(5), Type::Long, "5.0"));
    }

    #[test]
    fn times_guids_and_bools() {
        assert!(check(json!("2017-01-01T00:00:00Z"), Type::DateTime, "2017-01-01 00:00:00.0000000"));
        assert!(check(json!("1.00:00:00"), Type::Timespan, "1d"));
        assert!(check(json!(true), Type::Bool, "1") && !check(json!(true), Type::Bool, "no"));
        let guid = "6F9619FF-8B86-D011-B42D-00C04FC964FF";
        assert!(check(json!(guid.to_lowercase()), Type::Guid, guid));
    }

    #[test]
    fn texts_that_hold_json() {
        assert!(check(json!("{\"a\":1,\"b\":[2]}"), Type::String, "{ \"b\": [ 2.0 ], \"a\": 1 }"));
        assert!(!check(json!("a"), Type::String, "b") && check(json!(" a\r\nb"), Type::String, "a\nb"));
    }
}
