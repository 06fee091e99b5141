//! DATE, DATETIME and TIMESTAMP.

use arrow::datatypes::DataType;

use super::{BinaryForm, Class, Kind, fraction_width, write_fsp};
use crate::common::{SqlResult, errno};
use crate::sql::types::codec::{corrupt, loaded_time};
use crate::sql::types::convert::utf8;
use crate::sql::types::describe::flags;
use crate::sql::types::store::Target;
use crate::sql::types::{Datum, FieldType, Member, Time, TimeKind, TimeZone, time};
use crate::storage::codec::row;

/// A type of days, or of moments of days.
pub(super) struct Calendar {
    name: &'static str,
    protocol_type: u8,
    kind: TimeKind,
}

pub(super) static DATE: Calendar =
    Calendar { name: "date", protocol_type: 10, kind: TimeKind::Date };
pub(super) static DATETIME: Calendar =
    Calendar { name: "datetime", protocol_type: 12, kind: TimeKind::DateTime };
pub(super) static TIMESTAMP: Calendar =
    Calendar { name: "timestamp", protocol_type: 7, kind: TimeKind::Timestamp };

impl Calendar {
    fn has_clock(&self) -> bool {
        self.kind != TimeKind::Date
    }

    /// TIMESTAMP reaches from 1970-01-01 00:00:01 to 2038-01-19 03:14:07 in UTC, and skips what clocks skip.
    fn in_range(&self, time: Time, target: &Target<'_>) -> Option<Time> {
        if self.kind != TimeKind::Timestamp || time.is_zero() {
            return Some(time);
        }
        let zone = &target.ctx.time_zone;
        let unix = match time.unix_micros(zone)? {
            Ok(unix) => unix,
            Err(_) if target.ctx.is_strict() => return None,
            Err(jump) => return Time::from_unix_micros(jump, zone, time.kind, time.fsp),
        };
        let range = time::MICROS_PER_SECOND..(1_i64 << 31) * time::MICROS_PER_SECOND;
        range.contains(&unix).then_some(time)
    }
}

impl Kind for Calendar {
    #[inline]
    fn class(&self) -> Class {
        Class::Calendar
    }

    fn name(&self, _: &FieldType) -> &'static str {
        self.name
    }

    fn write_parameters(&self, field_type: &FieldType, text: &mut String) {
        if self.has_clock() {
            write_fsp(field_type, text);
        }
    }

    fn protocol_type(&self) -> u8 {
        self.protocol_type
    }

    fn protocol_flags(&self) -> u16 {
        if self.kind == TimeKind::Timestamp { flags::TIMESTAMP } else { 0 }
    }

    fn protocol_decimals(&self, field_type: &FieldType) -> u8 {
        field_type.fsp()
    }

    fn binary_form(&self) -> BinaryForm {
        BinaryForm::Date
    }

    fn display_width(&self, field_type: &FieldType) -> u32 {
        if self.has_clock() { 19 + fraction_width(field_type) } else { 10 }
    }

    fn arrow_type(&self, _: &FieldType) -> DataType {
        DataType::UInt64
    }

    fn decode_row(
        &self,
        bytes: &[u8],
        field_type: &FieldType,
        zone: &TimeZone,
    ) -> SqlResult<Datum> {
        loaded_time(row::compact_u64(bytes).map_err(corrupt)?, field_type, zone)
    }

    fn assign(&self, value: Datum, target: &Target<'_>) -> SqlResult<Datum> {
        let (kind, fsp) = (self.kind, target.field_type.fsp());
        let rules = target.ctx.time_rules();
        let mut dirty = false;
        let found = match &value {
            Datum::Bytes(text) | Datum::Member(Member { text, .. }) => {
                Time::parse(&utf8(text), kind, fsp, &rules).map(|parsed| {
                    dirty = parsed.truncated;
                    parsed.value
                })
            }
            Datum::Time(time) => {
                let fsp = if kind == TimeKind::Date { time.fsp } else { fsp };
                let valid = time.parts().is_valid(rules.mode);
                let time = time.round_to(fsp, rules.mode).filter(|_| valid);
                time.map(|time| time.with_kind(kind))
            }
            Datum::Duration(_) => value.to_time(kind, fsp, target.ctx)?,
            Datum::Json(_) => value.to_time(kind, fsp, target.ctx)?,
            number @ (Datum::Null
            | Datum::Int(_)
            | Datum::UInt(_)
            | Datum::Float(_)
            | Datum::Decimal(_)) => {
                Time::from_number(&number.to_decimal(target.ctx)?, kind, fsp, &rules)
            }
        };
        let found = found.and_then(|time| self.in_range(time, target));
        let Some(time) = found else {
            target.incorrect(errno::TRUNCATED_WRONG_VALUE, kind.name(), &value)?;
            return Ok(Datum::Time(Time::zero(kind, fsp)));
        };
        if dirty {
            target.incorrect(errno::TRUNCATED_WRONG_VALUE, kind.name(), &value)?;
        }
        Ok(Datum::Time(time))
    }

    fn implicit_default(&self, field_type: &FieldType) -> Datum {
        Datum::Time(Time::zero(self.kind, field_type.fsp()))
    }

    fn same_values(&self, one: &FieldType, other: &FieldType) -> bool {
        one.fsp() == other.fsp()
    }
}
