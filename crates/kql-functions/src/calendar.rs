//! The proleptic Gregorian calendar on ticks: 100 ns since 0001-01-01T00:00:00Z, years 1 to 9999.

/// Ticks of a microsecond.
pub const MICROSECOND: i64 = 10;
/// Ticks of a millisecond.
pub const MILLISECOND: i64 = 10_000;
/// Ticks of a second.
pub const SECOND: i64 = 10_000_000;
/// Ticks of a minute.
pub const MINUTE: i64 = 60 * SECOND;
/// Ticks of an hour.
pub const HOUR: i64 = 60 * MINUTE;
/// Ticks of a day.
pub const DAY: i64 = 24 * HOUR;
/// Ticks of a week.
pub const WEEK: i64 = 7 * DAY;
/// The last tick of the year 9999.
pub const MAX: i64 = 3_155_378_975_999_999_999;
/// 1970-01-01T00:00:00Z.
pub const UNIX_EPOCH: i64 = 621_355_968_000_000_000;

/// A date of the calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Date {
    /// 1 to 9999.
    pub year: i64,
    /// 1 to 12.
    pub month: i64,
    /// 1 to 31.
    pub day: i64,
}

impl Date {
    /// The date that ticks fall on.
    pub fn of(ticks: i64) -> Date {
        Date::of_day(ticks.div_euclid(DAY))
    }

    /// The date of a day counted from 0001-01-01.
    pub fn of_day(day: i64) -> Date {
        // Years are counted from 1 March, so that the leap day comes last.
        let shifted = day + 306;
        let era = shifted.div_euclid(146_097);
        let day_of_era = shifted.rem_euclid(146_097);
        let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let shifted_month = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
        let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
        Date { year: era * 400 + year_of_era + i64::from(month <= 2), month, day }
    }

    /// A date, if there is such a one.
    pub fn new(year: i64, month: i64, day: i64) -> Option<Date> {
        let valid = (1..=9999).contains(&year) && (1..=12).contains(&month) && day >= 1;
        (valid && day <= days_in_month(year, month)).then_some(Date { year, month, day })
    }

    /// Days since 0001-01-01.
    pub fn day_number(self) -> i64 {
        let year = if self.month <= 2 { self.year - 1 } else { self.year };
        let era = year.div_euclid(400);
        let year_of_era = year.rem_euclid(400);
        let shifted_month = if self.month > 2 { self.month - 3 } else { self.month + 9 };
        let day_of_year = (153 * shifted_month + 2) / 5 + self.day - 1;
        era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 306
    }

    /// Ticks of its midnight.
    pub fn ticks(self) -> i64 {
        self.day_number() * DAY
    }

    /// 1 to 366.
    pub fn day_of_year(self) -> i64 {
        self.day_number() - Date { year: self.year, month: 1, day: 1 }.day_number() + 1
    }

    /// Months since January of the year 0.
    pub fn month_number(self) -> i64 {
        self.year * 12 + self.month - 1
    }

    /// The week of the year by ISO 8601: week 1 holds the first Thursday.
    pub fn iso_week(self) -> i64 {
        let day = self.day_number();
        // Day 0 was a Monday.
        let thursday = day - day.rem_euclid(7) + 3;
        (Date::of_day(thursday).day_of_year() - 1) / 7 + 1
    }
}

/// 28 to 31.
pub fn days_in_month(year: i64, month: i64) -> i64 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Whether a year has 366 days.
pub fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

/// Ticks within the range of datetime.
pub fn in_range(ticks: i128) -> Option<i64> {
    i64::try_from(ticks).ok().filter(|t| (0..=MAX).contains(t))
}

/// The same time of day some months later; the day is cut to the length of the month.
pub fn add_months(ticks: i64, months: i64) -> Option<i64> {
    let date = Date::of(ticks);
    let target = date.month_number().checked_add(months)?;
    let (year, month) = (target.div_euclid(12), target.rem_euclid(12) + 1);
    let day = date.day.min(days_in_month(year, month));
    let midnight = Date::new(year, month, day)?.ticks();
    in_range(i128::from(midnight) + i128::from(ticks.rem_euclid(DAY)))
}

/// Days since Sunday, 0 to 6.
pub fn day_of_week(ticks: i64) -> i64 {
    (ticks.div_euclid(DAY) + 1).rem_euclid(7)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_and_days_are_inverse() {
        assert_eq!(Date::of_day(0), Date { year: 1, month: 1, day: 1 });
        assert_eq!(Date { year: 1970, month: 1, day: 1 }.ticks(), UNIX_EPOCH);
        assert_eq!(Date::of(MAX), Date { year: 9999, month: 12, day: 31 });
        for day in (0..3_652_059).step_by(97) {
            assert_eq!(Date::of_day(day).day_number(), day);
        }
    }

    #[test]
    fn weeks_follow_iso() {
        let week = |y, m, d| Date::new(y, m, d).unwrap().iso_week();
        assert_eq!(week(2000, 1, 1), 52);
        assert_eq!(week(2020, 2, 29), 9);
        assert_eq!(week(2020, 12, 31), 53);
        assert_eq!(week(2024, 12, 30), 1);
    }

    #[test]
    fn months_are_cut() {
        let at = |y, m, d| Date::new(y, m, d).unwrap().ticks();
        assert_eq!(add_months(at(2020, 1, 31), 1), Some(at(2020, 2, 29)));
        assert_eq!(add_months(at(2020, 5, 31), -15), Some(at(2019, 2, 28)));
        assert_eq!(add_months(at(9999, 12, 1), 1), None);
        assert_eq!(add_months(at(1, 1, 1), i64::MIN), None);
        assert_eq!(day_of_week(at(1970, 5, 12)), 2);
    }
}
