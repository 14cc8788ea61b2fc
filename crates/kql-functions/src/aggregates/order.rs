//! The order of values of one type.

use std::cmp::Ordering;

use crate::Val;

/// Compares two values of the same type; texts by code point. NaN is below all numbers.
pub(crate) fn compare(a: &Val<'_>, b: &Val<'_>) -> Ordering {
    match (a, b) {
        (Val::Long(x), Val::Long(y)) | (Val::DateTime(x), Val::DateTime(y)) | (Val::Timespan(x), Val::Timespan(y)) => {
            x.cmp(y)
        }
        (Val::Int(x), Val::Int(y)) => x.cmp(y),
        (Val::Real(x), Val::Real(y)) => compare_reals(*x, *y),
        (Val::Decimal(x), Val::Decimal(y)) => x.cmp(y),
        (Val::Bool(x), Val::Bool(y)) => x.cmp(y),
        (Val::Guid(x), Val::Guid(y)) => x.cmp(y),
        (Val::Null, Val::Null) => Ordering::Equal,
        (Val::Null, _) => Ordering::Less,
        (_, Val::Null) => Ordering::Greater,
        _ => match (a.as_f64(), b.as_f64()) {
            (Some(x), Some(y)) => compare_reals(x, y),
            _ => a.as_str().cmp(&b.as_str()),
        },
    }
}

fn compare_reals(x: f64, y: f64) -> Ordering {
    x.partial_cmp(&y).unwrap_or_else(|| y.is_nan().cmp(&x.is_nan()))
}

/// Which end of the order an aggregate looks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    Least,
    Greatest,
}

impl End {
    /// `Less` if `a` is nearer to this end. NaN is at both ends: one NaN makes the minimum and the maximum NaN.
    pub(crate) fn rank(self, a: &Val<'_>, b: &Val<'_>) -> Ordering {
        if let (Val::Real(x), Val::Real(y)) = (a, b)
            && (x.is_nan() || y.is_nan())
        {
            return y.is_nan().cmp(&x.is_nan());
        }
        match self {
            End::Least => compare(a, b),
            End::Greatest => compare(b, a),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nan_is_at_both_ends() {
        let (nan, one) = (Val::Real(f64::NAN), Val::Real(1.0));
        assert_eq!(End::Least.rank(&nan, &one), Ordering::Less);
        assert_eq!(End::Greatest.rank(&nan, &one), Ordering::Less);
        assert_eq!(End::Greatest.rank(&nan, &nan), Ordering::Equal);
        assert_eq!(compare(&nan, &one), Ordering::Less);
        assert_eq!(compare(&Val::str("B"), &Val::str("a")), Ordering::Less);
    }
}
