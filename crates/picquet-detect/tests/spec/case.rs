//! A case from its first block to its last.

use std::path::Path;

use crate::document::{Block, Case, cases, rewritten};
use crate::runner::Runner;
use crate::table::TextTable;

/// Set to rewrite the expectations of the files by what happens.
const REWRITE: &str = "PICQUET_SPEC_REWRITE";

/// Runs all cases of a file.
pub fn check(file: &Path) {
    let text = std::fs::read_to_string(file).unwrap();
    let runtime =
        tokio::runtime::Builder::new_multi_thread().enable_time().thread_stack_size(16 << 20).build().unwrap();
    let number = file.file_name().and_then(|name| name.to_str()?.split('-').next()).unwrap();
    let mut differences = Vec::new();
    for case in cases(&text) {
        assert!(case.title.starts_with(number), "{}: the case '{}' names no statement", file.display(), case.title);
        runtime.block_on(run(file, &case, &mut differences));
    }
    if std::env::var_os(REWRITE).is_some() {
        std::fs::write(file, rewritten(&text, &differences)).unwrap();
        return;
    }
    let shown = |(block, actual): &(Block, String)| {
        format!("{}:{}\nexpected:\n{}actual:\n{actual}", file.display(), block.line + 1, block.text)
    };
    assert!(differences.is_empty(), "\n{}", differences.iter().map(shown).collect::<Vec<_>>().join("\n"));
}

async fn run(file: &Path, case: &Case, differences: &mut Vec<(Block, String)>) {
    let mut runner = Runner::default();
    let mut query = None;
    for block in &case.blocks {
        let place = format!("{}:{} ({})", file.display(), block.line + 1, case.title);
        let fail = |error: String| -> ! { panic!("{place}: {error}") };
        let header = || TextTable::parse(&block.text).header;
        let actual = match block.kind.as_str() {
            "kql" => {
                query = Some(block.text.clone());
                continue;
            }
            "table" => match query.take() {
                Some(query) => runner.query(&query).await,
                None => Err("a table stands below its query".to_string()),
            },
            "runs" => runner.runs(&header()).await,
            "replay" => runner.replay(&block.rest, &header()).await,
            "rules" => runner.rules(&header()).await,
            _ => match runner.execute(block).await {
                Ok(()) => continue,
                Err(error) => fail(error),
            },
        };
        let actual = actual.unwrap_or_else(|error| fail(error));
        if actual != TextTable::parse(&block.text) {
            differences.push((block.clone(), actual.text()));
        }
    }
}
