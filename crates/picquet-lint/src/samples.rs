//! Values of log data that literals are compared with.

use std::sync::Arc;

/// Where sample values come from.
pub trait Samples {
    /// Some of the different values of a table's column, as text; none where there is no data of it.
    fn values(&self, table: &str, column: &str) -> Option<Arc<Vec<String>>>;
}
