//! `picquet-dev crash`: the crash test of the suite, as long as one likes.

use std::io::Write;
use std::path::PathBuf;
use std::time::Instant;

use anyhow::Context as _;
use clap::Args;

use crate::crash::{self, Plan};

#[derive(Args)]
pub(crate) struct CrashArgs {
    /// How often the program is killed.
    #[arg(long, default_value_t = 30)]
    kills: usize,
    /// What the random choices are made from.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// The program; the one beside this by default.
    #[arg(long)]
    picquet: Option<PathBuf>,
    /// An empty folder to work in, which stays; by default one for temporary files, which stays only if something is
    /// wrong.
    #[arg(long)]
    folder: Option<PathBuf>,
}

/// Kills the program again and again, and prints what is wrong, or the figures.
pub(crate) fn run(args: &CrashArgs, out: &mut dyn Write) -> anyhow::Result<()> {
    let binary = match &args.picquet {
        Some(binary) => binary.clone(),
        None => std::env::current_exe()?.with_file_name(format!("picquet{}", std::env::consts::EXE_SUFFIX)),
    };
    let temporary = tempfile::tempdir()?;
    let folder = args.folder.clone().unwrap_or_else(|| temporary.path().to_path_buf());
    std::fs::create_dir_all(&folder)?;
    let started = Instant::now();
    let mut told = Ok(());
    let mut tell = |text: &str| {
        let line = writeln!(out, "{:>6.0} s  {text}", started.elapsed().as_secs_f64());
        told = std::mem::replace(&mut told, Ok(())).and(line).and(out.flush());
    };
    let plan = Plan { binary: &binary, folder: &folder, kills: args.kills, seed: args.seed };
    let done = crash::run(&plan, &mut tell);
    told?;
    if done.is_err() && args.folder.is_none() {
        let kept = temporary.keep();
        writeln!(out, "the workspace and the log stay in {}", kept.display())?;
    }
    let summary = done.context("the crash test failed")?;
    writeln!(out, "{summary}\nin {:.0} s: everything is there, once", started.elapsed().as_secs_f64())?;
    Ok(())
}
