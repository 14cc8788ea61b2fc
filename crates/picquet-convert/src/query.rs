//! Queries by their trees: comments, layout, spelling of literals and needless brackets do not count.

use kql_syntax::{FormatOptions, Severity, parse};

/// Whether two queries are the same query. Texts that do not parse are compared as texts.
#[must_use]
pub fn same_query(old: &str, new: &str) -> bool {
    old == new || matches!((canonical_query(old), canonical_query(new)), (Some(old), Some(new)) if old == new)
}

/// A text that two queries share exactly where their syntax trees are the same but for places and needless brackets;
/// none for a query with syntax errors.
#[must_use]
pub fn canonical_query(query: &str) -> Option<String> {
    let parsed = parse(query);
    if parsed.diagnostics.iter().any(|diagnostic| diagnostic.severity == Severity::Error) {
        return None;
    }
    Some(without_brackets(&without_spans(&format!("{:?}", parsed.query))))
}

/// The query on lines of its own layout and without comments, to show what changed in it; the text itself where it
/// does not parse.
pub(crate) fn shown(query: &str) -> String {
    let mut bare = String::with_capacity(query.len());
    let mut end = 0;
    for token in kql_syntax::tokenize(query) {
        let start = token.span.start as usize;
        if token.kind == kql_syntax::TokenKind::Comment {
            bare.push_str(query.get(end..start).unwrap_or_default());
            bare.push(' ');
            end = token.span.end as usize;
        }
    }
    bare.push_str(query.get(end..).unwrap_or_default());
    kql_syntax::format(&bare, &FormatOptions::default()).unwrap_or_else(|_| query.to_owned())
}

/// The tree's text without its places. Quoted texts in it are passed over whole.
fn without_spans(tree: &str) -> String {
    let mut out = String::with_capacity(tree.len());
    let mut rest = tree;
    while let Some(at) = rest.find(['"', 'S']) {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let taken = if rest.starts_with('"') { quoted_length(rest) } else { span_length(rest) };
        match taken {
            Some(length) if rest.starts_with('S') => rest = &rest[length..],
            length => {
                let length = length.unwrap_or(1);
                out.push_str(&rest[..length]);
                rest = &rest[length..];
            }
        }
    }
    out.push_str(rest);
    out
}

/// Length of a quoted text at the start, with its quotes.
fn quoted_length(text: &str) -> Option<usize> {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return Some(at + 1),
            _ => {}
        }
    }
    None
}

/// Length of `Span { start: …, end: … }` at the start.
fn span_length(text: &str) -> Option<usize> {
    if !text.starts_with("Span { start: ") {
        return None;
    }
    text.find('}').map(|end| end + 1)
}

/// What an expression in brackets looks like in the tree's text.
const BRACKETS: &str = "Expr { kind: Paren(";
/// What follows the expression inside.
const BRACKETS_END: &str = "), span:  }";

/// The tree's text with expressions in the place of their brackets.
fn without_brackets(tree: &str) -> String {
    let mut out = String::with_capacity(tree.len());
    // For every open round bracket: whether it belongs to brackets of the query.
    let mut open: Vec<bool> = Vec::new();
    let mut rest = tree;
    while let Some(c) = rest.chars().next() {
        let mut length = c.len_utf8();
        if let Some(inner) = rest.strip_prefix(BRACKETS) {
            open.push(true);
            rest = inner;
            continue;
        }
        match c {
            '"' => length = quoted_length(rest).unwrap_or(length),
            '(' => open.push(false),
            ')' if open.pop() == Some(true) => {
                rest = rest.strip_prefix(BRACKETS_END).unwrap_or(&rest[1..]);
                continue;
            }
            _ => {}
        }
        out.push_str(&rest[..length]);
        rest = &rest[length..];
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_counts() {
        let same = [
            ("T | where a == 'x' // note", "T\n| where a == \"x\""),
            ("T | where (a > 1)", "T | where a > 1"),
            ("T | where ((a)) > (1) and (b)", "T | where a > 1 and b"),
            ("let x = 1;\nT | take x;", "let x = 1; T | take x"),
            ("T | where a == @'c:\\x'", "T | where a == 'c:\\\\x'"),
            ("T | where f(')', \"(\")", "T | where f(\")\", '(')"),
        ];
        for (old, new) in same {
            assert!(same_query(old, new), "{old}\n{new}\n{:?}\n{:?}", canonical_query(old), canonical_query(new));
        }
        let other = [
            ("T | where a == 'x'", "T | where a == 'X'"),
            ("T | where a > 1 and b or c", "T | where a > 1 and (b or c)"),
            ("T | where a == 'Span { start: 1, end: 2 }'", "T | where a == 'Span { start: 1, end: 3 }'"),
            ("T | count", "T"),
            ("T | where a has 'x'", "T | where a contains 'x'"),
            ("T | where (", "T  | where ("),
        ];
        for (old, new) in other {
            assert!(!same_query(old, new), "{old}\n{new}");
        }
    }

    #[test]
    fn shown_without_comments() {
        assert_eq!(shown("// a\nT // b\n|where x>1//c\n|count"), "T\n| where x > 1\n| count");
        assert_eq!(shown("T | where ("), "T | where (");
    }
}
