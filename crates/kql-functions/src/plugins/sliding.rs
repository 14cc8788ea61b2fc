//! Windows that slide over sorted rows: each row enters once and leaves once.

use std::collections::HashMap;

use super::Refusal;
use super::timeline::{Events, Period, Steps, fits};
use crate::interrupt;

/// What follows a sliding window.
pub(super) trait Window {
    /// The row of this number enters.
    fn enter(&mut self, row: usize);
    /// The row of this number leaves.
    fn leave(&mut self, row: usize);
    /// The rows in the window that ends with the step from `at` on are all there; they are some.
    fn show(&mut self, at: i128) -> Result<(), Refusal>;
}

/// Slides a window over rows by the starts of their steps, which are sorted. A window has the rows of the steps in
/// `(at - lookback, at]`, for each step `at` of the period; windows without rows are left out.
pub(super) fn slide(
    bins: &[i128],
    steps: Steps,
    lookback: i128,
    period: Period,
    window: &mut impl Window,
) -> Result<(), Refusal> {
    let (mut head, mut tail) = (0, 0);
    let Some(first) = bins.first() else { return Ok(()) };
    let mut at = *first.max(&steps.bin(period.start));
    let mut shown = 0usize;
    while at <= period.end {
        interrupt::check_at(shown)?;
        shown += 1;
        while bins.get(head).is_some_and(|bin| *bin <= at) {
            window.enter(head);
            head += 1;
        }
        while tail < head && bins.get(tail).is_some_and(|bin| *bin <= at - lookback) {
            window.leave(tail);
            tail += 1;
        }
        if tail < head {
            window.show(at)?;
            at = steps.next(at);
        } else {
            match bins.get(head) {
                Some(bin) => at = *bin,
                None => break,
            }
        }
    }
    Ok(())
}

/// What a sliding window counts.
#[derive(Debug, Clone, Copy)]
pub(super) struct Counts {
    /// Start of the window's last step.
    pub(super) at: i128,
    pub(super) group: u32,
    /// Rows.
    pub(super) rows: i64,
    /// Distinct ids.
    pub(super) ids: i64,
    /// Distinct ids of the last step.
    pub(super) newest: i64,
}

/// Counts in the windows of each group, by time.
pub(super) fn counts(events: &Events, steps: Steps, lookback: i128, period: Period) -> Result<Vec<Counts>, Refusal> {
    let mut rows: Vec<(u32, i128, Option<u32>)> = events.all.iter().map(|e| (e.group, steps.bin(e.at), e.id)).collect();
    rows.sort_unstable();
    let mut found = Vec::new();
    for rows in rows.chunk_by(|a, b| a.0 == b.0) {
        let Some((group, ..)) = rows.first() else { continue };
        let bins: Vec<i128> = rows.iter().map(|(_, bin, _)| *bin).collect();
        let mut window = Counting { group: *group, entries: rows, rows: 0, ids: HashMap::new(), newest: (0, 0), found };
        slide(&bins, steps, lookback, period, &mut window)?;
        found = window.found;
    }
    found.sort_by_key(|c| (c.at, c.group));
    Ok(found)
}

struct Counting<'r> {
    group: u32,
    entries: &'r [(u32, i128, Option<u32>)],
    rows: i64,
    /// How often an id is in the window.
    ids: HashMap<u32, usize>,
    /// The last step that had rows, and its distinct ids.
    newest: (i128, i64),
    found: Vec<Counts>,
}

impl Window for Counting<'_> {
    fn enter(&mut self, row: usize) {
        let Some(entry) = self.entries.get(row) else { return };
        self.rows += 1;
        if self.newest.0 != entry.1 || row == 0 {
            self.newest = (entry.1, 0);
        }
        let Some(id) = entry.2 else { return };
        *self.ids.entry(id).or_default() += 1;
        let before = row.checked_sub(1).and_then(|r| self.entries.get(r));
        self.newest.1 += i64::from(before != Some(entry));
    }

    fn leave(&mut self, row: usize) {
        let Some((.., id)) = self.entries.get(row) else { return };
        self.rows -= 1;
        if let Some(id) = id
            && let Some(times) = self.ids.get_mut(id)
        {
            *times -= 1;
            if *times == 0 {
                self.ids.remove(id);
            }
        }
    }

    fn show(&mut self, at: i128) -> Result<(), Refusal> {
        fits(self.found.len() + 1)?;
        let newest = if self.newest.0 == at { self.newest.1 } else { 0 };
        self.found.push(Counts { at, group: self.group, rows: self.rows, ids: self.ids.len() as i64, newest });
        Ok(())
    }
}
