//! Functions that join, cut, search and map texts.

use std::borrow::Cow;

use crate::cast::{to_text, tree_text};
use crate::catalogue::{Cx, EvalError, Nulls, RowKernel, Scalar};
use crate::string_match::MatchOp;
use crate::{Dynamic, Val};

use super::string_operators::matcher;

const fn entry(name: &'static str, doc: &'static str, kernel: RowKernel) -> Scalar {
    Scalar { name, doc, nulls: Nulls::Handled, kernel }
}

pub(super) static ENTRIES: &[Scalar] = &[
    entry("strcat", "Joins its arguments.", strcat),
    entry("strcat_delim", "Joins its arguments with a delimiter between them.", strcat_delim),
    entry("strcat_array", "Joins the elements of an array.", strcat_array),
    entry("array_strcat", "Joins the elements of an array.", strcat_array),
    entry("strlen", "Counts the characters.", strlen),
    entry("string_size", "Counts the bytes in UTF-8.", string_size),
    entry("substring", "The part from a position on, of a length.", substring),
    entry("split", "Cuts at each delimiter.", split),
    entry("split item", "One item of what `split` gives, as a dynamic value.", split_item),
    entry("split text", "The text of one item of what `split` gives.", split_text),
    entry("indexof", "Position of a text, or -1.", indexof),
    entry("has_any_index", "Position in an array of the first term that a text has, or -1.", has_any_index),
    entry("tolower", "In lower case.", tolower),
    entry("toupper", "In upper case.", toupper),
    entry("reverse", "From the last character to the first.", reverse),
    entry("strrep", "Repeats a text.", strrep),
    entry("strcmp", "Compares two texts: -1, 0 or 1.", strcmp),
    entry("translate", "Replaces characters by others.", translate),
    entry("unicode_codepoints_to_string", "The text of code points.", codepoints_to_string),
    entry("make_string", "The text of code points.", codepoints_to_string),
    entry("unicode_codepoints_from_string", "The code points of a text.", codepoints_from_string),
    entry("to_utf8", "The code points of a text.", codepoints_from_string),
    entry("isascii", "Whether all characters are ASCII.", isascii),
    entry("isutf8", "Whether a text is valid UTF-8.", isutf8),
];

/// Most repetitions of `strrep`.
const MOST_REPETITIONS: i64 = 1024;

fn strcat<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Result<Val<'a>, EvalError> {
    let mut out = String::new();
    for arg in args {
        out.push_str(&to_text(arg));
    }
    Ok(Val::str(out))
}

fn strcat_delim<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Result<Val<'a>, EvalError> {
    let Some((delimiter, parts)) = args.split_first() else { return Ok(Val::str("")) };
    let delimiter = to_text(delimiter);
    let mut out = String::new();
    for (i, part) in parts.iter().enumerate() {
        if i > 0 {
            out.push_str(&delimiter);
        }
        out.push_str(&to_text(part));
    }
    Ok(Val::str(out))
}

fn strcat_array<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Result<Val<'a>, EvalError> {
    let [array, delimiter] = args else { return Ok(Val::str("")) };
    let Dynamic::Array(items) = array.to_tree() else { return Ok(Val::str("")) };
    let parts: Vec<String> = items.iter().map(tree_text).collect();
    Ok(Val::str(parts.join(&to_text(delimiter))))
}

fn strlen<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Result<Val<'a>, EvalError> {
    Ok(Val::Long(length(text(args, 0).chars().count())))
}

fn string_size<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Result<Val<'a>, EvalError> {
    Ok(Val::Long(length(text(args, 0).len())))
}

fn substring<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Result<Val<'a>, EvalError> {
    let source = text(args, 0);
    let Some(start) = integer(args, 1) else { return Ok(Val::str("")) };
    let count = match args.get(2) {
        None => i64::MAX,
        Some(count) => count.as_i64().unwrap_or(0),
    };
    let start = match start {
        0.. => Some(start),
        _ => Some(length(source.chars().count()).saturating_add(start)).filter(|s| *s >= 0),
    };
    let (Some(start), 1..) = (start, count) else { return Ok(Val::str("")) };
    let from = byte_of(&source, start);
    let to = from + byte_of(&source[from..], count);
    Ok(Val::Str(part(source, from, to)))
}

fn split<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Result<Val<'a>, EvalError> {
    let (source, delimiter) = (text(args, 0), text(args, 1));
    let pieces: Vec<&str> = if delimiter.is_empty() { vec![&source] } else { source.split(&*delimiter).collect() };
    let chosen: &[&str] = match args.get(2) {
        None => &pieces,
        Some(index) => {
            let index = index.as_i64().and_then(|i| usize::try_from(i).ok());
            index.and_then(|i| pieces.get(i..=i)).unwrap_or_default()
        }
    };
    Ok(string_array(chosen.iter().copied()))
}

/// `split(…)[n]` without the array.
fn split_item<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Result<Val<'a>, EvalError> {
    Ok(match nth_piece(args) {
        Some(Cow::Borrowed(piece)) => string_value(piece),
        Some(Cow::Owned(piece)) => string_value(&piece),
        None => Val::Null,
    })
}

/// `tostring(split(…)[n])` without the array.
fn split_text<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Result<Val<'a>, EvalError> {
    Ok(Val::Str(nth_piece(args).unwrap_or_default()))
}

fn nth_piece<'a>(args: &'a [Val<'a>]) -> Option<Cow<'a, str>> {
    let source = text(args, 0);
    let delimiter = text(args, 1);
    let index = integer(args, 2)?;
    if delimiter.is_empty() {
        return matches!(index, 0 | -1).then_some(source);
    }
    let at = if index < 0 { length(source.split(&*delimiter).count()) + index } else { index };
    let piece = source.split(&*delimiter).nth(usize::try_from(at).ok()?)?;
    let start = piece.as_ptr() as usize - source.as_ptr() as usize;
    let end = start + piece.len();
    Some(part(source, start, end))
}

fn string_value(text: &str) -> Val<'static> {
    let mut out = String::with_capacity(text.len() + 2);
    crate::dynamic::write_string(&mut out, text);
    Val::Dynamic(Cow::Owned(out))
}

fn indexof<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Result<Val<'a>, EvalError> {
    let (source, search) = (text(args, 0), text(args, 1));
    let Some(range) = SearchRange::read(args) else { return Ok(Val::Null) };
    if search.is_empty() {
        return Ok(Val::Null);
    }
    let total = length(source.chars().count());
    let start = if range.start < 0 { total.saturating_add(range.start).max(0) } else { range.start };
    if start > total {
        return Ok(Val::Long(-1));
    }
    // Only the beginning of an occurrence has to lie within the range.
    let mut position = start;
    let mut from = byte_of(&source, start);
    let mut left = range.occurrence;
    while let Some(found) = source[from..].find(&*search) {
        position += length(source[from..from + found].chars().count());
        if range.length.is_some_and(|len| position >= start.saturating_add(len)) {
            break;
        }
        left -= 1;
        if left == 0 {
            return Ok(Val::Long(position));
        }
        from += found + source[from + found..].chars().next().map_or(1, char::len_utf8);
        position += 1;
    }
    Ok(Val::Long(-1))
}

/// The optional arguments of `indexof` and `indexof_regex`.
pub(super) struct SearchRange {
    pub(super) start: i64,
    pub(super) length: Option<i64>,
    pub(super) occurrence: i64,
}

impl SearchRange {
    /// `None` where an argument is null or out of range, which makes the result null.
    pub(super) fn read(args: &[Val<'_>]) -> Option<SearchRange> {
        let argument = |at: usize, default: i64| args.get(at).map_or(Some(default), Val::as_i64);
        let (start, length, occurrence) = (argument(2, 0)?, argument(3, -1)?, argument(4, 1)?);
        let length = match length {
            -1 => None,
            0.. => Some(length),
            _ => return None,
        };
        (occurrence > 0).then_some(SearchRange { start, length, occurrence })
    }
}

fn has_any_index<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Result<Val<'a>, EvalError> {
    let source = text(args, 0);
    let items = match args.get(1).map(Val::to_tree) {
        Some(Dynamic::Array(items)) => items,
        _ => return Ok(Val::Long(-1)),
    };
    for (i, item) in items.iter().enumerate() {
        if *item != Dynamic::Null && matcher(MatchOp::Has, &tree_text(item))?.is_match(&source) {
            return Ok(Val::Long(length(i)));
        }
    }
    Ok(Val::Long(-1))
}

fn tolower<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Result<Val<'a>, EvalError> {
    Ok(Val::Str(map_case(text(args, 0), u8::is_ascii_uppercase, str::make_ascii_lowercase, char::to_lowercase)))
}

fn toupper<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Result<Val<'a>, EvalError> {
    Ok(Val::Str(map_case(text(args, 0), u8::is_ascii_lowercase, str::make_ascii_uppercase, char::to_uppercase)))
}

/// Maps char by char: a character whose other case has several characters stays (`ß`).
fn map_case<'a, I: Iterator<Item = char>>(
    source: Cow<'a, str>,
    changes: fn(&u8) -> bool,
    ascii: fn(&mut str),
    map: impl Fn(char) -> I,
) -> Cow<'a, str> {
    if source.is_ascii() {
        if !source.as_bytes().iter().any(changes) {
            return source;
        }
        let mut owned = source.into_owned();
        ascii(&mut owned);
        return Cow::Owned(owned);
    }
    Cow::Owned(
        source
            .chars()
            .map(|c| {
                let mut mapped = map(c);
                match (mapped.next(), mapped.next()) {
                    (Some(one), None) => one,
                    _ => c,
                }
            })
            .collect(),
    )
}

fn reverse<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Result<Val<'a>, EvalError> {
    Ok(Val::str(text(args, 0).chars().rev().collect::<String>()))
}

fn strrep<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Result<Val<'a>, EvalError> {
    let source = text(args, 0);
    let times = integer(args, 1).unwrap_or(0).clamp(0, MOST_REPETITIONS);
    let delimiter = text(args, 2);
    let mut out = String::new();
    for i in 0..times {
        if i > 0 {
            out.push_str(&delimiter);
        }
        out.push_str(&source);
    }
    Ok(Val::str(out))
}

fn strcmp<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Result<Val<'a>, EvalError> {
    Ok(Val::Long(text(args, 0).cmp(&text(args, 1)) as i64))
}

fn translate<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Result<Val<'a>, EvalError> {
    let search: Vec<char> = text(args, 0).chars().collect();
    let replacement: Vec<char> = text(args, 1).chars().collect();
    let mapped = |c: char| match search.iter().position(|s| *s == c) {
        None => Some(c),
        Some(at) => replacement.get(at).or(replacement.last()).copied(),
    };
    Ok(Val::str(text(args, 2).chars().filter_map(mapped).collect::<String>()))
}

/// Of anything that is no code point the result is empty.
fn codepoints_to_string<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Result<Val<'a>, EvalError> {
    let mut codes = Vec::new();
    for arg in args {
        match arg.to_tree() {
            Dynamic::Array(items) => codes.extend(items),
            scalar => codes.push(scalar),
        }
    }
    let character = |code: &Dynamic| match code {
        Dynamic::Long(code) => u32::try_from(*code).ok().and_then(char::from_u32),
        _ => None,
    };
    Ok(Val::str(codes.iter().map(character).collect::<Option<String>>().unwrap_or_default()))
}

fn codepoints_from_string<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Result<Val<'a>, EvalError> {
    let codes = text(args, 0).chars().map(|c| Dynamic::Long(i64::from(u32::from(c)))).collect();
    Ok(Val::dynamic(&Dynamic::Array(codes)))
}

fn isascii<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Result<Val<'a>, EvalError> {
    Ok(Val::Bool(text(args, 0).is_ascii()))
}

fn isutf8<'a>(_: &Cx<'_>, _: &'a [Val<'a>]) -> Result<Val<'a>, EvalError> {
    Ok(Val::Bool(true))
}

/// The text of an argument; of a missing one the empty text.
pub(super) fn text<'a>(args: &'a [Val<'a>], at: usize) -> Cow<'a, str> {
    args.get(at).map_or(Cow::Borrowed(""), to_text)
}

/// An integer argument, unless null or missing.
pub(super) fn integer(args: &[Val<'_>], at: usize) -> Option<i64> {
    args.get(at).and_then(Val::as_i64)
}

/// A count as Kusto's long.
pub(super) fn length(n: usize) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

/// The byte where the character of a number begins, or the end of the text.
pub(super) fn byte_of(text: &str, chars: i64) -> usize {
    let Ok(chars) = usize::try_from(chars) else { return 0 };
    if text.is_ascii() {
        return chars.min(text.len());
    }
    text.char_indices().nth(chars).map_or(text.len(), |(at, _)| at)
}

/// A part of a text, borrowed where that is.
pub(super) fn part(text: Cow<'_, str>, from: usize, to: usize) -> Cow<'_, str> {
    match text {
        Cow::Borrowed(s) => Cow::Borrowed(s.get(from..to).unwrap_or_default()),
        Cow::Owned(s) => Cow::Owned(s.get(from..to).unwrap_or_default().to_string()),
    }
}

/// A dynamic array of strings.
pub(super) fn string_array<'t>(items: impl Iterator<Item = &'t str>) -> Val<'static> {
    let mut out = String::from("[");
    for item in items {
        if out.len() > 1 {
            out.push(',');
        }
        crate::dynamic::write_string(&mut out, item);
    }
    out.push(']');
    Val::Dynamic(Cow::Owned(out))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Catalogue, Type};

    fn run(name: &str, args: &[Val<'_>]) -> Val<'static> {
        let kernel = Catalogue::get().kernel(name).unwrap().kernel;
        kernel(&Cx { args: &[], ret: Type::String }, args).unwrap().into_owned()
    }

    #[test]
    fn substring_counts_characters() {
        let sub = |s: &'static str, start, len| run("substring", &[Val::str(s), Val::Long(start), Val::Long(len)]);
        assert_eq!(sub("123456", -2, 2), Val::str("56"));
        assert_eq!(sub("é😀b", 1, 1), Val::str("😀"));
        assert_eq!(sub("x", -2, 5), Val::str(""));
        assert_eq!(sub("x", -1, 2), Val::str("x"));
        assert_eq!(sub("hello", 1, -1), Val::str(""));
        assert_eq!(sub("hello", i64::MAX, i64::MAX), Val::str(""));
        assert_eq!(sub("hello", i64::MIN, i64::MAX), Val::str(""));
        assert_eq!(run("substring", &[Val::str("abc"), Val::Long(1)]), Val::str("bc"));
    }

    #[test]
    fn indexof_ranges_bound_the_beginning() {
        let find = |args: &[i64]| {
            let mut all = vec![Val::str("abcdefgabcdefg"), Val::str("cde")];
            all.extend(args.iter().map(|v| Val::Long(*v)));
            run("indexof", &all)
        };
        assert_eq!(find(&[]), Val::Long(2));
        assert_eq!(find(&[1, 2]), Val::Long(2));
        assert_eq!(find(&[1, 1]), Val::Long(-1));
        assert_eq!(find(&[-12]), Val::Long(2));
        assert_eq!(find(&[1, 10, 2]), Val::Long(9));
        assert_eq!(find(&[1, -1, 3]), Val::Long(-1));
        assert_eq!(find(&[0, -2]), Val::Null);
        assert_eq!(run("indexof", &[Val::str(""), Val::str("")]), Val::Null);
        assert_eq!(run("indexof", &[Val::Long(1234567), Val::Long(5), Val::Long(1), Val::Long(4)]), Val::Long(4));
    }

    #[test]
    fn split_keeps_empty_parts() {
        assert_eq!(run("split", &[Val::str("a__b"), Val::str("_")]), Val::Dynamic("[\"a\",\"\",\"b\"]".into()));
        assert_eq!(run("split", &[Val::str(""), Val::str("_")]), Val::Dynamic("[\"\"]".into()));
        let third = run("split", &[Val::str("a_b"), Val::str("_"), Val::Long(1)]);
        assert_eq!(third, Val::Dynamic("[\"b\"]".into()));
    }

    #[test]
    fn one_piece_is_the_item_of_the_array() {
        for (source, delimiter) in [("a__b_", "_"), ("", "_"), ("a\"b", "x"), ("ab", ""), ("xaxax", "xax")] {
            let args = [Val::str(source), Val::str(delimiter)];
            let Dynamic::Array(pieces) = run("split", &args).to_tree() else { panic!("no array") };
            for index in -6i64..6 {
                let at = if index < 0 { index + pieces.len() as i64 } else { index };
                let want = usize::try_from(at).ok().and_then(|at| pieces.get(at)).cloned().unwrap_or(Dynamic::Null);
                let args = [Val::str(source), Val::str(delimiter), Val::Long(index)];
                assert_eq!(run("split item", &args).to_tree(), want, "{source} {index}");
                let text = if let Dynamic::String(text) = want { text } else { String::new() };
                assert_eq!(run("split text", &args), Val::str(text), "{source} {index}");
            }
        }
    }

    #[test]
    fn translate_repeats_the_last() {
        let translate = |a, b, c| run("translate", &[Val::str(a), Val::str(b), Val::str(c)]);
        assert_eq!(translate("krasp", "otsku", "spark"), Val::str("kusto"));
        assert_eq!(translate("abc", "x", "abc"), Val::str("xxx"));
        assert_eq!(translate("abc", "", "ab"), Val::str(""));
    }

    #[test]
    fn joins() {
        let array = Val::Dynamic("[\"a\",null,\"\",\"b\"]".into());
        assert_eq!(run("strcat_array", &[array, Val::str("|")]), Val::str("a|||b"));
        assert_eq!(run("strcat", &[Val::str("a"), Val::Null, Val::Long(1), Val::Bool(true)]), Val::str("a1True"));
        assert_eq!(run("strrep", &[Val::Long(123), Val::Long(3), Val::str(".")]), Val::str("123.123.123"));
        let array = Val::Dynamic("[75,117]".into());
        assert_eq!(run("make_string", &[array, Val::Long(115), Val::Int(0x1f600)]), Val::str("Kus😀"));
        assert_eq!(run("make_string", &[Val::Long(75), Val::Long(-1)]), Val::str(""));
        assert_eq!(run("toupper", &[Val::str("straße")]), Val::str("STRAßE"));
    }
}
