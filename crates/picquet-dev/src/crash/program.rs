//! The program, run as its users run it.

use std::fs::{File, OpenOptions};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use jiff::Timestamp;
use serde_json::Value;

/// How many minutes of the rules' time pass in a minute.
pub(super) const SPEED: i64 = 30;

/// The program and the workspace that it works on.
pub(super) struct Program {
    binary: PathBuf,
    pub(super) workspace: PathBuf,
    /// Where it says what it does.
    log: PathBuf,
    /// The clock of the rules shows the present at this time.
    began: Timestamp,
}

/// What became of a process.
pub(super) enum Ended {
    /// It ended by itself, well.
    Well,
    /// It was killed.
    Killed,
}

impl Program {
    pub(super) fn new(binary: &Path, folder: &Path) -> Program {
        Program {
            binary: binary.to_path_buf(),
            workspace: folder.join("workspace"),
            log: folder.join("log.txt"),
            began: Timestamp::now(),
        }
    }

    /// What the clock of the rules shows.
    pub(super) fn now(&self) -> Timestamp {
        let passed = Timestamp::now().duration_since(self.began);
        let passed = passed.checked_mul(i32::try_from(SPEED).unwrap_or(1)).unwrap_or_default();
        self.began.checked_add(passed).unwrap_or(self.began)
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.binary);
        command.args(arguments).env_remove("PICQUET_WORKSPACE").env_remove("PICQUET_LOG").stdin(Stdio::null());
        command
    }

    fn log(&self) -> anyhow::Result<File> {
        OpenOptions::new().append(true).create(true).open(&self.log).with_context(|| self.log.display().to_string())
    }

    /// What the program has said so far.
    pub(super) fn said(&self) -> anyhow::Result<String> {
        Ok(String::from_utf8_lossy(&std::fs::read(&self.log)?).into_owned())
    }

    /// Runs a command on the workspace, which must end well; its output.
    pub(super) fn run(&self, arguments: &[&str]) -> anyhow::Result<String> {
        let output = self.command(arguments).output().context("the program cannot be started")?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            anyhow::bail!("picquet {} ended with {}: {said}", arguments.join(" "), output.status);
        }
        Ok(String::from_utf8(output.stdout)?)
    }

    /// The path of the workspace as an argument.
    pub(super) fn place(&self) -> anyhow::Result<&str> {
        self.workspace.to_str().context("the workspace's path is no text")
    }

    /// The rows of a query over the workspace.
    pub(super) fn query(&self, query: &str) -> anyhow::Result<Vec<Value>> {
        let text = self.run(&["query", "--workspace", self.place()?, "--format", "jsonl", "--no-truncation", query])?;
        text.lines().map(|line| Ok(serde_json::from_str(line)?)).collect()
    }

    /// What a command lists as JSON.
    pub(super) fn listed(&self, arguments: &[&str]) -> anyhow::Result<Vec<Value>> {
        let mut all = arguments.to_vec();
        all.extend(["--workspace", self.place()?, "--format", "json"]);
        Ok(serde_json::from_str(&self.run(&all)?)?)
    }

    pub(super) fn serve(&self) -> anyhow::Result<Child> {
        let clock = format!("{}@{SPEED}@{}", self.began, self.began);
        let arguments = ["serve", "--workspace", self.place()?, "--test-clock", &clock, "--inbox-settle", "50"];
        let log = self.log()?;
        self.command(&arguments).stdout(Stdio::null()).stderr(log).spawn().context("the program cannot be started")
    }

    /// Starts a command whose output goes to the log.
    pub(super) fn start(&self, arguments: &[&str]) -> anyhow::Result<Child> {
        let (out, err) = (self.log()?, self.log()?);
        self.command(arguments).stdout(out).stderr(err).spawn().context("the program cannot be started")
    }
}

/// Waits for a process, and kills it after a while.
pub(super) fn kill_after(mut child: Child, wait: Duration) -> anyhow::Result<Ended> {
    let until = Instant::now() + wait;
    loop {
        if let Some(status) = child.try_wait()? {
            anyhow::ensure!(status.success(), "the program ended by itself with {status}");
            return Ok(Ended::Well);
        }
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            break;
        }
        thread::sleep(left.min(Duration::from_millis(2)));
    }
    // `kill -9`. What it does not reach any more has ended meanwhile.
    child.kill()?;
    let status = child.wait()?;
    Ok(if status.success() { Ended::Well } else { Ended::Killed })
}

/// Asks a process to end, which it must do well within a minute.
pub(super) fn terminate(mut child: Child) -> anyhow::Result<()> {
    let status = Command::new("kill").args(["-TERM", &child.id().to_string()]).status()?;
    anyhow::ensure!(status.success(), "kill ended with {status}");
    let until = Instant::now() + Duration::from_secs(60);
    while Instant::now() < until {
        if let Some(status) = child.try_wait()? {
            anyhow::ensure!(status.success(), "the service ended with {status}");
            return Ok(());
        }
        thread::sleep(Duration::from_millis(20));
    }
    child.kill()?;
    anyhow::bail!("the service did not end")
}
