//! The laws of the formatter, over the corpus of real queries: the same tree, the same comments, and a second run that
//! changes nothing.
#![allow(clippy::expect_used, clippy::print_stderr)]

use std::fs;
use std::path::PathBuf;

use kql_syntax::{FormatOptions, TokenKind, format, parse, tokenize};

/// Each word of a text without places.
fn tree(source: &str) -> String {
    let debug = format!("{:?}", parse(source).query);
    let mut out = String::with_capacity(debug.len());
    let mut rest = debug.as_str();
    while let Some(at) = rest.find("Span { start: ") {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        rest = rest.find('}').map_or("", |end| &rest[end + 1..]);
    }
    out.push_str(rest);
    out
}

fn texts(source: &str, wanted: impl Fn(TokenKind) -> bool) -> Vec<&str> {
    tokenize(source).into_iter().filter(|t| wanted(t.kind)).map(|t| t.span.text(source).trim_end()).collect()
}

/// What is wrong with the formatted text, if anything.
fn fault(source: &str, options: &FormatOptions) -> Option<String> {
    let Ok(once) = format(source, options) else { return None };
    if texts(source, |_| true) != texts(&once, |_| true) {
        return Some("the tokens differ".to_string());
    }
    if tree(source) != tree(&once) {
        return Some("the tree differs".to_string());
    }
    match format(&once, options) {
        Ok(twice) if twice == once => None,
        Ok(twice) => {
            let line = once.lines().zip(twice.lines()).find(|(a, b)| a != b);
            Some(format!("a second run changes {line:?}"))
        }
        Err(errors) => Some(format!("the result has an error: {}", errors[0].message)),
    }
}

#[test]
fn corpus() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpus/queries.jsonl");
    let Ok(text) = fs::read_to_string(&path) else {
        eprintln!("skipped: the corpus is not in {}", path.display());
        return;
    };
    let mut faults = Vec::new();
    let mut formatted = 0;
    for line in text.lines() {
        let case: serde_json::Value = serde_json::from_str(line).expect("a JSON line");
        let query = case["query"].as_str().expect("a query");
        for width in [120, 40] {
            let options = FormatOptions { width, ..FormatOptions::default() };
            formatted += usize::from(format(query, &options).is_ok());
            if let Some(fault) = fault(query, &options) {
                faults.push(format!("{} at width {width}: {fault}", case["id"]));
            }
        }
    }
    assert!(faults.is_empty(), "{} of {formatted}:\n{}", faults.len(), faults.join("\n"));
}
