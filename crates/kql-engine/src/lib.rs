//! Runs KQL on DataFusion with Kusto's value semantics.
//!
//! [`Engine::query`] parses, binds and runs a query over the tables of a [`Database`]. Arrow arrays hold Kusto values as
//! [`repr`] says. The engine knows no rules, files or HTTP.

mod database;
mod engine;
mod error;
mod evaluate;
pub mod json;
mod limits;
mod lower;
mod prune;
mod pushdown;
pub mod repr;
mod result;
mod scope;
mod session;
mod settings;
mod spent;
mod stage;
mod stoppable;
mod udf;
mod vacant;

pub use database::{Database, ExternalData, InferenceMode, Rows, StorageFiles, Table};
pub use engine::{Answer, Engine, EngineOptions, QueryOptions};
pub use error::QueryError;
pub use limits::{Cancel, Limits, MOST_BYTES, MOST_RECORDS};
pub use result::{QueryResult, Visualization};
pub use scope::{Scope, ScopeColumn};
pub use spent::Spent;
