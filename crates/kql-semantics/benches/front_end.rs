//! Speed of parser, binder and formatter: `cargo bench -p kql-semantics`.
#![allow(missing_docs, clippy::expect_used)]

#[path = "../tests/support/mod.rs"]
mod support;

use divan::Bencher;
use kql_semantics::{BindOptions, bind};
use kql_syntax::{FormatOptions, format, parse};

/// The allocator of the `picquet` program.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() {
    divan::main();
}

const MEGABYTE: usize = 1 << 20;

/// A megabyte of one shape.
fn long(shape: &str) -> String {
    let repeat = |head: &str, piece: &str, end: &str| {
        let times = (MEGABYTE - head.len() - end.len()) / piece.len();
        format!("{head}{}{end}", piece.repeat(times))
    };
    match shape {
        "list" => repeat("T | where b in (\"x\"", ", \"203.0.113.7\"", ")"),
        "or" => repeat("T | where a == 0", " or a == 12345", ""),
        "pipes" => repeat("T", "\n| where a > 1", ""),
        "string" => repeat("print x = \"", "abcdefgh", "\""),
        "dynamic" => repeat("print x = dynamic([1", ", {\"a\": [1, 2]}", "])"),
        "open brackets" => "(".repeat(MEGABYTE),
        "bars" => "|".repeat(MEGABYTE),
        "quotes" => "\"".repeat(MEGABYTE),
        _ => (0..20_000).map(|i| format!("let variable_{i} = {i} + 1;\n")).collect::<String>() + "print variable_1",
    }
}

const SHAPES: [&str; 9] = ["list", "or", "pipes", "string", "dynamic", "lets", "open brackets", "bars", "quotes"];

#[divan::bench(args = SHAPES, sample_count = 5, sample_size = 1)]
fn parse_a_megabyte(bencher: Bencher<'_, '_>, shape: &str) {
    let text = long(shape);
    bencher.bench_local(|| parse(divan::black_box(&text)));
}

#[divan::bench(sample_count = 5, sample_size = 1)]
fn parse_and_bind_the_corpus(bencher: Bencher<'_, '_>) {
    let (queries, catalog) = (support::corpus(), support::catalog());
    let options = BindOptions { checking: true, ..BindOptions::default() };
    bencher.bench_local(|| {
        for query in &queries {
            divan::black_box(bind(query, &catalog, &options));
        }
    });
}

#[divan::bench(sample_count = 5, sample_size = 1)]
fn format_the_corpus(bencher: Bencher<'_, '_>) {
    let queries = support::corpus();
    bencher.bench_local(|| {
        for query in &queries {
            let _ = divan::black_box(format(query, &FormatOptions::default()));
        }
    });
}
