//! Patterns around seeds.

use super::table::{Pattern, Table};
use crate::interrupt;
use crate::plugins::Refusal;

/// The best patterns that are found from `seeds` rows on, each by adding one of the row's values at a time, that which scores
/// best. A pattern is worth something from two rows on.
///
/// `score` takes the weight of a pattern and how many values it has. The rows that serve as seeds are spread evenly over the
/// weight of all, the heaviest first, so that a query has one answer.
pub(super) fn expand(table: &Table, seeds: usize, score: &dyn Fn(f64, usize) -> f64) -> Result<Vec<Pattern>, Refusal> {
    let mut found: Vec<Pattern> = Vec::new();
    for seed in chosen(table, seeds) {
        let Some(seed) = table.rows.get(seed) else { continue };
        if let Some(pattern) = grow(table, seed, score)?
            && !found.iter().any(|other| other.values == pattern.values)
        {
            found.push(pattern);
        }
    }
    Ok(found)
}

fn chosen(table: &Table, seeds: usize) -> Vec<usize> {
    let [total, _] = table.totals();
    let weight = |row: usize| table.weight(std::iter::once(row))[0];
    let mut order: Vec<usize> = (0..table.rows.len()).collect();
    if seeds >= order.len() {
        return order;
    }
    order.sort_by(|a, b| weight(*b).total_cmp(&weight(*a)));
    let step = total / seeds as f64;
    let (mut sum, mut next) = (0.0, step / 2.0);
    order.retain(|row| {
        sum += weight(*row);
        let taken = sum > next;
        if taken {
            next += ((sum - next) / step).floor() * step + step;
        }
        taken
    });
    order
}

fn grow(table: &Table, seed: &[u32], score: &dyn Fn(f64, usize) -> f64) -> Result<Option<Pattern>, Refusal> {
    let mut rows: Vec<usize> = (0..table.rows.len()).collect();
    let mut values: Vec<Option<u32>> = vec![None; seed.len()];
    let mut best: Option<(f64, Pattern)> = None;
    loop {
        interrupt::check()?;
        let weights = table.weight(rows.iter().copied());
        let with = agreeing(table, &rows, seed);
        let mut next: Option<(f64, usize)> = None;
        for (column, (count, weight)) in with.iter().enumerate() {
            match values.get_mut(column) {
                // All rows agree: the value costs nothing.
                Some(value @ None) if *count == rows.len() => *value = seed.get(column).copied(),
                Some(None) if next.is_none_or(|(most, _)| *weight > most) => next = Some((*weight, column)),
                _ => {}
            }
        }
        let pattern = Pattern { values: values.clone(), weights };
        let size = pattern.size();
        let own = score(weights[0], size);
        if size > 0 && weights[0] >= 2.0 && best.as_ref().is_none_or(|(score, _)| own > *score) {
            best = Some((own, pattern));
        }
        // However many values are added, this many rows and fewer score no better.
        let hopeless = |weight: f64| best.as_ref().is_some_and(|(most, _)| score(weight, seed.len()) <= *most);
        let Some((_, column)) = next.filter(|(weight, _)| *weight >= 2.0 && !hopeless(*weight)) else { break };
        if let (Some(value), Some(wanted)) = (values.get_mut(column), seed.get(column)) {
            *value = Some(*wanted);
            rows.retain(|row| table.rows.get(*row).and_then(|row| row.get(column)) == Some(wanted));
        }
    }
    Ok(best.map(|(_, pattern)| pattern))
}

/// How many of some rows have the seed's value in each column, and their weight.
fn agreeing(table: &Table, rows: &[usize], seed: &[u32]) -> Vec<(usize, f64)> {
    let mut with = vec![(0, 0.0); seed.len()];
    for at in rows {
        let (Some(row), Some([weight, _])) = (table.rows.get(*at), table.weights.get(*at)) else { continue };
        for ((count, sum), (value, wanted)) in with.iter_mut().zip(row.iter().zip(seed)) {
            if value == wanted {
                *count += 1;
                *sum += weight;
            }
        }
    }
    with
}
