//! Parameters of prepared statements, as the expressions see them.

use bytes::Bytes;

use crate::common::{SqlError, SqlResult, errno};
use crate::protocol::parameters::Parameter;
use crate::sql::types::time::Parts;
use crate::sql::types::{Charset, Datum, Decimal, Duration, FieldType, Time, TimeKind, TypeKind};

/// A type without what differs from value to value, so that one plan serves them all.
pub(super) fn general(field_type: &FieldType) -> FieldType {
    match field_type.kind {
        kind if kind.is_integer() => {
            FieldType { unsigned: field_type.unsigned, ..FieldType::bigint() }
        }
        kind if kind.is_string() => {
            FieldType { collation: field_type.collation, ..FieldType::new(TypeKind::VarChar) }
        }
        _ => field_type.clone().nullable(),
    }
}

/// A parameter's value with its type.
pub(super) fn value_of(parameter: Parameter, client: Charset) -> SqlResult<(Datum, FieldType)> {
    Ok(match parameter {
        Parameter::Null => (Datum::Null, FieldType::null()),
        Parameter::Int(number) => (Datum::Int(number), FieldType::bigint()),
        Parameter::UInt(number) => (Datum::UInt(number), FieldType::bigint_unsigned()),
        Parameter::Float(number) => (Datum::Float(number.into()), FieldType::double()),
        Parameter::Double(number) => (Datum::Float(number), FieldType::double()),
        Parameter::Text(text) => {
            // The value may outlive the buffer it came in: rows are kept in the transaction.
            let text = match client.is_kept() {
                true => Bytes::copy_from_slice(&text),
                false => client.decode_lossy(&text).into_owned().into(),
            };
            (Datum::Bytes(text), FieldType::new(TypeKind::VarChar))
        }
        Parameter::Binary(bytes) => {
            let field_type = FieldType {
                collation: crate::sql::types::Collation::Binary,
                ..FieldType::new(TypeKind::VarChar)
            };
            (Datum::Bytes(Bytes::copy_from_slice(&bytes)), field_type)
        }
        Parameter::Decimal(text) => {
            let text = String::from_utf8_lossy(&text).into_owned();
            let number = decimal(&text)?;
            let field_type = FieldType::decimal(number.precision(), number.scale);
            (Datum::Decimal(number), field_type)
        }
        Parameter::DateTime { parts, date_only } => {
            let parts = Parts {
                year: parts.year.into(),
                month: parts.month.into(),
                day: parts.day.into(),
                hour: parts.hour.into(),
                minute: parts.minute.into(),
                second: parts.second.into(),
                micro: parts.micros,
            };
            let (kind, fsp, field_type) = if date_only {
                (TimeKind::Date, 0, FieldType::date())
            } else {
                (TimeKind::DateTime, 6, FieldType::datetime(6))
            };
            (Datum::Time(Time::from_parts(&parts, kind, fsp)), field_type)
        }
        Parameter::Time(micros) => {
            (Datum::Duration(Duration { micros, fsp: 6 }), FieldType::time(6))
        }
    })
}

/// A number's text. Error 1292.
fn decimal(text: &str) -> SqlResult<Decimal> {
    Decimal::parse(text).ok_or_else(|| {
        SqlError::new(
            errno::TRUNCATED_WRONG_VALUE,
            format!("Truncated incorrect DECIMAL value: '{text}'"),
        )
    })
}
