#![no_main]

use kql_functions::Type;
use kql_semantics::{BindOptions, SimpleCatalog, bind};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let mut catalog = SimpleCatalog::default();
    let columns = [("a", Type::Long), ("b", Type::String), ("d", Type::Dynamic), ("t", Type::DateTime)];
    catalog.tables.insert("T".to_string(), columns.iter().map(|(n, t)| (n.to_string(), *t)).collect());
    for checking in [true, false] {
        let bound = bind(text, &catalog, &BindOptions { checking, ..BindOptions::default() });
        for d in bound.diagnostics {
            assert!(text.get(d.span.start as usize..d.span.end as usize).is_some());
        }
    }
});
