//! Reading values with their paths: each kind of value once, with its messages.

use serde_json::{Map, Value};

use crate::duration::Duration;
use crate::error::{RuleError, nearest};
use crate::node::{Data, Entry, Node};

/// A value with its path, for messages.
#[derive(Clone)]
pub(super) struct Field<'n> {
    pub(super) node: &'n Node,
    pub(super) path: String,
}

impl<'n> Field<'n> {
    pub(super) fn item(&self, index: usize, node: &'n Node) -> Self {
        Field { node, path: format!("{}[{index}]", self.path) }
    }
}

/// An object, whose keys are ticked off as they are read.
pub(super) struct Object<'n> {
    pub(super) entries: &'n [Entry],
    pub(super) path: String,
    pub(super) line: usize,
    pub(super) read: Vec<bool>,
    names: Vec<&'static str>,
}

impl<'n> Object<'n> {
    pub(super) fn child(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }

    /// The value of the first of some names, whatever its case; null counts as absent.
    pub(super) fn get(&mut self, names: &[&'static str]) -> Option<Field<'n>> {
        self.names.extend_from_slice(names);
        let mut found = None;
        for name in names {
            for (index, entry) in self.entries.iter().enumerate() {
                let is_it = entry.key.eq_ignore_ascii_case(name) && !self.read[index];
                if !is_it || found.is_some() {
                    continue;
                }
                self.read[index] = true;
                if !entry.value.is_null() {
                    found = Some(Field { node: &entry.value, path: self.child(&entry.key) });
                }
            }
            if found.is_some() {
                break;
            }
        }
        found
    }
}

/// Collects problems while reading one rule.
pub(super) struct Reader<'a> {
    pub(super) file: &'a str,
    /// Path of the rule in its file.
    pub(super) base: String,
    pub(super) errors: Vec<RuleError>,
    pub(super) warnings: Vec<RuleError>,
    /// Values of keys that nothing read, by their path in the rule.
    pub(super) extra: Map<String, Value>,
    /// Expressions that were taken as texts, by their path in the rule.
    pub(super) expressions: Vec<(String, String)>,
}

impl Reader<'_> {
    /// A path of the file as a path of the rule.
    fn within_rule(&self, path: &str) -> String {
        path.strip_prefix(&self.base).unwrap_or(path).trim_start_matches('.').to_owned()
    }

    pub(super) fn problem(&self, path: &str, line: usize, message: String, help: Option<String>) -> RuleError {
        RuleError { file: self.file.to_owned(), path: path.to_owned(), line: (line > 0).then_some(line), message, help }
    }

    pub(super) fn error(&mut self, path: &str, line: usize, message: String, help: Option<String>) {
        let problem = self.problem(path, line, message, help);
        self.errors.push(problem);
    }

    pub(super) fn warn(&mut self, path: &str, line: usize, message: String, help: Option<String>) {
        let problem = self.problem(path, line, message, help);
        self.warnings.push(problem);
    }

    pub(super) fn wrong_type(&mut self, field: &Field<'_>, expected: &str) {
        if let Data::Unresolved { text, reason } = &field.node.data {
            let help = "write the value in place, or give the parameter a `defaultValue`";
            let message = format!("the expression `{text}` has no value: {reason}");
            self.error(&field.path, field.node.line, message, Some(help.to_owned()));
            return;
        }
        let message = format!("expected {expected}, found {}", field.node.describe());
        self.error(&field.path, field.node.line, message, None);
    }

    /// Says which value is wrong, which are valid, and which of them was probably meant.
    pub(super) fn wrong_value(&mut self, field: &Field<'_>, what: &str, valid: &[&str]) {
        let text = field.node.as_text().unwrap_or_default();
        let near = nearest(text, valid.iter().copied());
        self.wrong_value_but(field, what, valid, near);
    }

    pub(super) fn wrong_value_but(&mut self, field: &Field<'_>, what: &str, valid: &[&str], near: Option<&str>) {
        let names: Vec<String> = valid.iter().map(|name| format!("`{name}`")).collect();
        let mut help = format!("expected one of {}", names.join(", "));
        if let Some(near) = near {
            help.push_str(&format!("; did you mean `{near}`?"));
        }
        let message = format!("{} is not {what}", field.node.describe());
        self.error(&field.path, field.node.line, message, Some(help));
    }

    pub(super) fn missing(&mut self, object: &Object<'_>, key: &'static str, help: &str) {
        let unread =
            object.entries.iter().zip(&object.read).filter(|(_, read)| !**read).map(|(entry, _)| entry.key.as_str());
        let mut help = help.to_owned();
        if let Some(near) = nearest(key, unread) {
            help.push_str(&format!("; the rule has a key `{near}`"));
        }
        let path = object.child(key);
        let message = format!("required key `{key}` is missing");
        self.error(&path, object.line, message, Some(help));
    }

    pub(super) fn object<'n>(&mut self, field: &Field<'n>) -> Option<Object<'n>> {
        let Some(entries) = field.node.entries() else {
            self.wrong_type(field, "a mapping");
            return None;
        };
        Some(Object {
            entries,
            path: field.path.clone(),
            line: field.node.line,
            read: vec![false; entries.len()],
            names: Vec::new(),
        })
    }

    /// Keeps what was not read, and remarks on keys that are nearly ones the model knows.
    pub(super) fn finish(&mut self, object: Object<'_>) {
        for (entry, read) in object.entries.iter().zip(&object.read) {
            if *read {
                continue;
            }
            let path = object.child(&entry.key);
            let taken = object.names.iter().any(|name| name.eq_ignore_ascii_case(&entry.key));
            let near = nearest(&entry.key, object.names.iter().copied());
            if let Some(near) = near.filter(|_| !taken) {
                let help = format!("did you mean `{near}`?");
                let message = format!("unknown key `{}` has no effect", entry.key);
                self.warn(&path, entry.line, message, Some(help));
            }
            let path = self.within_rule(&path);
            self.extra.insert(path, entry.value.to_json());
        }
    }

    pub(super) fn text(&mut self, field: Option<Field<'_>>) -> Option<String> {
        let field = field?;
        match &field.node.data {
            Data::Scalar { text, .. } => Some(text.clone()),
            // A name or description that a deployment fills in is still worth showing.
            Data::Unresolved { text, .. } => {
                let path = self.within_rule(&field.path);
                self.expressions.push((path, text.clone()));
                Some(text.clone())
            }
            _ => {
                self.wrong_type(&field, "text");
                None
            }
        }
    }

    pub(super) fn scalar<'n>(&mut self, field: &Field<'n>, expected: &str) -> Option<&'n str> {
        let text = field.node.as_text();
        if text.is_none() {
            self.wrong_type(field, expected);
        }
        text
    }

    pub(super) fn boolean(&mut self, field: Option<Field<'_>>, default: bool) -> bool {
        let Some(field) = field else {
            return default;
        };
        let Some(text) = self.scalar(&field, "`true` or `false`") else {
            return default;
        };
        match text.trim().to_ascii_lowercase().as_str() {
            "true" | "yes" | "on" => true,
            "false" | "no" | "off" => false,
            _ => {
                self.wrong_value(&field, "a boolean", &["true", "false"]);
                default
            }
        }
    }

    pub(super) fn duration(&mut self, field: Option<Field<'_>>) -> Option<Duration> {
        let field = field?;
        let text = self.scalar(&field, "a duration such as `5m`, `1h` or `PT5M`")?;
        match text.parse() {
            Ok(duration) => Some(duration),
            Err(error) => {
                let help = Some(error.help());
                self.error(&field.path, field.node.line, error.to_string(), help);
                None
            }
        }
    }

    pub(super) fn named<T>(
        &mut self,
        field: Option<Field<'_>>,
        what: &str,
        names: &[&str],
        read: impl Fn(&str) -> Option<T>,
    ) -> Option<T> {
        let field = field?;
        let text = self.scalar(&field, what)?;
        let value = read(text);
        if value.is_none() {
            self.wrong_value(&field, what, names);
        }
        value
    }

    /// Items of a list; a single value reads as a list of one, as some files leave out the dash.
    pub(super) fn items<'n>(&mut self, field: Option<Field<'n>>) -> Vec<Field<'n>> {
        let Some(field) = field else {
            return Vec::new();
        };
        match &field.node.data {
            Data::List(items) => items
                .iter()
                .enumerate()
                .filter(|(_, item)| !item.is_null())
                .map(|(index, item)| field.item(index, item))
                .collect(),
            _ => vec![field],
        }
    }

    pub(super) fn texts(&mut self, field: Option<Field<'_>>) -> Vec<String> {
        self.items(field)
            .iter()
            .filter_map(|item| self.scalar(item, "text").map(|text| text.trim().to_owned()))
            .filter(|text| !text.is_empty())
            .collect()
    }
}
