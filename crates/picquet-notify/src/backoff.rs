//! When a message that was not sent may be sent again.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// Waiting that grows from attempt to attempt. `retry = { first = "5s", factor = 2, max = "1h", give_up_after = "3d" }` of an
/// output; these are also the defaults.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Backoff {
    /// Wait after the first attempt.
    #[serde(with = "crate::duration")]
    pub first: Duration,
    /// By what the wait grows with each attempt; at least 1.
    pub factor: f64,
    /// The longest wait, before jitter.
    #[serde(with = "crate::duration")]
    pub max: Duration,
    /// An attempt that fails this long after the first one was the last.
    #[serde(with = "crate::duration")]
    pub give_up_after: Duration,
}

impl Default for Backoff {
    fn default() -> Self {
        let hour = Duration::from_secs(3600);
        Self { first: Duration::from_secs(5), factor: 2.0, max: hour, give_up_after: hour * 72 }
    }
}

/// The largest part of a wait that jitter adds to it.
const JITTER: f64 = 0.25;

impl Backoff {
    /// When to try again a message that has failed `attempts` times (at least once), the first time at `first_attempt` and the
    /// last time at `now`. None: give it up.
    ///
    /// A wait that the other side asked for (`after`) is kept where it is longer, up to `give_up_after`. Up to a quarter is
    /// added by the message's id and the number of attempts, so that messages that failed together do not come back together;
    /// the same arguments always give the same time.
    #[must_use]
    pub fn next(
        &self,
        id: &str,
        attempts: u32,
        first_attempt: Timestamp,
        now: Timestamp,
        after: Option<Duration>,
    ) -> Option<Timestamp> {
        let deadline = first_attempt.checked_add(self.give_up_after).unwrap_or(Timestamp::MAX);
        if now >= deadline {
            return None;
        }
        let exponent = i32::try_from(attempts.saturating_sub(1)).unwrap_or(i32::MAX);
        let wait = self.first.as_secs_f64() * self.factor.max(1.0).powi(exponent);
        // `min` also takes the place of a product that is infinite or, with an infinite factor, no number.
        let wait = wait.min(self.max.as_secs_f64()) * (1.0 + JITTER * fraction(id, attempts));
        let wait = Duration::try_from_secs_f64(wait).unwrap_or(self.max);
        let asked = after.unwrap_or_default().min(self.give_up_after);
        now.checked_add(wait.max(asked)).ok()
    }
}

/// A number in 0..1, always the same for a message and its attempt.
fn fraction(id: &str, attempts: u32) -> f64 {
    let hash = Sha256::new().chain_update(id).chain_update(attempts.to_be_bytes()).finalize();
    let high = hash.iter().take(4).fold(0u32, |bits, byte| bits << 8 | u32::from(*byte));
    f64::from(high) / (f64::from(u32::MAX) + 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(seconds).unwrap()
    }

    fn wait(backoff: &Backoff, attempts: u32, now: i64, after: Option<u64>) -> Option<f64> {
        let next = backoff.next("m-1", attempts, at(0), at(now), after.map(Duration::from_secs))?;
        Some((next.as_nanosecond() - at(now).as_nanosecond()) as f64 / 1e9)
    }

    #[test]
    fn waits_grow_to_the_longest() {
        let backoff = Backoff::default();
        for (attempts, base) in
            [(0, 5.0), (1, 5.0), (2, 10.0), (3, 20.0), (10, 2560.0), (11, 3600.0), (u32::MAX, 3600.0)]
        {
            let wait = wait(&backoff, attempts, 60, None).unwrap();
            assert!((base..base * (1.0 + JITTER)).contains(&wait), "attempt {attempts}: {wait}");
        }
    }

    #[test]
    fn asked_waits_count_where_they_are_longer() {
        let backoff = Backoff::default();
        assert_eq!(wait(&backoff, 1, 0, Some(120)), Some(120.0));
        assert!(wait(&backoff, 3, 0, Some(1)).unwrap() >= 20.0);
        let days = 3 * 24 * 3600;
        assert_eq!(wait(&backoff, 1, 0, Some(u64::MAX)), Some(days as f64));
    }

    #[test]
    fn gives_up() {
        let backoff = Backoff { give_up_after: Duration::from_secs(100), ..Backoff::default() };
        assert!(wait(&backoff, 1, 99, None).is_some());
        assert_eq!(wait(&backoff, 1, 100, None), None);
        let endless =
            Backoff { give_up_after: Duration::MAX, first: Duration::MAX, factor: f64::INFINITY, max: Duration::MAX };
        assert_eq!(endless.next("m", 2, at(0), at(0), None), None, "no such time");
    }

    #[test]
    fn jitter_is_of_message_and_attempt() {
        let backoff = Backoff::default();
        let next = |id: &str, attempts| backoff.next(id, attempts, at(0), at(0), None).unwrap();
        assert_eq!(next("m-1", 20), next("m-1", 20));
        assert_ne!(next("m-1", 20), next("m-2", 20));
        assert_ne!(next("m-1", 20), next("m-1", 21));
    }
}
