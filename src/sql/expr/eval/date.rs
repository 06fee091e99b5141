//! Making times and changing them.

use super::{Call, not_null};
use crate::common::SqlResult;
use crate::sql::expr::Function;
use crate::sql::types::time::{self, MICROS_PER_SECOND};
use crate::sql::types::{
    Datum, Decimal, Duration, Interval, IntervalUnit, SqlMode, Time, TimeKind, TimeZone,
};

impl Call<'_> {
    pub(super) fn date(&self) -> SqlResult<Datum> {
        use Function as F;
        match self.function {
            F::Now
            | F::Sysdate
            | F::CurDate
            | F::CurTime
            | F::UtcTimestamp
            | F::UtcDate
            | F::UtcTime => Ok(self.current()),
            F::DateAdd | F::DateSub | F::TimestampAdd => self.add_interval(),
            F::AddTime | F::SubTime => self.add_time(),
            F::TimeDiff => self.time_diff(),
            F::DateFormat | F::TimeFormat => self.format_date(),
            F::StrToDate => self.str_to_date(),
            F::FromUnixtime => self.unixtime_to_date(),
            F::UnixTimestamp => self.unix_timestamp(),
            F::ConvertTz => self.convert_tz(),
            F::MakeDate => self.make_date(),
            F::MakeTime => self.make_time(),
            F::SecToTime => {
                let micros = not_null!(self.decimal(0)).round(6).with_scale(6);
                let micros =
                    micros.and_then(|micros| micros.to_whole_i64()).unwrap_or(i64::MAX / 2);
                Ok(Datum::Duration(Duration { micros, fsp: self.field_type.fsp() }.clip().0))
            }
            F::FromDays => {
                let days = not_null!(self.int(0));
                let date = if days < 366 { None } else { Time::from_day_number(days) };
                Ok(Datum::Time(date.unwrap_or_else(|| Time::zero(TimeKind::Date, 0))))
            }
            F::Date => {
                let time = not_null!(self.lenient_time(0));
                Ok(Datum::Time(time.with_kind(TimeKind::Date)))
            }
            F::Time => Ok(Datum::from_duration(self.duration(0)?)),
            _ => self.timestamp(),
        }
    }

    /// The statement's moment, as the function wants it.
    fn current(&self) -> Datum {
        use Function as F;
        let fsp = self.field_type.fsp();
        if self.function == F::Sysdate {
            // The only one that does not stand still while the statement runs.
            let now = (self.ctx.clock)().unwrap_or(self.ctx.now_unix_micros);
            let zone = &self.ctx.time_zone;
            let now = Time::from_unix_micros(now, zone, TimeKind::DateTime, 6)
                .and_then(|now| now.round_to(fsp, SqlMode::TIME_TRUNCATE_FRACTIONAL));
            return Datum::from_time(now);
        }
        let utc = matches!(self.function, F::UtcTimestamp | F::UtcDate | F::UtcTime);
        let now = if utc {
            let now = self.ctx.now_unix_micros;
            let now = Time::from_unix_micros(now, &TimeZone::UTC, TimeKind::DateTime, 6);
            now.and_then(|now| now.round_to(fsp, SqlMode::TIME_TRUNCATE_FRACTIONAL))
        } else {
            Some(self.ctx.now(fsp))
        };
        let Some(now) = now else {
            return Datum::Null;
        };
        match self.function {
            F::CurDate | F::UtcDate => Datum::Time(now.with_kind(TimeKind::Date)),
            F::CurTime | F::UtcTime => Datum::Duration(now.time_of_day()),
            _ => Datum::Time(now),
        }
    }

    fn interval(&self, unit: IntervalUnit, position: usize) -> SqlResult<Option<Option<Interval>>> {
        if unit.is_composite() {
            let Some(text) = self.text(position)? else {
                return Ok(None);
            };
            return Ok(Some(Interval::of_text(&text, unit)));
        }
        let Some(number) = self.decimal(position)? else {
            return Ok(None);
        };
        Ok(Some(Interval::of_number(&number, unit)))
    }

    fn add_interval(&self) -> SqlResult<Datum> {
        let stamp = self.function == Function::TimestampAdd;
        let (date, amount, unit) = if stamp { (2, 1, 0) } else { (0, 1, 2) };
        let unit = self.unit(unit)?;
        let interval = not_null!(self.interval(unit, amount));
        let interval = match self.function {
            Function::DateSub => interval.and_then(Interval::checked_neg),
            _ => interval,
        };
        let value = self.value(date)?;
        let (Some(interval), false) = (interval, value.is_null()) else {
            return Ok(Datum::Null);
        };
        if let Datum::Duration(duration) = value {
            if interval.months != 0 {
                // A TIME has no months.
                return self.overflow();
            }
            let micros = duration.micros.checked_add(interval.micros);
            let sum = micros.map(|micros| Duration { micros, fsp: self.field_type.fsp() });
            return Ok(Datum::from_duration(sum.map(|sum| sum.clip().0)));
        }
        let time = not_null!(value.to_time(TimeKind::DateTime, 6, self.ctx));
        let has_clock = unit.has_time() || shows_clock(&value);
        let Some(sum) = time.checked_add(interval) else {
            return self.overflow();
        };
        if self.field_type.kind.is_calendar() {
            return Ok(Datum::Time(Time { fsp: self.field_type.fsp(), ..sum }));
        }
        let fsp = if sum.parts().micro > 0 { 6 } else { 0 };
        let kind = if has_clock { TimeKind::DateTime } else { TimeKind::Date };
        Ok(Datum::from(Time { fsp, ..sum }.with_kind(kind).to_string()))
    }

    /// NULL: a date beyond what there is.
    fn overflow(&self) -> SqlResult<Datum> {
        self.ctx.warn_or_fail(
            crate::common::errno::DATETIME_FUNCTION_OVERFLOW,
            "Datetime function: datetime field overflow",
        )?;
        Ok(Datum::Null)
    }

    fn add_time(&self) -> SqlResult<Datum> {
        let value = self.value(0)?;
        let mut span = not_null!(self.duration(1));
        if self.function == Function::SubTime {
            span.micros = -span.micros;
        }
        let fsp = self.field_type.fsp();
        let is_time = match &value {
            Datum::Null => return Ok(Datum::Null),
            Datum::Time(_) => false,
            Datum::Bytes(text) => !text.contains(&b'-') || text.starts_with(b"-"),
            _ => true,
        };
        let string = self.field_type.kind.is_string();
        if is_time {
            let base = not_null!(value.to_duration(6, self.ctx));
            let sum = Duration { micros: base.micros + span.micros, fsp: 6 }.clip().0;
            let fsp = if !string {
                fsp
            } else if sum.micros % MICROS_PER_SECOND != 0 {
                6
            } else {
                0
            };
            let sum = Duration { fsp, ..sum };
            return Ok(if string { Datum::from(sum.to_string()) } else { Datum::Duration(sum) });
        }
        let base = not_null!(value.to_time(TimeKind::DateTime, 6, self.ctx));
        let Some(sum) = base.checked_add(Interval { months: 0, micros: span.micros }) else {
            return Ok(Datum::Null);
        };
        let fsp = if !string {
            fsp
        } else if sum.parts().micro > 0 {
            6
        } else {
            0
        };
        let sum = Time { fsp, ..sum };
        Ok(if string { Datum::from(sum.to_string()) } else { Datum::Time(sum) })
    }

    fn time_diff(&self) -> SqlResult<Datum> {
        let (left, right) = (self.value(0)?, self.value(1)?);
        let dated = |value: &Datum| match value {
            Datum::Time(_) => true,
            Datum::Bytes(text) => text.iter().skip(1).any(|byte| *byte == b'-'),
            _ => false,
        };
        let micros = match (dated(&left), dated(&right)) {
            (true, true) => {
                let left = not_null!(left.to_time(TimeKind::DateTime, 6, self.ctx));
                left.micros() - not_null!(right.to_time(TimeKind::DateTime, 6, self.ctx)).micros()
            }
            (false, false) => {
                let left = not_null!(left.to_duration(6, self.ctx));
                left.micros - not_null!(right.to_duration(6, self.ctx)).micros
            }
            _ => return Ok(Datum::Null),
        };
        Ok(Datum::Duration(Duration { micros, fsp: self.field_type.fsp() }.clip().0))
    }

    fn format_date(&self) -> SqlResult<Datum> {
        let format = not_null!(self.text(1));
        if !self.fits_formatted(&format)? {
            return Ok(Datum::Null);
        }
        if self.function == Function::TimeFormat {
            let clock = not_null!(self.duration(0));
            return Ok(Datum::from(time::time_format(&clock, &format)));
        }
        let time = not_null!(self.lenient_time(0));
        Ok(Datum::from(time::date_format(&time, &format)))
    }

    /// Whether a time in this format may be as long as it can get: two letters become eleven at most.
    fn fits_formatted(&self, format: &str) -> SqlResult<bool> {
        if format.len() <= self.ctx.max_allowed_packet / 6 {
            return Ok(true);
        }
        let fields = format.bytes().filter(|byte| *byte == b'%').count();
        self.limited(format.len() + fields * 9)
    }

    fn str_to_date(&self) -> SqlResult<Datum> {
        let text = not_null!(self.text(0));
        let format = not_null!(self.text(1));
        Ok(match time::str_to_date(&text, &format, self.ctx.sql_mode) {
            Some(Ok(time)) => Datum::Time(Time { fsp: self.field_type.fsp(), ..time }),
            Some(Err(duration)) => Datum::Duration(duration),
            None => {
                self.ctx.warn_or_fail(
                    crate::common::errno::WRONG_VALUE_FOR_TYPE,
                    format!("Incorrect datetime value: '{text}' for function str_to_date"),
                )?;
                Datum::Null
            }
        })
    }

    fn unixtime_to_date(&self) -> SqlResult<Datum> {
        let seconds: Decimal = not_null!(self.decimal(0));
        let micros = seconds.round(6).with_scale(6).and_then(|micros| micros.to_whole_i64());
        // Up to 3001-01-18 23:59:59 UTC, as MySQL on 64 bits.
        let limit = 32_536_771_199_i64 * MICROS_PER_SECOND + MICROS_PER_SECOND;
        let Some(micros) = micros.filter(|micros| (0..limit).contains(micros)) else {
            return Ok(Datum::Null);
        };
        let fsp = if self.args.len() == 1 { self.field_type.fsp() } else { 6 };
        let time = Time::from_unix_micros(micros, &self.ctx.time_zone, TimeKind::DateTime, fsp);
        if self.args.len() == 1 {
            return Ok(Datum::from_time(time));
        }
        let format = not_null!(self.text(1));
        if !self.fits_formatted(&format)? {
            return Ok(Datum::Null);
        }
        Ok(Datum::from(time.and_then(|time| time::date_format(&time, &format))))
    }

    fn unix_timestamp(&self) -> SqlResult<Datum> {
        if self.args.is_empty() {
            return Ok(Datum::Int(self.ctx.now_unix_micros.div_euclid(MICROS_PER_SECOND)));
        }
        let time = not_null!(self.time(0));
        let unix = time.unix_micros(&self.ctx.time_zone);
        let unix = unix.map_or(0, |moment| moment.unwrap_or_else(|jump| jump)).max(0);
        let exact = Decimal::new(i128::from(unix), 6);
        let scale = match self.field_type.kind {
            crate::sql::types::TypeKind::Decimal => self.field_type.precision_scale().1,
            _ => 0,
        };
        Ok(Datum::Decimal(exact.truncate(i32::from(scale))))
    }

    fn convert_tz(&self) -> SqlResult<Datum> {
        let time = not_null!(self.time(0));
        let from = not_null!(self.text(1));
        let to = not_null!(self.text(2));
        let (Ok(from), Ok(to)) = (TimeZone::parse(&from), TimeZone::parse(&to)) else {
            return Ok(Datum::Null);
        };
        let unix = time.unix_micros(&from).map(|moment| moment.unwrap_or_else(|jump| jump));
        let fsp = self.field_type.fsp();
        let moved =
            unix.and_then(|unix| Time::from_unix_micros(unix, &to, TimeKind::DateTime, fsp));
        Ok(Datum::from_time(moved))
    }

    fn make_date(&self) -> SqlResult<Datum> {
        let year = not_null!(self.int(0));
        let day = not_null!(self.int(1));
        let year = match year {
            0..=69 => year + 2000,
            70..=99 => year + 1900,
            year => year,
        };
        if !(0..=9999).contains(&year) || day < 1 {
            return Ok(Datum::Null);
        }
        let first = time::day_number(year as u32, 1, 1);
        Ok(Datum::from_time(first.checked_add(day - 1).and_then(Time::from_day_number)))
    }

    fn make_time(&self) -> SqlResult<Datum> {
        let hour = not_null!(self.int(0));
        let minute = not_null!(self.int(1));
        let second = not_null!(self.decimal(2));
        let micros = second.round(6).with_scale(6).and_then(|micros| micros.to_whole_i64());
        let Some(micros) = micros.filter(|micros| (0..60 * MICROS_PER_SECOND).contains(micros))
        else {
            return Ok(Datum::Null);
        };
        if !(0..60).contains(&minute) {
            return Ok(Datum::Null);
        }
        let size = hour.unsigned_abs().min(1000) as i64 * 3600 + minute * 60;
        let size = size * MICROS_PER_SECOND + micros;
        let micros = if hour < 0 { -size } else { size };
        Ok(Datum::Duration(Duration { micros, fsp: self.field_type.fsp() }.clip().0))
    }

    /// TIMESTAMP(value [, time]).
    fn timestamp(&self) -> SqlResult<Datum> {
        let fsp = self.field_type.fsp();
        let base = not_null!(self.time(0));
        let base = Time { fsp, ..base }.with_kind(TimeKind::DateTime);
        if self.args.len() == 1 {
            return Ok(Datum::Time(base));
        }
        let span = not_null!(self.duration(1));
        Ok(Datum::from_time(base.checked_add(Interval { months: 0, micros: span.micros })))
    }
}

/// Whether a value given as a date has a time of day with it.
fn shows_clock(value: &Datum) -> bool {
    match value {
        Datum::Time(time) => time.kind != TimeKind::Date,
        Datum::Bytes(text) => {
            let digits = text.iter().filter(|byte| byte.is_ascii_digit()).count();
            text.contains(&b':') || digits > 8
        }
        Datum::Int(number) => *number > 99_991_231,
        _ => true,
    }
}
