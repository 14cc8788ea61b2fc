//! Counts of distinct values.

use std::collections::HashSet;

use super::hll::{Hll, distinct_key};
use super::state::{Reader, Writer};
use super::{If, arg, entry};
use crate::catalogue::{Accumulator, Aggregate};
use crate::{Dynamic, EvalError, Val};

pub(super) static ENTRIES: &[Aggregate] = &[
    entry("count_distinct", "The number of distinct values that are not null.", |_| Box::new(Distinct::default())),
    entry("count_distinctif", "The number of distinct values of the rows whose predicate is true.", |_| {
        Box::new(If { predicate: 1, inner: Distinct::default() })
    }),
    entry("dcount", "The number of distinct values, estimated if large.", |_| Box::new(Sketch::new(1, Output::Count))),
    entry("dcountif", "The estimated number of distinct values of the rows whose predicate is true.", |_| {
        Box::new(If { predicate: 1, inner: Sketch::new(2, Output::Count) })
    }),
    entry("hll", "The state of an estimate of the number of distinct values.", |_| {
        Box::new(Sketch::new(1, Output::State))
    }),
    entry("hll_if", "The state of such an estimate over the rows whose predicate is true.", |_| {
        Box::new(If { predicate: 1, inner: Sketch::new(2, Output::State) })
    }),
    entry("hll_merge", "The union of several hll states.", |_| Box::new(Union(None))),
];

#[derive(Default)]
struct Distinct {
    keys: HashSet<u128>,
}

impl Accumulator for Distinct {
    fn update(&mut self, args: &[Val<'_>]) -> Result<(), EvalError> {
        self.keys.extend(distinct_key(arg(args, 0)));
        Ok(())
    }

    fn state(&self) -> Vec<u8> {
        let mut w = Writer::default();
        w.len(self.keys.len());
        self.keys.iter().for_each(|key| w.u128(*key));
        w.finish()
    }

    fn merge(&mut self, state: &[u8]) -> Result<(), EvalError> {
        let mut r = Reader::new(state);
        for _ in 0..r.len(size_of::<u128>())? {
            self.keys.insert(r.u128()?);
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<Val<'static>, EvalError> {
        Ok(Val::Long(self.keys.len() as i64))
    }

    fn size(&self) -> usize {
        size_of::<Self>() + self.keys.capacity() * (size_of::<u128>() + 1)
    }
}

#[derive(Clone, Copy)]
enum Output {
    Count,
    State,
}

struct Sketch {
    /// Which argument is the accuracy.
    accuracy: usize,
    output: Output,
    hll: Option<Hll>,
}

impl Sketch {
    fn new(accuracy: usize, output: Output) -> Sketch {
        Sketch { accuracy, output, hll: None }
    }
}

impl Accumulator for Sketch {
    fn update(&mut self, args: &[Val<'_>]) -> Result<(), EvalError> {
        let value = arg(args, 0);
        if !value.is_null() {
            self.hll.get_or_insert_with(|| Hll::new(arg(args, self.accuracy).as_i64())).add(value);
        }
        Ok(())
    }

    fn state(&self) -> Vec<u8> {
        write(self.hll.as_ref())
    }

    fn merge(&mut self, state: &[u8]) -> Result<(), EvalError> {
        merge(&mut self.hll, state)
    }

    fn finish(&mut self) -> Result<Val<'static>, EvalError> {
        Ok(match (self.output, &self.hll) {
            (Output::Count, hll) => Val::Long(hll.as_ref().map_or(0, Hll::count)),
            (Output::State, Some(hll)) => Val::dynamic(&hll.to_dynamic()),
            (Output::State, None) => Val::Null,
        })
    }

    fn size(&self) -> usize {
        size_of::<Self>() + self.hll.as_ref().map_or(0, Hll::heap_size)
    }
}

struct Union(Option<Hll>);

impl Accumulator for Union {
    fn update(&mut self, args: &[Val<'_>]) -> Result<(), EvalError> {
        if let Val::Dynamic(text) = arg(args, 0)
            && let Some(hll) = Hll::from_dynamic(&Dynamic::decode(text))
        {
            join(&mut self.0, hll)?;
        }
        Ok(())
    }

    fn state(&self) -> Vec<u8> {
        write(self.0.as_ref())
    }

    fn merge(&mut self, state: &[u8]) -> Result<(), EvalError> {
        merge(&mut self.0, state)
    }

    fn finish(&mut self) -> Result<Val<'static>, EvalError> {
        Ok(self.0.as_ref().map_or(Val::Null, |hll| Val::dynamic(&hll.to_dynamic())))
    }

    fn size(&self) -> usize {
        size_of::<Self>() + self.0.as_ref().map_or(0, Hll::heap_size)
    }
}

fn join(known: &mut Option<Hll>, other: Hll) -> Result<(), EvalError> {
    match known {
        Some(hll) => hll.merge(&other),
        None => {
            *known = Some(other);
            Ok(())
        }
    }
}

fn write(hll: Option<&Hll>) -> Vec<u8> {
    let mut w = Writer::default();
    if let Some(hll) = hll {
        hll.write(&mut w);
    }
    w.finish()
}

fn merge(known: &mut Option<Hll>, state: &[u8]) -> Result<(), EvalError> {
    let mut r = Reader::new(state);
    if r.is_done() { Ok(()) } else { join(known, Hll::read(&mut r)?) }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{dynamic, longs, run};
    use super::*;
    use crate::Type;

    #[test]
    fn small_counts_are_exact() {
        let rows = vec![vec![Val::Long(1)], vec![Val::Null], vec![Val::Long(2)], vec![Val::Long(1)]];
        for name in ["dcount", "count_distinct"] {
            assert_eq!(run(name, &[Type::Long], Type::Long, &rows), Val::Long(2));
            assert_eq!(run(name, &[Type::Long], Type::Long, &[]), Val::Long(0));
        }
        let texts = vec![vec![Val::str("a")], vec![Val::str("A")], vec![Val::str("")], vec![Val::str("a")]];
        assert_eq!(run("dcount", &[Type::String], Type::Long, &texts), Val::Long(3));
        let zeros = vec![vec![Val::Real(0.0)], vec![Val::Real(-0.0)], vec![Val::Real(f64::NAN)]];
        assert_eq!(run("count_distinct", &[Type::Real], Type::Long, &zeros), Val::Long(2));
        let trees = vec![vec![dynamic("{\"a\": 1}")], vec![dynamic("{\"a\":1}")], vec![dynamic("[1]")]];
        assert_eq!(run("dcount", &[Type::Dynamic], Type::Long, &trees), Val::Long(2));
    }

    #[test]
    fn conditional() {
        let rows: Vec<_> = (0..10).map(|v| vec![Val::Long(v), Val::Bool(v < 3), Val::Long(4)]).collect();
        let types = [Type::Long, Type::Bool, Type::Long];
        assert_eq!(run("dcountif", &types, Type::Long, &rows), Val::Long(3));
        assert_eq!(run("count_distinctif", &types[..2], Type::Long, &rows), Val::Long(3));
    }

    #[test]
    fn exact_beyond_the_sketch() {
        let many: Vec<i64> = (0..20_000).map(|v| v / 2).collect();
        assert_eq!(run("count_distinct", &[Type::Long], Type::Long, &longs(&many)), Val::Long(10_000));
        let Val::Long(n) = run("dcount", &[Type::Long], Type::Long, &longs(&many)) else { panic!("not long") };
        assert!((9_800..10_200).contains(&n), "{n}");
    }

    #[test]
    fn states() {
        assert_eq!(run("hll", &[Type::Long], Type::Dynamic, &[]), Val::Null);
        let a = run("hll", &[Type::Long], Type::Dynamic, &longs(&[1, 2, 3]));
        let b = run("hll", &[Type::Long], Type::Dynamic, &longs(&[3, 4]));
        let all = run("hll", &[Type::Long], Type::Dynamic, &longs(&[1, 2, 3, 4]));
        let rows = vec![vec![a], vec![Val::Null], vec![b]];
        assert_eq!(run("hll_merge", &[Type::Dynamic], Type::Dynamic, &rows), all);
    }
}
