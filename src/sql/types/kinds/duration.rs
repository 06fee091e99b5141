//! TIME.

use arrow::datatypes::DataType;

use super::{BinaryForm, Class, Kind, fraction_width, write_fsp};
use crate::common::{SqlResult, errno};
use crate::sql::types::codec::{corrupt, duration};
use crate::sql::types::convert::utf8;
use crate::sql::types::store::Target;
use crate::sql::types::{Datum, Duration, FieldType, Member, TimeZone};
use crate::storage::codec::row;

/// Spans of up to 838 hours.
pub(super) struct DurationKind;

impl Kind for DurationKind {
    #[inline]
    fn class(&self) -> Class {
        Class::Duration
    }

    fn name(&self, _: &FieldType) -> &'static str {
        "time"
    }

    fn write_parameters(&self, field_type: &FieldType, text: &mut String) {
        write_fsp(field_type, text);
    }

    fn protocol_type(&self) -> u8 {
        11
    }

    fn protocol_decimals(&self, field_type: &FieldType) -> u8 {
        field_type.fsp()
    }

    fn binary_form(&self) -> BinaryForm {
        BinaryForm::Time
    }

    fn display_width(&self, field_type: &FieldType) -> u32 {
        10 + fraction_width(field_type)
    }

    fn arrow_type(&self, _: &FieldType) -> DataType {
        DataType::Int64
    }

    fn decode_row(&self, bytes: &[u8], field_type: &FieldType, _: &TimeZone) -> SqlResult<Datum> {
        Ok(duration(row::compact_i64(bytes).map_err(corrupt)?, field_type))
    }

    fn assign(&self, value: Datum, target: &Target<'_>) -> SqlResult<Datum> {
        let (fsp, mode) = (target.field_type.fsp(), target.ctx.sql_mode);
        let mut dirty = false;
        let found = match &value {
            Datum::Bytes(text) | Datum::Member(Member { text, .. }) => {
                Duration::parse(&utf8(text), fsp, mode).map(|parsed| {
                    dirty = parsed.truncated;
                    (parsed.value, parsed.clipped)
                })
            }
            Datum::Duration(duration) => Some(duration.round_to(fsp, mode).clip()),
            Datum::Time(time) => Some((time.time_of_day().round_to(fsp, mode), false)),
            Datum::Json(_) => value.to_duration(fsp, target.ctx)?.map(|duration| (duration, false)),
            number @ (Datum::Null
            | Datum::Int(_)
            | Datum::UInt(_)
            | Datum::Float(_)
            | Datum::Decimal(_)) => {
                Duration::from_decimal(&number.to_decimal(target.ctx)?, fsp, mode)
            }
        };
        let Some((duration, clipped)) = found else {
            target.incorrect(errno::TRUNCATED_WRONG_VALUE, "time", &value)?;
            return Ok(Datum::Duration(Duration { micros: 0, fsp }));
        };
        if clipped {
            target.out_of_range()?;
        } else if dirty {
            target.incorrect(errno::TRUNCATED_WRONG_VALUE, "time", &value)?;
        }
        Ok(Datum::Duration(duration))
    }

    fn implicit_default(&self, field_type: &FieldType) -> Datum {
        Datum::Duration(Duration { micros: 0, fsp: field_type.fsp() })
    }

    fn same_values(&self, one: &FieldType, other: &FieldType) -> bool {
        one.fsp() == other.fsp()
    }
}
