//! Series: seasons, trends and anomalies.

use super::series::Series;
use super::series_stats::{Line, Scoring, mean};
use super::support::{Out, from_array, lenient, long_arg, real_arg};
use crate::{Cx, Dynamic, Scalar, Val};

/// The entries of this family. Those that fill several columns give an array of them.
pub(super) static ENTRIES: &[Scalar] = &[
    lenient("series_decompose", "Baseline, season, trend and residual of a series.", decompose),
    lenient("series_decompose_anomalies", "Flags and scores of anomalies, and the baseline.", anomalies),
    lenient("series_decompose_forecast", "The baseline of a series, its last points foretold.", forecast),
    lenient("series_seasonal", "The season of a series.", seasonal),
];

/// The shortest series in which a period is looked for.
const SHORTEST: usize = 16;

/// The correlation that a period needs by default.
const DEFAULT_THRESHOLD: f64 = 0.6;

struct Decomposition {
    season: Vec<f64>,
    trend: Vec<f64>,
}

impl Decomposition {
    fn baseline(&self) -> Vec<f64> {
        self.season.iter().zip(&self.trend).map(|(s, t)| s + t).collect()
    }
}

/// How to decompose.
struct Options<'o> {
    /// -1 to look for it, 0 for none.
    period: i64,
    trend: &'o str,
    test_points: i64,
    threshold: f64,
}

impl Options<'_> {
    /// Splits a series; season and trend are learnt without the test points and go on over them.
    fn apply(&self, items: &[f64]) -> Decomposition {
        let test_points = usize::try_from(self.test_points).unwrap_or(0);
        let learnt = items.get(..items.len().saturating_sub(test_points)).unwrap_or_default();
        let period = match usize::try_from(self.period) {
            Ok(period) => period,
            Err(_) => find_period(learnt, self.threshold),
        };
        let season = extend_season(learnt, period, items.len());
        let rest: Vec<f64> = learnt.iter().zip(&season).map(|(v, s)| v - s).collect();
        let trend = match self.trend.to_ascii_lowercase().as_str() {
            "none" => vec![0.0; items.len()],
            "linefit" => {
                let line = Line::fit(&rest);
                (0..items.len()).map(|i| line.at(i)).collect()
            }
            _ => vec![mean(&rest); items.len()],
        };
        Decomposition { season, trend }
    }
}

/// The medians of each place in the period, repeated.
fn extend_season(learnt: &[f64], period: usize, length: usize) -> Vec<f64> {
    if period < 2 || period > learnt.len() {
        return vec![0.0; length];
    }
    let medians: Vec<f64> = (0..period)
        .map(|place| {
            let mut same: Vec<f64> = learnt.iter().skip(place).step_by(period).copied().collect();
            same.sort_by(f64::total_cmp);
            super::series_stats::percentile(&same, 50.0).unwrap_or(0.0)
        })
        .collect();
    medians.iter().cycle().take(length).copied().collect()
}

/// The lag at which a series without its line resembles itself most; 0 if there is none.
fn find_period(items: &[f64], threshold: f64) -> usize {
    if items.len() < SHORTEST {
        return 0;
    }
    let line = Line::fit(items);
    let level: Vec<f64> = items.iter().enumerate().map(|(i, v)| v - line.at(i)).collect();
    let power: f64 = level.iter().map(|v| v * v).sum();
    let correlation = |lag: usize| -> f64 {
        let shifted = level.iter().skip(lag);
        level.iter().zip(shifted).map(|(a, b)| a * b).sum::<f64>() / power
    };
    let all: Vec<f64> = (0..=items.len() / 2 + 1).map(correlation).collect();
    let mut best = (0, f64::NEG_INFINITY);
    for (before, window) in all.windows(3).enumerate() {
        let [left, here, right] = window else { continue };
        let lag = before + 1;
        if lag < 2 || here <= left || here < right {
            continue;
        }
        let n = items.len() as f64;
        // Longer lags have fewer pairs.
        let fair = here * (n / (n - lag as f64)).sqrt();
        if fair >= threshold && *here > best.1 {
            best = (lag, *here);
        }
    }
    best.0
}

fn text_arg<'v>(args: &'v [Val<'_>], position: usize, default: &'static str) -> &'v str {
    args.get(position).and_then(Val::as_str).filter(|s| !s.is_empty()).unwrap_or(default)
}

fn reals(items: Vec<f64>) -> Dynamic {
    Dynamic::Array(items.into_iter().map(Dynamic::Real).collect())
}

fn decompose<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    let options = Options {
        period: long_arg(args, 1).unwrap_or(-1),
        trend: text_arg(args, 2, "avg"),
        test_points: long_arg(args, 3).unwrap_or(0),
        threshold: real_arg(args, 4).unwrap_or(DEFAULT_THRESHOLD),
    };
    let Some(items) = args.first().and_then(Series::complete) else { return Ok(from_array(vec![Dynamic::Null; 4])) };
    let parts = options.apply(&items);
    let baseline = parts.baseline();
    let residual = items.iter().zip(&baseline).map(|(v, b)| v - b).collect();
    Ok(from_array(vec![reals(baseline), reals(parts.season), reals(parts.trend), reals(residual)]))
}

fn anomalies<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    let threshold = real_arg(args, 1).unwrap_or(1.5);
    let options = Options {
        period: long_arg(args, 2).unwrap_or(-1),
        trend: text_arg(args, 3, "avg"),
        test_points: long_arg(args, 4).unwrap_or(0),
        threshold: real_arg(args, 6).unwrap_or(DEFAULT_THRESHOLD),
    };
    let Some(items) = args.first().and_then(Series::complete) else { return Ok(from_array(vec![Dynamic::Null; 3])) };
    let baseline = options.apply(&items).baseline();
    let residual: Vec<f64> = items.iter().zip(&baseline).map(|(v, b)| v - b).collect();
    let learnt = residual.len().saturating_sub(usize::try_from(options.test_points).unwrap_or(0));
    let scores =
        Scoring::of(text_arg(args, 5, "ctukey"), None).scores(&residual, residual.get(..learnt).unwrap_or_default());
    let flag = |score: &f64| {
        if *score > threshold {
            1
        } else if *score < -threshold {
            -1
        } else {
            0
        }
    };
    let flags = Dynamic::Array(scores.iter().map(flag).map(Dynamic::Long).collect());
    Ok(from_array(vec![flags, reals(scores), reals(baseline)]))
}

fn forecast<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    let options = Options {
        test_points: long_arg(args, 1).unwrap_or(0),
        period: long_arg(args, 2).unwrap_or(-1),
        trend: text_arg(args, 3, "linefit"),
        threshold: real_arg(args, 4).unwrap_or(DEFAULT_THRESHOLD),
    };
    let items = args.first().and_then(Series::complete);
    Ok(items.map_or(Val::Null, |items| Val::dynamic(&reals(options.apply(&items).baseline()))))
}

fn seasonal<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    let options = Options {
        period: long_arg(args, 1).unwrap_or(-1),
        trend: "none",
        test_points: long_arg(args, 2).unwrap_or(0),
        threshold: DEFAULT_THRESHOLD,
    };
    let items = args.first().and_then(Series::complete);
    Ok(items.map_or(Val::Null, |items| Val::dynamic(&reals(options.apply(&items).season))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Type;

    fn run(name: &str, args: &[Val<'_>]) -> Dynamic {
        let entry = ENTRIES.iter().find(|e| e.name == name).unwrap();
        (entry.kernel)(&Cx { args: &[], ret: Type::Dynamic }, args).unwrap().to_tree()
    }

    fn d(s: &'static str) -> Val<'static> {
        Val::Dynamic(s.into())
    }

    #[test]
    fn seasons() {
        let six = "[2,5,3,4,3,2,1,2,3,4,3,2,1,2,3,4,3,2,1,2,3,4,3,2,1]";
        assert_eq!(
            run("series_seasonal", &[d(six)]).to_json(),
            "[1.0,2.0,3.0,4.0,3.0,2.0,1.0,2.0,3.0,4.0,3.0,2.0,1.0,2.0,3.0,4.0,3.0,2.0,1.0,2.0,3.0,4.0,3.0,2.0,1.0]"
        );
        let five = run("series_seasonal", &[d("[8,12,14,12,10,10,12,14,12,10,10,12,14,12,10,10,12,14,12,10]")]);
        assert_eq!(five.at(0), Some(&Dynamic::Real(10.0)));
        let none = run("series_seasonal", &[d("[1,3,5,2,4,6,1,3,5,2,4,6]")]);
        assert_eq!(none.at(3), Some(&Dynamic::Real(0.0)));
        assert_eq!(run("series_seasonal", &[d("[1,3,5,2,4,6]"), Val::Long(3)]).to_json(), "[1.5,3.5,5.5,1.5,3.5,5.5]");
    }

    #[test]
    fn finds_an_anomaly() {
        let series = d("[10,11,9,10,11,10,9,10,11,60,10,9,11,10,10,9,11,10,11,9]");
        let parts = run("series_decompose_anomalies", &[series, Val::Real(1.5), Val::Long(0)]);
        let flags = parts.at(0).unwrap();
        assert_eq!(flags.at(9), Some(&Dynamic::Long(1)));
        assert_eq!(flags.at(3), Some(&Dynamic::Long(0)));
        assert!(matches!(parts.at(2).unwrap().at(0), Some(Dynamic::Real(b)) if (b - 12.55).abs() < 1e-9));
    }

    #[test]
    fn foretells() {
        let series = d("[1,2,3,4,0,0]");
        assert_eq!(
            run("series_decompose_forecast", &[series, Val::Long(2), Val::Long(0)]).to_json(),
            "[1.0,2.0,3.0,4.0,5.0,6.0]"
        );
    }
}
