//! String operators against constant needles: compiled once a thread, and applied to all rows without an allocation.

use std::cell::RefCell;
use std::collections::HashSet;
use std::rc::Rc;
use std::sync::Arc;

use arrow::array::{Array, AsArray, BooleanArray};
use arrow::buffer::BooleanBuffer;
use datafusion::common::{Result, ScalarValue, exec_err};
use datafusion::logical_expr::ColumnarValue;
use kql_functions::Type;
use kql_functions::string_match::{MatchOp, Matcher, fold};

use super::query_error;

/// What an operator does with its needles.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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
    let compiled = compiled(test, &constants)?;
    Ok(Some(match &*compiled {
        Compiled::Matcher(matcher) => collect(texts, |text| matcher.is_match(text) != negated),
        Compiled::Set(set) => {
            let mut folded = String::new();
            collect(texts, |text| set.contains(text, &mut folded) != negated)
        }
    }))
}

/// A test of many rows.
enum Compiled {
    Matcher(Matcher),
    Set(FoldedSet),
}

impl Compiled {
    fn new(test: TextTest, needles: &[&str]) -> Result<Compiled> {
        Ok(match (test, needles) {
            (TextTest::One(op), [needle]) => Compiled::Matcher(Matcher::new(op, needle).map_err(query_error)?),
            (TextTest::Any, needles) => Compiled::Matcher(Matcher::any(needles)),
            (TextTest::All, needles) => Compiled::Matcher(Matcher::all(needles)),
            (TextTest::Equal, needles) => Compiled::Set(FoldedSet::new(needles)),
            (TextTest::One(_), _) => return exec_err!("a string operator takes one text"),
        })
    }
}

/// A test and what it was compiled for.
type Known = (TextTest, Vec<String>, Rc<Compiled>);

/// Compiled tests that a thread remembers: a query's batches come with the same needles again and again.
const REMEMBERED: usize = 16;

fn compiled(test: TextTest, needles: &[&str]) -> Result<Rc<Compiled>> {
    thread_local! {
        static KNOWN: RefCell<Vec<Known>> = const { RefCell::new(Vec::new()) };
    }
    KNOWN.with_borrow_mut(|known| {
        let same = |(other, texts, _): &Known| *other == test && texts.iter().eq(needles.iter());
        if let Some(at) = known.iter().position(same) {
            let (.., compiled) = &known[at];
            return Ok(Rc::clone(compiled));
        }
        let compiled = Rc::new(Compiled::new(test, needles)?);
        if known.len() >= REMEMBERED {
            known.remove(0);
        }
        known.push((test, needles.iter().map(|n| (*n).to_string()).collect(), Rc::clone(&compiled)));
        Ok(compiled)
    })
}

/// So many texts are compared sooner than one is hashed.
const FEW: usize = 8;

/// Texts that are equal but for case.
struct FoldedSet {
    folded: HashSet<String>,
    /// The same, where they are so few that each is compared.
    few: Option<Vec<String>>,
    /// Lengths in bytes of those that are ASCII: only a text of such a length can be one of them.
    lengths: Vec<usize>,
}

impl FoldedSet {
    fn new(needles: &[&str]) -> FoldedSet {
        let folded: HashSet<String> = needles.iter().map(|n| n.chars().map(fold).collect()).collect();
        let mut lengths: Vec<usize> = folded.iter().filter(|n| n.is_ascii()).map(String::len).collect();
        lengths.sort_unstable();
        lengths.dedup();
        let few = (folded.len() <= FEW).then(|| folded.iter().cloned().collect());
        FoldedSet { folded, few, lengths }
    }

    /// Folding never makes ASCII of another character, nor the other way.
    fn contains(&self, text: &str, buffer: &mut String) -> bool {
        buffer.clear();
        if !text.is_ascii() {
            buffer.extend(text.chars().map(fold));
        } else if let Some(few) = &self.few {
            return few.iter().any(|folded| folded.eq_ignore_ascii_case(text));
        } else if self.lengths.binary_search(&text.len()).is_ok() {
            buffer.push_str(text);
            buffer.make_ascii_lowercase();
        } else {
            return false;
        }
        self.folded.contains(buffer.as_str())
    }
}

/// A missing string is the empty one.
fn collect(texts: &arrow::array::StringViewArray, mut test: impl FnMut(&str) -> bool) -> ColumnarValue {
    let found =
        BooleanBuffer::collect_bool(texts.len(), |row| test(if texts.is_null(row) { "" } else { texts.value(row) }));
    ColumnarValue::Array(Arc::new(BooleanArray::new(found, None)))
}
