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
        let nothing = Ok(Datum::Float(0.0));
        let value = call.value(0)?;
        let handle = if let Datum::Int(handle) = value {
            handle
        } else if let Datum::UInt(handle) = value {
            // As rows with unsigned keys are ordered.
            (handle ^ (1 << 63)).cast_signed()
        } else {
            return nothing;
        };
        let Datum::Bytes(bytes) = call.value(1)? else { return nothing };
        let ranks = Ranks::from_bytes(bytes);
        Ok(Datum::Float(f64::from(ranks.of_row(handle))))
    },
    "What a row is worth to a search for words.",
)
.form()
.volatility(Volatility::Pure)
.nulls(Nulls::Never);
