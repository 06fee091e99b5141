//! JSON.

use arrow::datatypes::DataType;
use bytes::Bytes;

use super::{BinaryForm, Class, Kind};
use crate::common::{SqlError, SqlResult};
use crate::sql::types::describe::flags;
use crate::sql::types::json::{self, Json, Pulse};
use crate::sql::types::store::Target;
use crate::sql::types::{Datum, FieldType, TimeZone};

/// Documents; rows and arrays hold them in binary form.
pub(super) struct JsonKind;

/// What is no text of a document even if it looks like one: MySQL converts numbers and times only when they are cast.
const NO_TEXT: &str = "not a JSON text, may need CAST";

impl Kind for JsonKind {
    #[inline]
    fn class(&self) -> Class {
        Class::Json
    }

    fn name(&self, _: &FieldType) -> &'static str {
        "json"
    }

    fn write_parameters(&self, _: &FieldType, _: &mut String) {}

    fn protocol_type(&self) -> u8 {
        245
    }

    fn protocol_flags(&self) -> u16 {
        flags::BLOB
    }

    fn protocol_decimals(&self, _: &FieldType) -> u8 {
        0
    }

    fn binary_form(&self) -> BinaryForm {
        BinaryForm::Text
    }

    fn display_width(&self, _: &FieldType) -> u32 {
        u32::MAX
    }

    fn arrow_type(&self, _: &FieldType) -> DataType {
        DataType::Binary
    }

    fn decode_row(&self, bytes: &[u8], _: &FieldType, _: &TimeZone) -> SqlResult<Datum> {
        let json = Json::from_stored(&Bytes::copy_from_slice(bytes));
        json.map(Datum::Json).ok_or_else(|| SqlError::internal("a stored document is empty"))
    }

    fn assign(&self, value: Datum, target: &Target<'_>) -> SqlResult<Datum> {
        let text = match value {
            Datum::Json(_) => return Ok(value),
            Datum::Bytes(text) => text,
            Datum::Member(member) => member.text,
            Datum::Null
            | Datum::Int(_)
            | Datum::UInt(_)
            | Datum::Float(_)
            | Datum::Decimal(_)
            | Datum::Time(_)
            | Datum::Duration(_) => return Err(json::invalid_text(NO_TEXT, 0, target.column)),
        };
        // Not longer than a packet, and read at once.
        let pulse = &mut Pulse::unwatched();
        let parsed = json::parse(&String::from_utf8_lossy(&text), pulse);
        let parsed = parsed.map_err(|fault| fault.in_column(target.column))?;
        parsed.to_json(pulse).map(Datum::Json)
    }

    fn implicit_default(&self, _: &FieldType) -> Datum {
        Datum::Json(Json::null())
    }
}
