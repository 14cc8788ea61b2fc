//! One JSON object: `{"columns":[[name,type],…],"rows":[[…],…]}`, a row a line.

use std::io::Write;

use kql_engine::{QueryResult, json};
use kql_functions::{Dynamic, Val};

pub(super) fn write(result: &QueryResult, out: &mut dyn Write) -> anyhow::Result<()> {
    out.write_all(b"{\"columns\":[")?;
    for (i, (name, ty)) in result.columns.iter().enumerate() {
        if i > 0 {
            out.write_all(b",")?;
        }
        serde_json::to_writer(&mut *out, &[name.as_str(), ty.name()])?;
    }
    out.write_all(b"],\"rows\":[")?;
    for (i, row) in result.rows().enumerate() {
        out.write_all(if i > 0 { b",\n[" } else { b"\n[" })?;
        for (j, value) in row.iter().enumerate() {
            if j > 0 {
                out.write_all(b",")?;
            }
            write_value(value, out)?;
        }
        out.write_all(b"]")?;
    }
    out.write_all(b"\n]}\n")?;
    Ok(())
}

/// As [`json::to_json`], with the keys of a bag in their own order.
pub(super) fn write_value(value: &Val<'_>, out: &mut dyn Write) -> anyhow::Result<()> {
    match value {
        Val::Dynamic(text) => out.write_all(Dynamic::decode(text).to_json().as_bytes())?,
        other => serde_json::to_writer(out, &json::to_json(other))?,
    }
    Ok(())
}
