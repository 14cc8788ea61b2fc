//! Where tables come from.

use std::sync::Arc;

use datafusion::catalog::TableProvider;
use kql_functions::Type;

/// A table that queries can read.
#[derive(Clone)]
pub struct Table {
    /// Columns and their Kusto types, in order.
    pub columns: Vec<(String, Type)>,
    /// The rows; its schema is [`crate::repr::schema`] of the columns.
    pub provider: Arc<dyn TableProvider>,
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
}
