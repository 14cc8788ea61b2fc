//! Series: the periods in which they repeat themselves.
//!
//! The score is the one that frozen answers of Microsoft's engine show: the circular autocorrelation at the period,
//! scaled so that its least value over all lags is 0. Periods are found after the idea of AUTOPERIOD (Vlachos, Yu,
//! Castelli: "On Periodicity Detection and Structural Periodic Similarity", 2005): the autocorrelation has a hill there,
//! and the power spectrum has power.

use super::series::Series;
use super::series_stats::{mean, transform};
use super::support::{Out, columns, lenient, long_arg, real_arg};
use crate::{Cx, Dynamic, Scalar, Val};

/// The entries of this family. Both give an array of two arrays: periods and scores.
pub(super) static ENTRIES: &[Scalar] = &[
    lenient("series_periods_detect", "The periods of a series between two lengths, with scores from 0 to 1.", detect),
    lenient("series_periods_validate", "Scores from 0 to 1 of the given periods of a series.", validate),
];

/// The shortest period that can be found; the longest is half of the series.
const SHORTEST: usize = 4;

/// The power of a period in terms of the mean power. [I]
const LEAST_STRENGTH: f64 = 0.5;

/// How much better a multiple of a period must be than that. [I]
const LEAST_GAIN: f64 = 0.05;

/// The most periods that can be asked for.
const MOST: i64 = 1 << 20;

/// How alike a series is to itself, and how strong its frequencies are.
struct Spectrum {
    /// By lag; 1 at lag 0.
    correlation: Vec<f64>,
    /// The least correlation.
    least: f64,
    /// By turns over the whole series.
    power: Vec<f64>,
}

impl Spectrum {
    /// `None` where nothing varies.
    fn of(items: &[f64]) -> Option<Spectrum> {
        let mean = mean(items);
        let level: Vec<(f64, f64)> = items.iter().map(|v| (v - mean, 0.0)).collect();
        let power: Vec<f64> = transform(&level, -1.0).iter().map(|(re, im)| re * re + im * im).collect();
        let back: Vec<f64> =
            transform(&power.iter().map(|p| (*p, 0.0)).collect::<Vec<_>>(), 1.0).iter().map(|c| c.0).collect();
        let whole = *back.first()?;
        if !whole.is_finite() || whole <= 0.0 {
            return None;
        }
        let correlation: Vec<f64> = back.iter().map(|v| v / whole).collect();
        let least = correlation.iter().copied().fold(f64::INFINITY, f64::min);
        Some(Spectrum { correlation, least, power })
    }

    fn at(&self, lag: usize) -> f64 {
        self.correlation.get(lag).copied().unwrap_or(f64::NEG_INFINITY)
    }

    /// Whether no lag is better within half a period to either side.
    fn hill(&self, period: usize) -> bool {
        let reach = (period / 2).saturating_sub(1);
        let here = self.at(period) + 1e-12;
        (period - reach..=period + reach).all(|lag| self.at(lag) <= here)
    }

    /// From 0 to 1; 0 for what is no period.
    fn score(&self, period: usize) -> f64 {
        let longest = self.correlation.len() / 2;
        if !(SHORTEST..=longest).contains(&period) || !self.hill(period) {
            return 0.0;
        }
        (self.at(period) - self.least) / (1.0 - self.least)
    }

    /// How strong a period is: the power of the turns nearest to it.
    fn strength(&self, period: usize) -> f64 {
        let n = self.power.len();
        let power = |turns: usize| self.power.get(turns).copied().unwrap_or(0.0);
        power(n / period).max(power(n.div_ceil(period)))
    }

    /// The hills of the correlation that have power of their own, best first. A multiple of a shorter one counts only
    /// where it is better than that.
    fn periods(&self) -> Vec<(usize, f64)> {
        let longest = self.correlation.len() / 2;
        let usual = mean(self.power.get(1..=longest).unwrap_or_default());
        let mut found: Vec<(usize, f64)> = Vec::new();
        for period in SHORTEST..=longest {
            let score = self.score(period);
            if score <= 0.0 || self.strength(period) <= LEAST_STRENGTH * usual {
                continue;
            }
            let repeats = |shorter: usize| {
                let times = (period + shorter / 2) / shorter;
                // A period need not be whole.
                times > 1 && 2 * period.abs_diff(times * shorter) <= times
            };
            if !found.iter().any(|(shorter, known)| repeats(*shorter) && score <= known + LEAST_GAIN) {
                found.push((period, score));
            }
        }
        found.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        found
    }
}

fn spectrum(args: &[Val<'_>]) -> Option<Spectrum> {
    Spectrum::of(&Series::complete(args.first()?)?)
}

/// Periods and scores as two arrays.
fn answer<'a>(cx: &Cx<'_>, found: &[(f64, f64)]) -> Out<'a> {
    let part = |f: fn(&(f64, f64)) -> f64| Dynamic::Array(found.iter().map(|v| Dynamic::Real(f(v))).collect());
    Ok(columns(cx, vec![part(|v| v.0), part(|v| v.1)]))
}

/// As many periods as are asked for; where fewer are found, zeros follow.
fn detect<'a>(cx: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    let (Some(shortest), Some(longest), Some(count)) = (real_arg(args, 1), real_arg(args, 2), long_arg(args, 3)) else {
        return Ok(columns(cx, vec![Dynamic::Null; 2]));
    };
    let count = usize::try_from(count.clamp(0, MOST)).unwrap_or(0);
    let all = spectrum(args).map_or_else(Vec::new, |s| s.periods());
    let all = all.into_iter().map(|(period, score)| (period as f64, score));
    let mut found: Vec<(f64, f64)> =
        all.filter(|(period, _)| (shortest..=longest).contains(period)).take(count).collect();
    found.resize(count, (0.0, 0.0));
    answer(cx, &found)
}

/// The periods as they are given, each with its score.
fn validate<'a>(cx: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    let spectrum = spectrum(args);
    let score = |period: f64| {
        // Too long periods saturate, and have no score.
        spectrum.as_ref().filter(|_| period >= SHORTEST as f64).map_or(0.0, |s| s.score(period.round() as usize))
    };
    let found: Vec<(f64, f64)> = (1..args.len()).filter_map(|i| real_arg(args, i)).map(|p| (p, score(p))).collect();
    answer(cx, &found)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A sawtooth of a period within a slower one.
    fn two_periods(length: usize) -> Vec<f64> {
        (0..length).map(|i| (i % 6) as f64 + if i / 6 % 5 == 0 { 2.0 } else { 0.0 }).collect()
    }

    #[test]
    fn finds_both_periods_and_no_multiples() {
        let found = Spectrum::of(&two_periods(150)).unwrap().periods();
        let periods: Vec<usize> = found.iter().map(|(p, _)| *p).collect();
        assert_eq!(periods, [30, 6]);
        assert!((found[0].1 - 1.0).abs() < 1e-9, "{found:?}");
        assert!(found[1].1 < 0.9, "{found:?}");
    }

    #[test]
    fn finds_a_period_that_does_not_divide_the_length() {
        let items: Vec<f64> =
            (0..200).map(|i| [3.0, 0.0, 4.0, 1.0, 0.0, 7.0, 2.0, 2.0, 5.0, 0.0, 1.0][i % 11]).collect();
        let found = Spectrum::of(&items).unwrap().periods();
        assert_eq!(found.first().map(|f| f.0), Some(11), "{found:?}");
    }

    #[test]
    fn nothing_repeats() {
        assert!(Spectrum::of(&[]).is_none());
        assert!(Spectrum::of(&[2.0; 40]).is_none());
        assert!(Spectrum::of(&[f64::NAN; 40]).is_none());
        assert!(Spectrum::of(&[1.0, 2.0]).unwrap().periods().is_empty());
        let rising: Vec<f64> = (0..40).map(f64::from).collect();
        assert!(Spectrum::of(&rising).unwrap().periods().is_empty());
    }

    #[test]
    fn scores_outside_the_bounds_are_zero() {
        let spectrum = Spectrum::of(&two_periods(60)).unwrap();
        for period in [0, 1, 3, 31, 60, usize::MAX] {
            assert_eq!(spectrum.score(period), 0.0);
        }
        assert!(spectrum.score(6) > 0.0);
    }
}
