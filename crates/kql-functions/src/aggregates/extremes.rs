//! Least and greatest values, the rows that hold them, and any row.

use super::order::End;
use super::state::{Reader, Writer};
use super::{If, arg, entry, ordered, split_position};
use crate::catalogue::{Accumulator, Aggregate};
use crate::{Cx, EvalError, Type, Val};

use std::cmp::Ordering;

const TAKE_ANY: &str = "A value of some row, not null or empty where there is one.";
const TAKE_ANYIF: &str = "A value of some row whose predicate is true.";
const ARG_MAX: &str = "The row with the greatest value.";
const ARG_MIN: &str = "The row with the least value.";

pub(super) static ENTRIES: &[Aggregate] = &[
    entry("min", "The least value.", |cx| Box::new(Extreme::new(cx, End::Least))),
    entry("minif", "The least value of the rows whose predicate is true.", |cx| {
        Box::new(If { predicate: 1, inner: Extreme::new(cx, End::Least) })
    }),
    entry("max", "The greatest value.", |cx| Box::new(Extreme::new(cx, End::Greatest))),
    entry("maxif", "The greatest value of the rows whose predicate is true.", |cx| {
        Box::new(If { predicate: 1, inner: Extreme::new(cx, End::Greatest) })
    }),
    ordered("arg_max", ARG_MAX, |cx| Box::new(ArgExtreme::new(cx, End::Greatest))),
    ordered("argmax", ARG_MAX, |cx| Box::new(ArgExtreme::new(cx, End::Greatest))),
    ordered("arg_min", ARG_MIN, |cx| Box::new(ArgExtreme::new(cx, End::Least))),
    ordered("argmin", ARG_MIN, |cx| Box::new(ArgExtreme::new(cx, End::Least))),
    ordered("take_any", TAKE_ANY, |cx| Box::new(First::new(cx, true))),
    ordered("any", TAKE_ANY, |cx| Box::new(First::new(cx, true))),
    ordered("take_anyif", TAKE_ANYIF, |cx| Box::new(If { predicate: 1, inner: First::new(cx, true) })),
    ordered("anyif", TAKE_ANYIF, |cx| Box::new(If { predicate: 1, inner: First::new(cx, true) })),
    ordered("passthrough", "The value of the first row.", |cx| Box::new(First::new(cx, false))),
];

struct Extreme {
    end: End,
    best: Option<Val<'static>>,
    ret: Type,
}

impl Extreme {
    fn new(cx: &Cx<'_>, end: End) -> Extreme {
        Extreme { end, best: None, ret: cx.ret }
    }

    fn offer(&mut self, value: &Val<'_>) {
        if value.is_null() {
            return;
        }
        let better = self.best.as_ref().is_none_or(|best| self.end.rank(value, best) == Ordering::Less);
        if better {
            self.best = Some(value.clone().into_owned());
        }
    }
}

impl Accumulator for Extreme {
    fn update(&mut self, args: &[Val<'_>]) -> Result<(), EvalError> {
        self.offer(arg(args, 0));
        Ok(())
    }

    fn state(&self) -> Vec<u8> {
        let mut w = Writer::default();
        w.val(self.best.as_ref().unwrap_or(&Val::Null));
        w.finish()
    }

    fn merge(&mut self, state: &[u8]) -> Result<(), EvalError> {
        let other = Reader::new(state).val()?;
        self.offer(&other);
        Ok(())
    }

    fn finish(&mut self) -> Result<Val<'static>, EvalError> {
        Ok(self.best.clone().unwrap_or_else(|| Val::missing(self.ret)))
    }

    fn size(&self) -> usize {
        size_of::<Self>() + self.best.as_ref().map_or(0, heap)
    }
}

/// The row that an `arg_max` or `arg_min` would return so far.
struct Row {
    key: Val<'static>,
    position: i64,
    value: Val<'static>,
}

struct ArgExtreme {
    end: End,
    row: Option<Row>,
    ret: Type,
}

impl ArgExtreme {
    fn new(cx: &Cx<'_>, end: End) -> ArgExtreme {
        ArgExtreme { end, row: None, ret: cx.ret }
    }

    fn is_better(&self, key: &Val<'_>, position: i64) -> bool {
        self.row.as_ref().is_none_or(|row| takes_over(self.end, (key, position), (&row.key, row.position)))
    }
}

/// Whether a row is the one of an `arg_max` or `arg_min` rather than the known one.
fn takes_over(end: End, row: (&Val<'_>, i64), known: (&Val<'_>, i64)) -> bool {
    // A null key is returned only where the group has no other.
    let rank = match (row.0.is_null(), known.0.is_null()) {
        (true, true) => Ordering::Equal,
        (true, false) => Ordering::Greater,
        (false, true) => Ordering::Less,
        (false, false) => end.rank(row.0, known.0),
    };
    rank.then(row.1.cmp(&known.1)) == Ordering::Less
}

/// Whether a row with this key and position is the one of an `arg_max` (or, if not `greatest`, an `arg_min`) rather than
/// the known one. Positions break ties; rows without one are at 0.
pub fn arg_takes_over(greatest: bool, row: (&Val<'_>, i64), known: (&Val<'_>, i64)) -> bool {
    takes_over(if greatest { End::Greatest } else { End::Least }, row, known)
}

impl Accumulator for ArgExtreme {
    fn update(&mut self, args: &[Val<'_>]) -> Result<(), EvalError> {
        let (rest, position) = split_position(args);
        let key = arg(rest, 0);
        if self.is_better(key, position) {
            // Alone, the key is also what is returned.
            let value = rest.last().unwrap_or(&Val::Null);
            self.row = Some(Row { key: key.clone().into_owned(), position, value: value.clone().into_owned() });
        }
        Ok(())
    }

    fn state(&self) -> Vec<u8> {
        let mut w = Writer::default();
        if let Some(row) = &self.row {
            w.i64(row.position);
            w.val(&row.key);
            w.val(&row.value);
        }
        w.finish()
    }

    fn merge(&mut self, state: &[u8]) -> Result<(), EvalError> {
        let mut r = Reader::new(state);
        if r.is_done() {
            return Ok(());
        }
        let row = Row { position: r.i64()?, key: r.val()?, value: r.val()? };
        if self.is_better(&row.key, row.position) {
            self.row = Some(row);
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<Val<'static>, EvalError> {
        Ok(match &self.row {
            Some(row) => row.value.clone(),
            None => Val::missing(self.ret),
        })
    }

    fn size(&self) -> usize {
        size_of::<Self>() + self.row.as_ref().map_or(0, |row| heap(&row.key) + heap(&row.value))
    }
}

struct First {
    /// Passes over null and empty values.
    skip_empty: bool,
    found: Option<(i64, Val<'static>)>,
    ret: Type,
}

impl First {
    fn new(cx: &Cx<'_>, skip_empty: bool) -> First {
        First { skip_empty, found: None, ret: cx.ret }
    }

    fn is_before(&self, position: i64) -> bool {
        self.found.as_ref().is_none_or(|(known, _)| position < *known)
    }
}

impl Accumulator for First {
    fn update(&mut self, args: &[Val<'_>]) -> Result<(), EvalError> {
        let (rest, position) = split_position(args);
        let value = arg(rest, 0);
        if self.is_before(position) && !(self.skip_empty && value.is_empty()) {
            self.found = Some((position, value.clone().into_owned()));
        }
        Ok(())
    }

    fn state(&self) -> Vec<u8> {
        let mut w = Writer::default();
        if let Some((position, value)) = &self.found {
            w.i64(*position);
            w.val(value);
        }
        w.finish()
    }

    fn merge(&mut self, state: &[u8]) -> Result<(), EvalError> {
        let mut r = Reader::new(state);
        if r.is_done() {
            return Ok(());
        }
        let (position, value) = (r.i64()?, r.val()?);
        if self.is_before(position) {
            self.found = Some((position, value));
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<Val<'static>, EvalError> {
        Ok(match &self.found {
            Some((_, value)) => value.clone(),
            None => Val::missing(self.ret),
        })
    }

    fn size(&self) -> usize {
        size_of::<Self>() + self.found.as_ref().map_or(0, |(_, value)| heap(value))
    }
}

fn heap(value: &Val<'_>) -> usize {
    value.as_str().map_or(0, str::len)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{longs, reals, run};
    use super::*;

    fn row(values: &[Val<'static>]) -> Vec<Val<'static>> {
        values.to_vec()
    }

    #[test]
    fn min_and_max() {
        let rows = vec![row(&[Val::Long(3)]), row(&[Val::Null]), row(&[Val::Long(-1)]), row(&[Val::Long(7)])];
        assert_eq!(run("min", &[Type::Long], Type::Long, &rows), Val::Long(-1));
        assert_eq!(run("max", &[Type::Long], Type::Long, &rows), Val::Long(7));
        assert_eq!(run("max", &[Type::Long], Type::Long, &longs(&[])), Val::Null);
        assert_eq!(run("max", &[Type::String], Type::String, &[]), Val::str(""));
        let texts = vec![row(&[Val::str("b")]), row(&[Val::str("B")]), row(&[Val::str("")])];
        assert_eq!(run("max", &[Type::String], Type::String, &texts), Val::str("b"));
        assert_eq!(run("min", &[Type::String], Type::String, &texts), Val::str(""));
    }

    #[test]
    fn one_nan_wins() {
        for name in ["min", "max"] {
            let Val::Real(v) = run(name, &[Type::Real], Type::Real, &reals(&[1.5, f64::NAN, 2.5])) else {
                panic!("not real");
            };
            assert!(v.is_nan());
        }
        let rows = reals(&[f64::INFINITY, f64::NEG_INFINITY, 1.5]);
        assert_eq!(run("max", &[Type::Real], Type::Real, &rows), Val::Real(f64::INFINITY));
    }

    #[test]
    fn arg_extremes() {
        let types = [Type::Long, Type::String];
        let rows = vec![
            row(&[Val::Null, Val::str("null")]),
            row(&[Val::Long(10), Val::str("x")]),
            row(&[Val::Long(10), Val::str("y")]),
            row(&[Val::Long(5), Val::str("z")]),
        ];
        assert_eq!(run("arg_max", &types, Type::String, &rows), Val::str("x"));
        assert_eq!(run("arg_min", &types, Type::String, &rows), Val::str("z"));
        let nulls = vec![row(&[Val::Null, Val::str("a")]), row(&[Val::Null, Val::str("b")])];
        assert_eq!(run("arg_max", &types, Type::String, &nulls), Val::str("a"));
        assert_eq!(run("arg_max", &types, Type::String, &[]), Val::str(""));
        assert_eq!(run("arg_max", &types[..1], Type::Long, &longs(&[4, 9, 2])), Val::Long(9));
    }

    #[test]
    fn ties_go_to_the_first_position() {
        let types = [Type::Long, Type::Long];
        let rows: Vec<_> = [9, 3, 6].iter().map(|p| row(&[Val::Long(1), Val::Long(p * 10), Val::Long(*p)])).collect();
        assert_eq!(run("arg_max", &types, Type::Long, &rows), Val::Long(30));
    }

    #[test]
    fn any_value() {
        let rows = vec![row(&[Val::str("")]), row(&[Val::str("a")]), row(&[Val::str("b")])];
        assert_eq!(run("take_any", &[Type::String], Type::String, &rows), Val::str("a"));
        assert_eq!(run("passthrough", &[Type::String], Type::String, &rows), Val::str(""));
        assert_eq!(run("any", &[Type::Long], Type::Long, &[]), Val::Null);
        let rows = vec![row(&[Val::Long(1), Val::Bool(false)]), row(&[Val::Long(2), Val::Bool(true)])];
        assert_eq!(run("take_anyif", &[Type::Long, Type::Bool], Type::Long, &rows), Val::Long(2));
    }
}
