//! Gives a KQL syntax tree its meaning: names, types, functions, result schema.
//!
//! [`bind`] takes a [`Catalog`] of tables and functions and answers a typed tree ([`bound`]) and diagnostics. The
//! crate knows nothing of how a query is executed.

mod binder;
pub mod bound;
mod catalog;
mod csl;
mod explain;
mod nearest;

pub use binder::{BindOptions, Bound, EVALUATED, Pending, PendingKind, bind};
pub use catalog::{AllColumns, Catalog, KnownFunction, SavedFunction, SimpleCatalog};
pub use csl::csl_schema;
pub use explain::{RenderSpec, render_chart};
