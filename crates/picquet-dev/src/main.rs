//! Commands for those who work on Picquet.

mod corpus;
mod oracle;
mod support;

use std::path::PathBuf;

use clap::{Parser, Subcommand};

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
    Oracle {
        /// Print at most this many disagreements of each kind.
        #[arg(long, default_value_t = 40)]
        most: usize,
        /// Fail below this share of equal verdicts, in percent.
        #[arg(long)]
        accept_floor: Option<f64>,
        /// Fail below this share of equal columns, in percent.
        #[arg(long)]
        columns_floor: Option<f64>,
    },
    /// Writes the support table of the documentation.
    Support,
}

/// The allocator of the `picquet` program.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

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
    match cli.command {
        Command::Oracle { most, accept_floor, columns_floor } => {
            oracle::compare(&cli.shared, most, accept_floor, columns_floor, &mut out)
        }
        Command::Support => support::write(&mut out),
    }
}
