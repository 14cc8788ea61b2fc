//! JSON lines: one object a row, its members in the order of the columns.

use std::io::Write;

use kql_engine::QueryResult;

use super::json::write_value;

pub(super) fn write(result: &QueryResult, out: &mut dyn Write) -> anyhow::Result<()> {
    let keys: Vec<String> =
        result.columns.iter().map(|(name, _)| serde_json::to_string(name)).collect::<Result<_, _>>()?;
    for row in result.rows() {
        out.write_all(b"{")?;
        for (i, (key, value)) in keys.iter().zip(&row).enumerate() {
            if i > 0 {
                out.write_all(b",")?;
            }
            write!(out, "{key}:")?;
            write_value(value, out)?;
        }
        out.write_all(b"}\n")?;
    }
    Ok(())
}
