//! The aggregate functions, a file a family.
//!
//! Where [`Aggregate::ordered`] holds, the last argument of `update` is the position of the row (a long, or null where
//! the input has no order). Positions break ties and order lists; rows without one count in order of arrival.

use crate::catalogue::{Accumulator, Aggregate};
use crate::{Cx, EvalError, Val};

mod counts;
mod digest;
mod distinct;
mod entries;
mod extremes;
pub mod hll;
mod lists;
mod order;
mod percentiles;
mod schema;
mod sets;
mod sketches;
mod state;
mod statistics;
mod sums;

pub use extremes::arg_takes_over;

pub(crate) use digest::{Digest, Kind};
pub(crate) use hll::distinct_key;
pub(crate) use percentiles::{array as percentile_array, read_percentiles};
pub(crate) use sketches::Merged as MergedDigest;

/// All families.
pub(crate) fn all() -> Vec<&'static [Aggregate]> {
    vec![
        counts::ENTRIES,
        distinct::ENTRIES,
        sums::ENTRIES,
        extremes::ENTRIES,
        lists::ENTRIES,
        sets::ENTRIES,
        statistics::ENTRIES,
        percentiles::ENTRIES,
        sketches::ENTRIES,
        schema::ENTRIES,
    ]
}

const fn entry(name: &'static str, doc: &'static str, make: fn(&Cx<'_>) -> Box<dyn Accumulator>) -> Aggregate {
    Aggregate { name, doc, ordered: false, make }
}

const fn ordered(name: &'static str, doc: &'static str, make: fn(&Cx<'_>) -> Box<dyn Accumulator>) -> Aggregate {
    Aggregate { name, doc, ordered: true, make }
}

/// The `…if` form of an aggregate: only rows whose predicate is true count.
struct If<A> {
    /// Which argument the predicate is.
    predicate: usize,
    inner: A,
}

impl<A: Accumulator> Accumulator for If<A> {
    fn update(&mut self, args: &[Val<'_>]) -> Result<(), EvalError> {
        if args.get(self.predicate).and_then(Val::as_bool) == Some(true) {
            self.inner.update(args)?;
        }
        Ok(())
    }

    fn state(&self) -> Vec<u8> {
        self.inner.state()
    }

    fn merge(&mut self, state: &[u8]) -> Result<(), EvalError> {
        self.inner.merge(state)
    }

    fn finish(&mut self) -> Result<Val<'static>, EvalError> {
        self.inner.finish()
    }

    fn size(&self) -> usize {
        self.inner.size()
    }
}

/// An argument; null where it is absent.
fn arg<'v, 'a>(args: &'v [Val<'a>], index: usize) -> &'v Val<'a> {
    args.get(index).unwrap_or(&Val::Null)
}

/// Splits the position off the arguments of an ordered aggregate. Rows without one are all at 0, so that a stable
/// order keeps them as they arrived.
fn split_position<'v, 'a>(args: &'v [Val<'a>]) -> (&'v [Val<'a>], i64) {
    match args.split_last() {
        Some((position, rest)) => (rest, position.as_i64().unwrap_or(0)),
        None => (args, 0),
    }
}

#[cfg(test)]
mod tests {
    use crate::{Catalogue, Cx, Type, Val};

    #[test]
    fn every_aggregate_of_the_signatures_runs() {
        let catalogue = Catalogue::get();
        let missing: Vec<&str> = catalogue.aggregate_names().filter(|n| catalogue.accumulator(n).is_none()).collect();
        assert!(missing.is_empty(), "{missing:?}");
        let unknown: Vec<&str> =
            super::all().into_iter().flatten().map(|e| e.name).filter(|n| catalogue.aggregate(n).is_none()).collect();
        assert!(unknown.is_empty(), "{unknown:?}");
    }

    #[test]
    fn broken_states_do_not_panic() {
        for aggregate in super::all().into_iter().flatten() {
            for ty in Type::ALL {
                let cx = Cx { args: &[ty, ty], ret: ty };
                let mut accumulator = (aggregate.make)(&cx);
                let mut noise = 1u64;
                for len in 0..80 {
                    let bytes: Vec<u8> = (0..len)
                        .map(|_| {
                            noise = noise.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                            // Mostly small numbers, which pass for tags and lengths.
                            (noise >> 56) as u8 % if len % 2 == 0 { 3 } else { 255 }
                        })
                        .collect();
                    let _ = accumulator.merge(&bytes);
                }
                let _ = accumulator.update(&[Val::Null]);
                let _ = accumulator.update(&[]);
                let _ = (accumulator.state(), accumulator.size(), accumulator.finish());
            }
        }
    }
}

#[cfg(test)]
mod testing {
    //! Runs an aggregate over rows, in one piece and split in three.

    use super::*;
    use crate::{Catalogue, Dynamic, Type};

    /// The result of an aggregate, checked to be the same for merged partial states.
    pub(super) fn run(name: &str, types: &[Type], ret: Type, rows: &[Vec<Val<'static>>]) -> Val<'static> {
        let aggregate = Catalogue::get().accumulator(name).unwrap_or_else(|| panic!("no aggregate {name}"));
        let cx = Cx { args: types, ret };
        let whole = part(aggregate, &cx, rows).finish().unwrap();
        let third = rows.len().div_ceil(3).max(1);
        let mut merged = (aggregate.make)(&cx);
        for piece in rows.chunks(third) {
            merged.merge(&part(aggregate, &cx, piece).state()).unwrap();
            merged.merge(&(aggregate.make)(&cx).state()).unwrap();
        }
        let again = merged.finish().unwrap();
        // Debug text, so that NaN equals NaN.
        assert_eq!(format!("{whole:?}"), format!("{again:?}"), "{name} over partitions");
        let state = part(aggregate, &cx, rows).state();
        for cut in 0..state.len().min(64) {
            let _ = (aggregate.make)(&cx).merge(&state[..cut]);
        }
        assert!(merged.size() < 1 << 30);
        whole
    }

    fn part(aggregate: &Aggregate, cx: &Cx<'_>, rows: &[Vec<Val<'static>>]) -> Box<dyn Accumulator> {
        let mut accumulator = (aggregate.make)(cx);
        for (i, row) in rows.iter().enumerate() {
            let mut args = row.clone();
            if aggregate.ordered && args.len() == cx.args.len() {
                args.push(Val::Null);
            }
            accumulator.update(&args).unwrap_or_else(|e| panic!("row {i}: {e}"));
        }
        accumulator
    }

    pub(super) fn longs(values: &[i64]) -> Vec<Vec<Val<'static>>> {
        values.iter().map(|v| vec![Val::Long(*v)]).collect()
    }

    pub(super) fn reals(values: &[f64]) -> Vec<Vec<Val<'static>>> {
        values.iter().map(|v| vec![Val::Real(*v)]).collect()
    }

    pub(super) fn dynamic(json: &str) -> Val<'static> {
        Val::dynamic(&Dynamic::parse_json(json).unwrap())
    }
}
