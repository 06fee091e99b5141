//! Documents and values of SQL.

use super::read::View;
use super::value::Value;
use super::{Json, Pulse};
use crate::common::SqlResult;
use crate::sql::types::Datum;

impl Json {
    /// A value as a document, when its type is not at hand: bytes are a text then.
    pub fn of_datum(value: &Datum, pulse: &mut Pulse<'_>) -> SqlResult<Json> {
        let text = |bytes: &[u8]| Value::String(String::from_utf8_lossy(bytes).into_owned());
        match value {
            Datum::Null => Value::Null,
            Datum::Int(number) => Value::Int(*number),
            Datum::UInt(number) => Value::UInt(*number),
            Datum::Float(number) => Value::Double(*number),
            Datum::Decimal(number) => Value::Decimal(*number),
            Datum::Bytes(bytes) => text(bytes),
            Datum::Member(member) => text(&member.text),
            Datum::Time(time) => Value::Time(*time),
            Datum::Duration(duration) => Value::Duration(*duration),
            Datum::Json(json) => return Ok(json.clone()),
        }
        .to_json(pulse)
    }

    /// The value of SQL that it stands for: a number, a text or a time. Nulls, arrays, objects and opaque bytes stand for none.
    pub fn to_datum(&self) -> Option<Datum> {
        Some(match self.as_ref().view() {
            View::Bool(truth) => Datum::from(truth),
            View::Int(number) => Datum::Int(number),
            View::UInt(number) => Datum::UInt(number),
            View::Double(number) => Datum::Float(number),
            View::Decimal(number) => Datum::Decimal(number),
            View::String(text) => Datum::from(text),
            View::Time(time) => Datum::Time(time),
            View::Duration(duration) => Datum::Duration(duration),
            View::Null | View::Opaque(_, _) | View::Array(_) | View::Object(_) => return None,
        })
    }

    /// Whether it is true: anything but the number 0.
    pub fn is_true(&self) -> bool {
        match self.as_ref().view() {
            View::Int(number) => number != 0,
            View::UInt(number) => number != 0,
            View::Double(number) => number != 0.0,
            View::Decimal(number) => !number.is_zero(),
            _ => true,
        }
    }
}
