//! Kusto's ticks and timestamps.

use jiff::Timestamp;
use kql_functions::calendar::UNIX_EPOCH;

/// Ticks of 100 ns since 0001-01-01.
pub fn to_ticks(time: Timestamp) -> i64 {
    let ticks = time.as_nanosecond().div_euclid(100) + i128::from(UNIX_EPOCH);
    i64::try_from(ticks).unwrap_or(i64::MAX)
}

/// The instant of ticks since 0001-01-01; the nearest one that a timestamp can hold.
pub fn from_ticks(ticks: i64) -> Timestamp {
    let nanoseconds = (i128::from(ticks) - i128::from(UNIX_EPOCH)) * 100;
    let nearest = if nanoseconds < 0 { Timestamp::MIN } else { Timestamp::MAX };
    Timestamp::from_nanosecond(nanoseconds).unwrap_or(nearest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_and_back() {
        let time: Timestamp = "2026-03-14T02:52:16.263686Z".parse().unwrap();
        assert_eq!(from_ticks(to_ticks(time)), time);
        assert_eq!(to_ticks(Timestamp::UNIX_EPOCH), UNIX_EPOCH);
        assert_eq!(to_ticks("0001-01-01T00:00:00Z".parse().unwrap()), 0);
    }
}
