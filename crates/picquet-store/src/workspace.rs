//! A workspace: its folder, its tables, its state.

use std::collections::{BTreeMap, HashSet};
use std::fs::{self, File};
use std::io::{Read as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use arrow::array::RecordBatch;
use futures::{StreamExt as _, TryStreamExt as _};
use jiff::Timestamp;
use kql_semantics::SavedFunction;
use picquet_sources::{ExternalPolicy, Watchlist};

use crate::columns::Column;
use crate::error::{Result, StoreError};
use crate::ingest::DEAD_LETTERS;
use crate::records::ticks;
use crate::settings::{SETTINGS_FILE, Settings};
use crate::snapshot::Snapshot;
use crate::state::{Buffered, Change, STATE_FILE, State};
use crate::storage::{Storage, sync_folder};
use crate::table::{TableFiles, TableLog};

/// Name of the file by which a process says that the workspace is its own.
const LOCK_FILE: &str = "lock";

/// Folders of a new workspace: what lies in them is taken up by `picquet serve`.
pub const FOLDERS: [&str; 4] = ["rules", "functions", "watchlists", "inbox"];

/// The settings file of a new workspace.
const NEW_SETTINGS: &str = include_str!("workspace.toml");

/// What a process wants of a workspace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// To write tables: one process at a time.
    Own,
    /// To read, and to change state; beside the owner.
    Share,
}

/// What queries find besides tables.
#[derive(Debug, Default)]
pub(crate) struct Library {
    pub(crate) functions: BTreeMap<String, SavedFunction>,
    pub(crate) watchlists: Vec<Watchlist>,
    pub(crate) external: ExternalPolicy,
}

/// A table as it is now.
#[derive(Clone)]
pub(crate) struct TableView {
    pub(crate) columns: Vec<Column>,
    pub(crate) log: Arc<TableLog>,
    pub(crate) files: Arc<TableFiles>,
    pub(crate) buffered: Vec<Arc<Buffered>>,
}

#[derive(Default)]
pub(crate) struct View {
    pub(crate) tables: BTreeMap<String, TableView>,
    pub(crate) library: Arc<Library>,
    /// Numbers of the buffered rows in memory.
    known: HashSet<i64>,
    /// The state's version when it was last looked at for other processes' changes.
    version: i64,
}

/// A workspace.
pub struct Workspace {
    path: PathBuf,
    id: String,
    settings: Settings,
    storage: Storage,
    state: State,
    view: RwLock<View>,
    external: ExternalPolicy,
    access: Access,
    /// The ingestion times of files that are being taken in.
    pub(crate) in_flight: tokio::sync::watch::Sender<Vec<Timestamp>>,
    /// Held while the process owns the workspace.
    _lock: Option<File>,
}

impl Workspace {
    /// Makes a workspace in a folder that is empty or not there.
    pub fn init(path: &Path) -> Result<()> {
        if path.join(STATE_FILE).exists() {
            return Err(StoreError::NotEmpty { path: path.to_path_buf(), message: "there is a workspace already" });
        }
        let is_taken = |entry: std::io::Result<fs::DirEntry>| entry.is_ok_and(|e| e.file_name() != SETTINGS_FILE);
        if fs::read_dir(path).is_ok_and(|mut entries| entries.any(is_taken)) {
            let message = "the folder is not empty; a workspace is made in a folder of its own";
            return Err(StoreError::NotEmpty { path: path.to_path_buf(), message });
        }
        for folder in FOLDERS {
            let folder = path.join(folder);
            fs::create_dir_all(&folder).map_err(StoreError::io(&folder))?;
        }
        let settings = path.join(SETTINGS_FILE);
        if !settings.exists() {
            fs::write(&settings, NEW_SETTINGS).map_err(StoreError::io(&settings))?;
        }
        let state = State::open(&path.join(STATE_FILE), true)?;
        state.set_meta("id", &uuid::Uuid::new_v4().to_string())?;
        sync_folder(path).map_err(StoreError::io(path))
    }

    /// Opens a workspace, and takes up what a process that was killed had left half done.
    pub async fn open(path: &Path, access: Access, external: ExternalPolicy) -> Result<Workspace> {
        Workspace::open_with(path, access, external, Settings::read(path)?).await
    }

    /// Opens a workspace with other settings than those of its file.
    pub async fn open_with(
        path: &Path,
        access: Access,
        external: ExternalPolicy,
        settings: Settings,
    ) -> Result<Workspace> {
        let state_file = path.join(STATE_FILE);
        if !state_file.exists() {
            return Err(StoreError::Missing(path.to_path_buf()));
        }
        let lock = match access {
            Access::Own => Some(lock(path)?),
            Access::Share => None,
        };
        let state = State::open(&state_file, false)?;
        let id = state.meta("id")?.unwrap_or_default();
        let place = settings.storage.clone().unwrap_or_else(|| "tables".to_string());
        let place = if place.contains("://") { place } else { path.join(place).to_string_lossy().into_owned() };
        let storage = Storage::open(&place, &settings.storage_options)?;
        let path = path.to_path_buf();
        let view = RwLock::new(View::default());
        let in_flight = tokio::sync::watch::Sender::default();
        let workspace =
            Workspace { path, id, settings, storage, state, view, external, access, in_flight, _lock: lock };
        workspace.load().await?;
        if access == Access::Own {
            workspace.storage.clear();
            workspace.recover()?;
        }
        Ok(workspace)
    }

    async fn load(&self) -> Result<()> {
        // Buffered rows before files: rows that move between are then seen in the files, and known by their number.
        let version = self.state.version()?;
        let mut tables: BTreeMap<String, Vec<Column>> = self.state.tables()?.into_iter().collect();
        let buffered = self.state.buffered(&HashSet::new())?;
        for name in self.storage.tables().await? {
            tables.entry(name).or_default();
        }
        let opened = futures::stream::iter(tables.keys().cloned().collect::<Vec<_>>())
            .map(|name| async move { Ok((TableLog::open(&self.storage, &name).await?, name)) })
            .buffer_unordered(16);
        let opened: Vec<(TableLog, String)> = opened.try_collect::<Vec<_>>().await.map_err(|e: StoreError| e)?;
        let library = self.read_library()?;
        let mut view = self.write();
        view.version = version;
        view.library = Arc::new(library);
        for (log, name) in opened {
            let files = log.files();
            let mut columns = tables.remove(&name).unwrap_or_default();
            for (column, ty) in &files.columns {
                if !columns.iter().any(|(known, _)| known == column) {
                    columns.push((column.clone(), *ty));
                }
            }
            view.tables.insert(name, TableView { columns, log: Arc::new(log), files, buffered: Vec::new() });
        }
        view.add_buffered(buffered);
        Ok(())
    }

    /// Ends what a killed process had begun: rows that lie in files are no longer buffered, files that were being taken in
    /// are in or not.
    fn recover(&self) -> Result<()> {
        let tables: Vec<(String, Arc<TableFiles>)> =
            self.read().tables.iter().map(|(name, table)| (name.clone(), Arc::clone(&table.files))).collect();
        let unfinished = self.state.unfinished_ingests()?;
        let last = |number: fn(&TableFiles) -> i64| tables.iter().map(|(_, files)| number(files)).max().unwrap_or(0);
        let (last_buffered, last_mark) = (last(|files| files.buffered), last(|files| files.ingested));
        self.change(|change| {
            change.number_above(last_buffered, last_mark)?;
            for (name, files) in &tables {
                if files.buffered > 0 {
                    change.forget(name, files.buffered)?;
                }
            }
            for (ingest, mark) in &unfinished {
                let files = tables.iter().find(|(name, _)| *name == ingest.table).map(|(_, files)| files);
                if mark.is_some_and(|mark| files.is_some_and(|files| files.ingested >= mark)) {
                    change.finish_ingest(ingest.id, DEAD_LETTERS)?;
                } else {
                    tracing::info!(
                        file = ingest.path,
                        table = ingest.table,
                        "was not taken in whole; take it in again"
                    );
                    change.drop_ingest(ingest.id)?;
                }
            }
            Ok(())
        })
    }

    /// The workspace's folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The workspace's id.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The settings.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Rules, runs, alerts, incidents and the rest of the state.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// Where the log tables are.
    pub fn place(&self) -> String {
        self.storage.place()
    }

    pub(crate) fn storage(&self) -> &Storage {
        &self.storage
    }

    pub(crate) fn owns(&self) -> Result<()> {
        match self.access {
            Access::Own => Ok(()),
            Access::Share => Err(StoreError::Refused("the workspace is open for reading only".to_string())),
        }
    }

    pub(crate) fn read(&self) -> RwLockReadGuard<'_, View> {
        self.view.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn write(&self) -> RwLockWriteGuard<'_, View> {
        self.view.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes state and appends rows to tables, all or nothing; what was answered is on the disk.
    pub fn change<T>(&self, change: impl FnOnce(&mut Change<'_>) -> Result<T>) -> Result<T> {
        self.state.change(change, |appended, grown| {
            if appended.is_empty() && grown.is_empty() {
                return;
            }
            let mut view = self.write();
            for (table, columns) in grown {
                view.grow(&self.storage, &table, columns);
            }
            view.add_buffered(appended);
        })
    }

    /// Appends rows in Kusto's representation to a table, which grows by their columns. They are on the disk, and queries
    /// see them, when this returns.
    pub fn append(&self, table: &str, columns: &[Column], batch: RecordBatch, now: Timestamp) -> Result<()> {
        self.change(|change| change.append(table, columns, batch, now))
    }

    /// Waits until all files are taken in whose rows have an ingestion time up to `until`; whether that came about within
    /// `at_most`. Rows that are seen later than their ingestion time says would be missed by whoever looks at ingestion
    /// times.
    pub async fn taken_in(&self, until: Timestamp, at_most: std::time::Duration) -> bool {
        let mut in_flight = self.in_flight.subscribe();
        let done = in_flight.wait_for(|times| times.iter().all(|time| *time > until));
        tokio::time::timeout(at_most, done).await.is_ok()
    }

    /// All tables at this moment, for a query or a run.
    pub fn snapshot(&self) -> Result<Snapshot> {
        self.look_for_changes()?;
        let view = self.read();
        Ok(Snapshot::new(view.tables.clone(), Arc::clone(&view.library), self.storage.clone()))
    }

    /// Takes up what other processes have written: rows, watchlists, functions.
    pub(crate) fn look_for_changes(&self) -> Result<()> {
        let version = self.state.version()?;
        let known = {
            let view = self.read();
            if view.version == version {
                return Ok(());
            }
            view.known.clone()
        };
        let tables = self.state.tables()?;
        let buffered = self.state.buffered(&known)?;
        let library = self.read_library()?;
        let mut view = self.write();
        view.version = version;
        view.library = Arc::new(library);
        for (table, columns) in tables {
            view.grow(&self.storage, &table, columns);
        }
        view.add_buffered(buffered);
        Ok(())
    }

    /// Takes up watchlists and functions that this process has changed.
    pub fn reload_library(&self) -> Result<()> {
        let library = Arc::new(self.read_library()?);
        self.write().library = library;
        Ok(())
    }

    fn read_library(&self) -> Result<Library> {
        let functions = self.state.functions()?.into_iter();
        let functions = functions.map(|f| (f.name, SavedFunction { parameters: f.parameters, body: f.body }));
        let mut watchlists = Vec::new();
        for list in self.state.watchlists()? {
            let place = PathBuf::from(format!("watchlist {}", list.alias));
            let updated = ticks(list.updated);
            let key = list.search_key.as_deref();
            watchlists.push(Watchlist::of_csv(&list.alias, &place, list.csv.as_slice(), key, updated)?);
        }
        Ok(Library { functions: functions.collect(), watchlists, external: self.external.clone() })
    }
}

impl View {
    fn grow(&mut self, storage: &Storage, table: &str, columns: Vec<Column>) {
        match self.tables.get_mut(table) {
            Some(known) => {
                for (name, ty) in columns {
                    match known.columns.iter_mut().find(|(known, _)| *known == name) {
                        Some(column) => column.1 = ty,
                        None => known.columns.push((name, ty)),
                    }
                }
            }
            None => {
                let Ok(log) = TableLog::new(storage, table) else { return };
                let view = TableView { columns, log: Arc::new(log), files: Arc::default(), buffered: Vec::new() };
                self.tables.insert(table.to_string(), view);
            }
        }
    }

    fn add_buffered(&mut self, rows: Vec<Buffered>) {
        for buffered in rows {
            let Some(table) = self.tables.get_mut(&buffered.table) else { continue };
            if buffered.seq > table.files.buffered && self.known.insert(buffered.seq) {
                table.buffered.push(Arc::new(buffered));
            }
        }
    }

    /// Buffered rows up to a number lie in these files now.
    pub(crate) fn publish(&mut self, table: &str, files: &TableFiles) {
        let Some(view) = self.tables.get_mut(table) else { return };
        let known = &mut self.known;
        view.buffered.retain(|buffered| {
            let stays = buffered.seq > files.buffered;
            if !stays {
                known.remove(&buffered.seq);
            }
            stays
        });
        for (name, ty) in &files.columns {
            if !view.columns.iter().any(|(known, _)| known == name) {
                view.columns.push((name.clone(), *ty));
            }
        }
        view.files = Arc::new(files.clone());
    }
}

fn lock(path: &Path) -> Result<File> {
    let file_path = path.join(LOCK_FILE);
    let fail = StoreError::io(&file_path);
    let mut file = match File::options().read(true).write(true).create(true).truncate(false).open(&file_path) {
        Ok(file) => file,
        Err(error) => return Err(fail(error)),
    };
    if let Err(error) = file.try_lock() {
        return Err(match error {
            fs::TryLockError::WouldBlock => {
                let mut holder = String::new();
                let _ = file.read_to_string(&mut holder);
                let holder = if holder.trim().is_empty() { "unknown".to_string() } else { holder.trim().to_string() };
                StoreError::Locked { path: path.to_path_buf(), holder }
            }
            fs::TryLockError::Error(error) => fail(error),
        });
    }
    let told = file.set_len(0).and_then(|()| file.rewind()).and_then(|()| writeln!(file, "pid {}", std::process::id()));
    told.map_err(StoreError::io(&file_path))?;
    Ok(file)
}
