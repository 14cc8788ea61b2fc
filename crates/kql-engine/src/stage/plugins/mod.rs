//! Plugins with known columns: a file a plugin or a family of them.

use kql_functions::Val;
use kql_semantics::bound::Column;

use super::{Argument, Rows};
use crate::QueryError;

/// Rows of the plugin's result, parallel to `outputs`.
pub(crate) fn run<'b>(
    name: &str,
    _rows: &Rows<'b>,
    _args: &[Argument],
    _outputs: &[Column],
) -> Result<Vec<Vec<Val<'b>>>, QueryError> {
    Err(QueryError::Failed(format!("The plugin '{name}' is not supported yet.")))
}
