//! Patterns of values that many rows share: `autocluster`, `basket`, `diffpatterns`.
//!
//! A pattern has a value for some of the columns, and a wildcard for the others. All three report closed patterns: a column
//! in which all rows of a pattern agree has its value there. They follow Ofer, Eldar, Shalev and Resheff, "Algorithms for
//! Telemetry Data Mining using Discrete Attributes" (2017), on which the documentation says that Microsoft's are based;
//! those sample the rows, so that answers differ where patterns are close to a threshold or to each other.

mod expand;
mod mine;
mod options;
mod table;

use std::cmp::Ordering;

use super::{Call, Field, Plugin, Refusal, Row, field};
use crate::families::cast;
use crate::{Type, Val};
use options::Options;
use table::{Pattern, Table};

pub(super) const PLUGINS: &[Plugin] = &[
    Plugin {
        name: "autocluster",
        columns: |call| Ok(autocluster_options(call)?.0.fields(&COUNTED)),
        rows: autocluster,
        ordered: true,
        table_key: None,
    },
    Plugin {
        name: "basket",
        columns: |call| Ok(basket_options(call)?.0.fields(&COUNTED)),
        rows: basket,
        ordered: true,
        table_key: None,
    },
    Plugin {
        name: "diffpatterns",
        columns: |call| Ok(diffpatterns_options(call)?.options.fields(&COMPARED)),
        rows: diffpatterns,
        ordered: true,
        table_key: None,
    },
];

const COUNTED: [(&str, Type); 3] = [("SegmentId", Type::Long), ("Count", Type::Long), ("Percent", Type::Real)];
const COMPARED: [(&str, Type); 6] = [
    ("SegmentId", Type::Long),
    ("CountA", Type::Long),
    ("CountB", Type::Long),
    ("PercentA", Type::Real),
    ("PercentB", Type::Real),
    ("PercentDiffAB", Type::Real),
];

const THRESHOLD: f64 = 0.05;
const THRESHOLDS: std::ops::RangeInclusive<f64> = 0.015..=1.0;

impl Options {
    /// The result's columns: what is told of a pattern, then its values.
    fn fields(&self, told: &[(&str, Type)]) -> Vec<Field> {
        told.iter().map(|(name, ty)| field(name, *ty)).chain(self.dimensions.iter().map(|d| d.field.clone())).collect()
    }
}

/// The balance of a pattern's coverage and of how many values it has, and the number of seeds.
fn autocluster_options(call: &Call<'_>) -> Result<(Options, f64, usize), Refusal> {
    let balance = options::number(call, 0, 0.5, 0.0..=1.0)?;
    let seeds = options::count(call, 2)?.unwrap_or(25);
    Ok((Options::new(call, None, 1, 3)?, balance, seeds))
}

/// `Score` of the documentation: the weighted geometric mean of the share of the rows and the share of the columns.
fn autocluster(call: &Call<'_>, tables: &[Vec<Row<'_>>]) -> Result<Vec<Row<'static>>, Refusal> {
    let (options, balance, seeds) = autocluster_options(call)?;
    let table = Table::new(&options, rows_of(tables), |_| Some(0))?;
    let [total, _] = table.totals();
    let columns = options.dimensions.len() as f64;
    let score =
        |weight: f64, values: usize| (weight / total).powf(balance) * (values as f64 / columns).powf(1.0 - balance);
    let mut scored: Vec<(f64, Pattern)> = expand::expand(&table, seeds, &score)?
        .into_iter()
        .map(|pattern| (score(pattern.weights[0], pattern.size()), pattern))
        .collect();
    scored.sort_by(|(a, x), (b, y)| b.total_cmp(a).then_with(|| by_size(x, y)));
    let patterns = incomparable(scored.into_iter().map(|(_, pattern)| pattern));
    Ok(counted(&options, &table, &patterns))
}

/// The threshold, and the greatest number of dimensions that don't follow from each other.
fn basket_options(call: &Call<'_>) -> Result<(Options, f64, usize), Refusal> {
    let threshold = options::number(call, 0, THRESHOLD, THRESHOLDS)?;
    let dimensions = options::count(call, 2)?.unwrap_or(5);
    Ok((Options::new(call, None, 1, 3)?, threshold, dimensions))
}

/// Patterns that pass the threshold, by the number of rows times the number of values; so are the documented ones.
fn basket(call: &Call<'_>, tables: &[Vec<Row<'_>>]) -> Result<Vec<Row<'static>>, Refusal> {
    let (options, threshold, dimensions) = basket_options(call)?;
    let table = Table::new(&options, rows_of(tables), |_| Some(0))?;
    let [total, _] = table.totals();
    let mut patterns =
        mine::closed(&table, &|[weight, _]: [f64; 2]| weight >= threshold * total && weight > 0.0, dimensions)?;
    let rank = |p: &Pattern| p.weights[0] * p.size() as f64;
    patterns.sort_by(|a, b| rank(b).total_cmp(&rank(a)).then_with(|| by_size(a, b)));
    Ok(counted(&options, &table, &patterns))
}

/// What `diffpatterns` is asked.
struct Comparison {
    options: Options,
    split: usize,
    values: [String; 2],
    threshold: f64,
    dimensions: usize,
}

fn diffpatterns_options(call: &Call<'_>) -> Result<Comparison, Refusal> {
    call.field(0)?;
    let split = call.column(0)?;
    let values = [call.text(1)?.to_string(), call.text(2)?.to_string()];
    let threshold = options::number(call, 4, THRESHOLD, THRESHOLDS)?;
    let dimensions = options::count(call, 5)?.unwrap_or(usize::MAX);
    Ok(Comparison { options: Options::new(call, Some(split), 3, 6)?, split, values, threshold, dimensions })
}

/// Patterns whose shares of the two sets differ by the threshold, the greatest difference first. A pattern that another with
/// a greater difference makes more or less specific is left out, as it is in the documented examples.
fn diffpatterns(call: &Call<'_>, tables: &[Vec<Row<'_>>]) -> Result<Vec<Row<'static>>, Refusal> {
    let Comparison { options, split, values: [a, b], threshold, dimensions } = diffpatterns_options(call)?;
    let set = |row: &Row<'_>| {
        let text = cast(row.get(split)?, Type::String);
        let text = text.as_str()?;
        if text == a { Some(0) } else { (text == b).then_some(1) }
    };
    let table = Table::new(&options, rows_of(tables), set)?;
    let totals = table.totals();
    let shares = |weights: [f64; 2]| {
        let share = |at: usize| if totals[at] > 0.0 { weights[at] / totals[at] } else { 0.0 };
        [share(0), share(1)]
    };
    let differ = |pattern: &Pattern| {
        let [a, b] = shares(pattern.weights);
        (a - b).abs()
    };
    let frequent = |weights: [f64; 2]| shares(weights).into_iter().any(|share| share >= threshold);
    let mut patterns = mine::closed(&table, &frequent, dimensions)?;
    patterns.retain(|pattern| differ(pattern) >= threshold);
    patterns.sort_by(|x, y| differ(y).total_cmp(&differ(x)).then_with(|| by_size(x, y)));
    let patterns = incomparable(patterns.into_iter());
    let percent = |share: f64| Val::Real((share * 10_000.0).round() / 100.0);
    let row = |(at, pattern): (usize, &Pattern)| {
        let [a, b] = shares(pattern.weights);
        let mut row = vec![Val::Long(at as i64), weight(pattern.weights[0]), weight(pattern.weights[1])];
        row.extend([percent(a), percent(b), percent((a - b).abs())]);
        row.extend(table.values(&options, pattern));
        row
    };
    Ok(patterns.iter().enumerate().map(row).collect())
}

fn rows_of<'t, 'v>(tables: &'t [Vec<Row<'v>>]) -> &'t [Row<'v>] {
    tables.first().map(Vec::as_slice).unwrap_or_default()
}

fn weight(weight: f64) -> Val<'static> {
    Val::Long(weight.round() as i64)
}

fn counted(options: &Options, table: &Table, patterns: &[Pattern]) -> Vec<Row<'static>> {
    let [total, _] = table.totals();
    let row = |(at, pattern): (usize, &Pattern)| {
        let count = pattern.weights[0];
        let mut row = vec![Val::Long(at as i64), weight(count), Val::Real(100.0 * count / total)];
        row.extend(table.values(options, pattern));
        row
    };
    patterns.iter().enumerate().map(row).collect()
}

/// Breaks ties: more values first, then more rows, then by the values.
fn by_size(a: &Pattern, b: &Pattern) -> Ordering {
    let weight = |p: &Pattern| p.weights[0] + p.weights[1];
    b.size().cmp(&a.size()).then(weight(b).total_cmp(&weight(a))).then_with(|| a.values.cmp(&b.values))
}

/// Of patterns of which one is more specific than the other, the first.
fn incomparable(patterns: impl Iterator<Item = Pattern>) -> Vec<Pattern> {
    let mut kept: Vec<Pattern> = Vec::new();
    for pattern in patterns {
        if !kept.iter().any(|other| other.holds(&pattern) || pattern.holds(other)) {
            kept.push(pattern);
        }
    }
    kept
}
