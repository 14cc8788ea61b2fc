//! Watchlists: CSV files whose items queries read with `_GetWatchlist('alias')`.

use std::path::Path;
use std::time::UNIX_EPOCH;

use kql_engine::Table;
use kql_functions::{Type, Val};

use crate::{SourceError, input, stored};

/// A watchlist of a workspace.
///
/// Its table has the columns that Sentinel adds (`_DTItemId`, `LastUpdatedTimeUTC`, `SearchKey`), then those of the
/// file, all of type string.
/// Source: <https://learn.microsoft.com/azure/sentinel/watchlists-queries>.
#[derive(Clone)]
pub struct Watchlist {
    /// The name by which queries know it; its case does not count.
    pub alias: String,
    pub(crate) table: Table,
}

impl std::fmt::Debug for Watchlist {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Watchlist").field("alias", &self.alias).finish_non_exhaustive()
    }
}

impl Watchlist {
    /// Its items as a table.
    pub fn table(&self) -> &Table {
        &self.table
    }

    /// Reads the items of a CSV file with a header. The search key is the column of that name; without one it is the
    /// file's own `SearchKey`, or its first column.
    pub fn read(alias: &str, path: &Path, search_key: Option<&str>) -> Result<Watchlist, SourceError> {
        let unreadable = |source| SourceError::Unreadable { path: path.to_path_buf(), source };
        let opened = input::open(path).map_err(unreadable)?;
        let updated = std::fs::metadata(path).and_then(|m| m.modified()).map_err(unreadable)?;
        let ticks = updated.duration_since(UNIX_EPOCH).map_or(0, |d| i64::try_from(d.as_nanos() / 100).unwrap_or(0));
        Watchlist::of_csv(alias, path, opened.bytes, search_key, stored::UNIX_EPOCH.saturating_add(ticks))
    }

    /// Reads the items of a CSV text that was last changed at `updated`, in ticks of 100 ns since 0001-01-01. Errors name
    /// `path`.
    pub fn of_csv(
        alias: &str,
        path: &Path,
        text: impl std::io::Read,
        search_key: Option<&str>,
        updated: i64,
    ) -> Result<Watchlist, SourceError> {
        let refuse = |message: String| SourceError::Format { path: path.to_path_buf(), message };
        let mut reader = csv::ReaderBuilder::new().flexible(true).trim(csv::Trim::All).from_reader(text);
        let header = reader.headers().map_err(|error| refuse(format!("not a CSV file: {error}")))?.clone();
        let names: Vec<String> = header.iter().map(column_name).collect();
        if names.is_empty() {
            return Err(refuse("no header: the first line of a watchlist names its columns".to_string()));
        }
        let position = |name: &str| names.iter().position(|n| n.eq_ignore_ascii_case(name));
        let key = match search_key {
            Some(key) => position(key).ok_or_else(|| {
                refuse(format!("no column '{key}' to search by; the columns are: {}", names.join(", ")))
            })?,
            None => position("SearchKey").unwrap_or(0),
        };
        let updated = Val::DateTime(updated);

        let mut columns = vec![
            ("_DTItemId".to_string(), Type::String),
            ("LastUpdatedTimeUTC".to_string(), Type::DateTime),
            ("SearchKey".to_string(), Type::String),
        ];
        let own: Vec<usize> = (0..names.len()).filter(|i| !columns.iter().any(|(n, _)| *n == names[*i])).collect();
        columns.extend(own.iter().map(|i| (names[*i].clone(), Type::String)));
        let mut rows = Vec::new();
        for record in reader.records() {
            let record = record.map_err(|error| refuse(format!("not a CSV record: {error}")))?;
            let field = |i: usize| Val::str(record.get(i).unwrap_or_default().to_string());
            let mut row = vec![Val::str((rows.len() + 1).to_string()), updated.clone(), field(key)];
            row.extend(own.iter().map(|i| field(*i)));
            rows.push(row);
        }
        let table = Table::of_rows(columns, &rows).map_err(|error| refuse(error.to_string()))?;
        Ok(Watchlist { alias: alias.to_string(), table })
    }
}

/// A header's field without a byte-order mark and quotes around it.
fn column_name(field: &str) -> String {
    field.trim_start_matches('\u{feff}').trim().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, key: Option<&str>) -> Result<Watchlist, SourceError> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("list.csv");
        std::fs::write(&path, text).unwrap();
        Watchlist::read("list", &path, key)
    }

    #[test]
    fn columns_and_search_key() {
        let names = |watchlist: Watchlist| -> Vec<String> {
            watchlist.table.columns.into_iter().map(|(name, _)| name).collect()
        };
        let read_names = |text, key| names(read(text, key).unwrap());
        let expected = ["_DTItemId", "LastUpdatedTimeUTC", "SearchKey", "Host", "Owner"];
        assert_eq!(read_names("Host,Owner\na,b\n", Some("owner")), expected);
        assert_eq!(read_names("SearchKey,Host\na,b\n", None), expected[..4]);
        let error = read("Host\na\n", Some("Owner")).unwrap_err().to_string();
        assert!(error.contains("no column 'Owner' to search by; the columns are: Host"), "{error}");
    }
}
