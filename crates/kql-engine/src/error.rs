//! What can go wrong with a query.

use datafusion::error::DataFusionError;
use kql_functions::EvalError;
use kql_syntax::{Diagnostic, Severity};

/// Why there is no answer.
#[derive(Debug)]
pub enum QueryError {
    /// The text is no valid query; at least one diagnostic is an error.
    Invalid(Vec<Diagnostic>),
    /// The query is valid and failed while it ran, in Kusto's words where it has some.
    Failed(String),
}

impl QueryError {
    /// The first error's code, `PQ100` for a failure at run time.
    pub fn code(&self) -> &str {
        match self {
            QueryError::Invalid(diagnostics) => first(diagnostics).map_or("PQ000", |d| d.code),
            QueryError::Failed(_) => "PQ100",
        }
    }
}

fn first(diagnostics: &[Diagnostic]) -> Option<&Diagnostic> {
    diagnostics.iter().find(|d| d.severity == Severity::Error)
}

impl std::fmt::Display for QueryError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            QueryError::Invalid(diagnostics) => match first(diagnostics) {
                Some(d) => write!(f, "{}: {}", d.code, d.message),
                None => f.write_str("the query is not valid"),
            },
            QueryError::Failed(message) => f.write_str(message),
        }
    }
}

impl std::error::Error for QueryError {}

impl From<DataFusionError> for QueryError {
    fn from(error: DataFusionError) -> Self {
        QueryError::Failed(message(&error))
    }
}

impl From<arrow::error::ArrowError> for QueryError {
    fn from(error: arrow::error::ArrowError) -> Self {
        QueryError::from(DataFusionError::from(error))
    }
}

impl From<EvalError> for QueryError {
    fn from(error: EvalError) -> Self {
        QueryError::Failed(error.0)
    }
}

/// Errors of our own functions are shown as they are, without DataFusion's words around them.
fn message(error: &DataFusionError) -> String {
    match error.find_root() {
        DataFusionError::External(inner) => inner.to_string(),
        DataFusionError::ResourcesExhausted(text) => format!("the query needs more than there is: {text}"),
        root => root.to_string(),
    }
}
