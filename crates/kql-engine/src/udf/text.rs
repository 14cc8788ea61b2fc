//! String operators against constant needles: compiled once a batch, and applied to all rows without an allocation.

use std::collections::HashSet;
use std::sync::Arc;

use arrow::array::{Array, AsArray, BooleanArray};
use arrow::buffer::BooleanBuffer;
use datafusion::common::{Result, ScalarValue};
use datafusion::logical_expr::ColumnarValue;
use kql_functions::Type;
use kql_functions::string_match::{MatchOp, Matcher, fold};

use super::query_error;

/// What an operator does with its needles.
#[derive(Debug, Clone, Copy)]
pub(super) enum TextTest {
    /// One needle.
    One(MatchOp),
    /// `has_any`
    Any,
    /// `has_all`
    All,
    /// `in~`
    Equal,
}

/// The test of an operator on strings, and whether it is negated.
pub(super) fn find(operator: &str, args: &[Type]) -> Option<(TextTest, bool)> {
    if args.len() < 2 || args.iter().any(|ty| *ty != Type::String) {
        return None;
    }
    let test = match operator {
        "has_any" => (TextTest::Any, false),
        "!has_any" => (TextTest::Any, true),
        "has_all" => (TextTest::All, false),
        "in~" => (TextTest::Equal, false),
        "!in~" => (TextTest::Equal, true),
        one if args.len() == 2 => {
            let (op, negated) = MatchOp::parse(one)?;
            (TextTest::One(op), negated)
        }
        _ => return None,
    };
    Some(test)
}

/// Tests all rows; `None` where a needle is no constant.
pub(super) fn run(test: TextTest, negated: bool, args: &[ColumnarValue]) -> Result<Option<ColumnarValue>> {
    let Some((ColumnarValue::Array(texts), needles)) = args.split_first() else { return Ok(None) };
    let Some(texts) = texts.as_string_view_opt() else { return Ok(None) };
    let mut constants = Vec::with_capacity(needles.len());
    for needle in needles {
        match needle {
            ColumnarValue::Scalar(ScalarValue::Utf8View(text)) => constants.push(text.as_deref().unwrap_or("")),
            _ => return Ok(None),
        }
    }
    let matcher = match (test, constants.as_slice()) {
        (TextTest::One(op), [needle]) => Matcher::new(op, needle).map_err(query_error)?,
        (TextTest::Any, needles) => Matcher::any(needles),
        (TextTest::All, needles) => Matcher::all(needles),
        (TextTest::Equal, needles) => return Ok(Some(equal_ci(texts, needles, negated))),
        (TextTest::One(_), _) => return Ok(None),
    };
    let matcher = if negated { matcher.negated() } else { matcher };
    Ok(Some(collect(texts, |text| matcher.is_match(text))))
}

fn equal_ci(texts: &arrow::array::StringViewArray, needles: &[&str], negated: bool) -> ColumnarValue {
    let folded = |text: &str| text.chars().map(fold).collect::<String>();
    let set: HashSet<String> = needles.iter().map(|n| folded(n)).collect();
    let mut buffer = String::new();
    collect(texts, |text| {
        buffer.clear();
        buffer.extend(text.chars().map(fold));
        set.contains(buffer.as_str()) != negated
    })
}

/// A missing string is the empty one.
fn collect(texts: &arrow::array::StringViewArray, mut test: impl FnMut(&str) -> bool) -> ColumnarValue {
    let found =
        BooleanBuffer::collect_bool(texts.len(), |row| test(if texts.is_null(row) { "" } else { texts.value(row) }));
    ColumnarValue::Array(Arc::new(BooleanArray::new(found, None)))
}
