//! Log files as a database.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use futures::future::BoxFuture;
use kql_engine::{Database, ExternalData, Rows, StorageFiles, Table};
use kql_functions::Type;
use kql_semantics::SavedFunction;

use crate::discover::Found;
use crate::infer::Kinds;
use crate::input::{self, Magic};
use crate::merged::Merged;
use crate::parquet_scan::ParquetFile;
use crate::problems::{Collector, Report};
use crate::shape::FileShape;
use crate::table::FilesTable;
use crate::{ExternalPolicy, Schemas, SourceError, Watchlist};

/// How log files are read.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// A problem in a file ends the query, instead of being reported after it.
    pub strict: bool,
    /// Known tables for which there is no file are there, and empty.
    pub known_tables: bool,
    /// Files or folders that hold a given table whatever their names are.
    pub named: Vec<(String, PathBuf)>,
    /// Saved functions of the workspace, by name.
    pub functions: BTreeMap<String, SavedFunction>,
    /// Watchlists of the workspace.
    pub watchlists: Vec<Watchlist>,
    /// What `externaldata` may read.
    pub external: ExternalPolicy,
}

/// Log files, each a table or a part of one.
///
/// Files are found when the database is opened, looked into when their table is first asked for, and read by queries.
#[derive(Debug)]
pub struct FileDatabase {
    tables: BTreeMap<String, Files>,
    options: Options,
    report: Report,
    notes: Mutex<Vec<String>>,
}

#[derive(Debug)]
struct Files {
    paths: Vec<PathBuf>,
    table: OnceLock<OpenTable>,
}

#[derive(Debug)]
struct OpenTable {
    columns: Vec<(String, Type)>,
    provider: Arc<FilesTable>,
}

impl FileDatabase {
    /// Finds the tables in files and folders. A path may also be `TABLE=PATH`.
    pub fn open(paths: &[PathBuf], options: Options) -> Result<FileDatabase, SourceError> {
        let mut found = Found::default();
        for (table, path) in &options.named {
            found.add_named(table, path)?;
        }
        for path in paths {
            found.add(path)?;
        }
        found.note_names();
        if found.tables.is_empty() && !paths.is_empty() {
            let places: Vec<String> = paths.iter().map(|path| path.display().to_string()).collect();
            found.notes.push(format!("no log files found in {}", places.join(", ")));
        }
        let tables = found.tables.into_iter().map(|(name, paths)| (name, Files { paths, table: OnceLock::new() }));
        Ok(FileDatabase {
            tables: tables.collect(),
            options,
            report: Report::default(),
            notes: Mutex::new(found.notes),
        })
    }

    /// Names of the tables that have files, sorted.
    pub fn table_names(&self) -> Vec<String> {
        self.tables.keys().cloned().collect()
    }

    /// The files of a table.
    pub fn files(&self, table: &str) -> &[PathBuf] {
        self.tables.get(table).map_or(&[], |files| files.paths.as_slice())
    }

    /// What was wrong in the files that queries have read so far. The handle stays the same.
    pub fn problems(&self) -> Report {
        self.report.clone()
    }

    /// Remarks on the choice of files and on how they are taken; grows as tables are looked into.
    pub fn notes(&self) -> Vec<String> {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn note(&self, note: String) {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner).push(note);
    }

    fn open_table(&self, name: &str, paths: &[PathBuf]) -> OpenTable {
        let mut text = Vec::new();
        let mut failure = None;
        let mut merged = Merged::default();
        let mut parquet = Vec::new();
        for path in paths {
            if input::magic(path).is_ok_and(|magic| magic == Magic::Parquet) {
                match ParquetFile::look(path) {
                    Ok(file) => {
                        for (name, ty) in file.columns() {
                            merged.add(name, Some(ty), &Kinds::default());
                        }
                        parquet.push(file);
                    }
                    Err(error) => {
                        let mut problems = Collector::new(&self.report, self.options.strict, path, 0, 0);
                        problems.add(None, None, || format!("not a whole Parquet file: {error}; left out"));
                        failure = failure.or(problems.failed_problem());
                    }
                }
                continue;
            }
            match FileShape::look(path) {
                Ok(shape) => {
                    for source in &shape.sources {
                        merged.add(&source.name, source.declared, &source.kinds);
                        if source.zone_is_unknown() {
                            let file = path.display();
                            let key = &source.key;
                            self.note(format!("{file}: the zone of {key:?} is not known; its times are read as UTC"));
                        }
                    }
                    text.push(Arc::new(shape));
                }
                Err(error) => {
                    let mut problems = Collector::new(&self.report, self.options.strict, path, 0, 0);
                    problems.add(None, None, || format!("{}; left out", error.bare()));
                    failure = failure.or(problems.failed_problem());
                }
            }
        }
        let columns = merged.columns(name);
        let provider =
            FilesTable::new(columns.clone(), text, parquet, failure, self.report.clone(), self.options.strict);
        OpenTable { columns, provider: Arc::new(provider) }
    }
}

impl Database for FileDatabase {
    fn table(&self, name: &str) -> Option<Table> {
        if let Some(files) = self.tables.get(name) {
            let open = files.table.get_or_init(|| self.open_table(name, &files.paths));
            return Some(Table { columns: open.columns.clone(), provider: Arc::clone(&open.provider) as _ });
        }
        if !self.options.known_tables {
            return None;
        }
        Schemas::builtin().table(name).map(Table::empty)
    }

    fn table_names(&self) -> Vec<String> {
        let mut names = FileDatabase::table_names(self);
        if self.options.known_tables {
            names.extend(Schemas::builtin().names().map(str::to_string));
            names.sort();
            names.dedup();
        }
        names
    }

    fn function(&self, name: &str) -> Option<SavedFunction> {
        self.options.functions.get(name).cloned()
    }

    fn watchlist(&self, alias: &str) -> Option<Table> {
        self.options.watchlists.iter().find(|w| w.alias.eq_ignore_ascii_case(alias)).map(|w| w.table.clone())
    }

    fn external<'a>(
        &'a self,
        source: &'a ExternalData,
        columns: &'a [(String, Type)],
    ) -> BoxFuture<'a, Result<Rows, String>> {
        self.options.external.read(source, columns)
    }

    fn storage_schema<'a>(&'a self, files: &'a StorageFiles) -> BoxFuture<'a, Result<Vec<(String, Type)>, String>> {
        self.options.external.schema(files)
    }
}
