//! Where bars and areas begin and end.

use std::collections::BTreeMap;

use super::data::{Chart, Series};
use super::options::{Kind, Stacking};

/// A point's bar, from its foot to its top.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Span {
    pub x: f64,
    pub from: f64,
    pub to: f64,
    /// The value as the data has it.
    pub value: f64,
}

/// The spans of each series. Stacked ones begin where the series before ended, positive and negative apart; shares
/// are percent of the sum at each x.
pub(super) fn spans(chart: &Chart) -> Vec<Vec<Span>> {
    if chart.stacking == Stacking::Beside {
        let beside = |(x, y): &(f64, f64)| Span { x: *x, from: 0.0, to: *y, value: *y };
        return chart.series.iter().map(|one| one.points.iter().map(beside).collect()).collect();
    }
    let mut totals: BTreeMap<u64, f64> = BTreeMap::new();
    for (x, y) in chart.series.iter().flat_map(|one| &one.points) {
        *totals.entry(x.to_bits()).or_insert(0.0) += y.abs();
    }
    let mut ends: BTreeMap<u64, (f64, f64)> = BTreeMap::new();
    let mut stack = |x: f64, y: f64| {
        let value = y;
        let y = match (chart.stacking, totals.get(&x.to_bits())) {
            (Stacking::Share, Some(total)) if *total > 0.0 => y / total * 100.0,
            _ => y,
        };
        let end = ends.entry(x.to_bits()).or_insert((0.0, 0.0));
        let side = if y >= 0.0 { &mut end.0 } else { &mut end.1 };
        let from = *side;
        *side = (from + y).clamp(-1e300, 1e300);
        Span { x, from, to: *side, value }
    };
    let grid = if chart.kind == Kind::Area { grid(&chart.series) } else { Vec::new() };
    chart
        .series
        .iter()
        .map(|one| match grid.is_empty() {
            true => one.points.iter().map(|(x, y)| stack(*x, *y)).collect(),
            // An area needs a foot wherever another one has a point.
            false => {
                let points: BTreeMap<u64, f64> = one.points.iter().map(|(x, y)| (x.to_bits(), *y)).collect();
                grid.iter().map(|x| stack(*x, points.get(&x.to_bits()).copied().unwrap_or(0.0))).collect()
            }
        })
        .collect()
}

fn grid(series: &[Series]) -> Vec<f64> {
    let mut xs: Vec<f64> = series.iter().flat_map(|one| &one.points).map(|(x, _)| *x).collect();
    xs.sort_by(f64::total_cmp);
    xs.dedup();
    xs
}

/// At most about `most` points that still show every peak: the lowest and the highest of each stretch.
pub(super) fn thin(points: &[(f64, f64)], most: usize) -> Vec<(f64, f64)> {
    if points.len() <= most.max(4) {
        return points.to_vec();
    }
    let stretch = points.len().div_ceil((most / 2).max(1));
    let mut thinned = Vec::with_capacity(most);
    for part in points.chunks(stretch) {
        let low = part.iter().min_by(|a, b| a.1.total_cmp(&b.1));
        let high = part.iter().max_by(|a, b| a.1.total_cmp(&b.1));
        if let (Some(low), Some(high)) = (low, high) {
            let (first, second) = if low.0 <= high.0 { (low, high) } else { (high, low) };
            thinned.push(*first);
            if first != second {
                thinned.push(*second);
            }
        }
    }
    thinned
}
