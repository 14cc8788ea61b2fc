//! Loads the sample logs and runs the corpus queries that need no other tables.

use std::collections::{BTreeSet, HashSet};
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use futures::future::BoxFuture;
use kql_engine::{Database, ExternalData, Rows, Table};
use kql_functions::Type;
use kql_semantics::bound::{Query, Rel, RelKind};
use kql_semantics::{BindOptions, Catalog as _, SavedFunction, SimpleCatalog, bind};
use kql_syntax::Severity;
use picquet_sources::{FileDatabase, Options};
use serde_json::Value;

use crate::corpus::{self, OracleLine, QueryLine};
use crate::figures::{Share, Showing, Tally};
use crate::runner::{NOW, Runner};

const LIMIT: Duration = Duration::from_secs(20);

/// Prints files that cannot be loaded, queries that fail, and the figures.
pub(crate) fn run(shared: &Path, showing: &Showing, out: &mut dyn Write) -> anyhow::Result<()> {
    let folder = shared.join("corpus/sample-data");
    let files = listed(&folder)?;
    let mut tally = Tally::new(showing, out);
    let mut loaded = Share::default();
    for (table, path) in &files {
        let wrong = load(table, path);
        loaded.count(wrong.is_none());
        if let Some(wrong) = wrong {
            tally.note(&format!("{}: {wrong}", path.display()))?;
        }
    }
    tally.note(&format!("sample files that load: {loaded}"))?;

    let mut catalog = corpus::catalog(shared)?;
    corpus::tables_for_functions(shared, &mut catalog)?;
    let known: BTreeSet<String> = files.iter().map(|(table, _)| table.clone()).collect();
    let logs = FileDatabase::open(&[], Options { named: files, ..Options::default() })?;
    let runner = Runner::new(Arc::new(Samples { logs, catalog: catalog.clone() }), LIMIT)?;
    let queries: Vec<QueryLine> = corpus::json_lines(&shared.join("corpus/queries.jsonl"))?;
    let oracle: Vec<OracleLine> = corpus::json_lines(&shared.join("corpus/oracle/queries.jsonl"))?;
    let accepted: HashSet<&str> = oracle.iter().filter(|o| o.ok).map(|o| o.id.as_str()).collect();
    let mut with_rows = 0;
    for query in queries.iter().filter(|q| accepted.contains(q.id.as_str()) && showing.wants(&q.id)) {
        let Some(tables) = tables(&query.query, &catalog) else { continue };
        if tables.is_empty() || !tables.is_subset(&known) {
            continue;
        }
        let answer = runner.run(&query.query);
        with_rows += usize::from(answer.as_ref().is_ok_and(|(_, rows)| !rows.is_empty()));
        tally.case(&query.id, answer.err().as_deref())?;
    }
    tally.note(&format!("answers with rows: {with_rows}"))?;
    runner.stop();
    tally.finish("corpus queries that run on the sample logs")
}

/// The table of each file, as the folder's list says.
fn listed(folder: &Path) -> anyhow::Result<Vec<(String, PathBuf)>> {
    let list = folder.join("README.md");
    let text = fs::read_to_string(&list).with_context(|| format!("reading {}", list.display()))?;
    let row = |line: &str| {
        let mut cells = line.strip_prefix("| `")?.split('|');
        let file = cells.next()?.trim().trim_end_matches('`').to_string();
        let table = cells.next()?.trim().to_string();
        Some((table, folder.join(file)))
    };
    Ok(text.lines().filter_map(row).filter(|(_, path)| path.is_file()).collect())
}

fn load(table: &str, path: &Path) -> Option<String> {
    let named = vec![(table.to_string(), path.to_path_buf())];
    let logs = match FileDatabase::open(&[], Options { named, ..Options::default() }) {
        Ok(logs) => logs,
        Err(error) => return Some(error.to_string()),
    };
    let runner = match Runner::new(Arc::new(logs), LIMIT) {
        Ok(runner) => runner,
        Err(error) => return Some(error.to_string()),
    };
    let answer = runner.run(&format!("['{table}'] | count"));
    runner.stop();
    match answer {
        Ok((_, rows)) => {
            let count = rows.first().and_then(|row| row.first()).and_then(Value::as_i64);
            (count.unwrap_or(0) == 0).then(|| "no rows".to_string())
        }
        Err(error) => Some(error),
    }
}

/// Names of the tables that a query reads; none where it cannot be bound.
fn tables(query: &str, catalog: &SimpleCatalog) -> Option<BTreeSet<String>> {
    let bound = bind(query, catalog, &BindOptions { now: NOW, ..BindOptions::default() });
    if bound.diagnostics.iter().any(|d| d.severity == Severity::Error) {
        return None;
    }
    let Query { rel, shared, subqueries, others } = bound.query?;
    let mut todo: Vec<&Rel> = vec![&rel];
    todo.extend(shared.iter().map(|s| &s.rel));
    todo.extend(&subqueries);
    todo.extend(others.iter());
    let mut names = BTreeSet::new();
    while let Some(rel) = todo.pop() {
        if let RelKind::Table { name, .. } = &rel.kind {
            names.insert(name.clone());
        }
        todo.extend(rel.inputs());
    }
    Some(names)
}

/// The sample logs and the saved functions.
struct Samples {
    logs: FileDatabase,
    catalog: SimpleCatalog,
}

impl Database for Samples {
    fn table(&self, name: &str) -> Option<Table> {
        self.logs.table(name)
    }

    fn table_names(&self) -> Vec<String> {
        Database::table_names(&self.logs)
    }

    fn function(&self, name: &str) -> Option<SavedFunction> {
        self.catalog.function(name)
    }

    fn external<'a>(&'a self, _: &'a ExternalData, _: &'a [(String, Type)]) -> BoxFuture<'a, Result<Rows, String>> {
        Box::pin(async { Ok(Rows::new()) })
    }
}
