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

/// Texts that are equal but for case.
struct FoldedSet {
    folded: HashSet<String>,
    /// A bit for the hash of each text that is ASCII; most other texts find none there.
    seen: Vec<u64>,
}

impl FoldedSet {
    fn new(needles: &[&str]) -> FoldedSet {
        let folded: HashSet<String> = needles.iter().map(|n| n.chars().map(fold).collect()).collect();
        // Sixteen bits for each make one hash in sixteen a false one.
        let mut seen = vec![0u64; (folded.len() / 4).next_power_of_two().max(16)];
        for hash in folded.iter().filter_map(|text| folded_hash(text.as_bytes())) {
            let (word, bit) = place(hash, seen.len());
            if let Some(word) = seen.get_mut(word) {
                *word |= bit;
            }
        }
        FoldedSet { folded, seen }
    }

    /// Folding never makes ASCII of another character, nor the other way.
    fn contains(&self, text: &str, buffer: &mut String) -> bool {
        if let Some(hash) = folded_hash(text.as_bytes()) {
            let (word, bit) = place(hash, self.seen.len());
            if self.seen.get(word).is_none_or(|word| word & bit == 0) {
                return false;
            }
        }
        buffer.clear();
        buffer.extend(text.chars().map(fold));
        self.folded.contains(buffer.as_str())
    }
}

/// The word and the bit that stand for a hash in a number of words, which is a power of two.
fn place(hash: u64, words: usize) -> (usize, u64) {
    ((hash >> 6) as usize & (words - 1), 1 << (hash & 63))
}

/// A hash of ASCII texts, the same for all that are equal but for case; `None` for other texts.
fn folded_hash(text: &[u8]) -> Option<u64> {
    const CASE: u64 = 0x2020_2020_2020_2020;
    const BEYOND_ASCII: u64 = 0x8080_8080_8080_8080;
    let mix = |hash: u64, word: u64| (hash ^ (word | CASE)).wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(31);
    let (words, rest) = text.as_chunks::<8>();
    let mut all = 0;
    let mut hash = text.len() as u64;
    for word in words {
        let word = u64::from_le_bytes(*word);
        all |= word;
        hash = mix(hash, word);
    }
    let rest = rest.iter().fold(0, |word, byte| word << 8 | u64::from(*byte));
    all |= rest;
    (all & BEYOND_ASCII == 0).then(|| mix(hash, rest))
}

/// A missing string is the empty one.
fn collect(texts: &arrow::array::StringViewArray, mut test: impl FnMut(&str) -> bool) -> ColumnarValue {
    let found =
        BooleanBuffer::collect_bool(texts.len(), |row| test(if texts.is_null(row) { "" } else { texts.value(row) }));
    ColumnarValue::Array(Arc::new(BooleanArray::new(found, None)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folded_sets_ignore_case() {
        let many: Vec<String> = (0..1000).map(|n| format!("Host-{n}.Example.COM")).collect();
        let mut needles: Vec<&str> = many.iter().map(String::as_str).collect();
        needles.extend(["", "ÄRGER", "a@[b"]);
        let set = FoldedSet::new(&needles);
        let mut buffer = String::new();
        for text in ["", "HOST-7.example.com", "host-999.example.com", "ärger", "A@[B"] {
            assert!(set.contains(text, &mut buffer), "{text}");
        }
        for text in ["host-1000.example.com", "a`{b", "arger", "host-7.example.co", " "] {
            assert!(!set.contains(text, &mut buffer), "{text}");
        }
    }
}
