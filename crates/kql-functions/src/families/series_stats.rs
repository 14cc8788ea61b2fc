//! Series: statistics, correlation, outliers, fitted lines, Fourier transform.

use std::f64::consts::PI;

use super::series::Series;
use super::support::{Out, columns, from_bag, lenient, long_arg, real_arg, strict};
use crate::{Cx, Dynamic, Scalar, Val};

/// The entries of this family. Those that fill several columns give an array of them where a dynamic is wanted.
pub(super) static ENTRIES: &[Scalar] = &[
    strict("series_stats", "Least, greatest, average, deviation and variance of a series.", stats),
    strict("series_stats_dynamic", "The statistics of a series, as a bag.", stats_dynamic),
    strict("series_pearson_correlation", "Pearson's correlation of two series.", pearson_correlation),
    lenient("series_cosine_similarity", "The cosine of the angle between two series.", cosine_similarity),
    lenient("series_outliers", "How far each item lies outside of the usual range.", outliers),
    strict("series_fit_line", "The line that fits a series best.", fit_line),
    strict("series_fit_line_dynamic", "The line that fits a series best, as a bag.", fit_line_dynamic),
    strict("series_fit_2lines", "The two lines, one after the other, that fit a series best.", fit_2lines),
    strict("series_fit_2lines_dynamic", "The two lines that fit a series best, as a bag.", fit_2lines_dynamic),
    lenient("series_fit_poly", "The polynomial that fits a series best.", fit_poly),
    lenient("series_fft", "The discrete Fourier transform: real and imaginary parts.", fft),
    lenient("series_ifft", "The inverse Fourier transform: real and imaginary parts.", ifft),
];

/// The mean of numbers.
pub(super) fn mean(items: &[f64]) -> f64 {
    items.iter().sum::<f64>() / items.len() as f64
}

/// The sum of the squared distances from the mean.
fn squares(items: &[f64]) -> f64 {
    let mean = mean(items);
    items.iter().map(|v| (v - mean).powi(2)).sum()
}

/// The percentile of sorted numbers, between two of them in proportion.
pub(super) fn percentile(sorted: &[f64], percent: f64) -> Option<f64> {
    let place = percent / 100.0 * sorted.len().checked_sub(1)? as f64;
    let below = *sorted.get(place.floor() as usize)?;
    let above = *sorted.get(place.ceil() as usize)?;
    Some(below + (above - below) * place.fract())
}

/// Name and value of each statistic.
fn statistics(args: &[Val<'_>]) -> Option<Vec<(&'static str, Dynamic)>> {
    let series = Series::of(args.first()?)?;
    let ignore = args.get(1).and_then(Val::as_bool) == Some(true);
    let finite: Vec<(usize, f64)> =
        series.items.iter().enumerate().filter_map(|(i, v)| Some((i, (*v).filter(|v| v.is_finite())?))).collect();
    if finite.is_empty() || finite.len() < series.items.len() && !ignore {
        return None;
    }
    let items: Vec<f64> = finite.iter().map(|(_, v)| *v).collect();
    let least = finite.iter().fold(*finite.first()?, |best, v| if v.1 < best.1 { *v } else { best });
    let greatest = finite.iter().fold(*finite.first()?, |best, v| if v.1 > best.1 { *v } else { best });
    let variance = if items.len() > 1 { squares(&items) / (items.len() - 1) as f64 } else { 0.0 };
    Some(vec![
        ("min", Dynamic::Real(least.1)),
        ("min_idx", Dynamic::Long(least.0 as i64)),
        ("max", Dynamic::Real(greatest.1)),
        ("max_idx", Dynamic::Long(greatest.0 as i64)),
        ("avg", Dynamic::Real(mean(&items))),
        ("stdev", Dynamic::Real(variance.sqrt())),
        ("variance", Dynamic::Real(variance)),
        ("sum", Dynamic::Real(items.iter().sum())),
        ("len", Dynamic::Long(items.len() as i64)),
    ])
}

fn stats<'a>(cx: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    let values = statistics(args).map(|all| all.into_iter().take(7).map(|(_, v)| v).collect());
    Ok(columns(cx, values.unwrap_or_else(|| vec![Dynamic::Null; 7])))
}

fn stats_dynamic<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    Ok(statistics(args).map_or(Val::Null, bag))
}

fn bag(members: Vec<(&'static str, Dynamic)>) -> Val<'static> {
    from_bag(members.into_iter().map(|(k, v)| (k.to_string(), v)).collect())
}

/// Two series of one length.
fn pair(args: &[Val<'_>]) -> Option<(Vec<f64>, Vec<f64>)> {
    let (a, b) = (Series::complete(args.first()?)?, Series::complete(args.get(1)?)?);
    (a.len() == b.len()).then_some((a, b))
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn pearson_correlation<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    Ok(pair(args).map_or(Val::Null, |(a, b)| {
        let (mean_a, mean_b) = (mean(&a), mean(&b));
        let together: f64 = a.iter().zip(&b).map(|(a, b)| (a - mean_a) * (b - mean_b)).sum();
        Val::Real(together / (squares(&a).sqrt() * squares(&b).sqrt()))
    }))
}

fn cosine_similarity<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    Ok(pair(args).map_or(Val::Null, |(a, b)| {
        let magnitude =
            |position: usize, items: &[f64]| real_arg(args, position).unwrap_or_else(|| dot(items, items).sqrt());
        Val::Real(dot(&a, &b) / (magnitude(2, &a) * magnitude(3, &b)))
    }))
}

/// What makes scores of the 10th and 90th percentiles like those of Tukey's test on quartiles.
const PERCENTILE_SCALE: f64 = 2.772_605_605_507_915;

/// How a score is computed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scoring {
    low: f64,
    high: f64,
    scale: f64,
}

impl Scoring {
    /// Tukey's test, or by default the one with chosen percentiles.
    pub(super) fn of(kind: &str, percentiles: Option<(f64, f64)>) -> Scoring {
        if kind.eq_ignore_ascii_case("tukey") {
            return Scoring { low: 25.0, high: 75.0, scale: 1.0 };
        }
        let (low, high) = percentiles.unwrap_or((10.0, 90.0));
        Scoring { low, high, scale: PERCENTILE_SCALE }
    }

    /// The score of each of `items`: zero within the range of `normal`, beyond it the distance in its widths.
    pub(super) fn scores(self, items: &[f64], normal: &[f64]) -> Vec<f64> {
        let mut sorted: Vec<f64> = normal.iter().copied().filter(|v| v.is_finite()).collect();
        sorted.sort_by(f64::total_cmp);
        let (Some(low), Some(high)) = (percentile(&sorted, self.low), percentile(&sorted, self.high)) else {
            return vec![0.0; items.len()];
        };
        let width = high - low;
        let beyond = |v: &f64| {
            if *v > high {
                v - high
            } else if *v < low {
                v - low
            } else {
                0.0
            }
        };
        items.iter().map(beyond).map(|d| if d == 0.0 { 0.0 } else { d / width * self.scale }).collect()
    }
}

fn outliers<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    let Some(series) = args.first().and_then(Series::of) else { return Ok(Val::Null) };
    let kind = args.get(1).and_then(Val::as_str).unwrap_or("ctukey");
    let ignored = real_arg(args, 2);
    let scoring = Scoring::of(kind, real_arg(args, 3).map(|low| (low, real_arg(args, 4).unwrap_or(90.0))));
    let test_points = usize::try_from(long_arg(args, 5).unwrap_or(0)).unwrap_or(0);
    let items: Vec<f64> = series.items.iter().map(|v| v.filter(|v| Some(*v) != ignored).unwrap_or(f64::NAN)).collect();
    let normal = items.get(..items.len().saturating_sub(test_points)).unwrap_or_default();
    let scores = scoring.scores(&items, normal);
    Ok(super::support::from_array(scores.into_iter().map(Dynamic::Real).collect()))
}

/// A fitted line.
#[derive(Debug, Clone)]
pub(super) struct Line {
    pub(super) slope: f64,
    pub(super) intercept: f64,
    /// Sum of the squared residuals.
    residual: f64,
    /// Sum of the squared distances from the mean.
    total: f64,
    count: usize,
}

impl Line {
    /// The least squares line through items at 0, 1, 2…
    pub(super) fn fit(items: &[f64]) -> Line {
        let middle = (items.len() as f64 - 1.0) / 2.0;
        let mean_y = mean(items);
        let (mut xy, mut xx) = (0.0, 0.0);
        for (i, y) in items.iter().enumerate() {
            let x = i as f64 - middle;
            xy += x * (y - mean_y);
            xx += x * x;
        }
        let slope = if xx == 0.0 { 0.0 } else { xy / xx };
        let intercept = mean_y - slope * middle;
        let residual = items.iter().enumerate().map(|(i, y)| (y - intercept - slope * i as f64).powi(2)).sum();
        Line { slope, intercept, residual, total: squares(items), count: items.len() }
    }

    /// The intercept as Kusto reports it, with positions counted from 1.
    fn interception(&self) -> f64 {
        self.intercept - self.slope
    }

    /// The height at a position.
    pub(super) fn at(&self, position: usize) -> f64 {
        self.intercept + self.slope * position as f64
    }

    fn share(&self, sum: f64) -> f64 {
        sum / (self.count.max(2) - 1) as f64
    }

    fn rsquare(&self) -> f64 {
        1.0 - self.residual / self.total
    }
}

fn real(v: f64) -> Dynamic {
    Dynamic::Real(v)
}

fn line_columns(args: &[Val<'_>]) -> Option<Vec<(&'static str, Dynamic)>> {
    let items = args.first().and_then(Series::complete).filter(|items| items.len() > 1)?;
    let line = Line::fit(&items);
    Some(vec![
        ("rsquare", real(line.rsquare())),
        ("slope", real(line.slope)),
        ("variance", real(line.share(line.total))),
        ("rvariance", real(line.share(line.residual))),
        ("interception", real(line.interception())),
        ("line_fit", Dynamic::Array((0..items.len()).map(|i| real(line.at(i))).collect())),
    ])
}

/// The values of all columns, nulls where there are none.
fn spread(cx: &Cx<'_>, all: Option<Vec<(&'static str, Dynamic)>>, count: usize) -> Val<'static> {
    let values = all.map(|all| all.into_iter().map(|(_, v)| v).collect());
    columns(cx, values.unwrap_or_else(|| vec![Dynamic::Null; count]))
}

fn fit_line<'a>(cx: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    Ok(spread(cx, line_columns(args), 6))
}

fn fit_line_dynamic<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    Ok(line_columns(args).map_or(Val::Null, bag))
}

/// The split after which the two lines leave the least residual.
fn two_lines(args: &[Val<'_>]) -> Option<Vec<(&'static str, Dynamic)>> {
    let items = args.first().and_then(Series::complete)?;
    let halves = (2..items.len().saturating_sub(1)).filter_map(|split| items.split_at_checked(split));
    let fitted = halves.map(|(left, right)| (left.len(), Line::fit(left), Line::fit(right)));
    let (split, left, right) = fitted.min_by(|a, b| {
        let residual = |lines: &(usize, Line, Line)| lines.1.residual + lines.2.residual;
        residual(a).total_cmp(&residual(b))
    })?;
    let total = squares(&items);
    let residual = left.residual + right.residual;
    let share = (items.len() - 1) as f64;
    let height = |i: usize| i.checked_sub(split).map_or_else(|| left.at(i), |j| right.at(j));
    Some(vec![
        ("rsquare", real(1.0 - residual / total)),
        ("split_idx", Dynamic::Long(split as i64)),
        ("variance", real(total / share)),
        ("rvariance", real(residual / share)),
        ("line_fit", Dynamic::Array((0..items.len()).map(|i| real(height(i))).collect())),
        ("right_rsquare", real(right.rsquare())),
        ("right_slope", real(right.slope)),
        ("right_interception", real(right.interception())),
        ("right_variance", real(right.share(right.total))),
        ("right_rvariance", real(right.share(right.residual))),
        ("left_rsquare", real(left.rsquare())),
        ("left_slope", real(left.slope)),
        ("left_interception", real(left.interception())),
        ("left_variance", real(left.share(left.total))),
        ("left_rvariance", real(left.share(left.residual))),
    ])
}

fn fit_2lines<'a>(cx: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    Ok(spread(cx, two_lines(args), 15))
}

fn fit_2lines_dynamic<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    Ok(two_lines(args).map_or(Val::Null, bag))
}

fn fit_poly<'a>(cx: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    let fitted = polynomial(args).unwrap_or_else(|| vec![Dynamic::Null; 5]);
    Ok(columns(cx, fitted))
}

fn polynomial(args: &[Val<'_>]) -> Option<Vec<Dynamic>> {
    let y = args.first().and_then(Series::complete)?;
    let (x, degree) = match args.get(1) {
        Some(v @ Val::Dynamic(_)) => (axis(v)?, long_arg(args, 2).unwrap_or(1)),
        other => ((0..y.len()).map(|i| i as f64).collect(), other.and_then(Val::as_i64).unwrap_or(1)),
    };
    let terms = usize::try_from(degree).ok()? + 1;
    if x.len() != y.len() || y.len() < terms || terms > 32 {
        return None;
    }
    // Fitted on an axis moved to its middle and scaled to one, where powers stay small.
    let middle = mean(&x);
    let scale = x.iter().map(|v| (v - middle).abs()).fold(0.0, f64::max);
    let scale = if scale == 0.0 { 1.0 } else { scale };
    let unit: Vec<f64> = x.iter().map(|v| (v - middle) / scale).collect();
    let scaled = least_squares(&unit, &y, terms)?;
    let fit: Vec<f64> = unit.iter().map(|t| scaled.iter().rev().fold(0.0, |sum, c| sum * t + c)).collect();
    let residual: f64 = y.iter().zip(&fit).map(|(y, f)| (y - f).powi(2)).sum();
    let total = squares(&y);
    let share = (y.len().max(2) - 1) as f64;
    let mut coefficients = moved_back(&scaled, middle, scale);
    coefficients.reverse();
    Some(vec![
        real(1.0 - residual / total),
        Dynamic::Array(coefficients.into_iter().map(real).collect()),
        real(total / share),
        real(residual / share),
        Dynamic::Array(fit.into_iter().map(real).collect()),
    ])
}

/// The numbers or times of an axis.
fn axis(v: &Val<'_>) -> Option<Vec<f64>> {
    super::support::array_of(v)?
        .iter()
        .map(|item| match item {
            Dynamic::DateTime(t) | Dynamic::Timespan(t) => Some(*t as f64),
            other => super::compare::tree_value(other).as_ref().and_then(super::support::number),
        })
        .collect()
}

/// The coefficients, from the constant up, that leave the least squares; by modified Gram-Schmidt.
fn least_squares(x: &[f64], y: &[f64], terms: usize) -> Option<Vec<f64>> {
    let mut basis: Vec<Vec<f64>> = Vec::with_capacity(terms);
    let mut upper = vec![vec![0.0; terms]; terms];
    let mut projected = Vec::with_capacity(terms);
    let mut rest = y.to_vec();
    for k in 0..terms {
        let mut column: Vec<f64> = x.iter().map(|v| v.powi(k as i32)).collect();
        // Twice, so that rounding leaves the columns orthogonal.
        for _ in 0..2 {
            for (j, q) in basis.iter().enumerate() {
                let along = dot(q, &column);
                *upper.get_mut(j)?.get_mut(k)? += along;
                column.iter_mut().zip(q).for_each(|(c, q)| *c -= along * q);
            }
        }
        let length = dot(&column, &column).sqrt();
        if length <= f64::EPSILON {
            return None;
        }
        *upper.get_mut(k)?.get_mut(k)? = length;
        column.iter_mut().for_each(|c| *c /= length);
        let along = dot(&column, &rest);
        rest.iter_mut().zip(&column).for_each(|(r, q)| *r -= along * q);
        projected.push(along);
        basis.push(column);
    }
    let mut solved = vec![0.0; terms];
    for k in (0..terms).rev() {
        let row = upper.get(k)?;
        let known: f64 = row.iter().zip(&solved).skip(k + 1).map(|(u, s)| u * s).sum();
        *solved.get_mut(k)? = (projected.get(k)? - known) / row.get(k)?;
    }
    Some(solved)
}

/// Coefficients of `(x - middle) / scale` as coefficients of `x`.
fn moved_back(scaled: &[f64], middle: f64, scale: f64) -> Vec<f64> {
    let mut result: Vec<f64> = Vec::new();
    for c in scaled.iter().rev() {
        let mut next = vec![0.0; result.len() + 1];
        for (power, value) in result.iter().enumerate() {
            if let Some(slot) = next.get_mut(power) {
                *slot -= value * middle / scale;
            }
            if let Some(slot) = next.get_mut(power + 1) {
                *slot += value / scale;
            }
        }
        if let Some(constant) = next.first_mut() {
            *constant += c;
        }
        result = next;
    }
    result
}

fn fft<'a>(cx: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    Ok(columns(cx, fourier(args, -1.0).unwrap_or_else(|| vec![Dynamic::Null; 2])))
}

fn ifft<'a>(cx: &Cx<'_>, args: &'a [Val<'a>]) -> Out<'a> {
    Ok(columns(cx, fourier(args, 1.0).unwrap_or_else(|| vec![Dynamic::Null; 2])))
}

/// A real and an imaginary part.
pub(super) type Complex = (f64, f64);

fn fourier(args: &[Val<'_>], direction: f64) -> Option<Vec<Dynamic>> {
    let real_part = Series::complete(args.first()?)?;
    let imaginary = match args.get(1) {
        Some(v) => Series::complete(v)?,
        None => vec![0.0; real_part.len()],
    };
    if imaginary.len() != real_part.len() {
        return None;
    }
    let input: Vec<Complex> = real_part.into_iter().zip(imaginary).collect();
    let scale = if direction > 0.0 { 1.0 / input.len().max(1) as f64 } else { 1.0 };
    let output = transform(&input, direction);
    let part = |f: fn(&Complex) -> f64| Dynamic::Array(output.iter().map(|c| real(f(c) * scale)).collect());
    Some(vec![part(|c| c.0), part(|c| c.1)])
}

/// The discrete Fourier transform; `direction` is -1 forth and 1 back, without a scale. Halves while the length is even,
/// then sums directly.
pub(super) fn transform(input: &[Complex], direction: f64) -> Vec<Complex> {
    let n = input.len();
    let turn = |k: usize, (re, im): Complex| {
        let (sin, cos) = (direction * 2.0 * PI * k as f64 / n as f64).sin_cos();
        (re * cos - im * sin, re * sin + im * cos)
    };
    if n > 1 && n.is_multiple_of(2) {
        let even = transform(&input.iter().step_by(2).copied().collect::<Vec<_>>(), direction);
        let odd = transform(&input.iter().skip(1).step_by(2).copied().collect::<Vec<_>>(), direction);
        let turned: Vec<Complex> = odd.iter().enumerate().map(|(k, v)| turn(k, *v)).collect();
        let joined = |sign: f64| even.iter().zip(&turned).map(move |(a, b)| (a.0 + sign * b.0, a.1 + sign * b.1));
        return joined(1.0).chain(joined(-1.0)).collect();
    }
    (0..n)
        .map(|k| {
            let terms = input.iter().enumerate().map(|(i, v)| turn(i * k % n, *v));
            terms.fold((0.0, 0.0), |sum, v| (sum.0 + v.0, sum.1 + v.1))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Type;

    fn run(name: &str, ret: Type, args: &[Val<'_>]) -> Val<'static> {
        let entry = ENTRIES.iter().find(|e| e.name == name).unwrap();
        (entry.kernel)(&Cx { args: &[], ret }, args).unwrap().into_owned()
    }

    fn d(s: &'static str) -> Val<'static> {
        Val::Dynamic(s.into())
    }

    fn near(v: &Dynamic, want: f64) -> bool {
        matches!(v, Dynamic::Real(v) if (v - want).abs() < 1e-9)
    }

    #[test]
    fn statistics_of_a_series() {
        let bag =
            run("series_stats_dynamic", Type::Dynamic, &[d("[23,46,23,87,4,8,3,75,2,56,13,75,32,16,29]")]).to_tree();
        assert_eq!(bag.get("min_idx"), Some(&Dynamic::Long(8)));
        assert!(near(bag.get("stdev").unwrap(), 28.50363385354827));
        assert!(near(bag.get("sum").unwrap(), 492.0));
        assert_eq!(run("series_stats_dynamic", Type::Dynamic, &[d("[1,null]")]), Val::Null);
    }

    #[test]
    fn lines() {
        let y = d("[2,5,6,8,11,15,17,18,25,26,30,30]");
        let fit = run("series_fit_line", Type::Dynamic, std::slice::from_ref(&y)).to_tree();
        for (i, want) in
            [0.982900730884447, 2.730769230769231, 98.62878787878789, 1.686480186480187, -1.6666666666666716]
                .into_iter()
                .enumerate()
        {
            assert!(near(fit.at(i as i64).unwrap(), want), "{i}: {:?}", fit.at(i as i64));
        }
        assert!(matches!(run("series_fit_line", Type::Real, &[y]), Val::Real(_)));
        let two = run("series_fit_2lines", Type::Dynamic, &[d("[1,2.2,2.5,4.7,5.0,12,10.3,10.3,9,8.3,6.2]")]).to_tree();
        assert_eq!(two.at(1), Some(&Dynamic::Long(5)));
        assert!(near(two.at(4).unwrap().at(5).unwrap(), 11.942857142857143));
        let poly = run("series_fit_poly", Type::Dynamic, &[d("[6,11,18]"), d("[1,2,3]"), Val::Long(2)]).to_tree();
        let coefficients = poly.at(1).unwrap();
        assert!([1.0, 2.0, 3.0].iter().enumerate().all(|(i, want)| near(coefficients.at(i as i64).unwrap(), *want)));
    }

    #[test]
    fn correlation_and_transform() {
        let r = run("series_pearson_correlation", Type::Real, &[d("[1,2,3,4,5]"), d("[2,4,6,8,10]")]);
        assert!((r.as_f64().unwrap() - 1.0).abs() < 1e-12);
        let out = run("series_fft", Type::Dynamic, &[d("[1,0,0,0,0,0]")]).to_tree();
        assert!((0..6).all(|i| near(out.at(0).unwrap().at(i).unwrap(), 1.0)));
        let scores = run("series_outliers", Type::Dynamic, &[d("[1,2,3,4,5,6,7,8,9,10,100]")]).to_tree();
        assert_eq!(scores.at(4), Some(&Dynamic::Real(0.0)));
        assert!(near(scores.at(10).unwrap(), 90.0 / 8.0 * PERCENTILE_SCALE));
    }
}
