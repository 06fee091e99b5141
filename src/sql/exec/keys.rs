//! Values as bytes whose order is the values' order, and the small conversions that go with it.
//!
//! Two values are equal under their type's collation exactly if their keys are, so the same bytes serve index ranges, ORDER BY, GROUP BY and
//! DISTINCT.

use bytes::Bytes;

use crate::common::SqlResult;
use crate::sql::expr::EvalContext;
pub(crate) use crate::sql::table_codec::bounds::power_of_ten;
use crate::sql::types::{Class, Datum, FieldType, TimeZone, codec};
pub(crate) use crate::storage::codec::table::prefix_end;

/// The next key.
pub(crate) fn successor(key: &[u8]) -> Bytes {
    let mut next = Vec::with_capacity(key.len() + 1);
    next.extend_from_slice(key);
    next.push(0);
    next.into()
}

/// Appends the key of a value. NULL is lowest. `-0` and `0` are one value.
pub(crate) fn push_key(key: &mut Vec<u8>, value: &Datum, field_type: &FieldType) -> SqlResult<()> {
    // In UTC a moment is written as it stands; all that counts here is that equal ones are equal.
    codec::encode_key_value(value, field_type, &TimeZone::UTC, key)
}

/// Whether a value counts as true.
pub(crate) fn is_true(value: &Datum, ctx: &EvalContext) -> SqlResult<bool> {
    Ok(value.to_bool(ctx)?.unwrap_or(false))
}

/// Whether bytes compare like the values themselves, so that no key is needed to group or order by them.
pub(crate) fn compares_as_bytes(field_type: &FieldType) -> bool {
    match field_type.kind.class() {
        Class::String => field_type.collation.compares_bytes(),
        Class::Json => false,
        Class::Integer
        | Class::Float
        | Class::Decimal
        | Class::Calendar
        | Class::Duration
        | Class::Member
        | Class::Null => true,
    }
}
