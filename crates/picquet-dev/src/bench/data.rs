//! The generated logs that benchmarks read: the same rows for the same number of rows.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use arrow::array::{
    ArrayRef, BooleanArray, Float64Array, Int32Array, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray,
};
use arrow::datatypes::{DataType, Field, Schema, TimeUnit};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;

/// 2024-01-01 in microseconds since 1970.
const START: i64 = 1_704_067_200_000_000;
/// Rows of a written batch.
const BATCH: u64 = 65_536;
/// Hosts, each a row of the second table.
pub(super) const HOSTS: u64 = 5_000;

const PROGRAMS: &[&str] = &["powershell", "cmd", "wscript", "rundll32", "svchost", "python3", "bash", "curl"];
const WORDS: &[&str] =
    &["update", "service", "Network", "backup", "install", "Temp", "system", "whoami", "report", "sync"];
const STATUSES: &[&str] = &["Success", "Failure", "Started", "Accepted"];

/// Numbers that look random: splitmix64 of a row and a column.
pub(crate) fn noise(row: u64, column: u64) -> u64 {
    let mut z = row.wrapping_mul(0x9E37_79B9_7F4A_7C15).wrapping_add(column.wrapping_mul(0xD1B5_4A32_D192_ED03));
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// One of some words.
pub(crate) fn pick<'w>(words: &[&'w str], number: u64) -> &'w str {
    words.get((number % words.len().max(1) as u64) as usize).copied().unwrap_or("")
}

/// The folder with `BenchEvents.parquet` and `BenchHosts.parquet`; written if it is not there.
pub(super) fn prepare(folder: &Path, rows: u64) -> anyhow::Result<PathBuf> {
    let folder = folder.join(format!("picquet-bench-{rows}"));
    let events = folder.join("BenchEvents.parquet");
    if events.is_file() {
        return Ok(folder);
    }
    std::fs::create_dir_all(&folder).with_context(|| format!("making {}", folder.display()))?;
    write(&folder.join("BenchHosts.parquet"), HOSTS, &hosts_schema(), hosts)?;
    // Under another name until it is whole.
    let part = folder.join("BenchEvents.part");
    write(&part, rows, &events_schema(), events_of)?;
    std::fs::rename(&part, &events)?;
    Ok(folder)
}

fn write(path: &Path, rows: u64, schema: &Arc<Schema>, make: fn(u64, u64) -> Vec<ArrayRef>) -> anyhow::Result<()> {
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(1)?))
        .set_max_row_group_row_count(Some(131_072))
        .build();
    let file = File::create(path).with_context(|| format!("writing {}", path.display()))?;
    let mut writer = ArrowWriter::try_new(file, Arc::clone(schema), Some(properties))?;
    for start in (0..rows).step_by(BATCH as usize) {
        let batch = RecordBatch::try_new(Arc::clone(schema), make(start, (start + BATCH).min(rows)))?;
        writer.write(&batch)?;
    }
    writer.close()?;
    Ok(())
}

fn hosts_schema() -> Arc<Schema> {
    Arc::new(Schema::new(vec![
        Field::new("Computer", DataType::Utf8, false),
        Field::new("Site", DataType::Utf8, false),
        Field::new("Tier", DataType::Int32, false),
    ]))
}

fn hosts(start: u64, end: u64) -> Vec<ArrayRef> {
    vec![
        Arc::new(StringArray::from_iter_values((start..end).map(host))),
        Arc::new(StringArray::from_iter_values((start..end).map(|row| format!("site-{}", noise(row, 1) % 40)))),
        Arc::new(Int32Array::from_iter_values((start..end).map(|row| (noise(row, 2) % 4) as i32))),
    ]
}

fn host(number: u64) -> String {
    format!("host-{number:05}.example.com")
}

fn events_schema() -> Arc<Schema> {
    let dynamic = [("kusto_type".to_string(), "dynamic".to_string())].into();
    Arc::new(Schema::new(vec![
        Field::new("TimeGenerated", DataType::Timestamp(TimeUnit::Microsecond, None), false),
        Field::new("Computer", DataType::Utf8, false),
        Field::new("Account", DataType::Utf8, false),
        Field::new("EventId", DataType::Int32, false),
        Field::new("Bytes", DataType::Int64, false),
        Field::new("Score", DataType::Float64, false),
        Field::new("Elevated", DataType::Boolean, false),
        Field::new("Address", DataType::Utf8, false),
        Field::new("Url", DataType::Utf8, false),
        Field::new("CommandLine", DataType::Utf8, false),
        Field::new("Text", DataType::Utf8, false),
        Field::new("Properties", DataType::Utf8, false).with_metadata(dynamic),
    ]))
}

fn events_of(start: u64, end: u64) -> Vec<ArrayRef> {
    let rows = || start..end;
    vec![
        // A day and more of events, nearly in order, as logs are.
        Arc::new(TimestampMicrosecondArray::from_iter_values(
            rows().map(|row| START + row as i64 * 10_000 + (noise(row, 0) % 1_000_000) as i64),
        )),
        Arc::new(StringArray::from_iter_values(rows().map(|row| host(noise(row, 1) % HOSTS)))),
        Arc::new(StringArray::from_iter_values(rows().map(|row| format!("CORP\\user{}", noise(row, 2) % 20_000)))),
        Arc::new(Int32Array::from_iter_values(rows().map(|row| 4600 + (noise(row, 3) % 200) as i32))),
        Arc::new(Int64Array::from_iter_values(rows().map(|row| (noise(row, 4) % 10_000_000) as i64))),
        Arc::new(Float64Array::from_iter_values(rows().map(|row| (noise(row, 5) % 100_000) as f64 / 1000.0))),
        Arc::new(BooleanArray::from_iter(rows().map(|row| Some(noise(row, 6).is_multiple_of(10))))),
        Arc::new(StringArray::from_iter_values(rows().map(|row| {
            let n = noise(row, 7);
            format!("10.{}.{}.{}", n % 20, (n >> 8) % 256, (n >> 16) % 256)
        }))),
        Arc::new(StringArray::from_iter_values(rows().map(|row| {
            let n = noise(row, 8);
            format!(
                "https://www{}.example.com/{}/{}?id={}",
                n % 90,
                pick(WORDS, n >> 8),
                pick(WORDS, n >> 16),
                (n >> 24) % 100_000
            )
        }))),
        Arc::new(StringArray::from_iter_values(rows().map(command_line))),
        Arc::new(StringArray::from_iter_values(rows().map(|row| {
            let n = noise(row, 10);
            format!("user=u{} action={} size={} ok", n % 20_000, pick(WORDS, n >> 16), (n >> 24) % 65_536)
        }))),
        Arc::new(StringArray::from_iter_values(rows().map(properties))),
    ]
}

/// About 110 characters; one in twenty has an encoded command.
fn command_line(row: u64) -> String {
    let n = noise(row, 9);
    let program = pick(PROGRAMS, n);
    let flag = if (n >> 8).is_multiple_of(20) { "-EncodedCommand" } else { "-File" };
    let (a, b) = (pick(WORDS, n >> 16), pick(WORDS, n >> 24));
    format!(
        "\"C:\\Windows\\System32\\{program}.exe\" {flag} C:\\ProgramData\\{a}\\{b}_{:08x}.ps1 --tenant {:016x} /quiet",
        n >> 32,
        n
    )
}

/// About 180 characters of JSON.
fn properties(row: u64) -> String {
    let n = noise(row, 11);
    let status = pick(STATUSES, n);
    format!(
        "{{\"status\":\"{status}\",\"user\":{{\"name\":\"user{}\",\"id\":{}}},\"ports\":[{},{},{}],\"request\":{{\"method\":\"GET\",\
         \"path\":\"/{}/{}\"}},\"message\":\"the {} of {} took {} ms\",\"tags\":[\"{}\",\"{}\"]}}",
        (n >> 8) % 20_000,
        (n >> 16) % 1_000,
        n % 65_536,
        (n >> 4) % 65_536,
        (n >> 9) % 65_536,
        pick(WORDS, n >> 20),
        pick(WORDS, n >> 28),
        pick(WORDS, n >> 36),
        pick(WORDS, n >> 40),
        (n >> 12) % 5_000,
        pick(WORDS, n >> 44),
        pick(WORDS, n >> 52),
    )
}
