//! Runs every query of the corpus that Microsoft's parser accepts, on empty tables.

use std::collections::{BTreeMap, HashSet};
use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use kql_engine::{Database, ExternalData, Rows, Table};
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
    let bodies = catalog.functions.values().map(|f| f.body.as_str());
    let named = corpus::words(queries.iter().map(|q| q.query.as_str()).chain(bodies));
    catalog.tables.retain(|name, _| named.contains(name));
    let oracle: Vec<OracleLine> = corpus::json_lines(&shared.join("corpus/oracle/queries.jsonl"))?;
    let accepted: HashSet<&str> = oracle.iter().filter(|o| o.ok).map(|o| o.id.as_str()).collect();
    let stand_ins = corpus::tables_for_functions(shared, &mut catalog)?;
    let added = corpus::columns_for_functions(&mut catalog);
    let refused = refused_functions(shared, &oracle)?;
    let runner = Runner::new(Arc::new(Empty(catalog.clone())), LIMIT)?;
    let mut tally = Tally::new(showing, out);
    let mut reasons: BTreeMap<String, usize> = BTreeMap::new();
    let mut aside: BTreeMap<&str, usize> = BTreeMap::new();
    for query in queries.iter().filter(|q| accepted.contains(q.id.as_str()) && showing.wants(&q.id)) {
        let wrong = judge(&query.query, &catalog, &runner);
        if let Some(why) = wrong.as_deref().and_then(|wrong| beyond(wrong, &query.query, &catalog, &refused)) {
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
    let added: Vec<String> = added.into_iter().map(|(table, column)| format!("{table}.{column}")).collect();
    tally.note(&format!("columns that saved functions take and the known tables lack: {}", added.join(", ")))?;
    tally.note(&format!("saved functions that stand as empty tables of their known columns: {stand_ins}"))?;
    runner.stop();
    tally.finish("corpus queries that run on empty tables")
}

/// The saved functions whose bodies Microsoft's parser refuses, with the codes of its errors.
fn refused_functions(shared: &Path, oracle: &[OracleLine]) -> anyhow::Result<BTreeMap<String, Vec<String>>> {
    let codes: BTreeMap<&str, Vec<String>> = oracle
        .iter()
        .filter(|line| !line.ok)
        .map(|line| (line.id.as_str(), line.errors.iter().map(|e| e.code.clone()).collect()))
        .collect();
    let ids = corpus::function_ids(shared)?;
    Ok(ids.into_iter().filter_map(|(name, id)| Some((name, codes.get(id.as_str())?.clone()))).collect())
}

/// Why a failure says nothing of the engine.
fn beyond(
    wrong: &str,
    query: &str,
    catalog: &SimpleCatalog,
    refused: &BTreeMap<String, Vec<String>>,
) -> Option<&'static str> {
    let in_function = wrong.split_once(": In the saved function '");
    if let Some((code, name)) = in_function.and_then(|(code, rest)| Some((code, rest.split_once('\'')?.0)))
        && refused.get(name).is_some_and(|codes| codes.iter().any(|refusal| refusal == code))
    {
        return Some("saved functions that Microsoft's parser refuses with the same error");
    }
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
        self.0.tables.get(name).cloned().map(Table::empty)
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
