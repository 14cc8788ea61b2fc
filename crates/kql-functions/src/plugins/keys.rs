//! Values as keys of maps.

use crate::Val;

/// A value as a key: equal values of a column have equal keys, and the order is that of the values.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Key<'v> {
    /// Null; nulls are alike.
    Null,
    /// A bool, an integer, a decimal, or ticks.
    Whole(i128),
    /// A real, as bits that order as it does.
    Real(u64),
    /// A guid.
    Guid([u8; 16]),
    /// A string, or an encoded dynamic value.
    Text(&'v str),
}

impl<'v> Key<'v> {
    /// The key of a value.
    pub(super) fn of(value: &'v Val<'_>) -> Key<'v> {
        match value {
            Val::Null => Key::Null,
            Val::Bool(v) => Key::Whole(i128::from(*v)),
            Val::Int(v) => Key::Whole(i128::from(*v)),
            Val::Long(v) | Val::DateTime(v) | Val::Timespan(v) => Key::Whole(i128::from(*v)),
            Val::Decimal(v) => Key::Whole(*v),
            Val::Real(v) => Key::Real(ordered_bits(*v)),
            Val::Guid(v) => Key::Guid(*v),
            Val::Str(s) | Val::Dynamic(s) => Key::Text(s),
        }
    }

    /// The keys of the values at `places` of a row.
    pub(super) fn of_row(row: &'v [Val<'_>], places: &[usize]) -> Vec<Key<'v>> {
        places.iter().map(|at| row.get(*at).map_or(Key::Null, Key::of)).collect()
    }
}

/// Zeros are alike, and so are NaNs.
fn ordered_bits(v: f64) -> u64 {
    let bits = if v.is_nan() { f64::NAN.to_bits() } else { (v + 0.0).to_bits() };
    if bits >> 63 == 1 { !bits } else { bits | 1 << 63 }
}
