//! Plugins that give their input back.

use super::{Call, Field, Plugin, Refusal, Row};
use crate::Val;

pub(super) const PLUGINS: &[Plugin] = &[
    Plugin {
        name: "identity",
        columns: same,
        rows: |call, tables| head(call, tables, usize::MAX),
        ordered: false,
        table_key: None,
    },
    Plugin {
        name: "preview",
        columns: |call| call.long(0).and_then(|_| same(call)),
        rows: |call, tables| head(call, tables, usize::try_from(call.long(0)?).unwrap_or(0)),
        ordered: false,
        table_key: None,
    },
];

fn same(call: &Call<'_>) -> Result<Vec<Field>, Refusal> {
    Ok(call.input.to_vec())
}

fn head(call: &Call<'_>, tables: &[Vec<Row<'_>>], rows: usize) -> Result<Vec<Row<'static>>, Refusal> {
    let input = tables.first().map(Vec::as_slice).unwrap_or_default();
    let owned = |row: &Row<'_>| row.iter().take(call.input.len()).cloned().map(Val::into_owned).collect();
    Ok(input.iter().take(rows).map(owned).collect())
}
