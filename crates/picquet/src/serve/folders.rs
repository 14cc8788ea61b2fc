//! Rules, saved functions and watchlists as their files are.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use jiff::Timestamp;
use picquet_detect::Service;
use picquet_rules::{AnalyticsRule, load_path};

/// What tells whether a file has changed.
type Stamp = (u64, Option<SystemTime>);

/// The folders, and what was read from them.
pub(super) struct Folders {
    watched: Vec<PathBuf>,
    rules: Vec<PathBuf>,
    seen: Option<BTreeMap<PathBuf, Stamp>>,
    /// The rules of each file as it last was without an error.
    good: BTreeMap<String, Vec<AnalyticsRule>>,
}

impl Folders {
    pub(super) fn new(workspace: &Path, rules: &[PathBuf]) -> Folders {
        let library = ["functions", "watchlists"].map(|folder| workspace.join(folder));
        let watched = rules.iter().cloned().chain(library).collect();
        Folders { watched, rules: rules.to_vec(), seen: None, good: BTreeMap::new() }
    }

    /// Whether a file is new, changed or gone since the last call.
    pub(super) fn changed(&mut self) -> bool {
        let mut now = BTreeMap::new();
        for path in &self.watched {
            look(path, &mut now);
        }
        let changed = self.seen.as_ref() != Some(&now);
        self.seen = Some(now);
        changed
    }

    /// Hands everything over. A rule file with an error keeps the rules that it had.
    pub(super) fn take_up(&mut self, service: &Service, now: Timestamp) {
        match service.workspace().load_library(now) {
            Ok(change) => {
                for message in &change.failed {
                    tracing::error!("{message}");
                }
                if !change.written.is_empty() || !change.dropped.is_empty() {
                    tracing::info!(written = ?change.written, dropped = ?change.dropped, "functions and watchlists");
                }
            }
            Err(error) => tracing::error!(%error, "functions and watchlists cannot be read"),
        }
        let mut rules = Vec::new();
        let mut good = BTreeMap::new();
        for file in self.rules.iter().filter(|path| path.exists()).flat_map(load_path) {
            for warning in &file.warnings {
                tracing::warn!("{warning}");
            }
            for error in &file.errors {
                tracing::error!("{error}");
            }
            let name = file.file.clone();
            let found =
                if file.errors.is_empty() { file.rules } else { self.good.get(&name).cloned().unwrap_or(file.rules) };
            good.insert(name, found.clone());
            rules.extend(found);
        }
        self.good = good;
        match service.set_rules(rules) {
            Ok(change) => {
                for message in &change.refused {
                    tracing::error!("{message}");
                }
                let (added, edited, removed) = (change.added.len(), change.edited.len(), change.removed.len());
                if added + edited + removed > 0 {
                    tracing::info!(added, edited, removed, "rules");
                }
            }
            Err(error) => tracing::error!(%error, "the rules cannot be kept"),
        }
    }
}

fn look(path: &Path, seen: &mut BTreeMap<PathBuf, Stamp>) {
    let Ok(about) = fs::metadata(path) else { return };
    if !about.is_dir() {
        seen.insert(path.to_path_buf(), (about.len(), about.modified().ok()));
        return;
    }
    let Ok(entries) = fs::read_dir(path) else { return };
    for entry in entries.flatten() {
        if !entry.file_name().to_string_lossy().starts_with('.') {
            look(&entry.path(), seen);
        }
    }
}
