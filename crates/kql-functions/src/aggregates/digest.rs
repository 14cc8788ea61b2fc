//! A sketch of a distribution that answers nearest-rank percentiles (after the t-digest).
//!
//! Values are kept one by one, and percentiles are exact, until there are too many distinct ones; then neighbours are
//! joined, few at the ends, more in the middle. A group is represented by one of its values, so that every answer is a
//! value of the input, of its own type and without rounding.

use super::state::{Reader, Writer};
use crate::{DECIMAL_SCALE, Dynamic, EvalError, Type, Val};

/// The types that have percentiles. A value is a key that orders like it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Long,
    Real,
    Decimal,
    DateTime,
    Timespan,
}

impl Kind {
    pub(crate) fn of(ty: Type) -> Option<Kind> {
        Some(match ty {
            Type::Int | Type::Long => Kind::Long,
            Type::Real => Kind::Real,
            Type::Decimal => Kind::Decimal,
            Type::DateTime => Kind::DateTime,
            Type::Timespan => Kind::Timespan,
            Type::Bool | Type::String | Type::Guid | Type::Dynamic | Type::Unknown => return None,
        })
    }

    /// How a digest names it; Kusto's own digests of longs have 7.
    pub(crate) fn code(self) -> i64 {
        match self {
            Kind::DateTime => 5,
            Kind::Long => 7,
            Kind::Real => 9,
            Kind::Timespan => 10,
            Kind::Decimal => 11,
        }
    }

    pub(crate) fn from_code(code: i64) -> Option<Kind> {
        [Kind::Long, Kind::Real, Kind::Decimal, Kind::DateTime, Kind::Timespan].into_iter().find(|k| k.code() == code)
    }

    /// The key of a value; `None` for null and for values of another kind.
    pub(crate) fn key(self, value: &Val<'_>) -> Option<i64> {
        match (self, value) {
            (Kind::DateTime, Val::DateTime(v)) | (Kind::Timespan, Val::Timespan(v)) => Some(*v),
            (Kind::Long, Val::Real(_) | Val::Decimal(_)) => {
                value.as_f64().filter(|v| !v.is_nan()).map(|v| v.floor() as i64)
            }
            (Kind::Long, _) => value.as_i64(),
            (Kind::Real | Kind::Decimal, _) => value.as_f64().map(real_key),
            _ => None,
        }
    }

    pub(crate) fn key_of_tree(self, tree: &Dynamic) -> Option<i64> {
        let value = match tree {
            Dynamic::Long(v) => Val::Long(*v),
            Dynamic::Real(v) => Val::Real(*v),
            Dynamic::Decimal(v) => Val::Decimal(*v),
            Dynamic::DateTime(v) => Val::DateTime(*v),
            Dynamic::Timespan(v) => Val::Timespan(*v),
            Dynamic::String(s) => Val::Real(s.parse().ok()?),
            _ => return None,
        };
        self.key(&value)
    }

    /// The value of a key, in the type of its kind.
    pub(crate) fn value(self, key: i64) -> Val<'static> {
        match self {
            Kind::Long => Val::Long(key),
            Kind::Real => Val::Real(key_real(key)),
            Kind::Decimal => Val::Decimal((key_real(key) * scale()).round() as i128),
            Kind::DateTime => Val::DateTime(key),
            Kind::Timespan => Val::Timespan(key),
        }
    }

    /// The value of a key, in a given type; null where there is no conversion.
    pub(crate) fn value_as(self, key: i64, ret: Type) -> Val<'static> {
        let value = self.value(key);
        match (ret, &value) {
            (Type::Dynamic, _) => Val::dynamic(&value.to_tree()),
            (Type::DateTime, Val::DateTime(_)) | (Type::Timespan, Val::Timespan(_)) => value,
            (Type::Long, Val::Long(_)) | (Type::Real, Val::Real(_)) | (Type::Decimal, Val::Decimal(_)) => value,
            (Type::Long, _) => value.as_f64().map_or(Val::Null, |v| Val::Long(v as i64)),
            (Type::Int, Val::Long(v)) => i32::try_from(*v).map_or(Val::Null, Val::Int),
            (Type::Int, _) => value.as_f64().map_or(Val::Null, |v| Val::Int(v as i32)),
            (Type::Real, _) => value.as_f64().map_or(Val::Null, Val::Real),
            (Type::Decimal, _) => value.as_f64().map_or(Val::Null, |v| Val::Decimal((v * scale()).round() as i128)),
            _ => Val::Null,
        }
    }
}

fn scale() -> f64 {
    10f64.powi(DECIMAL_SCALE as i32)
}

/// The bits of a real, turned so that they order like it. NaN is below all numbers.
fn real_key(v: f64) -> i64 {
    if v.is_nan() { i64::MIN } else { turn((v + 0.0).to_bits() as i64) }
}

fn key_real(key: i64) -> f64 {
    f64::from_bits(turn(key) as u64)
}

fn turn(bits: i64) -> i64 {
    bits ^ (((bits >> 63) as u64) >> 1) as i64
}

#[derive(Debug, Clone, Copy)]
struct Point {
    key: i64,
    weight: u64,
}

/// The sketch, of keys of one [`Kind`].
#[derive(Debug, Clone)]
pub(crate) struct Digest {
    points: Vec<Point>,
    /// Points to hold before tidying up.
    room: usize,
}

impl Digest {
    /// More distinct values than this are joined to groups.
    const MOST: usize = 1 << 16;
    /// The middle group is about this part of the whole.
    const FINENESS: f64 = 2000.0;
    const FIRST_ROOM: usize = 1024;

    pub(crate) fn new() -> Digest {
        Digest { points: Vec::new(), room: Digest::FIRST_ROOM }
    }

    pub(crate) fn add(&mut self, key: i64, weight: u64) {
        if weight == 0 {
            return;
        }
        self.points.push(Point { key, weight });
        if self.points.len() >= self.room {
            self.tidy();
            if self.points.len() > Digest::MOST / 2 {
                self.points = join(&self.points, Digest::FINENESS);
            }
            self.room = Digest::FIRST_ROOM.max(self.points.len() * 2).min(Digest::MOST).max(self.points.len() + 1);
        }
    }

    pub(crate) fn merge(&mut self, other: &Digest) {
        for point in &other.points {
            self.add(point.key, point.weight);
        }
    }

    /// Sorts, and adds up equal keys. Needed before questions.
    pub(crate) fn tidy(&mut self) {
        self.points.sort_unstable_by_key(|p| p.key);
        self.points.dedup_by(|next, kept| {
            let same = next.key == kept.key;
            if same {
                kept.weight = kept.weight.saturating_add(next.weight);
            }
            same
        });
    }

    /// Makes a state that is small enough to be a value in a table.
    pub(crate) fn shrink(&mut self) {
        const MOST_SMALL: usize = 4096;
        const SMALL: f64 = 300.0;
        self.tidy();
        if self.points.len() > MOST_SMALL {
            self.points = join(&self.points, SMALL);
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.points.is_empty()
    }

    pub(crate) fn total(&self) -> u64 {
        self.points.iter().fold(0, |sum, p| sum.saturating_add(p.weight))
    }

    /// The least key that at least `percentile` percent of the weight does not exceed; of a tidy digest.
    pub(crate) fn percentile(&self, percentile: f64) -> Option<i64> {
        let total = self.total() as f64;
        // The margin keeps 99.9 % of 1000 at 999 in spite of binary fractions.
        let rank = (percentile.clamp(0.0, 100.0) * total / 100.0 * (1.0 - 1e-12)).ceil().max(1.0);
        let mut below = 0u64;
        for point in &self.points {
            below = below.saturating_add(point.weight);
            if below as f64 >= rank {
                return Some(point.key);
            }
        }
        self.points.last().map(|p| p.key)
    }

    /// The weight of all keys up to this one.
    pub(crate) fn rank(&self, key: i64) -> u64 {
        self.points.iter().filter(|p| p.key <= key).fold(0, |sum, p| sum.saturating_add(p.weight))
    }

    /// The dynamic value, after Kusto's: `[[kind], [values…], [weights…]]`.
    pub(crate) fn to_dynamic(&self, kind: Kind) -> Dynamic {
        Dynamic::Array(vec![
            Dynamic::Array(vec![Dynamic::Long(kind.code())]),
            Dynamic::Array(self.points.iter().map(|p| kind.value(p.key).to_tree()).collect()),
            Dynamic::Array(
                self.points.iter().map(|p| Dynamic::Long(i64::try_from(p.weight).unwrap_or(i64::MAX))).collect(),
            ),
        ])
    }

    /// Reads a dynamic value; `None` if it is not a digest.
    pub(crate) fn from_dynamic(tree: &Dynamic) -> Option<(Kind, Digest)> {
        let (Some(Dynamic::Long(code)), Dynamic::Array(values), Dynamic::Array(weights)) =
            (tree.at(0)?.at(0), tree.at(1)?, tree.at(2)?)
        else {
            return None;
        };
        let kind = Kind::from_code(*code)?;
        let mut digest = Digest::new();
        for (value, weight) in values.iter().zip(weights) {
            let Dynamic::Long(weight) = weight else {
                return None;
            };
            digest.add(kind.key_of_tree(value)?, u64::try_from(*weight).ok()?);
        }
        digest.tidy();
        Some((kind, digest))
    }

    pub(crate) fn write(&self, w: &mut Writer) {
        w.len(self.points.len());
        for point in &self.points {
            w.i64(point.key);
            w.u64(point.weight);
        }
    }

    pub(crate) fn merge_read(&mut self, r: &mut Reader<'_>) -> Result<(), EvalError> {
        for _ in 0..r.len(16)? {
            let (key, weight) = (r.i64()?, r.u64()?);
            self.add(key, weight);
        }
        Ok(())
    }

    pub(crate) fn heap_size(&self) -> usize {
        self.points.capacity() * size_of::<Point>()
    }
}

/// Joins neighbours to groups whose weight is bounded by `4 q (1 - q) / fineness` of the whole at quantile `q`.
fn join(points: &[Point], fineness: f64) -> Vec<Point> {
    let total = points.iter().fold(0u64, |sum, p| sum.saturating_add(p.weight)) as f64;
    let mut joined = Vec::new();
    let mut group: &[Point] = &[];
    let (mut start, mut before, mut weight) = (0usize, 0.0f64, 0u64);
    for (i, point) in points.iter().enumerate() {
        let grown = weight.saturating_add(point.weight);
        let q = ((before + grown as f64 / 2.0) / total).clamp(0.0, 1.0);
        if !group.is_empty() && grown as f64 > 4.0 * total * q * (1.0 - q) / fineness {
            joined.push(middle(group, weight));
            before += weight as f64;
            start = i;
            weight = point.weight;
        } else {
            weight = grown;
        }
        group = points.get(start..=i).unwrap_or_default();
    }
    if !group.is_empty() {
        joined.push(middle(group, weight));
    }
    joined
}

/// A group under the value in its middle.
fn middle(group: &[Point], weight: u64) -> Point {
    let mut below = 0u64;
    let found = group.iter().find(|p| {
        below = below.saturating_add(p.weight);
        below >= weight.div_ceil(2)
    });
    Point { key: found.or(group.last()).map_or(0, |p| p.key), weight }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest(keys: impl Iterator<Item = i64>) -> Digest {
        let mut digest = Digest::new();
        keys.for_each(|k| digest.add(k, 1));
        digest.tidy();
        digest
    }

    /// 0..n in an order that looks random.
    fn shuffled(n: i64) -> impl Iterator<Item = i64> {
        (0..n).map(move |v| (v * 7_368_787) % n)
    }

    #[test]
    fn reals_order_by_key() {
        let values = [f64::NAN, f64::NEG_INFINITY, -1.5, -0.0, 1e-300, 2.0, f64::INFINITY];
        let keys: Vec<i64> = values.iter().map(|v| real_key(*v)).collect();
        assert!(keys.is_sorted());
        assert_eq!(key_real(real_key(-1.5)), -1.5);
        assert!(key_real(real_key(f64::NAN)).is_nan());
    }

    #[test]
    fn exact_while_small() {
        let d = digest(shuffled(30_011));
        for (p, expected) in [(0.0, 0), (50.0, 15_005), (99.9, 29_980), (100.0, 30_010)] {
            assert_eq!(d.percentile(p), Some(expected));
        }
        assert_eq!(d.rank(684), 685);
        assert_eq!(digest(1..1001).percentile(99.9), Some(999));
        assert_eq!(Digest::new().percentile(50.0), None);
    }

    #[test]
    fn close_when_large() {
        let n = 1_000_003;
        let mut d = digest(shuffled(n));
        assert!(d.points.len() <= Digest::MOST);
        assert_eq!((d.percentile(0.0), d.percentile(100.0)), (Some(0), Some(n - 1)));
        let check = |d: &Digest, most: f64| {
            for p in [0.1, 1.0, 5.0, 25.0, 50.0, 75.0, 95.0, 99.9] {
                let share = d.percentile(p).unwrap() as f64 / n as f64 * 100.0;
                assert!((share - p).abs() < most, "{p} {share}");
            }
        };
        check(&d, 0.1);
        d.shrink();
        assert!(d.points.len() < 4096, "{}", d.points.len());
        check(&d, 0.5);
        assert_eq!(d.total(), n as u64);
    }

    #[test]
    fn dynamic_round_trip() {
        let mut d = Digest::new();
        d.add(3, 5);
        d.add(-1, 1);
        d.tidy();
        let tree = d.to_dynamic(Kind::Long);
        assert_eq!(tree.encode(), "[[7],[-1,3],[1,5]]");
        let (kind, back) = Digest::from_dynamic(&tree).unwrap();
        assert_eq!((kind, back.total(), back.percentile(50.0)), (Kind::Long, 6, Some(3)));
        for bad in ["[]", "[[7]]", "[[3],[1],[1]]", "[[7],[1],[\"x\"]]", "[[7],[{}],[1]]"] {
            assert!(Digest::from_dynamic(&Dynamic::decode(bad)).is_none(), "{bad}");
        }
    }
}
