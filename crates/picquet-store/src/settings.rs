//! `workspace.toml`: the settings of a workspace.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use picquet_rules::Duration;
use serde::Deserialize;

/// Name of the file in the workspace's folder.
pub const SETTINGS_FILE: &str = "workspace.toml";

/// Settings that cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("{}: {message}", path.display())]
pub struct SettingsError {
    /// The file.
    pub path: PathBuf,
    /// What is wrong, with the line.
    pub message: String,
}

/// What becomes of a column that a table does not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum UnknownColumns {
    /// The table grows by it.
    #[default]
    Add,
    /// Rows that have a value in it go to the dead-letter table.
    Refuse,
}

/// Settings of one table.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TableSettings {
    /// How long rows are kept, by TimeGenerated; the workspace's retention where it is not said.
    pub retention: Option<Duration>,
    /// What becomes of columns that the table does not have; the workspace's choice where it is not said.
    pub unknown_columns: Option<UnknownColumns>,
}

/// The settings of a workspace, as `workspace.toml` holds them. All may be left out.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Where the log tables are: a folder, or `s3://`, `abfss://`, `gs://`; the folder `tables` of the workspace where it
    /// is not said.
    pub storage: Option<String>,
    /// Options of that storage, by the names of the crate object_store (`aws_region`, …). What is not here is read from the
    /// environment.
    pub storage_options: BTreeMap<String, String>,
    /// How long rows are kept, by TimeGenerated; for ever where it is not said.
    pub retention: Option<Duration>,
    /// What becomes of columns that a table does not have.
    pub unknown_columns: UnknownColumns,
    /// Small writes are put into a file of their table after this time at the latest.
    pub flush_after: Duration,
    /// Small writes of a table are put into a file once they have so many rows.
    pub flush_rows: usize,
    /// Bytes that a file of a table has at most, about.
    pub file_bytes: usize,
    /// Files that are no longer part of their table are deleted after this time, so that readers have done with them.
    pub keep_removed: Duration,
    /// By table, where it differs.
    pub tables: BTreeMap<String, TableSettings>,
    /// How rules run; read by the scheduler.
    pub rules: toml::Table,
    /// Where alerts and incidents go; read by what sends them.
    pub output: Vec<toml::Table>,
    /// What alerts say of the workspace; read by the scheduler.
    pub workspace: toml::Table,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            storage: None,
            storage_options: BTreeMap::new(),
            retention: None,
            unknown_columns: UnknownColumns::Add,
            flush_after: Duration::from_ticks(5 * 60 * 10_000_000),
            flush_rows: 500_000,
            file_bytes: 64 << 20,
            keep_removed: Duration::from_ticks(24 * 3600 * 10_000_000),
            tables: BTreeMap::new(),
            rules: toml::Table::new(),
            output: Vec::new(),
            workspace: toml::Table::new(),
        }
    }
}

impl Settings {
    /// Reads the settings of a workspace; the defaults where there is no file.
    pub fn read(workspace: &Path) -> Result<Settings, SettingsError> {
        let path = workspace.join(SETTINGS_FILE);
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Settings::default()),
            Err(error) => return Err(SettingsError { path, message: error.to_string() }),
        };
        toml::from_str(&text).map_err(|error| SettingsError { path, message: error.to_string().trim_end().to_string() })
    }

    /// How long rows of a table are kept; `None` for ever.
    #[must_use]
    pub fn retention_of(&self, table: &str) -> Option<Duration> {
        self.tables.get(table).and_then(|t| t.retention).or(self.retention)
    }

    /// What becomes of columns that a table does not have.
    #[must_use]
    pub fn unknown_columns_of(&self, table: &str) -> UnknownColumns {
        self.tables.get(table).and_then(|t| t.unknown_columns).unwrap_or(self.unknown_columns)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_settings() {
        let text = "storage = 's3://logs/sentinel'\nretention = '90d'\nflush_after = '1m'\nunknown_columns = 'refuse'\n\
                    [storage_options]\naws_region = 'eu-central-1'\n[tables.Syslog]\nretention = '7d'\n\
                    unknown_columns = 'add'\n[[output]]\nname = 'soc'\n";
        let settings: Settings = toml::from_str(text).unwrap();
        let days = |n: i64| Some(Duration::from_ticks(n * 864_000_000_000));
        assert_eq!(settings.retention_of("AzureActivity"), days(90));
        assert_eq!(settings.retention_of("Syslog"), days(7));
        assert_eq!(settings.unknown_columns_of("Syslog"), UnknownColumns::Add);
        assert_eq!(settings.unknown_columns_of("AzureActivity"), UnknownColumns::Refuse);
    }

    #[test]
    fn wrong_settings_name_file_and_line() {
        let dir = tempfile::tempdir().unwrap();
        for (text, expected) in [
            ("retention = 'long'\n", "line 1"),
            ("flush_rows = 5\nretentoin = '1d'\n", "unknown field `retentoin`"),
            ("[tables.T]\nretention = 3\n", "invalid type: integer `3`"),
        ] {
            std::fs::write(dir.path().join(SETTINGS_FILE), text).unwrap();
            let error = Settings::read(dir.path()).unwrap_err().to_string();
            assert!(error.contains(SETTINGS_FILE) && error.contains(expected), "{error}");
        }
    }
}
