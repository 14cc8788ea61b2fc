//! Every public rule is checked without a crash, and every finding stands at a place of its file.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stderr)]

mod support;

use std::collections::BTreeMap;

use picquet_lint::{Linter, apply};
use picquet_rules::load_text;
use support::{corpus, corpus_catalog, files, options};

#[test]
fn every_rule_of_the_corpus() {
    let Some(catalog) = corpus_catalog() else { return };
    let worker = std::thread::Builder::new().stack_size(256 << 20).spawn(move || {
        let linter = Linter::new(options(&catalog));
        let mut codes = BTreeMap::new();
        let mut rules = 0;
        for folder in ["rules", "rules-arm"].iter().filter_map(|folder| corpus(folder)) {
            for (source, loaded) in files(&folder) {
                let checked = linter.rules(&source, &loaded, None);
                rules += checked.rules.len();
                for finding in &checked.findings {
                    *codes.entry(finding.code).or_insert(0) += 1;
                    let span = finding.place.span.clone().unwrap_or_default();
                    assert!(source.text.get(span).is_some(), "{finding:?}");
                    assert!(finding.place.line > 0, "{finding:?}");
                }
                // Fixes leave a rule that can be read, with the same name and no further errors.
                let fixes: Vec<_> = checked.findings.iter().filter_map(|finding| finding.fix.as_ref()).collect();
                let (mended, _) = apply(&source.text, &fixes);
                let after = load_text(&loaded.file, &mended);
                assert_eq!(after.rules.len(), loaded.rules.len(), "{}", loaded.file);
                assert!(after.errors.len() <= loaded.errors.len(), "{}", loaded.file);
            }
        }
        eprintln!("{rules} rules: {codes:?}");
        assert!(rules >= 211, "{rules}");
    });
    worker.unwrap().join().unwrap();
}
