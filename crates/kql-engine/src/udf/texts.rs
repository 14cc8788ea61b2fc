//! Functions that make texts of texts, over whole arrays and without an allocation a row.

use std::sync::Arc;

use arrow::array::{Array, AsArray, ByteView, Int64Array, StringViewArray, StringViewBuilder};
use arrow::datatypes::ArrowPrimitiveType;
use datafusion::common::{Result, ScalarValue};
use datafusion::logical_expr::ColumnarValue;
use memchr::memmem::Finder;

/// The text of a row; a missing one is empty.
fn text(texts: &StringViewArray, row: usize) -> &str {
    if texts.is_null(row) { "" } else { texts.value(row) }
}

pub(super) fn views(value: &ColumnarValue) -> Option<&StringViewArray> {
    match value {
        ColumnarValue::Array(array) => array.as_string_view_opt(),
        ColumnarValue::Scalar(_) => None,
    }
}

/// A constant integer.
pub(super) fn integer(value: &ColumnarValue) -> Option<i64> {
    match value {
        ColumnarValue::Scalar(ScalarValue::Int64(value)) => *value,
        ColumnarValue::Scalar(ScalarValue::Int32(value)) => value.map(i64::from),
        _ => None,
    }
}

/// Builds texts that are parts of other texts where they are, not copied.
struct Parts<'t> {
    source: &'t StringViewArray,
    /// Where the source's buffers are in the result.
    blocks: Vec<u32>,
    builder: StringViewBuilder,
}

impl<'t> Parts<'t> {
    fn new(source: &'t StringViewArray) -> Parts<'t> {
        let mut builder = StringViewBuilder::with_capacity(source.len());
        let blocks = source.data_buffers().iter().map(|buffer| builder.append_block(buffer.clone())).collect();
        Parts { source, blocks, builder }
    }

    /// Appends the bytes from one position to another of a row's text.
    fn push(&mut self, row: usize, from: usize, to: usize) -> Result<()> {
        let part = text(self.source, row).get(from..to).unwrap_or("");
        let view = self.source.views().get(row).map(|view| ByteView::from(*view));
        match view.and_then(|view| Some((view.offset, self.blocks.get(view.buffer_index as usize)?))) {
            Some((offset, block)) if part.len() > INLINE => {
                Ok(self.builder.try_append_view(*block, offset + from as u32, part.len() as u32)?)
            }
            _ => {
                self.builder.append_value(part);
                Ok(())
            }
        }
    }
}

/// Texts up to so many bytes stand in the view itself.
const INLINE: usize = 12;

/// `substring` from a constant position on that is counted from the start, of a constant length.
pub(super) fn substring(args: &[ColumnarValue], _: usize) -> Result<Option<ColumnarValue>> {
    let [source, start, count @ ..] = args else { return Ok(None) };
    let count = match count {
        [] => Some(i64::MAX),
        [count] => integer(count),
        _ => None,
    };
    let (Some(texts), Some(start @ 0..), Some(count @ 1..)) = (views(source), integer(start), count) else {
        return Ok(None);
    };
    let (start, end) = (start as usize, start.saturating_add(count) as usize);
    let mut parts = Parts::new(texts);
    for row in 0..texts.len() {
        let source = text(texts, row);
        let length = source.len();
        let head = source.as_bytes().get(..end.min(length)).unwrap_or_default();
        // Where all are ASCII, characters are bytes.
        let byte = |at: usize| match head.is_ascii() {
            true => at.min(length),
            false => source.char_indices().nth(at).map_or(length, |(byte, _)| byte),
        };
        parts.push(row, byte(start), byte(end))?;
    }
    Ok(Some(ColumnarValue::Array(Arc::new(parts.builder.finish()))))
}

/// `replace_string` of a constant text by another.
pub(super) fn replace(args: &[ColumnarValue], _: usize) -> Result<Option<ColumnarValue>> {
    let [source, ColumnarValue::Scalar(ScalarValue::Utf8View(Some(old))), ColumnarValue::Scalar(new)] = args else {
        return Ok(None);
    };
    let (Some(texts), ScalarValue::Utf8View(new)) = (views(source), new) else { return Ok(None) };
    if old.is_empty() {
        return Ok(None);
    }
    let new = new.as_deref().unwrap_or("");
    let finder = Finder::new(old);
    let mut parts = Parts::new(texts);
    let mut replaced = String::new();
    for row in 0..texts.len() {
        let source = text(texts, row);
        replaced.clear();
        let mut copied = 0;
        for at in finder.find_iter(source.as_bytes()) {
            replaced.push_str(source.get(copied..at).unwrap_or_default());
            replaced.push_str(new);
            copied = at + old.len();
        }
        if copied == 0 {
            parts.push(row, 0, source.len())?;
            continue;
        }
        replaced.push_str(source.get(copied..).unwrap_or_default());
        parts.builder.append_value(&replaced);
    }
    Ok(Some(ColumnarValue::Array(Arc::new(parts.builder.finish()))))
}

/// `strlen`: characters.
pub(super) fn length(args: &[ColumnarValue], _: usize) -> Result<Option<ColumnarValue>> {
    let Some(texts) = args.first().and_then(views) else { return Ok(None) };
    let lengths = (0..texts.len()).map(|row| text(texts, row).chars().count() as i64);
    Ok(Some(ColumnarValue::Array(Arc::new(Int64Array::from_iter_values(lengths)))))
}

/// `tolower` and `toupper` of texts that are all ASCII; others are left to the row kernel.
pub(super) fn map_ascii(args: &[ColumnarValue], map: fn(&mut str)) -> Result<Option<ColumnarValue>> {
    let Some(texts) = args.first().and_then(views) else { return Ok(None) };
    let mut out = StringViewBuilder::with_capacity(texts.len());
    let mut mapped = String::new();
    for row in 0..texts.len() {
        let source = text(texts, row);
        if !source.is_ascii() {
            return Ok(None);
        }
        mapped.clear();
        mapped.push_str(source);
        map(&mut mapped);
        out.append_value(&mapped);
    }
    Ok(Some(ColumnarValue::Array(Arc::new(out.finish()))))
}

/// `strcat` of strings and longs.
pub(super) fn join(args: &[ColumnarValue], rows: usize) -> Result<Option<ColumnarValue>> {
    enum Part<'p> {
        Column(&'p StringViewArray),
        Numbers(&'p Int64Array),
        Same(&'p str),
    }
    let mut parts = Vec::with_capacity(args.len());
    for arg in args {
        parts.push(match (arg, views(arg)) {
            (_, Some(texts)) => Part::Column(texts),
            (ColumnarValue::Scalar(ScalarValue::Utf8View(text)), _) => Part::Same(text.as_deref().unwrap_or("")),
            (ColumnarValue::Array(array), _) => match array.as_primitive_opt() {
                Some(numbers) => Part::Numbers(numbers),
                None => return Ok(None),
            },
            _ => return Ok(None),
        });
    }
    if parts.iter().all(|part| matches!(part, Part::Same(_))) {
        return Ok(None);
    }
    let mut out = StringViewBuilder::with_capacity(rows);
    let mut joined = String::new();
    let mut written = itoa::Buffer::new();
    for row in 0..rows {
        joined.clear();
        for part in &parts {
            joined.push_str(match part {
                Part::Column(texts) => text(texts, row),
                // The text of null is empty.
                Part::Numbers(numbers) if numbers.is_null(row) => "",
                Part::Numbers(numbers) => written.format(numbers.value(row)),
                Part::Same(text) => text,
            });
        }
        out.append_value(&joined);
    }
    Ok(Some(ColumnarValue::Array(Arc::new(out.finish()))))
}

/// `tostring` of integers.
pub(super) fn from_integers<T: ArrowPrimitiveType>(args: &[ColumnarValue], _: usize) -> Result<Option<ColumnarValue>>
where
    T::Native: itoa::Integer,
{
    let Some(ColumnarValue::Array(values)) = args.first() else { return Ok(None) };
    let Some(values) = values.as_primitive_opt::<T>() else { return Ok(None) };
    let mut out = StringViewBuilder::with_capacity(values.len());
    let mut written = itoa::Buffer::new();
    for value in values {
        out.append_value(value.map_or("", |value| written.format(value)));
    }
    Ok(Some(ColumnarValue::Array(Arc::new(out.finish()))))
}
