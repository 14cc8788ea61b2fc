//! The commands.

pub(crate) mod alerts;
pub(crate) mod batch;
pub(crate) mod check;
pub(crate) mod convert;
pub(crate) mod demo;
pub(crate) mod diff;
pub(crate) mod drift;
pub(crate) mod fmt;
mod git;
pub(crate) mod incidents;
pub(crate) mod ingest;
pub(crate) mod query;
pub(crate) mod replay;
pub(crate) mod rules;
pub(crate) mod run;
mod status;
pub(crate) mod workspace;

use std::collections::BTreeMap;
use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::Context as _;
use kql_engine::{Cancel, Engine, EngineOptions, Limits};
use kql_semantics::SavedFunction;
use picquet_rules::FunctionDefinition;
use picquet_sources::{ExternalPolicy, FileDatabase, Options, Watchlist};
use picquet_store::{Access, Workspace};
use signal_hook::consts::SIGINT;
use signal_hook::flag;

use crate::cli::{DataArgs, ResourceArgs};
use crate::logs::{Logs, WorkspaceLogs};

/// The logs and the engine that a command works with.
async fn open(args: &DataArgs) -> anyhow::Result<(Logs, Engine)> {
    let functions = saved_functions(&args.functions)?;
    let watchlists = watchlists(&args.watchlist)?;
    let external = ExternalPolicy { allowed: args.allow_external.clone(), replaced: args.external.clone() };
    let logs = match &args.workspace {
        Some(path) => {
            let snapshot = Workspace::open(path, Access::Share, external).await?.snapshot()?;
            Logs::Workspace(Box::new(WorkspaceLogs { snapshot, functions, watchlists }))
        }
        None => {
            let options = Options { strict: args.strict, functions, watchlists, external, ..Options::default() };
            Logs::Files(Box::new(FileDatabase::open(&args.data, options)?))
        }
    };
    Ok((logs, Engine::new(&EngineOptions::from(&args.resources.engine))?))
}

/// What a query may take and give. Ctrl-C ends it with an error; a second one ends the program.
fn limits(args: &ResourceArgs) -> anyhow::Result<Limits> {
    let cancel = Cancel::default();
    let interrupted = Arc::new(AtomicBool::new(false));
    // In this order: the first time nothing is shut down.
    flag::register_conditional_shutdown(SIGINT, 130, Arc::clone(&interrupted)).context("waiting for Ctrl-C")?;
    flag::register(SIGINT, Arc::clone(&interrupted)).context("waiting for Ctrl-C")?;
    let handle = cancel.clone();
    tokio::spawn(async move {
        while !interrupted.load(Ordering::Relaxed) {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        handle.cancel();
    });
    let nanos = |ticks: i64| u64::try_from(ticks).unwrap_or(0).saturating_mul(100);
    let mut limits = Limits {
        timeout: args.timeout.map(|timeout| Duration::from_nanos(nanos(timeout.ticks()))),
        cancel: Some(cancel),
        ..Limits::default()
    };
    if args.no_truncation {
        (limits.records, limits.bytes) = (None, None);
    }
    Ok(limits)
}

/// The saved functions of files and folders, by name.
pub(crate) fn saved_functions(paths: &[PathBuf]) -> anyhow::Result<BTreeMap<String, SavedFunction>> {
    let mut functions = BTreeMap::new();
    for path in paths {
        let found = picquet_rules::load_functions(path).map_err(|errors| {
            let lines: Vec<String> = errors.iter().map(ToString::to_string).collect();
            anyhow::anyhow!("{}", lines.join("\n"))
        })?;
        for FunctionDefinition { name, parameters, body } in found {
            functions.insert(name, SavedFunction { parameters, body });
        }
    }
    Ok(functions)
}

fn watchlists(named: &[(String, PathBuf)]) -> anyhow::Result<Vec<Watchlist>> {
    let read = |(alias, file): &(String, PathBuf)| {
        let text = file.to_string_lossy();
        let (path, key) = match text.rsplit_once('#') {
            Some((path, key)) if !file.exists() => (Path::new(path), Some(key)),
            _ => (file.as_path(), None),
        };
        Ok(Watchlist::read(alias, path, key)?)
    };
    named.iter().map(read).collect()
}

/// Width of the terminal that standard output is; `None` where it is none.
fn terminal_width() -> Option<usize> {
    if !std::io::stdout().is_terminal() {
        return None;
    }
    let columns = std::env::var("COLUMNS").ok().and_then(|c| c.parse().ok());
    columns.or_else(|| terminal_size::terminal_size().map(|(width, _)| usize::from(width.0))).or(Some(100))
}
