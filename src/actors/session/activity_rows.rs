//! The rows that tell of statements: the summary by digest, and the log of slow ones.

use super::activity::{Activity, SlowStatement, Summary};
use crate::sql::types::{Datum, Duration, Time, TimeKind, TimeZone};

type Rows = Vec<Vec<Datum>>;

/// Digits of the second's fraction that moments have here.
const DIGITS: u8 = 6;

fn moment(micros: u64, zone: &TimeZone) -> Datum {
    let time = i64::try_from(micros)
        .ok()
        .and_then(|micros| Time::from_unix_micros(micros, zone, TimeKind::Timestamp, DIGITS));
    time.map_or(Datum::Null, Datum::Time)
}

fn count(value: u128) -> Datum {
    Datum::UInt(u64::try_from(value).unwrap_or(u64::MAX))
}

/// The rows of STATEMENTS_SUMMARY; times are in nanoseconds.
pub(super) fn summary(activity: &Activity, zone: &TimeZone) -> Rows {
    let row = |summary: &Summary| {
        let numbers = summary.numbers();
        let average = numbers.sum.as_nanos() / u128::from(numbers.count.max(1));
        vec![
            Datum::from(summary.database.as_deref()),
            Datum::from(summary.digest.as_deref()),
            Datum::from(summary.text.as_deref()),
            Datum::UInt(numbers.count),
            Datum::UInt(numbers.errors),
            Datum::UInt(numbers.warnings),
            count(numbers.sum.as_nanos()),
            count(numbers.min.as_nanos()),
            count(average),
            count(summary.quantile(950).as_nanos()),
            count(summary.quantile(990).as_nanos()),
            count(numbers.max.as_nanos()),
            Datum::UInt(numbers.sent),
            Datum::UInt(numbers.affected),
            Datum::UInt(numbers.examined),
            moment(summary.first_micros, zone),
            moment(numbers.last_micros, zone),
            Datum::from(summary.sample.as_deref()),
        ]
    };
    activity.statements.list().iter().map(|summary| row(summary)).collect()
}

/// The rows of `events_statements_summary_by_digest`; times are in picoseconds.
pub(super) fn events(activity: &Activity, zone: &TimeZone) -> Rows {
    let row = |summary: &Summary| {
        let numbers = summary.numbers();
        let picos = |time: std::time::Duration| count(time.as_nanos() * 1000);
        let average = numbers.sum.as_nanos() * 1000 / u128::from(numbers.count.max(1));
        vec![
            Datum::from(summary.database.as_deref()),
            Datum::from(summary.digest.as_deref()),
            Datum::from(summary.text.as_deref()),
            Datum::UInt(numbers.count),
            picos(numbers.sum),
            picos(numbers.min),
            count(average),
            picos(numbers.max),
            Datum::UInt(numbers.errors),
            Datum::UInt(numbers.warnings),
            Datum::UInt(numbers.affected),
            Datum::UInt(numbers.sent),
            Datum::UInt(numbers.examined),
            moment(summary.first_micros, zone),
            moment(numbers.last_micros, zone),
            picos(summary.quantile(950)),
            picos(summary.quantile(990)),
            picos(summary.quantile(999)),
            Datum::from(summary.sample.as_deref()),
        ]
    };
    activity.statements.list().iter().map(|summary| row(summary)).collect()
}

/// The rows of SLOW_QUERY.
pub(super) fn slow_queries(activity: &Activity, zone: &TimeZone) -> Rows {
    let row = |slow: &SlowStatement| {
        let outcome = &slow.outcome;
        vec![
            moment(slow.ended_micros, zone),
            Datum::from(slow.user.as_str()),
            Datum::from(slow.host.as_str()),
            Datum::UInt(slow.connection.into()),
            Datum::Float(outcome.elapsed.as_secs_f64()),
            Datum::from(slow.database.as_deref()),
            Datum::UInt(outcome.sent),
            Datum::UInt(outcome.examined),
            Datum::UInt(outcome.affected),
            Datum::Int(outcome.error.is_none().into()),
            outcome.error.map_or(Datum::Null, |code| Datum::Int(code.into())),
            Datum::from(String::from_utf8_lossy(&slow.text).into_owned()),
        ]
    };
    activity.slow.list().iter().map(row).collect()
}

/// The rows of `mysql.slow_log`.
pub(super) fn slow_log(activity: &Activity, zone: &TimeZone) -> Rows {
    let time = |micros: u128| {
        let micros = i64::try_from(micros).unwrap_or(i64::MAX);
        Datum::Duration(Duration { micros, fsp: DIGITS })
    };
    let row = |slow: &SlowStatement| {
        let outcome = &slow.outcome;
        let micros = outcome.elapsed.as_micros();
        let began = slow.ended_micros.saturating_sub(u64::try_from(micros).unwrap_or(0));
        let user_host = format!("{0}[{0}] @  [{1}]", slow.user, slow.host);
        vec![
            moment(began, zone),
            Datum::from(user_host),
            time(micros),
            time(0),
            Datum::UInt(outcome.sent),
            Datum::UInt(outcome.examined),
            Datum::from(slow.database.as_deref().unwrap_or_default()),
            Datum::Int(0),
            Datum::Int(0),
            Datum::UInt(1),
            Datum::from(slow.text.to_vec()),
            Datum::UInt(slow.connection.into()),
        ]
    };
    activity.slow.list().iter().map(row).collect()
}
