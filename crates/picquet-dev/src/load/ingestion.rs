//! How fast files are taken in, in a process of its own each, so that its memory can be told.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::Context as _;
use jiff::Timestamp;
use picquet_sources::ExternalPolicy;
use picquet_store::{Access, IngestFile, IngestOutcome, Workspace};
use serde::{Deserialize, Serialize};

use super::logs::LogFile;

/// What one file took.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Measured {
    pub(super) rows: u64,
    pub(super) rejected: u64,
    pub(super) seconds: f64,
    /// The most memory that the process had, where the system tells.
    pub(super) peak: Option<u64>,
    /// What the workspace grew by on the disk.
    pub(super) disk: u64,
}

/// Takes a file into a workspace, in another process.
pub(super) fn measure(workspace: &Path, file: &LogFile) -> anyhow::Result<Measured> {
    let program = std::env::current_exe()?;
    let mut command = Command::new(program);
    command.args(["load", "--measure"]).arg(workspace).arg(file.table).arg(&file.path);
    let output =
        command.stdin(Stdio::null()).stderr(Stdio::inherit()).output().context("starting the other process")?;
    anyhow::ensure!(output.status.success(), "taking in {} failed", file.path.display());
    Ok(serde_json::from_slice(&output.stdout)?)
}

/// The other process.
pub(super) fn measure_here(workspace: &Path, table: &str, path: &Path) -> anyhow::Result<Measured> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let workspace = runtime.block_on(open(workspace))?;
    let before = size_of(workspace.path());
    let file = IngestFile { path: path.to_path_buf(), table: table.to_string(), again: true, keep_received: false };
    let begun = Instant::now();
    let outcome = runtime.block_on(workspace.ingest(&file, Timestamp::now()))?;
    let seconds = begun.elapsed().as_secs_f64();
    let IngestOutcome::Taken { ingest, .. } = outcome else { anyhow::bail!("the file was taken in before") };
    let disk = size_of(workspace.path()).saturating_sub(before);
    Ok(Measured { rows: ingest.rows, rejected: ingest.rejected, seconds, peak: peak_memory(), disk })
}

/// Opens a workspace; makes it where there is none.
pub(super) async fn open(path: &Path) -> anyhow::Result<Workspace> {
    if !path.join(picquet_store::SETTINGS_FILE).exists() {
        Workspace::init(path)?;
    }
    Ok(Workspace::open(path, Access::Own, ExternalPolicy::default()).await?)
}

/// Bytes of all files below a folder.
pub(super) fn size_of(folder: &Path) -> u64 {
    let Ok(entries) = std::fs::read_dir(folder) else { return 0 };
    let size = |path: PathBuf| match std::fs::symlink_metadata(&path) {
        Ok(about) if about.is_dir() => size_of(&path),
        Ok(about) => about.len(),
        Err(_) => 0,
    };
    entries.flatten().map(|entry| size(entry.path())).sum()
}

/// The most bytes of memory that this process has had.
pub(super) fn peak_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kilobytes << 10)
}
