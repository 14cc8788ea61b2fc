//! No text makes lexer, parser, formatter or binder panic, hang or point outside the text: queries cut anywhere, mutated
//! anywhere, nested without end.
//!
//! `PICQUET_ROBUST_SECONDS` sets how long the random tests run (3 seconds each by default).
#![allow(clippy::expect_used, clippy::print_stderr)]

mod support;

use std::time::{Duration, Instant};

use kql_semantics::{BindOptions, SimpleCatalog, bind};
use kql_syntax::{Diagnostic, FormatOptions, format, parse, tokenize};

/// A small random number generator (xorshift), so that a failure can be repeated from its seed.
struct Random(u64);

impl Random {
    fn below(&mut self, most: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % most.max(1) as u64) as usize
    }
}

fn budget() -> Duration {
    let seconds = std::env::var("PICQUET_ROBUST_SECONDS").ok().and_then(|s| s.parse().ok());
    Duration::from_secs(seconds.unwrap_or(3))
}

fn inside(text: &str, diagnostics: &[Diagnostic]) {
    for d in diagnostics {
        let (start, end) = (d.span.start as usize, d.span.end as usize);
        assert!(start <= end && end <= text.len(), "{:?} of {} bytes in {text:?}", d.span, text.len());
        assert!(text.is_char_boundary(start) && text.is_char_boundary(end), "{:?} in {text:?}", d.span);
    }
}

/// All stages on one text; none may take long.
fn survive(text: &str, catalog: &SimpleCatalog) {
    let start = Instant::now();
    for token in tokenize(text) {
        assert!(text.get(token.span.start as usize..token.span.end as usize).is_some(), "{token:?} in {text:?}");
    }
    inside(text, &parse(text).diagnostics);
    let _ = format(text, &FormatOptions::default());
    for checking in [true, false] {
        let bound = bind(text, catalog, &BindOptions { checking, ..BindOptions::default() });
        inside(text, &bound.diagnostics);
    }
    assert!(start.elapsed() < Duration::from_secs(60), "{:?} for {text:?}", start.elapsed());
}

fn queries() -> Vec<String> {
    let mut queries = support::own_cases();
    queries.extend(support::corpus());
    queries.retain(|q| !q.contains("union *") && !q.contains("search "));
    queries
}

fn boundary(text: &str, mut at: usize) -> usize {
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

#[test]
fn cut_anywhere() {
    let (queries, catalog) = (queries(), support::catalog());
    let mut random = Random(0x9E37_79B9_7F4A_7C15);
    let start = Instant::now();
    while start.elapsed() < budget() {
        let query = &queries[random.below(queries.len())];
        let at = boundary(query, random.below(query.len() + 1));
        survive(&query[..at], &catalog);
    }
}

#[test]
fn mutate_anywhere() {
    const PIECES: [&str; 24] = [
        "(",
        ")",
        "[",
        "]",
        "{",
        "}",
        "|",
        ";",
        ",",
        ".",
        "\"",
        "'",
        "@\"",
        "```",
        "=",
        "==",
        "..",
        "*",
        "-",
        "let ",
        " by ",
        "é\u{1F600}",
        "\0",
        "1e999",
    ];
    let (queries, catalog) = (queries(), support::catalog());
    let mut random = Random(0xD1B5_4A32_D192_ED03);
    let start = Instant::now();
    while start.elapsed() < budget() {
        let mut text = queries[random.below(queries.len())].clone();
        for _ in 0..=random.below(4) {
            let tokens = tokenize(&text);
            if tokens.is_empty() {
                break;
            }
            let token = tokens[random.below(tokens.len())].span;
            let (from, to) = (token.start as usize, token.end as usize);
            match random.below(5) {
                0 => text.replace_range(from..to, ""),
                1 => text.insert_str(from, PIECES[random.below(PIECES.len())]),
                2 => {
                    let copy = text[from..to].to_string();
                    text.insert_str(to, &copy);
                }
                3 => {
                    let other = tokens[random.below(tokens.len())].span;
                    let copy = text[other.start as usize..other.end as usize].to_string();
                    text.replace_range(from..to, &copy);
                }
                _ => {
                    let at = boundary(&text, random.below(text.len()));
                    let end = boundary(&text, (at + 1 + random.below(8)).min(text.len()));
                    text.replace_range(at.min(end)..end, "");
                }
            }
        }
        survive(&text, &catalog);
    }
}

/// Thousands of levels give a tree or an error, on a thread with the stack of a test.
#[test]
fn deep_nesting() {
    let catalog = support::catalog();
    let deep = |open: &str, middle: &str, close: &str, levels: usize| {
        format!("print x = {}{middle}{}", open.repeat(levels), close.repeat(levels))
    };
    for levels in [100, 5_000, 50_000] {
        for (open, middle, close) in [
            ("(", "1", ")"),
            ("[", "1", "]"),
            ("-", "1", ""),
            ("not(", "true", ")"),
            ("f(", "1", ")"),
            ("iff(true,", "1,2", ")"),
            ("1+(", "1", ")"),
            ("a[", "0", "]"),
            ("dynamic([", "1", "])"),
            ("dynamic({\"a\":", "1", "})"),
            ("toscalar(print a=", "1", ")"),
            ("case(true,1,", "2", ")"),
        ] {
            survive(&deep(open, middle, close, levels), &catalog);
        }
        survive(&format!("T{}", ".a".repeat(levels)), &catalog);
        survive(&format!("T | where a == 1{}", " or a == 2".repeat(levels)), &catalog);
        survive(&format!("print {}", "1 + ".repeat(levels) + "1"), &catalog);
        survive(&"(T | where ".repeat(levels), &catalog);
        survive(&"T | join (".repeat(levels), &catalog);
        survive(&"let f = () { ".repeat(levels), &catalog);
        survive(&format!("print x = dynamic({}", "[".repeat(levels)), &catalog);
    }
    for levels in [100, 2_000] {
        survive(&format!("T{}", " | where a > 1".repeat(levels)), &catalog);
        let lets: String = (0..levels)
            .map(|i| format!("let x{} = {};", i, if i == 0 { "1".into() } else { format!("x{} + 1", i - 1) }))
            .collect();
        survive(&format!("{lets} print x{}", levels - 1), &catalog);
    }
}
