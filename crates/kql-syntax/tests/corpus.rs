//! Real queries, which lie beside the repository. Without them the tests pass with a message.
#![allow(clippy::expect_used, clippy::print_stderr)]

use std::collections::{HashMap, HashSet};
use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use kql_syntax::{Parsed, Severity, parse, tokenize};
use serde_json::Value;

fn rows(file: &str) -> Vec<Value> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpus").join(file);
    let Ok(text) = fs::read_to_string(&path) else {
        eprintln!("skipped: no corpus at {}", path.display());
        return Vec::new();
    };
    text.lines().filter(|l| !l.trim().is_empty()).map(|l| serde_json::from_str(l).expect("a JSON line")).collect()
}

fn text<'v>(row: &'v Value, key: &str) -> &'v str {
    row[key].as_str().unwrap_or_default()
}

fn errors(parsed: &Parsed) -> Vec<String> {
    let errors = parsed.diagnostics.iter().filter(|d| d.severity == Severity::Error);
    errors.map(|d| format!("{} {:?} {}", d.code, d.span, d.message)).collect()
}

/// Codes that come from the parser, not from the binder.
fn is_syntax(code: &str) -> bool {
    code < "KS100" || matches!(code, "KS160" | "KS176" | "KS198" | "KS228")
}

/// The ids of the queries that Microsoft's parser refuses for their syntax.
fn broken() -> HashSet<String> {
    let wrong = |row: &Value| {
        let errors = row["errors"].as_array();
        errors.is_some_and(|es| es.iter().any(|e| is_syntax(text(e, "code"))))
    };
    rows("oracle/queries.jsonl").iter().filter(|r| wrong(r)).map(|r| text(r, "id").to_owned()).collect()
}

#[test]
fn queries_are_judged_as_by_the_oracle() {
    let broken = broken();
    let mut failures = Vec::new();
    for row in rows("queries.jsonl") {
        let id = text(&row, "id");
        let found = errors(&parse(text(&row, "query")));
        if found.is_empty() == broken.contains(id) {
            failures.push(format!("{id}: {found:?}"));
        }
    }
    assert!(failures.is_empty(), "{} queries:\n{}", failures.len(), failures.join("\n"));
}

#[test]
fn function_bodies_parse() {
    let broken = broken();
    for row in rows("functions.jsonl") {
        if !broken.contains(text(&row, "id")) {
            let found = errors(&parse(text(&row, "query")));
            assert!(found.is_empty(), "{}: {found:?}", text(&row, "name"));
        }
    }
}

#[test]
fn queries_that_the_engine_answers_parse() {
    for file in ["kusto-truth/cases.jsonl", "kusto-truth/fuzz-cases.jsonl"] {
        for row in rows(file).iter().filter(|r| r["error"] != true) {
            let found = errors(&parse(text(row, "query")));
            assert!(found.is_empty(), "{}: {found:?}", text(row, "id"));
        }
    }
}

/// Each query cut at some places, and with some bytes left out: no panic, spans inside the text.
#[test]
fn broken_queries_do_not_panic() {
    for (n, row) in rows("queries.jsonl").iter().enumerate() {
        let query = text(row, "query");
        let step = (query.len() / 6).max(1);
        let mut at = n % 17;
        while at < query.len() {
            if let (Some(head), Some(tail)) = (query.get(..at), query.get(at..)) {
                check(head);
                check(tail);
                check(&format!("{head}{}", tail.get(1..).unwrap_or_default()));
            }
            at += step;
        }
    }
}

fn check(query: &str) {
    for diagnostic in parse(query).diagnostics {
        let span = diagnostic.span;
        assert!(span.start <= span.end && span.end as usize <= query.len(), "{span:?} in {query}");
        assert!(query.is_char_boundary(span.start as usize) && query.is_char_boundary(span.end as usize));
    }
}

#[test]
fn tokens_cover_all_but_white_space() {
    for row in rows("queries.jsonl") {
        let query = text(&row, "query");
        let mut end = 0;
        for token in tokenize(query) {
            let gap = &query[end..token.span.start as usize];
            assert!(gap.chars().all(|c| c.is_whitespace() || matches!(c, '\u{feff}' | '\u{200b}')), "{gap:?}");
            end = token.span.end as usize;
        }
    }
}

#[test]
fn the_whole_corpus_parses_in_seconds() {
    let queries = rows("queries.jsonl");
    let mut slowest: HashMap<Duration, String> = HashMap::new();
    let start = Instant::now();
    for row in &queries {
        let one = Instant::now();
        parse(text(row, "query"));
        slowest.insert(one.elapsed(), text(row, "id").to_owned());
    }
    let max = slowest.iter().max();
    assert!(start.elapsed() < Duration::from_secs(20), "{:?}, slowest {max:?}", start.elapsed());
}
