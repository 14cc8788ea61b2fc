//! `schema_merge`: several schemas, as `getschema` shows them, as one.

use std::collections::HashMap;

use super::{Call, Field, Plugin, Refusal, Row, field};
use crate::{Type, Val};

pub(super) const PLUGINS: &[Plugin] = &[Plugin { name: "schema_merge", columns, rows, ordered: true, table_key: None }];

/// Places of the input's columns.
struct Places {
    name: usize,
    ordinal: usize,
    ty: usize,
}

fn columns(call: &Call<'_>) -> Result<Vec<Field>, Refusal> {
    places(call)?;
    preserves_order(call)?;
    Ok(vec![
        field("ColumnName", Type::String),
        field("ColumnOrdinal", Type::Long),
        field("DataType", Type::String),
        field("ColumnType", Type::String),
    ])
}

fn places(call: &Call<'_>) -> Result<Places, Refusal> {
    let find = |wanted: &str, fits: fn(Type) -> bool| {
        let found = call.input.iter().position(|(name, ty)| name == wanted && fits(*ty));
        found.ok_or_else(|| {
            Refusal::new(format!("schema_merge() reads the result of getschema; the input has no such '{wanted}'."))
        })
    };
    Ok(Places {
        name: find("ColumnName", |ty| ty == Type::String)?,
        ordinal: find("ColumnOrdinal", Type::is_integer)?,
        ty: find("ColumnType", |ty| ty == Type::String)?,
    })
}

fn preserves_order(call: &Call<'_>) -> Result<bool, Refusal> {
    if call.args.is_empty() { Ok(true) } else { call.bool(0) }
}

/// A column of the merged schema.
struct Merged<'r> {
    name: &'r str,
    /// The first ordinal that was seen, and the greatest.
    first: i64,
    greatest: i64,
    moved: bool,
    /// The common type; none where there is none.
    ty: Option<&'r str>,
}

/// Columns are in the order of their greatest ordinals. What a column is called that cannot be merged is documented for
/// columns out of order alone.
fn rows(call: &Call<'_>, tables: &[Vec<Row<'_>>]) -> Result<Vec<Row<'static>>, Refusal> {
    let places = places(call)?;
    let preserves_order = preserves_order(call)?;
    let mut merged: Vec<Merged<'_>> = Vec::new();
    let mut known: HashMap<&str, usize> = HashMap::new();
    for row in tables.first().map(Vec::as_slice).unwrap_or_default() {
        let text = |at: usize| row.get(at).and_then(Val::as_str).unwrap_or_default();
        let ordinal = row.get(places.ordinal).and_then(Val::as_i64).unwrap_or_default();
        let (name, ty) = (text(places.name), text(places.ty));
        let at = *known.entry(name).or_insert(merged.len());
        match merged.get_mut(at) {
            None => merged.push(Merged { name, first: ordinal, greatest: ordinal, moved: false, ty: Some(ty) }),
            Some(column) => {
                column.moved |= column.first != ordinal;
                column.greatest = column.greatest.max(ordinal);
                column.ty = column.ty.and_then(|known| common(known, ty));
            }
        }
    }
    merged.sort_by_key(|column| column.greatest);
    let row = |(at, column): (usize, Merged<'_>)| {
        let problem = if preserves_order && column.moved {
            Some("ERROR(columns are out of order)")
        } else if column.ty.is_none() {
            Some("ERROR(columns have different types)")
        } else {
            None
        };
        let ty = problem.or(column.ty).unwrap_or_default();
        let clr = Type::parse(ty).map_or_else(|| format!("ERROR(unknown CSL type:{ty})"), |t| t.clr_name().to_string());
        let ordinal = if problem.is_some() { -1 } else { at as i64 };
        vec![Val::str(column.name.to_string()), Val::Long(ordinal), Val::str(clr), Val::str(ty.to_string())]
    };
    Ok(merged.into_iter().enumerate().map(row).collect())
}

/// The type that holds the values of both: of numbers the wider.
fn common<'t>(a: &'t str, b: &'t str) -> Option<&'t str> {
    if a == b {
        return Some(a);
    }
    let (one, other) = (Type::parse(a)?, Type::parse(b)?);
    let either = |ty: Type| one == ty || other == ty;
    match () {
        () if one == other => Some(a),
        () if !one.is_number() || !other.is_number() => None,
        () if either(Type::Decimal) => Some(Type::Decimal.name()),
        () if either(Type::Real) => Some(Type::Real.name()),
        () => Some(Type::Long.name()),
    }
}
