//! The catalogue's functions as DataFusion functions.
//!
//! Each is known by a name that tells the Kusto function and the Kusto types (`has(string,string)`), so that a plan can
//! be sent elsewhere and the function found again.

mod aggregate;
mod mv_expand;
mod parse;
mod scalar;
mod text;
mod vector;
mod window;

pub(crate) use aggregate::aggregate_udf;
pub(crate) use mv_expand::{Markers, field_udf, mv_expand_udf, opaque_udf};
pub(crate) use parse::{KvSpec, ParseSpec, parse_kv_udf, parse_udf};
pub(crate) use scalar::{cast_udf, scalar_udf};
pub(crate) use window::window_udf;

use datafusion::error::DataFusionError;
use kql_functions::{EvalError, Type};

/// Marks an error as one of the query, to be shown as it is.
pub(crate) fn query_error(error: EvalError) -> DataFusionError {
    DataFusionError::External(Box::new(error))
}

fn signature_name(function: &str, args: &[Type]) -> String {
    let args: Vec<&str> = args.iter().map(|t| t.name()).collect();
    format!("{function}({})", args.join(","))
}
