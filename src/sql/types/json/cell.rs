//! Parts of documents as values of other types.

use super::Json;
use super::read::View;
use crate::common::{SqlError, SqlResult, errno};
use crate::sql::types::store::convert_for_column;
use crate::sql::types::{Class, Datum, FieldType, ValueContext};

/// Why a part of a document is no value of a type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Misfit {
    /// It is an array or an object.
    Container,
    /// It is a number beyond the type's range, or a text that is too long for it.
    Range,
    /// It stands for no such value.
    Value,
}

impl Json {
    /// The value of a type that it stands for, with nothing lost; NULL for JSON's null. A document is one of type JSON.
    pub fn value_of_type(
        &self,
        field_type: &FieldType,
        ctx: &ValueContext,
    ) -> SqlResult<Result<Datum, Misfit>> {
        let class = field_type.kind.class();
        let view = self.as_ref().view();
        let value = match (class, view) {
            (Class::Json, _) => return Ok(Ok(Datum::Json(self.clone()))),
            (_, View::Null) => return Ok(Ok(Datum::Null)),
            (_, View::Array(_) | View::Object(_)) => return Ok(Err(Misfit::Container)),
            (_, View::String(text)) => Datum::from(text),
            // Numbers and truth values as they stand in the document; times and bytes without their quotation marks.
            (Class::String | Class::Member, _) => Datum::from(self.to_text().trim_matches('"')),
            (Class::Calendar | Class::Duration, View::Time(_) | View::Duration(_)) => {
                self.to_datum().unwrap_or_default()
            }
            (Class::Calendar | Class::Duration, _) | (_, View::Opaque(_, _)) => {
                return Ok(Err(Misfit::Value));
            }
            (
                Class::Integer | Class::Float | Class::Decimal | Class::Null,
                View::Bool(_)
                | View::Int(_)
                | View::UInt(_)
                | View::Double(_)
                | View::Decimal(_)
                | View::Time(_)
                | View::Duration(_),
            ) => self.to_datum().unwrap_or_default(),
        };
        let mark = ctx.mark_warnings();
        let converted = convert_for_column(value, field_type, "", 1, ctx);
        let warned = ctx.warned_since(mark);
        ctx.back_to(mark);
        match (converted, warned) {
            (Ok(value), None) => Ok(Ok(value)),
            (Ok(_), Some(code)) => Ok(Err(misfit(code))),
            (Err(error), _) if is_about_values(&error) => Ok(Err(misfit(error.code))),
            (Err(error), _) => Err(error),
        }
    }
}

fn misfit(code: u16) -> Misfit {
    match code {
        errno::WARN_DATA_OUT_OF_RANGE | errno::DATA_TOO_LONG => Misfit::Range,
        _ => Misfit::Value,
    }
}

/// Whether it is an error of what was to be stored, not of the statement.
fn is_about_values(error: &SqlError) -> bool {
    [
        errno::WARN_DATA_OUT_OF_RANGE,
        errno::DATA_TOO_LONG,
        errno::WARN_DATA_TRUNCATED,
        errno::TRUNCATED_WRONG_VALUE,
        errno::TRUNCATED_WRONG_VALUE_FOR_FIELD,
    ]
    .contains(&error.code)
}

/// What a type is called in the errors of documents that are none of its values.
pub fn cast_name(field_type: &FieldType) -> &'static str {
    match field_type.kind.class() {
        Class::Integer => "INTEGER",
        Class::Float => "DOUBLE",
        Class::Decimal => "DECIMAL",
        Class::Calendar if field_type.kind == crate::sql::types::TypeKind::Date => "DATE",
        Class::Calendar => "DATETIME",
        Class::Duration => "TIME",
        Class::String | Class::Member | Class::Null => "CHAR",
        Class::Json => "JSON",
    }
}
