//! The arguments that the plugins have in common.

use std::ops::RangeInclusive;

use crate::plugins::{Arg, Call, Field, Refusal};
use crate::{Type, Val};

/// Columns, weight and wildcards.
pub(super) struct Options {
    /// The columns that patterns are made of: all but the one that splits the rows and that of the weights.
    pub(super) dimensions: Vec<Dimension>,
    /// The column with the weights of the rows.
    pub(super) weight: Option<usize>,
}

/// A column of the patterns.
pub(super) struct Dimension {
    pub(super) field: Field,
    /// Place in the input.
    pub(super) place: usize,
    /// What stands for any value.
    pub(super) wildcard: Val<'static>,
}

impl Options {
    /// Reads the weight column from argument `weight`, and wildcards from argument `wildcards` on.
    pub(super) fn new(
        call: &Call<'_>,
        split: Option<usize>,
        weight: usize,
        wildcards: usize,
    ) -> Result<Options, Refusal> {
        let weight = weight_column(call, weight)?;
        let mut given: Vec<(&Val<'static>, Type)> = Vec::new();
        for at in wildcards..call.args.len() {
            match call.value(at) {
                Some(wildcard) if !call.is_default(at) => given.push(wildcard),
                Some(_) => {}
                None => return Err(Refusal::of(at, "A constant expected, as the wildcard of a type.")),
            }
        }
        let others = call.input.iter().enumerate().filter(|(at, _)| Some(*at) != split && Some(*at) != weight);
        let dimension = |(place, field): (usize, &Field)| {
            let custom = given.iter().find(|(_, ty)| *ty == field.1);
            let wildcard = custom.map_or_else(|| Val::missing(field.1), |(value, _)| (*value).clone());
            Dimension { field: field.clone(), place, wildcard }
        };
        Ok(Options { dimensions: others.map(dimension).collect(), weight })
    }
}

fn weight_column(call: &Call<'_>, at: usize) -> Result<Option<usize>, Refusal> {
    if call.is_default(at) {
        return Ok(None);
    }
    match (call.field(at)?, call.args.get(at)) {
        ((_, ty), Some(Arg::Column(place))) if ty.is_number() => Ok(Some(*place)),
        _ => Err(Refusal::of(at, "A numeric column expected.")),
    }
}

/// The number that is argument `at`, within a range.
pub(super) fn number(call: &Call<'_>, at: usize, default: f64, range: RangeInclusive<f64>) -> Result<f64, Refusal> {
    if call.is_default(at) {
        return Ok(default);
    }
    let number = call.real(at)?;
    if range.contains(&number) {
        return Ok(number);
    }
    Err(Refusal::of(at, format!("A number between {} and {} expected.", range.start(), range.end())))
}

/// The positive integer that is argument `at`, if it is there.
pub(super) fn count(call: &Call<'_>, at: usize) -> Result<Option<usize>, Refusal> {
    if call.is_default(at) {
        return Ok(None);
    }
    match usize::try_from(call.long(at)?) {
        Ok(count) if count > 0 => Ok(Some(count)),
        _ => Err(Refusal::of(at, "A positive integer expected.")),
    }
}
