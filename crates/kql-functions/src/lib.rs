//! Kusto's scalar values and functions, without any query engine.
//!
//! [`Catalogue`] holds every function that Kusto knows by signature, and for those that can run a row kernel over
//! [`Val`]s. Binder, engine, documentation and completion read the same records.

pub mod aggregates;
pub mod calendar;
mod cast;
pub mod catalogue;
pub mod dynamic;
pub mod families;
pub mod interrupt;
pub mod ip_locations;
pub mod parse_kv;
pub mod parse_pattern;
pub mod plugins;
pub mod regex_cache;
mod signatures;
pub mod string_match;
pub mod text;
pub mod transcode;
mod types;
mod value;

pub use catalogue::{Catalogue, Cx, EvalError, Nulls, Scalar};
pub use dynamic::Dynamic;
pub use types::Type;
pub use value::{DECIMAL_SCALE, Val};
