//! Charts in the terminal.

use std::io::Write;

use kql_engine::QueryResult;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Color, Style};
use ratatui::symbols::Marker;
use ratatui::widgets::{Axis as ChartAxis, Chart as LineChart, Dataset, GraphType, Widget};
use unicode_width::UnicodeWidthStr;

use super::axis::Axis;
use super::bars;
use super::data::{Chart, Drawing, XValues, extract};
use super::options::{Kind, Stacking};
use super::stack::{spans, thin};
use crate::output::{shorten, table};

/// Series tell themselves apart by colour, or without colour by their marks.
pub(super) const COLORS: [Color; 12] = [
    Color::Cyan,
    Color::Yellow,
    Color::Magenta,
    Color::Green,
    Color::Blue,
    Color::Red,
    Color::LightCyan,
    Color::LightYellow,
    Color::LightMagenta,
    Color::LightGreen,
    Color::LightBlue,
    Color::LightRed,
];
const MARKS: [char; 12] = ['●', '▲', '■', '◆', '○', '△', '□', '◇', '+', '×', '*', '#'];

/// The room to draw in.
#[derive(Debug, Clone, Copy)]
pub struct TerminalOptions {
    /// Columns
    pub width: usize,
    /// Lines, with titles and legend
    pub height: usize,
    /// Whether to colour
    pub color: bool,
}

impl TerminalOptions {
    pub(super) fn width(&self) -> usize {
        self.width.clamp(20, 400)
    }

    fn height(&self) -> usize {
        self.height.clamp(8, 100)
    }
}

/// Draws a result as its `render` says; what no chart can show is written as a table.
pub fn draw(result: &QueryResult, options: TerminalOptions, out: &mut dyn Write) -> anyhow::Result<()> {
    let chart = match extract(result) {
        Drawing::Chart(chart) if !chart.is_empty() => chart,
        Drawing::Card { title, fields } => return draw_card(&title, &fields, options, out),
        _ => return table::write(result, out, Some(options.width)),
    };
    if !chart.title.is_empty() {
        writeln!(out, "{}", centered(&chart.title, options.width()))?;
    }
    if chart.kind.is_bars() {
        bars::draw(&chart, options, out)?;
    } else {
        write_legend(&chart, &line_marks(&chart, options), options, out)?;
        draw_lines(&chart, options, out)?;
    }
    for note in &chart.notes {
        writeln!(out, "{}", shorten(&format!("({note})"), options.width()))?;
    }
    Ok(())
}

fn draw_card(
    title: &str,
    fields: &[(String, String)],
    options: TerminalOptions,
    out: &mut dyn Write,
) -> anyhow::Result<()> {
    if !title.is_empty() {
        writeln!(out, "{}", shorten(title, options.width()))?;
    }
    let inner = options.width() - 4;
    let widest = fields.iter().map(|(name, value)| name.width().max(value.width())).max().unwrap_or(0).min(inner);
    let edge = "─".repeat(widest + 2);
    for (name, value) in fields {
        writeln!(out, "┌{edge}┐")?;
        for text in [value, name] {
            let text = shorten(text, widest);
            let padding = widest - text.width().min(widest);
            writeln!(out, "│ {}{text}{} │", " ".repeat(padding / 2), " ".repeat(padding - padding / 2))?;
        }
        writeln!(out, "└{edge}┘")?;
    }
    Ok(())
}

fn draw_lines(chart: &Chart, options: TerminalOptions, out: &mut dyn Write) -> anyhow::Result<()> {
    let (width, height) = (options.width(), options.height());
    let y_axis = Axis::y(chart, (height / 4).clamp(2, 10));
    let label_width = y_axis.ticks.iter().map(|(_, label)| label.width()).max().unwrap_or(0).clamp(1, width / 3);
    let y_labels: Vec<String> =
        y_axis.ticks.iter().map(|(_, label)| format!("{:>label_width$}", shorten(label, label_width))).collect();
    let left = label_width + 1;
    let plot_width = width.saturating_sub(left);
    let x_axis = Axis::x(chart, (plot_width / x_label_room(chart)).clamp(1, 12));

    let drawn = spans(chart);
    let stacked = chart.stacking != Stacking::Beside;
    let points: Vec<Vec<(f64, f64)>> = drawn
        .iter()
        .map(|spans| {
            let tops: Vec<(f64, f64)> =
                spans.iter().map(|span| (x_axis.place(span.x), y_axis.place(span.to))).collect();
            if chart.kind == Kind::Scatter { tops } else { thin(&tops, 8 * width) }
        })
        .collect();
    let marks = line_marks(chart, options);
    let single = chart.series.iter().filter(|one| !one.marks).count() == 1;
    let mut datasets: Vec<Dataset<'_>> = chart
        .series
        .iter()
        .zip(&points)
        .zip(&marks)
        .map(|((series, points), mark)| {
            let graph = match chart.kind {
                _ if series.marks => GraphType::Scatter,
                Kind::Scatter => GraphType::Scatter,
                Kind::Area if single || stacked && options.color => GraphType::Area,
                _ => GraphType::Line,
            };
            Dataset::default()
                .data(points)
                .graph_type(graph)
                .fill_to_y(y_axis.place(0.0))
                .marker(mark.marker)
                .style(Style::default().fg(mark.color))
        })
        .collect();
    if stacked {
        // The highest layer first, so that the lower ones stay visible.
        datasets.reverse();
    }

    let area = Rect::new(0, 0, width as u16, height as u16);
    let mut buffer = Buffer::empty(area);
    let unit = [0.0, 1.0];
    // Two empty labels make the widget draw the x axis; it would space real ones evenly, wherever their times lie.
    LineChart::new(datasets)
        .x_axis(ChartAxis::default().bounds(unit).labels(["", ""]))
        .y_axis(ChartAxis::default().bounds(unit).labels(y_labels))
        .legend_position(None)
        .render(area, &mut buffer);
    write_x_labels(&mut buffer, &x_axis, left, plot_width);
    let y_title = shorten(&chart.y_title, width);
    if !y_title.is_empty() {
        writeln!(out, "{y_title}")?;
    }
    print(&buffer, options.color, out)?;
    let x_title = match (&chart.x, x_axis.day()) {
        (XValues::Time, Some(day)) => format!("{} ({day}, UTC)", chart.x_title),
        (XValues::Time, None) => format!("{} (UTC)", chart.x_title),
        _ => chart.x_title.clone(),
    };
    let title = centered(&x_title, plot_width);
    if !title.trim().is_empty() {
        writeln!(out, "{}{title}", " ".repeat(left))?;
    }
    Ok(())
}

fn x_label_room(chart: &Chart) -> usize {
    match &chart.x {
        XValues::Time => 14,
        XValues::Number { .. } => 10,
        XValues::Categories(labels) => labels.iter().map(|label| label.width()).max().unwrap_or(1).clamp(4, 20) + 2,
    }
}

/// Labels below their places on the axis, as far as they do not touch each other.
fn write_x_labels(buffer: &mut Buffer, axis: &Axis, left: usize, plot_width: usize) {
    let row = buffer.area.height.saturating_sub(1);
    let right_edge = left + plot_width;
    let mut free_from = 0;
    for (place, label) in &axis.ticks {
        let column = left + (place * plot_width.saturating_sub(1) as f64).round() as usize;
        let label = shorten(label, 20);
        let width = label.width();
        let start = column.saturating_sub(width / 2).min(right_edge.saturating_sub(width));
        if start < free_from {
            continue;
        }
        buffer.set_string(start as u16, row, label.as_ref(), Style::default());
        if let Some(cell) = buffer.cell_mut((column as u16, row.saturating_sub(1))) {
            cell.set_symbol("┬");
        }
        free_from = start + width + 1;
    }
}

/// How a series is drawn and shown in the legend.
pub(super) struct Mark {
    pub symbol: char,
    marker: Marker,
    pub color: Color,
}

fn line_marks(chart: &Chart, options: TerminalOptions) -> Vec<Mark> {
    let plain = !options.color && chart.series.len() > 1;
    chart
        .series
        .iter()
        .enumerate()
        .map(|(i, series)| {
            let color = if options.color { COLORS[i % COLORS.len()] } else { Color::Reset };
            let symbol = if plain || series.marks { MARKS[i % MARKS.len()] } else { '━' };
            let fine = !plain && !series.marks;
            let marker = if fine { Marker::Braille } else { Marker::Custom(symbol) };
            Mark { symbol, marker, color }
        })
        .collect()
}

/// The names of several series, as many lines as they need.
pub(super) fn write_legend(
    chart: &Chart,
    marks: &[Mark],
    options: TerminalOptions,
    out: &mut dyn Write,
) -> anyhow::Result<()> {
    if !chart.shows_legend() {
        return Ok(());
    }
    let mut used = 0;
    for (series, mark) in chart.series.iter().zip(marks) {
        let name = shorten(&series.name, options.width().saturating_sub(2).min(40));
        let width = name.width() + 2;
        if used > 0 && used + 3 + width > options.width() {
            writeln!(out)?;
            used = 0;
        } else if used > 0 {
            write!(out, "   ")?;
            used += 3;
        }
        write_colored(&mark.symbol.to_string(), mark.color, options.color, out)?;
        write!(out, " {name}")?;
        used += width;
    }
    writeln!(out)?;
    Ok(())
}

impl Mark {
    pub(super) fn bar(symbol: char, color: Color) -> Mark {
        Mark { symbol, marker: Marker::Block, color }
    }
}

pub(super) fn centered(text: &str, width: usize) -> String {
    let text = shorten(text, width);
    format!("{}{text}", " ".repeat(width.saturating_sub(text.width()) / 2))
}

/// A drawn buffer as text, with colours or without.
pub(super) fn print(buffer: &Buffer, color: bool, out: &mut dyn Write) -> anyhow::Result<()> {
    let width = buffer.area.width.max(1) as usize;
    for row in buffer.content.chunks(width) {
        let mut end = row.iter().rposition(|cell| cell.symbol() != " ").map_or(0, |last| last + 1);
        let mut column = 0;
        while column < end {
            let fg = row[column].fg;
            let mut text = String::new();
            while column < end && row[column].fg == fg {
                text.push_str(row[column].symbol());
                // The cell after a wide character is only its other half.
                column += row[column].symbol().width().max(1);
            }
            write_colored(&text, fg, color, out)?;
            end = end.min(width);
        }
        writeln!(out)?;
    }
    Ok(())
}

pub(super) fn write_colored(text: &str, color: Color, enabled: bool, out: &mut dyn Write) -> anyhow::Result<()> {
    match COLORS.iter().position(|known| *known == color) {
        Some(index) if enabled => {
            const CODES: [u8; 12] = [36, 33, 35, 32, 34, 31, 96, 93, 95, 92, 94, 91];
            write!(out, "\u{1b}[{}m{text}\u{1b}[0m", CODES[index])?;
        }
        _ => write!(out, "{text}")?,
    }
    Ok(())
}
