//! Making times and changing them.

use super::call::{Call, not_null};
use super::date_types::{
    Places, add_time_type, clock_type, date_add_type, moment_type, shows_clock, str_to_date_type,
};
use super::definition::{Definition, Eval, Names, Nulls, Numbers, TypeRule, Volatility};
use super::typing::{bigint, date, fraction_digits, time_like_first};
use crate::common::{SqlResult, errno};
use crate::sql::types::time::{self, MICROS_PER_SECOND};
use crate::sql::types::{
    Datum, Decimal, Duration, FieldType, Interval, IntervalUnit, Member, SqlMode, Time, TimeKind,
    TimeZone, TypeKind,
};

const fn of_time(
    names: Names,
    arity: (usize, usize),
    result: TypeRule,
    eval: Eval,
    summary: &'static str,
) -> Definition {
    Definition::function(names, arity, result, eval, summary).light()
}

const DATE_FIRST: Places = Places { date: 0, amount: 1, unit: 2 };
const UNIT_FIRST: Places = Places { date: 2, amount: 1, unit: 0 };

pub(super) static DATE_ADD: Definition = of_time(
    &["date_add"],
    (3, 3),
    |typing| date_add_type(typing, DATE_FIRST),
    |call| add_interval(call, DATE_FIRST, false),
    "The date and an interval; also `date + INTERVAL n unit`, ADDDATE.",
)
.form()
.numbers(Numbers::At(&[1]));
pub(super) static DATE_SUB: Definition = of_time(
    &["date_sub"],
    (3, 3),
    |typing| date_add_type(typing, DATE_FIRST),
    |call| add_interval(call, DATE_FIRST, true),
    "The date less an interval; also `date - INTERVAL n unit`, SUBDATE.",
)
.form()
.numbers(Numbers::At(&[1]));
pub(super) static TIMESTAMP_ADD: Definition = of_time(
    &["timestampadd"],
    (3, 3),
    |typing| date_add_type(typing, UNIT_FIRST),
    |call| add_interval(call, UNIT_FIRST, false),
    "The time and so many units (`DAY`).",
)
.form()
.numbers(Numbers::At(&[1]));
pub(super) static NOW: Definition = of_time(
    &["now", "current_timestamp", "localtime", "localtimestamp"],
    (0, 1),
    moment_type,
    |call| Ok(Datum::Time(call.ctx.now(call.field_type.fsp()))),
    "The statement's moment, in the session's time zone.",
)
.nulls(Nulls::Never);

pub(super) static FUNCTIONS: &[Definition] = &[
    of_time(
        &["sysdate"],
        (0, 1),
        moment_type,
        sysdate,
        "The moment, also if the statement has run for long.",
    )
    .nulls(Nulls::Never)
    .volatility(Volatility::Row),
    of_time(
        &["curdate", "current_date"],
        (0, 0),
        date,
        |call| Ok(Datum::Time(call.ctx.now(0).with_kind(TimeKind::Date))),
        "The statement's day.",
    )
    .nulls(Nulls::OfArguments),
    of_time(
        &["curtime", "current_time"],
        (0, 1),
        clock_type,
        |call| Ok(Datum::Duration(call.ctx.now(call.field_type.fsp()).time_of_day())),
        "The statement's time of day.",
    )
    .nulls(Nulls::Never),
    of_time(
        &["utc_timestamp"],
        (0, 1),
        moment_type,
        |call| Ok(Datum::from_time(utc(call))),
        "The statement's moment in UTC.",
    )
    .nulls(Nulls::Never),
    of_time(
        &["utc_date"],
        (0, 0),
        date,
        |call| Ok(Datum::from_time(utc(call).map(|now| now.with_kind(TimeKind::Date)))),
        "The statement's day in UTC.",
    )
    .nulls(Nulls::OfArguments),
    of_time(
        &["utc_time"],
        (0, 1),
        clock_type,
        |call| Ok(Datum::from_duration(utc(call).map(|now| now.time_of_day()))),
        "The statement's time of day in UTC.",
    )
    .nulls(Nulls::Never),
    of_time(
        &["date"],
        (1, 1),
        date,
        |call| Ok(Datum::Time(not_null!(call.lenient_time(0)).with_kind(TimeKind::Date))),
        "The day of a time.",
    ),
    of_time(
        &["time"],
        (1, 1),
        time_like_first,
        |call| Ok(Datum::from_duration(call.duration(0)?)),
        "The time of day of a time.",
    ),
    of_time(
        &["timestamp"],
        (1, 2),
        |typing| {
            let fsp = typing.args.iter().map(fraction_digits).max();
            Ok(FieldType::datetime(fsp.unwrap_or(0)))
        },
        timestamp,
        "The date and the time of day, and another time of day more.",
    ),
    of_time(
        &["timediff"],
        (2, 2),
        |typing| Ok(FieldType::time(typing.fraction(&[0, 1]))),
        time_diff,
        "The first time less the second.",
    ),
    of_time(
        &["addtime"],
        (2, 2),
        add_time_type,
        |call| add_time(call, false),
        "The time and a time of day.",
    ),
    of_time(
        &["subtime"],
        (2, 2),
        add_time_type,
        |call| add_time(call, true),
        "The time less a time of day.",
    ),
    Definition::function(
        &["date_format"],
        (2, 2),
        |_| Ok(FieldType::varchar(1024)),
        |call| {
            let format = not_null!(call.text(1));
            if !fits_formatted(call, &format)? {
                return Ok(Datum::Null);
            }
            let time = not_null!(call.lenient_time(0));
            Ok(Datum::from(time::date_format(&time, &format)))
        },
        "The date as a text in this format.",
    ),
    Definition::function(
        &["time_format"],
        (2, 2),
        |_| Ok(FieldType::varchar(1024)),
        |call| {
            let format = not_null!(call.text(1));
            if !fits_formatted(call, &format)? {
                return Ok(Datum::Null);
            }
            let clock = not_null!(call.duration(0));
            Ok(Datum::from(time::time_format(&clock, &format)))
        },
        "The time of day as a text in this format.",
    ),
    Definition::function(
        &["str_to_date"],
        (2, 2),
        str_to_date_type,
        str_to_date,
        "The date that a text in this format stands for.",
    ),
    of_time(
        &["from_unixtime"],
        (1, 2),
        |typing| {
            Ok(match typing.args {
                [seconds] => FieldType::datetime(fraction_digits(seconds)),
                _ => FieldType::varchar(1024),
            })
        },
        unixtime_to_date,
        "The time so many seconds after the beginning of 1970 in UTC.",
    )
    .numbers(Numbers::At(&[0])),
    of_time(
        &["unix_timestamp"],
        (0, 1),
        |typing| {
            let fsp = typing.args.first().map_or(0, fraction_digits);
            if fsp == 0 { bigint(typing) } else { Ok(FieldType::decimal(11 + u32::from(fsp), fsp)) }
        },
        unix_timestamp,
        "How many seconds a time is after the beginning of 1970 in UTC.",
    ),
    of_time(
        &["convert_tz"],
        (3, 3),
        |typing| Ok(FieldType::datetime(typing.fraction(&[0]))),
        convert_tz,
        "A time of one time zone, in another.",
    ),
    of_time(&["makedate"], (2, 2), date, make_date, "The n-th day of a year.")
        .numbers(Numbers::All),
    of_time(
        &["maketime"],
        (3, 3),
        |typing| Ok(FieldType::time(typing.fraction(&[2]))),
        make_time,
        "The time of day of hour, minute and second.",
    )
    .numbers(Numbers::All),
    of_time(
        &["sec_to_time"],
        (1, 1),
        time_like_first,
        |call| {
            let micros = not_null!(call.decimal(0)).round(6).with_scale(6);
            let micros = micros.and_then(|micros| micros.to_whole_i64()).unwrap_or(i64::MAX / 2);
            Ok(Datum::Duration(Duration { micros, fsp: call.field_type.fsp() }.clip().0))
        },
        "The time of day after so many seconds.",
    )
    .numbers(Numbers::All),
    of_time(
        &["from_days"],
        (1, 1),
        date,
        |call| {
            let days = not_null!(call.int(0));
            let date = if days < 366 { None } else { Time::from_day_number(days) };
            Ok(Datum::Time(date.unwrap_or_else(|| Time::zero(TimeKind::Date, 0))))
        },
        "The day with this number, from year 0 on.",
    )
    .numbers(Numbers::All),
];

/// The only one that does not stand still while the statement runs.
fn sysdate(call: &Call<'_>) -> SqlResult<Datum> {
    let now = (call.ctx.clock)().unwrap_or(call.ctx.now_unix_micros);
    Ok(Datum::from_time(moment(call, now, &call.ctx.time_zone)))
}

/// The statement's moment in UTC.
fn utc(call: &Call<'_>) -> Option<Time> {
    moment(call, call.ctx.now_unix_micros, &TimeZone::UTC)
}

fn moment(call: &Call<'_>, unix_micros: i64, zone: &TimeZone) -> Option<Time> {
    Time::from_unix_micros(unix_micros, zone, TimeKind::DateTime, 6)?
        .round_to(call.field_type.fsp(), SqlMode::TIME_TRUNCATE_FRACTIONAL)
}

/// A date and an interval: where its arguments are.
fn add_interval(call: &Call<'_>, at: Places, subtract: bool) -> SqlResult<Datum> {
    let unit = call.unit(at.unit)?;
    let interval = not_null!(interval(call, unit, at.amount));
    let interval = if subtract { interval.and_then(Interval::checked_neg) } else { interval };
    let value = call.value(at.date)?;
    let (Some(interval), false) = (interval, value.is_null()) else {
        return Ok(Datum::Null);
    };
    if let Datum::Duration(duration) = value {
        if interval.months != 0 {
            // A TIME has no months.
            return overflow(call);
        }
        let micros = duration.micros.checked_add(interval.micros);
        let sum = micros.map(|micros| Duration { micros, fsp: call.field_type.fsp() });
        return Ok(Datum::from_duration(sum.map(|sum| sum.clip().0)));
    }
    let time = not_null!(value.to_time(TimeKind::DateTime, 6, call.ctx));
    let has_clock = unit.has_time() || shows_clock(&value);
    let Some(sum) = time.checked_add(interval) else {
        return overflow(call);
    };
    if call.field_type.kind.is_calendar() {
        return Ok(Datum::Time(Time { fsp: call.field_type.fsp(), ..sum }));
    }
    let fsp = if sum.parts().micro > 0 { 6 } else { 0 };
    let kind = if has_clock { TimeKind::DateTime } else { TimeKind::Date };
    Ok(Datum::from(Time { fsp, ..sum }.with_kind(kind).to_string()))
}

fn interval(
    call: &Call<'_>,
    unit: IntervalUnit,
    position: usize,
) -> SqlResult<Option<Option<Interval>>> {
    if unit.is_composite() {
        let Some(text) = call.text(position)? else {
            return Ok(None);
        };
        return Ok(Some(Interval::of_text(&text, unit)));
    }
    let Some(number) = call.decimal(position)? else {
        return Ok(None);
    };
    Ok(Some(Interval::of_number(&number, unit)))
}

/// NULL: a date beyond what there is.
fn overflow(call: &Call<'_>) -> SqlResult<Datum> {
    call.ctx.warn_or_fail(
        errno::DATETIME_FUNCTION_OVERFLOW,
        "Datetime function: datetime field overflow",
    )?;
    Ok(Datum::Null)
}

/// ADDTIME and SUBTIME.
fn add_time(call: &Call<'_>, subtract: bool) -> SqlResult<Datum> {
    let value = call.value(0)?;
    let mut span = not_null!(call.duration(1));
    if subtract {
        span.micros = -span.micros;
    }
    let fsp = call.field_type.fsp();
    let is_time = match &value {
        Datum::Null => return Ok(Datum::Null),
        Datum::Time(_) => false,
        Datum::Bytes(text) | Datum::Member(Member { text, .. }) => {
            !text.contains(&b'-') || text.starts_with(b"-")
        }
        Datum::Int(_)
        | Datum::UInt(_)
        | Datum::Float(_)
        | Datum::Decimal(_)
        | Datum::Duration(_) => true,
        Datum::Json(json) => !matches!(json.to_datum(), Some(Datum::Time(_))),
    };
    let string = call.field_type.kind.is_string();
    if is_time {
        let base = not_null!(value.to_duration(6, call.ctx));
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
    let base = not_null!(value.to_time(TimeKind::DateTime, 6, call.ctx));
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

fn time_diff(call: &Call<'_>) -> SqlResult<Datum> {
    let (left, right) = (call.value(0)?, call.value(1)?);
    let dated = |value: &Datum| match value {
        Datum::Time(_) => true,
        Datum::Bytes(text) | Datum::Member(Member { text, .. }) => {
            text.iter().skip(1).any(|byte| *byte == b'-')
        }
        Datum::Null
        | Datum::Int(_)
        | Datum::UInt(_)
        | Datum::Float(_)
        | Datum::Decimal(_)
        | Datum::Duration(_) => false,
        Datum::Json(json) => matches!(json.to_datum(), Some(Datum::Time(_))),
    };
    let micros = match (dated(&left), dated(&right)) {
        (true, true) => {
            let left = not_null!(left.to_time(TimeKind::DateTime, 6, call.ctx));
            left.micros() - not_null!(right.to_time(TimeKind::DateTime, 6, call.ctx)).micros()
        }
        (false, false) => {
            let left = not_null!(left.to_duration(6, call.ctx));
            left.micros - not_null!(right.to_duration(6, call.ctx)).micros
        }
        _ => return Ok(Datum::Null),
    };
    Ok(Datum::Duration(Duration { micros, fsp: call.field_type.fsp() }.clip().0))
}

/// Whether a time in this format may be as long as it can get: two letters become eleven at most.
fn fits_formatted(call: &Call<'_>, format: &str) -> SqlResult<bool> {
    if format.len() <= call.ctx.max_allowed_packet / 6 {
        return Ok(true);
    }
    let fields = format.bytes().filter(|byte| *byte == b'%').count();
    call.limited(format.len() + fields * 9)
}

fn str_to_date(call: &Call<'_>) -> SqlResult<Datum> {
    let text = not_null!(call.text(0));
    let format = not_null!(call.text(1));
    Ok(match time::str_to_date(&text, &format, call.ctx.sql_mode) {
        Some(Ok(time)) => Datum::Time(Time { fsp: call.field_type.fsp(), ..time }),
        Some(Err(duration)) => Datum::Duration(duration),
        None => {
            call.ctx.warn_or_fail(
                errno::WRONG_VALUE_FOR_TYPE,
                format!("Incorrect datetime value: '{text}' for function str_to_date"),
            )?;
            Datum::Null
        }
    })
}

fn unixtime_to_date(call: &Call<'_>) -> SqlResult<Datum> {
    let seconds: Decimal = not_null!(call.decimal(0));
    let micros = seconds.round(6).with_scale(6).and_then(|micros| micros.to_whole_i64());
    // Up to 3001-01-18 23:59:59 UTC, as MySQL on 64 bits.
    let limit = 32_536_771_199_i64 * MICROS_PER_SECOND + MICROS_PER_SECOND;
    let Some(micros) = micros.filter(|micros| (0..limit).contains(micros)) else {
        return Ok(Datum::Null);
    };
    let fsp = if call.args.len() == 1 { call.field_type.fsp() } else { 6 };
    let time = Time::from_unix_micros(micros, &call.ctx.time_zone, TimeKind::DateTime, fsp);
    if call.args.len() == 1 {
        return Ok(Datum::from_time(time));
    }
    let format = not_null!(call.text(1));
    if !fits_formatted(call, &format)? {
        return Ok(Datum::Null);
    }
    Ok(Datum::from(time.and_then(|time| time::date_format(&time, &format))))
}

fn unix_timestamp(call: &Call<'_>) -> SqlResult<Datum> {
    if call.args.is_empty() {
        return Ok(Datum::Int(call.ctx.now_unix_micros.div_euclid(MICROS_PER_SECOND)));
    }
    let time = not_null!(call.time(0));
    let unix = time.unix_micros(&call.ctx.time_zone);
    let unix = unix.map_or(0, |moment| moment.unwrap_or_else(|jump| jump)).max(0);
    let exact = Decimal::new(i128::from(unix), 6);
    let is_decimal = call.field_type.kind == TypeKind::Decimal;
    let scale = if is_decimal { call.field_type.precision_scale().1 } else { 0 };
    Ok(Datum::Decimal(exact.truncate(i32::from(scale))))
}

fn convert_tz(call: &Call<'_>) -> SqlResult<Datum> {
    let time = not_null!(call.time(0));
    let from = not_null!(call.text(1));
    let to = not_null!(call.text(2));
    let (Ok(from), Ok(to)) = (TimeZone::parse(&from), TimeZone::parse(&to)) else {
        return Ok(Datum::Null);
    };
    let unix = time.unix_micros(&from).map(|moment| moment.unwrap_or_else(|jump| jump));
    let fsp = call.field_type.fsp();
    let moved = unix.and_then(|unix| Time::from_unix_micros(unix, &to, TimeKind::DateTime, fsp));
    Ok(Datum::from_time(moved))
}

fn make_date(call: &Call<'_>) -> SqlResult<Datum> {
    let year = not_null!(call.int(0));
    let day = not_null!(call.int(1));
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

fn make_time(call: &Call<'_>) -> SqlResult<Datum> {
    let hour = not_null!(call.int(0));
    let minute = not_null!(call.int(1));
    let second = not_null!(call.decimal(2));
    let micros = second.round(6).with_scale(6).and_then(|micros| micros.to_whole_i64());
    let Some(micros) = micros.filter(|micros| (0..60 * MICROS_PER_SECOND).contains(micros)) else {
        return Ok(Datum::Null);
    };
    if !(0..60).contains(&minute) {
        return Ok(Datum::Null);
    }
    let size = hour.unsigned_abs().min(1000) as i64 * 3600 + minute * 60;
    let size = size * MICROS_PER_SECOND + micros;
    let micros = if hour < 0 { -size } else { size };
    Ok(Datum::Duration(Duration { micros, fsp: call.field_type.fsp() }.clip().0))
}

/// TIMESTAMP(value [, time]).
fn timestamp(call: &Call<'_>) -> SqlResult<Datum> {
    let fsp = call.field_type.fsp();
    let base = not_null!(call.time(0));
    let base = Time { fsp, ..base }.with_kind(TimeKind::DateTime);
    if call.args.len() == 1 {
        return Ok(Datum::Time(base));
    }
    let span = not_null!(call.duration(1));
    Ok(Datum::from_time(base.checked_add(Interval { months: 0, micros: span.micros })))
}
