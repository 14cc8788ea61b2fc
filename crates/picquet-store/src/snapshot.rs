//! All tables at one moment, as a database of the query engine.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures::future::BoxFuture;
use kql_engine::{Database, ExternalData, Rows, StorageFiles, Table};
use kql_functions::Type;
use kql_semantics::SavedFunction;
use picquet_sources::Schemas;

use crate::ingest::{DEAD_LETTERS, dead_letter_columns};
use crate::storage::Storage;
use crate::table::StoredTable;
use crate::workspace::{Library, TableView};

/// The tables of a workspace at one moment: what is written later is not seen.
///
/// Tables that Microsoft Sentinel has and the workspace has no rows of are there, and empty, as in Sentinel.
pub struct Snapshot {
    tables: BTreeMap<String, TableView>,
    library: Arc<Library>,
    storage: Storage,
}

impl Snapshot {
    pub(crate) fn new(tables: BTreeMap<String, TableView>, library: Arc<Library>, storage: Storage) -> Snapshot {
        Snapshot { tables, library, storage }
    }

    /// Names of the tables that rows were written to, sorted.
    pub fn stored_tables(&self) -> impl Iterator<Item = &str> {
        self.tables.keys().map(String::as_str)
    }
}

/// The columns of a table that there is in every workspace.
fn known(table: &str) -> Option<Vec<(String, Type)>> {
    if table == DEAD_LETTERS { Some(dead_letter_columns()) } else { Schemas::builtin().table(table) }
}

/// The columns of a table: those of the known schema first, with its types.
pub(crate) fn with_known(table: &str, own: &[(String, Type)]) -> Vec<(String, Type)> {
    let mut columns = known(table).unwrap_or_default();
    let known = columns.len();
    // They mostly have the same order, and are many.
    let mut next = 0;
    for (name, ty) in own {
        match (next..known).chain(0..next).find(|at| columns[*at].0 == *name) {
            // What was stored with another type stays readable.
            Some(at) => {
                columns[at].1 = *ty;
                next = at + 1;
            }
            None => columns.push((name.clone(), *ty)),
        }
    }
    columns
}

impl Database for Snapshot {
    fn table(&self, name: &str) -> Option<Table> {
        let Some(stored) = self.tables.get(name) else {
            return known(name).map(Table::empty);
        };
        let columns = with_known(name, &stored.columns);
        if stored.files.files.is_empty() && stored.buffered.is_empty() {
            return Some(Table::empty(columns));
        }
        let (files, buffered) = (Arc::clone(&stored.files), stored.buffered.clone());
        let provider = StoredTable::new(name.to_string(), columns.clone(), self.storage.clone(), files, buffered);
        Some(Table { columns, provider: Arc::new(provider) })
    }

    fn table_names(&self) -> Vec<String> {
        let mut names: Vec<String> = self.tables.keys().cloned().collect();
        names.extend(Schemas::builtin().names().map(str::to_string));
        names.push(DEAD_LETTERS.to_string());
        names.sort();
        names.dedup();
        names
    }

    fn function(&self, name: &str) -> Option<SavedFunction> {
        self.library.functions.get(name).cloned()
    }

    fn watchlist(&self, alias: &str) -> Option<Table> {
        self.library.watchlists.iter().find(|w| w.alias.eq_ignore_ascii_case(alias)).map(|w| w.table().clone())
    }

    fn storage_schema<'a>(&'a self, files: &'a StorageFiles) -> BoxFuture<'a, Result<Vec<(String, Type)>, String>> {
        self.library.external.schema(files)
    }

    fn external<'a>(
        &'a self,
        source: &'a ExternalData,
        columns: &'a [(String, Type)],
    ) -> BoxFuture<'a, Result<Rows, String>> {
        self.library.external.read(source, columns)
    }
}
