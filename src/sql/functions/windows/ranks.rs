//! Numbers of rows in their partition.

use super::{CountArgument, Place, Reach, WindowDefinition, WindowValue};
use crate::common::SqlResult;
use crate::sql::functions::typing::Typing;
use crate::sql::types::{Datum, FieldType};

const fn numbered(
    name: &'static str,
    result: fn(&Typing<'_>) -> SqlResult<FieldType>,
    value: fn(&Place, u64) -> Datum,
    summary: &'static str,
) -> WindowDefinition {
    WindowDefinition {
        name,
        min: 0,
        max: 0,
        reach: Reach::Row,
        count: None,
        result,
        value: WindowValue::Of(value),
        summary,
    }
}

fn number(_: &Typing<'_>) -> SqlResult<FieldType> {
    Ok(FieldType { length: Some(21), ..FieldType::bigint_unsigned().not_null() })
}

/// A part of the partition.
const fn of_all(
    name: &'static str,
    value: fn(&Place, u64) -> Datum,
    summary: &'static str,
) -> WindowDefinition {
    WindowDefinition {
        reach: Reach::Partition,
        ..numbered(name, |_| Ok(FieldType::double().not_null()), value, summary)
    }
}

pub(super) static ROW_NUMBER: WindowDefinition = numbered(
    "row_number",
    number,
    |place, _| Datum::UInt(place.row as u64 + 1),
    "The number of the row in its partition, from 1.",
);

pub(super) static RANK: WindowDefinition = numbered(
    "rank",
    number,
    |place, _| Datum::UInt(place.peers.start as u64 + 1),
    "The number of the first of the row's peers.",
);

pub(super) static DENSE_RANK: WindowDefinition = numbered(
    "dense_rank",
    number,
    |place, _| Datum::UInt(place.group as u64 + 1),
    "The number of the row's group of peers, from 1.",
);

pub(super) static PERCENT_RANK: WindowDefinition = of_all(
    "percent_rank",
    |place, _| match place.rows {
        1 => Datum::Float(0.0),
        rows => Datum::Float(place.peers.start as f64 / (rows - 1) as f64),
    },
    "The part of the partition's other rows that are before the row and its peers.",
);

pub(super) static CUME_DIST: WindowDefinition = of_all(
    "cume_dist",
    |place, _| Datum::Float(place.peers.end as f64 / place.rows as f64),
    "The part of the partition's rows that are not behind the row and its peers.",
);

pub(super) static NTILE: WindowDefinition = WindowDefinition {
    min: 1,
    max: 1,
    count: Some(CountArgument { position: 0, default: 1, least: 1 }),
    reach: Reach::Partition,
    ..numbered(
        "ntile",
        |_| Ok(FieldType { length: Some(21), ..FieldType::bigint_unsigned() }),
        |place, buckets| {
            // The first buckets have one row more, if the rows do not divide evenly.
            let (row, rows) = (place.row as u64, place.rows as u64);
            let (size, larger) = (rows / buckets, rows % buckets);
            let in_larger = larger * (size + 1);
            let bucket = match row < in_larger {
                true => row / (size + 1),
                false => larger + (row - in_larger) / size.max(1),
            };
            Datum::UInt(bucket + 1)
        },
        "The number of the row's bucket, if the partition is dealt out to so many.",
    )
};
