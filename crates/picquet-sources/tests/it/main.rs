//! Files of all kinds, read as a query reads them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, clippy::print_stderr)]

mod broken;
mod filters;
mod formats;
mod inbox;
mod ingest;
mod ingest_damaged;
mod reading;
mod sample_data;
mod scenario;
mod support;
