//! Functions that replace, extract, trim and count, most of them by regular expressions.

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use regex::{Captures, Regex};

use crate::cast::{parse_as, tree_text};
use crate::catalogue::{Cx, EvalError, Nulls, RowKernel, Scalar};
use crate::regex_cache::regex;
use crate::{Dynamic, Type, Val};

use super::string::{SearchRange, byte_of, integer, length, part, text};

const fn entry(name: &'static str, doc: &'static str, kernel: RowKernel) -> Scalar {
    Scalar { name, doc, nulls: Nulls::Handled, kernel }
}

pub(super) static ENTRIES: &[Scalar] = &[
    entry("replace_string", "Replaces a text by another.", replace_string),
    entry("replace_strings", "Replaces each of several texts by its counterpart, in one pass.", replace_strings),
    entry("replace_regex", "Replaces the matches of a regular expression.", replace_regex),
    entry("replace", "Replaces the matches of a regular expression.", replace),
    entry("trim", "Takes one match of a regular expression off either end.", |_, a| trim(a, true, true)),
    entry("trim_start", "Takes one match of a regular expression off the beginning.", |_, a| trim(a, true, false)),
    entry("trim_end", "Takes one match of a regular expression off the end.", |_, a| trim(a, false, true)),
    entry("countof", "Counts occurrences of a text or a regular expression.", countof),
    entry("indexof_regex", "Position of a match of a regular expression, or -1.", indexof_regex),
    entry("extract", "A group of the first match of a regular expression.", extract),
    entry("extract_all", "The groups of all matches of a regular expression.", extract_all),
    entry("extractall", "The groups of all matches of a regular expression.", extract_all),
    entry("regex_quote", "A text as a regular expression that matches just it.", regex_quote),
    entry("extract_json", "The value at a path of a JSON text.", extract_json),
    entry("extractjson", "The value at a path of a JSON text.", extract_json),
];

fn regex_quote<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Result<Val<'a>, EvalError> {
    Ok(Val::str(regex::escape(&text(args, 0))))
}

fn replace_string<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Result<Val<'a>, EvalError> {
    let (source, lookup) = (text(args, 0), text(args, 1));
    if lookup.is_empty() || !source.contains(&*lookup) {
        return Ok(Val::Str(source));
    }
    Ok(Val::str(source.replace(&*lookup, &text(args, 2))))
}

thread_local! {
    static ENDS: RefCell<HashMap<String, Rc<Ends>>> = RefCell::new(HashMap::new());
}

/// Compiled expressions kept a thread.
const MOST: usize = 64;

/// An earlier lookup takes precedence wherever it occurs, and what is replaced is not looked at again. A rewrite that
/// is no string leaves its match as it is.
fn replace_strings<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Result<Val<'a>, EvalError> {
    let source = text(args, 0);
    let (Some(Dynamic::Array(lookups)), Some(Dynamic::Array(rewrites))) =
        (args.get(1).map(Val::to_tree), args.get(2).map(Val::to_tree))
    else {
        return Ok(Val::Str(source));
    };
    let mut pieces = vec![Piece::Free(&source)];
    for (i, lookup) in lookups.iter().enumerate() {
        let Dynamic::String(lookup) = lookup else { continue };
        if lookup.is_empty() || !pieces.iter().any(|p| p.is_free_with(lookup)) {
            continue;
        }
        let rewrite = match rewrites.get(i) {
            Some(Dynamic::String(rewrite)) => rewrite,
            _ => lookup,
        };
        pieces = pieces.iter().flat_map(|piece| piece.replaced(lookup, rewrite)).collect();
    }
    if let [Piece::Free(_)] = pieces.as_slice() {
        return Ok(Val::Str(source));
    }
    Ok(Val::str(pieces.iter().map(Piece::text).collect::<String>()))
}

#[derive(Clone, Copy)]
enum Piece<'t> {
    Free(&'t str),
    Done(&'t str),
}

impl<'t> Piece<'t> {
    fn text(&self) -> &'t str {
        match self {
            Piece::Free(text) | Piece::Done(text) => text,
        }
    }

    fn is_free_with(&self, lookup: &str) -> bool {
        matches!(self, Piece::Free(text) if text.contains(lookup))
    }

    fn replaced(self, lookup: &str, rewrite: &'t str) -> Vec<Piece<'t>> {
        let Piece::Free(text) = self else { return vec![self] };
        let mut pieces = Vec::new();
        for (i, between) in text.split(lookup).enumerate() {
            if i > 0 {
                pieces.push(Piece::Done(rewrite));
            }
            pieces.push(Piece::Free(between));
        }
        pieces
    }
}

fn replace_regex<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Result<Val<'a>, EvalError> {
    rewritten(text(args, 0), &text(args, 1), &text(args, 2))
}

fn replace<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Result<Val<'a>, EvalError> {
    rewritten(text(args, 2), &text(args, 0), &text(args, 1))
}

fn rewritten<'a>(source: Cow<'a, str>, pattern: &str, rewrite: &str) -> Result<Val<'a>, EvalError> {
    let regex = regex(pattern)?;
    if !regex.is_match(&source) {
        return Ok(Val::Str(source));
    }
    let replaced = regex.replace_all(&source, |found: &Captures<'_>| expand(rewrite, found));
    Ok(Val::str(replaced.into_owned()))
}

/// `\0` to `\9` stand for groups, `\\` for a backslash; all else is literal.
fn expand(rewrite: &str, found: &Captures<'_>) -> String {
    let mut out = String::with_capacity(rewrite.len());
    let mut chars = rewrite.chars().peekable();
    while let Some(c) = chars.next() {
        match (c, chars.peek().copied()) {
            ('\\', Some(digit)) if digit.is_ascii_digit() => {
                chars.next();
                let group = digit.to_digit(10).unwrap_or_default() as usize;
                out.push_str(found.get(group).map_or("", |m| m.as_str()));
            }
            ('\\', Some('\\')) => {
                chars.next();
                out.push('\\');
            }
            (c, _) => out.push(c),
        }
    }
    out
}

struct Ends {
    start: Regex,
    end: Regex,
}

fn ends(pattern: &str) -> Result<Rc<Ends>, EvalError> {
    if let Some(known) = ENDS.with_borrow(|cache| cache.get(pattern).cloned()) {
        return Ok(known);
    }
    // Names the pattern as the author wrote it if it is ill-formed.
    regex(pattern)?;
    let anchored = |before: &str, after: &str| Regex::new(&format!("{before}(?:{pattern}){after}"));
    let (Ok(start), Ok(end)) = (anchored(r"\A", ""), anchored("", r"\z")) else {
        return Err(EvalError(format!("Regex pattern is ill-formed: '{pattern}'")));
    };
    let made = Rc::new(Ends { start, end });
    ENDS.with_borrow_mut(|cache| {
        if cache.len() >= MOST {
            cache.clear();
        }
        cache.insert(pattern.to_string(), Rc::clone(&made));
    });
    Ok(made)
}

fn trim<'a>(args: &'a [Val<'a>], start: bool, end: bool) -> Result<Val<'a>, EvalError> {
    let ends = ends(&text(args, 0))?;
    let source = text(args, 1);
    let mut kept = 0..source.len();
    if start && let Some(found) = ends.start.find(&source) {
        kept.start = found.end();
    }
    if end && let Some(found) = ends.end.find(&source[kept.start..]) {
        kept.end = kept.start + found.start();
    }
    Ok(Val::Str(part(source, kept.start, kept.end)))
}

fn countof<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Result<Val<'a>, EvalError> {
    let (source, search) = (text(args, 0), text(args, 1));
    if text(args, 2) == "regex" {
        return Ok(Val::Long(length(regex(&search)?.find_iter(&source).count())));
    }
    let Some(first) = search.chars().next() else { return Ok(Val::Long(0)) };
    // Plain occurrences may overlap.
    let (mut count, mut rest) = (0, &*source);
    while let Some(at) = rest.find(&*search) {
        count += 1;
        rest = &rest[at + first.len_utf8()..];
    }
    Ok(Val::Long(count))
}

fn indexof_regex<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Result<Val<'a>, EvalError> {
    let source = text(args, 0);
    let regex = regex(&text(args, 1))?;
    let Some(range) = SearchRange::read(args).filter(|r| r.start >= 0) else { return Ok(Val::Null) };
    let from = byte_of(&source, range.start);
    let within = &source[from..];
    let within = &within[..range.length.map_or(within.len(), |len| byte_of(within, len))];
    let nth = usize::try_from(range.occurrence - 1).unwrap_or(usize::MAX);
    Ok(Val::Long(match regex.find_iter(within).nth(nth) {
        Some(found) => range.start.saturating_add(length(within[..found.start()].chars().count())),
        None => -1,
    }))
}

fn extract<'a>(cx: &Cx<'_>, args: &'a [Val<'a>]) -> Result<Val<'a>, EvalError> {
    let regex = regex(&text(args, 0))?;
    let source = text(args, 2);
    let group = integer(args, 1).and_then(|g| usize::try_from(g).ok());
    let span = match group {
        Some(0) => regex.find(&source).map(|m| m.range()),
        Some(group) => regex.captures(&source).and_then(|c| c.get(group)).map(|m| m.range()),
        None => None,
    };
    let Some(span) = span else { return Ok(Val::missing(cx.ret)) };
    if cx.ret == Type::String {
        return Ok(Val::Str(part(source, span.start, span.end)));
    }
    Ok(parse_as(&source[span], cx.ret).map_or(Val::missing(cx.ret), Val::into_owned))
}

/// Most capture groups of `extract_all`.
const MOST_GROUPS: usize = 16;

fn extract_all<'a>(_: &Cx<'_>, args: &'a [Val<'a>]) -> Result<Val<'a>, EvalError> {
    let Some((source, pattern)) = args.last().zip(args.first()) else { return Ok(Val::Null) };
    let (source, pattern) = (crate::cast::to_text(source), crate::cast::to_text(pattern));
    let regex = regex(&pattern)?;
    if !(2..=MOST_GROUPS + 1).contains(&regex.captures_len()) {
        return Err(EvalError(format!(
            "extract_all(): regex '{pattern}' must have between 1 and {MOST_GROUPS} capturing groups"
        )));
    }
    let groups: Vec<usize> = match args {
        [_, chosen, _] => chosen_groups(&regex, chosen),
        _ => (1..regex.captures_len()).collect(),
    };
    let mut rows = Vec::new();
    for found in regex.captures_iter(&source) {
        let group = |g: &usize| Dynamic::String(found.get(*g).map_or(String::new(), |m| m.as_str().to_string()));
        rows.push(match groups.as_slice() {
            [one] => group(one),
            several => Dynamic::Array(several.iter().map(group).collect()),
        });
    }
    Ok(if rows.is_empty() || groups.is_empty() { Val::Null } else { Val::dynamic(&Dynamic::Array(rows)) })
}

/// Groups by number or name; what the expression lacks is left out.
fn chosen_groups(regex: &Regex, chosen: &Val<'_>) -> Vec<usize> {
    let Dynamic::Array(items) = chosen.to_tree() else { return Vec::new() };
    let number = |item: &Dynamic| match item {
        Dynamic::Long(n) => usize::try_from(*n).ok().filter(|n| *n < regex.captures_len()),
        Dynamic::String(name) => regex.capture_names().position(|n| n == Some(name)),
        _ => None,
    };
    items.iter().filter_map(number).collect()
}

fn extract_json<'a>(cx: &Cx<'_>, args: &'a [Val<'a>]) -> Result<Val<'a>, EvalError> {
    let missing = Val::missing(cx.ret);
    let Some(tree) = Dynamic::parse_json(&text(args, 1)) else { return Ok(missing) };
    let path = text(args, 0);
    Ok(match tree.at_path(&path) {
        None | Some(Dynamic::Null) => missing,
        Some(value) if cx.ret == Type::Dynamic => Val::dynamic(value),
        Some(value) => parse_as(&tree_text(value), cx.ret).map_or(missing, Val::into_owned),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Catalogue;

    fn run_as(ret: Type, name: &str, args: &[Val<'_>]) -> Result<Val<'static>, EvalError> {
        let kernel = Catalogue::get().kernel(name).unwrap().kernel;
        kernel(&Cx { args: &[], ret }, args).map(Val::into_owned)
    }

    fn run(name: &str, args: &[&'static str]) -> Val<'static> {
        let args: Vec<Val<'_>> = args.iter().map(|s| Val::str(*s)).collect();
        run_as(Type::String, name, &args).unwrap()
    }

    #[test]
    fn trim_takes_one_match_off_an_end() {
        assert_eq!(run("trim", &["x", "xxabcxx"]), Val::str("xabcx"));
        assert_eq!(run("trim", &["x", "xxx"]), Val::str("x"));
        assert_eq!(run("trim", &["1", "11"]), Val::str(""));
        assert_eq!(run("trim_end", &["x", "x"]), Val::str(""));
        assert_eq!(run("trim_start", &["x", "xx"]), Val::str("x"));
        assert_eq!(run("trim", &[r"[^\w]+", "-  Te st1// $"]), Val::str("Te st1"));
        assert_eq!(run("trim", &["a|b", "bxa"]), Val::str("x"));
    }

    #[test]
    fn rewrites_name_groups() {
        assert_eq!(run("replace_regex", &["abcABCabc", "([a-z])([A-Z])", r"\1_\2"]), Val::str("abc_ABCabc"));
        assert_eq!(run("replace_regex", &["a b", " ", "$$$"]), Val::str("a$$$b"));
        assert_eq!(run("replace", &["is (\\d+)", r"was: \1", "Number is 1"]), Val::str("Number was: 1"));
        assert_eq!(run("replace_string", &["aaa", "", "X"]), Val::str("aaa"));
    }

    #[test]
    fn replace_strings_scans_once() {
        let replace = |lookups: &'static str, rewrites: &'static str| {
            let args = [Val::str("This is an example"), Val::Dynamic(lookups.into()), Val::Dynamic(rewrites.into())];
            run_as(Type::String, "replace_strings", &args).unwrap()
        };
        assert_eq!(replace("[\"This\",\"is\"]", "[\"This\",\"was\"]"), Val::str("This was an example"));
        assert_eq!(replace("[\"is\",\"This\"]", "[\"was\",\"This\"]"), Val::str("Thwas was an example"));
        assert_eq!(replace("[\"This\",\"is\"]", "[12345,\"was\"]"), Val::str("This was an example"));
    }

    #[test]
    fn counts() {
        assert_eq!(run("countof", &["aaaa", "aa"]), Val::Long(3));
        assert_eq!(run("countof", &["aaaa", "aa", "regex"]), Val::Long(2));
        assert_eq!(run("countof", &["éé", "é", "normal"]), Val::Long(2));
    }

    #[test]
    fn extracts() {
        let group = |ret, group| {
            run_as(ret, "extract", &[Val::str(r"-(\d{2})-"), Val::Long(group), Val::str("15-12-2024")]).unwrap()
        };
        assert_eq!(group(Type::Int, 1), Val::Int(12));
        assert_eq!(group(Type::String, 0), Val::str("-12-"));
        assert_eq!(group(Type::String, 2), Val::str(""));
        let all = |pattern: &'static str| run_as(Type::Dynamic, "extract_all", &[Val::str(pattern), Val::str("a1bc")]);
        assert_eq!(all(r"([a-z])"), Ok(Val::Dynamic("[\"a\",\"b\",\"c\"]".into())));
        assert_eq!(all(r"([a-z])(\d)?"), Ok(Val::Dynamic("[[\"a\",\"1\"],[\"b\",\"\"],[\"c\",\"\"]]".into())));
        assert_eq!(all(r"(z)"), Ok(Val::Null));
        assert!(all("a").is_err());
    }

    #[test]
    fn extract_json_follows_a_path() {
        let at = |path: &'static str, ret| {
            let json = "{\"a\":{\"b c\":[10,\"x\"]},\"n\":null}";
            run_as(ret, "extract_json", &[Val::str(path), Val::str(json)]).unwrap()
        };
        assert_eq!(at("$.a['b c'][1]", Type::String), Val::str("x"));
        assert_eq!(at("$.a[\"b c\"][0]", Type::Long), Val::Long(10));
        assert_eq!(at("$.n", Type::String), Val::str(""));
        assert_eq!(at("$.a", Type::String), Val::str("{\"b c\":[10,\"x\"]}"));
        assert_eq!(at("$.z", Type::Long), Val::Null);
    }

    #[test]
    fn indexof_regex_counts_matches_without_overlap() {
        let find = |source: &'static str, args: &[i64]| {
            let mut all = vec![Val::str(source), Val::str("a.[ac]")];
            all.extend(args.iter().map(|v| Val::Long(*v)));
            run_as(Type::Long, "indexof_regex", &all).unwrap()
        };
        assert_eq!(find("abcabcdefg", &[0, 9, 2]), Val::Long(3));
        assert_eq!(find("ababaa", &[0, -1, 2]), Val::Long(-1));
        assert_eq!(find("abcabc", &[-1]), Val::Null);
    }
}
