//! `dcount_intersect`: how many members sets have in common, by their sketches.

use std::collections::HashSet;

use super::{Arg, Call, Field, Plugin, Refusal, Row};
use crate::aggregates::hll::Hll;
use crate::families::sketch::hll;
use crate::{EvalError, Type, Val};

pub(super) const PLUGINS: &[Plugin] =
    &[Plugin { name: "dcount_intersect", columns, rows, ordered: false, table_key: None }];

const SETS: std::ops::RangeInclusive<usize> = 2..=16;

fn columns(call: &Call<'_>) -> Result<Vec<Field>, Refusal> {
    let sets = call.args.len();
    if !SETS.contains(&sets) {
        return Err(Refusal::new("dcount_intersect() takes between 2 and 16 states of hll()."));
    }
    for (at, arg) in call.args.iter().enumerate() {
        let ty = match arg {
            Arg::Computed { ty, .. } => *ty,
            _ => call.field(at)?.1,
        };
        if !matches!(ty, Type::Dynamic | Type::Unknown) {
            return Err(Refusal::of(at, "A value of type dynamic expected."));
        }
    }
    Ok(call.input.iter().cloned().chain((0..sets).map(|n| (format!("s{n}"), Type::Long))).collect())
}

fn rows(call: &Call<'_>, tables: &[Vec<Row<'_>>]) -> Result<Vec<Row<'static>>, Refusal> {
    let places = call.columns_from(0)?;
    let row = |row: &Row<'_>| -> Result<Row<'static>, Refusal> {
        let sets: Vec<Hll> = places.iter().map_while(|at| row.get(*at).and_then(hll)).collect();
        let counts = intersections(&sets).map_err(|error| Refusal::new(error.to_string()))?;
        let mut result: Row<'static> = row.iter().take(call.input.len()).cloned().map(Val::into_owned).collect();
        let missing = std::iter::repeat_n(Val::Null, places.len() - sets.len());
        result.extend(counts.into_iter().map(Val::Long).chain(missing));
        Ok(result)
    };
    tables.first().map(Vec::as_slice).unwrap_or_default().iter().map(row).collect()
}

/// How many members the first set has, the first two have in common, the first three, and so on.
fn intersections(sets: &[Hll]) -> Result<Vec<i64>, EvalError> {
    let exact = sets.iter().take_while(|set| set.hashes().is_some()).count();
    let mut counts = Vec::with_capacity(sets.len());
    let mut common: Option<HashSet<u64>> = None;
    for hashes in sets.iter().take(exact).filter_map(Hll::hashes) {
        let next: HashSet<u64> = match common {
            None => hashes.into_iter().collect(),
            Some(common) => hashes.into_iter().filter(|hash| common.contains(hash)).collect(),
        };
        counts.push(next.len() as i64);
        common = Some(next);
    }
    if exact < sets.len() {
        let mut signed = vec![0; sets.len()];
        unions(sets, 0, None, 1, &mut signed)?;
        let mut total = 0;
        for (at, part) in signed.into_iter().enumerate() {
            total += part;
            if at >= exact {
                let most = counts.last().copied().unwrap_or(i64::MAX);
                counts.push(total.clamp(0, most));
            }
        }
    }
    Ok(counts)
}

/// Inclusion and exclusion: the sizes of the unions of all choices of sets, signed by how many they are, summed by the last
/// set that was chosen.
fn unions(sets: &[Hll], from: usize, chosen: Option<&Hll>, sign: i64, sums: &mut [i64]) -> Result<(), EvalError> {
    for (at, set) in sets.iter().enumerate().skip(from) {
        let mut union = set.clone();
        if let Some(chosen) = chosen {
            union.merge(chosen)?;
        }
        if let Some(sum) = sums.get_mut(at) {
            *sum += sign * union.count();
        }
        unions(sets, at + 1, Some(&union), -sign, sums)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sketch(values: impl Iterator<Item = i64>) -> Hll {
        let mut hll = Hll::new(Some(2));
        values.for_each(|v| hll.add(&Val::Long(v)));
        hll
    }

    #[test]
    fn exact_while_small() {
        let sets = [2, 3, 5].map(|n| sketch((0..=100).step_by(n)));
        assert_eq!(intersections(&sets).unwrap(), [51, 17, 4]);
    }

    #[test]
    fn close_when_large() {
        let sets = [sketch(0..60_000), sketch(30_000..90_000), sketch(50_000..55_000)];
        let counts = intersections(&sets).unwrap();
        for (count, want) in counts.into_iter().zip([60_000, 30_000, 5_000]) {
            assert!((count - want).abs() < 1_500, "{count} {want}");
        }
    }
}
