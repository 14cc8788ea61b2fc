//! Where log tables lie: a folder or an object store.

use std::collections::BTreeMap;
use std::fmt;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path as FilePath, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use datafusion::execution::object_store::ObjectStoreUrl;
use deltalake_core::logstore::{
    LogStore, LogStoreFactory, ObjectStoreRef, StorageConfig, default_logstore, logstore_factories,
};
use deltalake_core::{DeltaResult, DeltaTable, DeltaTableBuilder};
use futures::stream::BoxStream;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{
    CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore, PutMode,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, Result as StoreResult, UploadPart,
};
use url::Url;

use crate::error::{Result, StoreError};

/// End of the names of files that are being written.
const STAGED: &str = ".tmp";

/// The place of a workspace's log tables.
#[derive(Clone)]
pub(crate) struct Storage {
    root: Url,
    store: ObjectStoreRef,
    local: Option<PathBuf>,
}

impl Storage {
    /// A folder, which is made if it is not there, or the URL of an object store.
    pub(crate) fn open(place: &str, options: &BTreeMap<String, String>) -> Result<Storage> {
        let refuse = |message: String| StoreError::Refused(format!("storage {place}: {message}"));
        if !place.contains("://") {
            let folder = PathBuf::from(place);
            fs::create_dir_all(&folder).map_err(StoreError::io(&folder))?;
            let folder = fs::canonicalize(&folder).map_err(StoreError::io(&folder))?;
            let root = Url::from_directory_path(&folder).map_err(|()| refuse("not a folder".to_string()))?;
            return Ok(Storage { root, store: Arc::new(Durable(LocalFileSystem::new())), local: Some(folder) });
        }
        let root = Url::parse(&format!("{}/", place.trim_end_matches('/'))).map_err(|e| refuse(e.to_string()))?;
        register(&root).map_err(|e| refuse(e.to_string()))?;
        let from_environment = std::env::vars().map(|(name, value)| (name.to_ascii_lowercase(), value));
        let known = ["aws_", "azure_", "google_"];
        let from_environment = from_environment.filter(|(name, _)| known.iter().any(|front| name.starts_with(front)));
        let all = from_environment.chain(options.iter().map(|(name, value)| (name.clone(), value.clone())));
        let (store, _) = object_store::parse_url_opts(&root, all).map_err(|e| refuse(e.to_string()))?;
        Ok(Storage { root, store: store.into(), local: None })
    }

    /// The folder, where the tables lie in one.
    pub(crate) fn folder(&self) -> Option<&FilePath> {
        self.local.as_deref()
    }

    /// The place as it was given.
    pub(crate) fn place(&self) -> String {
        self.local.as_ref().map_or_else(|| self.root.to_string(), |folder| folder.display().to_string())
    }

    /// The table in the folder of its name; it need not be there.
    pub(crate) fn table(&self, name: &str) -> Result<DeltaTable> {
        let url = self.table_url(name)?;
        let builder = DeltaTableBuilder::from_url(url.clone()).map_err(|e| StoreError::table(name, e))?;
        let store = Arc::clone(&self.store);
        builder.with_storage_backend(store, url).build().map_err(|e| StoreError::table(name, e))
    }

    fn table_url(&self, name: &str) -> Result<Url> {
        self.root.join(&format!("{name}/")).map_err(|e| StoreError::table(name, e))
    }

    /// Names of the tables that are there.
    pub(crate) async fn tables(&self) -> Result<Vec<String>> {
        let fail = |e: &dyn fmt::Display| StoreError::Refused(format!("storage {}: {e}", self.place()));
        let root = Path::from_url_path(self.root.path()).map_err(|e| fail(&e))?;
        let found = self.store.list_with_delimiter(Some(&root)).await.map_err(|e| fail(&e))?;
        let name = |path: &Path| path.filename().map(str::to_string);
        Ok(found.common_prefixes.iter().filter_map(name).filter(|name| !name.starts_with(['.', '_'])).collect())
    }

    /// Deletes what processes that were killed had begun to write into a folder. Nobody else may be writing.
    pub(crate) fn clear(&self) {
        let Some(root) = &self.local else { return };
        let inside = |folder: &FilePath| fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
        for table in inside(root) {
            for path in inside(&table).chain(inside(&table.join("_delta_log"))) {
                let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
                if is_staged(&name) {
                    // Nothing is lost by a left-over.
                    let _ = fs::remove_file(&path);
                }
            }
        }
    }

    /// The path of a table's file in the store that [`Storage::url`] names.
    pub(crate) fn file(&self, table: &str, file: &str) -> Result<String> {
        let url = self.table_url(table)?;
        let folder = Path::from_url_path(url.path()).map_err(|e| StoreError::table(table, e))?;
        Ok(format!("{folder}/{file}"))
    }

    /// The store as queries know it.
    pub(crate) fn url(&self) -> Result<ObjectStoreUrl> {
        if self.local.is_some() {
            return Ok(ObjectStoreUrl::local_filesystem());
        }
        let authority = format!("{}://{}/", self.root.scheme(), self.root.authority());
        ObjectStoreUrl::parse(authority).map_err(|e| StoreError::Refused(e.to_string()))
    }

    /// The store itself.
    pub(crate) fn store(&self) -> ObjectStoreRef {
        Arc::clone(&self.store)
    }
}

/// Lets tables of a scheme keep their log as tables in folders do: stores put a file only where there is none.
fn register(root: &Url) -> Result<(), url::ParseError> {
    let scheme = Url::parse(&format!("{}://", root.scheme()))?;
    logstore_factories().entry(scheme).or_insert_with(|| Arc::new(PlainLog));
    Ok(())
}

struct PlainLog;

impl LogStoreFactory for PlainLog {
    fn with_options(
        &self,
        prefixed_store: ObjectStoreRef,
        root_store: ObjectStoreRef,
        location: &Url,
        options: &StorageConfig,
    ) -> DeltaResult<Arc<dyn LogStore>> {
        Ok(default_logstore(prefixed_store, root_store, location, options))
    }
}

/// A file system where what was put is on the disk: before a put is answered, the file is synced, then it gets its name,
/// then the folders are synced that are new or have a new name in them. So a loss of power leaves a file whole or not at
/// all, and what a table's log names is there, since the log is written last.
#[derive(Debug)]
struct Durable(LocalFileSystem);

impl fmt::Display for Durable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

#[async_trait]
impl ObjectStore for Durable {
    async fn put_opts(&self, location: &Path, payload: PutPayload, opts: PutOptions) -> StoreResult<PutResult> {
        if matches!(opts.mode, PutMode::Update(_)) || !opts.attributes.is_empty() {
            return self.0.put_opts(location, payload, opts).await;
        }
        put_aside(self.0.path_to_filesystem(location)?, payload, opts.mode == PutMode::Create).await
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        _opts: PutMultipartOptions,
    ) -> StoreResult<Box<dyn MultipartUpload>> {
        // What the log writes in parts (checkpoints) is small enough to be gathered.
        Ok(Box::new(Gathered { path: self.0.path_to_filesystem(location)?, parts: Vec::new() }))
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> StoreResult<GetResult> {
        self.0.get_opts(location, options).await
    }

    fn delete_stream(&self, locations: BoxStream<'static, StoreResult<Path>>) -> BoxStream<'static, StoreResult<Path>> {
        self.0.delete_stream(locations)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, StoreResult<ObjectMeta>> {
        self.0.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> StoreResult<ListResult> {
        self.0.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> StoreResult<()> {
        self.0.copy_opts(from, to, options).await
    }
}

/// A file that arrives in parts.
#[derive(Debug)]
struct Gathered {
    path: PathBuf,
    parts: Vec<Bytes>,
}

#[async_trait]
impl MultipartUpload for Gathered {
    fn put_part(&mut self, data: PutPayload) -> UploadPart {
        self.parts.extend(data);
        Box::pin(async { Ok(()) })
    }

    async fn complete(&mut self) -> StoreResult<PutResult> {
        let payload: PutPayload = std::mem::take(&mut self.parts).into_iter().collect();
        put_aside(self.path.clone(), payload, false).await
    }

    async fn abort(&mut self) -> StoreResult<()> {
        self.parts.clear();
        Ok(())
    }
}

async fn put_aside(path: PathBuf, payload: PutPayload, create: bool) -> StoreResult<PutResult> {
    let name = path.display().to_string();
    let put = tokio::task::spawn_blocking(move || put_durably(&path, &payload, create)).await;
    match put {
        Ok(Ok(())) => Ok(PutResult { e_tag: None, version: None }),
        Ok(Err(source)) if source.kind() == io::ErrorKind::AlreadyExists => {
            Err(object_store::Error::AlreadyExists { path: name, source: Box::new(source) })
        }
        Ok(Err(source)) => Err(object_store::Error::Generic { store: "file system", source: Box::new(source) }),
        Err(source) => Err(object_store::Error::JoinError { source }),
    }
}

/// The name under which a file is written before it is put in its place.
fn staged_name() -> String {
    format!(".{}{STAGED}", uuid::Uuid::new_v4())
}

/// Whether a name is one of [`staged_name`].
fn is_staged(name: &str) -> bool {
    let id = name.strip_prefix('.').and_then(|name| name.strip_suffix(STAGED));
    id.is_some_and(|id| uuid::Uuid::try_parse(id).is_ok())
}

/// Writes a file beside its place, syncs it, and puts it there.
fn put_durably(path: &FilePath, payload: &PutPayload, create: bool) -> io::Result<()> {
    let folder = path.parent().unwrap_or(FilePath::new("/"));
    let mut made = Vec::new();
    for above in folder.ancestors() {
        if above.exists() {
            made.push(above.to_path_buf());
            break;
        }
        made.push(above.to_path_buf());
    }
    fs::create_dir_all(folder)?;
    let staged = folder.join(staged_name());
    let written = (|| {
        let mut file = File::create_new(&staged)?;
        payload.iter().try_for_each(|part| file.write_all(part))?;
        sync_file(&file, &staged)?;
        if create { fs::hard_link(&staged, path) } else { fs::rename(&staged, path) }
    })();
    if create || written.is_err() {
        // Nothing is lost by a left-over.
        let _ = fs::remove_file(&staged);
    }
    written?;
    made.iter().try_for_each(|folder| sync_folder(folder))
}

/// Makes the content of a file last.
fn sync_file(file: &File, _path: &FilePath) -> io::Result<()> {
    #[cfg(test)]
    tests::SYNCED.with_borrow_mut(|synced| synced.push(_path.to_path_buf()));
    file.sync_all()
}

/// Makes the names in a folder last.
pub(crate) fn sync_folder(folder: &FilePath) -> io::Result<()> {
    #[cfg(test)]
    tests::SYNCED.with_borrow_mut(|synced| synced.push(folder.to_path_buf()));
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    thread_local! {
        /// What this thread has synced.
        pub(super) static SYNCED: RefCell<Vec<PathBuf>> = const { RefCell::new(Vec::new()) };
    }

    #[test]
    fn what_is_put_is_synced() {
        let dir = tempfile::tempdir().unwrap();
        let above = dir.path().to_path_buf();
        for (create, folders) in [(true, ["a/b", "a", ""].as_slice()), (true, &["a/b"]), (false, &["a/b"])] {
            SYNCED.take();
            let name = format!("{create}{}", folders.len());
            put_durably(&above.join("a/b").join(&name), &PutPayload::from_static(b"x"), create).unwrap();
            let synced = SYNCED.take();
            // The file under its first name, then the folder that has its last one, and those that were made for it.
            let (file, rest) = synced.split_first().unwrap();
            let staged = file.file_name().unwrap().to_string_lossy().into_owned();
            assert!(is_staged(&staged) && file.parent() == Some(&above.join("a/b")), "{staged}");
            assert_eq!(rest, folders.iter().map(|folder| above.join(folder)).collect::<Vec<_>>());
        }
    }

    #[test]
    fn left_overs_are_cleared() {
        let dir = tempfile::tempdir().unwrap();
        let place = dir.path().to_string_lossy().into_owned();
        let log = dir.path().join("T/_delta_log");
        fs::create_dir_all(&log).unwrap();
        for path in [log.join(staged_name()), dir.path().join("T").join(staged_name()), log.join("0.json")] {
            fs::write(path, "x").unwrap();
        }
        Storage::open(&place, &BTreeMap::new()).unwrap().clear();
        assert_eq!(fs::read_dir(&log).unwrap().count(), 1);
        assert_eq!(fs::read_dir(dir.path().join("T")).unwrap().count(), 1);
    }

    #[test]
    fn a_file_is_created_once() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a/b/one");
        put_durably(&path, &PutPayload::from_static(b"first"), true).unwrap();
        let again = put_durably(&path, &PutPayload::from_static(b"second"), true).unwrap_err();
        assert_eq!(again.kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(fs::read(&path).unwrap(), b"first");
        put_durably(&path, &PutPayload::from_static(b"third"), false).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"third");
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
    }
}
