//! DuckDB in a Python process beside.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use anyhow::Context as _;
use serde_json::{Value, json};

const SCRIPT: &str = include_str!("duckdb.py");

/// A process that answers SQL with times.
pub(super) struct DuckDb {
    process: Child,
    to: ChildStdin,
    from: BufReader<ChildStdout>,
    pub(super) version: String,
}

impl DuckDb {
    /// Starts it; says what is missing where it cannot.
    pub(super) fn start(folder: &Path, threads: Option<usize>) -> anyhow::Result<DuckDb> {
        let mut process = Command::new("python3")
            .args(["-c", SCRIPT])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("python3 is missing")?;
        let (to, from) = (process.stdin.take(), process.stdout.take());
        let (Some(to), Some(from)) = (to, from) else { anyhow::bail!("the process has no pipes") };
        let mut duckdb = DuckDb { process, to, from: BufReader::new(from), version: String::new() };
        let path = |table: &str| folder.join(format!("{table}.parquet")).to_string_lossy().into_owned();
        let views = json!({"E": path("BenchEvents"), "H": path("BenchHosts")});
        let told = duckdb.ask(&json!({"views": views, "threads": threads}))?;
        if let Some(missing) = told["missing"].as_str() {
            anyhow::bail!("{missing} is missing");
        }
        duckdb.version = told["version"].as_str().unwrap_or("?").to_string();
        Ok(duckdb)
    }

    /// Seconds that a query takes.
    pub(super) fn time(&mut self, sql: &str) -> anyhow::Result<f64> {
        let answer = self.ask(&json!({"sql": sql}))?;
        answer["seconds"].as_f64().with_context(|| format!("DuckDB: {}", answer["error"]))
    }

    fn ask(&mut self, line: &Value) -> anyhow::Result<Value> {
        // A process that ended early has told why.
        let sent = writeln!(self.to, "{line}").and_then(|()| self.to.flush());
        let mut answer = String::new();
        self.from.read_line(&mut answer)?;
        if answer.is_empty() {
            sent?;
            anyhow::bail!("python3 ended");
        }
        Ok(serde_json::from_str(&answer)?)
    }
}

impl Drop for DuckDb {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
