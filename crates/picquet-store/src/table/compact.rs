//! Small files of a table are put together into large ones.

use std::sync::Arc;

use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::logical_expr::ident;
use datafusion::prelude::{SessionConfig, SessionContext};
use futures::TryStreamExt as _;

use super::{DataFile, FileWriter, StoredTable, TIME_GENERATED, TableLog, WrittenFile};
use crate::error::{Result, StoreError};

/// Bytes that putting files together may hold; the sort spills beyond.
const MEMORY: usize = 512 << 20;

/// Which files to put together: runs of small ones, in the order of their times, of about `file_bytes` in sum. None where
/// there are fewer than `fewest` small files.
pub(crate) fn groups(files: &[DataFile], file_bytes: u64, fewest: usize) -> Vec<Vec<DataFile>> {
    let mut small: Vec<&DataFile> = files.iter().filter(|file| file.bytes < file_bytes / 2).collect();
    if small.len() < fewest.max(2) {
        return Vec::new();
    }
    small.sort_by(|a, b| (a.generated, &a.path).cmp(&(b.generated, &b.path)));
    let mut groups: Vec<Vec<DataFile>> = Vec::new();
    let mut bytes = u64::MAX;
    for file in small {
        if bytes.saturating_add(file.bytes) > file_bytes {
            groups.push(Vec::new());
            bytes = 0;
        }
        bytes += file.bytes;
        if let Some(last) = groups.last_mut() {
            last.push(file.clone());
        }
    }
    groups.retain(|group| group.len() > 1);
    groups
}

/// Writes the rows of a table, by their time, into new files, which are put where the table's are.
pub(crate) async fn rewrite(table: StoredTable, log: &TableLog, file_bytes: usize) -> Result<Vec<WrittenFile>> {
    let name = table.name.clone();
    let columns = table.columns.clone();
    let names = table.files.names.clone();
    let fail = |e: datafusion::common::DataFusionError| StoreError::table(&name, e);
    let runtime = RuntimeEnvBuilder::new().with_memory_limit(MEMORY, 0.9).build_arc().map_err(fail)?;
    let config = SessionConfig::new().with_target_partitions(1);
    let frame = SessionContext::new_with_config_rt(config, runtime).read_table(Arc::new(table)).map_err(fail)?;
    let by_time = columns.iter().any(|(name, _)| name == TIME_GENERATED);
    let frame = if by_time { frame.sort(vec![ident(TIME_GENERATED).sort(true, true)]).map_err(fail)? } else { frame };
    let mut rows = frame.execute_stream().await.map_err(fail)?;
    let broken = |e: Box<dyn std::error::Error + Send + Sync>| StoreError::table(&name, e);
    let mut writer = FileWriter::new(columns, names, file_bytes);
    let mut written = Vec::new();
    while let Some(batch) = rows.try_next().await.map_err(fail)? {
        writer.add(batch).map_err(broken)?;
        for file in writer.take_done() {
            log.put(&file).await?;
            written.push(file.without_data());
        }
    }
    for file in writer.finish().map_err(broken)? {
        log.put(&file).await?;
        written.push(file.without_data());
    }
    Ok(written)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str, bytes: u64, from: i64) -> DataFile {
        let path = path.to_string();
        DataFile {
            path,
            bytes,
            rows: Some(1),
            generated: Some((from, from + 10)),
            received: None,
            without_received: None,
        }
    }

    #[test]
    fn small_files_in_the_order_of_their_times() {
        let files =
            [file("c", 30, 300), file("big", 80, 0), file("a", 30, 100), file("b", 30, 200), file("d", 20, 400)];
        let names: Vec<Vec<String>> =
            groups(&files, 100, 2).into_iter().map(|group| group.into_iter().map(|file| file.path).collect()).collect();
        assert_eq!(names, [["a", "b", "c"].map(str::to_string).to_vec()]);
        assert!(groups(&files, 100, 5).is_empty());
        assert!(groups(&[], 100, 0).is_empty());
    }
}
