//! Where the time of a query goes.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The time that a query took, by what it was spent on. Queries that run side by side wait for one another, which counts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Spent {
    /// Parsing, and finding out what names and types mean.
    pub binding: Duration,
    /// Making and improving plans.
    pub planning: Duration,
    /// Reading and computing rows.
    pub running: Duration,
}

/// Adds up while a query runs.
#[derive(Debug, Default)]
pub(crate) struct Watch(Mutex<Spent>);

impl Watch {
    /// What was spent so far.
    pub(crate) fn spent(&self) -> Spent {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds the time since `start`.
    pub(crate) fn add(&self, start: Instant, part: fn(&mut Spent) -> &mut Duration) {
        *part(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner)) += start.elapsed();
    }
}
