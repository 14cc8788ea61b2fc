//! What queries may take and give: sizes of results, time, cancellation, memory.
#![allow(clippy::unwrap_used)]

use std::sync::Arc;
use std::time::Duration;

use datafusion::datasource::MemTable;
use kql_engine::{Cancel, Database, Engine, EngineOptions, Limits, QueryOptions, Table, repr};
use kql_functions::Type;

/// A table `T` of a long `x`, without rows; asking for it may cancel.
struct Tables(Option<Cancel>);

impl Database for Tables {
    fn table(&self, name: &str) -> Option<Table> {
        if name != "T" {
            return None;
        }
        if let Some(cancel) = &self.0 {
            cancel.cancel();
        }
        let provider = MemTable::try_new(repr::schema([("x", Type::Long)]), vec![Vec::new()]).unwrap();
        Some(Table { columns: vec![("x".to_string(), Type::Long)], provider: Arc::new(provider) })
    }

    fn table_names(&self) -> Vec<String> {
        vec!["T".to_string()]
    }
}

/// The rows of a result, or its error.
fn run(query: &str, limits: Limits, engine: &EngineOptions, database: &Tables) -> Result<Vec<Vec<String>>, String> {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().enable_time().thread_stack_size(16 << 20).build().unwrap();
    let engine = Engine::new(engine).unwrap();
    let options = QueryOptions { limits, ..QueryOptions::default() };
    let answer = runtime.block_on(engine.query(query, database, &options)).map_err(|e| e.to_string())?;
    Ok(answer.result.rows().map(|row| row.iter().map(|v| format!("{v:?}")).collect()).collect())
}

fn limited(query: &str, limits: Limits) -> Result<usize, String> {
    run(query, limits, &EngineOptions::default(), &Tables(None)).map(|rows| rows.len())
}

#[test]
fn results_have_a_most_of_rows() {
    let ten = || Limits { records: Some(10), ..Limits::default() };
    assert_eq!(limited("range x from 1 to 10 step 1", ten()), Ok(10));
    let error = limited("range x from 1 to 11 step 1", ten()).unwrap_err();
    assert!(error.contains("internal record count limit 10 (E_QUERY_RESULT_SET_TOO_LARGE)"), "{error}");
    assert_eq!(limited("set notruncation; range x from 1 to 11 step 1", ten()), Ok(11));
    assert_eq!(limited("set truncationmaxrecords = 11; range x from 1 to 11 step 1", ten()), Ok(11));
    assert!(limited("set truncationmaxrecords = 5; range x from 1 to 10 step 1", ten()).is_err());
    assert_eq!(limited("set query_take_max_records = 3; range x from 1 to 11 step 1", ten()), Ok(3));
    // What a query computes on the way may be larger.
    assert_eq!(limited("range x from 1 to 1000 step 1 | summarize count()", ten()), Ok(1));
    // Kusto's own limit.
    let error = limited("range x from 1 to 500001 step 1", Limits::default()).unwrap_err();
    assert!(error.contains("record count limit 500000"), "{error}");
}

#[test]
fn results_have_a_most_of_bytes() {
    let small = || Limits { bytes: Some(50_000), ..Limits::default() };
    let query = "range x from 1 to 100 step 1 | project s = strrep('x', 1000)";
    let error = limited(query, small()).unwrap_err();
    assert!(error.contains("internal data size limit 50000 (E_QUERY_RESULT_SET_TOO_LARGE)"), "{error}");
    assert_eq!(limited(&format!("set truncationmaxsize = 200000; {query}"), small()), Ok(100));
    assert_eq!(limited(&format!("set notruncation; {query}"), small()), Ok(100));
}

#[test]
fn time_runs_out() {
    let none = Limits { timeout: Some(Duration::ZERO), ..Limits::default() };
    let error = limited("range x from 1 to 10 step 1", none).unwrap_err();
    assert!(error.contains("Query is expired"), "{error}");
    let error = limited("set servertimeout = 0s; print 1", Limits::default()).unwrap_err();
    assert!(error.contains("Query is expired"), "{error}");
    let long = Limits { timeout: Some(Duration::from_secs(3600)), ..Limits::default() };
    assert_eq!(limited("set servertimeout = 1h; print 1", long), Ok(1));
    // Endless work: only its end can end the test.
    let short = || Limits { timeout: Some(Duration::from_millis(20)), ..Limits::default() };
    for query in [
        "range x from 1 to 4000000000 step 1 | where x % 3 == 5 | count",
        "range x from 1 to 4000000000 step 1 | extend s = strcat('a', x) | summarize count() by s | count",
        "range x from 1 to 4000000000 step 1 | sort by x desc | serialize n = row_number() | summarize max(n)",
        "range x from 1 to 100000 step 1 | extend k = 1 | join kind=inner (range y from 1 to 100000 step 1 | extend k = 1) \
         on k | where x + y == 1 | count",
    ] {
        let error = limited(query, short()).unwrap_err();
        assert!(error.contains("Query is expired"), "{query}: {error}");
    }
}

#[test]
fn queries_are_cancelled() {
    for query in [
        "T | count",
        "T | union (range x from 1 to 4000000000 step 1) | where x == 0 | count",
        "let m = materialize(range x from 1 to 4000000000 step 1 | where x == 0); union m, T, m | count",
        "union T, (range x from 1 to 10000 step 1) | sort by x asc | scan declare (y:long) with (step s: x > 0 => y = s.x;)",
    ] {
        let cancel = Cancel::default();
        let limits = Limits { cancel: Some(cancel.clone()), ..Limits::default() };
        let error = run(query, limits, &EngineOptions::default(), &Tables(Some(cancel))).unwrap_err();
        assert_eq!(error, "Query execution was cancelled.", "{query}");
    }
}

fn within(query: &str, megabytes: usize) -> Result<String, String> {
    let folder = tempfile::tempdir().unwrap();
    let engine = EngineOptions {
        memory: Some(megabytes << 20),
        threads: Some(2),
        spill: Some(folder.path().to_path_buf()),
        ..EngineOptions::default()
    };
    let rows = run(query, Limits::default(), &engine, &Tables(None))?;
    Ok(rows.first().and_then(|row| row.first()).cloned().unwrap_or_default())
}

/// A text of 100 characters, another one for each x.
const WIDE: &str = "extend s = strcat(strrep('x', 90), '_', x * 7919 % 1000003)";

#[test]
fn groups_spill() {
    let query = format!("range x from 1 to 100000 step 1 | {WIDE} | summarize n = count() by s | summarize sum(n)");
    assert_eq!(within(&query, 8), Ok("Long(100000)".to_string()));
}

#[test]
fn joins_spill() {
    let query = format!(
        "range x from 1 to 100000 step 1 | {WIDE} | join kind=inner (range x from 1 to 100000 step 1 | {WIDE} \
         | extend t = strcat(s, s)) on s | summarize sum(strlen(t)) , count()"
    );
    let plenty = within(&query, 1000).unwrap();
    assert_eq!(within(&query, 28), Ok(plenty));
}

#[test]
fn what_cannot_spill_says_what_to_do() {
    let query =
        format!("set maxmemoryconsumptionperiterator = 1000000; range x from 1 to 100000 step 1 | {WIDE} | project s");
    let error = within(&query, 1000).unwrap_err();
    assert!(error.contains("E_RUNAWAY_QUERY") && error.contains("--memory"), "{error}");
}
