//! The kinds of types: each has one home, an implementation of [`Kind`] in the file of its family.
//!
//! All that differs from kind to kind is asked here: what SQL and the protocol call it, how wide its text is, which Arrow array
//! and which bytes of a row hold its values, what becomes of a value that is assigned to a column of it. [`TypeKind`] only names
//! them; that every kind has a home is what its match below says.

mod bit;
mod calendar;
mod decimal;
mod duration;
mod floats;
mod integers;
mod json;
mod members;
mod null;
mod strings;
mod year;

use std::io::Write as _;

use arrow::datatypes::DataType;

use super::store::Target;
use super::{Datum, FieldType, TimeZone, TypeKind};
use crate::common::SqlResult;

pub(super) use members::constant as constant_member;

/// What a kind's values are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// Integers.
    Integer,
    /// Doubles.
    Float,
    /// Decimals.
    Decimal,
    /// Bytes.
    String,
    /// Days, and moments of days.
    Calendar,
    /// Times of day, and spans of time.
    Duration,
    /// Numbers that stand for texts.
    Member,
    /// Documents.
    Json,
    /// Nothing but NULL.
    Null,
}

/// The form that values have in a row of the binary protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BinaryForm {
    /// Nothing.
    Null,
    /// An integer of so many bytes.
    Integer(usize),
    /// Four bytes.
    Float,
    /// Eight bytes.
    Double,
    /// A date, with a time of day if it has one.
    Date,
    /// A time of day.
    Time,
    /// The text, with its length in front.
    Text,
}

/// A kind of types. `field_type` is always of that kind.
pub(super) trait Kind: Sync {
    /// What its values are.
    fn class(&self) -> Class;

    /// Its name without parameters: `int`, `varbinary`.
    fn name(&self, field_type: &FieldType) -> &'static str;

    /// Appends its parameters: `(10,2)`.
    fn write_parameters(&self, field_type: &FieldType, text: &mut String);

    /// The type byte of a column definition.
    fn protocol_type(&self) -> u8;

    /// The flags of a column definition that only this kind has.
    fn protocol_flags(&self) -> u16 {
        0
    }

    /// The length of a column definition, in bytes: so many a character of text.
    fn protocol_length(&self, field_type: &FieldType, _character_bytes: u32) -> u32 {
        self.display_width(field_type)
    }

    /// The decimals of a column definition.
    fn protocol_decimals(&self, field_type: &FieldType) -> u8;

    /// The form in a row of the binary protocol.
    fn binary_form(&self) -> BinaryForm;

    /// Characters (bytes of a binary string) a value's text has at most.
    fn display_width(&self, field_type: &FieldType) -> u32;

    /// Digits its values have at most as DECIMALs.
    fn decimal_digits(&self, _field_type: &FieldType) -> u32 {
        20
    }

    /// The Arrow type of its arrays.
    fn arrow_type(&self, field_type: &FieldType) -> DataType;

    /// The value that a row holds as these bytes.
    fn decode_row(&self, bytes: &[u8], field_type: &FieldType, zone: &TimeZone)
    -> SqlResult<Datum>;

    /// A value that is not NULL as a column of this kind stores it.
    fn assign(&self, value: Datum, target: &Target<'_>) -> SqlResult<Datum>;

    /// What a NOT NULL column without a default holds when a statement that is not strict leaves it out.
    fn implicit_default(&self, field_type: &FieldType) -> Datum;

    /// Appends the text of a value that is not NULL and no float or decimal, whose texts depend on more.
    fn write(&self, value: &Datum, _field_type: &FieldType, out: &mut Vec<u8>) {
        write_plain(value, out);
    }

    /// Smallest and largest of its integers; of what is no integer, those of BIGINT.
    fn integer_range(&self, unsigned: bool) -> (i128, i128) {
        integers::BIGINT.range(unsigned)
    }

    /// The value of a default that is kept in another form than as a text to be assigned.
    fn default_of_text(&self, _text: &str, _field_type: &FieldType) -> Option<Datum> {
        None
    }

    /// The value that is this number, of types whose values are numbers that stand for something.
    fn of_number(&self, number: u64, _field_type: &FieldType) -> Datum {
        Datum::UInt(number)
    }

    /// Whether every value of one type of this kind is one of the other as it stands.
    fn same_values(&self, _one: &FieldType, _other: &FieldType) -> bool {
        true
    }
}

/// What is done with the home of a kind, whichever that is: each arm knows its type, so that nothing stands between a row's bytes
/// and their value but the match.
macro_rules! with_home {
    ($kind:expr, $home:ident => $done:expr) => {
        match $kind {
            TypeKind::TinyInt => with_home!(@ integers::TINYINT, $home => $done),
            TypeKind::SmallInt => with_home!(@ integers::SMALLINT, $home => $done),
            TypeKind::MediumInt => with_home!(@ integers::MEDIUMINT, $home => $done),
            TypeKind::Int => with_home!(@ integers::INT, $home => $done),
            TypeKind::BigInt => with_home!(@ integers::BIGINT, $home => $done),
            TypeKind::Year => with_home!(@ year::Year, $home => $done),
            TypeKind::Bit => with_home!(@ bit::Bit, $home => $done),
            TypeKind::Enum => with_home!(@ members::ENUM, $home => $done),
            TypeKind::Set => with_home!(@ members::SET, $home => $done),
            TypeKind::Float => with_home!(@ floats::FLOAT, $home => $done),
            TypeKind::Double => with_home!(@ floats::DOUBLE, $home => $done),
            TypeKind::Decimal => with_home!(@ decimal::DecimalKind, $home => $done),
            TypeKind::Char => with_home!(@ strings::CHAR, $home => $done),
            TypeKind::VarChar => with_home!(@ strings::VARCHAR, $home => $done),
            TypeKind::TinyText => with_home!(@ strings::TINYTEXT, $home => $done),
            TypeKind::Text => with_home!(@ strings::TEXT, $home => $done),
            TypeKind::MediumText => with_home!(@ strings::MEDIUMTEXT, $home => $done),
            TypeKind::LongText => with_home!(@ strings::LONGTEXT, $home => $done),
            TypeKind::Date => with_home!(@ calendar::DATE, $home => $done),
            TypeKind::DateTime => with_home!(@ calendar::DATETIME, $home => $done),
            TypeKind::Timestamp => with_home!(@ calendar::TIMESTAMP, $home => $done),
            TypeKind::Time => with_home!(@ duration::DurationKind, $home => $done),
            TypeKind::Json => with_home!(@ json::JsonKind, $home => $done),
            TypeKind::Null => with_home!(@ null::NullKind, $home => $done),
        }
    };
    (@ $place:path, $home:ident => $done:expr) => {{
        let $home = &$place;
        $done
    }};
}

impl TypeKind {
    /// What there is to say of it.
    pub(super) fn definition(self) -> &'static dyn Kind {
        with_home!(self, home => home)
    }

    /// What its values are.
    #[inline]
    pub fn class(self) -> Class {
        with_home!(self, home => home.class())
    }
}

/// The value that a row holds as these bytes.
#[inline]
pub(super) fn decode_row(
    bytes: &[u8],
    field_type: &FieldType,
    zone: &TimeZone,
) -> SqlResult<Datum> {
    with_home!(field_type.kind, home => home.decode_row(bytes, field_type, zone))
}

/// The text of a value as it is for any kind.
fn write_plain(value: &Datum, out: &mut Vec<u8>) {
    // Writing to a vector cannot fail.
    let _ = match value {
        Datum::Null => Ok(()),
        Datum::Int(number) => out.write_all(itoa::Buffer::new().format(*number).as_bytes()),
        Datum::UInt(number) => out.write_all(itoa::Buffer::new().format(*number).as_bytes()),
        Datum::Float(number) => out.write_all(super::float_text(*number, false).as_bytes()),
        Datum::Decimal(number) => write!(out, "{number}"),
        Datum::Bytes(bytes) => out.write_all(bytes),
        Datum::Time(time) => write!(out, "{time}"),
        Datum::Duration(duration) => write!(out, "{duration}"),
        Datum::Member(member) => out.write_all(&member.text),
        Datum::Json(json) => out.write_all(json.to_text().as_bytes()),
    };
}

/// The letters of a fraction of a second, with the point.
fn fraction_width(field_type: &FieldType) -> u32 {
    match field_type.fsp() {
        0 => 0,
        fsp => u32::from(fsp) + 1,
    }
}

/// Appends the digits of a second's fraction, if there are some.
fn write_fsp(field_type: &FieldType, text: &mut String) {
    if field_type.fsp() > 0 {
        text.push_str(&format!("({})", field_type.fsp()));
    }
}
