//! Percentiles.

use super::state::{Reader, Writer};
use super::{Digest, Kind, arg, entry};
use crate::catalogue::{Accumulator, Aggregate};
use crate::{Cx, Dynamic, EvalError, Type, Val};

const PERCENTILE: &str = "The least value that so many percent of the values do not exceed.";
const WEIGHTED: &str = "The percentile of values that count as often as their weight says.";
const ARRAY: &str = "An array of percentiles.";
const WEIGHTED_ARRAY: &str = "An array of percentiles of weighted values.";

pub(super) static ENTRIES: &[Aggregate] = &[
    entry("percentile", PERCENTILE, |cx| Box::new(Percentiles::new(cx, 1, false))),
    entry("percentiles", PERCENTILE, |cx| Box::new(Percentiles::new(cx, 1, false))),
    entry("percentilew", WEIGHTED, |cx| Box::new(Percentiles::new(cx, 2, false))),
    entry("percentilesw", WEIGHTED, |cx| Box::new(Percentiles::new(cx, 2, false))),
    entry("percentiles_array", ARRAY, |cx| Box::new(Percentiles::new(cx, 1, true))),
    entry("percentilesw_array", WEIGHTED_ARRAY, |cx| Box::new(Percentiles::new(cx, 2, true))),
];

struct Percentiles {
    kind: Option<Kind>,
    digest: Digest,
    /// Which argument is the first percentile; those before it are the value and its weight.
    first: usize,
    percentiles: Vec<f64>,
    array: bool,
    ret: Type,
}

impl Percentiles {
    fn new(cx: &Cx<'_>, first: usize, array: bool) -> Percentiles {
        let kind = cx.args.first().copied().and_then(Kind::of);
        Percentiles { kind, digest: Digest::new(), first, percentiles: Vec::new(), array, ret: cx.ret }
    }
}

impl Accumulator for Percentiles {
    fn update(&mut self, args: &[Val<'_>]) -> Result<(), EvalError> {
        let Some(key) = self.kind.and_then(|kind| kind.key(arg(args, 0))) else {
            return Ok(());
        };
        if self.percentiles.is_empty() {
            self.percentiles = read_percentiles(args.get(self.first..).unwrap_or_default());
        }
        self.digest.add(key, if self.first == 1 { 1 } else { weight(arg(args, 1)) });
        Ok(())
    }

    fn state(&self) -> Vec<u8> {
        let mut w = Writer::default();
        w.len(self.percentiles.len());
        self.percentiles.iter().for_each(|p| w.f64(*p));
        self.digest.write(&mut w);
        w.finish()
    }

    fn merge(&mut self, state: &[u8]) -> Result<(), EvalError> {
        let mut r = Reader::new(state);
        let percentiles = (0..r.len(8)?).map(|_| r.f64()).collect::<Result<Vec<_>, _>>()?;
        if self.percentiles.is_empty() {
            self.percentiles = percentiles;
        }
        self.digest.merge_read(&mut r)
    }

    fn finish(&mut self) -> Result<Val<'static>, EvalError> {
        let Some(kind) = self.kind.filter(|_| !self.digest.is_empty()) else {
            return Ok(Val::missing(self.ret));
        };
        self.digest.tidy();
        if self.array {
            return Ok(array(&self.digest, kind, &self.percentiles));
        }
        let key = self.percentiles.first().and_then(|p| self.digest.percentile(*p));
        Ok(key.map_or(Val::missing(self.ret), |key| kind.value_as(key, self.ret)))
    }

    fn size(&self) -> usize {
        size_of::<Self>() + self.digest.heap_size() + self.percentiles.capacity() * 8
    }
}

/// Percentiles of a tidy digest, as a dynamic array.
pub(crate) fn array(digest: &Digest, kind: Kind, percentiles: &[f64]) -> Val<'static> {
    let items = percentiles.iter().filter_map(|p| digest.percentile(*p)).map(|key| kind.value(key).to_tree());
    Val::dynamic(&Dynamic::Array(items.collect()))
}

/// The percentiles asked for: numbers, or one array of them.
pub(crate) fn read_percentiles(args: &[Val<'_>]) -> Vec<f64> {
    let mut percentiles = Vec::new();
    for value in args {
        match value {
            Val::Dynamic(text) => match Dynamic::decode(text) {
                Dynamic::Array(items) => percentiles.extend(items.iter().filter_map(number)),
                other => percentiles.extend(number(&other)),
            },
            other => percentiles.extend(other.as_f64()),
        }
    }
    percentiles
}

fn number(tree: &Dynamic) -> Option<f64> {
    match tree {
        Dynamic::Long(v) => Some(*v as f64),
        Dynamic::Real(v) => Some(*v),
        _ => None,
    }
}

/// A weight; rows with none, or not above 0, don't count.
pub(super) fn weight(value: &Val<'_>) -> u64 {
    value.as_i64().and_then(|w| u64::try_from(w).ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{dynamic, longs, run};
    use super::*;

    fn with(rows: Vec<Vec<Val<'static>>>, more: &[Val<'static>]) -> Vec<Vec<Val<'static>>> {
        rows.into_iter()
            .map(|mut row| {
                row.extend_from_slice(more);
                row
            })
            .collect()
    }

    #[test]
    fn nearest_rank() {
        let types = [Type::Long, Type::Real];
        for (p, expected) in [(0.0, 15), (5.0, 15), (30.0, 20), (40.0, 20), (50.0, 35), (100.0, 50)] {
            let rows = with(longs(&[50, 15, 40, 20, 35]), &[Val::Real(p)]);
            assert_eq!(run("percentile", &types, Type::Long, &rows), Val::Long(expected), "{p}");
        }
        assert_eq!(run("percentile", &types, Type::Long, &[]), Val::Null);
        let rows = vec![vec![Val::DateTime(638_000_000_000_000_001), Val::Long(50)], vec![Val::Null, Val::Long(50)]];
        let types = [Type::DateTime, Type::Long];
        assert_eq!(run("percentiles", &types, Type::DateTime, &rows), Val::DateTime(638_000_000_000_000_001));
        let rows = vec![vec![Val::Decimal(100_000_000_000), Val::Long(50)]];
        let types = [Type::Decimal, Type::Long];
        assert_eq!(run("percentile", &types, Type::Decimal, &rows), Val::Decimal(100_000_000_000));
    }

    #[test]
    fn weights() {
        let rows: Vec<_> = [(10, 8), (20, 6), (30, 3), (40, 1)].map(|(v, w)| vec![Val::Long(v), Val::Long(w)]).to_vec();
        let types = [Type::Long, Type::Long, Type::Real];
        for (p, expected) in [(50.0, 20), (75.0, 20), (99.9, 40)] {
            let rows = with(rows.clone(), &[Val::Real(p)]);
            assert_eq!(run("percentilesw", &types, Type::Long, &rows), Val::Long(expected));
        }
        let listed = with(rows.clone(), &[Val::Long(50), Val::Long(75), Val::Real(99.9)]);
        assert_eq!(run("percentilesw_array", &types, Type::Dynamic, &listed), dynamic("[20,20,40]"));
        let packed = with(rows, &[dynamic("[50,75,99.9]")]);
        assert_eq!(run("percentilesw_array", &types, Type::Dynamic, &packed), dynamic("[20,20,40]"));
    }

    #[test]
    fn arrays() {
        let rows = with(longs(&(1..=100).collect::<Vec<_>>()), &[Val::Long(5), Val::Long(50), Val::Long(95)]);
        assert_eq!(run("percentiles_array", &[Type::Long], Type::Dynamic, &rows), dynamic("[5,50,95]"));
        assert_eq!(run("percentiles_array", &[Type::Long], Type::Dynamic, &[]), Val::Null);
    }
}
