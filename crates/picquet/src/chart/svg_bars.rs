//! Bars and pies as SVG.

use std::f64::consts::TAU;

use plotters::prelude::*;
use unicode_width::UnicodeWidthStr;

use super::axis::{Axis, value_label};
use super::data::{Chart, XValues};
use super::options::{Kind, Stacking};
use super::stack::spans;
use super::svg::{Area, color, draw_legend, failed, font, plane};

const MOST_CATEGORIES: usize = 200;
/// What bars take of the room of their category.
const FILL: f64 = 0.8;

/// Columns that stand, or bars that lie.
pub(super) fn draw_bars(area: &Area<'_>, chart: &Chart) -> anyhow::Result<()> {
    let XValues::Categories(labels) = &chart.x else { return Ok(()) };
    let shown = labels.len().clamp(1, MOST_CATEGORIES);
    if labels.len() > shown {
        let note = format!("{} more are not drawn", labels.len() - shown);
        area.draw(&Text::new(note, (16, 0), font(12))).map_err(failed)?;
    }
    let lying = chart.kind == Kind::Bar;
    let widest = labels.iter().take(shown).map(|label| label.width()).max().unwrap_or(1).min(26);
    let fitting = if lying { 20 } else { (720 / (widest * 7 + 10)).max(1) };
    let each = 1.0 / shown as f64;
    // The first category of lying bars is the uppermost.
    let middle = |category: usize| {
        let place = (category as f64 + 0.5) * each;
        if lying { 1.0 - place } else { place }
    };
    let stride = shown.div_ceil(fitting).max(1);
    let ticks = labels.iter().take(shown).enumerate().step_by(stride);
    let mut names = Axis::x(&Chart { x: XValues::Categories(Vec::new()), ..chart.clone() }, 1);
    names.ticks = ticks.map(|(i, label)| (middle(i), label.clone())).collect();
    let values = Axis::y(chart, 6);
    let mut plane = if lying {
        plane(area, &values, &names, (&chart.y_title, &chart.x_title))?
    } else {
        plane(area, &names, &values, (&chart.x_title, &chart.y_title))?
    };
    let side_by_side = if chart.stacking == Stacking::Beside { chart.series.len().max(1) } else { 1 };
    let thickness = each * FILL / side_by_side as f64;
    for (i, spans) in spans(chart).iter().enumerate() {
        let slot = if side_by_side > 1 { i } else { 0 };
        let bars = spans.iter().filter(|span| (span.x as usize) < shown).map(|span| {
            let start = middle(span.x as usize) - each * FILL / 2.0;
            let low = start + if lying { (side_by_side - 1 - slot) as f64 } else { slot as f64 } * thickness;
            let (a, b) = (low, low + thickness);
            let (from, to) = (values.place(span.from), values.place(span.to));
            let corners = if lying { [(from, a), (to, b)] } else { [(a, from), (b, to)] };
            Rectangle::new(corners, color(i).filled())
        });
        plane.draw_series(bars).map_err(failed)?;
    }
    Ok(())
}

/// One circle of slices, with a legend that gives values and percents.
pub(super) fn draw_pie(area: &Area<'_>, chart: &Chart) -> anyhow::Result<()> {
    let XValues::Categories(labels) = &chart.x else { return Ok(()) };
    let points = chart.series.first().map(|one| one.points.as_slice()).unwrap_or_default();
    let total: f64 = points.iter().map(|(_, y)| y).sum();
    let (width, height) = area.dim_in_pixel();
    let (round, side) = area.split_horizontally((width * 2 / 3) as i32);
    if points.is_empty() || total <= 0.0 {
        area.draw(&Text::new("no data", (width as i32 / 2 - 40, height as i32 / 2), font(18))).map_err(failed)?;
        return Ok(());
    }
    let (center_x, center_y) = (f64::from(width) / 3.0, f64::from(height) / 2.0);
    let radius = center_x.min(center_y) - 24.0;
    let at = |angle: f64| {
        let (sin, cos) = angle.sin_cos();
        ((center_x + radius * sin).round() as i32, (center_y - radius * cos).round() as i32)
    };
    let mut start = 0.0;
    for (i, (_, y)) in points.iter().enumerate() {
        let size = y / total * TAU;
        let steps = ((size / TAU * 180.0).ceil() as usize).clamp(1, 180);
        let arc = (0..=steps).map(|step| at(start + size * step as f64 / steps as f64));
        let slice: Vec<(i32, i32)> =
            std::iter::once((center_x.round() as i32, center_y.round() as i32)).chain(arc).collect();
        round.draw(&Polygon::new(slice, color(i).filled())).map_err(failed)?;
        start += size;
    }
    if chart.legend {
        let names: Vec<String> = points
            .iter()
            .map(|(x, y)| {
                let label = labels.get(*x as usize).map_or("", String::as_str);
                format!("{} {:.1} %  {label}", value_label(*y), y / total * 100.0)
            })
            .collect();
        draw_legend(&side, &names.iter().map(String::as_str).collect::<Vec<_>>())?;
    }
    Ok(())
}
