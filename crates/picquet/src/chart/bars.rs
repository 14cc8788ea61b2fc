//! Bars in the terminal: columns that stand where they fit, else lines that lie.

use std::io::Write;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Color, Style};
use ratatui::widgets::{Bar, BarChart, BarGroup, Widget};
use unicode_width::UnicodeWidthStr;

use super::axis::{Axis, value_label};
use super::data::{Chart, XValues};
use super::options::{Kind, Stacking};
use super::stack::{Span, spans};
use super::terminal::{COLORS, Mark, TerminalOptions, centered, print, write_colored, write_legend};
use crate::output::shorten;

/// More categories than this are counted rather than drawn.
const MOST_CATEGORIES: usize = 60;
/// Full scale of the bar widget, which takes whole numbers.
const SCALE: f64 = 100_000.0;
const WIDEST_COLUMN: usize = 12;
const FILLS: [char; 12] = ['█', '▒', '▓', '░', '#', '=', '*', '+', 'o', 'x', '-', '.'];

pub(super) fn draw(chart: &Chart, options: TerminalOptions, out: &mut dyn Write) -> anyhow::Result<()> {
    let XValues::Categories(labels) = &chart.x else { return Ok(()) };
    if chart.kind == Kind::Column && draw_standing(chart, labels, options, out)? {
        return Ok(());
    }
    draw_lying(chart, labels, options, out)
}

/// Draws columns and says so, unless they do not fit or there is more to show than one value a category.
fn draw_standing(
    chart: &Chart,
    labels: &[String],
    options: TerminalOptions,
    out: &mut dyn Write,
) -> anyhow::Result<bool> {
    let [series] = chart.series.as_slice() else { return Ok(false) };
    let values: Vec<(f64, String)> = series.points.iter().map(|(_, y)| (*y, value_label(*y))).collect();
    let texts = labels.iter().chain(values.iter().map(|(_, text)| text));
    let bar_width = texts.map(|text| text.width()).max().unwrap_or(1).max(3);
    let needed = labels.len() * (bar_width + 1);
    if bar_width > WIDEST_COLUMN || needed > options.width() || values.iter().any(|(y, _)| *y < 0.0) {
        return Ok(false);
    }
    let axis = Axis::bars(chart);
    let mut heights: Vec<Bar<'_>> =
        labels.iter().map(|label| Bar::with_label(label.clone(), 0).text_value("")).collect();
    for ((x, _), (y, text)) in series.points.iter().zip(values) {
        if let (Some(bar), Some(label)) = (heights.get_mut(*x as usize), labels.get(*x as usize)) {
            *bar = Bar::with_label(label.clone(), (axis.place(y) * SCALE).round() as u64).text_value(text);
        }
    }
    let color = if options.color { COLORS[0] } else { Color::Reset };
    let area = Rect::new(0, 0, needed as u16, options.height.clamp(8, 100) as u16);
    let mut buffer = Buffer::empty(area);
    BarChart::default()
        .data(BarGroup::new(heights))
        .bar_width(bar_width as u16)
        .bar_gap(1)
        .max(SCALE as u64)
        .bar_style(Style::default().fg(color))
        .render(area, &mut buffer);
    if !chart.y_title.is_empty() {
        writeln!(out, "{}", shorten(&chart.y_title, options.width()))?;
    }
    print(&buffer, options.color, out)?;
    if !chart.x_title.is_empty() {
        writeln!(out, "{}", centered(&chart.x_title, needed))?;
    }
    Ok(true)
}

fn draw_lying(chart: &Chart, labels: &[String], options: TerminalOptions, out: &mut dyn Write) -> anyhow::Result<()> {
    let marks: Vec<Mark> = (0..chart.series.len())
        .map(|i| {
            let fill = if options.color { '█' } else { FILLS[i % FILLS.len()] };
            Mark::bar(fill, if options.color { COLORS[i % COLORS.len()] } else { Color::Reset })
        })
        .collect();
    write_legend(chart, &marks, options, out)?;
    let axis = Axis::bars(chart);
    let drawn = spans(chart);
    let by_category = |category: usize| -> Vec<(usize, Span)> {
        let of = |(i, spans): (usize, &Vec<Span>)| {
            spans.iter().find(|span| span.x as usize == category).map(|span| (i, *span))
        };
        drawn.iter().enumerate().filter_map(of).collect()
    };
    let shown = labels.len().min(MOST_CATEGORIES);
    let total: f64 = chart.series.iter().flat_map(|one| &one.points).map(|(_, y)| y).sum();
    let text = |value: f64| match chart.kind {
        Kind::Pie if total > 0.0 => format!("{:.1} % ({})", value / total * 100.0, value_label(value)),
        _ => value_label(value),
    };
    let widest_text =
        chart.series.iter().flat_map(|one| &one.points).map(|(_, y)| text(*y).width()).max().unwrap_or(0) + 1;
    let label_width = labels.iter().take(shown).map(|label| label.width()).max().unwrap_or(0).min(options.width() / 3);
    let room = options.width().saturating_sub(label_width + 1 + widest_text).max(4);
    for (category, label) in labels.iter().enumerate().take(shown) {
        let bars = by_category(category);
        let label = shorten(label, label_width);
        let padding = " ".repeat(label_width.saturating_sub(label.width()));
        let lines: Vec<&[(usize, Span)]> = match chart.stacking {
            Stacking::Beside => bars.chunks(1).collect(),
            _ => vec![&bars],
        };
        if lines.is_empty() {
            writeln!(out, "{label}")?;
        }
        for (i, line) in lines.iter().enumerate() {
            if i == 0 {
                write!(out, "{label}{padding} ")?;
            } else {
                write!(out, "{} ", " ".repeat(label_width))?;
            }
            let gap = if write_bar(line, &axis, room, &marks, options.color, out)? { " " } else { "" };
            let value: f64 = line.iter().map(|(_, span)| span.value).sum();
            writeln!(out, "{gap}{}", text(value))?;
        }
    }
    if labels.len() > shown {
        writeln!(out, "({} more are not drawn)", labels.len() - shown)?;
    }
    Ok(())
}

/// One line of cells, and whether there is any; a single positive bar ends in an eighth block.
fn write_bar(
    parts: &[(usize, Span)],
    axis: &Axis,
    room: usize,
    marks: &[Mark],
    color: bool,
    out: &mut dyn Write,
) -> anyhow::Result<bool> {
    let cell = |value: f64| axis.place(value) * room as f64;
    let mut cells: Vec<Option<usize>> = vec![None; room];
    let mut length = 0;
    let mut ending = "";
    for (series, span) in parts {
        let (low, high) = (cell(span.from.min(span.to)), cell(span.from.max(span.to)));
        let (first, last) = (low.round() as usize, high.round() as usize);
        let alone = parts.len() == 1 && marks.get(*series).is_some_and(|mark| mark.symbol == '█') && span.to > 0.0;
        let last = if alone { high.floor() as usize } else { last };
        if alone {
            ending = eighth(high - high.floor());
        }
        for slot in cells.iter_mut().take(last).skip(first) {
            *slot = Some(*series);
        }
        length = length.max(last);
    }
    let mut column = 0;
    while column < length.min(room) {
        let series = cells[column];
        let end = (column..length.min(room)).find(|i| cells[*i] != series).unwrap_or(length.min(room));
        match series.and_then(|series| marks.get(series)) {
            Some(mark) => {
                let text: String = std::iter::repeat_n(mark.symbol, end - column).collect();
                write_colored(&text, mark.color, color, out)?;
            }
            None => write!(out, "{}", " ".repeat(end - column))?,
        }
        column = end;
    }
    let mark_color = parts.first().and_then(|(series, _)| marks.get(*series)).map_or(Color::Reset, |mark| mark.color);
    if !ending.is_empty() {
        write_colored(ending, mark_color, color, out)?;
    }
    Ok(length > 0 || !ending.is_empty())
}

fn eighth(part: f64) -> &'static str {
    const BLOCKS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
    BLOCKS[((part * 8.0) as usize).min(7)]
}
