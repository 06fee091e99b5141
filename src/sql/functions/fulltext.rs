//! MATCH … AGAINST, when its search has been run.

use super::definition::{Definition, Nulls, Volatility};
use super::typing::double;
use crate::sql::fulltext::Ranks;
use crate::sql::types::Datum;

/// What a row is worth to a search: the row's handle, and the ranks that the search found. A row that is not there is worth nothing.
pub(super) static MATCH: Definition = Definition::function(
    &["match against"],
    (2, 2),
    double,
    |call| {
        let handle = match call.value(0)? {
            Datum::Int(handle) => handle,
            // As rows with unsigned keys are ordered.
            Datum::UInt(handle) => (handle ^ (1 << 63)).cast_signed(),
            _ => return Ok(Datum::Float(0.0)),
        };
        let ranks = match call.value(1)? {
            Datum::Bytes(bytes) => Ranks::from_bytes(bytes),
            _ => return Ok(Datum::Float(0.0)),
        };
        Ok(Datum::Float(f64::from(ranks.of_row(handle))))
    },
    "What a row is worth to a search for words.",
)
.form()
.volatility(Volatility::Pure)
.nulls(Nulls::Never);
