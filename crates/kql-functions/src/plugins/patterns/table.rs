//! The rows as numbers.

use std::collections::{BTreeMap, HashMap};

use super::options::Options;
use crate::plugins::Row;
use crate::plugins::keys::Key;
use crate::{EvalError, Val, interrupt};

/// A pattern: for every column the number of a value, or none for a wildcard.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Pattern {
    pub(super) values: Vec<Option<u32>>,
    /// The weight of its rows in each set.
    pub(super) weights: [f64; 2],
}

impl Pattern {
    /// How many values it has.
    pub(super) fn size(&self) -> usize {
        self.values.iter().flatten().count()
    }

    /// Whether it has all values of another.
    pub(super) fn holds(&self, other: &Pattern) -> bool {
        self.values.iter().zip(&other.values).all(|(own, others)| others.is_none() || own == others)
    }
}

/// The distinct rows, with weights in two sets.
pub(super) struct Table {
    /// The number of each row's value in each column. Numbers are in the order of the values.
    pub(super) rows: Vec<Vec<u32>>,
    /// The weight of each row in each set.
    pub(super) weights: Vec<[f64; 2]>,
    /// The values of each column by number.
    values: Vec<Vec<Val<'static>>>,
}

impl Table {
    /// The rows that are in a set, `set` being which. A weight that is null or negative is none.
    pub(super) fn new(
        options: &Options,
        rows: &[Row<'_>],
        set: impl Fn(&Row<'_>) -> Option<usize>,
    ) -> Result<Table, EvalError> {
        let places: Vec<usize> = options.dimensions.iter().map(|d| d.place).collect();
        let mut distinct: HashMap<Vec<Key<'_>>, ([f64; 2], &Row<'_>)> = HashMap::new();
        for (at, row) in rows.iter().enumerate() {
            interrupt::check_at(at)?;
            let Some(set) = set(row) else { continue };
            let weight = match options.weight {
                None => 1.0,
                Some(at) => row.get(at).and_then(Val::as_f64).filter(|w| *w > 0.0).unwrap_or_default(),
            };
            let (weights, _) = distinct.entry(Key::of_row(row, &places)).or_insert(([0.0; 2], row));
            if let Some(sum) = weights.get_mut(set) {
                *sum += weight;
            }
        }
        let mut numbers: Vec<BTreeMap<&Key<'_>, (u32, Val<'static>)>> = vec![BTreeMap::new(); places.len()];
        for (keys, (_, row)) in &distinct {
            for ((number, key), place) in numbers.iter_mut().zip(keys).zip(&places) {
                let value = || row.get(*place).cloned().unwrap_or(Val::Null).into_owned();
                number.entry(key).or_insert_with(|| (0, value()));
            }
        }
        for column in &mut numbers {
            column.values_mut().zip(0..).for_each(|((number, _), at)| *number = at);
        }
        let mut numbered: Vec<(Vec<u32>, [f64; 2])> = Vec::with_capacity(distinct.len());
        for (keys, (weights, _)) in &distinct {
            let columns = numbers.iter().zip(keys);
            numbered.push((columns.map(|(c, key)| c.get(key).map_or(0, |(at, _)| *at)).collect(), *weights));
        }
        // Sums of weights are the same in every run.
        numbered.sort_by(|(a, _), (b, _)| a.cmp(b));
        let (rows, weights) = numbered.into_iter().unzip();
        let values = numbers.iter().map(|column| column.values().map(|(_, value)| value.clone()).collect()).collect();
        Ok(Table { rows, weights, values })
    }

    /// The weight of all rows in each set.
    pub(super) fn totals(&self) -> [f64; 2] {
        self.weight(0..self.rows.len())
    }

    /// The weight of some rows in each set.
    pub(super) fn weight(&self, rows: impl Iterator<Item = usize>) -> [f64; 2] {
        rows.filter_map(|row| self.weights.get(row)).fold([0.0; 2], |[a, b], [x, y]| [a + x, b + y])
    }

    /// A pattern's values as they are shown.
    pub(super) fn values(&self, options: &Options, pattern: &Pattern) -> Vec<Val<'static>> {
        let columns = options.dimensions.iter().zip(&self.values).zip(&pattern.values);
        columns
            .map(|((dimension, values), number)| {
                let known = number.and_then(|number| values.get(number as usize));
                known.unwrap_or(&dimension.wildcard).clone()
            })
            .collect()
    }
}
