//! Charts as SVG.

use std::ops::Range;

use anyhow::{anyhow, bail};
use kql_engine::QueryResult;
use plotters::coord::Shift;
use plotters::coord::ranged1d::{KeyPointHint, NoDefaultFormatting, Ranged, ValueFormatter};
use plotters::prelude::*;
use unicode_width::UnicodeWidthStr;

use super::axis::Axis;
use super::data::{Chart, Drawing, XValues, extract};
use super::options::{Kind, Stacking};
use super::stack::{spans, thin};
use super::svg_bars;
use crate::output::shorten;

const WIDTH: u32 = 960;
const HEIGHT: u32 = 480;
const LEGEND_WIDTH: i32 = 190;
/// More points than the picture has columns show nothing new.
const MOST_POINTS: usize = 4_000;

/// Okabe and Ito's colours, which stay distinct for colour-blind readers, then darker ones.
pub(super) const PALETTE: [RGBColor; 12] = [
    RGBColor(0, 114, 178),
    RGBColor(230, 159, 0),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(213, 94, 0),
    RGBColor(86, 180, 233),
    RGBColor(120, 110, 20),
    RGBColor(90, 90, 90),
    RGBColor(110, 60, 150),
    RGBColor(0, 90, 70),
    RGBColor(150, 40, 60),
    RGBColor(30, 60, 110),
];

pub(super) type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;
pub(super) type Plane<'a, 'b> = ChartContext<'b, SVGBackend<'a>, Cartesian2d<Unit, Unit>>;

/// A direction of the plane, from 0 to 1, with the ticks of an axis.
#[derive(Clone)]
pub(super) struct Unit {
    ticks: Vec<(f64, String)>,
}

impl Ranged for Unit {
    type FormatOption = NoDefaultFormatting;
    type ValueType = f64;

    fn map(&self, value: &f64, limit: (i32, i32)) -> i32 {
        limit.0 + (value * f64::from(limit.1 - limit.0)).round() as i32
    }

    fn key_points<Hint: KeyPointHint>(&self, _hint: Hint) -> Vec<f64> {
        self.ticks.iter().map(|(place, _)| *place).collect()
    }

    fn range(&self) -> Range<f64> {
        0.0..1.0
    }
}

impl ValueFormatter<f64> for Unit {
    fn format_ext(&self, place: &f64) -> String {
        let nearest = self.ticks.iter().min_by(|a, b| (a.0 - place).abs().total_cmp(&(b.0 - place).abs()));
        nearest.map_or(String::new(), |(_, label)| shorten(label, 26).into_owned())
    }
}

/// Why plotters could not draw; its error type names the backend's lifetime.
pub(super) fn failed(error: impl std::fmt::Display) -> anyhow::Error {
    anyhow!("the chart cannot be drawn: {error}")
}

/// The chart of a result as an SVG document.
pub fn svg(result: &QueryResult) -> anyhow::Result<String> {
    let drawing = extract(result);
    let mut text = String::new();
    {
        let root = SVGBackend::with_string(&mut text, (WIDTH, HEIGHT)).into_drawing_area();
        root.fill(&WHITE).map_err(failed)?;
        match &drawing {
            Drawing::Table => bail!("this result has no column that a chart could show"),
            Drawing::Card { title, fields } => draw_card(&root, title, fields)?,
            Drawing::Chart(chart) => draw_chart(&root, chart)?,
        }
        root.present().map_err(failed)?;
    }
    Ok(text)
}

pub(super) fn font(size: i32) -> TextStyle<'static> {
    // plotters sets text 1.24 times smaller than it is told.
    TextStyle::from(("sans-serif", f64::from(size) * 1.24)).color(&RGBColor(51, 51, 51))
}

pub(super) fn color(index: usize) -> RGBColor {
    PALETTE[index % PALETTE.len()]
}

fn draw_card(root: &Area<'_>, title: &str, fields: &[(String, String)]) -> anyhow::Result<()> {
    root.draw(&Text::new(shorten(title, 80).into_owned(), (24, 20), font(22))).map_err(failed)?;
    let each = (HEIGHT as i32 - 80) / fields.len().clamp(1, 5) as i32;
    for (i, (name, value)) in fields.iter().take(5).enumerate() {
        let y = 70 + i as i32 * each;
        root.draw(&Text::new(shorten(value, 40).into_owned(), (24, y), font(44))).map_err(failed)?;
        root.draw(&Text::new(shorten(name, 60).into_owned(), (24, y + 48), font(16))).map_err(failed)?;
    }
    Ok(())
}

fn draw_chart(root: &Area<'_>, chart: &Chart) -> anyhow::Result<()> {
    let mut area = root.clone();
    if !chart.title.is_empty() {
        let (head, rest) = area.split_vertically(36);
        head.draw(&Text::new(shorten(&chart.title, 90).into_owned(), (16, 10), font(20))).map_err(failed)?;
        area = rest;
    }
    if !chart.notes.is_empty() {
        let height = area.dim_in_pixel().1 as i32;
        let (rest, foot) = area.split_vertically(height - 22);
        let notes = chart.notes.join("; ");
        foot.draw(&Text::new(shorten(&notes, 130).into_owned(), (16, 4), font(12))).map_err(failed)?;
        area = rest;
    }
    if chart.kind == Kind::Pie {
        return svg_bars::draw_pie(&area, chart);
    }
    if chart.shows_legend() {
        let (plot, legend) = area.split_horizontally(WIDTH as i32 - LEGEND_WIDTH);
        let names: Vec<&str> = chart.series.iter().map(|one| one.name.as_str()).collect();
        draw_legend(&legend, &names)?;
        area = plot;
    }
    if chart.is_empty() {
        let (width, height) = area.dim_in_pixel();
        let place = (width as i32 / 2 - 40, height as i32 / 2);
        area.draw(&Text::new("no data", place, font(18))).map_err(failed)?;
        return Ok(());
    }
    if chart.kind.is_bars() { svg_bars::draw_bars(&area, chart) } else { draw_lines(&area, chart) }
}

pub(super) fn draw_legend(area: &Area<'_>, names: &[&str]) -> anyhow::Result<()> {
    for (i, name) in names.iter().enumerate() {
        let y = 18 + i as i32 * 22;
        let patch = Rectangle::new([(8, y), (20, y + 12)], color(i).filled());
        area.draw(&patch).map_err(failed)?;
        area.draw(&Text::new(shorten(name, 24).into_owned(), (28, y), font(13))).map_err(failed)?;
    }
    Ok(())
}

/// A plane from 0 to 1 in both directions, with the ticks of both axes.
pub(super) fn plane<'a, 'b>(
    area: &'b Area<'a>,
    x: &Axis,
    y: &Axis,
    titles: (&str, &str),
) -> anyhow::Result<Plane<'a, 'b>> {
    let widest = |axis: &Axis| axis.ticks.iter().map(|(_, label)| label.width()).max().unwrap_or(0);
    let y_room = (widest(y).min(26) * 7 + 14).max(30) as i32 + if titles.1.is_empty() { 0 } else { 24 };
    let x_room = if titles.0.is_empty() { 30 } else { 52 };
    let unit = |axis: &Axis| Unit { ticks: axis.ticks.clone() };
    let mut plane = ChartBuilder::on(area)
        .margin(14)
        .margin_right(28)
        .x_label_area_size(x_room)
        .y_label_area_size(y_room)
        .build_cartesian_2d(unit(x), unit(y))
        .map_err(failed)?;
    plane
        .configure_mesh()
        .x_labels(x.ticks.len().max(1))
        .y_labels(y.ticks.len().max(1))
        .bold_line_style(RGBColor(228, 228, 228))
        .max_light_lines(0)
        .axis_style(RGBColor(130, 130, 130))
        .label_style(font(13))
        .axis_desc_style(font(14))
        .x_desc(shorten(titles.0, 90))
        .y_desc(shorten(titles.1, 40))
        .draw()
        .map_err(failed)?;
    Ok(plane)
}

fn draw_lines(area: &Area<'_>, chart: &Chart) -> anyhow::Result<()> {
    let columns = match &chart.x {
        XValues::Categories(labels) => {
            let widest = labels.iter().map(|label| label.width()).max().unwrap_or(1).min(26);
            (700 / (widest * 7 + 10)).max(1)
        }
        _ => 7,
    };
    let x_axis = Axis::x(chart, columns);
    let y_axis = Axis::y(chart, 6);
    let x_title = match (&chart.x, x_axis.day()) {
        (XValues::Time, Some(day)) => format!("{} ({day}, UTC)", chart.x_title),
        (XValues::Time, None) => format!("{} (UTC)", chart.x_title),
        _ => chart.x_title.clone(),
    };
    let mut plane = plane(area, &x_axis, &y_axis, (&x_title, &chart.y_title))?;
    for (i, (series, spans)) in chart.series.iter().zip(spans(chart)).enumerate() {
        let tops: Vec<(f64, f64)> = spans.iter().map(|s| (x_axis.place(s.x), y_axis.place(s.to))).collect();
        let line = ShapeStyle::from(&color(i)).stroke_width(2);
        if chart.kind == Kind::Scatter || series.marks {
            let size = if series.marks { 5 } else { 3 };
            let points = tops.iter().map(|point| Circle::new(*point, size, color(i).mix(0.8).filled()));
            plane.draw_series(points).map_err(failed)?;
            continue;
        }
        if chart.kind == Kind::Area {
            let feet = spans.iter().rev().map(|s| (x_axis.place(s.x), y_axis.place(s.from)));
            let outline: Vec<(f64, f64)> = tops.iter().copied().chain(feet).collect();
            let strength = if chart.stacking == Stacking::Beside { 0.25 } else { 0.6 };
            plane.draw_series([Polygon::new(outline, color(i).mix(strength).filled())]).map_err(failed)?;
        }
        match tops.as_slice() {
            // A line of one point would not be seen.
            [point] => plane.draw_series([Circle::new(*point, 4, color(i).filled())]).map_err(failed)?,
            _ => plane.draw_series([PathElement::new(thin(&tops, MOST_POINTS), line)]).map_err(failed)?,
        };
    }
    Ok(())
}
