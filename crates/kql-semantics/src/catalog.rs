//! What names mean outside the query: tables and saved functions.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use kql_functions::Type;

/// A function saved in a workspace: its KQL body and its parameters as in a function declaration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SavedFunction {
    /// Parameters as KQL writes them between the parentheses: `a:long=1, T:(x:string)`; may be empty.
    pub parameters: String,
    /// The query.
    pub body: String,
}

/// A function of which only the result is known: it can be bound, not run. It takes any arguments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownFunction {
    /// Columns of its result.
    pub columns: Vec<(String, Type)>,
    /// There may be more of them.
    pub open: bool,
}

/// Resolves names that a query does not define itself.
pub trait Catalog {
    /// Columns of a table, in order.
    fn table(&self, name: &str) -> Option<Vec<(String, Type)>>;
    /// All table names.
    fn table_names(&self) -> Vec<String>;
    /// A saved function.
    fn function(&self, _name: &str) -> Option<SavedFunction> {
        None
    }
    /// A function without a body.
    fn known_function(&self, _name: &str) -> Option<KnownFunction> {
        None
    }
    /// Columns of the watchlist of that alias, in order.
    fn watchlist(&self, _alias: &str) -> Option<Vec<(String, Type)>> {
        None
    }
    /// Where the columns of a union of all tables are kept between queries; catalogues whose tables change have none.
    fn all_columns(&self) -> Option<&AllColumns> {
        None
    }
}

/// The columns of a union of all tables, computed by the first query that needs them.
#[derive(Debug, Clone, Default)]
pub struct AllColumns {
    /// With the number of tables that they were computed for.
    known: Arc<Mutex<Option<Computed>>>,
}

type Computed = (usize, Arc<Vec<(String, Type)>>);

impl AllColumns {
    /// The columns for so many tables.
    pub(crate) fn get(&self, tables: usize, compute: impl FnOnce() -> Vec<(String, Type)>) -> Arc<Vec<(String, Type)>> {
        let known = self.known.lock().map(|known| known.clone()).unwrap_or_default();
        if let Some((_, columns)) = known.filter(|(count, _)| *count == tables) {
            return columns;
        }
        let columns = Arc::new(compute());
        if let Ok(mut known) = self.known.lock() {
            *known = Some((tables, Arc::clone(&columns)));
        }
        columns
    }
}

/// A catalogue held in memory.
#[derive(Debug, Clone, Default)]
pub struct SimpleCatalog {
    /// Tables by name.
    pub tables: BTreeMap<String, Vec<(String, Type)>>,
    /// Functions by name.
    pub functions: BTreeMap<String, SavedFunction>,
    /// Functions without bodies, by name.
    pub known_functions: BTreeMap<String, KnownFunction>,
    /// Columns of a union of all tables.
    pub all_columns: AllColumns,
}

impl Catalog for SimpleCatalog {
    fn table(&self, name: &str) -> Option<Vec<(String, Type)>> {
        self.tables.get(name).cloned()
    }

    fn table_names(&self) -> Vec<String> {
        self.tables.keys().cloned().collect()
    }

    fn function(&self, name: &str) -> Option<SavedFunction> {
        self.functions.get(name).cloned()
    }

    fn known_function(&self, name: &str) -> Option<KnownFunction> {
        self.known_functions.get(name).cloned()
    }

    fn all_columns(&self) -> Option<&AllColumns> {
        Some(&self.all_columns)
    }
}
