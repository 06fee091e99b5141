//! Numbers and names taken from times.

use super::{Call, not_null};
use crate::common::{SqlError, SqlResult, errno};
use crate::sql::expr::Function;
use crate::sql::types::time::{self, Parts};
use crate::sql::types::{Datum, Duration, IntervalUnit, Time, TimeKind, TimeRules};

impl Call<'_> {
    pub(super) fn date_parts(&self) -> SqlResult<Datum> {
        use Function as F;
        match self.function {
            F::Year | F::Month | F::Day | F::Quarter => {
                let parts = not_null!(self.lenient_time(0)).parts();
                Ok(Datum::Int(i64::from(match self.function {
                    F::Year => parts.year,
                    F::Month => parts.month,
                    F::Day => parts.day,
                    _ => parts.month.div_ceil(3),
                })))
            }
            F::Hour | F::Minute | F::Second | F::Microsecond | F::TimeToSec => {
                let duration = not_null!(self.duration(0));
                Ok(Datum::Int(self.of_duration(&duration)))
            }
            F::Extract => self.extract(),
            F::DateDiff => {
                let left = not_null!(self.time(0)).day_number();
                let right = not_null!(self.time(1)).day_number();
                Ok(Datum::from(left.zip(right).map(|(left, right)| left - right)))
            }
            F::TimestampDiff => {
                let unit = self.unit(0)?;
                let from = not_null!(self.time(1));
                let to = not_null!(self.time(2));
                Ok(Datum::from(from.units_until(&to, unit)))
            }
            F::PeriodAdd => {
                let months = months_of(not_null!(self.int(0)));
                Ok(Datum::Int(period_of(months.saturating_add(not_null!(self.int(1))))))
            }
            F::PeriodDiff => {
                let months = months_of(not_null!(self.int(0)));
                Ok(Datum::Int(months - months_of(not_null!(self.int(1)))))
            }
            F::MonthName => {
                let month = not_null!(self.lenient_time(0)).parts().month as usize;
                let name =
                    month.checked_sub(1).and_then(|month| time::MONTH_NAMES.get(month).copied());
                Ok(Datum::from(name))
            }
            _ => {
                let date = not_null!(self.time(0));
                self.of_date(&date)
            }
        }
    }

    fn of_duration(&self, duration: &Duration) -> i64 {
        let (hour, minute, second, micro) = duration.parts();
        match self.function {
            Function::Hour => i64::from(hour),
            Function::Minute => i64::from(minute),
            Function::Second => i64::from(second),
            Function::Microsecond => i64::from(micro),
            _ => duration.micros / time::MICROS_PER_SECOND,
        }
    }

    fn of_date(&self, date: &Time) -> SqlResult<Datum> {
        use Function as F;
        let Some(day) = date.day_number() else {
            return Ok(Datum::Null);
        };
        let Parts { year, month, day: day_of_month, .. } = date.parts();
        let week = |mode: u32| time::week(year, month, day_of_month, mode);
        let number = |number: Option<u32>| Datum::from(number.map(i64::from));
        Ok(match self.function {
            F::DayOfWeek => number(date.day_of_week()),
            F::Weekday => number(date.weekday()),
            F::DayOfYear => number(date.day_of_year()),
            F::WeekOfYear => number(Some(week(3).0)),
            F::Week => number(Some(week(self.week_mode()?).0)),
            F::YearWeek => {
                let (week, year) = week(self.week_mode()? | 2);
                number(Some(year * 100 + week))
            }
            F::ToDays => Datum::Int(day),
            F::ToSeconds => Datum::Int(date.micros() / time::MICROS_PER_SECOND),
            F::LastDay => Datum::Time(Time::date(year, month, time::days_in_month(year, month))),
            _ => {
                let name = date.weekday().map(|day| time::WEEKDAY_NAMES[day as usize]);
                Datum::from(name)
            }
        })
    }

    fn week_mode(&self) -> SqlResult<u32> {
        let mode = if self.args.len() > 1 { self.int(1)?.unwrap_or(0) } else { 0 };
        Ok((mode & 7) as u32)
    }

    fn extract(&self) -> SqlResult<Datum> {
        let unit = self.unit(0)?;
        let value = self.value(1)?;
        Ok(match &value {
            Datum::Null => Datum::Null,
            Datum::Duration(duration) => Datum::Int(duration.extract(unit)),
            Datum::Time(time) => Datum::Int(time.extract(unit)),
            // A text without a date can only be a TIME.
            Datum::Bytes(text)
                if unit.has_time() && !text.contains(&b'-') && text.contains(&b':') =>
            {
                Datum::Int(not_null!(self.duration(1)).extract(unit))
            }
            _ => Datum::Int(not_null!(self.lenient_time(1)).extract(unit)),
        })
    }

    /// A date argument, zero months and days allowed.
    pub(super) fn lenient_time(&self, position: usize) -> SqlResult<Option<Time>> {
        let rules = TimeRules { zone: self.ctx.time_zone, ..TimeRules::lenient() };
        self.value(position)?.to_time_by(TimeKind::DateTime, 6, &rules, self.ctx)
    }

    pub(super) fn duration(&self, position: usize) -> SqlResult<Option<Duration>> {
        self.value(position)?.to_duration(6, self.ctx)
    }

    /// The unit given as a text argument.
    pub(super) fn unit(&self, position: usize) -> SqlResult<IntervalUnit> {
        let name = self.keyword(position)?;
        IntervalUnit::by_name(&name).ok_or_else(|| {
            SqlError::new(errno::WRONG_ARGUMENTS, format!("Incorrect arguments: the unit '{name}'"))
        })
    }
}

/// Months of a period `YYMM` or `YYYYMM`.
fn months_of(period: i64) -> i64 {
    let (year, month) = (period / 100, period % 100);
    let year = match year {
        0..=69 => year + 2000,
        70..=99 => year + 1900,
        year => year,
    };
    year * 12 + month - 1
}

fn period_of(months: i64) -> i64 {
    months.div_euclid(12) * 100 + months.rem_euclid(12) + 1
}
