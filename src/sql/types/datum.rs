//! One value.

use bytes::Bytes;

use super::json::Json;
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
    /// JSON.
    Json(Json),
}

impl Datum {
    /// Whether it is NULL.
    pub fn is_null(&self) -> bool {
        matches!(self, Datum::Null)
    }
}

impl Datum {
    /// Bytes that it refers to, besides its own.
    pub fn held_bytes(&self) -> usize {
        match self {
            Datum::Bytes(bytes) => bytes.len(),
            Datum::Member(member) => member.text.len(),
            Datum::Json(json) => json.stored_size(),
            Datum::Null
            | Datum::Int(_)
            | Datum::UInt(_)
            | Datum::Float(_)
            | Datum::Decimal(_)
            | Datum::Time(_)
            | Datum::Duration(_) => 0,
        }
    }

    /// The number, if it is an integer that is not negative.
    pub fn as_count(&self) -> Option<u64> {
        match self {
            Datum::Int(number) => u64::try_from(*number).ok(),
            Datum::UInt(number) => Some(*number),
            Datum::Null
            | Datum::Float(_)
            | Datum::Decimal(_)
            | Datum::Bytes(_)
            | Datum::Time(_)
            | Datum::Duration(_)
            | Datum::Member(_)
            | Datum::Json(_) => None,
        }
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
            Datum::Time(_) | Datum::Duration(_) | Datum::Json(_) => {
                Datum::Bytes(self.to_bytes_as(field_type))
            }
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
