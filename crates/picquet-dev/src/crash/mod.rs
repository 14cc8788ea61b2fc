//! The program is killed again and again while it takes in files and runs rules; then it is looked at what is there.
//!
//! Killing a process tests that what was answered had been handed to the operating system, and that what was half done is
//! taken up or forgotten. It does not test the loss of power. What stands against that is the order of the writes:
//!
//! * The state (SQLite) has a write-ahead log and `synchronous=FULL`: a transaction is synced before it is answered. A small
//!   file's rows, a run with all that follows from it, and what became of a message are one transaction each.
//! * Files of a table and the entries of its log are synced before they get their names, and their folders after that, up
//!   to the first that was there before (`Storage`, in `picquet-store`). A file's rows become part of the table with the
//!   entry of the log, which is written last.
//! * A file of the inbox is moved away after that. If the move is lost, the file is found again, and known by its content.
//! * A line of a JSON lines output is synced before the message counts as sent.

mod checks;
mod logs;
mod messages;
mod program;
mod random;
mod setup;

use std::fmt;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use self::logs::{ARRIVING, Fate, INGESTED, LogFile};
use self::program::{Ended, Program, kill_after, terminate};
use self::random::Random;
use self::setup::{AlertOf, Rule};

/// What is to be done.
pub(crate) struct Plan<'a> {
    /// The program.
    pub(crate) binary: &'a Path,
    /// An empty folder.
    pub(crate) folder: &'a Path,
    /// How often the program is killed.
    pub(crate) kills: usize,
    /// What the random choices are made from.
    pub(crate) seed: u64,
}

/// What was done.
#[derive(Debug, Default)]
pub(crate) struct Summary {
    /// `kill -9` of a served workspace, of `ingest`, and of commands beside a served workspace.
    pub(crate) kills: [usize; 3],
    /// Files that were taken in, and those of which it is not known.
    pub(crate) files: [usize; 2],
    pub(crate) rows: u64,
    pub(crate) runs: usize,
    pub(crate) alerts: usize,
    pub(crate) incidents: usize,
    /// Messages, and how many of them came more than once.
    pub(crate) messages: [usize; 2],
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [served, ingesting, beside] = self.kills;
        let ([taken_in, cut_off], [messages, again]) = (self.files, self.messages);
        let (rows, runs, alerts, incidents) = (self.rows, self.runs, self.alerts, self.incidents);
        write!(
            f,
            "kills: {served} of a served workspace, {ingesting} while a file was ingested, {beside} of commands beside a \
             service\n{taken_in} files taken in, {cut_off} left cut off, {rows} rows\n{runs} runs, {alerts} alerts, \
             {incidents} incidents, {messages} messages, of which {again} came again"
        )
    }
}

/// How long the catching up after the last kill may take.
const CATCH_UP: Duration = Duration::from_secs(300);

struct Work<'a> {
    program: Program,
    random: Random,
    /// Where files are written before they are dropped.
    drafts: PathBuf,
    inbox: PathBuf,
    files: Vec<LogFile>,
    /// Files that are to be taken in once more.
    again: Vec<usize>,
    /// How long taking in a large file lasted at most.
    longest: Duration,
    /// The comments that were acknowledged.
    comments: Vec<String>,
    summary: Summary,
    tell: &'a mut dyn FnMut(&str),
}

/// Kills the program so often, lets it catch up, and checks everything. What is wrong is the error.
pub(crate) fn run(plan: &Plan<'_>, tell: &mut dyn FnMut(&str)) -> anyhow::Result<Summary> {
    let program = Program::new(plan.binary, plan.folder);
    program.run(&["workspace", "init", program.place()?])?;
    setup::write_settings(&program.workspace)?;
    let drafts = plan.folder.join("drafts");
    std::fs::create_dir_all(&drafts)?;
    let mut work = Work {
        inbox: program.workspace.join("inbox"),
        program,
        random: Random::new(plan.seed),
        drafts,
        files: Vec::new(),
        again: Vec::new(),
        longest: Duration::from_secs(1),
        comments: Vec::new(),
        summary: Summary::default(),
        tell,
    };
    work.first_look()?;
    let mut told = 0;
    while work.kills() < plan.kills {
        if work.random.chance(60) {
            work.serve()?
        } else {
            work.ingest()?
        }
        if work.kills() >= told + 50 {
            told = work.kills();
            (work.tell)(&format!("{told} kills, {} files", work.files.len()));
        }
    }
    work.catch_up()?;
    checks::all(&mut work)?;
    Ok(work.summary)
}

impl Work<'_> {
    fn kills(&self) -> usize {
        self.summary.kills.iter().sum()
    }

    /// A service that is not killed before there are rows, and rules that know of them: they run from then on without a gap.
    fn first_look(&mut self) -> anyhow::Result<()> {
        let child = self.program.serve()?;
        let mut file = logs::write(&self.drafts, 0, ARRIVING, 10, self.program.now())?;
        file.early = true;
        file.drop_into(&self.inbox)?;
        self.files.push(file);
        let started = Instant::now();
        let wait = || {
            thread::sleep(Duration::from_millis(100));
            anyhow::ensure!(started.elapsed() < CATCH_UP, "a first file, or the rules, are not taken up");
            Ok(())
        };
        while !self.inbox_is_empty()? {
            wait()?;
        }
        setup::write_rules(&self.program.workspace)?;
        while !self.has_run_after(self.program.now().checked_sub(SignedDuration::from_hours(1))?)? {
            wait()?;
        }
        terminate(child)
    }

    fn new_file(&mut self, table: &'static str) -> anyhow::Result<usize> {
        let rows = match self.random.below(10) {
            // More than go through the buffer.
            0..2 => 20_001 + self.random.below(20_000),
            2..5 => 1_000 + self.random.below(4_000),
            _ => 1 + self.random.below(50),
        };
        let number = self.files.len();
        self.files.push(logs::write(&self.drafts, number as u64, table, rows, self.program.now())?);
        Ok(number)
    }

    /// A service that lives for a while, into whose inbox files are dropped.
    fn serve(&mut self) -> anyhow::Result<()> {
        let mut drops = Vec::new();
        for _ in 0..self.random.below(3) {
            drops.push(self.new_file(ARRIVING)?);
        }
        let mut child = self.program.serve()?;
        let life = match self.random.below(4) {
            0 => self.random.wait(Duration::from_millis(400)),
            _ => Duration::from_millis(300) + self.random.wait(Duration::from_millis(1800)),
        };
        let until = Instant::now() + life;
        for number in drops {
            let left = until.saturating_duration_since(Instant::now());
            thread::sleep(self.random.wait(left / 2));
            let inbox = self.inbox.clone();
            if let Some(file) = self.files.get_mut(number) {
                file.drop_into(&inbox)?;
            }
        }
        if self.random.chance(30) {
            self.comment()?;
        }
        thread::sleep(until.saturating_duration_since(Instant::now()));
        if let Some(status) = child.try_wait()? {
            anyhow::bail!("the service ended by itself with {status}");
        }
        match kill_after(child, Duration::ZERO)? {
            Ended::Killed => self.count(0),
            Ended::Well => {}
        }
        Ok(())
    }

    /// Somebody comments on an incident while the workspace is served, by a command that may be killed as well.
    fn comment(&mut self) -> anyhow::Result<()> {
        let incidents = self.program.listed(&["incidents", "list", "--limit", "20"])?;
        let mut numbers: Vec<i64> = incidents.iter().filter_map(|incident| incident["number"].as_i64()).collect();
        let Some(number) = self.random.take(&mut numbers) else { return Ok(()) };
        let text = format!("remark {}", self.kills() * 1000 + self.comments.len());
        let place = self.program.place()?;
        let arguments = ["incidents", "comment", &number.to_string(), &text, "--workspace", place];
        let child = self.program.start(&arguments)?;
        let patience = if self.random.chance(30) { Duration::from_millis(300) } else { Duration::from_secs(60) };
        match kill_after(child, self.random.wait(patience).max(patience / 4))? {
            Ended::Well => self.comments.push(text),
            Ended::Killed => self.count(2),
        }
        Ok(())
    }

    /// A file is taken in by command; one that was cut off before, or a new one.
    fn ingest(&mut self) -> anyhow::Result<()> {
        let number = match self.random.chance(50) {
            true => self.random.take(&mut self.again),
            false => None,
        };
        let number = match number {
            Some(number) => number,
            None => self.new_file(INGESTED)?,
        };
        let wait = self.random.wait(self.longest * 5 / 4);
        if self.ingest_file(number, wait)? {
            return Ok(());
        }
        self.count(1);
        // Some are left as they are.
        if self.random.chance(75) {
            self.again.push(number);
        }
        Ok(())
    }

    /// Whether the file was taken in before the command was killed.
    fn ingest_file(&mut self, number: usize, wait: Duration) -> anyhow::Result<bool> {
        let file = self.files.get_mut(number).context("no such file")?;
        let path = file.path.to_str().context("a path that is no text")?;
        let started = Instant::now();
        let place = self.program.place()?;
        let child = self.program.start(&["ingest", "--workspace", place, "--table", file.table, path])?;
        match kill_after(child, wait)? {
            Ended::Well => {
                file.fate = Fate::Acknowledged;
                // Half by the last file, so that one slow moment does not make all later kills late.
                self.longest = (self.longest + started.elapsed().max(self.longest / 2)) / 2;
                Ok(true)
            }
            Ended::Killed => Ok(false),
        }
    }

    fn count(&mut self, kind: usize) {
        if let Some(count) = self.summary.kills.get_mut(kind) {
            *count += 1;
        }
    }

    /// Everything that was begun is done: files that were cut off are taken in, the inbox is empty, the rules have run for
    /// what arrived, and the messages are sent.
    fn catch_up(&mut self) -> anyhow::Result<()> {
        (self.tell)("catching up");
        for number in std::mem::take(&mut self.again) {
            anyhow::ensure!(self.ingest_file(number, CATCH_UP)?, "taking in a file does not end");
        }
        let mut child = self.program.serve()?;
        let started = Instant::now();
        let mut seen = None;
        loop {
            thread::sleep(Duration::from_millis(500));
            if let Some(status) = child.try_wait()? {
                anyhow::bail!("the service ended by itself with {status}");
            }
            if seen.is_none() && self.inbox_is_empty()? {
                // Rows are seen by the run whose window ends after this.
                seen = Some(self.program.now());
            }
            if let Some(seen) = seen
                && self.has_run_after(seen)?
                && self.all_sent()?
            {
                break;
            }
            if started.elapsed() > CATCH_UP {
                let _ = child.kill();
                anyhow::bail!("rules and messages do not catch up; the inbox was emptied at {seen:?}");
            }
        }
        terminate(child)
    }

    fn inbox_is_empty(&mut self) -> anyhow::Result<bool> {
        for entry in std::fs::read_dir(&self.inbox)? {
            if !entry?.file_name().to_string_lossy().starts_with('.') {
                return Ok(false);
            }
        }
        let done = self.inbox.join(".done");
        for file in self.files.iter_mut().filter(|file| file.table == ARRIVING) {
            let name = file.path.file_name().context("a file without a name")?;
            if done.join(name).exists() {
                file.fate = Fate::Acknowledged;
            } else {
                anyhow::ensure!(file.path.parent() != Some(self.inbox.as_path()), "{} is gone", file.path.display());
            }
        }
        Ok(true)
    }

    /// Whether all rules that look for what arrives have run for what arrived until then.
    fn has_run_after(&self, seen: Timestamp) -> anyhow::Result<bool> {
        let next = |rule: &Value| rule["next"].as_str().and_then(|next| next.parse::<Timestamp>().ok());
        let rules = self.program.listed(&["rules", "list"])?;
        let has_run = |rule: &Rule| {
            let next = rules.iter().find(|row| row["id"] == rule.id).and_then(next);
            let last = next.and_then(|next| next.checked_sub(SignedDuration::from_mins(rule.minutes)).ok());
            last.is_some_and(|last| rule.alert == AlertOf::Run || last >= seen)
        };
        Ok(setup::RULES.iter().all(has_run))
    }

    fn all_sent(&self) -> anyhow::Result<bool> {
        let status = self.program.run(&["workspace", "status", self.program.place()?, "--format", "json"])?;
        let status: Value = serde_json::from_str(&status)?;
        Ok(status["messages"]["pending"] == 0)
    }
}
