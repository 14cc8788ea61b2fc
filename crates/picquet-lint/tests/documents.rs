//! The pages of the checks are those that the doc comments give.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::collections::BTreeSet;
use std::path::Path;

#[test]
fn pages_are_up_to_date() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/lints");
    let mut names = BTreeSet::new();
    for (name, text) in picquet_lint::pages() {
        let written = std::fs::read_to_string(folder.join(&name)).unwrap_or_default();
        assert!(written == text, "docs/lints/{name} is out of date: run `cargo run -p picquet-dev -- lints`");
        names.insert(name);
    }
    for entry in std::fs::read_dir(&folder).expect("docs/lints") {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(names.contains(&name), "docs/lints/{name} is the page of no check");
    }
}
