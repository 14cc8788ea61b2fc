//! What looks at the rows around a row: `rolling_percentile`, `rows_near`.

use super::sliding::{Window, slide};
use super::timeline::{Axis, Groups, Period, Steps, dimensions_from, fits, input, no_more};
use super::{Arg, Call, Field, Plugin, Refusal, Row};
use crate::aggregates::Kind;
use crate::cast::to_text;
use crate::{Type, Val};

pub(super) const PLUGINS: &[Plugin] = &[
    Plugin {
        name: "rolling_percentile",
        columns: |call| Rolling::of(call)?.columns(call),
        rows: rolling_percentile,
        ordered: false,
        table_key: None,
    },
    Plugin {
        name: "rows_near",
        columns: |call| Near::of(call).map(|_| call.input.to_vec()),
        rows: rows_near,
        ordered: true,
        table_key: None,
    },
];

/// `(ValueColumn, Percentile, IndexColumn, BinSize, BinsPerWindow, dimensions…)`
struct Rolling {
    value: usize,
    ty: Type,
    kind: Kind,
    percentile: f64,
    index: usize,
    axis: Axis,
    length: i128,
    bins: i128,
    dimensions: Vec<usize>,
}

impl Rolling {
    fn of(call: &Call<'_>) -> Result<Rolling, Refusal> {
        let (_, ty) = call.field(0)?;
        let kind =
            Kind::of(*ty).ok_or_else(|| Refusal::of(0, "A column of type number, datetime or timespan expected."))?;
        let percentile = call.real(1)?;
        if !(0.0..=100.0).contains(&percentile) {
            return Err(Refusal::of(1, "A percentile from 0 to 100 expected."));
        }
        let axis = Axis::of(call, 2)?;
        let length = axis.constant_length(call, 3)?;
        let bins = call.long(4)?;
        if bins < 1 {
            return Err(Refusal::of(4, "At least one bin for a window expected."));
        }
        let dimensions = dimensions_from(call, 5, call.args.len())?;
        let (value, index) = (call.column(0)?, call.column(2)?);
        Ok(Rolling { value, ty: *ty, kind, percentile, index, axis, length, bins: i128::from(bins), dimensions })
    }

    fn columns(&self, call: &Call<'_>) -> Result<Vec<Field>, Refusal> {
        let (value, ty) = call.field(0)?;
        let text = |at: usize| call.value(at).map(|(v, _)| to_text(v).into_owned()).unwrap_or_default();
        let mut columns = vec![call.field(2)?.clone()];
        columns.extend(self.dimensions.iter().filter_map(|place| call.input.get(*place)).cloned());
        columns.push((format!("rolling_{}_percentile_{value}_{}", text(4), text(1)), *ty));
        Ok(columns)
    }
}

/// For each bin and combination of dimensions, the percentile of the values in this bin and so many before it. Bins are
/// multiples of their size; a bin without values is there as long as its window has some, and the index has later ones.
fn rolling_percentile(call: &Call<'_>, tables: &[Vec<Row<'_>>]) -> Result<Vec<Row<'static>>, Refusal> {
    let spec = Rolling::of(call)?;
    let steps = Steps::Even { origin: 0, length: spec.length };
    let mut groups = Groups::default();
    let mut entries: Vec<(u32, i128, i64)> = Vec::new();
    let mut last = i128::MIN;
    for row in input(tables) {
        let Some(at) = row.get(spec.index).and_then(|v| spec.axis.point(v)) else { continue };
        let Some(key) = row.get(spec.value).and_then(|v| spec.kind.key(v)) else { continue };
        last = last.max(at);
        entries.push((groups.number(row, &spec.dimensions), steps.bin(at), key));
    }
    entries.sort_unstable();
    let mut found: Vec<(i128, u32, i64)> = Vec::new();
    for entries in entries.chunk_by(|a, b| a.0 == b.0) {
        let Some((group, ..)) = entries.first() else { continue };
        let bins: Vec<i128> = entries.iter().map(|(_, bin, _)| *bin).collect();
        let mut keys: Vec<i64> = entries.iter().map(|(.., key)| *key).collect();
        keys.sort_unstable();
        keys.dedup();
        let ranks: Vec<usize> = entries.iter().map(|(.., key)| keys.binary_search(key).unwrap_or_default()).collect();
        let ranking = Ranking::new(keys.len());
        let mut window = Percentiles { ranks, keys, ranking, percentile: spec.percentile, group: *group, found };
        let period = Period { end: last, ..Period::ALL };
        slide(&bins, steps, spec.bins.saturating_mul(spec.length), period, &mut window)?;
        found = window.found;
    }
    found.sort_unstable();
    let row = |(at, group, key)| groups.row([spec.axis.value(at)], group, [spec.kind.value_as(key, spec.ty)]);
    Ok(found.into_iter().map(row).collect())
}

struct Percentiles {
    /// The place of each entry's key among the keys.
    ranks: Vec<usize>,
    /// The distinct keys, sorted.
    keys: Vec<i64>,
    ranking: Ranking,
    percentile: f64,
    group: u32,
    found: Vec<(i128, u32, i64)>,
}

impl Window for Percentiles {
    fn enter(&mut self, row: usize) {
        if let Some(rank) = self.ranks.get(row) {
            self.ranking.add(*rank, 1);
        }
    }

    fn leave(&mut self, row: usize) {
        if let Some(rank) = self.ranks.get(row) {
            self.ranking.add(*rank, -1);
        }
    }

    fn show(&mut self, at: i128) -> Result<(), Refusal> {
        fits(self.found.len() + 1)?;
        // The nearest rank, as the aggregate function has it.
        let nth = (self.percentile * self.ranking.total as f64 / 100.0 * (1.0 - 1e-12)).ceil().max(1.0);
        if let Some(key) = self.keys.get(self.ranking.nth(nth as i64)) {
            self.found.push((at, self.group, *key));
        }
        Ok(())
    }
}

/// Counts of places, with sums of those up to a place (a Fenwick tree).
struct Ranking {
    sums: Vec<i64>,
    total: i64,
}

impl Ranking {
    fn new(places: usize) -> Ranking {
        Ranking { sums: vec![0; places + 1], total: 0 }
    }

    fn add(&mut self, place: usize, count: i64) {
        self.total += count;
        let mut at = place + 1;
        while let Some(sum) = self.sums.get_mut(at) {
            *sum += count;
            at += at & at.wrapping_neg();
        }
    }

    /// The first place up to which there are so many.
    fn nth(&self, nth: i64) -> usize {
        let mut left = nth;
        let mut place = 0;
        let mut step = self.sums.len().next_power_of_two();
        while step > 0 {
            if let Some(sum) = self.sums.get(place + step)
                && *sum < left
            {
                place += step;
                left -= sum;
            }
            step /= 2;
        }
        place
    }
}

/// `(Condition, NumRows, [RowsAfter])`
struct Near {
    condition: Condition,
    before: usize,
    after: usize,
}

enum Condition {
    At(usize),
    Always(bool),
}

impl Near {
    fn of(call: &Call<'_>) -> Result<Near, Refusal> {
        no_more(call, 3)?;
        let condition = match call.args.first() {
            Some(Arg::Column(_)) if call.field(0)?.1 == Type::Bool => Condition::At(call.column(0)?),
            Some(Arg::Computed { at, ty: Type::Bool, .. }) => Condition::At(*at),
            Some(Arg::Value(value, Type::Bool)) => Condition::Always(value.as_bool() == Some(true)),
            _ => return Err(Refusal::of(0, "An expression of type bool expected.")),
        };
        let count = |at: usize| {
            usize::try_from(call.long(at)?).map_err(|_| Refusal::of(at, "A count of rows expected, zero or more."))
        };
        let before = count(1)?;
        let after = if call.args.len() > 2 { count(2)? } else { before };
        Ok(Near { condition, before, after })
    }
}

/// The rows that are so few before or after one that meets the condition, in their order.
fn rows_near(call: &Call<'_>, tables: &[Vec<Row<'_>>]) -> Result<Vec<Row<'static>>, Refusal> {
    let Near { condition, before, after } = Near::of(call)?;
    let rows = input(tables);
    let mut kept = Vec::new();
    // All rows before this one are decided.
    let mut next = 0;
    for (at, row) in rows.iter().enumerate() {
        let holds = match condition {
            Condition::At(place) => row.get(place).and_then(Val::as_bool) == Some(true),
            Condition::Always(holds) => holds,
        };
        if holds {
            let end = at.saturating_add(after).saturating_add(1).min(rows.len());
            kept.extend(next.max(at.saturating_sub(before))..end);
            next = end;
        }
    }
    let own = |row: &Row<'_>| row.iter().take(call.input.len()).cloned().map(Val::into_owned).collect();
    Ok(kept.into_iter().filter_map(|at| rows.get(at)).map(own).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks() {
        let mut ranking = Ranking::new(5);
        [4, 0, 2, 2, 4].into_iter().for_each(|place| ranking.add(place, 1));
        let all: Vec<usize> = (1..=5).map(|nth| ranking.nth(nth)).collect();
        assert_eq!(all, [0, 2, 2, 4, 4]);
        ranking.add(2, -1);
        assert_eq!((ranking.total, ranking.nth(2), ranking.nth(3)), (4, 2, 4));
    }
}
