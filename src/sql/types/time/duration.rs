//! TIME.

use std::cmp::Ordering;
use std::fmt;

use super::{MICROS_PER_DAY, MICROS_PER_SECOND, Time, TimeKind, TimeRules, write_fraction};
use crate::sql::types::{Decimal, SqlMode};

/// A TIME: a signed span of up to 838:59:59.999999.
#[derive(Clone, Copy, Debug)]
pub struct Duration {
    /// Microseconds.
    pub micros: i64,
    /// Digits of the second's fraction, 0 to 6.
    pub fsp: u8,
}

/// A TIME read from a text, and what had to be done to it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ParsedDuration {
    /// The value.
    pub value: Duration,
    /// Something followed that did not belong to it.
    pub truncated: bool,
    /// It was beyond 838:59:59, which stands in its place.
    pub clipped: bool,
}

impl Duration {
    /// 838:59:59.
    pub const MAX_MICROS: i64 = (838 * 3600 + 59 * 60 + 59) * MICROS_PER_SECOND;

    /// Hours, minutes, seconds and microseconds, without the sign.
    pub fn parts(&self) -> (u32, u32, u32, u32) {
        let micros = self.micros.unsigned_abs();
        let seconds = micros / MICROS_PER_SECOND as u64;
        (
            (seconds / 3600) as u32,
            (seconds / 60 % 60) as u32,
            (seconds % 60) as u32,
            (micros % MICROS_PER_SECOND as u64) as u32,
        )
    }

    /// Within ±838:59:59, and whether it had to be clipped.
    pub fn clip(self) -> (Duration, bool) {
        let micros = self.micros.clamp(-Duration::MAX_MICROS, Duration::MAX_MICROS);
        (Duration { micros, ..self }, micros != self.micros)
    }

    /// Rounded to fewer digits of fraction, or cut off under TIME_TRUNCATE_FRACTIONAL.
    #[must_use]
    pub fn round_to(self, fsp: u8, mode: SqlMode) -> Duration {
        let unit = 10_i64.pow(6 - u32::from(fsp.min(6)));
        let below = self.micros % unit;
        let mut micros = self.micros - below;
        if below.abs() * 2 >= unit && !mode.contains(SqlMode::TIME_TRUNCATE_FRACTIONAL) {
            micros += unit * below.signum();
        }
        Duration { micros, fsp }
    }

    /// As a number: `-123456.789`.
    pub fn to_decimal(&self) -> Decimal {
        let (hours, minutes, seconds, micros) = self.parts();
        let whole = i128::from(hours) * 10_000 + i128::from(minutes * 100 + seconds);
        let fraction = i128::from(micros) / 10_i128.pow(6 - u32::from(self.fsp));
        let size = whole * 10_i128.pow(u32::from(self.fsp)) + fraction;
        Decimal::new(if self.micros < 0 { -size } else { size }, self.fsp)
    }

    /// The TIME a number stands for: `123456` is 12:34:56. `None` when minutes or seconds are beyond 59.
    pub fn from_decimal(number: &Decimal, fsp: u8, mode: SqlMode) -> Option<(Duration, bool)> {
        let sign = if number.is_negative() { -1 } else { 1 };
        let scaled = number.round(6).with_scale(6);
        let Some(size) = scaled.and_then(|scaled| scaled.abs().unscaled.to_i128()) else {
            return Some((Duration { micros: sign * Duration::MAX_MICROS, fsp }, true));
        };
        let (whole, micros) = (size / 1_000_000, size % 1_000_000);
        if whole > 8_385_959 {
            // A whole date and time: its time of day.
            let rules = TimeRules::lenient();
            let time = Time::from_number(number, TimeKind::DateTime, 6, &rules);
            if whole >= 10_000_000_000
                && let Some(time) = time
            {
                return Some((time.time_of_day().round_to(fsp, mode), false));
            }
            return Some((Duration { micros: sign * Duration::MAX_MICROS, fsp }, true));
        }
        let (hours, minutes, seconds) = (whole / 10_000, whole / 100 % 100, whole % 100);
        if minutes > 59 || seconds > 59 {
            return None;
        }
        let seconds = (hours * 3600 + minutes * 60 + seconds) as i64;
        let micros = sign * (seconds * MICROS_PER_SECOND + micros as i64);
        Some(Duration { micros, fsp: 6 }.round_to(fsp, mode).clip())
    }

    /// Reads a TIME: `[-][days ]hh:mm:ss[.f]`, `hh:mm`, `hhmmss`, `ss`, or a date and time, whose time it takes.
    /// `None` when the text does not start like one.
    pub fn parse(text: &str, fsp: u8, mode: SqlMode) -> Option<ParsedDuration> {
        let trimmed = text.trim_start();
        if looks_like_datetime(trimmed) {
            let parsed = Time::parse(trimmed, TimeKind::DateTime, fsp, &TimeRules::lenient())?;
            let value = parsed.value.time_of_day();
            return Some(ParsedDuration { value, truncated: parsed.truncated, clipped: false });
        }
        let (negative, body) = match trimmed.strip_prefix('-') {
            Some(body) => (true, body),
            None => (false, trimmed),
        };
        let (seconds, rest) = whole_seconds(body)?;
        let (micros, rest) = fraction(rest);
        let total = i128::from(seconds) * i128::from(MICROS_PER_SECOND) + i128::from(micros);
        let total = i64::try_from(total.min(i128::from(i64::MAX / 4))).unwrap_or(i64::MAX / 4);
        let span = Duration { micros: if negative { -total } else { total }, fsp: 6 };
        let (value, clipped) = span.round_to(fsp, mode).clip();
        let truncated = !rest.trim_end().is_empty();
        Some(ParsedDuration { value, truncated, clipped })
    }

    /// Sum; `None` beyond what a TIME can be.
    pub fn checked_add(self, other: Duration) -> Option<Duration> {
        let micros = self.micros.checked_add(other.micros)?;
        let sum = Duration { micros, fsp: self.fsp.max(other.fsp) };
        (!sum.clip().1).then_some(sum)
    }

    /// This long after (or before) midnight of a day.
    pub fn on_day(self, day_number: i64, kind: TimeKind) -> Option<Time> {
        Time::from_micros(day_number * MICROS_PER_DAY + self.micros, kind, self.fsp)
    }
}

/// Digits, punctuation, digits, punctuation of a date, then digits.
fn looks_like_datetime(text: &str) -> bool {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    if digits >= 12 {
        return true;
    }
    (1..=4).contains(&digits)
        && matches!(text.as_bytes().get(digits), Some(b'-' | b'/'))
        && text.len() > digits + 2
}

fn number(text: &str) -> Option<(i64, &str)> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    if digits == 0 {
        return None;
    }
    let size = text[..digits]
        .bytes()
        .fold(0_i64, |size, digit| (size * 10 + i64::from(digit - b'0')).min(1_000_000_000_000));
    Some((size, &text[digits..]))
}

/// The part before the fraction, in seconds, and what follows it.
fn whole_seconds(text: &str) -> Option<(i64, &str)> {
    let (first, rest) = number(text)?;
    // `D hh…`
    if let Some(after) = rest.strip_prefix(' ')
        && let Some((hours, rest)) = number(after.trim_start())
    {
        let (minutes, seconds, rest) = minutes_and_seconds(rest)?;
        return Some((((first * 24 + hours) * 60 + minutes) * 60 + seconds, rest));
    }
    if rest.starts_with(':') {
        let (minutes, seconds, rest) = minutes_and_seconds(rest)?;
        return Some(((first * 60 + minutes) * 60 + seconds, rest));
    }
    let (hours, minutes, seconds) = (first / 10_000, first / 100 % 100, first % 100);
    if minutes > 59 || seconds > 59 {
        return None;
    }
    Some(((hours * 60 + minutes) * 60 + seconds, rest))
}

/// `:mm[:ss]`, each optional; `None` when beyond 59.
fn minutes_and_seconds(text: &str) -> Option<(i64, i64, &str)> {
    let mut fields = [0; 2];
    let mut rest = text;
    for field in &mut fields {
        let Some((value, after)) = rest.strip_prefix(':').and_then(number) else {
            break;
        };
        if value > 59 {
            return None;
        }
        *field = value;
        rest = after;
    }
    Some((fields[0], fields[1], rest))
}

/// `.ffffff` in microseconds, rounded, and what follows.
pub(super) fn fraction(text: &str) -> (i64, &str) {
    let Some(after) = text.strip_prefix('.') else {
        return (0, text);
    };
    let digits = after.bytes().take_while(u8::is_ascii_digit).count();
    let mut micros = 0_i64;
    for position in 0..6 {
        let digit = after.as_bytes().get(position).filter(|_| position < digits);
        micros = micros * 10 + digit.map_or(0, |digit| i64::from(digit - b'0'));
    }
    if digits > 6 && after.as_bytes()[6] >= b'5' {
        micros += 1;
    }
    (micros, &after[digits..])
}

impl PartialEq for Duration {
    fn eq(&self, other: &Duration) -> bool {
        self.micros == other.micros
    }
}

impl Eq for Duration {}

impl PartialOrd for Duration {
    fn partial_cmp(&self, other: &Duration) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Duration {
    fn cmp(&self, other: &Duration) -> Ordering {
        self.micros.cmp(&other.micros)
    }
}

impl fmt::Display for Duration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (hours, minutes, seconds, micros) = self.parts();
        let sign = if self.micros < 0 { "-" } else { "" };
        write!(f, "{sign}{hours:02}:{minutes:02}:{seconds:02}")?;
        write_fraction(f, micros, self.fsp)
    }
}
