//! Runs queries with a limit of time.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use kql_engine::{Cancel, Database, Engine, EngineOptions, Limits, QueryOptions, json};
use kql_functions::Type;
use serde_json::Value;
use tokio::runtime::Runtime;

/// 2024-01-01: the instant of `now()` in all runs.
pub(crate) const NOW: i64 = 638_396_640_000_000_000;

/// Bytes that a query may hold.
const MEMORY: usize = 4 << 30;

/// Columns, and rows in Kusto's REST encoding.
pub(crate) type Answered = (Vec<(String, Type)>, Vec<Vec<Value>>);

/// An engine and the tables that it reads.
pub(crate) struct Runner {
    runtime: Runtime,
    engine: Arc<Engine>,
    database: Arc<dyn Database>,
    limit: Duration,
}

impl Runner {
    pub(crate) fn new(database: Arc<dyn Database>, limit: Duration) -> anyhow::Result<Runner> {
        let runtime = tokio::runtime::Builder::new_multi_thread().thread_stack_size(256 << 20).enable_all().build()?;
        // A few made-up places, for queries that ask for those of addresses.
        let places = Path::new(env!("CARGO_MANIFEST_DIR")).join("../kql-engine/tests/addresses.mmdb");
        let addresses = places.is_file().then(|| places.display().to_string());
        let options = EngineOptions { memory: Some(MEMORY), addresses, ..EngineOptions::default() };
        let engine = Arc::new(Engine::new(&options)?);
        Ok(Runner { runtime, engine, database, limit })
    }

    /// The answer, or why there is none.
    pub(crate) fn run(&self, query: &str) -> Result<Answered, String> {
        let (engine, database, query) = (Arc::clone(&self.engine), Arc::clone(&self.database), query.to_string());
        let cancel = Cancel::default();
        let limits = Limits { cancel: Some(cancel.clone()), ..Limits::default() };
        let work = self.runtime.spawn(async move {
            let options = QueryOptions { now: NOW, limits, ..QueryOptions::default() };
            let answer = engine.query(&query, database.as_ref(), &options).await.map_err(|e| e.to_string())?;
            let rows = answer.result.rows().map(|row| row.iter().map(json::to_json).collect()).collect();
            Ok((answer.result.columns, rows))
        });
        let abort = work.abort_handle();
        let limited = self.runtime.block_on(async { tokio::time::timeout(self.limit, work).await });
        // Asked for as well, since a query that does not pause is not reached by leaving it.
        cancel.cancel();
        abort.abort();
        match limited {
            Ok(Ok(answer)) => answer,
            Ok(Err(_)) => Err("the engine panicked".to_string()),
            Err(_) => Err(format!("no answer within {} s", self.limit.as_secs())),
        }
    }

    /// Ends without waiting for queries that were given up.
    pub(crate) fn stop(self) {
        self.runtime.shutdown_background();
    }
}

/// A database without tables.
pub(crate) struct Nothing;

impl Database for Nothing {
    fn table(&self, _: &str) -> Option<kql_engine::Table> {
        None
    }

    fn table_names(&self) -> Vec<String> {
        Vec::new()
    }
}
