//! Numbers and names taken from times.

use super::call::{Call, not_null};
use super::definition::{Definition, Eval, Names, Numbers};
use super::typing::{bigint, date, name};
use crate::common::SqlResult;
use crate::sql::types::time::{self, Parts};
use crate::sql::types::{Datum, FieldType, Time};

/// A number taken from one time.
const fn part(names: Names, eval: Eval, summary: &'static str) -> Definition {
    Definition::function(names, (1, 1), bigint, eval, summary).light()
}

pub(super) static EXTRACT: Definition = Definition::function(
    &["extract"],
    (2, 2),
    bigint,
    extract,
    "The units (`DAY`, `HOUR_MINUTE`) of a time as a number.",
)
.form()
.light();
pub(super) static TIMESTAMP_DIFF: Definition = Definition::function(
    &["timestampdiff"],
    (3, 3),
    bigint,
    |call| {
        let unit = call.unit(0)?;
        let from = not_null!(call.time(1));
        let to = not_null!(call.time(2));
        Ok(Datum::from(from.units_until(&to, unit)))
    },
    "How many whole units (`DAY`) are from one time to another.",
)
.form()
.light();

pub(super) static FUNCTIONS: &[Definition] = &[
    part(&["year"], |call| of_parts(call, |parts| parts.year), "The year."),
    part(&["quarter"], |call| of_parts(call, |parts| parts.month.div_ceil(3)), "The quarter."),
    part(&["month"], |call| of_parts(call, |parts| parts.month), "The month."),
    part(&["day", "dayofmonth"], |call| of_parts(call, |parts| parts.day), "The day of the month."),
    part(&["hour"], |call| of_clock(call, |(hour, ..)| hour), "The hour."),
    part(&["minute"], |call| of_clock(call, |(_, minute, ..)| minute), "The minute."),
    part(&["second"], |call| of_clock(call, |(_, _, second, _)| second), "The second."),
    part(&["microsecond"], |call| of_clock(call, |(.., micro)| micro), "The microsecond."),
    part(
        &["time_to_sec"],
        |call| Ok(Datum::Int(not_null!(call.duration(0)).micros / time::MICROS_PER_SECOND)),
        "The time of day in seconds.",
    ),
    part(
        &["dayofweek"],
        |call| of_day(call, Time::day_of_week),
        "The day of the week, from 1 for Sunday.",
    ),
    part(
        &["weekday"],
        |call| of_day(call, Time::weekday),
        "The day of the week, from 0 for Monday.",
    ),
    part(&["dayofyear"], |call| of_day(call, Time::day_of_year), "The day of the year."),
    part(
        &["weekofyear"],
        |call| of_week(call, |_| Ok(3), |(week, _)| week),
        "The week of the year, from Monday, the first with four days.",
    ),
    Definition::function(
        &["week"],
        (1, 2),
        bigint,
        |call| of_week(call, week_mode, |(week, _)| week),
        "The week of the year, by one of eight ways to count.",
    )
    .light()
    .numbers(Numbers::At(&[1])),
    Definition::function(
        &["yearweek"],
        (1, 2),
        bigint,
        |call| of_week(call, |call| Ok(week_mode(call)? | 2), |(week, year)| year * 100 + week),
        "The year and the week, by one of eight ways to count.",
    )
    .light()
    .numbers(Numbers::At(&[1])),
    part(
        &["to_days"],
        |call| Ok(Datum::from(not_null!(call.time(0)).day_number())),
        "The day's number, from year 0 on.",
    ),
    part(
        &["to_seconds"],
        |call| {
            let moment = not_null!(call.time(0));
            let seconds = moment.micros() / time::MICROS_PER_SECOND;
            Ok(Datum::from(moment.day_number().map(|_| seconds)))
        },
        "The second's number, from year 0 on.",
    ),
    Definition::function(
        &["last_day"],
        (1, 1),
        date,
        |call| {
            let date = not_null!(call.time(0));
            let Parts { year, month, .. } = date.parts();
            let last = || Time::date(year, month, time::days_in_month(year, month));
            Ok(Datum::from_time(date.day_number().map(|_| last())))
        },
        "The last day of the month.",
    )
    .light(),
    Definition::function(
        &["dayname"],
        (1, 1),
        name,
        |call| {
            let date = not_null!(call.time(0));
            let day = date.day_number().and_then(|_| date.weekday());
            Ok(Datum::from(day.map(|day| time::WEEKDAY_NAMES[day as usize])))
        },
        "The name of the day of the week.",
    )
    .light(),
    Definition::function(
        &["monthname"],
        (1, 1),
        name,
        |call| {
            let month = not_null!(call.lenient_time(0)).parts().month as usize;
            let name = month.checked_sub(1).and_then(|month| time::MONTH_NAMES.get(month).copied());
            Ok(Datum::from(name))
        },
        "The name of the month.",
    )
    .light(),
    Definition::function(
        &["datediff"],
        (2, 2),
        bigint,
        |call| {
            let left = not_null!(call.time(0)).day_number();
            let right = not_null!(call.time(1)).day_number();
            Ok(Datum::from(left.zip(right).map(|(left, right)| left - right)))
        },
        "How many days are from the second date to the first.",
    )
    .light(),
    Definition::function(
        &["period_add"],
        (2, 2),
        bigint,
        |call| {
            let months = months_of(not_null!(call.int(0)));
            Ok(Datum::Int(period_of(months.saturating_add(not_null!(call.int(1))))))
        },
        "A period `YYYYMM` and so many months.",
    )
    .light()
    .numbers(Numbers::All),
    Definition::function(
        &["period_diff"],
        (2, 2),
        bigint,
        |call| {
            let months = months_of(not_null!(call.int(0)));
            Ok(Datum::Int(months - months_of(not_null!(call.int(1)))))
        },
        "How many months are between two periods `YYYYMM`.",
    )
    .light()
    .numbers(Numbers::All),
    Definition::function(
        &["get_format"],
        (2, 2),
        |_| Ok(FieldType::varchar(17)),
        |call| {
            let (kind, region) = (call.keyword(0)?, not_null!(call.text(1)));
            Ok(Datum::from(format_of(&kind, &region.to_uppercase())))
        },
        "The format in which times of a kind (DATE, TIME, DATETIME, TIMESTAMP) are written somewhere.",
    )
    .pure(),
];

fn of_parts(call: &Call<'_>, part: fn(&Parts) -> u32) -> SqlResult<Datum> {
    Ok(Datum::Int(i64::from(part(&not_null!(call.lenient_time(0)).parts()))))
}

fn of_clock(call: &Call<'_>, part: fn((u32, u32, u32, u32)) -> u32) -> SqlResult<Datum> {
    Ok(Datum::Int(i64::from(part(not_null!(call.duration(0)).parts()))))
}

/// NULL of a date that is in no calendar.
fn of_day(call: &Call<'_>, part: fn(&Time) -> Option<u32>) -> SqlResult<Datum> {
    let date = not_null!(call.time(0));
    Ok(Datum::from(date.day_number().and_then(|_| part(&date)).map(i64::from)))
}

/// A week and its year.
fn of_week(
    call: &Call<'_>,
    mode: fn(&Call<'_>) -> SqlResult<u32>,
    part: fn((u32, u32)) -> u32,
) -> SqlResult<Datum> {
    let date = not_null!(call.time(0));
    if date.day_number().is_none() {
        return Ok(Datum::Null);
    }
    let Parts { year, month, day, .. } = date.parts();
    Ok(Datum::Int(i64::from(part(time::week(year, month, day, mode(call)?)))))
}

fn week_mode(call: &Call<'_>) -> SqlResult<u32> {
    let mode = if call.args.len() > 1 { call.int(1)?.unwrap_or(0) } else { 0 };
    Ok((mode & 7) as u32)
}

fn extract(call: &Call<'_>) -> SqlResult<Datum> {
    let unit = call.unit(0)?;
    let value = call.value(1)?;
    Ok(match &value {
        Datum::Null => Datum::Null,
        Datum::Duration(duration) => Datum::Int(duration.extract(unit)),
        Datum::Time(time) => Datum::Int(time.extract(unit)),
        // A text without a date can only be a TIME.
        Datum::Bytes(text) if unit.has_time() && !text.contains(&b'-') && text.contains(&b':') => {
            Datum::Int(not_null!(call.duration(1)).extract(unit))
        }
        Datum::Bytes(_)
        | Datum::Member(_)
        | Datum::Json(_)
        | Datum::Int(_)
        | Datum::UInt(_)
        | Datum::Float(_)
        | Datum::Decimal(_) => Datum::Int(not_null!(call.lenient_time(1)).extract(unit)),
    })
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

/// The format of a kind of times in a region; `None` if nobody knows the region.
fn format_of(kind: &str, region: &str) -> Option<&'static str> {
    Some(match (kind, region) {
        ("DATE", "USA") => "%m.%d.%Y",
        ("DATE", "JIS" | "ISO") => "%Y-%m-%d",
        ("DATE", "EUR") => "%d.%m.%Y",
        ("DATE", "INTERNAL") => "%Y%m%d",
        ("TIME", "USA") => "%h:%i:%s %p",
        ("TIME", "JIS" | "ISO") => "%H:%i:%s",
        ("TIME", "EUR") => "%H.%i.%s",
        ("TIME", "INTERNAL") => "%H%i%s",
        ("DATETIME" | "TIMESTAMP", "USA" | "EUR") => "%Y-%m-%d %H.%i.%s",
        ("DATETIME" | "TIMESTAMP", "JIS" | "ISO") => "%Y-%m-%d %H:%i:%s",
        ("DATETIME" | "TIMESTAMP", "INTERNAL") => "%Y%m%d%H%i%s",
        _ => return None,
    })
}
