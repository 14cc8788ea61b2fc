//! Checking queries and rules without running them: parsing and binding over table schemas.

pub(crate) mod answer;
pub(crate) mod args;
pub(crate) mod batch;
mod catalog;
mod functions;
mod place;
pub(crate) mod report;
mod unit;

pub(crate) use catalog::CheckCatalog;
pub(crate) use unit::{collect, of_text};
