//! The ordered tree that all writers print.

use serde_json::{Map, Number, Value};

/// A value to be written; keys keep their order.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Tree {
    Null,
    Bool(bool),
    Number(Number),
    Text(String),
    /// An expression of the target language, printed as it stands (in JSON, as a string).
    Code(String),
    List(Vec<Tree>),
    Object(Vec<(String, Tree)>),
}

impl Tree {
    pub(crate) fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    pub(crate) fn texts<'a>(texts: impl IntoIterator<Item = &'a String>) -> Self {
        Self::List(texts.into_iter().map(|text| Self::text(text.as_str())).collect())
    }

    pub(crate) fn number(number: u64) -> Self {
        Self::Number(number.into())
    }

    pub(crate) fn object<const N: usize>(entries: [(&str, Tree); N]) -> Self {
        Self::Object(entries.into_iter().map(|(key, value)| (key.to_owned(), value)).collect())
    }

    pub(crate) fn is_empty(&self) -> bool {
        match self {
            Self::List(items) => items.is_empty(),
            Self::Object(entries) => entries.is_empty(),
            _ => false,
        }
    }

    /// The value of a key, whatever its case.
    pub(crate) fn get(&self, key: &str) -> Option<&Tree> {
        match self {
            Self::Object(entries) => {
                entries.iter().find(|(name, _)| name.eq_ignore_ascii_case(key)).map(|(_, value)| value)
            }
            _ => None,
        }
    }

    pub(crate) fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Puts a value at a path (`entityMappings[0].note`) below this tree; `false` where the path leads nowhere.
    pub(crate) fn insert_at(&mut self, path: &str, value: Tree) -> bool {
        let (step, rest) = first_step(path);
        match (self, step) {
            (Self::Object(entries), Step::Key(key)) => {
                let at = entries.iter().position(|(name, _)| name.eq_ignore_ascii_case(key));
                match (at, rest.is_empty()) {
                    (Some(at), true) => entries[at].1 = value,
                    (Some(at), false) => return entries[at].1.insert_at(rest, value),
                    (None, true) => entries.push((key.to_owned(), value)),
                    (None, false) if rest.starts_with('[') => return false,
                    (None, false) => {
                        let mut inner = Self::Object(Vec::new());
                        let done = inner.insert_at(rest, value);
                        if done {
                            entries.push((key.to_owned(), inner));
                        }
                        return done;
                    }
                }
                true
            }
            (Self::List(items), Step::Index(index)) => match items.get_mut(index) {
                Some(item) if !rest.is_empty() => item.insert_at(rest, value),
                _ => false,
            },
            _ => false,
        }
    }
}

enum Step<'a> {
    Key(&'a str),
    Index(usize),
}

fn first_step(path: &str) -> (Step<'_>, &str) {
    if let Some((index, rest)) = path.strip_prefix('[').and_then(|inner| inner.split_once(']'))
        && let Ok(index) = index.parse()
    {
        return (Step::Index(index), rest.strip_prefix('.').unwrap_or(rest));
    }
    let end = path.find(['.', '[']).filter(|end| *end > 0).unwrap_or(path.len());
    let rest = &path[end..];
    (Step::Key(&path[..end]), rest.strip_prefix('.').unwrap_or(rest))
}

impl From<&Value> for Tree {
    fn from(value: &Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Bool(value) => Self::Bool(*value),
            Value::Number(number) => Self::Number(number.clone()),
            Value::String(text) => Self::Text(text.clone()),
            Value::Array(items) => Self::List(items.iter().map(Self::from).collect()),
            Value::Object(entries) => Self::from(entries),
        }
    }
}

impl From<&Map<String, Value>> for Tree {
    fn from(entries: &Map<String, Value>) -> Self {
        Self::Object(entries.iter().map(|(key, value)| (key.clone(), Self::from(value))).collect())
    }
}

/// Collects the entries of an object, leaving out what is empty.
#[derive(Default)]
pub(crate) struct Entries(pub(crate) Vec<(String, Tree)>);

impl Entries {
    pub(crate) fn put(&mut self, key: &str, value: Tree) {
        self.0.push((key.to_owned(), value));
    }

    pub(crate) fn put_text(&mut self, key: &str, text: &str) {
        if !text.is_empty() {
            self.put(key, Tree::text(text));
        }
    }

    pub(crate) fn put_some(&mut self, key: &str, text: Option<&String>) {
        if let Some(text) = text {
            self.put(key, Tree::text(text.as_str()));
        }
    }

    pub(crate) fn put_full(&mut self, key: &str, value: Tree) {
        if !value.is_empty() {
            self.put(key, value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn values_go_to_their_paths() {
        let cases = [
            ("a", true, json!({"a": 1, "b": [{"c": 2}], "d.e": 0})),
            ("b[0].x", true, json!({"b": [{"c": 2, "x": 1}], "d.e": 0})),
            ("n.m.o", true, json!({"b": [{"c": 2}], "n": {"m": {"o": 1}}, "d.e": 0})),
            ("b[3].x", false, json!({"b": [{"c": 2}], "d.e": 0})),
            ("b.x", false, json!({"b": [{"c": 2}], "d.e": 0})),
            ("q[0].x", false, json!({"b": [{"c": 2}], "d.e": 0})),
        ];
        for (path, done, expected) in cases {
            let mut tree = Tree::from(&json!({"b": [{"c": 2}], "d.e": 0}));
            assert_eq!(tree.insert_at(path, Tree::number(1)), done, "{path}");
            let text = crate::json::write(&tree, crate::json::Brackets::Plain);
            assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), expected, "{path}");
        }
    }
}
