//! One value.

use bytes::Bytes;

use super::{Decimal, Duration, FieldType, Member, Time, TypeKind};

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
    /// ENUM and SET.
    Member(Member),
}

impl Datum {
    /// Whether it is NULL.
    pub fn is_null(&self) -> bool {
        matches!(self, Datum::Null)
    }
}

impl From<&str> for Datum {
    fn from(text: &str) -> Datum {
        Datum::Bytes(Bytes::copy_from_slice(text.as_bytes()))
    }
}

impl From<String> for Datum {
    fn from(text: String) -> Datum {
        Datum::Bytes(Bytes::from(text))
    }
}

impl From<Vec<u8>> for Datum {
    fn from(bytes: Vec<u8>) -> Datum {
        Datum::Bytes(Bytes::from(bytes))
    }
}

impl From<i64> for Datum {
    fn from(number: i64) -> Datum {
        Datum::Int(number)
    }
}

impl From<u64> for Datum {
    fn from(number: u64) -> Datum {
        Datum::UInt(number)
    }
}

impl From<f64> for Datum {
    fn from(number: f64) -> Datum {
        Datum::Float(number)
    }
}

impl From<bool> for Datum {
    fn from(truth: bool) -> Datum {
        Datum::Int(i64::from(truth))
    }
}

impl<T: Into<Datum>> From<Option<T>> for Datum {
    fn from(value: Option<T>) -> Datum {
        value.map_or(Datum::Null, Into::into)
    }
}

impl Datum {
    /// A value of this type as a user variable keeps it: dates and times as their text.
    #[must_use]
    pub fn into_user_variable(self, field_type: &FieldType) -> Datum {
        match self {
            Datum::Time(_) | Datum::Duration(_) => Datum::Bytes(self.to_bytes_as(field_type)),
            Datum::Member(member) => Datum::Bytes(member.text),
            Datum::Int(year) if field_type.kind == TypeKind::Year => {
                Datum::UInt(year.unsigned_abs())
            }
            other => other,
        }
    }

    /// A TIME, or NULL.
    pub fn from_duration(duration: Option<Duration>) -> Datum {
        duration.map_or(Datum::Null, Datum::Duration)
    }

    /// A DATE, DATETIME or TIMESTAMP, or NULL.
    pub fn from_time(time: Option<Time>) -> Datum {
        time.map_or(Datum::Null, Datum::Time)
    }
}
