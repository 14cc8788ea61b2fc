//! Places looked up in a table of lines or polygons: `geo_line_lookup`, `geo_polygon_lookup`.
//!
//! As in a join, a place that is in several geometries gives a row for each.

use super::{Arg, Call, Field, Plugin, Refusal, Row};
use crate::families::geo::Target;
use crate::{EvalError, Type, Val, interrupt};

pub(super) const PLUGINS: &[Plugin] = &[
    Plugin {
        name: "geo_line_lookup",
        columns: |call| Ok(Lookup::of(call, &LINES)?.fields()),
        rows: |call, tables| Ok(Lookup::of(call, &LINES)?.rows(tables)?),
        ordered: false,
        table_key: Some(1),
    },
    Plugin {
        name: "geo_polygon_lookup",
        columns: |call| Ok(Lookup::of(call, &POLYGONS)?.fields()),
        rows: |call, tables| Ok(Lookup::of(call, &POLYGONS)?.rows(tables)?),
        ordered: false,
        table_key: Some(1),
    },
];

/// What is different about a kind of geometry.
struct Kind {
    target: fn(&Val<'_>) -> Option<Target>,
    /// Without a radius, a line has no places.
    needs_radius: bool,
}

const LINES: Kind = Kind { target: Target::of_lines, needs_radius: true };
const POLYGONS: Kind = Kind { target: Target::of_polygons, needs_radius: false };

/// The arguments after the coordinates, in the order in which they may be given without names. The hint of the
/// distance for the join changes no answer.
const OPTIONS: [&str; 4] = ["radius", "return_unmatched", "join_hint", "return_lookup_key"];

/// A call, understood.
struct Lookup<'c> {
    kind: &'c Kind,
    input: &'c [Field],
    table: &'c [Field],
    /// The column of the table with the geometry.
    key: usize,
    longitude: usize,
    latitude: usize,
    /// In metres.
    radius: Option<f64>,
    unmatched: bool,
    /// The result has the geometry.
    with_key: bool,
}

impl<'c> Lookup<'c> {
    fn of(call: &Call<'c>, kind: &'c Kind) -> Result<Lookup<'c>, Refusal> {
        let table = match call.args.first() {
            Some(Arg::Table(at)) => call.tables.get(*at),
            _ => None,
        };
        let table = table.map(Vec::as_slice).ok_or_else(|| Refusal::of(0, "A table expected."))?;
        let key = match call.args.get(1) {
            Some(Arg::OfTable(at)) => *at,
            _ => return Err(Refusal::of(1, "A column of the lookup table expected.")),
        };
        match table.get(key) {
            Some((_, Type::Dynamic | Type::Unknown)) => {}
            _ => return Err(Refusal::of(1, "A value of type dynamic expected.")),
        }
        let options = options(call)?;
        let flag = |at: Option<usize>| at.map_or(Ok(false), |at| call.bool(at));
        let [radius, unmatched, hint, with_key] = options;
        hint.map(|at| call.real(at)).transpose()?;
        let radius = radius.map(|at| call.real(at)).transpose()?;
        if kind.needs_radius && radius.is_none() {
            return Err(Refusal::new("A radius expected."));
        }
        Ok(Lookup {
            kind,
            input: call.input,
            table,
            key,
            longitude: call.column(2)?,
            latitude: call.column(3)?,
            radius,
            unmatched: flag(unmatched)?,
            with_key: flag(with_key)?,
        })
    }

    /// The table's columns that the result has.
    fn kept(&self) -> impl Iterator<Item = usize> + '_ {
        (0..self.table.len()).filter(|at| self.with_key || *at != self.key)
    }

    fn fields(&self) -> Vec<Field> {
        let mut fields = self.input.to_vec();
        for (name, ty) in self.kept().filter_map(|at| self.table.get(at)) {
            let taken = |name: &str| fields.iter().any(|(other, _)| other == name);
            let free = (1..).map(|n| format!("{name}{n}")).find(|name| !taken(name));
            let name = if taken(name) { free.unwrap_or_default() } else { name.clone() };
            fields.push((name, *ty));
        }
        fields
    }

    fn rows(&self, tables: &[Vec<Row<'_>>]) -> Result<Vec<Row<'static>>, EvalError> {
        let [input, lookup, ..] = tables else { return Ok(Vec::new()) };
        let target = |row: &Row<'_>| row.get(self.key).and_then(self.kind.target);
        let targets: Vec<(Target, &Row<'_>)> = lookup.iter().filter_map(|row| Some((target(row)?, row))).collect();
        let missing: Row<'static> =
            self.kept().map(|at| self.table.get(at).map_or(Val::Null, |(_, ty)| Val::missing(*ty))).collect();
        let owned = |row: &Row<'_>, at: usize| row.get(at).cloned().unwrap_or(Val::Null).into_owned();
        let mut result = Vec::new();
        for row in input {
            // Each is compared with all of the table.
            interrupt::check()?;
            let number = |at: usize| row.get(at).and_then(Val::as_f64);
            let place = number(self.longitude).zip(number(self.latitude));
            let of_input = || (0..self.input.len()).map(|at| owned(row, at));
            let before = result.len();
            if let Some((longitude, latitude)) = place {
                let found = targets.iter().filter(|(target, _)| target.matches(longitude, latitude, self.radius));
                result.extend(found.map(|(_, of)| of_input().chain(self.kept().map(|at| owned(of, at))).collect()));
            }
            if result.len() == before && self.unmatched {
                result.push(of_input().chain(missing.iter().cloned()).collect());
            }
        }
        Ok(result)
    }
}

/// The places of the [`OPTIONS`] among the arguments.
fn options(call: &Call<'_>) -> Result<[Option<usize>; 4], Refusal> {
    let mut found = OPTIONS.map(|name| call.named(name));
    for at in 4..call.args.len() {
        match call.names.get(at) {
            Some(Some(name)) if !OPTIONS.contains(&name.as_str()) => {
                return Err(Refusal::of(at, format!("There is no parameter '{name}'.")));
            }
            Some(Some(_)) => {}
            _ => match found.get_mut(at - 4) {
                Some(place) => *place = place.or(Some(at)),
                None => return Err(Refusal::of(at, "Too many arguments.")),
            },
        }
    }
    Ok(found)
}
