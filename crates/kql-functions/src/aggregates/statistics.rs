//! Variance, standard deviation, covariance.

use super::state::{Reader, Writer};
use super::{If, arg, entry};
use crate::catalogue::{Accumulator, Aggregate};
use crate::{EvalError, Val};

const STDEV: &str = "The standard deviation of a sample.";
const STDEVP: &str = "The standard deviation of a population.";
const VARIANCE: &str = "The variance of a sample.";
const VARIANCEP: &str = "The variance of a population.";
const COVARIANCE: &str = "The covariance of a sample.";
const COVARIANCEP: &str = "The covariance of a population.";

pub(super) static ENTRIES: &[Aggregate] = &[
    entry("stdev", STDEV, |_| Box::new(Moments::new(Statistic::Deviation, 1))),
    entry("stdevif", STDEV, |_| when(1, Moments::new(Statistic::Deviation, 1))),
    entry("stdevp", STDEVP, |_| Box::new(Moments::new(Statistic::Deviation, 0))),
    entry("variance", VARIANCE, |_| Box::new(Moments::new(Statistic::Variance, 1))),
    entry("varianceif", VARIANCE, |_| when(1, Moments::new(Statistic::Variance, 1))),
    entry("variancep", VARIANCEP, |_| Box::new(Moments::new(Statistic::Variance, 0))),
    entry("variancepif", VARIANCEP, |_| when(1, Moments::new(Statistic::Variance, 0))),
    entry("covariance", COVARIANCE, |_| Box::new(Moments::new(Statistic::Covariance, 1))),
    entry("covarianceif", COVARIANCE, |_| when(2, Moments::new(Statistic::Covariance, 1))),
    entry("covariancep", COVARIANCEP, |_| Box::new(Moments::new(Statistic::Covariance, 0))),
    entry("covariancepif", COVARIANCEP, |_| when(2, Moments::new(Statistic::Covariance, 0))),
];

fn when(predicate: usize, inner: Moments) -> Box<dyn Accumulator> {
    Box::new(If { predicate, inner })
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Statistic {
    Deviation,
    Variance,
    Covariance,
}

/// Means and the second central moment of pairs (of a value with itself for a variance), kept as they come in
/// (Welford), merged by Chan's formula.
struct Moments {
    statistic: Statistic,
    /// 1 for a sample, 0 for a population.
    lost_freedom: u64,
    count: u64,
    mean_x: f64,
    mean_y: f64,
    moment: f64,
}

impl Moments {
    fn new(statistic: Statistic, lost_freedom: u64) -> Moments {
        Moments { statistic, lost_freedom, count: 0, mean_x: 0.0, mean_y: 0.0, moment: 0.0 }
    }

    fn add(&mut self, x: f64, y: f64) {
        self.count += 1;
        let n = self.count as f64;
        let dx = x - self.mean_x;
        self.mean_x += dx / n;
        self.mean_y += (y - self.mean_y) / n;
        self.moment += dx * (y - self.mean_y);
    }

    fn quotient(&self) -> f64 {
        let freedom = self.count.saturating_sub(self.lost_freedom);
        if freedom == 0 {
            return if self.moment.is_nan() { f64::NAN } else { 0.0 };
        }
        round(self.moment / freedom as f64)
    }
}

/// Kusto rounds variances to ten decimals, before it takes a root.
fn round(v: f64) -> f64 {
    const SCALE: f64 = 1e10;
    let scaled = v * SCALE;
    // Beyond this a real has no such decimals.
    if scaled.abs() < 9e15 { scaled.round() / SCALE } else { v }
}

impl Accumulator for Moments {
    fn update(&mut self, args: &[Val<'_>]) -> Result<(), EvalError> {
        let x = number(arg(args, 0));
        let y = if self.statistic == Statistic::Covariance { number(arg(args, 1)) } else { x };
        if let (Some(x), Some(y)) = (x, y) {
            self.add(x, y);
        }
        Ok(())
    }

    fn state(&self) -> Vec<u8> {
        let mut w = Writer::default();
        w.u64(self.count);
        w.f64(self.mean_x);
        w.f64(self.mean_y);
        w.f64(self.moment);
        w.finish()
    }

    fn merge(&mut self, state: &[u8]) -> Result<(), EvalError> {
        let mut r = Reader::new(state);
        let (count, mean_x, mean_y, moment) = (r.u64()?, r.f64()?, r.f64()?, r.f64()?);
        if count == 0 {
            return Ok(());
        }
        let (n, m) = (self.count as f64, count as f64);
        let (dx, dy) = (mean_x - self.mean_x, mean_y - self.mean_y);
        self.moment += moment + dx * dy * n * m / (n + m);
        self.mean_x += dx * m / (n + m);
        self.mean_y += dy * m / (n + m);
        self.count = self.count.saturating_add(count);
        Ok(())
    }

    fn finish(&mut self) -> Result<Val<'static>, EvalError> {
        let quotient = self.quotient();
        Ok(Val::Real(if self.statistic == Statistic::Deviation { quotient.sqrt() } else { quotient }))
    }

    fn size(&self) -> usize {
        size_of::<Self>()
    }
}

fn number(value: &Val<'_>) -> Option<f64> {
    value.as_f64().or_else(|| value.as_ticks().map(|t| t as f64))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{longs, reals, run};
    use super::*;
    use crate::Type;

    fn real(name: &str, rows: &[Vec<Val<'static>>]) -> f64 {
        match run(name, &[Type::Real], Type::Real, rows) {
            Val::Real(v) => v,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn variances_are_rounded_to_ten_decimals() {
        let rows = longs(&[1, 2, 3, 4]);
        assert_eq!(real("variance", &rows), 1.6666666667);
        assert_eq!(real("variancep", &rows), 1.25);
        assert_eq!(real("stdev", &rows), 1.2909944487487155);
        assert_eq!(real("stdevp", &rows), 1.118033988749895);
    }

    #[test]
    fn few_values() {
        for name in ["variance", "variancep", "stdev", "stdevp"] {
            assert_eq!(real(name, &[]), 0.0);
            assert_eq!(real(name, &longs(&[5])), 0.0);
        }
    }

    #[test]
    fn not_finite() {
        assert!(real("stdev", &reals(&[f64::NAN, f64::NAN])).is_nan());
        assert!(real("variance", &reals(&[f64::INFINITY, f64::NEG_INFINITY, 1.5])).is_nan());
    }

    #[test]
    fn conditional() {
        let rows: Vec<_> = (1..=100).map(|v| vec![Val::Long(v), Val::Bool(v % 2 == 0)]).collect();
        let types = [Type::Long, Type::Bool];
        assert_eq!(run("varianceif", &types, Type::Real, &rows), Val::Real(850.0));
        assert_eq!(run("variancepif", &types, Type::Real, &rows), Val::Real(833.0));
        assert_eq!(run("stdevif", &types, Type::Real, &rows), Val::Real(850f64.sqrt()));
    }

    #[test]
    fn covariances() {
        let pairs = [(1.0, 14.0), (2.0, 10.0), (3.0, 17.0), (4.0, 20.0), (5.0, 50.0)];
        let mut rows: Vec<_> = pairs.iter().map(|(x, y)| vec![Val::Real(*x), Val::Real(*y)]).collect();
        rows.push(vec![Val::Null, Val::Real(1e9)]);
        let types = [Type::Real, Type::Real];
        assert_eq!(run("covariance", &types, Type::Real, &rows), Val::Real(20.5));
        assert_eq!(run("covariancep", &types, Type::Real, &rows), Val::Real(16.4));
    }
}
