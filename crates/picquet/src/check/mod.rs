//! Checking queries and rules without running them: parsing and binding over table schemas, and the checks of rules.

pub(crate) mod args;
pub(crate) mod base;
pub(crate) mod batch;
mod catalog;
pub(crate) mod config;
pub(crate) mod files;
mod functions;
pub(crate) mod report;
pub(crate) mod samples;

pub(crate) use catalog::CheckCatalog;
