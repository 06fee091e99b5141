//! Dates and times as MySQL has them, zero dates included.
//!
//! [`Time`] is a DATE, DATETIME or TIMESTAMP; a TIMESTAMP in memory is what the session's clock shows, and only the
//! row codec turns it into UTC and back. [`Duration`] is a TIME. Days are counted as MySQL's `TO_DAYS` does.

mod calendar;
mod duration;
mod format;
mod interval;
mod parse;

use std::cmp::Ordering;
use std::fmt;

pub use calendar::{day_number, days_in_month, is_leap_year, week};
pub use duration::Duration;
pub use format::{MONTH_NAMES, WEEKDAY_NAMES, date_format, str_to_date, time_format};
pub use interval::{Interval, IntervalUnit};
pub use parse::{ParsedTime, TimeRules};

use super::{Decimal, SqlMode, TimeZone};

/// Microseconds of a second.
pub const MICROS_PER_SECOND: i64 = 1_000_000;
/// Microseconds of a day.
pub const MICROS_PER_DAY: i64 = 86_400 * MICROS_PER_SECOND;
/// `TO_DAYS('1970-01-01')`.
const EPOCH_DAY: i64 = 719_528;

/// Which of the calendar types.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub enum TimeKind {
    /// A day.
    Date,
    /// A day and a time, in no time zone.
    DateTime,
    /// A moment.
    Timestamp,
}

impl TimeKind {
    /// `date`, `datetime`, `timestamp`, as error messages name it.
    pub fn name(self) -> &'static str {
        match self {
            TimeKind::Date => "date",
            TimeKind::DateTime => "datetime",
            TimeKind::Timestamp => "timestamp",
        }
    }
}

/// A DATE, DATETIME or TIMESTAMP, packed so that comparing `packed` compares the values.
#[derive(Clone, Copy, Debug)]
pub struct Time {
    /// `((year * 13 + month) << 5 | day) << 17 | hour << 12 | minute << 6 | second`, all `<< 24 | microsecond`.
    pub packed: u64,
    /// Which type.
    pub kind: TimeKind,
    /// Digits of the second's fraction, 0 to 6.
    pub fsp: u8,
}

/// The fields of a [`Time`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Parts {
    /// 0 to 9999.
    pub year: u32,
    /// 0 to 12.
    pub month: u32,
    /// 0 to 31.
    pub day: u32,
    /// 0 to 23.
    pub hour: u32,
    /// 0 to 59.
    pub minute: u32,
    /// 0 to 59.
    pub second: u32,
    /// 0 to 999,999.
    pub micro: u32,
}

impl Parts {
    /// Microseconds since midnight.
    pub fn micros_of_day(&self) -> i64 {
        let seconds = i64::from(self.hour * 3600 + self.minute * 60 + self.second);
        seconds * MICROS_PER_SECOND + i64::from(self.micro)
    }

    /// Whether it is a day of the calendar: neither zero, nor with a zero month or day, nor the 30th of February.
    pub fn is_real_date(&self) -> bool {
        (1..=12).contains(&self.month)
            && self.day >= 1
            && self.day <= days_in_month(self.year, self.month)
    }

    /// Whether a value with these fields may exist under a `sql_mode`.
    pub fn is_valid(&self, mode: SqlMode) -> bool {
        if self.year > 9999 || self.month > 12 || self.day > 31 {
            return false;
        }
        if self.hour > 23 || self.minute > 59 || self.second > 59 || self.micro > 999_999 {
            return false;
        }
        if self.year == 0 && self.month == 0 && self.day == 0 {
            // The zero date: NO_ZERO_DATE forbids it, but '0000-00-00 01:00:00' is no date at all.
            return !mode.contains(SqlMode::NO_ZERO_DATE) && self.micros_of_day() == 0;
        }
        if self.month == 0 || self.day == 0 {
            return !mode.contains(SqlMode::NO_ZERO_IN_DATE);
        }
        self.day <= days_in_month(self.year, self.month)
            || mode.contains(SqlMode::ALLOW_INVALID_DATES)
    }
}

impl Time {
    /// A value with these fields, which are taken as they are.
    pub fn from_parts(parts: &Parts, kind: TimeKind, fsp: u8) -> Time {
        let day = u64::from((parts.year * 13 + parts.month) << 5 | parts.day);
        let clock = u64::from(parts.hour << 12 | parts.minute << 6 | parts.second);
        let packed = (day << 17 | clock) << 24 | u64::from(parts.micro);
        Time { packed, kind, fsp }.with_kind(kind)
    }

    /// A day.
    pub fn date(year: u32, month: u32, day: u32) -> Time {
        let parts = Parts { year, month, day, ..Parts::default() };
        Time::from_parts(&parts, TimeKind::Date, 0)
    }

    /// `0000-00-00`.
    pub fn zero(kind: TimeKind, fsp: u8) -> Time {
        Time { packed: 0, kind, fsp }
    }

    /// Its fields.
    pub fn parts(&self) -> Parts {
        let micro = (self.packed & 0xFF_FFFF) as u32;
        let clock = (self.packed >> 24 & 0x1_FFFF) as u32;
        let day = (self.packed >> 41) as u32;
        let year_month = day >> 5;
        Parts {
            year: year_month / 13,
            month: year_month % 13,
            day: day & 31,
            hour: clock >> 12,
            minute: clock >> 6 & 63,
            second: clock & 63,
            micro,
        }
    }

    /// The same as another kind; as a DATE it loses its time.
    #[must_use]
    pub fn with_kind(self, kind: TimeKind) -> Time {
        if kind == TimeKind::Date {
            return Time { packed: self.packed >> 41 << 41, kind, fsp: 0 };
        }
        Time { kind, ..self }
    }

    /// Whether it is `0000-00-00 00:00:00`.
    pub fn is_zero(&self) -> bool {
        self.packed == 0
    }

    /// Rounded to fewer digits of fraction, or cut off under TIME_TRUNCATE_FRACTIONAL; `None` when that leads past
    /// the year 9999.
    pub fn round_to(self, fsp: u8, mode: SqlMode) -> Option<Time> {
        let parts = self.parts();
        let unit = 10_i64.pow(6 - u32::from(fsp.min(6)));
        let below = i64::from(parts.micro) % unit;
        let rounded = Time { fsp, ..self };
        if below == 0 {
            return Some(rounded);
        }
        let cut = Time { packed: rounded.packed - below as u64, ..rounded };
        if below * 2 < unit || mode.contains(SqlMode::TIME_TRUNCATE_FRACTIONAL) {
            return Some(cut);
        }
        if i64::from(parts.micro) - below + unit < MICROS_PER_SECOND {
            return Some(Time { packed: cut.packed + unit as u64, ..cut });
        }
        if !parts.is_real_date() {
            return Some(cut);
        }
        Time::from_micros(cut.micros() + unit, self.kind, fsp)
    }

    /// `TO_DAYS`; `None` for dates that are not in the calendar.
    pub fn day_number(&self) -> Option<i64> {
        let parts = self.parts();
        parts.is_real_date().then(|| day_number(parts.year, parts.month, parts.day))
    }

    /// Microseconds since the day 0 of `TO_DAYS`.
    pub fn micros(&self) -> i64 {
        let parts = self.parts();
        day_number(parts.year, parts.month, parts.day) * MICROS_PER_DAY + parts.micros_of_day()
    }

    /// The value so many microseconds after day 0; `None` outside of the years 0 to 9999.
    pub fn from_micros(micros: i64, kind: TimeKind, fsp: u8) -> Option<Time> {
        let day = micros.div_euclid(MICROS_PER_DAY);
        let (year, month, day) = calendar::date_of(day)?;
        let rest = micros.rem_euclid(MICROS_PER_DAY);
        let seconds = (rest / MICROS_PER_SECOND) as u32;
        let parts = Parts {
            year,
            month,
            day,
            hour: seconds / 3600,
            minute: seconds / 60 % 60,
            second: seconds % 60,
            micro: (rest % MICROS_PER_SECOND) as u32,
        };
        Some(Time::from_parts(&parts, kind, fsp))
    }

    /// The date with this `TO_DAYS`.
    pub fn from_day_number(day: i64) -> Option<Time> {
        let (year, month, day) = calendar::date_of(day)?;
        Some(Time::date(year, month, day))
    }

    /// What a clock in `zone` shows at a moment.
    pub fn from_unix_micros(unix: i64, zone: &TimeZone, kind: TimeKind, fsp: u8) -> Option<Time> {
        let offset = zone.offset_at(unix.div_euclid(MICROS_PER_SECOND));
        let local = unix.checked_add(i64::from(offset) * MICROS_PER_SECOND)?;
        Time::from_micros(local.checked_add(EPOCH_DAY * MICROS_PER_DAY)?, kind, fsp)
    }

    /// The moment (microseconds since 1970 in UTC) at which a clock in `zone` shows this. `None` for dates that are not
    /// in the calendar; `Some(Err(…))` when the clocks jumped over it, with the moment they jumped.
    pub fn unix_micros(&self, zone: &TimeZone) -> Option<Result<i64, i64>> {
        self.day_number()?;
        let local = self.micros() - EPOCH_DAY * MICROS_PER_DAY;
        let fraction = local.rem_euclid(MICROS_PER_SECOND);
        let seconds = local.div_euclid(MICROS_PER_SECOND);
        Some(match zone.local_to_unix(seconds) {
            Ok(unix) => Ok(unix * MICROS_PER_SECOND + fraction),
            Err(jump) => Err(jump * MICROS_PER_SECOND),
        })
    }

    /// 1 (Sunday) to 7; `None` for dates that are not in the calendar.
    pub fn day_of_week(&self) -> Option<u32> {
        self.day_number().map(|day| ((day + 6).rem_euclid(7) + 1) as u32)
    }

    /// 0 (Monday) to 6; `None` for dates that are not in the calendar.
    pub fn weekday(&self) -> Option<u32> {
        self.day_number().map(|day| (day + 5).rem_euclid(7) as u32)
    }

    /// 1 to 366; `None` for dates that are not in the calendar.
    pub fn day_of_year(&self) -> Option<u32> {
        let day = self.day_number()?;
        Some((day - day_number(self.parts().year, 1, 1) + 1) as u32)
    }

    /// The time of day.
    pub fn time_of_day(&self) -> Duration {
        Duration { micros: self.parts().micros_of_day(), fsp: self.fsp }
    }

    /// As a number: `20240102` or `20240102030405.000000`.
    pub fn to_decimal(&self) -> Decimal {
        let parts = self.parts();
        let date = i128::from(parts.year * 10_000 + parts.month * 100 + parts.day);
        if self.kind == TimeKind::Date {
            return Decimal::new(date, 0);
        }
        let clock = i128::from(parts.hour * 10_000 + parts.minute * 100 + parts.second);
        let fraction = i128::from(parts.micro) / 10_i128.pow(6 - u32::from(self.fsp));
        let whole = date * 1_000_000 + clock;
        Decimal::new(whole * 10_i128.pow(u32::from(self.fsp)) + fraction, self.fsp)
    }
}

impl PartialEq for Time {
    fn eq(&self, other: &Time) -> bool {
        self.packed == other.packed
    }
}

impl Eq for Time {}

impl PartialOrd for Time {
    fn partial_cmp(&self, other: &Time) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Time {
    fn cmp(&self, other: &Time) -> Ordering {
        self.packed.cmp(&other.packed)
    }
}

impl std::hash::Hash for Time {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.packed.hash(state);
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = self.parts();
        write!(f, "{:04}-{:02}-{:02}", parts.year, parts.month, parts.day)?;
        if self.kind == TimeKind::Date {
            return Ok(());
        }
        write!(f, " {:02}:{:02}:{:02}", parts.hour, parts.minute, parts.second)?;
        write_fraction(f, parts.micro, self.fsp)
    }
}

fn write_fraction(f: &mut fmt::Formatter<'_>, micro: u32, fsp: u8) -> fmt::Result {
    if fsp == 0 {
        return Ok(());
    }
    let fraction = micro / 10_u32.pow(6 - u32::from(fsp.min(6)));
    write!(f, ".{fraction:0width$}", width = usize::from(fsp))
}
