//! `picquet`: runs Microsoft Sentinel analytics rules anywhere, without Azure.

mod chart;
mod check;
mod cli;
mod clock;
mod commands;
mod demo;
mod diagnostics;
mod exit;
mod logs;
mod output;
mod progress;
mod reports;
mod serve;

use std::io::Write;
use std::process::ExitCode;

use clap::Parser;

use cli::{Cli, Command};
use exit::Exit;

/// Plans and trees are many small pieces, which this allocator is made for.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Queries recurse with their depth; generated ones are deep.
const STACK: usize = 512 << 20;
const WORKER_STACK: usize = 64 << 20;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let worker = std::thread::Builder::new().name("picquet".to_string()).stack_size(STACK).spawn(move || run(cli));
    let outcome = match worker.map(std::thread::JoinHandle::join) {
        Ok(Ok(outcome)) => outcome,
        Ok(Err(_)) => Err(anyhow::anyhow!("internal error: please report it with the command that led to it")),
        Err(error) => Err(anyhow::Error::new(error).context("starting a thread")),
    };
    match outcome {
        Ok(exit) => exit.into(),
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Runs the command, which tells of its failures itself.
fn run(cli: Cli) -> anyhow::Result<Exit> {
    let runtime = tokio::runtime::Builder::new_multi_thread().thread_stack_size(WORKER_STACK).enable_all().build()?;
    runtime.block_on(async {
        match cli.command {
            Command::Check(args) => commands::check::run(&args).await.map(Exit::from),
            Command::Convert(args) => commands::convert::run(&args),
            Command::Demo(args) => commands::demo::run(&args).await.map(Exit::from),
            Command::Diff(args) => commands::diff::run(&args).await,
            Command::Drift(args) => commands::drift::run(&args),
            Command::Replay(args) => commands::replay::run(&args).await.map(Exit::from),
            Command::Run(args) => commands::run::run(&args).await.map(Exit::from),
            Command::Fmt(args) => commands::fmt::run(&args).map(Exit::from),
            Command::Ingest(args) => commands::ingest::run(&args).await.map(Exit::from),
            Command::Serve(args) => serve::run(&args).await.map(Exit::from),
            Command::Alerts(args) => commands::alerts::run(&args).await.map(Exit::from),
            Command::Incidents(args) => commands::incidents::run(&args).await.map(Exit::from),
            Command::Rules(args) => commands::rules::run(&args).await.map(Exit::from),
            Command::Workspace(args) => commands::workspace::run(&args).await.map(Exit::from),
            Command::Query(args) => commands::query::run(&args).await.map(Exit::from),
        }
    })
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error
        .chain()
        .filter_map(|cause| cause.downcast_ref::<std::io::Error>())
        .any(|cause| cause.kind() == std::io::ErrorKind::BrokenPipe)
}
