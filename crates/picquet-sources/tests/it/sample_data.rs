//! Real sample logs of many products, with the quirks of real exports.

use std::path::{Path, PathBuf};

use picquet_sources::{FileDatabase, Options};

use crate::support::{count, read};

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, found);
        } else if path.extension().is_some_and(|end| end == "csv" || end == "json") {
            found.push(path);
        }
    }
}

#[test]
fn every_sample_file_loads() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpus/sample-data");
    if !folder.is_dir() {
        println!("skipped: {} is not there", folder.display());
        return;
    }
    let tables = sample_tables(&folder.join("README.md"));
    let mut paths = Vec::new();
    files(&folder, &mut paths);
    paths.sort();
    assert_eq!(paths.len(), 78);
    let (mut rows, mut problems) = (0, 0);
    for path in &paths {
        let relative = path.strip_prefix(&folder).unwrap().display().to_string();
        let table = tables.iter().find(|(file, _)| *file == relative).map_or("Other", |(_, table)| table.as_str());
        let named = vec![(table.to_string(), path.clone())];
        let database = FileDatabase::open(&[], Options { named, ..Options::default() }).unwrap();
        let found = read(&database, table, &[]);
        assert_eq!(count(&database, table), found.rows.len(), "{relative}");
        assert!(!found.rows.is_empty(), "{relative}");
        let report = database.problems();
        println!(
            "{relative}: {table}, {} rows, {} columns, {} problems",
            found.rows.len(),
            found.columns.len(),
            report.total()
        );
        for problem in report.problems().iter().take(5) {
            println!("    {}", problem.to_string().replace(&format!("{}/", folder.display()), ""));
        }
        rows += found.rows.len();
        problems += report.total();
    }
    println!("{} files, {rows} rows, {problems} problems", paths.len());
}

/// Table names by file, from the list in the README.
fn sample_tables(readme: &Path) -> Vec<(String, String)> {
    let text = std::fs::read_to_string(readme).unwrap();
    text.lines()
        .filter_map(|line| {
            let cells: Vec<&str> = line.split('|').map(str::trim).collect();
            let file = cells.get(1)?.strip_prefix('`')?.strip_suffix('`')?;
            let table = cells.get(2)?.split_whitespace().next()?;
            Some((file.to_string(), table.to_string()))
        })
        .collect()
}
