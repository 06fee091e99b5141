//! Values of other rows.

use super::{CountArgument, Place, Reach, WindowDefinition, WindowValue};
use crate::common::SqlResult;
use crate::sql::functions::typing::Typing;
use crate::sql::types::FieldType;

const fn found(
    name: &'static str,
    row: fn(&Place, u64) -> Option<usize>,
    summary: &'static str,
) -> WindowDefinition {
    WindowDefinition {
        name,
        min: 1,
        max: 1,
        reach: Reach::Frame,
        count: None,
        result: of_value,
        value: WindowValue::In(row),
        summary,
    }
}

fn of_value(typing: &Typing<'_>) -> SqlResult<FieldType> {
    Ok(typing.of(0).clone().nullable())
}

/// By how many rows, one if it is not said.
const ROWS_AWAY: CountArgument = CountArgument { position: 1, default: 1, least: 0 };

pub(super) static LAG: WindowDefinition = WindowDefinition {
    max: 3,
    reach: Reach::Behind,
    count: Some(ROWS_AWAY),
    ..found(
        "lag",
        |place, away| place.row.checked_sub(usize::try_from(away).ok()?),
        "The value in the row that is so many before, one if it is not said; in none, the third argument.",
    )
};

pub(super) static LEAD: WindowDefinition = WindowDefinition {
    max: 3,
    reach: Reach::Ahead,
    count: Some(ROWS_AWAY),
    ..found(
        "lead",
        |place, away| {
            let row = place.row.checked_add(usize::try_from(away).ok()?)?;
            (row < place.rows).then_some(row)
        },
        "The value in the row that is so many behind, one if it is not said; in none, the third argument.",
    )
};

pub(super) static FIRST_VALUE: WindowDefinition = found(
    "first_value",
    |place, _| place.frame.clone().next(),
    "The value in the first row of the frame.",
);

pub(super) static LAST_VALUE: WindowDefinition = found(
    "last_value",
    |place, _| place.frame.clone().next_back(),
    "The value in the last row of the frame.",
);

pub(super) static NTH_VALUE: WindowDefinition = WindowDefinition {
    min: 2,
    max: 2,
    count: Some(CountArgument { position: 1, default: 1, least: 1 }),
    ..found(
        "nth_value",
        |place, number| place.frame.clone().nth(usize::try_from(number).ok()?.checked_sub(1)?),
        "The value in the frame's row of this number.",
    )
};
