//! A sketch of a set that knows about how many members it has (HyperLogLog).
//!
//! A small set is a set of hashes, and exact; it becomes registers when those take less room.

use std::borrow::Cow;
use std::hash::Hasher;

use xxhash_rust::xxh64::xxh64;

use super::lists::{Elements, elements};
use super::state::{Reader, Writer, corrupt};
use crate::{Dynamic, EvalError, Val};

const DEFAULT_ACCURACY: i64 = 1;
const LEAST_SPARSE: usize = 1024;
/// Registers are written as characters from here on; none needs an escape in JSON.
const FIRST_CHARACTER: u8 = b'#';

/// The sketch.
#[derive(Debug, Clone)]
pub struct Hll {
    precision: u8,
    /// Hashes, while they are few. They are only appended: of those beyond `settled`, some may be there already.
    sparse: Vec<u64>,
    /// So many hashes are sorted, and no two of them are the same.
    settled: usize,
    /// Empty while the set is sparse.
    registers: Vec<u8>,
}

/// So many hashes are appended at least before they are sorted in.
const LEAST_APPENDED: usize = 64;

/// A quick hasher for tables of values that nobody chose to collide.
#[derive(Default, Clone, Copy)]
pub(super) struct QuickHasher(u64);

impl Hasher for QuickHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        self.0 = xxh64(bytes, self.0);
    }

    fn write_i64(&mut self, v: i64) {
        let mixed = (v as u64 ^ self.0).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        self.0 = mixed ^ (mixed >> 32);
    }
}

impl Hll {
    /// An empty sketch of an accuracy level of `dcount`: 0 to 4.
    pub fn new(accuracy: Option<i64>) -> Hll {
        let precision = match accuracy.unwrap_or(DEFAULT_ACCURACY) {
            ..=0 => 12,
            1 => 14,
            2 => 16,
            3 => 17,
            _ => 18,
        };
        Hll::with_precision(precision)
    }

    fn with_precision(precision: u8) -> Hll {
        Hll { precision, sparse: Vec::new(), settled: 0, registers: Vec::new() }
    }

    /// How many hashes the set may have before it becomes registers.
    fn sparse_limit(&self) -> usize {
        LEAST_SPARSE.max((1usize << self.precision) / size_of::<u64>())
    }

    /// Adds a value; nulls don't count.
    pub fn add(&mut self, value: &Val<'_>) {
        if let Some(hash) = hash(value) {
            self.add_hash(hash);
        }
    }

    fn add_hash(&mut self, hash: u64) {
        if self.registers.is_empty() {
            self.sparse.push(hash);
            if self.sparse.len() - self.settled >= self.settled.max(LEAST_APPENDED) {
                self.settle();
            }
        } else {
            self.register(hash);
        }
    }

    /// Sorts the appended hashes in; too many of them become registers.
    fn settle(&mut self) {
        if self.settled < self.sparse.len() {
            self.sparse.sort_unstable();
            self.sparse.dedup();
            self.settled = self.sparse.len();
        }
        if self.sparse.len() > self.sparse_limit() {
            self.densify();
        }
    }

    fn as_settled(&self) -> Cow<'_, Hll> {
        if self.settled == self.sparse.len() {
            return Cow::Borrowed(self);
        }
        let mut settled = self.clone();
        settled.settle();
        Cow::Owned(settled)
    }

    fn densify(&mut self) {
        self.registers = vec![0; 1usize << self.precision];
        self.settled = 0;
        for hash in std::mem::take(&mut self.sparse) {
            self.register(hash);
        }
    }

    fn register(&mut self, hash: u64) {
        let index = (hash >> (64 - self.precision)) as usize;
        // The marker bit ends the run of zeros.
        let rest = (hash << self.precision) | (1u64 << (self.precision - 1));
        let rank = rest.leading_zeros() as u8 + 1;
        if let Some(register) = self.registers.get_mut(index) {
            *register = rank.max(*register);
        }
    }

    /// Adds the members of another sketch, which must be of the same accuracy.
    pub fn merge(&mut self, other: &Hll) -> Result<(), EvalError> {
        if self.precision != other.precision {
            return Err(EvalError("hll values of different accuracy cannot be merged".to_string()));
        }
        if !other.registers.is_empty() && self.registers.is_empty() {
            self.densify();
        }
        for (mine, theirs) in self.registers.iter_mut().zip(&other.registers) {
            *mine = (*mine).max(*theirs);
        }
        for hash in &other.sparse {
            self.add_hash(*hash);
        }
        Ok(())
    }

    /// The number of members: exact for a small set, else estimated.
    pub fn count(&self) -> i64 {
        let settled = self.as_settled();
        if settled.registers.is_empty() {
            return settled.sparse.len() as i64;
        }
        settled.estimate().round() as i64
    }

    /// The hashes of all members in order, while the set is small enough to hold them.
    pub(crate) fn hashes(&self) -> Option<Vec<u64>> {
        let settled = self.as_settled().into_owned();
        settled.registers.is_empty().then_some(settled.sparse)
    }

    /// Ertl's estimator ("New cardinality estimation algorithms for HyperLogLog sketches", 2017), which needs no
    /// corrections for small or large sets.
    fn estimate(&self) -> f64 {
        let m = self.registers.len() as f64;
        let most = 64 - usize::from(self.precision) + 1;
        let mut histogram = vec![0u64; most + 1];
        for register in &self.registers {
            if let Some(slot) = histogram.get_mut(usize::from(*register)) {
                *slot += 1;
            }
        }
        let share = |rank: usize| histogram.get(rank).map_or(0.0, |n| *n as f64 / m);
        let mut z = m * tau(1.0 - share(most));
        for rank in (1..most).rev() {
            z = 0.5 * (z + m * share(rank));
        }
        z += m * sigma(share(0));
        m * m / (2.0 * std::f64::consts::LN_2 * z)
    }

    /// The dynamic value: `[[sparse limit, precision], [hashes…], registers]`.
    pub fn to_dynamic(&self) -> Dynamic {
        self.as_settled().settled_to_dynamic()
    }

    fn settled_to_dynamic(&self) -> Dynamic {
        let head = vec![Dynamic::Long(self.sparse_limit() as i64), Dynamic::Long(i64::from(self.precision))];
        let hashes = self.sparse.iter().map(|h| Dynamic::String((*h as i64).to_string())).collect();
        let registers = if self.registers.is_empty() {
            Dynamic::Array(Vec::new())
        } else {
            Dynamic::String(self.registers.iter().map(|r| char::from(r.saturating_add(FIRST_CHARACTER))).collect())
        };
        Dynamic::Array(vec![Dynamic::Array(head), Dynamic::Array(hashes), registers])
    }

    /// Reads a dynamic value; `None` if it is not a sketch.
    pub fn from_dynamic(tree: &Dynamic) -> Option<Hll> {
        let Some(Dynamic::Long(precision)) = tree.at(0)?.at(1) else {
            return None;
        };
        let mut hll = Hll::checked(u8::try_from(*precision).ok()?)?;
        if let Dynamic::String(text) = tree.at(2)? {
            hll.set_registers(text.bytes().map(|b| b.saturating_sub(FIRST_CHARACTER)).collect())?;
        }
        let Dynamic::Array(hashes) = tree.at(1)? else {
            return None;
        };
        for hash in hashes {
            hll.add_hash(match hash {
                Dynamic::String(text) => text.parse::<i64>().ok()? as u64,
                Dynamic::Long(v) => *v as u64,
                _ => return None,
            });
        }
        Some(hll)
    }

    fn checked(precision: u8) -> Option<Hll> {
        (4..=18).contains(&precision).then(|| Hll::with_precision(precision))
    }

    fn set_registers(&mut self, registers: Vec<u8>) -> Option<()> {
        let most = 64 - self.precision + 1;
        let fits = registers.len() == 1usize << self.precision && registers.iter().all(|r| *r <= most);
        fits.then(|| self.registers = registers)
    }

    pub(super) fn write(&self, w: &mut Writer) {
        let settled = self.as_settled();
        w.byte(settled.precision);
        w.blob(&settled.registers);
        w.len(settled.sparse.len());
        for hash in &settled.sparse {
            w.u64(*hash);
        }
    }

    pub(super) fn read(r: &mut Reader<'_>) -> Result<Hll, EvalError> {
        let mut hll = Hll::checked(r.byte()?).ok_or_else(corrupt)?;
        let registers = r.blob()?;
        if !registers.is_empty() {
            hll.set_registers(registers.to_vec()).ok_or_else(corrupt)?;
        }
        let hashes = r.len(size_of::<u64>())?;
        hll.sparse.reserve(if registers.is_empty() { hashes } else { 0 });
        for _ in 0..hashes {
            hll.add_hash(r.u64()?);
        }
        Ok(hll)
    }

    pub(super) fn heap_size(&self) -> usize {
        self.registers.len() + self.sparse.capacity() * size_of::<u64>()
    }
}

fn sigma(mut x: f64) -> f64 {
    if x >= 1.0 {
        return f64::INFINITY;
    }
    let (mut y, mut z) = (1.0, x);
    loop {
        x *= x;
        let before = z;
        z += x * y;
        y += y;
        if z <= before {
            return z;
        }
    }
}

fn tau(mut x: f64) -> f64 {
    if x <= 0.0 || x >= 1.0 {
        return 0.0;
    }
    let (mut y, mut z) = (1.0, 1.0 - x);
    loop {
        x = x.sqrt();
        let before = z;
        y *= 0.5;
        z -= (1.0 - x).powi(2) * y;
        if z >= before {
            return z / 3.0;
        }
    }
}

/// The hash of a value; equal values of int and long have one hash.
fn hash(value: &Val<'_>) -> Option<u64> {
    Some(match value {
        Val::Null => return None,
        Val::Str(s) => xxh64(s.as_bytes(), 0),
        Val::Dynamic(s) => xxh64(canonical(s).as_bytes(), 1),
        fixed => xxh64(&bits(fixed).to_le_bytes(), 0),
    })
}

/// A key that tells the values of one type apart: the value itself where it fits, else two hashes.
pub(crate) fn distinct_key(value: &Val<'_>) -> Option<u128> {
    let two_hashes = |s: &str| {
        let (high, low) = (xxh64(s.as_bytes(), 0), xxh64(s.as_bytes(), u64::MAX));
        (u128::from(high) << 64) | u128::from(low)
    };
    Some(match value {
        Val::Null => return None,
        Val::Str(s) => two_hashes(s),
        Val::Dynamic(s) => two_hashes(&canonical(s)),
        fixed => bits(fixed),
    })
}

/// The value of a type of fixed size; equal values have equal bits.
fn bits(value: &Val<'_>) -> u128 {
    match value {
        Val::Bool(v) => u128::from(*v),
        Val::Real(v) if v.is_nan() => u128::from(f64::NAN.to_bits()),
        Val::Real(v) => u128::from((v + 0.0).to_bits()),
        Val::Decimal(v) => *v as u128,
        Val::Guid(v) => u128::from_be_bytes(*v),
        other => other.as_i64().or_else(|| other.as_ticks()).unwrap_or(0) as u128,
    }
}

fn canonical(text: &str) -> String {
    match elements(text) {
        Elements::One(text) => text.into_owned(),
        Elements::Many(items) => Dynamic::Array(items).encode(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sketch(accuracy: i64, values: std::ops::Range<i64>) -> Hll {
        let mut hll = Hll::new(Some(accuracy));
        values.for_each(|v| hll.add(&Val::Long(v)));
        hll
    }

    #[test]
    fn exact_while_small() {
        assert_eq!(sketch(0, 0..1000).count(), 1000);
        assert_eq!(sketch(1, 0..2000).count(), 2000);
        let mut hll = Hll::new(None);
        for value in [Val::Null, Val::str(""), Val::str("a"), Val::str("a")] {
            hll.add(&value);
        }
        assert_eq!(hll.count(), 2);
    }

    #[test]
    fn close_when_large() {
        for (accuracy, error) in [(0, 0.05), (1, 0.025), (2, 0.012), (3, 0.01), (4, 0.006)] {
            for n in [5_000, 60_000, 500_000] {
                let count = sketch(accuracy, 0..n).count() as f64;
                assert!((count / n as f64 - 1.0).abs() < error, "{accuracy} {n} {count}");
            }
        }
    }

    #[test]
    fn merging_equals_adding() {
        for (a, b) in [(100, 300), (100, 9000), (8000, 9000), (8000, 8100)] {
            let mut merged = sketch(1, 0..a);
            merged.merge(&sketch(1, 50..b)).unwrap();
            assert_eq!(merged.count(), sketch(1, 0..b).count());
        }
        assert!(sketch(1, 0..9).merge(&sketch(2, 0..9)).is_err());
    }

    #[test]
    fn round_trips() {
        for hll in [sketch(1, 0..0), sketch(1, 0..10), sketch(4, 0..50_000), sketch(0, 0..50_000)] {
            let tree = Dynamic::decode(&hll.to_dynamic().encode());
            assert_eq!(Hll::from_dynamic(&tree).unwrap().count(), hll.count());
            let mut w = Writer::default();
            hll.write(&mut w);
            let bytes = w.finish();
            assert_eq!(Hll::read(&mut Reader::new(&bytes)).unwrap().count(), hll.count());
        }
        for bad in ["[]", "[[1024,99],[],[]]", "[[1024,14],[true],[]]", "[[1024,14],[],\"##\"]", "{}"] {
            assert!(Hll::from_dynamic(&Dynamic::decode(bad)).is_none(), "{bad}");
        }
    }
}
