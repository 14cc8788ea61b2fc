//! The matching primitives of Kusto's string operators, compiled once and applied to many texts.
//!
//! Terms are maximal runs of letters and digits. A needle of `has` must not be continued by a letter or digit at an
//! end that itself is one; an end that is a symbol needs no boundary. Ignoring case is simple case folding, char by
//! char, which never takes an ASCII letter for another character: so an ASCII needle is searched in bytes.

use aho_corasick::AhoCorasick;
use memchr::memmem;
use regex::Regex;

use crate::EvalError;

/// What is tested. The name of each follows the operator; `Cs` is case-sensitive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum MatchOp {
    EqualsCi,
    Has,
    HasCs,
    HasPrefix,
    HasPrefixCs,
    HasSuffix,
    HasSuffixCs,
    Contains,
    ContainsCs,
    StartsWith,
    StartsWithCs,
    EndsWith,
    EndsWithCs,
    Like,
    LikeCs,
    MatchesRegex,
}

impl MatchOp {
    /// The test of an operator with one needle, and whether the operator negates it.
    pub fn parse(operator: &str) -> Option<(MatchOp, bool)> {
        let (name, negated) = match operator {
            "!~" => ("=~", true),
            "notlike" => ("like", true),
            "notlikecs" => ("likecs", true),
            other => match other.strip_prefix('!') {
                Some(name) => (name, true),
                None => (other, false),
            },
        };
        let op = match name {
            "=~" => MatchOp::EqualsCi,
            "has" => MatchOp::Has,
            "has_cs" => MatchOp::HasCs,
            "hasprefix" => MatchOp::HasPrefix,
            "hasprefix_cs" => MatchOp::HasPrefixCs,
            "hassuffix" => MatchOp::HasSuffix,
            "hassuffix_cs" => MatchOp::HasSuffixCs,
            "contains" => MatchOp::Contains,
            "contains_cs" => MatchOp::ContainsCs,
            "startswith" => MatchOp::StartsWith,
            "startswith_cs" => MatchOp::StartsWithCs,
            "endswith" => MatchOp::EndsWith,
            "endswith_cs" => MatchOp::EndsWithCs,
            "like" => MatchOp::Like,
            "likecs" => MatchOp::LikeCs,
            "matches regex" => MatchOp::MatchesRegex,
            _ => return None,
        };
        Some((op, negated))
    }
}

/// A compiled test.
#[derive(Debug, Clone)]
pub struct Matcher {
    test: Test,
    negated: bool,
}

#[derive(Debug, Clone)]
enum Test {
    Always,
    EqualsCi(Needle),
    StartsWith(Needle),
    EndsWith(Needle),
    Find(Finder),
    Regex(Regex),
    Any(Vec<Finder>),
    AnyOfMany(Many),
    All(Vec<Finder>),
}

/// From this many needles on, one automaton beats searching for each.
const MANY: usize = 12;

impl Matcher {
    /// Compiles the test of one needle. Only an ill-formed regular expression is an error.
    pub fn new(op: MatchOp, needle: &str) -> Result<Matcher, EvalError> {
        let test = match op {
            MatchOp::EqualsCi => Test::EqualsCi(Needle::new(needle, false)),
            MatchOp::MatchesRegex => Test::Regex(compile(needle)?),
            MatchOp::Like => Test::Regex(compile(&like_pattern(needle, "(?is)"))?),
            MatchOp::LikeCs => Test::Regex(compile(&like_pattern(needle, "(?s)"))?),
            _ if needle.is_empty() => Test::Always,
            MatchOp::StartsWith => Test::StartsWith(Needle::new(needle, false)),
            MatchOp::StartsWithCs => Test::StartsWith(Needle::new(needle, true)),
            MatchOp::EndsWith => Test::EndsWith(Needle::new(needle, false)),
            MatchOp::EndsWithCs => Test::EndsWith(Needle::new(needle, true)),
            MatchOp::Has => Test::Find(Finder::new(needle, false, true, true)),
            MatchOp::HasCs => Test::Find(Finder::new(needle, true, true, true)),
            MatchOp::HasPrefix => Test::Find(Finder::new(needle, false, true, false)),
            MatchOp::HasPrefixCs => Test::Find(Finder::new(needle, true, true, false)),
            MatchOp::HasSuffix => Test::Find(Finder::new(needle, false, false, true)),
            MatchOp::HasSuffixCs => Test::Find(Finder::new(needle, true, false, true)),
            MatchOp::Contains => Test::Find(Finder::new(needle, false, false, false)),
            MatchOp::ContainsCs => Test::Find(Finder::new(needle, true, false, false)),
        };
        Ok(Matcher { test, negated: false })
    }

    /// `has_any`: any needle is matched as by `has`.
    pub fn any<S: AsRef<str>>(needles: &[S]) -> Matcher {
        let test = if needles.iter().any(|n| n.as_ref().is_empty()) {
            Test::Always
        } else if needles.len() < MANY {
            Test::Any(finders(needles))
        } else {
            Many::new(needles).map_or_else(|| Test::Any(finders(needles)), Test::AnyOfMany)
        };
        Matcher { test, negated: false }
    }

    /// `has_all`: every needle is matched as by `has`.
    pub fn all<S: AsRef<str>>(needles: &[S]) -> Matcher {
        Matcher { test: Test::All(finders(needles)), negated: false }
    }

    /// The opposite test.
    pub fn negated(self) -> Matcher {
        Matcher { negated: !self.negated, ..self }
    }

    /// Whether a text passes.
    pub fn is_match(&self, haystack: &str) -> bool {
        let found = match &self.test {
            Test::Always => true,
            Test::EqualsCi(needle) => needle.equals(haystack),
            Test::StartsWith(needle) => needle.starts(haystack),
            Test::EndsWith(needle) => needle.ends(haystack),
            Test::Find(finder) => finder.is_match(haystack),
            Test::Regex(regex) => regex.is_match(haystack),
            Test::Any(finders) => finders.iter().any(|f| f.is_match(haystack)),
            Test::AnyOfMany(many) => many.is_match(haystack),
            Test::All(finders) => finders.iter().all(|f| f.is_match(haystack)),
        };
        found != self.negated
    }
}

fn finders<S: AsRef<str>>(needles: &[S]) -> Vec<Finder> {
    needles.iter().filter(|n| !n.as_ref().is_empty()).map(|n| Finder::new(n.as_ref(), false, true, true)).collect()
}

fn compile(pattern: &str) -> Result<Regex, EvalError> {
    Regex::new(pattern).map_err(|e| EvalError(format!("Regex pattern is ill-formed: '{pattern}': {e}")))
}

/// `%` stands for any text, `_` for any character.
fn like_pattern(needle: &str, flags: &str) -> String {
    let mut pattern = format!("{flags}^");
    let mut literal = [0u8; 4];
    for c in needle.chars() {
        match c {
            '%' => pattern.push_str(".*"),
            '_' => pattern.push('.'),
            c => pattern.push_str(&regex::escape(c.encode_utf8(&mut literal))),
        }
    }
    pattern.push('$');
    pattern
}

/// Whether two texts are equal but for case, as `=~` has it.
pub fn equals_ci(a: &str, b: &str) -> bool {
    if a.is_ascii() || b.is_ascii() {
        return a.eq_ignore_ascii_case(b);
    }
    a.chars().map(fold).eq(b.chars().map(fold))
}

/// Simple case folding of one character.
pub fn fold(c: char) -> char {
    if c.is_ascii() {
        return c.to_ascii_lowercase();
    }
    let upper = single(c.to_uppercase()).filter(|u| !u.is_ascii()).unwrap_or(c);
    single(upper.to_lowercase()).filter(|l| !l.is_ascii()).unwrap_or(upper)
}

fn single(mut chars: impl Iterator<Item = char>) -> Option<char> {
    let first = chars.next()?;
    chars.next().is_none().then_some(first)
}

/// A needle to compare with at a fixed place.
#[derive(Debug, Clone)]
enum Needle {
    Exact(Box<str>),
    /// Lower case.
    Ascii(Box<[u8]>),
    Folded(Box<[char]>),
}

impl Needle {
    fn new(needle: &str, case_sensitive: bool) -> Needle {
        if case_sensitive {
            Needle::Exact(needle.into())
        } else if needle.is_ascii() {
            Needle::Ascii(needle.to_ascii_lowercase().into_bytes().into())
        } else {
            Needle::Folded(needle.chars().map(fold).collect())
        }
    }

    fn equals(&self, text: &str) -> bool {
        match self {
            Needle::Exact(n) => **n == *text,
            Needle::Ascii(n) => text.as_bytes().eq_ignore_ascii_case(n),
            Needle::Folded(n) => text.chars().map(fold).eq(n.iter().copied()),
        }
    }

    fn starts(&self, text: &str) -> bool {
        match self {
            Needle::Exact(n) => text.starts_with(&**n),
            Needle::Ascii(n) => text.as_bytes().get(..n.len()).is_some_and(|head| head.eq_ignore_ascii_case(n)),
            Needle::Folded(n) => folded_prefix(text, n).is_some(),
        }
    }

    fn ends(&self, text: &str) -> bool {
        match self {
            Needle::Exact(n) => text.ends_with(&**n),
            Needle::Ascii(n) => {
                let bytes = text.as_bytes();
                bytes.len() >= n.len() && bytes[bytes.len() - n.len()..].eq_ignore_ascii_case(n)
            }
            Needle::Folded(n) => {
                let mut chars = text.chars().rev();
                n.iter().rev().all(|want| chars.next().map(fold) == Some(*want))
            }
        }
    }
}

/// Length in bytes of the head of `text` that folds to `needle`.
fn folded_prefix(text: &str, needle: &[char]) -> Option<usize> {
    let mut rest = text.chars();
    needle.iter().all(|want| rest.next().map(fold) == Some(*want)).then(|| text.len() - rest.as_str().len())
}

/// Looks for a needle anywhere, perhaps with term boundaries.
#[derive(Debug, Clone)]
struct Finder {
    search: Search,
    /// The character before the needle must not be a letter or digit.
    before: bool,
    /// Nor the one after.
    after: bool,
}

#[derive(Debug, Clone)]
enum Search {
    Exact(Box<memmem::Finder<'static>>),
    Ascii(AsciiSearch),
    Folded(Box<[char]>),
}

impl Finder {
    fn new(needle: &str, case_sensitive: bool, before: bool, after: bool) -> Finder {
        let search = if case_sensitive {
            Search::Exact(Box::new(memmem::Finder::new(needle).into_owned()))
        } else if needle.is_ascii() {
            Search::Ascii(AsciiSearch::new(needle))
        } else {
            Search::Folded(needle.chars().map(fold).collect())
        };
        Finder {
            search,
            before: before && needle.chars().next().is_some_and(char::is_alphanumeric),
            after: after && needle.chars().next_back().is_some_and(char::is_alphanumeric),
        }
    }

    fn is_match(&self, text: &str) -> bool {
        match &self.search {
            Search::Exact(finder) => {
                let needle_len = finder.needle().len();
                let mut from = 0;
                while let Some(found) = text.as_bytes().get(from..).and_then(|rest| finder.find(rest)) {
                    let start = from + found;
                    if self.bounded(text, start, start + needle_len) {
                        return true;
                    }
                    from = start + 1;
                }
                false
            }
            Search::Ascii(search) => search.any(text.as_bytes(), |start, end| self.bounded(text, start, end)),
            Search::Folded(needle) => {
                !text.is_ascii()
                    && text.char_indices().any(|(start, _)| {
                        folded_prefix(&text[start..], needle).is_some_and(|len| self.bounded(text, start, start + len))
                    })
            }
        }
    }

    fn bounded(&self, text: &str, start: usize, end: usize) -> bool {
        !(self.before && alphanumeric_before(text, start) || self.after && alphanumeric_at(text, end))
    }
}

fn alphanumeric_before(text: &str, position: usize) -> bool {
    match position.checked_sub(1).and_then(|p| text.as_bytes().get(p)) {
        None => false,
        Some(b) if b.is_ascii() => b.is_ascii_alphanumeric(),
        Some(_) => text.get(..position).and_then(|s| s.chars().next_back()).is_some_and(char::is_alphanumeric),
    }
}

fn alphanumeric_at(text: &str, position: usize) -> bool {
    match text.as_bytes().get(position) {
        None => false,
        Some(b) if b.is_ascii() => b.is_ascii_alphanumeric(),
        Some(_) => text.get(position..).and_then(|s| s.chars().next()).is_some_and(char::is_alphanumeric),
    }
}

/// Bytes from frequent to rare in logs and command lines.
const FREQUENT: &[u8] = b"e atinosrlcdmpu.h\\/-gf:\"=wvby0_k1x2,3;()4658z79jq{}[]&%@<>'$+?!*|#~^`";

/// Looks for an ASCII needle whatever its case: jumps from one occurrence of its rarest byte to the next.
#[derive(Debug, Clone)]
struct AsciiSearch {
    /// Lower case.
    needle: Box<[u8]>,
    rare_at: usize,
    rare_lower: u8,
    rare_upper: u8,
}

impl AsciiSearch {
    fn new(needle: &str) -> AsciiSearch {
        let needle: Box<[u8]> = needle.to_ascii_lowercase().into_bytes().into();
        let rarity = |b: u8| FREQUENT.iter().position(|f| *f == b).unwrap_or(FREQUENT.len());
        let rare_at = (0..needle.len()).max_by_key(|i| rarity(needle[*i])).unwrap_or(0);
        let rare_lower = needle.get(rare_at).copied().unwrap_or_default();
        AsciiSearch { rare_upper: rare_lower.to_ascii_uppercase(), needle, rare_at, rare_lower }
    }

    /// Whether `accept` takes the bounds of any occurrence.
    fn any(&self, text: &[u8], mut accept: impl FnMut(usize, usize) -> bool) -> bool {
        let len = self.needle.len();
        let mut check = |rare: usize| {
            let Some(start) = rare.checked_sub(self.rare_at) else { return false };
            let end = start + len;
            text.get(start..end).is_some_and(|found| found.eq_ignore_ascii_case(&self.needle)) && accept(start, end)
        };
        if self.rare_lower == self.rare_upper {
            memchr::memchr_iter(self.rare_lower, text).any(&mut check)
        } else {
            memchr::memchr2_iter(self.rare_lower, self.rare_upper, text).any(&mut check)
        }
    }
}

/// Many needles of `has` in one automaton.
#[derive(Debug, Clone)]
struct Many {
    automaton: AhoCorasick,
    /// Of each needle of the automaton: whether its ends are letters or digits.
    ends: Vec<(bool, bool)>,
    others: Vec<Finder>,
}

impl Many {
    fn new<S: AsRef<str>>(needles: &[S]) -> Option<Many> {
        let (ascii, other): (Vec<&str>, Vec<&str>) = needles.iter().map(AsRef::as_ref).partition(|n| n.is_ascii());
        let automaton = AhoCorasick::builder().ascii_case_insensitive(true).build(&ascii).ok()?;
        let is_word = |b: Option<&u8>| b.is_some_and(u8::is_ascii_alphanumeric);
        let ends = ascii.iter().map(|n| (is_word(n.as_bytes().first()), is_word(n.as_bytes().last()))).collect();
        Some(Many { automaton, ends, others: finders(&other) })
    }

    fn is_match(&self, text: &str) -> bool {
        self.automaton.find_overlapping_iter(text).any(|found| {
            let (before, after) = self.ends.get(found.pattern().as_usize()).copied().unwrap_or_default();
            !(before && alphanumeric_before(text, found.start()) || after && alphanumeric_at(text, found.end()))
        }) || self.others.iter().any(|f| f.is_match(text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn test(text: &str, operator: &str, needle: &str) -> bool {
        let (op, negated) = MatchOp::parse(operator).unwrap();
        let matcher = Matcher::new(op, needle).unwrap();
        if negated { matcher.negated() } else { matcher }.is_match(text)
    }

    #[test]
    fn terms_end_where_letters_and_digits_end() {
        assert!(test("alpha_beta", "has", "ALPHA"));
        assert!(test("end.", "hassuffix", "end"));
        assert!(!test("ending", "hassuffix", "end"));
        assert!(test("category", "hasprefix", "cat"));
        assert!(!test("scatter", "hasprefix", "cat"));
        assert!(test("scatter cat", "has", "cat"));
        assert!(test("version=1.2.3", "has", "2.3"));
        assert!(!test("ПриветМир", "has", "привет"));
        assert!(test("МИР привет", "has", "Привет"));
        assert!(!test("écat", "has", "cat"));
        assert!(!test("caté", "has", "cat"));
    }

    #[test]
    fn symbols_need_no_boundary() {
        assert!(test("a b", "has", " "));
        assert!(test("x-File y", "has", "-file"));
        assert!(!test("x-Filed y", "has", "-file"));
    }

    #[test]
    fn empty_needle_matches_all() {
        for operator in ["has", "has_cs", "contains", "startswith", "endswith_cs", "hasprefix", "hassuffix"] {
            assert!(test("", operator, ""), "{operator}");
            assert!(test("x", operator, ""), "{operator}");
        }
        assert!(!test("x", "=~", ""));
        assert!(test("x", "!~", ""));
    }

    #[test]
    fn case_folds_char_by_char() {
        assert!(test("Straße", "=~", "STRAßE"));
        assert!(!test("STRASSE", "=~", "straße"));
        assert!(test("ΟΔΟΣ", "=~", "οδος"));
        assert!(!test("\u{212a}", "=~", "k"));
        assert!(test("CAFÉ", "endswith", "fé"));
        assert!(test("CAFÉ au lait", "startswith", "café"));
        assert!(!test("CAFÉ", "contains_cs", "fé"));
        assert!(!test("Ａｂｃ", "=~", "abc"));
    }

    #[test]
    fn any_and_all() {
        assert!(Matcher::any(&["this", "example"]).is_match("An Example"));
        assert!(!Matcher::any(&["exam"]).is_match("An Example"));
        assert!(!Matcher::any::<&str>(&[]).is_match("An Example"));
        assert!(Matcher::all(&["an", "example"]).is_match("An Example"));
        let many: Vec<String> = (0..40).map(|i| format!("term{i}")).chain(["Ärger".to_string()]).collect();
        let matcher = Matcher::any(&many);
        assert!(matcher.is_match("x TERM39!"));
        assert!(matcher.is_match("großer ärger"));
        assert!(!matcher.is_match("x term40 term399"));
    }

    #[test]
    fn like_uses_percent_and_underscore() {
        assert!(test("Hello.World", "like", "hello_%D"));
        assert!(!test("Hello.World", "likecs", "hello%"));
        assert!(test("a+b", "notlike", "a.b"));
    }

    #[test]
    fn many_overlapping_candidates() {
        assert!(test("aaab aab", "has", "aab"));
        assert!(test("xaab aab", "has_cs", "aab"));
    }
}
