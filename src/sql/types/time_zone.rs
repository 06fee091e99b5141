//! The session's time zone: from a moment to a wall clock and back.

use std::fmt;

use chrono::{MappedLocalTime, NaiveDate, NaiveDateTime, Offset, TimeZone as _};

use crate::common::{SqlError, SqlResult, errno};

/// What `time_zone` is set to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TimeZone {
    /// `SYSTEM`: the server's zone, which is UTC unless the node's configuration names another.
    #[default]
    System,
    /// `+08:00`: seconds east of UTC.
    Fixed(i32),
    /// `Europe/Berlin`.
    Named(chrono_tz::Tz),
}

/// The zones that have a name.
pub fn time_zone_names() -> impl Iterator<Item = &'static str> {
    chrono_tz::TZ_VARIANTS.iter().map(|zone| zone.name())
}

impl TimeZone {
    /// UTC.
    pub const UTC: TimeZone = TimeZone::Fixed(0);

    /// Reads the variable's value; error 1298 when there is no such zone.
    pub fn parse(text: &str) -> SqlResult<TimeZone> {
        let unknown = || {
            SqlError::new(
                errno::UNKNOWN_TIME_ZONE,
                format!("Unknown or incorrect time zone: '{text}'"),
            )
        };
        if text.eq_ignore_ascii_case("SYSTEM") {
            return Ok(TimeZone::System);
        }
        if text.starts_with(['+', '-']) {
            return parse_offset(text).map(TimeZone::Fixed).ok_or_else(unknown);
        }
        let found =
            chrono_tz::TZ_VARIANTS.iter().find(|zone| zone.name().eq_ignore_ascii_case(text));
        found.copied().map(TimeZone::Named).ok_or_else(unknown)
    }

    /// Seconds east of UTC at a moment.
    pub fn offset_at(&self, unix_seconds: i64) -> i32 {
        match self {
            TimeZone::System => 0,
            TimeZone::Fixed(seconds) => *seconds,
            TimeZone::Named(zone) => {
                let moment = chrono::DateTime::from_timestamp(unix_seconds, 0).unwrap_or_default();
                zone.offset_from_utc_datetime(&moment.naive_utc()).fix().local_minus_utc()
            }
        }
    }

    /// The moment (unix seconds) at which this zone's clocks show `local` (seconds since 1970-01-01 00:00 on that
    /// clock). Of two such moments the earlier. `Err` carries the moment the clocks jumped over `local`.
    pub fn local_to_unix(&self, local: i64) -> Result<i64, i64> {
        let zone = match self {
            TimeZone::System => return Ok(local),
            TimeZone::Fixed(seconds) => return Ok(local - i64::from(*seconds)),
            TimeZone::Named(zone) => zone,
        };
        let naive = naive_of(local);
        match zone.offset_from_local_datetime(&naive) {
            MappedLocalTime::Single(offset) => {
                Ok(local - i64::from(offset.fix().local_minus_utc()))
            }
            MappedLocalTime::Ambiguous(first, second) => {
                let east = first.fix().local_minus_utc().max(second.fix().local_minus_utc());
                Ok(local - i64::from(east))
            }
            MappedLocalTime::None => {
                // In a gap: the jump lies within a day; find the first moment whose clock is past `local`.
                let (mut before, mut after) = (local - 172_800, local + 172_800);
                while after - before > 1 {
                    let middle = (before + after) / 2;
                    let shown = middle + i64::from(self.offset_at(middle));
                    if shown > local { after = middle } else { before = middle }
                }
                Err(after)
            }
        }
    }
}

fn naive_of(local: i64) -> NaiveDateTime {
    let epoch = NaiveDate::from_ymd_opt(1970, 1, 1)
        .and_then(|day| day.and_hms_opt(0, 0, 0))
        .expect("the epoch is a valid date");
    epoch.checked_add_signed(chrono::TimeDelta::seconds(local)).unwrap_or(epoch)
}

/// `+08:00`, `-5:30`: from -13:59 to +14:00.
fn parse_offset(text: &str) -> Option<i32> {
    let sign = if text.starts_with('-') { -1 } else { 1 };
    let (hours, minutes) = text[1..].split_once(':')?;
    let all_digits =
        |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if !all_digits(hours) || !all_digits(minutes) || hours.len() > 2 || minutes.len() != 2 {
        return None;
    }
    let (hours, minutes): (i32, i32) = (hours.parse().ok()?, minutes.parse().ok()?);
    let seconds = sign * (hours * 3600 + minutes * 60);
    (minutes < 60 && (-50_340..=50_400).contains(&seconds)).then_some(seconds)
}

impl fmt::Display for TimeZone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TimeZone::System => f.write_str("SYSTEM"),
            TimeZone::Fixed(seconds) => {
                let sign = if *seconds < 0 { '-' } else { '+' };
                let minutes = seconds.abs() / 60;
                write!(f, "{sign}{:02}:{:02}", minutes / 60, minutes % 60)
            }
            TimeZone::Named(zone) => f.write_str(zone.name()),
        }
    }
}
