//! Aligned columns for people.

use std::io::Write;

use comfy_table::{Cell, CellAlignment, ContentArrangement, LineStyle, Row, Table, presets};
use kql_engine::QueryResult;
use kql_functions::Type;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::{cell_text, clean, shorten};

const GAP: usize = 2;
const NARROWEST_TERMINAL: usize = 20;
const NARROWEST_TEXT: usize = 10;
/// Of one value in a list.
const MOST_LINES: usize = 6;

/// Writes the rows as a table that fits `width`. Where even cut cells would not fit, each row becomes a list of its
/// columns. Without a width nothing is cut.
pub fn write(result: &QueryResult, out: &mut dyn Write, width: Option<usize>) -> anyhow::Result<()> {
    let header: Vec<String> = result.columns.iter().map(|(name, _)| clean(name).into_owned()).collect();
    let rows: Vec<Vec<String>> = result
        .rows()
        .map(|row| row.iter().map(|value| clean(cell_text(value).as_ref()).into_owned()).collect())
        .collect();
    let types: Vec<Type> = result.columns.iter().map(|(_, ty)| *ty).collect();
    write_cells(&header, &rows, &types, width, out)?;
    match rows.len() {
        0 => writeln!(out, "no rows")?,
        1 => writeln!(out, "1 row")?,
        n => writeln!(out, "{n} rows")?,
    }
    Ok(())
}

/// Writes texts in the same form, without their number. They are clean; a column's type tells how it is aligned and
/// whether it may be cut.
pub fn write_texts(
    columns: &[(&str, Type)],
    rows: &[Vec<String>],
    width: Option<usize>,
    out: &mut dyn Write,
) -> anyhow::Result<()> {
    let header: Vec<String> = columns.iter().map(|(name, _)| (*name).to_string()).collect();
    let types: Vec<Type> = columns.iter().map(|(_, ty)| *ty).collect();
    write_cells(&header, rows, &types, width, out)
}

fn write_cells(
    header: &[String],
    rows: &[Vec<String>],
    types: &[Type],
    width: Option<usize>,
    out: &mut dyn Write,
) -> anyhow::Result<()> {
    match width.map(|width| width.max(NARROWEST_TERMINAL)) {
        _ if header.is_empty() => {}
        None => write_columns(header, rows, types, None, out)?,
        Some(width) => match fit(header, rows, types, width) {
            Some(widths) => write_columns(header, rows, types, Some(&widths), out)?,
            None => write_records(header, rows, width, out)?,
        },
    }
    Ok(())
}

/// Column widths that fit, or `None` where columns would become too narrow to read. Only text is ever cut: half a
/// number is another number.
fn fit(header: &[String], rows: &[Vec<String>], types: &[Type], width: usize) -> Option<Vec<usize>> {
    let widest = |column: usize| rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.width()).max();
    let cells: Vec<usize> = (0..header.len()).map(|column| widest(column).unwrap_or(0)).collect();
    let natural: Vec<usize> = header.iter().zip(&cells).map(|(name, cell)| name.width().max(*cell)).collect();
    let least: Vec<usize> = natural
        .iter()
        .zip(&cells)
        .zip(types)
        .map(|((natural, cell), ty)| match ty {
            Type::String | Type::Dynamic => NARROWEST_TEXT.min(*natural),
            _ => (*cell).max(NARROWEST_TEXT.min(*natural)),
        })
        .collect();
    let room = width.checked_sub(GAP * (header.len() - 1))?;
    let at_cap = |cap: usize| -> Vec<usize> {
        natural.iter().zip(&least).map(|(natural, least)| (*natural).min(cap).max(*least)).collect()
    };
    if least.iter().sum::<usize>() > room {
        return None;
    }
    let (mut low, mut high) = (0, natural.iter().copied().max().unwrap_or(0));
    while low < high {
        let middle = (low + high).div_ceil(2);
        if at_cap(middle).iter().sum::<usize>() <= room {
            low = middle;
        } else {
            high = middle - 1;
        }
    }
    let mut widths = at_cap(low);
    let mut left = room.saturating_sub(widths.iter().sum());
    for (chosen, natural) in widths.iter_mut().zip(&natural) {
        if left > 0 && *chosen < *natural {
            *chosen += 1;
            left -= 1;
        }
    }
    Some(widths)
}

fn write_columns(
    header: &[String],
    rows: &[Vec<String>],
    types: &[Type],
    widths: Option<&[usize]>,
    out: &mut dyn Write,
) -> anyhow::Result<()> {
    let cells = |row: &[String]| -> Row {
        let cell = |(column, text): (usize, &String)| {
            let text = match widths.and_then(|widths| widths.get(column)) {
                Some(width) => shorten(text, *width).into_owned(),
                None => text.clone(),
            };
            let alignment = match types.get(column) {
                Some(ty) if ty.is_number() || *ty == Type::Timespan => CellAlignment::Right,
                _ => CellAlignment::Left,
            };
            Cell::new_owned(text).set_alignment(alignment)
        };
        row.iter().enumerate().map(cell).collect::<Vec<_>>().into()
    };
    let rule = if widths.is_some() { '─' } else { '-' };
    let mut table = Table::new();
    table.load_style(presets::NOTHING.header_separator(LineStyle::none().fill(rule)));
    table.set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(cells(header));
    table.add_rows(rows.iter().map(|row| cells(row)));
    let last = header.len().saturating_sub(1);
    for (column, settings) in table.column_iter_mut().enumerate() {
        settings.set_padding((0, if column == last { 0 } else { GAP as u16 }));
    }
    for line in table.lines() {
        writeln!(out, "{}", line.trim_end())?;
    }
    Ok(())
}

/// One block a row; empty values are left out, as wide log tables consist of them.
fn write_records(header: &[String], rows: &[Vec<String>], width: usize, out: &mut dyn Write) -> anyhow::Result<()> {
    let names = header.iter().map(|name| name.width()).max().unwrap_or(0).min(width / 2);
    for (number, row) in rows.iter().enumerate() {
        let title = format!("── row {} ", number + 1);
        writeln!(out, "{title}{}", "─".repeat(width.saturating_sub(title.width())))?;
        for (name, value) in header.iter().zip(row).filter(|(_, value)| !value.is_empty()) {
            let name = shorten(name, names);
            let padding = " ".repeat(names.saturating_sub(name.width()) + GAP);
            for (i, line) in wrap(value, width.saturating_sub(names + GAP)).iter().enumerate() {
                if i == 0 {
                    writeln!(out, "{name}{padding}{line}")?;
                } else {
                    writeln!(out, "{}{line}", " ".repeat(names + GAP))?;
                }
            }
        }
    }
    Ok(())
}

/// The lines of a value; what does not fit into a few is cut.
fn wrap(value: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    let mut used = 0;
    let mut rest = value.chars();
    while let Some(c) = rest.next() {
        let next = c.width().unwrap_or(0);
        if used + next > width && used > 0 {
            if lines.len() == MOST_LINES {
                let last = lines.pop().unwrap_or_default();
                lines.push(shorten(&format!("{last}{c}{}", rest.as_str()), width).into_owned());
                break;
            }
            lines.push(String::new());
            used = 0;
        }
        used += next;
        if let Some(line) = lines.last_mut() {
            line.push(c);
        }
    }
    lines
}
