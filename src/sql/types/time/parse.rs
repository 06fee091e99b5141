//! Dates and times from texts and numbers, as liberally as MySQL reads them.

use super::duration::fraction;
use super::{Parts, Time, TimeKind};
use crate::sql::types::{Decimal, SqlMode, TimeZone};

/// What decides whether a text is a valid time, and which.
#[derive(Clone, Copy, Debug)]
pub struct TimeRules {
    /// NO_ZERO_DATE, NO_ZERO_IN_DATE, ALLOW_INVALID_DATES and TIME_TRUNCATE_FRACTIONAL count.
    pub mode: SqlMode,
    /// Where a text with an offset of its own (`…+02:00`) is shown.
    pub zone: TimeZone,
}

impl TimeRules {
    /// Zero dates and dates with zero months or days are fine, as for `MONTH('2024-00-00')`.
    pub fn lenient() -> TimeRules {
        TimeRules { mode: SqlMode::EMPTY, zone: TimeZone::UTC }
    }
}

/// A time read from a text.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ParsedTime {
    /// The value.
    pub value: Time,
    /// Something followed that did not belong to it.
    pub truncated: bool,
}

impl Time {
    /// Reads `2024-1-2`, `2024-01-02 03:04:05.678`, `20240102T030405`, `240102`, any punctuation between the numbers, and
    /// an offset at the end. `None` when it is no time, or not a valid one.
    pub fn parse(text: &str, kind: TimeKind, fsp: u8, rules: &TimeRules) -> Option<ParsedTime> {
        let text = text.trim_start();
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        let after = text.as_bytes().get(digits);
        let packed = match after {
            None | Some(b'.') => digits >= 5,
            Some(b'T' | b't' | b' ' | b'+' | b'-') => digits == 8 || digits == 6 || digits >= 12,
            Some(_) => digits >= 6,
        };
        let (mut parts, rest) =
            if packed { packed_fields(text, digits)? } else { separated_fields(text)? };
        let (micros, rest) = fraction(rest);
        let (offset, rest) = offset(rest);
        let carry = micros >= 1_000_000;
        parts.micro = if carry { 0 } else { micros as u32 };
        if !parts.is_valid(rules.mode) {
            return None;
        }
        let mut time = Time::from_parts(&parts, TimeKind::DateTime, 6);
        if carry {
            time = time.checked_add(super::Interval { months: 0, micros: 1_000_000 })?;
        }
        if let Some(seconds) = offset {
            let unix = time.unix_micros(&TimeZone::Fixed(seconds))?.ok()?;
            time = Time::from_unix_micros(unix, &rules.zone, TimeKind::DateTime, 6)?;
        }
        let value = finish(time, kind, fsp, rules)?;
        Some(ParsedTime { value, truncated: !rest.trim_end().is_empty() })
    }

    /// The time a number like `20240102` or `20240102030405.5` stands for; two-digit years are 1970 to 2069.
    pub fn from_number(
        number: &Decimal,
        kind: TimeKind,
        fsp: u8,
        rules: &TimeRules,
    ) -> Option<Time> {
        if number.is_negative() {
            return None;
        }
        let scaled = number.round(6).with_scale(6)?.unscaled.to_i128()?;
        let whole = u64::try_from(scaled / 1_000_000).ok()?;
        let micro = (scaled % 1_000_000) as u32;
        let full = match whole {
            0 if micro == 0 => return rules_allow_zero(rules).then(|| Time::zero(kind, fsp)),
            101..=691_231 => (whole + 20_000_000) * 1_000_000,
            700_101..=991_231 => (whole + 19_000_000) * 1_000_000,
            10_000_101..=99_991_231 => whole * 1_000_000,
            101_000_000..=691_231_235_959 => whole + 20_000_000_000_000,
            700_101_000_000..=991_231_235_959 => whole + 19_000_000_000_000,
            10_000_101_000_000..=99_991_231_235_959 => whole,
            _ => return None,
        };
        let (date, clock) = ((full / 1_000_000) as u32, (full % 1_000_000) as u32);
        let parts = Parts {
            year: date / 10_000,
            month: date / 100 % 100,
            day: date % 100,
            hour: clock / 10_000,
            minute: clock / 100 % 100,
            second: clock % 100,
            micro,
        };
        if !parts.is_valid(rules.mode) {
            return None;
        }
        finish(Time::from_parts(&parts, TimeKind::DateTime, 6), kind, fsp, rules)
    }
}

fn rules_allow_zero(rules: &TimeRules) -> bool {
    !rules.mode.contains(SqlMode::NO_ZERO_DATE)
}

fn finish(time: Time, kind: TimeKind, fsp: u8, rules: &TimeRules) -> Option<Time> {
    if kind == TimeKind::Date {
        return Some(time.with_kind(kind));
    }
    time.round_to(fsp, rules.mode).map(|time| time.with_kind(kind))
}

/// A year of two digits: 70 to 99 are of the last century.
pub(super) fn full_year(year: u32) -> u32 {
    if year < 70 { year + 2000 } else { year + 1900 }
}

/// `YYYYMMDDhhmmss`, `YYMMDDhhmmss`, `YYYYMMDD`, `YYMMDD`; also with a `T` or a space between date and time.
fn packed_fields(text: &str, digits: usize) -> Option<(Parts, &str)> {
    let long_year = digits == 8 || digits >= 14;
    let date_len = if long_year { 8 } else { 6 };
    let mut numbers = [0_u32; 6];
    let mut at = 0;
    for (field, number) in numbers.iter_mut().enumerate() {
        let len = if field == 0 && long_year { 4 } else { 2 };
        // `20240102T0304…`: after the date a letter may stand before the clock.
        if at == date_len && at == digits {
            let Some(clock) =
                text.get(at + 1..).filter(|_| matches!(text.as_bytes()[at], b'T' | b't' | b' '))
            else {
                break;
            };
            return clock_after(numbers, long_year, clock);
        }
        let available = digits.saturating_sub(at).min(len);
        if available == 0 {
            break;
        }
        *number = text[at..at + available].parse().ok()?;
        at += available;
    }
    if at < 5 {
        return None;
    }
    Some((to_parts(numbers, long_year), &text[at..]))
}

fn clock_after(mut numbers: [u32; 6], long_year: bool, clock: &str) -> Option<(Parts, &str)> {
    let run = clock.bytes().take_while(u8::is_ascii_digit).count();
    if run == 0 {
        return Some((to_parts(numbers, long_year), clock));
    }
    let mut rest = clock;
    if run > 2 {
        for (position, number) in numbers[3..].iter_mut().enumerate() {
            let part = clock.get(position * 2..(position * 2 + 2).min(run)).unwrap_or("");
            *number = part.parse().unwrap_or(0);
        }
        rest = &clock[run.min(6)..];
    } else {
        rest = read_clock(&mut numbers, rest)?;
    }
    Some((to_parts(numbers, long_year), rest))
}

/// `hh[:mm[:ss]]` into the last three numbers.
fn read_clock<'a>(numbers: &mut [u32; 6], text: &'a str) -> Option<&'a str> {
    let mut rest = text;
    for (position, number) in numbers[3..].iter_mut().enumerate() {
        if position > 0 {
            if offset(rest).0.is_some() {
                break;
            }
            let Some(after) = rest.strip_prefix(is_clock_separator) else { break };
            if !after.starts_with(|c: char| c.is_ascii_digit()) {
                break;
            }
            rest = after;
        }
        let run = rest.bytes().take_while(u8::is_ascii_digit).count().min(2);
        *number = rest[..run].parse().ok()?;
        rest = &rest[run..];
    }
    Some(rest)
}

fn is_clock_separator(c: char) -> bool {
    c.is_ascii_punctuation() && c != '.'
}

/// `2024-1-2 3:4:5` with any punctuation.
fn separated_fields(text: &str) -> Option<(Parts, &str)> {
    let mut numbers = [0_u32; 6];
    let mut rest = text;
    let mut year_len = 0;
    for (field, number) in numbers[..3].iter_mut().enumerate() {
        if field > 0 {
            rest = rest.trim_start_matches(|c: char| c.is_ascii_punctuation());
        }
        let most = if field == 0 { 4 } else { 2 };
        let run = rest.bytes().take_while(u8::is_ascii_digit).count().min(most);
        *number = rest[..run].parse().ok()?;
        if field == 0 {
            year_len = run;
        }
        rest = &rest[run..];
        if field < 2 && !rest.starts_with(|c: char| c.is_ascii_punctuation()) {
            return None;
        }
    }
    let long_year = year_len > 2 || year_len == 0;
    let clock = rest.strip_prefix(['T', 't']).or_else(|| {
        let trimmed = rest.trim_start();
        (trimmed.len() < rest.len()).then_some(trimmed)
    });
    match clock {
        Some(clock) if clock.starts_with(|c: char| c.is_ascii_digit()) => {
            rest = read_clock(&mut numbers, clock)?;
        }
        _ => {}
    }
    Some((to_parts(numbers, long_year), rest))
}

fn to_parts(numbers: [u32; 6], long_year: bool) -> Parts {
    let [mut year, month, day, hour, minute, second] = numbers;
    let all_zero = numbers.iter().all(|number| *number == 0);
    if !long_year && !all_zero {
        year = full_year(year);
    }
    Parts { year, month, day, hour, minute, second, micro: 0 }
}

/// `+08:00`, `-05:30` or `Z` at the end: seconds east of UTC, and what follows.
fn offset(text: &str) -> (Option<i32>, &str) {
    let bytes = text.as_bytes();
    let sign = match bytes.first() {
        Some(b'+') => 1,
        Some(b'-') => -1,
        _ => return (None, text),
    };
    let shape = bytes.len() >= 6
        && bytes[3] == b':'
        && [1, 2, 4, 5].iter().all(|position| bytes[*position].is_ascii_digit());
    if !shape {
        return (None, text);
    }
    let two = |at: usize| i32::from(bytes[at] - b'0') * 10 + i32::from(bytes[at + 1] - b'0');
    let (hours, minutes) = (two(1), two(4));
    if hours > 14 || minutes > 59 {
        return (None, text);
    }
    (Some(sign * (hours * 3600 + minutes * 60)), &text[6..])
}
