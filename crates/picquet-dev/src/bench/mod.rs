//! Rows per second of the functions and operators that rules use most.

mod cases;
pub(crate) mod data;
mod duckdb;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::Context as _;
use clap::Args;
use kql_engine::{Engine, EngineOptions, QueryOptions};
use picquet_sources::{FileDatabase, Options};
use regex::Regex;
use tokio::runtime::Runtime;

use cases::{Case, FUNCTIONS, OPERATORS};
use duckdb::DuckDb;

/// The marks in the document between which the table stands.
const MARKS: (&str, &str) = ("<!-- picquet-dev bench: begin -->", "<!-- picquet-dev bench: end -->");

#[derive(Debug, Args)]
pub(crate) struct BenchArgs {
    /// Rows of the generated table
    #[arg(long, default_value_t = 10_000_000)]
    rows: u64,
    /// Counted runs of each query, after one that is not
    #[arg(long, default_value_t = 5)]
    runs: usize,
    /// Threads; all processors by default
    #[arg(long)]
    threads: Option<usize>,
    /// Only what matches, by name
    #[arg(long, value_name = "REGEX")]
    only: Option<Regex>,
    /// Keep the generated files in this folder, and take them from there; about 100 bytes a row
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Run each query in DuckDB too, in turn (needs python3 with the module duckdb)
    #[arg(long)]
    duckdb: bool,
    /// Write the table into this document, between its marks
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// A measured case.
struct Measured {
    name: &'static str,
    seconds: Vec<f64>,
    /// Of DuckDB.
    others: Vec<f64>,
}

/// Runs the benchmark and prints its table.
pub(crate) fn run(args: &BenchArgs, out: &mut dyn Write) -> anyhow::Result<()> {
    let folder = data::prepare(&args.data.clone().unwrap_or_else(std::env::temp_dir), args.rows)?;
    if cfg!(debug_assertions) {
        writeln!(out, "note: this is not an optimised build; its figures say nothing")?;
    }
    let mut duckdb = match args.duckdb.then(|| DuckDb::start(&folder, args.threads)).transpose() {
        Ok(duckdb) => duckdb,
        Err(error) => {
            writeln!(out, "without DuckDB: {error:#}")?;
            None
        }
    };
    let bench = Bench::new(&folder, args)?;
    let mut text = String::new();
    for (title, cases) in [("functions", FUNCTIONS), ("operators", OPERATORS)] {
        let mut measured = Vec::new();
        for case in cases {
            if args.only.as_ref().is_some_and(|only| !only.is_match(case.name)) {
                continue;
            }
            let one = bench.measure(case, duckdb.as_mut()).with_context(|| format!("{}: {}", case.name, case.kql))?;
            writeln!(out, "{}", row(&one, args.rows))?;
            measured.push(one);
        }
        if !measured.is_empty() {
            text.push_str(&table(title, &measured, args.rows, duckdb.as_ref()));
        }
    }
    if let Some(path) = &args.out {
        write_between(path, MARKS, &text)?;
    }
    Ok(())
}

struct Bench {
    runtime: Runtime,
    engine: Engine,
    database: FileDatabase,
    runs: usize,
}

impl Bench {
    fn new(folder: &Path, args: &BenchArgs) -> anyhow::Result<Bench> {
        let runtime = tokio::runtime::Builder::new_multi_thread().thread_stack_size(64 << 20).enable_all().build()?;
        let engine = Engine::new(&EngineOptions { threads: args.threads, ..EngineOptions::default() })?;
        let database = FileDatabase::open(&[folder.to_path_buf()], Options::default())?;
        Ok(Bench { runtime, engine, database, runs: args.runs.max(1) })
    }

    fn measure(&self, case: &Case, mut duckdb: Option<&mut DuckDb>) -> anyhow::Result<Measured> {
        let query = format!("let E = view () {{ BenchEvents }}; let H = view () {{ BenchHosts }}; {}", case.kql);
        let (mut seconds, mut others) = (Vec::new(), Vec::new());
        for run in 0..=self.runs {
            let start = Instant::now();
            let answer = self.runtime.block_on(self.engine.query(&query, &self.database, &QueryOptions::default()));
            let taken = start.elapsed().as_secs_f64();
            let rows = answer.map_err(|e| anyhow::anyhow!("{e}"))?.result.row_count();
            anyhow::ensure!(rows == 1, "{rows} rows instead of one");
            let other = match (duckdb.as_deref_mut(), case.sql) {
                (Some(duckdb), Some(sql)) => Some(duckdb.time(sql)?),
                _ => None,
            };
            if run > 0 {
                seconds.push(taken);
                others.extend(other);
            }
        }
        Ok(Measured { name: case.name, seconds, others })
    }
}

fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied()
}

/// DuckDB's time over ours: above one we are faster. The median of the pairs, so that what slows the machine counts for
/// both.
fn ratio(one: &Measured) -> Option<f64> {
    let pairs: Vec<f64> = one.others.iter().zip(&one.seconds).map(|(other, own)| other / own).collect();
    median(&pairs)
}

fn row(one: &Measured, rows: u64) -> String {
    let seconds = median(&one.seconds).unwrap_or(f64::NAN);
    let name = one.name.replace('|', "\\|");
    let speed = rows as f64 / seconds / 1e6;
    let (least, most) = one.seconds.iter().fold((f64::MAX, 0f64), |(a, b), s| (a.min(*s), b.max(*s)));
    let span = format!("{:.1}–{:.1}", rows as f64 / most / 1e6, rows as f64 / least / 1e6);
    match ratio(one) {
        Some(ratio) => format!("| `{name}` | {speed:.1} | {span} | {ratio:.2} |"),
        None => format!("| `{name}` | {speed:.1} | {span} | |"),
    }
}

fn table(title: &str, measured: &[Measured], rows: u64, duckdb: Option<&DuckDb>) -> String {
    let runs = measured.first().map_or(0, |m| m.seconds.len());
    let other = duckdb.map_or_else(String::new, |d| format!("DuckDB {} time over ours", d.version));
    let mut text = format!(
        "\n{rows} rows, median of {runs} runs; millions of rows a second.\n\n| {title} | M rows/s | least–most | {other} |\n\
         |---|---|---|---|\n"
    );
    for one in measured {
        text.push_str(&row(one, rows));
        text.push('\n');
    }
    text
}

/// Puts a text between two marks of a document, in place of what stands there.
pub(crate) fn write_between(path: &Path, (begin, end): (&str, &str), text: &str) -> anyhow::Result<()> {
    let document = std::fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))?;
    let parts = document.split_once(begin).and_then(|(before, rest)| Some((before, rest.split_once(end)?.1)));
    let Some((before, after)) = parts else {
        anyhow::bail!("{} has no lines {begin} and {end}", path.display());
    };
    std::fs::write(path, format!("{before}{begin}\n{text}\n{end}{after}"))?;
    Ok(())
}
