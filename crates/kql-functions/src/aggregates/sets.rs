//! Sets of values, and bags.

use super::entries::{Entries, Nothing};
use super::lists::{Elements, array, elements, write_scalar};
use super::state::{Reader, Writer};
use super::{If, arg, ordered, split_position};
use crate::catalogue::{Accumulator, Aggregate};
use crate::dynamic::write_string;
use crate::{Cx, Dynamic, EvalError, Type, Val};

use std::borrow::Cow;

const MAKE_SET: &str = "An array of the distinct values; arrays are taken apart.";
const MAKE_BAG: &str = "One bag of all the bags; the first value of a key stays.";

pub(super) static ENTRIES: &[Aggregate] = &[
    ordered("make_set", MAKE_SET, |cx| set(cx, Limit::new(1))),
    ordered("makeset", MAKE_SET, |cx| set(cx, Limit::legacy(1))),
    ordered("make_set_if", "An array of the distinct values of the rows whose predicate is true.", |cx| {
        Box::new(If { predicate: 1, inner: Set::new(cx, Limit::new(2)) })
    }),
    ordered("make_bag", MAKE_BAG, |_| Box::new(Bag::new(Limit::new(1)))),
    ordered("make_dictionary", MAKE_BAG, |_| Box::new(Bag::new(Limit::new(1)))),
    ordered("make_bag_if", "One bag of the bags of the rows whose predicate is true.", |_| {
        Box::new(If { predicate: 1, inner: Bag::new(Limit::new(2)) })
    }),
];

/// How many elements a list, set or bag may have.
pub(super) struct Limit {
    /// Which argument says so.
    index: usize,
    default: usize,
    given: Option<usize>,
}

impl Limit {
    const MOST: usize = 1_048_576;

    pub(super) fn new(index: usize) -> Limit {
        Limit { index, default: Limit::MOST, given: None }
    }

    /// That of the deprecated names.
    pub(super) fn legacy(index: usize) -> Limit {
        Limit { index, default: 128, given: None }
    }

    pub(super) fn read(&mut self, args: &[Val<'_>]) {
        if self.given.is_none() {
            let asked = arg(args, self.index).as_i64().and_then(|v| usize::try_from(v).ok());
            self.given = Some(asked.unwrap_or(self.default).min(Limit::MOST));
        }
    }

    pub(super) fn get(&self) -> usize {
        self.given.unwrap_or(self.default)
    }

    pub(super) fn write(&self, w: &mut Writer) {
        w.byte(u8::from(self.given.is_some()));
        w.u64(self.get() as u64);
    }

    pub(super) fn merge(&mut self, r: &mut Reader<'_>) -> Result<(), EvalError> {
        let (given, limit) = (r.byte()? != 0, r.u64()?);
        if given && self.given.is_none() {
            self.given = Some(usize::try_from(limit).unwrap_or(Limit::MOST).min(Limit::MOST));
        }
        Ok(())
    }
}

fn set(cx: &Cx<'_>, limit: Limit) -> Box<dyn Accumulator> {
    match cx.args.first() {
        Some(Type::Int | Type::Long) => Box::new(NumberSet { limit, entries: Entries::new() }),
        _ => Box::new(Set::new(cx, limit)),
    }
}

/// A set of integers.
struct NumberSet {
    limit: Limit,
    entries: Entries<i64, Nothing>,
}

impl Accumulator for NumberSet {
    fn update(&mut self, args: &[Val<'_>]) -> Result<(), EvalError> {
        let (rest, position) = split_position(args);
        self.limit.read(rest);
        if let Some(number) = arg(rest, 0).as_i64() {
            self.entries.offer(&number, position, || Nothing);
            self.entries.trim(self.limit.get());
        }
        Ok(())
    }

    fn state(&self) -> Vec<u8> {
        let mut w = Writer::default();
        self.limit.write(&mut w);
        let entries = self.entries.sorted(self.limit.get());
        w.len(entries.len());
        for (place, number, _) in entries {
            w.i64(place.position);
            w.i64(*number);
        }
        w.finish()
    }

    fn merge(&mut self, state: &[u8]) -> Result<(), EvalError> {
        let mut r = Reader::new(state);
        self.limit.merge(&mut r)?;
        for _ in 0..r.len(16)? {
            let (position, number) = (r.i64()?, r.i64()?);
            self.entries.offer(&number, position, || Nothing);
        }
        self.entries.trim(self.limit.get());
        Ok(())
    }

    fn finish(&mut self) -> Result<Val<'static>, EvalError> {
        let mut out = String::from("[");
        for (place, (_, number, _)) in self.entries.sorted(self.limit.get()).into_iter().enumerate() {
            if place > 0 {
                out.push(',');
            }
            write_scalar(&mut out, &Val::Long(*number));
        }
        out.push(']');
        Ok(Val::Dynamic(Cow::Owned(out)))
    }

    fn size(&self) -> usize {
        size_of::<Self>() + self.entries.size()
    }
}

struct Set {
    limit: Limit,
    keep_nulls: bool,
    entries: Entries<Box<str>, Nothing>,
    scratch: String,
}

impl Set {
    fn new(cx: &Cx<'_>, limit: Limit) -> Set {
        // As in a list, null is an ordinary element of a dynamic column.
        let keep_nulls = cx.args.first() == Some(&Type::Dynamic);
        Set { limit, keep_nulls, entries: Entries::new(), scratch: String::new() }
    }
}

impl Accumulator for Set {
    fn update(&mut self, args: &[Val<'_>]) -> Result<(), EvalError> {
        let (rest, position) = split_position(args);
        self.limit.read(rest);
        match arg(rest, 0) {
            Val::Null if !self.keep_nulls => return Ok(()),
            Val::Dynamic(text) => match elements(text) {
                Elements::One(text) => self.entries.offer(&text, position, || Nothing),
                Elements::Many(items) => {
                    for item in items {
                        self.entries.offer(&item.encode(), position, || Nothing);
                    }
                }
            },
            value => {
                self.scratch.clear();
                write_scalar(&mut self.scratch, &positive_zero(value));
                self.entries.offer(&self.scratch, position, || Nothing);
            }
        }
        self.entries.trim(self.limit.get());
        Ok(())
    }

    fn state(&self) -> Vec<u8> {
        let mut w = Writer::default();
        self.limit.write(&mut w);
        let entries = self.entries.sorted(self.limit.get());
        w.len(entries.len());
        for (place, key, _) in entries {
            w.i64(place.position);
            w.blob(key.as_bytes());
        }
        w.finish()
    }

    fn merge(&mut self, state: &[u8]) -> Result<(), EvalError> {
        let mut r = Reader::new(state);
        self.limit.merge(&mut r)?;
        for _ in 0..r.len(16)? {
            let (position, key) = (r.i64()?, r.text()?);
            self.entries.offer(key, position, || Nothing);
        }
        self.entries.trim(self.limit.get());
        Ok(())
    }

    fn finish(&mut self) -> Result<Val<'static>, EvalError> {
        let entries = self.entries.sorted(self.limit.get());
        Ok(array(self.entries.bytes, entries.into_iter().map(|(_, key, _)| key)))
    }

    fn size(&self) -> usize {
        size_of::<Self>() + self.entries.size() + self.scratch.capacity()
    }
}

/// 0.0 and -0.0 are one value.
fn positive_zero<'v>(value: &'v Val<'_>) -> Cow<'v, Val<'v>> {
    match value {
        Val::Real(v) if *v == 0.0 => Cow::Owned(Val::Real(0.0)),
        other => Cow::Borrowed(other),
    }
}

struct Bag {
    limit: Limit,
    /// Encoded values by key.
    entries: Entries<Box<str>, String>,
}

impl Bag {
    fn new(limit: Limit) -> Bag {
        Bag { limit, entries: Entries::new() }
    }
}

impl Accumulator for Bag {
    fn update(&mut self, args: &[Val<'_>]) -> Result<(), EvalError> {
        let (rest, position) = split_position(args);
        self.limit.read(rest);
        if let Val::Dynamic(text) = arg(rest, 0)
            && let Dynamic::Bag(members) = Dynamic::decode(text)
        {
            for (key, value) in members {
                self.entries.offer(&key, position, || value.encode());
            }
            self.entries.trim(self.limit.get());
        }
        Ok(())
    }

    fn state(&self) -> Vec<u8> {
        let mut w = Writer::default();
        self.limit.write(&mut w);
        let entries = self.entries.sorted(self.limit.get());
        w.len(entries.len());
        for (place, key, value) in entries {
            w.i64(place.position);
            w.blob(key.as_bytes());
            w.blob(value.as_bytes());
        }
        w.finish()
    }

    fn merge(&mut self, state: &[u8]) -> Result<(), EvalError> {
        let mut r = Reader::new(state);
        self.limit.merge(&mut r)?;
        for _ in 0..r.len(24)? {
            let (position, key, value) = (r.i64()?, r.text()?, r.text()?);
            self.entries.offer(key, position, || value.to_string());
        }
        self.entries.trim(self.limit.get());
        Ok(())
    }

    fn finish(&mut self) -> Result<Val<'static>, EvalError> {
        let entries = self.entries.sorted(self.limit.get());
        let mut out = String::with_capacity(self.entries.bytes + entries.len() * 4 + 2);
        out.push('{');
        for (i, (_, key, value)) in entries.into_iter().enumerate() {
            if i > 0 {
                out.push(',');
            }
            write_string(&mut out, key);
            out.push(':');
            out.push_str(value);
        }
        out.push('}');
        Ok(Val::Dynamic(Cow::Owned(out)))
    }

    fn size(&self) -> usize {
        size_of::<Self>() + self.entries.size()
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{dynamic, longs, run};
    use super::*;

    const LONG: &[Type] = &[Type::Long];
    const DYNAMIC: &[Type] = &[Type::Dynamic];

    #[test]
    fn sets_keep_first_appearances() {
        let rows = longs(&[5, 3, 5, 9, 3]);
        assert_eq!(run("make_set", LONG, Type::Dynamic, &rows), dynamic("[5,3,9]"));
        assert_eq!(run("make_set", LONG, Type::Dynamic, &[]), dynamic("[]"));
        assert_eq!(run("make_set", LONG, Type::Dynamic, &[vec![Val::Null]]), dynamic("[]"));
        let texts = vec![vec![Val::str("")], vec![Val::str("a")], vec![Val::str("")], vec![Val::str("A")]];
        assert_eq!(run("make_set", &[Type::String], Type::Dynamic, &texts), dynamic(r#"["","a","A"]"#));
        let rows: Vec<_> = [4, 2, 1, 3].iter().map(|p| vec![Val::Long(p % 2), Val::Long(*p)]).collect();
        assert_eq!(run("make_set", LONG, Type::Dynamic, &rows), dynamic("[1,0]"));
    }

    #[test]
    fn sets_take_arrays_apart() {
        let rows = vec![vec![dynamic("[\"x\",1]")], vec![dynamic("\"x\"")], vec![dynamic("[2, 1]")]];
        assert_eq!(run("make_set", DYNAMIC, Type::Dynamic, &rows), dynamic("[\"x\",1,2]"));
    }

    #[test]
    fn set_limits() {
        let types = [Type::Long, Type::Long];
        let rows: Vec<_> = (0..3000).rev().map(|v| vec![Val::Long(v), Val::Long(2), Val::Long(v)]).collect();
        assert_eq!(run("make_set", &types, Type::Dynamic, &rows), dynamic("[0,1]"));
        let rows: Vec<_> = (0..9).map(|v| vec![Val::Long(v % 4), Val::Bool(v > 1)]).collect();
        assert_eq!(run("make_set_if", &[Type::Long, Type::Bool], Type::Dynamic, &rows), dynamic("[2,3,0,1]"));
    }

    #[test]
    fn bags() {
        let rows = vec![
            vec![dynamic(r#"{"a":1}"#)],
            vec![Val::Null],
            vec![dynamic("[7]")],
            vec![dynamic(r#"{"b":[2]}"#)],
            vec![dynamic(r#"{"a":3,"c \"":null}"#)],
        ];
        assert_eq!(run("make_bag", DYNAMIC, Type::Dynamic, &rows), dynamic(r#"{"a":1,"b":[2],"c \"":null}"#));
        assert_eq!(run("make_bag", DYNAMIC, Type::Dynamic, &[]), dynamic("{}"));
        let rows = vec![vec![dynamic(r#"{"a":1}"#), Val::Long(9)], vec![dynamic(r#"{"a":2}"#), Val::Long(3)]];
        assert_eq!(run("make_dictionary", DYNAMIC, Type::Dynamic, &rows), dynamic(r#"{"a":2}"#));
    }
}
