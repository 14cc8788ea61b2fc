//! The catalogue's functions as DataFusion functions.
//!
//! Each is known by a name that tells the Kusto function and the Kusto types (`has(string,string)`), so that a plan can
//! be sent elsewhere and the function found again.

mod aggregate;
mod arg_row;
mod choose;
mod groups;
mod mv_expand;
mod numbers;
mod parse;
mod scalar;
mod text;
mod texts;
mod vector;
mod window;

pub(crate) use aggregate::aggregate_udf;
pub(crate) use arg_row::arg_row_udf;
pub(crate) use choose::{MOST_CONDITIONS, choose_udf};
pub(crate) use mv_expand::{Markers, field_udf, mv_expand_udf, opaque_udf};
pub(crate) use parse::{KvSpec, ParseSpec, parse_kv_udf, parse_udf};
pub(crate) use scalar::{cast_udf, scalar_udf};
pub(crate) use window::window_udf;

use datafusion::common::config::ConfigOptions;
use datafusion::error::DataFusionError;
use kql_functions::{EvalError, Type};

use crate::limits::Interrupt;

/// Marks an error as one of the query, to be shown as it is.
pub(crate) fn query_error(error: EvalError) -> DataFusionError {
    DataFusionError::External(Box::new(error))
}

fn signature_name(function: &str, args: &[Type]) -> String {
    let args: Vec<&str> = args.iter().map(|t| t.name()).collect();
    format!("{function}({})", args.join(","))
}

/// An error once the query should end. Kernels ask before every batch.
pub(crate) fn check_interrupt(options: &ConfigOptions) -> Result<(), DataFusionError> {
    Interrupt::of(options).map_or(Ok(()), |interrupt| interrupt.check().map_err(query_error))
}
