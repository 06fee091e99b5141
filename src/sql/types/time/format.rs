//! `DATE_FORMAT` and `STR_TO_DATE`.

use std::fmt::Write as _;

use super::{Duration, Parts, SqlMode, Time, TimeKind, day_number, parse::full_year, week};

/// January to December.
pub const MONTH_NAMES: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// Monday to Sunday.
pub const WEEKDAY_NAMES: [&str; 7] =
    ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];

/// `DATE_FORMAT(time, format)`; `None` when the format asks for what the time does not have (a month's name of month 0).
pub fn date_format(time: &Time, format: &str) -> Option<String> {
    formatted(time, &time.parts(), format)
}

/// `TIME_FORMAT(time, format)`: hours go beyond 23.
pub fn time_format(duration: &Duration, format: &str) -> Option<String> {
    let (hour, minute, second, micro) = duration.parts();
    let parts = Parts { hour, minute, second, micro, ..Parts::default() };
    let text = formatted(&Time::zero(TimeKind::DateTime, 6), &parts, format)?;
    Some(if duration.micros < 0 { format!("-{text}") } else { text })
}

fn formatted(time: &Time, parts: &Parts, format: &str) -> Option<String> {
    let mut text = String::with_capacity(format.len() * 2);
    let mut letters = format.chars();
    while let Some(letter) = letters.next() {
        if letter != '%' {
            text.push(letter);
            continue;
        }
        match letters.next() {
            Some(letter) => write_field(&mut text, time, parts, letter)?,
            None => text.push('%'),
        }
    }
    Some(text)
}

fn write_field(text: &mut String, time: &Time, parts: &Parts, letter: char) -> Option<()> {
    let Parts { year, month, day, hour, minute, second, micro } = *parts;
    let twelve = (hour + 11) % 12 + 1;
    let half = if hour % 24 < 12 { "AM" } else { "PM" };
    let in_week = |mode: u32| week(year, month.max(1), day.max(1), mode);
    let month_name = || MONTH_NAMES.get((month as usize).checked_sub(1)?).copied();
    let weekday_name = || Some(WEEKDAY_NAMES[time.weekday()? as usize]);
    let written = match letter {
        'Y' => write!(text, "{year:04}"),
        'y' => write!(text, "{:02}", year % 100),
        'm' => write!(text, "{month:02}"),
        'c' => write!(text, "{month}"),
        'M' => write!(text, "{}", month_name()?),
        'b' => write!(text, "{}", &month_name()?[..3]),
        'd' => write!(text, "{day:02}"),
        'e' => write!(text, "{day}"),
        'D' => write!(text, "{day}{}", ordinal(day)),
        'j' => write!(text, "{:03}", day_number(year, month, day) - day_number(year, 1, 1) + 1),
        'W' => write!(text, "{}", weekday_name()?),
        'a' => write!(text, "{}", &weekday_name()?[..3]),
        'w' => write!(text, "{}", time.day_of_week()? - 1),
        'H' => write!(text, "{hour:02}"),
        'k' => write!(text, "{hour}"),
        'h' | 'I' => write!(text, "{twelve:02}"),
        'l' => write!(text, "{twelve}"),
        'i' => write!(text, "{minute:02}"),
        's' | 'S' => write!(text, "{second:02}"),
        'f' => write!(text, "{micro:06}"),
        'p' => write!(text, "{half}"),
        'r' => write!(text, "{twelve:02}:{minute:02}:{second:02} {half}"),
        'T' => write!(text, "{hour:02}:{minute:02}:{second:02}"),
        'U' => write!(text, "{:02}", in_week(0).0),
        'u' => write!(text, "{:02}", in_week(1).0),
        'V' => write!(text, "{:02}", in_week(2).0),
        'v' => write!(text, "{:02}", in_week(3).0),
        'X' => write!(text, "{:04}", in_week(2).1),
        'x' => write!(text, "{:04}", in_week(3).1),
        other => write!(text, "{other}"),
    };
    written.ok()
}

fn ordinal(day: u32) -> &'static str {
    match (day % 10, day % 100) {
        (_, 11..=13) => "th",
        (1, _) => "st",
        (2, _) => "nd",
        (3, _) => "rd",
        _ => "th",
    }
}

/// What `STR_TO_DATE` has read so far.
#[derive(Default)]
struct Fields {
    parts: Parts,
    day_of_year: Option<u32>,
    afternoon: Option<bool>,
    has_date: bool,
    has_time: bool,
}

/// `STR_TO_DATE(text, format)`: a time, or a TIME when the format has no date. `None` when the text is not like that.
pub fn str_to_date(text: &str, format: &str, mode: SqlMode) -> Option<Result<Time, Duration>> {
    let mut fields = Fields::default();
    let mut rest = text;
    let mut letters = format.chars().peekable();
    while let Some(letter) = letters.next() {
        if letter.is_whitespace() {
            rest = rest.trim_start();
            continue;
        }
        if rest.is_empty() {
            break;
        }
        if letter != '%' {
            rest = rest.strip_prefix(letter)?;
            continue;
        }
        let field = letters.next()?;
        if field != '%' && !rest.starts_with(char::is_whitespace) {
            rest = read_field(&mut fields, rest, field)?;
        } else {
            rest = read_field(&mut fields, rest.trim_start(), field)?;
        }
    }
    let parts = resolve(&fields)?;
    if !fields.has_date && fields.has_time {
        return Some(Err(Duration { micros: parts.micros_of_day(), fsp: 6 }));
    }
    if !parts.is_valid(mode) {
        return None;
    }
    let kind = if fields.has_time { TimeKind::DateTime } else { TimeKind::Date };
    Some(Ok(Time::from_parts(&parts, kind, 6)))
}

fn resolve(fields: &Fields) -> Option<Parts> {
    let mut parts = fields.parts;
    if let Some(afternoon) = fields.afternoon {
        if parts.hour == 0 || parts.hour > 12 {
            return None;
        }
        parts.hour = parts.hour % 12 + if afternoon { 12 } else { 0 };
    }
    if let Some(day) = fields.day_of_year {
        let date =
            Time::from_day_number(day_number(parts.year, 1, 1) + i64::from(day) - 1)?.parts();
        (parts.year, parts.month, parts.day) = (date.year, date.month, date.day);
    }
    (parts.hour < 24 && parts.minute < 60 && parts.second < 60).then_some(parts)
}

fn digits(text: &str, most: usize) -> Option<(u32, &str)> {
    let len = text.bytes().take(most).take_while(u8::is_ascii_digit).count();
    Some((text[..len].parse().ok()?, &text[len..]))
}

/// One of these names (or its first `len` letters) at the start: its position and what follows.
fn name<'a>(text: &'a str, names: &[&str], len: usize) -> Option<(u32, &'a str)> {
    names.iter().enumerate().find_map(|(position, name)| {
        let name = &name[..len.min(name.len())];
        let head = text.get(..name.len())?;
        head.eq_ignore_ascii_case(name).then(|| (position as u32, &text[name.len()..]))
    })
}

fn read_field<'a>(fields: &mut Fields, text: &'a str, letter: char) -> Option<&'a str> {
    let parts = &mut fields.parts;
    let date = "YymcMbdeDjWaw".contains(letter);
    fields.has_date |= date && !"Waw".contains(letter);
    fields.has_time |= "HkhIlisSfprT".contains(letter);
    let (value, rest) = match letter {
        'Y' => digits(text, 4)?,
        'y' | 'm' | 'c' | 'd' | 'e' | 'H' | 'k' | 'h' | 'I' | 'l' | 'i' | 's' | 'S' => {
            digits(text, 2)?
        }
        'j' => digits(text, 3)?,
        'w' => digits(text, 1)?,
        'D' => {
            let (day, rest) = digits(text, 2)?;
            (day, rest.get(2..)?)
        }
        'M' => name(text, &MONTH_NAMES, usize::MAX)?,
        'b' => name(text, &MONTH_NAMES, 3)?,
        'W' => name(text, &WEEKDAY_NAMES, usize::MAX)?,
        'a' => name(text, &WEEKDAY_NAMES, 3)?,
        'p' => name(text, &["AM", "PM"], 2)?,
        'f' => {
            let len = text.bytes().take(6).take_while(u8::is_ascii_digit).count();
            let value: u32 = text[..len].parse().ok()?;
            (value * 10_u32.pow(6 - len as u32), &text[len..])
        }
        'T' | 'r' => return read_clock(fields, text, letter == 'r'),
        '%' => return text.strip_prefix('%'),
        _ => return None,
    };
    match letter {
        'Y' if text.len() - rest.len() <= 2 => parts.year = full_year(value),
        'Y' => parts.year = value,
        'y' => parts.year = full_year(value),
        'm' | 'c' => parts.month = value,
        'M' | 'b' => parts.month = value + 1,
        'd' | 'e' | 'D' => parts.day = value,
        'j' => fields.day_of_year = Some(value),
        'H' | 'k' => parts.hour = value,
        'h' | 'I' | 'l' => {
            parts.hour = value;
            // Until a `%p` says otherwise, 12 is midnight.
            fields.afternoon.get_or_insert(false);
        }
        'i' => parts.minute = value,
        's' | 'S' => parts.second = value,
        'f' => parts.micro = value,
        'p' => fields.afternoon = Some(value == 1),
        _ => {}
    }
    Some(rest)
}

/// `hh:mm:ss`, with AM or PM when `halves`.
fn read_clock<'a>(fields: &mut Fields, text: &'a str, halves: bool) -> Option<&'a str> {
    let mut rest = text;
    let last = if halves { "hisp" } else { "His" };
    for (position, letter) in last.chars().enumerate() {
        if letter == 'p' {
            rest = rest.trim_start();
        } else if position > 0 {
            rest = rest.strip_prefix(':')?;
        }
        rest = read_field(fields, rest, letter)?;
    }
    Some(rest)
}
