//! The examples of the documentation are configurations that work.

#![allow(clippy::unwrap_used)]

mod support;

use picquet_notify::Output;

#[test]
fn examples_of_outputs() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/outputs.md");
    let text = std::fs::read_to_string(path).unwrap();
    let blocks = text.split("```toml\n").skip(1).filter_map(|rest| rest.split("```").next());
    let mut kinds = Vec::new();
    for block in blocks.filter(|block| block.starts_with("[[output]]")) {
        // Secrets of the examples are not there; any text that is also a URL does.
        let line = |line: &str| match line.split_once(" = { ") {
            Some((key, value)) if value.starts_with("env") || value.starts_with("file") => {
                format!("{key} = \"https://example.com\"\n")
            }
            _ => format!("{line}\n"),
        };
        let block: String = block.lines().map(line).collect();
        for config in support::read(&block).unwrap() {
            Output::new(&config).unwrap();
            kinds.push(block.lines().find(|line| line.starts_with("kind")).unwrap().to_owned());
        }
    }
    kinds.sort();
    kinds.dedup();
    assert_eq!(kinds, ["kind = \"jsonl\"", "kind = \"smtp\"", "kind = \"syslog\"", "kind = \"webhook\""]);
}
