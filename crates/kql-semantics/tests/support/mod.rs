//! Queries and tables for the tests and benchmarks of this crate.
#![allow(dead_code, clippy::expect_used, clippy::print_stderr)]

use std::fs;
use std::path::{Path, PathBuf};

use kql_functions::Type;
use kql_semantics::SimpleCatalog;

fn shared() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpus")
}

/// The queries of the corpus beside the checkout; empty, with a message, where it is not there.
pub fn corpus() -> Vec<String> {
    let path = shared().join("queries.jsonl");
    let Ok(text) = fs::read_to_string(&path) else {
        eprintln!("skipped: the corpus is not in {}", path.display());
        return Vec::new();
    };
    let query = |line: &str| {
        let row: serde_json::Value = serde_json::from_str(line).expect("a JSON line");
        row["query"].as_str().expect("a query").to_string()
    };
    text.lines().map(query).collect()
}

/// The small queries of the parser's own cases, which are always there.
pub fn own_cases() -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../kql-syntax/tests/cases");
    let mut queries = Vec::new();
    for entry in fs::read_dir(folder).expect("the cases").flatten() {
        let text = fs::read_to_string(entry.path()).expect("a case file");
        for paragraph in text.split("\n\n") {
            let lines: Vec<&str> = paragraph.lines().filter(|l| !l.starts_with("» ")).collect();
            queries.push(lines.join("\n"));
        }
    }
    queries
}

/// The tables of the corpus; without it a few of the tests' own.
pub fn catalog() -> SimpleCatalog {
    let mut catalog = SimpleCatalog::default();
    let own = vec![("a".to_string(), Type::Long), ("b".to_string(), Type::String), ("d".to_string(), Type::Dynamic)];
    catalog.tables.insert("T".to_string(), own);
    let Ok(text) = fs::read_to_string(shared().join("schemas.json")) else { return catalog };
    let schemas: std::collections::BTreeMap<String, Vec<(String, String)>> =
        serde_json::from_str(&text).expect("schemas");
    for (table, columns) in schemas {
        let typed = |(name, ty): (String, String)| (name, Type::parse(&ty).unwrap_or(Type::Dynamic));
        catalog.tables.insert(table, columns.into_iter().map(typed).collect());
    }
    catalog
}
