//! All frequent patterns.

use std::collections::{HashMap, HashSet};

use super::table::{Pattern, Table};
use crate::interrupt;
use crate::plugins::Refusal;

/// More are refused: they take too long, and nobody reads them.
const MOST: usize = 200_000;

/// All closed patterns that pass `frequent`, a test of the weights that no part of a pattern that passes it fails.
///
/// Only `dimensions` values are chosen for a pattern; the values that follow from those are added. What is searched are the
/// generators: choices of values of which none follows from the others. A part of a generator is a generator, and so the
/// search goes no further where one is not (Szathmary, Valtchev, Napoli and Godin, "Efficient Vertical Mining of Frequent
/// Closures and Generators", 2009: depth first from the last item to the first, so that all parts come before the whole).
pub(super) fn closed(
    table: &Table,
    frequent: &dyn Fn([f64; 2]) -> bool,
    dimensions: usize,
) -> Result<Vec<Pattern>, Refusal> {
    let all: Vec<u32> = (0..table.rows.len() as u32).collect();
    let mut search = Search {
        table,
        frequent,
        dimensions,
        items: items(table, frequent),
        generators: HashMap::from([(Vec::new(), all.len())]),
        seen: HashSet::new(),
        found: Vec::new(),
    };
    search.record(&all, table.totals());
    search.extend(&mut Vec::new(), &all, 0)?;
    Ok(search.found)
}

/// A value of a column, and which rows have it.
struct Item {
    column: usize,
    rows: Vec<u64>,
}

impl Item {
    fn has(&self, row: u32) -> bool {
        self.rows.get(row as usize / 64).is_some_and(|word| word >> (row % 64) & 1 == 1)
    }
}

fn items(table: &Table, frequent: &dyn Fn([f64; 2]) -> bool) -> Vec<Item> {
    let mut items = Vec::new();
    for column in 0..table.rows.first().map_or(0, Vec::len) {
        let mut weights: Vec<[f64; 2]> = Vec::new();
        let value = |row: &Vec<u32>| row.get(column).map_or(0, |v| *v as usize);
        for (row, [a, b]) in table.rows.iter().zip(&table.weights) {
            let at = value(row);
            if weights.len() <= at {
                weights.resize(at + 1, [0.0; 2]);
            }
            if let Some([x, y]) = weights.get_mut(at) {
                *x += a;
                *y += b;
            }
        }
        for (wanted, _) in weights.iter().enumerate().filter(|(_, weights)| frequent(**weights)) {
            let mut rows = vec![0; table.rows.len().div_ceil(64)];
            for (at, _) in table.rows.iter().enumerate().filter(|(_, row)| value(row) == wanted) {
                if let Some(word) = rows.get_mut(at / 64) {
                    *word |= 1u64 << (at % 64);
                }
            }
            items.push(Item { column, rows });
        }
    }
    items
}

struct Search<'s> {
    table: &'s Table,
    frequent: &'s dyn Fn([f64; 2]) -> bool,
    dimensions: usize,
    items: Vec<Item>,
    /// The frequent generators so far, with the number of their rows.
    generators: HashMap<Vec<u32>, usize>,
    seen: HashSet<Vec<Option<u32>>>,
    found: Vec<Pattern>,
}

impl Search<'_> {
    /// Adds each of the items from `from` on to a generator.
    fn extend(&mut self, generator: &mut Vec<u32>, rows: &[u32], from: usize) -> Result<(), Refusal> {
        if generator.len() >= self.dimensions {
            return Ok(());
        }
        let column = generator.last().and_then(|last| self.items.get(*last as usize)).map(|item| item.column);
        for at in (from..self.items.len()).rev() {
            let Some(item) = self.items.get(at).filter(|item| Some(item.column) != column) else { continue };
            interrupt::check()?;
            generator.push(at as u32);
            if let Some(fewest) = self.fewest_of_parts(generator) {
                let with: Vec<u32> = rows.iter().copied().filter(|row| item.has(*row)).collect();
                let weights = self.table.weight(with.iter().map(|row| *row as usize));
                if with.len() < fewest && (self.frequent)(weights) {
                    self.record(&with, weights);
                    self.generators.insert(generator.clone(), with.len());
                    if self.generators.len() > MOST {
                        let message = format!(
                            "More than {MOST} patterns are frequent: raise the threshold, limit the number of dimensions, or \
                             project fewer columns."
                        );
                        return Err(Refusal::new(message));
                    }
                    self.extend(generator, &with, at + 1)?;
                }
            }
            generator.pop();
        }
        Ok(())
    }

    /// The fewest rows of the parts that lack one item; `None` where one of them is no frequent generator.
    fn fewest_of_parts(&self, generator: &[u32]) -> Option<usize> {
        let mut part: Vec<u32> = Vec::with_capacity(generator.len());
        let mut fewest = usize::MAX;
        for without in 0..generator.len() {
            part.clear();
            part.extend(generator.iter().enumerate().filter(|(at, _)| *at != without).map(|(_, item)| *item));
            fewest = fewest.min(*self.generators.get(&part)?);
        }
        Some(fewest)
    }

    /// Notes the pattern of all values that rows share, if there are any.
    fn record(&mut self, rows: &[u32], weights: [f64; 2]) {
        let mut of = rows.iter().filter_map(|row| self.table.rows.get(*row as usize));
        let Some(first) = of.next() else { return };
        let mut values: Vec<Option<u32>> = first.iter().copied().map(Some).collect();
        let mut shared = values.len();
        for row in of {
            for (value, other) in values.iter_mut().zip(row) {
                if value.is_some_and(|value| value != *other) {
                    *value = None;
                    shared -= 1;
                }
            }
            if shared == 0 {
                return;
            }
        }
        if self.seen.insert(values.clone()) {
            self.found.push(Pattern { values, weights });
        }
    }
}
