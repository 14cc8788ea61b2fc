//! Writes the rows of a query: for people, for programs, into files.

mod clean;
mod csv;
mod file;
mod json;
mod jsonl;
mod parquet;
pub mod table;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::io::Write;

use clap::ValueEnum;
use kql_engine::QueryResult;
use kql_functions::{Dynamic, Val, text};

pub use clean::{clean, shorten};
pub use file::write_to_path;

/// How rows are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Aligned columns for people
    Table,
    /// One object: columns with their types, and rows as arrays
    Json,
    /// One object a row
    Jsonl,
    /// RFC 4180, with a header
    Csv,
    /// Apache Parquet, zstd
    Parquet,
}

impl Format {
    /// The format that a file's ending asks for.
    pub fn of_extension(extension: &str) -> Option<Format> {
        Some(match extension.to_ascii_lowercase().as_str() {
            "txt" => Format::Table,
            "json" => Format::Json,
            "jsonl" | "ndjson" => Format::Jsonl,
            "csv" => Format::Csv,
            "parquet" => Format::Parquet,
            _ => return None,
        })
    }
}

/// Writes all rows. `width` is the terminal's, and only matters to [`Format::Table`]; `None` means that no terminal
/// is there, so that nothing is cut.
pub fn write_result(
    result: &QueryResult,
    format: Format,
    out: &mut dyn Write,
    width: Option<usize>,
) -> anyhow::Result<()> {
    match format {
        Format::Table => table::write(result, out, width),
        Format::Json => json::write(result, out),
        Format::Jsonl => jsonl::write(result, out),
        Format::Csv => csv::write(result, out),
        Format::Parquet => parquet::write(result, out),
    }
}

/// The text of a value in a cell: nulls are empty, a dynamic is plain JSON, a string is itself.
pub fn cell_text<'a>(value: &'a Val<'_>) -> Cow<'a, str> {
    match value {
        Val::Null => Cow::Borrowed(""),
        Val::Bool(v) => Cow::Borrowed(if *v { "true" } else { "false" }),
        Val::Int(v) => Cow::Owned(v.to_string()),
        Val::Long(v) => Cow::Owned(v.to_string()),
        Val::Real(v) => Cow::Owned(text::real(*v)),
        Val::Decimal(v) => Cow::Owned(text::decimal(*v)),
        Val::Str(v) => Cow::Borrowed(v),
        Val::DateTime(v) => Cow::Owned(text::datetime(*v)),
        Val::Timespan(v) => Cow::Owned(text::timespan(*v)),
        Val::Guid(v) => Cow::Owned(text::guid(v)),
        Val::Dynamic(v) => Cow::Owned(match Dynamic::decode(v) {
            // As `tostring` does: a string inside a dynamic shows without quotes.
            Dynamic::String(s) => s,
            tree => tree.to_json(),
        }),
    }
}
