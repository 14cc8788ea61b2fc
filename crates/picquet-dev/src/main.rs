//! Commands for those who work on Picquet.

mod bench;
mod cases;
mod columns;
mod compare;
mod corpus;
mod crash;
mod crash_command;
mod disagreements;
mod docs_cases;
mod figures;
mod lints;
mod load;
mod oracle;
mod runner;
mod runs;
mod samples;
mod support;

use std::io::Write as _;
use std::path::PathBuf;

use clap::{Parser, Subcommand};

use bench::BenchArgs;
use crash_command::CrashArgs;
use figures::Showing;
use load::LoadArgs;
use oracle::OracleArgs;

// As the program itself has it, so that what is measured here is what it does.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[derive(Parser)]
#[command(about = "Commands for those who work on Picquet")]
struct Cli {
    /// The folder that holds the corpora.
    #[arg(long, default_value = "../shared", global = true)]
    shared: PathBuf,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Compares parser and binder with what Microsoft's parser says of the corpus queries.
    Oracle(OracleArgs),
    /// Compares the bound columns of cases with those of their answers.
    Columns(Showing),
    /// Runs the documented cases.
    DocsCases(Showing),
    /// Runs the corpus queries on empty tables.
    Runs(Showing),
    /// Loads the sample logs and runs the corpus queries on them.
    Samples(Showing),
    /// Writes the support table of the documentation.
    Support,
    /// Times the functions and operators that rules use most, over generated rows.
    Bench(BenchArgs),
    /// Kills `picquet` again and again at work, and checks that nothing is lost or doubled.
    Crash(CrashArgs),
    /// Times the taking in of logs, and many rules over a large workspace.
    Load(LoadArgs),
    /// Writes the pages of the rule checks.
    Lints {
        /// The folder of the pages.
        #[arg(default_value = "docs/lints")]
        folder: PathBuf,
    },
}

fn main() -> anyhow::Result<()> {
    let cli = Cli::parse();
    // Binding recurses with the query; the corpus holds deep ones.
    let worker = std::thread::Builder::new().stack_size(256 << 20).spawn(move || run(&cli))?;
    match worker.join() {
        Ok(result) => result,
        Err(_) => anyhow::bail!("the command panicked"),
    }
}

fn run(cli: &Cli) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    let shared = &cli.shared;
    let corpora = shared.join("corpus").is_dir();
    match &cli.command {
        Command::Support | Command::Bench(_) | Command::Crash(_) | Command::Load(_) | Command::Lints { .. } => {}
        _ if !corpora => return Ok(writeln!(out, "skipped: the corpora are not in {}", shared.display())?),
        _ => {}
    }
    match &cli.command {
        Command::Oracle(args) => oracle::compare(shared, args, &mut out),
        Command::Columns(showing) => columns::run(shared, showing, &mut out),
        Command::DocsCases(showing) => docs_cases::run(shared, showing, &mut out),
        Command::Runs(showing) => runs::run(shared, showing, &mut out),
        Command::Samples(showing) => samples::run(shared, showing, &mut out),
        Command::Support => support::write(&mut out),
        Command::Bench(args) => bench::run(args, &mut out),
        Command::Crash(args) => crash_command::run(args, &mut out),
        Command::Load(args) => load::run(args, shared, &mut out),
        Command::Lints { folder } => lints::write(folder, &mut out),
    }
}
