//! What lies outside of the database.

/// What is asked of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum External {
    /// `externaldata`: its rows.
    Data(ExternalData),
    /// `infer_storage_schema`: the columns that it has, as one text.
    Schema(StorageFiles),
}

/// What `externaldata` reads; its values stand in the columns by their places, or by name where the format has names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExternalData {
    /// Where the data lies: URLs and paths.
    pub uris: Vec<String>,
    /// `format=`, in lower case.
    pub format: Option<String>,
    /// The first record of each place is a header.
    pub ignore_first_record: bool,
    /// `ingestionMapping=`: a JSON array that says which part of a record goes into which column.
    pub mapping: Option<String>,
}

/// The files whose columns `infer_storage_schema` tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StorageFiles {
    /// Where they lie: URLs, files and folders.
    pub containers: Vec<String>,
    /// The format of all of them, in lower case.
    pub format: String,
    /// Only files whose names end so count.
    pub extension: Option<String>,
    /// Only files whose names begin so count.
    pub prefix: Option<String>,
    /// Which of them are looked into.
    pub mode: InferenceMode,
    /// The first record of a delimited file names its columns.
    pub header: bool,
}

/// Which files are looked into.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum InferenceMode {
    /// The first that is found.
    Any,
    /// The one that was written last.
    #[default]
    Last,
    /// All; their columns are merged.
    All,
}
