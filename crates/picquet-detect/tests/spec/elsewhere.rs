//! Tables that name the tests which cover a statement elsewhere.

use std::path::Path;

/// Every line ``| … | `file` `test` `test` |`` names tests that the file has. Files are given from the workspace's root.
pub fn check(document: &Path) {
    let text = std::fs::read_to_string(document).unwrap();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    for line in text.lines().filter(|line| line.starts_with('|')) {
        let mut names = line.rsplit('|').nth(1).unwrap_or_default().split('`').skip(1).step_by(2);
        let Some(file) = names.next() else { continue };
        let source = std::fs::read_to_string(root.join(file))
            .unwrap_or_else(|error| panic!("{}: {file}: {error}", document.display()));
        for test in names {
            let there = source.contains(&format!("fn {test}("));
            assert!(there, "{}: {file} has no test {test}", document.display());
        }
    }
}
