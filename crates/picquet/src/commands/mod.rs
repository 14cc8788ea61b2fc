//! The commands.

pub(crate) mod batch;
pub(crate) mod check;
pub(crate) mod convert;
pub(crate) mod demo;
pub(crate) mod diff;
pub(crate) mod drift;
pub(crate) mod fmt;
mod git;
pub(crate) mod query;
pub(crate) mod run;

use std::io::IsTerminal as _;

use kql_engine::{Engine, EngineOptions};
use picquet_sources::{FileDatabase, Options};

use crate::cli::DataArgs;

/// The logs and the engine that a command works with.
fn open(args: &DataArgs) -> anyhow::Result<(FileDatabase, Engine)> {
    let options = Options { strict: args.strict, ..Options::default() };
    let database = FileDatabase::open(&args.data, options)?;
    let engine = Engine::new(&EngineOptions { memory: args.memory, threads: None })?;
    Ok((database, engine))
}

/// Width of the terminal that standard output is; `None` where it is none.
fn terminal_width() -> Option<usize> {
    if !std::io::stdout().is_terminal() {
        return None;
    }
    let columns = std::env::var("COLUMNS").ok().and_then(|c| c.parse().ok());
    columns.or_else(|| terminal_size::terminal_size().map(|(width, _)| usize::from(width.0))).or(Some(100))
}
