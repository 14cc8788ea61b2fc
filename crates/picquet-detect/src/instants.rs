//! Instants at equal distances.

use jiff::{SignedDuration, Timestamp};
use picquet_rules::Duration;

use crate::time::to_ticks;

/// A number of instants at equal distances, in order. It is as small for a year of minutes as for one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Instants {
    first: Timestamp,
    step: Duration,
    count: u64,
}

impl Instants {
    pub(crate) fn none(step: Duration) -> Instants {
        Instants { first: Timestamp::UNIX_EPOCH, step, count: 0 }
    }

    /// `first` and those after it, up to `end` included.
    pub fn until(first: Timestamp, step: Duration, end: Timestamp) -> Instants {
        let distance = distance(first, end);
        let count = if distance < 0 { 0 } else { (distance / ticks(step)).saturating_add(1) };
        Instants { first, step, count: u64::try_from(count).unwrap_or(0) }
    }

    /// The first of the instants counted from `first` on that is not before `earliest`.
    pub(crate) fn next_from(first: Timestamp, step: Duration, earliest: Timestamp) -> Timestamp {
        let behind = Instants::until(first, step, earliest);
        match behind.last() {
            Some(last) if last == earliest => last,
            Some(_) => behind.after(),
            None => first,
        }
    }

    /// Whether the instants counted from `any`, forward and back, hold `t`.
    pub(crate) fn through(any: Timestamp, step: Duration, t: Timestamp) -> bool {
        distance(any, t).rem_euclid(ticks(step)) == 0
    }

    /// How many there are.
    pub const fn count(&self) -> u64 {
        self.count
    }

    /// Whether there are none.
    pub const fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The first one.
    pub fn first(&self) -> Option<Timestamp> {
        (self.count > 0).then_some(self.first)
    }

    /// The last one.
    pub fn last(&self) -> Option<Timestamp> {
        self.count.checked_sub(1).map(|index| self.at(index))
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = Timestamp> + use<> {
        let all = *self;
        (0..all.count).map(move |index| all.at(index))
    }

    /// The instant that would follow; the first one where there are none.
    pub(crate) fn after(&self) -> Timestamp {
        self.at(self.count)
    }

    /// How many lie before `t`.
    pub(crate) fn count_before(&self, t: Timestamp) -> u64 {
        let distance = distance(self.first, t);
        if distance <= 0 {
            return 0;
        }
        let step = ticks(self.step);
        u64::try_from(distance / step + i64::from(distance % step != 0)).unwrap_or(0).min(self.count)
    }

    /// Takes off the first ones.
    pub(crate) fn take_front(&mut self, count: u64) -> Instants {
        let count = count.min(self.count);
        let front = Instants { count, ..*self };
        (self.first, self.count) = (front.after(), self.count - count);
        front
    }

    fn at(&self, index: u64) -> Timestamp {
        let index = i64::try_from(index).unwrap_or(i64::MAX);
        plus(self.first, Duration::from_ticks(ticks(self.step).saturating_mul(index)))
    }
}

/// A step is never nothing.
fn ticks(step: Duration) -> i64 {
    step.ticks().max(1)
}

fn distance(from: Timestamp, to: Timestamp) -> i64 {
    to_ticks(to).saturating_sub(to_ticks(from))
}

/// `t` and a duration; the last instant that there is where that is beyond it.
pub(crate) fn plus(t: Timestamp, duration: Duration) -> Timestamp {
    t.checked_add(duration.to_signed_duration()).unwrap_or(Timestamp::MAX)
}

/// `t` less a duration; the first instant that there is where that is before it.
pub(crate) fn minus(t: Timestamp, duration: Duration) -> Timestamp {
    t.checked_sub(duration.to_signed_duration()).unwrap_or(Timestamp::MIN)
}

/// The second that `t` lies in.
pub(crate) fn whole_second(t: Timestamp) -> Timestamp {
    let fraction = t.as_nanosecond().rem_euclid(1_000_000_000);
    t.checked_sub(SignedDuration::from_nanos(i64::try_from(fraction).unwrap_or(0))).unwrap_or(t)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn instants_are_counted_without_listing_them() {
        let hour = Duration::from_hours(1);
        let day = Instants::until(at("2026-03-14T00:00:00Z"), hour, at("2026-03-14T23:59:59Z"));
        assert_eq!((day.count(), day.last()), (24, Some(at("2026-03-14T23:00:00Z"))));
        assert_eq!(day.after(), at("2026-03-15T00:00:00Z"));
        assert_eq!(day.count_before(at("2026-03-14T00:00:00Z")), 0);
        assert_eq!(day.count_before(at("2026-03-14T01:00:00Z")), 1);
        assert_eq!(day.count_before(at("2026-03-14T01:00:01Z")), 2);
        assert_eq!(day.count_before(at("2027-01-01T00:00:00Z")), 24);
        let none = Instants::until(at("2026-03-14T00:00:00Z"), hour, at("2026-03-13T23:59:59Z"));
        assert_eq!((none.count(), none.last(), none.iter().count()), (0, None, 0));
        let centuries = Instants::until(Timestamp::UNIX_EPOCH, NO_TIME, Timestamp::MAX);
        assert!(centuries.count() > 1 << 60 && centuries.last() <= Some(Timestamp::MAX));
    }

    const NO_TIME: Duration = Duration::from_minutes(0);

    #[test]
    fn the_front_is_taken_off() {
        let mut all = Instants::until(at("2026-03-14T00:00:00Z"), Duration::from_hours(1), at("2026-03-14T05:00:00Z"));
        let front = all.take_front(2);
        assert_eq!((front.first(), front.last()), (Some(at("2026-03-14T00:00:00Z")), Some(at("2026-03-14T01:00:00Z"))));
        assert_eq!((all.first(), all.count()), (Some(at("2026-03-14T02:00:00Z")), 4));
        assert_eq!(all.take_front(9).count(), 4);
        assert!(all.is_empty());
    }

    #[test]
    fn seconds_are_whole_before_the_epoch_too() {
        assert_eq!(whole_second(at("2026-03-14T02:52:16.999Z")), at("2026-03-14T02:52:16Z"));
        assert_eq!(whole_second(at("1969-12-31T23:59:59.1Z")), at("1969-12-31T23:59:59Z"));
    }
}
