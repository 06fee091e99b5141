//! Day numbers and weeks.

/// Whether February has 29 days. MySQL's year 0 has no 29th of February.
pub fn is_leap_year(year: u32) -> bool {
    year.is_multiple_of(4) && (!year.is_multiple_of(100) || (year.is_multiple_of(400) && year != 0))
}

/// Days of a month; 0 for a month that is none.
pub fn days_in_month(year: u32, month: u32) -> u32 {
    match month {
        2 => 28 + u32::from(is_leap_year(year)),
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => 0,
    }
}

/// Days before each month in a year that is not a leap year.
const DAYS_BEFORE_MONTH: [i64; 13] = [0, 0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334];

/// `TO_DAYS` of a date: 1 for `0000-01-01`, 719528 for `1970-01-01`.
pub fn day_number(year: u32, month: u32, day: u32) -> i64 {
    if year == 0 && month == 0 {
        return 0;
    }
    let full_years = i64::from(year) - 1;
    // The leap days of the full years since year 1; year 0 has none.
    let leaps = if year == 0 { 0 } else { full_years / 4 - full_years / 100 + full_years / 400 };
    let leap_now = i64::from(month > 2 && is_leap_year(year));
    let before = DAYS_BEFORE_MONTH[month.min(12) as usize];
    i64::from(year) * 365 + leaps + before + leap_now + i64::from(day)
}

/// The date with this `TO_DAYS`; `None` outside of the years 0 to 9999.
pub(super) fn date_of(number: i64) -> Option<(u32, u32, u32)> {
    if !(1..=3_652_424).contains(&number) {
        return None;
    }
    // A year is at most off by one from this estimate.
    let mut year = (number * 400 / 146_097) as u32;
    while year > 0 && day_number(year, 1, 1) > number {
        year -= 1;
    }
    while day_number(year + 1, 1, 1) <= number {
        year += 1;
    }
    let mut rest = (number - day_number(year, 1, 1)) as u32;
    let mut month = 1;
    while rest >= days_in_month(year, month) {
        rest -= days_in_month(year, month);
        month += 1;
    }
    Some((year, month, rest + 1))
}

/// `WEEK(date, mode)` and the year that week belongs to.
///
/// The mode's bits: 1: weeks start on Monday, not Sunday; 2: days before the first week belong to the last week of the
/// year before, not to week 0; 4: turns around what the first week is, which for weeks from Sunday is the first that
/// starts in the year, and for weeks from Monday the first with at least four days in it.
pub fn week(year: u32, month: u32, day: u32, mode: u32) -> (u32, u32) {
    let monday_first = mode & 1 != 0;
    let four_days = monday_first ^ (mode & 4 != 0);
    let first_week = |year: u32| {
        let first = day_number(year, 1, 1);
        let weekday = (first + if monday_first { 5 } else { 6 }).rem_euclid(7);
        match weekday {
            0 => first,
            1..=3 if four_days => first - weekday,
            _ => first + 7 - weekday,
        }
    };
    let date = day_number(year, month, day);
    let number = |start: i64| ((date - start) / 7 + 1) as u32;
    let whole_years = mode & 2 != 0;
    if date < first_week(year) {
        return match year {
            0 => (0, 0),
            _ if whole_years => (number(first_week(year - 1)), year - 1),
            _ => (0, year),
        };
    }
    if whole_years && date >= first_week(year + 1) {
        return (1, year + 1);
    }
    (number(first_week(year)), year)
}
