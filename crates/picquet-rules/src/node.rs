//! The tree both readers give: YAML and JSON alike, with the line of every value.

use std::ops::Range;

use serde_json::{Map, Number, Value};

/// How a scalar is written; it decides whether `5` is a number and where a query's lines stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Style {
    /// Unquoted: may be null, a boolean or a number.
    Plain,
    /// Quoted or folded: text.
    Quoted,
    /// A literal block, whose lines are lines of the file with `indent` columns taken off.
    Literal {
        /// Columns taken off the front of each line.
        indent: usize,
    },
}

/// A value of the file.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Node {
    /// Line of its start, from 1.
    pub line: usize,
    /// Its bytes in the file, with quotes; that of a block scalar begins at its first character that is not blank.
    pub span: Range<usize>,
    /// What it is.
    pub data: Data,
}

/// What a value is.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Data {
    Scalar {
        text: String,
        style: Style,
    },
    List(Vec<Node>),
    Object(Vec<Entry>),
    /// An ARM expression whose value only a deployment knows.
    Unresolved {
        text: String,
        reason: String,
    },
}

/// One key of an object.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Entry {
    pub key: String,
    pub line: usize,
    /// Bytes of the key in the file.
    pub span: Range<usize>,
    pub value: Node,
}

impl Node {
    pub fn text(line: usize, text: impl Into<String>) -> Self {
        Self { line, span: 0..0, data: Data::Scalar { text: text.into(), style: Style::Quoted } }
    }

    pub fn plain(line: usize, text: impl Into<String>) -> Self {
        Self { line, span: 0..0, data: Data::Scalar { text: text.into(), style: Style::Plain } }
    }

    /// The same at a place of the file.
    pub fn at(self, span: Range<usize>) -> Self {
        Self { span, ..self }
    }

    pub fn is_null(&self) -> bool {
        matches!(&self.data, Data::Scalar { text, style: Style::Plain } if is_null_text(text))
    }

    /// The text of a scalar that is not null.
    pub fn as_text(&self) -> Option<&str> {
        match &self.data {
            Data::Scalar { text, .. } if !self.is_null() => Some(text),
            _ => None,
        }
    }

    pub fn entries(&self) -> Option<&[Entry]> {
        match &self.data {
            Data::Object(entries) => Some(entries),
            _ => None,
        }
    }

    /// The value of a key, whatever the key's case; an exact match goes first.
    pub fn get(&self, key: &str) -> Option<&Node> {
        let entries = self.entries()?;
        entries
            .iter()
            .find(|entry| entry.key == key)
            .or_else(|| entries.iter().find(|entry| entry.key.eq_ignore_ascii_case(key)))
            .map(|entry| &entry.value)
    }

    /// What stands there, for messages: `a list`, `` `5min` ``.
    pub fn describe(&self) -> String {
        match &self.data {
            Data::List(_) => "a list".to_owned(),
            Data::Object(_) => "a mapping".to_owned(),
            Data::Scalar { .. } if self.is_null() => "nothing".to_owned(),
            Data::Scalar { text, .. } | Data::Unresolved { text, .. } => {
                let mut shown: String = text.chars().take(60).collect();
                if shown.len() < text.len() {
                    shown.push('…');
                }
                format!("`{shown}`")
            }
        }
    }

    pub fn to_json(&self) -> Value {
        match &self.data {
            Data::Scalar { text, style: Style::Plain } => plain_to_json(text),
            Data::Scalar { text, .. } | Data::Unresolved { text, .. } => Value::String(text.clone()),
            Data::List(items) => items.iter().map(Self::to_json).collect(),
            Data::Object(entries) => {
                let pairs = entries.iter().map(|entry| (entry.key.clone(), entry.value.to_json()));
                Value::Object(pairs.collect::<Map<_, _>>())
            }
        }
    }

    /// The node of a JSON value, all of it on one line.
    pub fn from_json(line: usize, value: &Value) -> Self {
        let data = match value {
            Value::String(text) => return Self::text(line, text.clone()),
            Value::Array(items) => Data::List(items.iter().map(|item| Self::from_json(line, item)).collect()),
            Value::Object(object) => Data::Object(
                object
                    .iter()
                    .map(|(key, value)| Entry {
                        key: key.clone(),
                        line,
                        span: 0..0,
                        value: Self::from_json(line, value),
                    })
                    .collect(),
            ),
            other => return Self::plain(line, other.to_string()),
        };
        Self { line, span: 0..0, data }
    }
}

fn is_null_text(text: &str) -> bool {
    matches!(text, "" | "~" | "null" | "Null" | "NULL")
}

/// An unquoted scalar under YAML's core schema.
fn plain_to_json(text: &str) -> Value {
    if is_null_text(text) {
        return Value::Null;
    }
    match text {
        "true" | "True" | "TRUE" => return Value::Bool(true),
        "false" | "False" | "FALSE" => return Value::Bool(false),
        _ => {}
    }
    let starts_like_number = text.starts_with(|c: char| c.is_ascii_digit() || "+-.".contains(c));
    if starts_like_number {
        if let Ok(number) = text.parse::<i64>() {
            return Value::from(number);
        }
        if let Some(number) = text.parse().ok().and_then(Number::from_f64) {
            return Value::Number(number);
        }
    }
    Value::String(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn plain_scalars() {
        let cases = [
            ("", json!(null)),
            ("~", json!(null)),
            ("True", json!(true)),
            ("12", json!(12)),
            ("1.5", json!(1.5)),
            ("1.0.0", json!("1.0.0")),
            ("5m", json!("5m")),
            ("-", json!("-")),
            ("infinity", json!("infinity")),
        ];
        for (text, expected) in cases {
            assert_eq!(plain_to_json(text), expected, "{text}");
        }
    }
}
