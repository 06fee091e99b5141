//! One value.

use bytes::Bytes;

use super::{Decimal, Duration, Time};

/// A value of a MySQL type. Which type exactly (width, collation, scale) stands in a `FieldType` beside it.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Datum {
    /// SQL's NULL.
    #[default]
    Null,
    /// A signed integer.
    Int(i64),
    /// An unsigned integer.
    UInt(u64),
    /// FLOAT and DOUBLE.
    Float(f64),
    /// DECIMAL.
    Decimal(Decimal),
    /// Every string type: CHAR, VARCHAR, TEXT (UTF-8) and BINARY, VARBINARY, BLOB.
    Bytes(Bytes),
    /// DATE, DATETIME and TIMESTAMP (TIMESTAMP in UTC when stored).
    Time(Time),
    /// TIME.
    Duration(Duration),
}
