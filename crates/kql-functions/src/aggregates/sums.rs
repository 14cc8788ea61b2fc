//! Sums, means and bitwise folds.

use super::state::{Reader, Writer};
use super::{If, arg, entry};
use crate::catalogue::{Accumulator, Aggregate};
use crate::{Cx, EvalError, Type, Val};

pub(super) static ENTRIES: &[Aggregate] = &[
    entry("sum", "The sum; 0 without values. Longs wrap around.", |cx| Box::new(Sum::new(cx))),
    entry("sumif", "The sum over the rows whose predicate is true.", |cx| {
        Box::new(If { predicate: 1, inner: Sum::new(cx) })
    }),
    entry("avg", "The mean; NaN without values.", |cx| Box::new(Avg::new(cx))),
    entry("avgif", "The mean over the rows whose predicate is true.", |cx| {
        Box::new(If { predicate: 1, inner: Avg::new(cx) })
    }),
    entry("binary_all_and", "The bitwise and of all values.", |cx| Box::new(Bits::new(cx, |a, b| a & b))),
    entry("binary_all_or", "The bitwise or of all values.", |cx| Box::new(Bits::new(cx, |a, b| a | b))),
    entry("binary_all_xor", "The bitwise exclusive or of all values.", |cx| Box::new(Bits::new(cx, |a, b| a ^ b))),
];

/// A running total, in the arithmetic of its type.
enum Total {
    Long(i64),
    Real(f64),
    /// Wide enough for the ticks of any number of rows.
    Wide(i128),
}

impl Total {
    fn add(&mut self, value: &Val<'_>) -> bool {
        match self {
            Total::Long(sum) => match value.as_i64().or_else(|| value.as_ticks()) {
                Some(v) => *sum = sum.wrapping_add(v),
                None => return false,
            },
            Total::Real(sum) => match value.as_f64() {
                Some(v) => *sum += v,
                None => return false,
            },
            Total::Wide(sum) => match value {
                Val::Decimal(v) => *sum = sum.saturating_add(*v),
                Val::DateTime(v) | Val::Timespan(v) => *sum = sum.saturating_add(i128::from(*v)),
                _ => return false,
            },
        }
        true
    }

    fn write(&self, w: &mut Writer) {
        match self {
            Total::Long(v) => w.i64(*v),
            Total::Real(v) => w.f64(*v),
            Total::Wide(v) => w.i128(*v),
        }
    }

    fn merge(&mut self, r: &mut Reader<'_>) -> Result<(), EvalError> {
        match self {
            Total::Long(v) => *v = v.wrapping_add(r.i64()?),
            Total::Real(v) => *v += r.f64()?,
            Total::Wide(v) => *v = v.saturating_add(r.i128()?),
        }
        Ok(())
    }
}

struct Sum {
    total: Total,
    ret: Type,
}

impl Sum {
    fn new(cx: &Cx<'_>) -> Sum {
        let total = match cx.ret {
            Type::Real => Total::Real(0.0),
            Type::Decimal => Total::Wide(0),
            _ => Total::Long(0),
        };
        Sum { total, ret: cx.ret }
    }
}

impl Accumulator for Sum {
    fn update(&mut self, args: &[Val<'_>]) -> Result<(), EvalError> {
        self.total.add(arg(args, 0));
        Ok(())
    }

    fn state(&self) -> Vec<u8> {
        let mut w = Writer::default();
        self.total.write(&mut w);
        w.finish()
    }

    fn merge(&mut self, state: &[u8]) -> Result<(), EvalError> {
        self.total.merge(&mut Reader::new(state))
    }

    fn finish(&mut self) -> Result<Val<'static>, EvalError> {
        Ok(match self.total {
            Total::Real(v) => Val::Real(v),
            Total::Wide(v) => Val::Decimal(v),
            Total::Long(v) => match self.ret {
                Type::Timespan => Val::Timespan(v),
                Type::DateTime => Val::DateTime(v),
                Type::Int => Val::Int(v as i32),
                _ => Val::Long(v),
            },
        })
    }

    fn size(&self) -> usize {
        size_of::<Self>()
    }
}

struct Avg {
    total: Total,
    count: u64,
    ret: Type,
}

impl Avg {
    fn new(cx: &Cx<'_>) -> Avg {
        let integers = cx.args.first().is_some_and(|t| t.is_integer());
        let total = match cx.ret {
            Type::Decimal | Type::DateTime | Type::Timespan => Total::Wide(0),
            _ if integers => Total::Long(0),
            _ => Total::Real(0.0),
        };
        Avg { total, count: 0, ret: cx.ret }
    }
}

impl Accumulator for Avg {
    fn update(&mut self, args: &[Val<'_>]) -> Result<(), EvalError> {
        if self.total.add(arg(args, 0)) {
            self.count += 1;
        }
        Ok(())
    }

    fn state(&self) -> Vec<u8> {
        let mut w = Writer::default();
        w.u64(self.count);
        self.total.write(&mut w);
        w.finish()
    }

    fn merge(&mut self, state: &[u8]) -> Result<(), EvalError> {
        let mut r = Reader::new(state);
        self.count = self.count.saturating_add(r.u64()?);
        self.total.merge(&mut r)
    }

    fn finish(&mut self) -> Result<Val<'static>, EvalError> {
        let sum = match self.total {
            Total::Long(v) => return Ok(Val::Real(v as f64 / self.count as f64)),
            Total::Real(v) => return Ok(Val::Real(v / self.count as f64)),
            Total::Wide(v) => v,
        };
        // Only reals have a NaN for the mean of nothing.
        let Some(mean) = sum.checked_div(i128::from(self.count)) else {
            return Ok(Val::Null);
        };
        let ticks = i64::try_from(mean).unwrap_or(i64::MAX);
        Ok(match self.ret {
            Type::DateTime => Val::DateTime(ticks),
            Type::Timespan => Val::Timespan(ticks),
            _ => Val::Decimal(mean),
        })
    }

    fn size(&self) -> usize {
        size_of::<Self>()
    }
}

struct Bits {
    value: Option<i64>,
    fold: fn(i64, i64) -> i64,
    ret: Type,
}

impl Bits {
    fn new(cx: &Cx<'_>, fold: fn(i64, i64) -> i64) -> Bits {
        Bits { value: None, fold, ret: cx.ret }
    }

    fn add(&mut self, value: i64) {
        self.value = Some(self.value.map_or(value, |known| (self.fold)(known, value)));
    }
}

impl Accumulator for Bits {
    fn update(&mut self, args: &[Val<'_>]) -> Result<(), EvalError> {
        let value = arg(args, 0);
        if let Some(v) = value.as_i64().or_else(|| value.as_ticks()).or_else(|| value.as_f64().map(|v| v as i64)) {
            self.add(v);
        }
        Ok(())
    }

    fn state(&self) -> Vec<u8> {
        let mut w = Writer::default();
        if let Some(v) = self.value {
            w.i64(v);
        }
        w.finish()
    }

    fn merge(&mut self, state: &[u8]) -> Result<(), EvalError> {
        let mut r = Reader::new(state);
        if !r.is_done() {
            self.add(r.i64()?);
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<Val<'static>, EvalError> {
        let Some(v) = self.value else {
            return Ok(Val::Null);
        };
        Ok(match self.ret {
            Type::Int => Val::Int(v as i32),
            Type::Real => Val::Real(v as f64),
            Type::Timespan => Val::Timespan(v),
            Type::DateTime => Val::DateTime(v),
            Type::Decimal => Val::Decimal(i128::from(v) * 10i128.pow(crate::DECIMAL_SCALE)),
            _ => Val::Long(v),
        })
    }

    fn size(&self) -> usize {
        size_of::<Self>()
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{longs, reals, run};
    use super::*;

    #[test]
    fn sum_by_type() {
        assert_eq!(run("sum", &[Type::Long], Type::Long, &longs(&[1, 2, 39])), Val::Long(42));
        assert_eq!(run("sum", &[Type::Long], Type::Long, &longs(&[])), Val::Long(0));
        assert_eq!(run("sum", &[Type::Real], Type::Real, &[]), Val::Real(0.0));
        let ints = vec![vec![Val::Int(i32::MAX)], vec![Val::Null], vec![Val::Int(1)]];
        assert_eq!(run("sum", &[Type::Int], Type::Long, &ints), Val::Long(2_147_483_648));
        let spans = vec![vec![Val::Timespan(5)], vec![Val::Timespan(-7)]];
        assert_eq!(run("sum", &[Type::Timespan], Type::Timespan, &spans), Val::Timespan(-2));
        let decimals = vec![vec![Val::Decimal(5)], vec![Val::Decimal(7)]];
        assert_eq!(run("sum", &[Type::Decimal], Type::Decimal, &decimals), Val::Decimal(12));
    }

    #[test]
    fn long_sums_wrap() {
        let rows = longs(&[i64::MAX, 1, 2]);
        assert_eq!(run("sum", &[Type::Long], Type::Long, &rows), Val::Long(i64::MIN + 2));
        assert_eq!(run("avg", &[Type::Long], Type::Real, &rows), Val::Real(-3.0744573456182584e18));
    }

    #[test]
    fn means() {
        let Val::Real(empty) = run("avg", &[Type::Long], Type::Real, &[]) else { panic!("not real") };
        assert!(empty.is_nan());
        assert_eq!(run("avg", &[Type::Real], Type::Real, &reals(&[1.0, 2.0])), Val::Real(1.5));
        assert_eq!(run("avg", &[Type::Timespan], Type::Timespan, &[]), Val::Null);
        let days = vec![vec![Val::DateTime(i64::MAX)], vec![Val::DateTime(i64::MAX - 2)], vec![Val::Null]];
        assert_eq!(run("avg", &[Type::DateTime], Type::DateTime, &days), Val::DateTime(i64::MAX - 1));
    }

    #[test]
    fn conditional() {
        let rows: Vec<_> = (1..=4).map(|v| vec![Val::Long(v), Val::Bool(v % 2 == 0)]).collect();
        let types = [Type::Long, Type::Bool];
        assert_eq!(run("sumif", &types, Type::Long, &rows), Val::Long(6));
        assert_eq!(run("avgif", &types, Type::Real, &rows), Val::Real(3.0));
    }

    #[test]
    fn bits() {
        let rows = longs(&[0b1100, 0b1010, 0b1001]);
        assert_eq!(run("binary_all_and", &[Type::Long], Type::Long, &rows), Val::Long(0b1000));
        assert_eq!(run("binary_all_or", &[Type::Long], Type::Long, &rows), Val::Long(0b1111));
        assert_eq!(run("binary_all_xor", &[Type::Long], Type::Long, &rows), Val::Long(0b1111));
        assert_eq!(run("binary_all_xor", &[Type::Long], Type::Long, &[]), Val::Null);
        assert_eq!(run("binary_all_or", &[Type::Int], Type::Int, &[vec![Val::Int(-1)]]), Val::Int(-1));
    }
}
