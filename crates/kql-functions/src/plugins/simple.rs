//! Plugins that give their input back, or its size.

use super::{Call, Field, Plugin, Refusal, Row, field};
use crate::{Type, Val};

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
    Plugin {
        name: "estimate_rows_count",
        columns: |_| Ok(vec![field("EstimatedRowsCount", Type::Long)]),
        rows: |_, tables| Ok(vec![vec![Val::Long(tables.first().map_or(0, Vec::len) as i64)]]),
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
