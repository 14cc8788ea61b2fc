//! Texts of values and values of texts, borrowed where that is possible.

use std::borrow::Cow;

use crate::families::cast;
use crate::{Dynamic, Type, Val, text};

/// The text of a value, as `tostring` gives it; null is the empty text.
pub fn to_text<'a>(value: &'a Val<'_>) -> Cow<'a, str> {
    match value {
        Val::Null => Cow::Borrowed(""),
        Val::Str(s) => Cow::Borrowed(s),
        Val::Dynamic(s) => dynamic_text(s),
        other => match cast(other, Type::String) {
            Val::Str(s) => s,
            _ => Cow::Borrowed(""),
        },
    }
}

/// The text of a dynamic value: a string without its quotes, all else as plain JSON.
pub fn dynamic_text(encoded: &str) -> Cow<'_, str> {
    if let Some(body) = encoded.strip_prefix('"').and_then(|s| s.strip_suffix('"'))
        && !body.contains(['\\', '"'])
    {
        return Cow::Borrowed(body);
    }
    if !encoded.starts_with('"') && !encoded.contains("\\u0011") {
        return Cow::Borrowed(encoded);
    }
    Cow::Owned(tree_text(&Dynamic::decode(encoded)))
}

/// The text of a tree: a string as it is, null as the empty text, scalars without quotes, all else as plain JSON.
pub fn tree_text(tree: &Dynamic) -> String {
    match tree {
        Dynamic::Null => String::new(),
        Dynamic::String(s) => s.clone(),
        Dynamic::DateTime(v) => text::datetime(*v),
        Dynamic::Timespan(v) => text::timespan(*v),
        Dynamic::Guid(v) => text::guid(v),
        Dynamic::Decimal(v) => text::decimal(*v),
        other => other.to_json(),
    }
}

/// Reads a text as a value of a type; `None` where it is none. A text that is not JSON is a dynamic string.
pub fn parse_as<'a>(input: &'a str, ty: Type) -> Option<Val<'a>> {
    match ty {
        Type::String => Some(Val::str(input)),
        Type::Dynamic if input.is_empty() => None,
        Type::Dynamic => {
            let tree = Dynamic::parse_json(input).unwrap_or_else(|| Dynamic::String(input.to_string()));
            Some(Val::dynamic(&tree))
        }
        _ => Some(cast(&Val::str(input.trim()), ty)).filter(|v| !v.is_null()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_read_as_values() {
        assert_eq!(parse_as("  42 ", Type::Int), Some(Val::Int(42)));
        assert_eq!(parse_as("5.9", Type::Long), None);
        assert_eq!(parse_as("", Type::Dynamic), None);
        assert_eq!(parse_as("a", Type::Dynamic), Some(Val::Dynamic("\"a\"".into())));
    }

    #[test]
    fn dynamic_strings_lose_their_quotes() {
        assert_eq!(dynamic_text("\"a b\""), "a b");
        assert_eq!(dynamic_text("\"a\\nb\""), "a\nb");
        assert_eq!(dynamic_text("[1,\"x\"]"), "[1,\"x\"]");
    }
}
