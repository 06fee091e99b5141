//! `INTERVAL n unit`.

use super::{Duration, MICROS_PER_DAY, MICROS_PER_SECOND, Parts, Time, days_in_month};
use crate::sql::types::Decimal;

/// The unit of an interval.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the names are MySQL's and say it all")]
pub enum IntervalUnit {
    Microsecond,
    Second,
    Minute,
    Hour,
    Day,
    Week,
    Month,
    Quarter,
    Year,
    SecondMicrosecond,
    MinuteMicrosecond,
    MinuteSecond,
    HourMicrosecond,
    HourSecond,
    HourMinute,
    DayMicrosecond,
    DaySecond,
    DayMinute,
    DayHour,
    YearMonth,
}

use IntervalUnit as Unit;

/// Every unit with its name.
const UNITS: &[(&str, Unit)] = &[
    ("MICROSECOND", Unit::Microsecond),
    ("SECOND", Unit::Second),
    ("MINUTE", Unit::Minute),
    ("HOUR", Unit::Hour),
    ("DAY", Unit::Day),
    ("WEEK", Unit::Week),
    ("MONTH", Unit::Month),
    ("QUARTER", Unit::Quarter),
    ("YEAR", Unit::Year),
    ("SECOND_MICROSECOND", Unit::SecondMicrosecond),
    ("MINUTE_MICROSECOND", Unit::MinuteMicrosecond),
    ("MINUTE_SECOND", Unit::MinuteSecond),
    ("HOUR_MICROSECOND", Unit::HourMicrosecond),
    ("HOUR_SECOND", Unit::HourSecond),
    ("HOUR_MINUTE", Unit::HourMinute),
    ("DAY_MICROSECOND", Unit::DayMicrosecond),
    ("DAY_SECOND", Unit::DaySecond),
    ("DAY_MINUTE", Unit::DayMinute),
    ("DAY_HOUR", Unit::DayHour),
    ("YEAR_MONTH", Unit::YearMonth),
];

impl IntervalUnit {
    /// The unit of that name, in any case; `SQL_TSI_DAY` too.
    pub fn by_name(name: &str) -> Option<IntervalUnit> {
        let upper = name.to_ascii_uppercase();
        let bare = upper.strip_prefix("SQL_TSI_").unwrap_or(&upper);
        UNITS.iter().find(|(known, _)| *known == bare).map(|(_, unit)| *unit)
    }

    /// Its name, in upper case.
    pub fn name(self) -> &'static str {
        UNITS.iter().find(|(_, unit)| *unit == self).map_or("", |(name, _)| name)
    }

    /// Whether it has a part below a day.
    pub fn has_time(self) -> bool {
        !matches!(
            self,
            Unit::Day | Unit::Week | Unit::Month | Unit::Quarter | Unit::Year | Unit::YearMonth
        )
    }

    /// Microseconds of the fields of a composite unit, largest first; 0 stands for months.
    fn fields(self) -> &'static [i64] {
        const SECOND: i64 = MICROS_PER_SECOND;
        const MINUTE: i64 = 60 * SECOND;
        const HOUR: i64 = 60 * MINUTE;
        const DAY: i64 = 24 * HOUR;
        match self {
            Unit::SecondMicrosecond => &[SECOND, 1],
            Unit::MinuteMicrosecond => &[MINUTE, SECOND, 1],
            Unit::MinuteSecond => &[MINUTE, SECOND],
            Unit::HourMicrosecond => &[HOUR, MINUTE, SECOND, 1],
            Unit::HourSecond => &[HOUR, MINUTE, SECOND],
            Unit::HourMinute => &[HOUR, MINUTE],
            Unit::DayMicrosecond => &[DAY, HOUR, MINUTE, SECOND, 1],
            Unit::DaySecond => &[DAY, HOUR, MINUTE, SECOND],
            Unit::DayMinute => &[DAY, HOUR, MINUTE],
            Unit::DayHour => &[DAY, HOUR],
            _ => &[],
        }
    }

    /// Microseconds of a simple unit of fixed length.
    fn micros(self) -> Option<i64> {
        Some(match self {
            Unit::Microsecond => 1,
            Unit::Second => MICROS_PER_SECOND,
            Unit::Minute => 60 * MICROS_PER_SECOND,
            Unit::Hour => 3600 * MICROS_PER_SECOND,
            Unit::Day => MICROS_PER_DAY,
            Unit::Week => 7 * MICROS_PER_DAY,
            _ => return None,
        })
    }

    /// Months of a unit of whole months.
    fn months(self) -> i64 {
        match self {
            Unit::Month => 1,
            Unit::Quarter => 3,
            _ => 12,
        }
    }

    /// Whether it is of two fields (`DAY_HOUR`), whose value is a text like `'1 12'`.
    pub fn is_composite(self) -> bool {
        self == Unit::YearMonth || !self.fields().is_empty()
    }
}

/// A span of calendar time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Interval {
    /// Whole months.
    pub months: i64,
    /// And microseconds.
    pub micros: i64,
}

impl Interval {
    /// `INTERVAL number unit` of a simple unit; only seconds may have a fraction, other units round. `None` when it is
    /// too large for any date.
    pub fn of_number(number: &Decimal, unit: IntervalUnit) -> Option<Interval> {
        if unit == Unit::Second {
            let micros = number.round(6).with_scale(6)?.unscaled.to_i128()?;
            return Some(Interval { months: 0, micros: i64::try_from(micros).ok()? });
        }
        let whole = number.to_i64()?;
        match unit.micros() {
            Some(micros) => Some(Interval { months: 0, micros: whole.checked_mul(micros)? }),
            None => Some(Interval { months: whole.checked_mul(unit.months())?, micros: 0 }),
        }
    }

    /// `INTERVAL 'text' unit` of a composite unit: its numbers, whatever stands between them, from the smallest field
    /// up. `None` when there are too many numbers or they are too large.
    pub fn of_text(text: &str, unit: IntervalUnit) -> Option<Interval> {
        let trimmed = text.trim_start();
        let negative = trimmed.starts_with('-');
        let mut numbers: Vec<i64> = Vec::new();
        let mut last_len = 0;
        for run in trimmed.split(|c: char| !c.is_ascii_digit()).filter(|run| !run.is_empty()) {
            numbers.push(run.parse().ok()?);
            last_len = run.len();
        }
        let sign = if negative { -1 } else { 1 };
        if unit == Unit::YearMonth {
            let (years, months) = match numbers.as_slice() {
                [] => (0, 0),
                [months] => (0, *months),
                [years, months] => (*years, *months),
                _ => return None,
            };
            let months = years.checked_mul(12)?.checked_add(months)?;
            return Some(Interval { months: sign * months, micros: 0 });
        }
        let fields = unit.fields();
        let skipped = fields.len().checked_sub(numbers.len())?;
        let mut micros = 0_i64;
        for (number, field) in numbers.iter().zip(&fields[skipped..]) {
            let mut value = number.checked_mul(*field)?;
            // `1.5` seconds and microseconds: the fraction's digits count from the left.
            if *field == 1 && last_len < 6 {
                value = value.checked_mul(10_i64.pow(6 - last_len as u32))?;
            }
            micros = micros.checked_add(value)?;
        }
        Some(Interval { months: 0, micros: sign * micros })
    }

    /// The other way.
    pub fn checked_neg(self) -> Option<Interval> {
        Some(Interval { months: self.months.checked_neg()?, micros: self.micros.checked_neg()? })
    }
}

impl Time {
    /// This time and an interval; a day the month does not have becomes its last. `None` outside of the years 0 to
    /// 9999, and for dates that are not in the calendar.
    pub fn checked_add(self, interval: Interval) -> Option<Time> {
        let mut time = self;
        if interval.months != 0 {
            let parts = self.parts();
            if parts.month == 0 {
                return None;
            }
            let months = i64::from(parts.year) * 12 + i64::from(parts.month) - 1;
            let months = months.checked_add(interval.months)?;
            if !(0..120_000).contains(&months) {
                return None;
            }
            let (year, month) = ((months / 12) as u32, (months % 12) as u32 + 1);
            let day = parts.day.min(days_in_month(year, month));
            time = Time::from_parts(&Parts { year, month, day, ..parts }, self.kind, self.fsp);
        }
        if interval.micros == 0 {
            return Some(time);
        }
        time.day_number()?;
        let micros = time.micros().checked_add(interval.micros)?;
        Time::from_micros(micros, self.kind, self.fsp)
    }

    /// `TIMESTAMPDIFF(unit, self, other)`: whole units from this to the other.
    pub fn units_until(&self, other: &Time, unit: IntervalUnit) -> Option<i64> {
        self.day_number()?;
        other.day_number()?;
        if let Some(unit) = unit.micros() {
            return Some((other.micros() - self.micros()) / unit);
        }
        let (early, late, sign) = if self <= other { (self, other, 1) } else { (other, self, -1) };
        let (a, b) = (early.parts(), late.parts());
        let mut months = i64::from(b.year * 12 + b.month) - i64::from(a.year * 12 + a.month);
        if (b.day, b.micros_of_day()) < (a.day, a.micros_of_day()) {
            months -= 1;
        }
        Some(sign * (months / unit.months()))
    }

    /// `EXTRACT(unit FROM self)`.
    pub fn extract(&self, unit: IntervalUnit) -> i64 {
        let parts = self.parts();
        match unit {
            Unit::Year => i64::from(parts.year),
            Unit::Quarter => i64::from(parts.month.div_ceil(3)),
            Unit::Month => i64::from(parts.month),
            Unit::YearMonth => i64::from(parts.year * 100 + parts.month),
            Unit::Day => i64::from(parts.day),
            Unit::Week => {
                i64::from(super::week(parts.year, parts.month.max(1), parts.day.max(1), 0).0)
            }
            _ => extract_clock(i64::from(parts.day), &self.time_of_day(), unit),
        }
    }
}

impl Duration {
    /// `EXTRACT(unit FROM self)`; 0 for the units of a date.
    pub fn extract(&self, unit: IntervalUnit) -> i64 {
        match unit {
            Unit::Year | Unit::Quarter | Unit::Month | Unit::YearMonth | Unit::Week => 0,
            Unit::Day => 0,
            _ => self.micros.signum() * extract_clock(0, self, unit),
        }
    }
}

fn extract_clock(day: i64, clock: &Duration, unit: IntervalUnit) -> i64 {
    let (hour, minute, second, micro) = clock.parts();
    let [hour, minute, second, micro] = [hour, minute, second, micro].map(i64::from);
    match unit {
        Unit::Hour => hour,
        Unit::Minute => minute,
        Unit::Second => second,
        Unit::Microsecond => micro,
        Unit::SecondMicrosecond => second * 1_000_000 + micro,
        Unit::MinuteMicrosecond => (minute * 100 + second) * 1_000_000 + micro,
        Unit::MinuteSecond => minute * 100 + second,
        Unit::HourMicrosecond => (hour * 10_000 + minute * 100 + second) * 1_000_000 + micro,
        Unit::HourSecond => hour * 10_000 + minute * 100 + second,
        Unit::HourMinute => hour * 100 + minute,
        Unit::DayMicrosecond => {
            ((day * 100 + hour) * 10_000 + minute * 100 + second) * 1_000_000 + micro
        }
        Unit::DaySecond => (day * 100 + hour) * 10_000 + minute * 100 + second,
        Unit::DayMinute => (day * 100 + hour) * 100 + minute,
        Unit::DayHour => day * 100 + hour,
        _ => 0,
    }
}
