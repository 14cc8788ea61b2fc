//! The logs that a command looks at: files, or a workspace.

use std::collections::BTreeMap;

use futures::future::BoxFuture;
use kql_engine::{Database, ExternalData, Rows, StorageFiles, Table};
use kql_semantics::SavedFunction;
use picquet_sources::{FileDatabase, Watchlist};
use picquet_store::Snapshot;

/// Logs as a database.
pub(crate) enum Logs {
    /// Of files.
    Files(Box<FileDatabase>),
    /// Of a workspace, at the moment when it was opened.
    Workspace(Box<WorkspaceLogs>),
}

/// A workspace's tables, with functions and watchlists that are named on the command line.
pub(crate) struct WorkspaceLogs {
    pub(crate) snapshot: Snapshot,
    pub(crate) functions: BTreeMap<String, SavedFunction>,
    pub(crate) watchlists: Vec<Watchlist>,
}

impl Logs {
    /// The files, unless the logs are a workspace's.
    pub(crate) fn files(&self) -> Option<&FileDatabase> {
        match self {
            Logs::Files(files) => Some(files),
            Logs::Workspace(_) => None,
        }
    }

    /// Names of the tables that there are logs of.
    pub(crate) fn own_tables(&self) -> Vec<String> {
        match self {
            Logs::Files(files) => FileDatabase::table_names(files),
            Logs::Workspace(logs) => logs.snapshot.stored_tables().map(str::to_string).collect(),
        }
    }

    fn database(&self) -> &dyn Database {
        match self {
            Logs::Files(files) => files.as_ref(),
            Logs::Workspace(logs) => &logs.snapshot,
        }
    }
}

impl Database for Logs {
    fn table(&self, name: &str) -> Option<Table> {
        self.database().table(name)
    }

    fn table_names(&self) -> Vec<String> {
        self.database().table_names()
    }

    fn function(&self, name: &str) -> Option<SavedFunction> {
        match self {
            Logs::Files(files) => files.function(name),
            Logs::Workspace(logs) => logs.functions.get(name).cloned().or_else(|| logs.snapshot.function(name)),
        }
    }

    fn watchlist(&self, alias: &str) -> Option<Table> {
        match self {
            Logs::Files(files) => files.watchlist(alias),
            Logs::Workspace(logs) => {
                let own = logs.watchlists.iter().find(|list| list.alias.eq_ignore_ascii_case(alias));
                own.map(|list| list.table().clone()).or_else(|| logs.snapshot.watchlist(alias))
            }
        }
    }

    fn storage_schema<'a>(
        &'a self,
        files: &'a StorageFiles,
    ) -> BoxFuture<'a, Result<Vec<(String, kql_functions::Type)>, String>> {
        self.database().storage_schema(files)
    }

    fn external<'a>(
        &'a self,
        source: &'a ExternalData,
        columns: &'a [(String, kql_functions::Type)],
    ) -> BoxFuture<'a, Result<Rows, String>> {
        self.database().external(source, columns)
    }
}
