//! The tree of a dynamic value, and its text.
//!
//! Two texts: *plain* JSON, which users see, and *encoded* JSON, which columns hold. They differ only in typed scalars
//! that JSON lacks: datetime, timespan, guid and decimal are encoded as strings that begin with U+0011 and a letter
//! (`t`, `s`, `g`, `n`), so that they keep their type until shown. Object keys keep their order.

use std::fmt::Write as _;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};

use crate::text;

const MARK: char = '\u{11}';

/// A dynamic value as a tree.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs)]
pub enum Dynamic {
    Null,
    Bool(bool),
    Long(i64),
    Real(f64),
    /// In units of 10^-[`crate::DECIMAL_SCALE`].
    Decimal(i128),
    String(String),
    /// Ticks since 0001-01-01.
    DateTime(i64),
    /// Ticks.
    Timespan(i64),
    Guid([u8; 16]),
    Array(Vec<Dynamic>),
    /// Keys in order of appearance; of a repeated key the last value counts.
    Bag(Vec<(String, Dynamic)>),
}

impl Dynamic {
    /// Reads plain JSON; `None` where it is not JSON.
    pub fn parse_json(text: &str) -> Option<Dynamic> {
        serde_json::from_str(text).ok()
    }

    /// Reads the encoded text of a column. What is not JSON becomes a string.
    pub fn decode(text: &str) -> Dynamic {
        let mut tree = Dynamic::parse_json(text).unwrap_or_else(|| Dynamic::String(text.to_string()));
        if text.contains("\\u0011") {
            tree.restore_types();
        }
        tree
    }

    fn restore_types(&mut self) {
        match self {
            Dynamic::String(s) if s.starts_with(MARK) => {
                if let Some(typed) = decode_marked(s) {
                    *self = typed;
                }
            }
            Dynamic::Array(items) => items.iter_mut().for_each(Dynamic::restore_types),
            Dynamic::Bag(items) => items.iter_mut().for_each(|(_, v)| v.restore_types()),
            _ => {}
        }
    }

    /// The encoded text that a column holds.
    pub fn encode(&self) -> String {
        let mut out = String::new();
        self.write(&mut out, true);
        out
    }

    /// Plain JSON, as Kusto prints it: no blanks, typed scalars as strings.
    pub fn to_json(&self) -> String {
        let mut out = String::new();
        self.write(&mut out, false);
        out
    }

    /// The member of a bag.
    pub fn get(&self, key: &str) -> Option<&Dynamic> {
        match self {
            Dynamic::Bag(items) => items.iter().find(|(k, _)| k == key).map(|(_, v)| v),
            _ => None,
        }
    }

    /// The element of an array; negative positions count from the end.
    pub fn at(&self, index: i64) -> Option<&Dynamic> {
        match self {
            Dynamic::Array(items) => {
                let n = if index < 0 { index + items.len() as i64 } else { index };
                usize::try_from(n).ok().and_then(|n| items.get(n))
            }
            _ => None,
        }
    }

    /// The value at a path of `$`, `.name`, `['name']`, `["name"]` and `[number]`; a point before a bracket changes nothing.
    /// `None` where there is none, and for what is no path.
    pub fn at_path(&self, path: &str) -> Option<&Dynamic> {
        let mut rest = path.trim().strip_prefix('$')?;
        let mut at = self;
        while !rest.is_empty() {
            if let Some(after) = rest.strip_prefix('.').filter(|after| !after.starts_with('[')) {
                let end = after.find(['.', '[']).unwrap_or(after.len());
                let (name, tail) = after.split_at_checked(end)?;
                at = at.get(name)?;
                rest = tail;
                continue;
            }
            let inner = rest.strip_prefix('.').unwrap_or(rest).strip_prefix('[')?;
            if let Some(quote) = inner.chars().next().filter(|c| *c == '\'' || *c == '"') {
                let (name, after) = inner.get(1..)?.split_once(quote)?;
                at = at.get(name)?;
                rest = after.strip_prefix(']')?;
            } else {
                let (number, after) = inner.split_once(']')?;
                at = at.at(number.trim().parse().ok()?)?;
                rest = after;
            }
        }
        Some(at)
    }

    fn write(&self, out: &mut String, typed: bool) {
        match self {
            Dynamic::Null => out.push_str("null"),
            Dynamic::Bool(v) => out.push_str(if *v { "true" } else { "false" }),
            Dynamic::Long(v) => {
                let _ = write!(out, "{v}");
            }
            Dynamic::Real(v) if v.is_finite() => out.push_str(&text::real(*v)),
            Dynamic::Real(v) => write_string(out, &text::real(*v)),
            Dynamic::Decimal(v) => write_marked(out, typed, 'n', &text::decimal(*v)),
            Dynamic::String(s) => write_string(out, s),
            Dynamic::DateTime(v) => write_marked(out, typed, 't', &text::datetime(*v)),
            Dynamic::Timespan(v) => write_marked(out, typed, 's', &text::timespan(*v)),
            Dynamic::Guid(v) => write_marked(out, typed, 'g', &text::guid(v)),
            Dynamic::Array(items) => {
                out.push('[');
                for (i, item) in items.iter().enumerate() {
                    if i > 0 {
                        out.push(',');
                    }
                    item.write(out, typed);
                }
                out.push(']');
            }
            Dynamic::Bag(items) => {
                out.push('{');
                for (i, (key, value)) in items.iter().enumerate() {
                    if i > 0 {
                        out.push(',');
                    }
                    write_string(out, key);
                    out.push(':');
                    value.write(out, typed);
                }
                out.push('}');
            }
        }
    }
}

fn write_marked(out: &mut String, typed: bool, kind: char, text: &str) {
    if typed {
        let _ = write!(out, "\"\\u0011{kind}{text}\"");
    } else {
        write_string(out, text);
    }
}

fn decode_marked(s: &str) -> Option<Dynamic> {
    let mut chars = s.chars();
    chars.next();
    let kind = chars.next()?;
    let body = chars.as_str();
    match kind {
        't' => text::parse_datetime(body).map(Dynamic::DateTime),
        's' => text::parse_timespan(body).map(Dynamic::Timespan),
        'g' => text::parse_guid(body).map(Dynamic::Guid),
        'n' => text::parse_decimal(body).map(Dynamic::Decimal),
        _ => None,
    }
}

/// Writes a JSON string with quotes.
pub fn write_string(out: &mut String, s: &str) {
    out.push('"');
    for c in s.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            c if (c as u32) < 0x20 => {
                let _ = write!(out, "\\u{:04x}", c as u32);
            }
            c => out.push(c),
        }
    }
    out.push('"');
}

struct TreeVisitor;

impl<'de> Visitor<'de> for TreeVisitor {
    type Value = Dynamic;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("JSON")
    }
    fn visit_bool<E>(self, v: bool) -> Result<Dynamic, E> {
        Ok(Dynamic::Bool(v))
    }
    fn visit_i64<E>(self, v: i64) -> Result<Dynamic, E> {
        Ok(Dynamic::Long(v))
    }
    fn visit_u64<E>(self, v: u64) -> Result<Dynamic, E> {
        Ok(i64::try_from(v).map_or(Dynamic::Real(v as f64), Dynamic::Long))
    }
    fn visit_f64<E>(self, v: f64) -> Result<Dynamic, E> {
        Ok(Dynamic::Real(v))
    }
    fn visit_str<E>(self, v: &str) -> Result<Dynamic, E> {
        Ok(Dynamic::String(v.to_string()))
    }
    fn visit_string<E>(self, v: String) -> Result<Dynamic, E> {
        Ok(Dynamic::String(v))
    }
    fn visit_unit<E>(self) -> Result<Dynamic, E> {
        Ok(Dynamic::Null)
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Dynamic, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element()? {
            items.push(item);
        }
        Ok(Dynamic::Array(items))
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Dynamic, A::Error> {
        let mut items: Vec<(String, Dynamic)> = Vec::new();
        while let Some((key, value)) = map.next_entry::<String, Dynamic>()? {
            match items.iter_mut().find(|(k, _)| *k == key) {
                Some(slot) => slot.1 = value,
                None => items.push((key, value)),
            }
        }
        Ok(Dynamic::Bag(items))
    }
}

impl<'de> Deserialize<'de> for Dynamic {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Dynamic, D::Error> {
        deserializer.deserialize_any(TreeVisitor)
    }
}
