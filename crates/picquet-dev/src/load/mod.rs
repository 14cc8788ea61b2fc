//! A workspace under load: how fast logs are taken in, and how far many rules fall behind.

mod ingestion;
mod logs;
mod report;
mod rules;
mod tables;
mod values;

use std::io::Write;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use crate::bench::write_between;

/// 2024-03-15: when the rules begin to run.
const NOW: i64 = 638_460_576_000_000_000;
/// Two weeks: the rows of the tables lie in them.
const SPAN: i64 = 14 * 864_000_000_000;
/// Five minutes.
const STEP: i64 = 5 * 60 * values::SECOND;

/// The marks in the document between which the figures stand.
const MARKS: (&str, &str) = ("<!-- picquet-dev load: begin -->", "<!-- picquet-dev load: end -->");

#[derive(Debug, Args)]
pub(crate) struct LoadArgs {
    /// Megabytes of log text that are taken in
    #[arg(long, default_value_t = 1000)]
    megabytes: u64,
    /// Files that they are in
    #[arg(long, default_value_t = 4)]
    files: usize,
    /// Rows of the tables that the rules run on
    #[arg(long, default_value_t = 20_000_000)]
    rows: u64,
    /// Rules
    #[arg(long, default_value_t = 200)]
    rules: usize,
    /// Five-minute steps
    #[arg(long, default_value_t = 6)]
    steps: u64,
    /// Threads of the rules' queries, and rules side by side
    #[arg(long, default_value_t = 2)]
    threads: usize,
    /// Only one of the two
    #[arg(long, value_enum)]
    only: Option<Half>,
    /// Keep the generated tables in this folder, and take them from there; about 60 bytes a row
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Write the figures into this document, between its marks
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Take one file into a workspace and tell what it took: WORKSPACE TABLE FILE
    #[arg(long, num_args = 3, hide = true)]
    measure: Option<Vec<PathBuf>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Half {
    Ingestion,
    Rules,
}

/// Measures, and prints the figures.
pub(crate) fn run(args: &LoadArgs, shared: &Path, out: &mut dyn Write) -> anyhow::Result<()> {
    if let Some([workspace, table, file]) = args.measure.as_deref() {
        let measured = ingestion::measure_here(workspace, &table.to_string_lossy(), file)?;
        return Ok(writeln!(out, "{}", serde_json::to_string(&measured)?)?);
    }
    if cfg!(debug_assertions) {
        writeln!(out, "note: this is not an optimised build; its figures say nothing")?;
    }
    let own = tempfile::tempdir()?;
    let mut text = String::new();
    if args.only != Some(Half::Rules) {
        let files = logs::write(own.path(), args.files, args.megabytes * 1_000_000)?;
        let workspace = own.path().join("workspace");
        let mut measured = Vec::with_capacity(files.len());
        for file in &files {
            measured.push((file, ingestion::measure(&workspace, file)?));
        }
        text.push_str(&report::ingestion(&measured));
    }
    if args.only != Some(Half::Ingestion) {
        if shared.join("corpus/rules").is_dir() {
            let folder = args.data.clone().unwrap_or_else(|| own.path().join("rules"));
            text.push_str(&report::rules(&rules::run(args, shared, &folder, out)?));
        } else {
            writeln!(out, "only ingestion is measured: the rules of the corpus are not in {}", shared.display())?;
        }
    }
    write!(out, "{text}")?;
    match &args.out {
        Some(path) => write_between(path, MARKS, &text),
        None => Ok(()),
    }
}
