//! The clock as an argument.

use futures::future::BoxFuture;
use jiff::{SignedDuration, Timestamp};
use tokio::sync::watch;

/// Tells the time, and waits for one.
pub trait Clock: Send + Sync {
    /// The present.
    fn now(&self) -> Timestamp;

    /// Waits until the time is `t` or later; a time in the past is no wait.
    ///
    /// It also ends when the clock is set back meanwhile, since what was planned may then have to be planned anew. So
    /// whoever waits looks at [`Clock::now`] afterwards.
    fn sleep_until(&self, t: Timestamp) -> BoxFuture<'_, ()>;
}

/// A clock that moves when it is told to, forward and back.
#[derive(Debug)]
pub struct TestClock {
    time: watch::Sender<Time>,
}

#[derive(Debug, Clone, Copy)]
struct Time {
    now: Timestamp,
    /// How often it was set back.
    turns: u64,
}

impl TestClock {
    /// A clock that stands at `now`.
    pub fn new(now: Timestamp) -> TestClock {
        TestClock { time: watch::Sender::new(Time { now, turns: 0 }) }
    }

    /// Sets the time. Who waits for an instant that is reached or jumped over wakes, and everybody does when the clock is
    /// set back.
    pub fn set(&self, now: Timestamp) {
        self.time.send_modify(|time| {
            if now < time.now {
                time.turns += 1;
            }
            time.now = now;
        });
    }

    /// Moves the time by a duration, which may be negative; it stops at the ends of what a timestamp can hold.
    pub fn advance(&self, by: SignedDuration) {
        let end = if by.is_negative() { Timestamp::MIN } else { Timestamp::MAX };
        self.set(self.now().checked_add(by).unwrap_or(end));
    }
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        self.time.borrow().now
    }

    fn sleep_until(&self, t: Timestamp) -> BoxFuture<'_, ()> {
        // From here on, not from the first poll on: a jump between the two must not be missed.
        let mut time = self.time.subscribe();
        let turns = time.borrow().turns;
        Box::pin(async move {
            // The clock outlives the borrow, so that its channel cannot be closed.
            let _ = time.wait_for(|time| time.now >= t || time.turns != turns).await;
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::FutureExt as _;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn sleepers_wake_when_the_time_is_reached_or_jumped_over() {
        let clock = TestClock::new(at("2026-03-14T00:00:00Z"));
        let mut sleep = clock.sleep_until(at("2026-03-14T01:00:00Z"));
        assert!(sleep.as_mut().now_or_never().is_none());
        clock.advance(SignedDuration::from_mins(59));
        assert!(sleep.as_mut().now_or_never().is_none());
        clock.set(at("2026-03-20T00:00:00Z"));
        assert!(sleep.now_or_never().is_some());
        assert!(clock.sleep_until(clock.now()).now_or_never().is_some());
    }

    #[test]
    fn sleepers_wake_when_the_clock_is_set_back() {
        let clock = TestClock::new(at("2026-03-14T00:00:00Z"));
        let mut sleep = clock.sleep_until(at("2026-03-14T01:00:00Z"));
        assert!(sleep.as_mut().now_or_never().is_none());
        clock.advance(-SignedDuration::from_hours(24));
        assert!(sleep.now_or_never().is_some());
        assert_eq!(clock.now(), at("2026-03-13T00:00:00Z"));
        // Back and far ahead before anybody looked.
        let sleep = clock.sleep_until(at("2026-03-14T01:00:00Z"));
        clock.set(at("2026-03-12T00:00:00Z"));
        clock.set(at("2026-03-13T00:00:00Z"));
        assert!(sleep.now_or_never().is_some());
    }
}
