//! Functions that make texts of texts, over whole arrays and without an allocation a row.

use std::fmt::Write as _;
use std::sync::Arc;

use arrow::array::{Array, AsArray, Int64Array, StringViewArray, StringViewBuilder};
use arrow::datatypes::ArrowPrimitiveType;
use datafusion::common::{Result, ScalarValue};
use datafusion::logical_expr::ColumnarValue;

/// The text of a row; a missing one is empty.
fn text(texts: &StringViewArray, row: usize) -> &str {
    if texts.is_null(row) { "" } else { texts.value(row) }
}

fn views(value: &ColumnarValue) -> Option<&StringViewArray> {
    match value {
        ColumnarValue::Array(array) => array.as_string_view_opt(),
        ColumnarValue::Scalar(_) => None,
    }
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

/// `strcat` of strings.
pub(super) fn join(args: &[ColumnarValue], rows: usize) -> Result<Option<ColumnarValue>> {
    enum Part<'p> {
        Column(&'p StringViewArray),
        Same(&'p str),
    }
    let mut parts = Vec::with_capacity(args.len());
    for arg in args {
        parts.push(match (arg, views(arg)) {
            (_, Some(texts)) => Part::Column(texts),
            (ColumnarValue::Scalar(ScalarValue::Utf8View(text)), _) => Part::Same(text.as_deref().unwrap_or("")),
            _ => return Ok(None),
        });
    }
    if !parts.iter().any(|part| matches!(part, Part::Column(_))) {
        return Ok(None);
    }
    let mut out = StringViewBuilder::with_capacity(rows);
    let mut joined = String::new();
    for row in 0..rows {
        joined.clear();
        for part in &parts {
            joined.push_str(match part {
                Part::Column(texts) => text(texts, row),
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
    T::Native: std::fmt::Display,
{
    let Some(ColumnarValue::Array(values)) = args.first() else { return Ok(None) };
    let Some(values) = values.as_primitive_opt::<T>() else { return Ok(None) };
    let mut out = StringViewBuilder::with_capacity(values.len());
    let mut written = String::new();
    for value in values {
        written.clear();
        if let Some(value) = value {
            let _ = write!(written, "{value}");
        }
        out.append_value(&written);
    }
    Ok(Some(ColumnarValue::Array(Arc::new(out.finish()))))
}
