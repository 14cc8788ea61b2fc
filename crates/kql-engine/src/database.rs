//! Where tables come from.

use std::sync::Arc;

use datafusion::catalog::TableProvider;
use datafusion::datasource::empty::EmptyTable;
use futures::future::BoxFuture;
use kql_functions::{Type, Val};
pub use kql_semantics::bound::{ExternalData, InferenceMode, StorageFiles};

use crate::QueryError;

/// A table that queries can read.
#[derive(Clone)]
pub struct Table {
    /// Columns and their Kusto types, in order.
    pub columns: Vec<(String, Type)>,
    /// The rows; its schema is [`crate::repr::schema`] of the columns.
    pub provider: Arc<dyn TableProvider>,
}

/// Rows as values of the columns' types.
pub type Rows = Vec<Vec<Val<'static>>>;

impl Table {
    /// A table that is held in memory. Rows hold a value for each column, of its type or null.
    pub fn of_rows(columns: Vec<(String, Type)>, rows: &[Vec<Val<'_>>]) -> Result<Table, QueryError> {
        let schema = crate::repr::schema(columns.iter().map(|(name, ty)| (name.as_str(), *ty)));
        let (columns, provider) = crate::stage::table_under(columns, schema, rows)?;
        Ok(Table { columns, provider })
    }

    /// A table of these columns that has no rows, and is known to have none: a union leaves it out before it is planned.
    pub fn empty(columns: Vec<(String, Type)>) -> Table {
        let schema = crate::repr::schema(columns.iter().map(|(name, ty)| (name.as_str(), *ty)));
        Table { columns, provider: Arc::new(EmptyTable::new(schema)) }
    }

    /// Whether it is known to have no rows; a table that may have some is not.
    pub fn is_empty(&self) -> bool {
        self.provider.downcast_ref::<EmptyTable>().is_some()
    }
}

/// Resolves table names. Names are case-sensitive.
pub trait Database: Send + Sync {
    /// The table of that name.
    fn table(&self, name: &str) -> Option<Table>;
    /// All names, for messages and wildcards.
    fn table_names(&self) -> Vec<String>;
    /// A saved function.
    fn function(&self, _name: &str) -> Option<kql_semantics::SavedFunction> {
        None
    }
    /// The items of a watchlist.
    fn watchlist(&self, _alias: &str) -> Option<Table> {
        None
    }
    /// Reads what `externaldata` names, as rows of these columns. The error says what is wrong, and the remedy.
    fn external<'a>(
        &'a self,
        _source: &'a ExternalData,
        _columns: &'a [(String, Type)],
    ) -> BoxFuture<'a, Result<Rows, String>> {
        Box::pin(async { Err(NOTHING_ELSEWHERE.to_string()) })
    }
    /// The columns of the files that `infer_storage_schema` names, and the types that their values suggest. The error says
    /// what is wrong, and the remedy.
    fn storage_schema<'a>(&'a self, _files: &'a StorageFiles) -> BoxFuture<'a, Result<Vec<(String, Type)>, String>> {
        Box::pin(async { Err(NOTHING_ELSEWHERE.to_string()) })
    }
}

const NOTHING_ELSEWHERE: &str = "data from elsewhere cannot be read here";
