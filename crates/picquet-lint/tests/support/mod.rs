//! Rules and tables for the tests and benchmarks of this crate.
#![allow(dead_code, clippy::expect_used, clippy::print_stderr)]

pub mod rules;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use kql_functions::Type;
use kql_semantics::SimpleCatalog;
use picquet_lint::{Checked, Finding, Linter, Options, Set, Source};
use picquet_rules::{Loaded, load_path, load_text};

/// 2026-03-15 in ticks since year 1.
pub const NOW: i64 = 639_091_296_000_000_000;

/// The folder of the corpora; none, with a message, where it is not there.
pub fn corpus(path: &str) -> Option<PathBuf> {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared");
    let shared = std::env::var_os("PICQUET_SHARED").map_or_else(beside, PathBuf::from);
    let path = shared.join("corpus").join(path);
    if !path.exists() {
        eprintln!("skipped: {} is not there", path.display());
        return None;
    }
    Some(path)
}

/// A few tables as Sentinel has them.
pub fn catalog() -> SimpleCatalog {
    let mut catalog = SimpleCatalog::default();
    let tables: [(&str, &[(&str, Type)]); 4] = [
        (
            "SigninLogs",
            &[
                ("TimeGenerated", Type::DateTime),
                ("UserPrincipalName", Type::String),
                ("IPAddress", Type::String),
                ("ResultType", Type::String),
                ("LocationDetails", Type::Dynamic),
                ("Type", Type::String),
            ],
        ),
        (
            "AuditLogs",
            &[("TimeGenerated", Type::DateTime), ("OperationName", Type::String), ("TargetResources", Type::Dynamic)],
        ),
        (
            "DeviceProcessEvents",
            &[
                ("TimeGenerated", Type::DateTime),
                ("Timestamp", Type::DateTime),
                ("DeviceName", Type::String),
                ("ProcessCommandLine", Type::String),
                ("SHA256", Type::String),
            ],
        ),
        ("Small", &[("Name", Type::String)]),
    ];
    for (name, columns) in tables {
        let columns = columns.iter().map(|(name, ty)| ((*name).to_owned(), *ty)).collect();
        catalog.tables.insert(name.to_owned(), columns);
    }
    catalog
}

/// The tables of the corpus.
pub fn corpus_catalog() -> Option<SimpleCatalog> {
    let text = std::fs::read_to_string(corpus("schemas.json")?).expect("schemas");
    let schemas: BTreeMap<String, Vec<(String, String)>> = serde_json::from_str(&text).expect("schemas");
    let mut catalog = SimpleCatalog::default();
    for (table, columns) in schemas {
        let typed = |(name, ty): (String, String)| (name, Type::parse(&ty).unwrap_or(Type::Dynamic));
        catalog.tables.insert(table, columns.into_iter().map(typed).collect());
    }
    Some(catalog)
}

/// The files of a folder of rules with their texts.
pub fn files(folder: &Path) -> Vec<(Source, Loaded)> {
    let read = |loaded: Loaded| {
        let bytes = std::fs::read(&loaded.file).expect("a file");
        (Source::new(Some(loaded.file.clone()), picquet_rules::decode_text(&bytes)), loaded)
    };
    load_path(folder).into_iter().map(read).collect()
}

/// All sets, and no data.
pub fn options(catalog: &SimpleCatalog) -> Options<'_> {
    Options { sets: Set::ALL.to_vec(), allow: Vec::new(), catalog, now: NOW, samples: None, connectors: Vec::new() }
}

/// What checking a text gives.
pub fn check(options: &Options<'_>, name: &str, text: &str, previous: Option<&str>) -> Checked {
    let source = Source::new(Some(name.to_owned()), text.to_owned());
    Linter::new(options.clone()).rules(&source, &load_text(name, text), previous)
}

/// The findings of a code, each as the text that it stands at.
pub fn texts<'t>(findings: &[Finding], code: &str, text: &'t str) -> Vec<&'t str> {
    let of_code = findings.iter().filter(|finding| finding.code == code);
    of_code.map(|finding| finding.place.span.clone().and_then(|span| text.get(span)).unwrap_or("?")).collect()
}
