//! Lists of values.

use super::sets::Limit;
use super::state::{Reader, Writer};
use super::{If, arg, ordered, split_position};
use crate::catalogue::{Accumulator, Aggregate};
use crate::dynamic::write_string;
use crate::{Cx, Dynamic, EvalError, Type, Val, text};

use std::borrow::Cow;
use std::fmt::Write as _;

const MAKE_LIST: &str = "An array of the values that are not null; arrays are taken apart.";

pub(super) static ENTRIES: &[Aggregate] = &[
    ordered("make_list", MAKE_LIST, |cx| Box::new(List::new(cx, Limit::new(1)))),
    ordered("makelist", MAKE_LIST, |cx| Box::new(List::new(cx, Limit::legacy(1)))),
    ordered("make_list_if", "An array of the values of the rows whose predicate is true.", |cx| {
        Box::new(If { predicate: 1, inner: List::new(cx, Limit::new(2)) })
    }),
    ordered("make_list_with_nulls", "An array of all values, nulls included.", |cx| {
        Box::new(List { keep_nulls: true, ..List::new(cx, Limit::new(1)) })
    }),
];

struct Item {
    position: i64,
    end: usize,
}

/// Elements as encoded JSON, end to end in one text.
struct List {
    limit: Limit,
    keep_nulls: bool,
    texts: String,
    items: Vec<Item>,
}

impl List {
    fn new(cx: &Cx<'_>, limit: Limit) -> List {
        // Null is an ordinary element of a dynamic column.
        let keep_nulls = cx.args.first() == Some(&Type::Dynamic);
        List { limit, keep_nulls, texts: String::new(), items: Vec::new() }
    }

    fn push(&mut self, position: i64, write: impl FnOnce(&mut String)) {
        write(&mut self.texts);
        self.items.push(Item { position, end: self.texts.len() });
    }

    /// Elements in order, as far as the limit.
    fn sorted(&self) -> Vec<(i64, &str)> {
        let mut start = 0;
        let mut items = Vec::with_capacity(self.items.len());
        for item in &self.items {
            items.push((item.position, self.texts.get(start..item.end).unwrap_or_default()));
            start = item.end;
        }
        items.sort_by_key(|(position, _)| *position);
        items.truncate(self.limit.get());
        items
    }

    /// Drops what lies beyond the limit, now and then.
    fn trim(&mut self) {
        if self.items.len() < self.limit.get().saturating_mul(2).max(1024) {
            return;
        }
        let mut texts = String::new();
        let mut items = Vec::new();
        for (position, text) in self.sorted() {
            texts.push_str(text);
            items.push(Item { position, end: texts.len() });
        }
        (self.texts, self.items) = (texts, items);
    }
}

impl Accumulator for List {
    fn update(&mut self, args: &[Val<'_>]) -> Result<(), EvalError> {
        let (rest, position) = split_position(args);
        self.limit.read(rest);
        match arg(rest, 0) {
            Val::Null if !self.keep_nulls => return Ok(()),
            Val::Dynamic(text) => match elements(text) {
                Elements::One(text) => self.push(position, |out| out.push_str(&text)),
                Elements::Many(items) => {
                    for item in items {
                        self.push(position, |out| out.push_str(&item.encode()));
                    }
                }
            },
            value => self.push(position, |out| write_scalar(out, value)),
        }
        self.trim();
        Ok(())
    }

    fn state(&self) -> Vec<u8> {
        let mut w = Writer::default();
        self.limit.write(&mut w);
        let items = self.sorted();
        w.len(items.len());
        for (position, text) in items {
            w.i64(position);
            w.blob(text.as_bytes());
        }
        w.finish()
    }

    fn merge(&mut self, state: &[u8]) -> Result<(), EvalError> {
        let mut r = Reader::new(state);
        self.limit.merge(&mut r)?;
        for _ in 0..r.len(16)? {
            let (position, text) = (r.i64()?, r.text()?);
            self.push(position, |out| out.push_str(text));
        }
        self.trim();
        Ok(())
    }

    fn finish(&mut self) -> Result<Val<'static>, EvalError> {
        Ok(array(self.texts.len(), self.sorted().into_iter().map(|(_, text)| text)))
    }

    fn size(&self) -> usize {
        size_of::<Self>() + self.texts.capacity() + self.items.capacity() * size_of::<Item>()
    }
}

/// The array of elements that are encoded already.
pub(super) fn array<'t>(size: usize, elements: impl Iterator<Item = &'t str>) -> Val<'static> {
    let mut out = String::with_capacity(size + size / 8 + 2);
    out.push('[');
    for (i, element) in elements.enumerate() {
        if i > 0 {
            out.push(',');
        }
        out.push_str(element);
    }
    out.push(']');
    Val::Dynamic(Cow::Owned(out))
}

/// What a dynamic adds to a list or set.
pub(super) enum Elements<'t> {
    /// Itself, in its canonical text.
    One(Cow<'t, str>),
    /// An array adds its elements.
    Many(Vec<Dynamic>),
}

/// Takes an array apart, and makes texts of equal values equal.
pub(super) fn elements(text: &str) -> Elements<'_> {
    if is_canonical_scalar(text) {
        return Elements::One(Cow::Borrowed(text));
    }
    match Dynamic::decode(text) {
        Dynamic::Array(items) => Elements::Many(items),
        other => Elements::One(Cow::Owned(other.encode())),
    }
}

/// Whether a text is a string without escapes, a short integer or a bool: most are.
fn is_canonical_scalar(text: &str) -> bool {
    if let Some(body) = text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
        return !body.bytes().any(|b| b == b'"' || b == b'\\' || b < 0x20);
    }
    let digits = text.strip_prefix('-').unwrap_or(text);
    let integer = matches!(digits.len(), 1..=18)
        && digits.bytes().all(|b| b.is_ascii_digit())
        && (digits == text || digits != "0")
        && (digits.len() == 1 || !digits.starts_with('0'));
    integer || matches!(text, "true" | "false")
}

/// Writes a value that is not dynamic as encoded JSON.
pub(super) fn write_scalar(out: &mut String, value: &Val<'_>) {
    match value {
        Val::Str(s) => write_string(out, s),
        Val::Long(v) => {
            let _ = write!(out, "{v}");
        }
        Val::Int(v) => {
            let _ = write!(out, "{v}");
        }
        Val::Real(v) if v.is_finite() => out.push_str(&text::real(*v)),
        other => out.push_str(&other.to_tree().encode()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{dynamic, longs, run};
    use super::*;

    const LONG: &[Type] = &[Type::Long];

    #[test]
    fn lists_keep_order_and_drop_nulls() {
        let rows = vec![vec![Val::Long(2)], vec![Val::Null], vec![Val::Long(1)], vec![Val::Long(2)]];
        assert_eq!(run("make_list", LONG, Type::Dynamic, &rows), dynamic("[2,1,2]"));
        assert_eq!(run("make_list_with_nulls", LONG, Type::Dynamic, &rows), dynamic("[2,null,1,2]"));
        assert_eq!(run("make_list", LONG, Type::Dynamic, &[]), dynamic("[]"));
        let texts = vec![vec![Val::str("a\"")], vec![Val::str("")], vec![Val::str("b")]];
        assert_eq!(run("make_list", &[Type::String], Type::Dynamic, &texts), dynamic(r#"["a\"","","b"]"#));
    }

    #[test]
    fn positions_order_the_list() {
        let rows: Vec<_> = [5, 1, 4, 2, 3].iter().map(|p| vec![Val::Long(p * 10), Val::Long(*p)]).collect();
        assert_eq!(run("make_list", LONG, Type::Dynamic, &rows), dynamic("[10,20,30,40,50]"));
        let rows: Vec<_> =
            [5, 1, 4, 2, 3].iter().map(|p| vec![Val::Long(p * 10), Val::Long(2), Val::Long(*p)]).collect();
        assert_eq!(run("make_list", &[Type::Long, Type::Long], Type::Dynamic, &rows), dynamic("[10,20]"));
    }

    #[test]
    fn arrays_are_taken_apart_and_dynamic_nulls_stay() {
        let rows = vec![vec![dynamic("[1,[2]]")], vec![Val::Null], vec![dynamic(r#"{"a":1}"#)], vec![dynamic("[]")]];
        assert_eq!(run("make_list", &[Type::Dynamic], Type::Dynamic, &rows), dynamic(r#"[1,[2],null,{"a":1}]"#));
    }

    #[test]
    fn limits() {
        let many: Vec<i64> = (0..5000).collect();
        let Val::Dynamic(text) = run("makelist", LONG, Type::Dynamic, &longs(&many)) else { panic!("not dynamic") };
        assert_eq!(text.matches(',').count(), 127);
        let Val::Dynamic(text) = run("make_list", LONG, Type::Dynamic, &longs(&many)) else { panic!("not dynamic") };
        assert_eq!(text.matches(',').count(), 4999);
        let rows: Vec<_> = (0..5).map(|v| vec![Val::Long(v), Val::Bool(v != 1), Val::Long(3)]).collect();
        let types = [Type::Long, Type::Bool, Type::Long];
        assert_eq!(run("make_list_if", &types, Type::Dynamic, &rows), dynamic("[0,2,3]"));
    }

    #[test]
    fn text_of_ordinary_scalars_is_kept() {
        for text in ["\"abc\"", "0", "-5", "123", "true", "\"\""] {
            assert!(is_canonical_scalar(text), "{text}");
            assert_eq!(Dynamic::decode(text).encode(), text);
        }
        for text in ["\"a\\nb\"", "-0", "01", "1.5", " 1", "abc", "\"", "", "null", "[1]"] {
            assert!(!is_canonical_scalar(text), "{text}");
        }
    }
}
