//! CSV by RFC 4180: a header, lines ending in CR LF, quotes where needed. A null is an empty field.

use std::io::Write;

use ::csv::{Terminator, WriterBuilder};
use kql_engine::QueryResult;

use super::cell_text;

pub(super) fn write(result: &QueryResult, out: &mut dyn Write) -> anyhow::Result<()> {
    if result.columns.is_empty() {
        return Ok(());
    }
    let mut writer = WriterBuilder::new().terminator(Terminator::CRLF).from_writer(out);
    writer.write_record(result.columns.iter().map(|(name, _)| name))?;
    for row in result.rows() {
        for value in &row {
            writer.write_field(cell_text(value).as_ref())?;
        }
        writer.write_record(None::<&[u8]>)?;
    }
    writer.flush()?;
    Ok(())
}
