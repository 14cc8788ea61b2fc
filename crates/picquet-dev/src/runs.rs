//! Runs every query of the corpus that Microsoft's parser accepts, on empty tables.

use std::collections::{BTreeMap, HashSet};
use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use datafusion::datasource::MemTable;
use futures::future::BoxFuture;
use kql_engine::{Database, ExternalData, Rows, Table, repr};
use kql_functions::Type;
use kql_semantics::{BindOptions, SavedFunction, SimpleCatalog, bind};

use crate::corpus::{self, OracleLine, QueryLine};
use crate::figures::{Showing, Tally};
use crate::runner::{NOW, Runner};

const LIMIT: Duration = Duration::from_secs(30);

/// Prints the failures, their reasons, and the figure.
pub(crate) fn run(shared: &Path, showing: &Showing, out: &mut dyn Write) -> anyhow::Result<()> {
    let mut catalog = corpus::catalog(shared)?;
    let queries: Vec<QueryLine> = corpus::json_lines(&shared.join("corpus/queries.jsonl"))?;
    // A workspace has some of all known tables: those that the corpus names.
    let named = words(queries.iter().map(|q| &q.query).chain(catalog.functions.values().map(|f| &f.body)));
    catalog.tables.retain(|name, _| named.contains(name));
    let oracle: Vec<OracleLine> = corpus::json_lines(&shared.join("corpus/oracle/queries.jsonl"))?;
    let accepted: HashSet<&str> = oracle.iter().filter(|o| o.ok).map(|o| o.id.as_str()).collect();
    let stand_ins = corpus::tables_for_functions(shared, &mut catalog)?;
    let runner = Runner::new(Arc::new(Empty(catalog.clone())), LIMIT)?;
    let mut tally = Tally::new(showing, out);
    let mut reasons: BTreeMap<String, usize> = BTreeMap::new();
    let mut aside: BTreeMap<&str, usize> = BTreeMap::new();
    for query in queries.iter().filter(|q| accepted.contains(q.id.as_str()) && showing.wants(&q.id)) {
        let wrong = judge(&query.query, &catalog, &runner);
        if let Some(why) = wrong.as_deref().and_then(|wrong| beyond(wrong, &query.query, &catalog)) {
            *aside.entry(why).or_default() += 1;
            continue;
        }
        if let Some(wrong) = &wrong {
            *reasons.entry(reason(wrong)).or_default() += 1;
        }
        tally.case(&query.id, wrong.as_deref())?;
    }
    let mut reasons: Vec<(String, usize)> = reasons.into_iter().collect();
    reasons.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    for (reason, count) in reasons {
        tally.note(&format!("{count:>5} {reason}"))?;
    }
    for (why, count) in aside {
        tally.note(&format!("{count:>5} left aside: {why}"))?;
    }
    tally.note(&format!("saved functions that stand as empty tables of their known columns: {stand_ins}"))?;
    runner.stop();
    tally.finish("corpus queries that run on empty tables")
}

/// Why a failure says nothing of the engine.
fn beyond(wrong: &str, query: &str, catalog: &SimpleCatalog) -> Option<&'static str> {
    if wrong.contains("A table of another service") {
        return Some("tables of another service");
    }
    let bound = bind(query, catalog, &BindOptions { now: NOW, ..BindOptions::default() });
    // On empty tables bag_unpack and pivot give no columns, and Kusto refuses their names as well.
    let undecided = (wrong.starts_with("KS142") || wrong.starts_with("KS109")) && bound.pending.is_some();
    undecided.then_some("names of columns that only rows bring")
}

fn judge(query: &str, catalog: &SimpleCatalog, runner: &Runner) -> Option<String> {
    // A text of definitions only has nothing to run.
    let bound = bind(query, catalog, &BindOptions { now: NOW, ..BindOptions::default() });
    let rel = &bound.query.as_ref()?.rel;
    let (columns, _) = match runner.run(query) {
        Ok(answer) => answer,
        Err(error) => return Some(error),
    };
    let want: Vec<(String, Type)> = rel.columns.iter().map(|c| (c.name.clone(), c.ty)).collect();
    let known = !rel.open && want.iter().all(|(_, ty)| *ty != Type::Unknown);
    let same = columns == want || !known;
    (!same).then(|| {
        let at = columns.iter().zip(&want).position(|(got, want)| got != want).unwrap_or(columns.len().min(want.len()));
        format!("columns differ from {at}: {:?} instead of {:?}", columns.get(at), want.get(at))
    })
}

/// The identifiers in texts.
fn words<'t>(texts: impl Iterator<Item = &'t String>) -> HashSet<String> {
    let split = |text: &'t String| text.split(|c: char| !c.is_alphanumeric() && c != '_');
    texts.flat_map(split).map(str::to_string).collect()
}

/// An error without the names in it.
fn reason(error: &str) -> String {
    let words: String = error.chars().take(90).collect();
    match words.split_once('\'') {
        Some((before, _)) if !error.contains("not supported") => before.trim().to_string(),
        _ => words,
    }
}

/// All tables of a catalogue, without rows.
struct Empty(SimpleCatalog);

impl Database for Empty {
    fn table(&self, name: &str) -> Option<Table> {
        let columns = self.0.tables.get(name)?.clone();
        let schema = repr::schema(columns.iter().map(|(name, ty)| (name.as_str(), *ty)));
        let provider = MemTable::try_new(schema, vec![Vec::new()]).ok()?;
        Some(Table { columns, provider: Arc::new(provider) })
    }

    fn table_names(&self) -> Vec<String> {
        self.0.tables.keys().cloned().collect()
    }

    fn function(&self, name: &str) -> Option<SavedFunction> {
        self.0.functions.get(name).cloned()
    }

    fn watchlist(&self, _: &str) -> Option<Table> {
        let columns =
            [("_DTItemId", Type::String), ("LastUpdatedTimeUTC", Type::DateTime), ("SearchKey", Type::String)];
        Table::of_rows(columns.map(|(name, ty)| (name.to_string(), ty)).into(), &[]).ok()
    }

    fn external<'a>(&'a self, _: &'a ExternalData, _: &'a [(String, Type)]) -> BoxFuture<'a, Result<Rows, String>> {
        Box::pin(async { Ok(Rows::new()) })
    }
}
