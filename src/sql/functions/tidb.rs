//! Functions of TiDB's own.

use super::call::not_null;
use super::definition::{Definition, Eval, Names, Numbers, TypeRule};
use super::typing::bigint;
use crate::sql::types::{Datum, FieldType, Time, TimeKind};

/// Of a timestamp of a transaction: milliseconds above 18 bits that count within one.
const fn of_timestamp(
    names: Names,
    result: TypeRule,
    eval: Eval,
    summary: &'static str,
) -> Definition {
    Definition::function(names, (1, 1), result, eval, summary).light().numbers(Numbers::All)
}

pub(super) static FUNCTIONS: &[Definition] = &[
    of_timestamp(
        &["tidb_parse_tso"],
        |_| Ok(FieldType::datetime(6)),
        |call| {
            let timestamp = not_null!(call.int(0));
            let micros = (timestamp > 0).then(|| (timestamp >> 18).checked_mul(1000)).flatten();
            let zone = &call.ctx.time_zone;
            let time = |unix| Time::from_unix_micros(unix, zone, TimeKind::DateTime, 6);
            Ok(Datum::from_time(micros.and_then(time)))
        },
        "The time of a timestamp of a transaction.",
    ),
    of_timestamp(
        &["tidb_parse_tso_logical"],
        bigint,
        |call| {
            let timestamp = not_null!(call.int(0));
            Ok(if timestamp > 0 { Datum::Int(timestamp & ((1 << 18) - 1)) } else { Datum::Null })
        },
        "The number of a timestamp of a transaction among those of its millisecond.",
    )
    .pure(),
];
