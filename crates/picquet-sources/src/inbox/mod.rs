//! A folder in which log files arrive.

mod watch;

use std::collections::{BTreeMap, HashSet};
use std::fs::{self, OpenOptions};
use std::io;
use std::path::{Component, Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use jiff::Timestamp;

use crate::discover::{delta_folder, table_of_file, unknown_ending};
use crate::{Schemas, SourceError};
pub use watch::WakeUps;

/// Where files go that were taken, and those that could not be.
const DONE: &str = ".done";
const FAILED: &str = ".failed";

/// Ends of the names under which programs write what is not complete.
const UNFINISHED: [&str; 4] = ["tmp", "part", "partial", "crdownload"];

/// A folder in which log files are dropped, to be taken once they are complete.
///
/// A file directly in the folder belongs to the table that its name tells, as in a folder of logs:
/// `AzureActivity.2026-03-14.jsonl.gz` to AzureActivity. A file in a subfolder belongs to the table of the subfolder's
/// name, whatever its own name is: `AzureActivity/any.csv.gz`; unless that is no known table but the file's name tells
/// one: `2026-03-14/SigninLogs.csv`. Deeper folders are not looked into.
///
/// Names that begin with a dot or end in `.tmp`, `.part`, `.partial` or `.crdownload` are passed over: under such a name
/// a file can be written in peace. Any other is complete when its size and its time of change stay the same for a while.
#[derive(Debug)]
pub struct Inbox {
    folder: PathBuf,
    settle: Duration,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    files: BTreeMap<PathBuf, Sight>,
    notes: Vec<String>,
    noted: HashSet<String>,
}

/// A file as it was seen, and since when it has been so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Sight {
    size: u64,
    modified: SystemTime,
    since: Timestamp,
}

/// A file that is complete.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arrived {
    /// The file.
    pub path: PathBuf,
    /// The table that it belongs to.
    pub table: String,
}

impl Inbox {
    /// How long a file must stay the same, where nothing else is asked for.
    pub const SETTLE: Duration = Duration::from_secs(2);

    /// An inbox in a folder, which is made if it is not there. A file is taken when it has stayed the same for `settle`.
    pub fn open(folder: &Path, settle: Duration) -> Result<Inbox, SourceError> {
        let unreadable = |source| SourceError::Unreadable { path: folder.to_path_buf(), source };
        fs::create_dir_all(folder).map_err(unreadable)?;
        // Events name files by their whole paths.
        let folder = fs::canonicalize(folder).map_err(unreadable)?;
        Ok(Inbox { folder, settle, state: Mutex::default() })
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Looks into the folder: the files that are complete, those first that were changed first.
    ///
    /// A file is complete when a look at least the settle time before `now`, and all looks since, found it as it is now;
    /// so the first look gives nothing. It is given by every look until [`Inbox::done`] or [`Inbox::failed`] moves it.
    pub fn scan(&self, now: Timestamp) -> Result<Vec<Arrived>, SourceError> {
        let mut look = Look::default();
        look.folder(&self.folder, None)?;
        let mut state = self.state();
        let mut arrived = Vec::new();
        let mut files = BTreeMap::new();
        for Seen { path, table, size, modified } in look.files {
            let same = |sight: &&Sight| sight.size == size && sight.modified == modified;
            let since = state.files.get(&path).filter(same).map_or(now, |sight| sight.since.min(now));
            let age = Duration::try_from(now.duration_since(since)).unwrap_or_default();
            let seen_before = state.files.get(&path).is_some_and(|sight| same(&sight));
            if seen_before && age >= self.settle {
                arrived.push((modified, Arrived { path: path.clone(), table }));
            }
            files.insert(path, Sight { size, modified, since });
        }
        state.files = files;
        for note in look.notes {
            if state.noted.insert(note.clone()) {
                state.notes.push(note);
            }
        }
        arrived.sort_by(|(a, x), (b, y)| a.cmp(b).then_with(|| x.path.cmp(&y.path)));
        Ok(arrived.into_iter().map(|(_, arrived)| arrived).collect())
    }

    /// What looks have passed over, since the last call; everything is told once.
    pub fn take_notes(&self) -> Vec<String> {
        std::mem::take(&mut self.state().notes)
    }

    /// Moves a file that was taken to `.done`, under its name or a similar one that is free; where it is now.
    pub fn done(&self, path: &Path) -> io::Result<PathBuf> {
        let target = self.claim(path, DONE)?;
        self.move_to(path, target)
    }

    /// Moves a file that cannot be taken to `.failed`, with a file `….reason.txt` beside it; where it is now.
    pub fn failed(&self, path: &Path, reason: &str) -> io::Result<PathBuf> {
        let target = self.claim(path, FAILED)?;
        let mut beside = target.clone().into_os_string();
        beside.push(".reason.txt");
        fs::write(&beside, format!("{}\n", reason.trim_end()))?;
        self.move_to(path, target)
    }

    /// An empty file in a folder of the inbox, made in the place of a file that is to be moved there.
    fn claim(&self, path: &Path, below: &str) -> io::Result<PathBuf> {
        let outside = || io::Error::new(io::ErrorKind::InvalidInput, format!("{}: not in the inbox", path.display()));
        let inner = path.strip_prefix(&self.folder).map_err(|_| outside())?;
        if !inner.components().all(|part| matches!(part, Component::Normal(_))) || !path.is_file() {
            return Err(outside());
        }
        let place = self.folder.join(below).join(inner);
        let name = inner.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if let Some(folder) = place.parent() {
            fs::create_dir_all(folder)?;
        }
        // `AzureActivity.2.jsonl.gz`: still of the same table and format.
        let (stem, ends) = name.split_once('.').map_or((name.as_str(), String::new()), |(s, e)| (s, format!(".{e}")));
        let mut number = 1;
        loop {
            let free = if number == 1 { place.clone() } else { place.with_file_name(format!("{stem}.{number}{ends}")) };
            match OpenOptions::new().write(true).create_new(true).open(&free) {
                Ok(_) => return Ok(free),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => number += 1,
                Err(error) => return Err(error),
            }
        }
    }

    fn move_to(&self, path: &Path, target: PathBuf) -> io::Result<PathBuf> {
        let moved = match fs::rename(path, &target) {
            Err(error) if error.kind() == io::ErrorKind::CrossesDevices => {
                fs::copy(path, &target).and_then(|_| fs::remove_file(path))
            }
            other => other,
        };
        match moved {
            Ok(()) => {
                self.state().files.remove(path);
                Ok(target)
            }
            Err(error) => {
                // While the file is where it was, what was made in its place is of no use.
                if path.exists() {
                    let _ = fs::remove_file(&target);
                }
                Err(error)
            }
        }
    }

    /// Tells when to look into the folder again: when something changes in it, once more when that has settled, and
    /// every `poll` in any case, since not all file systems tell of changes.
    pub fn watch(&self, poll: Duration) -> WakeUps {
        WakeUps::of(&self.folder, self.settle, poll)
    }
}

struct Seen {
    path: PathBuf,
    table: String,
    size: u64,
    modified: SystemTime,
}

/// What one look finds.
#[derive(Default)]
struct Look {
    files: Vec<Seen>,
    notes: Vec<String>,
}

impl Look {
    /// Looks into the inbox, or into a subfolder of the given name.
    fn folder(&mut self, folder: &Path, table: Option<&str>) -> Result<(), SourceError> {
        let unreadable = |source| SourceError::Unreadable { path: folder.to_path_buf(), source };
        for entry in fs::read_dir(folder).map_err(unreadable)? {
            let path = entry.map_err(unreadable)?.path();
            let Some(name) = path.file_name().map(|name| name.to_string_lossy().into_owned()) else { continue };
            let end = name.rsplit('.').next().unwrap_or_default();
            if name.starts_with('.') || UNFINISHED.iter().any(|unfinished| end.eq_ignore_ascii_case(unfinished)) {
                continue;
            }
            // Files come and go; one that is gone is nothing to tell of.
            let Ok(about) = fs::metadata(&path) else { continue };
            if about.is_dir() {
                if table.is_some() {
                    self.notes.push(format!("{} skipped: folders within folders are not looked into", path.display()));
                } else if path.join("_delta_log").exists() {
                    self.notes.push(delta_folder(&path));
                } else {
                    match self.folder(&path, Some(&name)) {
                        Err(SourceError::Unreadable { source, .. }) if source.kind() == io::ErrorKind::NotFound => {}
                        other => other?,
                    }
                }
                continue;
            }
            let (own, log) = table_of_file(&path);
            if !about.is_file() || !log {
                self.notes.push(unknown_ending(&path));
                continue;
            }
            let known = |name: &str| Schemas::builtin().contains(name);
            let table = match table {
                Some(folder) if known(folder) || !known(&own) => folder.to_string(),
                _ => own,
            };
            let modified = about.modified().unwrap_or(SystemTime::UNIX_EPOCH);
            self.files.push(Seen { path, table, size: about.len(), modified });
        }
        Ok(())
    }
}
