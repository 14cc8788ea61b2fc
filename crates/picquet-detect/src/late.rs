//! A database whose rows arrive late.

use std::collections::BTreeMap;

use futures::future::BoxFuture;
use jiff::Timestamp;
use kql_engine::{Database, ExternalData, Rows, Table};
use kql_functions::Type;
use kql_semantics::SavedFunction;
use picquet_rules::Duration;

use crate::time::to_ticks;

/// Another database, in which rows of some tables can only be seen a while after their TimeGenerated, as when a source
/// delivers late. `_TimeReceived` of these tables is TimeGenerated and the delay.
pub struct LateDatabase<'d> {
    inner: &'d dyn Database,
    delays: &'d BTreeMap<String, Duration>,
    now: i64,
}

impl<'d> LateDatabase<'d> {
    /// `inner` as it is seen at `now`, with the delays of its tables.
    pub fn new(inner: &'d dyn Database, delays: &'d BTreeMap<String, Duration>, now: Timestamp) -> LateDatabase<'d> {
        LateDatabase { inner, delays, now: to_ticks(now) }
    }
}

impl Database for LateDatabase<'_> {
    fn table(&self, name: &str) -> Option<Table> {
        let table = self.inner.table(name)?;
        match self.delays.get(name) {
            Some(delay) => table.received_late(delay.ticks(), self.now).ok(),
            None => Some(table),
        }
    }

    fn table_names(&self) -> Vec<String> {
        self.inner.table_names()
    }

    fn function(&self, name: &str) -> Option<SavedFunction> {
        self.inner.function(name)
    }

    fn watchlist(&self, alias: &str) -> Option<Table> {
        self.inner.watchlist(alias)
    }

    fn external<'a>(
        &'a self,
        source: &'a ExternalData,
        columns: &'a [(String, Type)],
    ) -> BoxFuture<'a, Result<Rows, String>> {
        self.inner.external(source, columns)
    }
}
