//! Blanks between two tokens of one line.

use crate::{Token, TokenKind};

/// Words before `=` that are properties of an operator: what stands around their `=` stays.
const PROPERTIES: [&str; 24] = [
    "bagexpansion",
    "concurrency",
    "cycles",
    "datascope",
    "decodeblocks",
    "expandoutput",
    "flags",
    "id",
    "isfuzzy",
    "kind",
    "nooptimization",
    "num_partitions",
    "output",
    "pass_filters",
    "pass_filters_column",
    "progressive_top",
    "remote",
    "shufflekey",
    "spread",
    "strategy",
    "with_itemindex",
    "with_match_id",
    "with_source",
    "withsource",
];

/// Whether `=` behind this word belongs to a property.
pub(super) fn is_property(word: &str) -> bool {
    PROPERTIES.binary_search(&word.to_ascii_lowercase().as_str()).is_ok() || word.starts_with("with_")
}

/// Operators that have a blank on both sides, wherever they stand.
fn is_spaced(kind: TokenKind) -> bool {
    use TokenKind as T;
    matches!(
        kind,
        T::Equal
            | T::NotEqual
            | T::EqualTilde
            | T::NotTilde
            | T::LessEqual
            | T::GreaterEqual
            | T::Slash
            | T::Percent
            | T::Arrow
    )
}

/// Whether a token can end an operand.
fn ends_operand(kind: TokenKind) -> bool {
    use TokenKind as T;
    matches!(kind, T::Ident | T::String | T::Long | T::Real | T::Timespan | T::TypedLiteral | T::RParen | T::RBracket)
}

/// What stands between two tokens: a blank or nothing. Tokens that touch are only parted where that cannot change
/// what they mean, and others only joined at brackets and commas.
pub(super) fn blank(source: &str, before: Option<&Token>, left: &Token, right: &Token) -> bool {
    use TokenKind as T;
    let apart = left.span.end < right.span.start;
    match (left.kind, right.kind) {
        (_, T::Comma | T::Semicolon) => false,
        (T::LParen | T::LBracket, _) | (_, T::RParen | T::RBracket) => false,
        (T::Comma | T::Semicolon, _) => true,
        // A name that is called; `in (`, `and (` and the like are words of their own.
        (T::Ident, T::LParen) => apart && is_word_before_parenthesis(left.span.text(source)),
        (_, T::LBrace) | (T::LBrace, _) | (_, T::RBrace) | (T::RParen, T::Ident) => true,
        (l, r) if is_spaced(l) || is_spaced(r) => true,
        // `a<b`, `a>b`: but `-->` and `<--` are edges of a graph.
        (l, T::Less | T::Greater) if ends_operand(l) && !touches_edge(source, right) => true,
        (T::Less | T::Greater, r) if !touches_edge(source, left) => apart || starts_operand(r),
        (l, T::Plus) if ends_operand(l) => true,
        (T::Plus, _) if before.is_some_and(|b| ends_operand(b.kind)) => true,
        _ => apart,
    }
}

fn starts_operand(kind: TokenKind) -> bool {
    ends_operand(kind) && !matches!(kind, TokenKind::RParen | TokenKind::RBracket) || kind == TokenKind::LParen
}

/// Whether a `<` or `>` is part of `-->`, `<--`, `]->` or `<-[`.
fn touches_edge(source: &str, token: &Token) -> bool {
    let bytes = source.as_bytes();
    let before = token.span.start.checked_sub(1).and_then(|i| bytes.get(i as usize));
    let after = bytes.get(token.span.end as usize);
    before == Some(&b'-') || after == Some(&b'-') && before.is_none_or(|b| *b == b')' || b.is_ascii_whitespace())
}

/// Words that are no functions where a parenthesis follows them.
fn is_word_before_parenthesis(word: &str) -> bool {
    const WORDS: [&str; 34] = [
        "access",
        "and",
        "as",
        "between",
        "by",
        "columns",
        "datatable",
        "declare",
        "externaldata",
        "facet",
        "find",
        "fork",
        "from",
        "has_all",
        "has_any",
        "in",
        "join",
        "let",
        "lookup",
        "matches",
        "materialize",
        "of",
        "on",
        "or",
        "parse",
        "partition",
        "search",
        "step",
        "to",
        "union",
        "view",
        "where",
        "with",
        "extend",
    ];
    WORDS.contains(&word.to_ascii_lowercase().as_str())
}
