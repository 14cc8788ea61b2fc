//! Saved functions and watchlists from the workspace's folders into its state.

use std::fs;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use picquet_rules::load_functions;
use picquet_sources::Watchlist;

use crate::error::{Result, StoreError};
use crate::state::{FunctionRow, WatchlistRow};
use crate::workspace::Workspace;

/// What taking up the folders changed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LibraryChange {
    /// Functions and watchlists that are new or changed.
    pub written: Vec<String>,
    /// Functions and watchlists whose files are gone.
    pub dropped: Vec<String>,
    /// Files that cannot be read, with the reason. What they held before stays.
    pub failed: Vec<String>,
}

impl Workspace {
    /// Takes up the folders `functions` (YAML, ARM, JSON lines, KQL; also in folders below) and `watchlists` (`ALIAS.csv`,
    /// or `ALIAS#COLUMN.csv` where another column than the first is searched by). What came from elsewhere stays.
    pub fn load_library(&self, now: Timestamp) -> Result<LibraryChange> {
        let mut told = LibraryChange::default();
        let functions = self.read_functions(now, &mut told)?;
        let watchlists = self.read_watchlists(now, &mut told)?;
        let kept_functions = self.state().functions()?;
        let kept_watchlists = self.state().watchlists()?;
        let failed = |file: &str| told.failed.iter().any(|message| message.starts_with(file));
        let gone = |file: &str, is_there: bool| !file.is_empty() && !is_there && !failed(file);
        let (mut written, mut dropped) = (Vec::new(), Vec::new());
        self.change(|change| {
            for function in &functions {
                let same = |kept: &&FunctionRow| kept.name == function.name;
                let kept = kept_functions.iter().find(same);
                if kept.is_none_or(|kept| (&kept.parameters, &kept.body) != (&function.parameters, &function.body)) {
                    change.put_function(function)?;
                    written.push(function.name.clone());
                }
            }
            for kept in &kept_functions {
                if gone(&kept.file, functions.iter().any(|function| function.name == kept.name)) {
                    change.drop_function(&kept.name)?;
                    dropped.push(kept.name.clone());
                }
            }
            for list in &watchlists {
                let kept = kept_watchlists.iter().find(|kept| kept.alias.eq_ignore_ascii_case(&list.alias));
                if kept.is_none_or(|kept| (&kept.csv, &kept.search_key) != (&list.csv, &list.search_key)) {
                    change.put_watchlist(list)?;
                    written.push(list.alias.clone());
                }
            }
            for kept in &kept_watchlists {
                if gone(&kept.file, watchlists.iter().any(|list| list.alias.eq_ignore_ascii_case(&kept.alias))) {
                    change.drop_watchlist(&kept.alias)?;
                    dropped.push(kept.alias.clone());
                }
            }
            Ok(())
        })?;
        (told.written, told.dropped) = (written, dropped);
        if !told.written.is_empty() || !told.dropped.is_empty() {
            self.reload_library()?;
        }
        Ok(told)
    }

    fn read_functions(&self, now: Timestamp, told: &mut LibraryChange) -> Result<Vec<FunctionRow>> {
        let mut functions = Vec::new();
        for file in files_below(&self.path().join("functions"))? {
            let shown = file.display().to_string();
            match load_functions(&file) {
                Ok(found) => functions.extend(found.into_iter().map(|function| FunctionRow {
                    name: function.name,
                    parameters: function.parameters,
                    body: function.body,
                    file: shown.clone(),
                    updated: now,
                })),
                Err(errors) => told.failed.extend(errors.iter().map(|error| format!("{shown}: {error}"))),
            }
        }
        Ok(functions)
    }

    fn read_watchlists(&self, now: Timestamp, told: &mut LibraryChange) -> Result<Vec<WatchlistRow>> {
        let mut watchlists = Vec::new();
        for file in files_below(&self.path().join("watchlists"))? {
            if file.extension().is_none_or(|ending| !ending.eq_ignore_ascii_case("csv")) {
                continue;
            }
            let stem = file.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
            let (alias, key) = match stem.split_once('#') {
                Some((alias, key)) => (alias.to_string(), Some(key.to_string())),
                None => (stem, None),
            };
            let csv = fs::read(&file).map_err(StoreError::io(&file))?;
            match Watchlist::of_csv(&alias, &file, csv.as_slice(), key.as_deref(), 0) {
                Ok(_) => watchlists.push(WatchlistRow {
                    alias,
                    search_key: key,
                    csv,
                    file: file.display().to_string(),
                    updated: now,
                }),
                Err(error) => told.failed.push(error.to_string()),
            }
        }
        Ok(watchlists)
    }
}

/// The files of a folder and of folders below, sorted; hidden ones are left out.
fn files_below(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(folder) = folders.pop() {
        let entries = match fs::read_dir(&folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
            Err(error) => return Err(StoreError::io(&folder)(error)),
        };
        for entry in entries {
            let entry = entry.map_err(StoreError::io(&folder))?;
            if entry.file_name().to_string_lossy().starts_with('.') {
                continue;
            }
            let path = entry.path();
            if path.is_dir() { folders.push(path) } else { files.push(path) }
        }
    }
    files.sort();
    Ok(files)
}
