//! The type of a column or an expression.

use arrow::datatypes::DataType;
use serde::{Deserialize, Serialize};

use super::{Class, Collation, Datum, Members, TimeKind, kinds};

/// The kind of a type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum TypeKind {
    /// TINYINT, also BOOL.
    TinyInt,
    /// SMALLINT.
    SmallInt,
    /// MEDIUMINT.
    MediumInt,
    /// INT.
    Int,
    /// BIGINT.
    BigInt,
    /// FLOAT.
    Float,
    /// DOUBLE.
    Double,
    /// DECIMAL.
    Decimal,
    /// CHAR and BINARY (by collation).
    Char,
    /// VARCHAR and VARBINARY.
    VarChar,
    /// TINYTEXT and TINYBLOB.
    TinyText,
    /// TEXT and BLOB.
    Text,
    /// MEDIUMTEXT and MEDIUMBLOB.
    MediumText,
    /// LONGTEXT and LONGBLOB.
    LongText,
    /// DATE.
    Date,
    /// DATETIME.
    DateTime,
    /// TIMESTAMP.
    Timestamp,
    /// TIME.
    Time,
    /// YEAR.
    Year,
    /// BIT.
    Bit,
    /// ENUM.
    Enum,
    /// SET.
    Set,
    /// JSON.
    Json,
    /// The type of a bare NULL.
    Null,
}

/// A type with everything that matters for storing, comparing and showing its values.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct FieldType {
    /// Which kind.
    pub kind: TypeKind,
    /// Integers, floats and decimals without a sign.
    pub unsigned: bool,
    /// ZEROFILL pads the text form.
    #[serde(default)]
    pub zerofill: bool,
    /// NOT NULL.
    pub not_null: bool,
    /// Length in characters (bytes for binary), digits for DECIMAL, display width for integers. `None`: the kind's default.
    pub length: Option<u32>,
    /// Digits after the point (DECIMAL, DOUBLE(M,D)), or of the second's fraction. `None`: unspecified (DOUBLE).
    pub decimals: Option<u8>,
    /// Of strings, ENUM and SET.
    pub collation: Collation,
    /// What an ENUM or a SET is made of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub members: Option<Members>,
}

impl FieldType {
    /// A nullable, signed type of a kind with its defaults.
    pub fn new(kind: TypeKind) -> FieldType {
        let collation = if kind.is_textual() { Collation::default() } else { Collation::Binary };
        FieldType {
            kind,
            unsigned: false,
            zerofill: false,
            not_null: false,
            length: None,
            decimals: None,
            collation,
            members: None,
        }
    }

    /// The type of a bare NULL.
    pub fn null() -> FieldType {
        FieldType::new(TypeKind::Null)
    }

    /// INT.
    pub fn int() -> FieldType {
        FieldType::new(TypeKind::Int)
    }

    /// BIGINT.
    pub fn bigint() -> FieldType {
        FieldType::new(TypeKind::BigInt)
    }

    /// BIGINT UNSIGNED.
    pub fn bigint_unsigned() -> FieldType {
        FieldType { unsigned: true, ..FieldType::bigint() }
    }

    /// What comparisons and logic yield: 0 or 1.
    pub fn boolean() -> FieldType {
        FieldType { length: Some(1), ..FieldType::bigint() }
    }

    /// DOUBLE.
    pub fn double() -> FieldType {
        FieldType::new(TypeKind::Double)
    }

    /// FLOAT.
    pub fn float() -> FieldType {
        FieldType::new(TypeKind::Float)
    }

    /// DECIMAL(precision, scale).
    pub fn decimal(precision: u32, scale: u8) -> FieldType {
        let precision = precision.clamp(1, 65).max(u32::from(scale));
        FieldType {
            length: Some(precision),
            decimals: Some(scale.min(30)),
            ..FieldType::new(TypeKind::Decimal)
        }
    }

    /// VARCHAR(length), in the default collation.
    pub fn varchar(length: u32) -> FieldType {
        FieldType { length: Some(length), ..FieldType::new(TypeKind::VarChar) }
    }

    /// CHAR(length), in the default collation.
    pub fn char(length: u32) -> FieldType {
        FieldType { length: Some(length), ..FieldType::new(TypeKind::Char) }
    }

    /// VARBINARY(length).
    pub fn varbinary(length: u32) -> FieldType {
        FieldType { collation: Collation::Binary, ..FieldType::varchar(length) }
    }

    /// LONGTEXT.
    pub fn long_text() -> FieldType {
        FieldType::new(TypeKind::LongText)
    }

    /// JSON.
    pub fn json() -> FieldType {
        FieldType::new(TypeKind::Json)
    }

    /// DATE.
    pub fn date() -> FieldType {
        FieldType::new(TypeKind::Date)
    }

    /// DATETIME(fsp).
    pub fn datetime(fsp: u8) -> FieldType {
        FieldType { decimals: Some(fsp), ..FieldType::new(TypeKind::DateTime) }
    }

    /// TIMESTAMP(fsp).
    pub fn timestamp(fsp: u8) -> FieldType {
        FieldType { decimals: Some(fsp), ..FieldType::new(TypeKind::Timestamp) }
    }

    /// TIME(fsp).
    pub fn time(fsp: u8) -> FieldType {
        FieldType { decimals: Some(fsp), ..FieldType::new(TypeKind::Time) }
    }

    /// BIT(bits).
    pub fn bit(bits: u32) -> FieldType {
        FieldType { length: Some(bits), ..FieldType::new(TypeKind::Bit).unsigned() }
    }

    /// ENUM or SET of these members.
    pub fn of_members(kind: TypeKind, members: Vec<String>) -> FieldType {
        FieldType { members: Some(Members::from(members)), ..FieldType::new(kind) }
    }

    /// The same, NOT NULL.
    #[must_use]
    pub fn not_null(mut self) -> FieldType {
        self.not_null = true;
        self
    }

    /// The same, nullable.
    #[must_use]
    pub fn nullable(mut self) -> FieldType {
        self.not_null = false;
        self
    }

    /// The same, unsigned.
    #[must_use]
    pub fn unsigned(mut self) -> FieldType {
        self.unsigned = true;
        self
    }

    /// The same, in another collation.
    #[must_use]
    pub fn collate(mut self, collation: Collation) -> FieldType {
        self.collation = collation;
        self
    }

    /// Digits of the second's fraction of a calendar type or TIME.
    pub fn fsp(&self) -> u8 {
        self.decimals.unwrap_or(0).min(6)
    }

    /// Precision and scale of a DECIMAL.
    pub fn precision_scale(&self) -> (u32, u8) {
        (self.length.unwrap_or(10), self.decimals.unwrap_or(0))
    }
}

impl TypeKind {
    /// CHAR, VARCHAR, the TEXTs, and with them the binary strings.
    pub fn is_string(self) -> bool {
        self.class() == Class::String
    }

    /// ENUM and SET: numbers that stand for texts.
    pub fn is_member(self) -> bool {
        self.class() == Class::Member
    }

    /// SET.
    pub fn is_set(self) -> bool {
        self == TypeKind::Set
    }

    /// Whether its values are texts for whoever works with texts: strings, ENUM and SET. They have a collation.
    pub fn is_textual(self) -> bool {
        matches!(self.class(), Class::String | Class::Member)
    }

    /// TEXT and BLOB of any size.
    pub fn is_text(self) -> bool {
        self.is_string() && !matches!(self, TypeKind::Char | TypeKind::VarChar)
    }

    /// TINYINT to BIGINT, YEAR and BIT, whose values are integers.
    pub fn is_integer(self) -> bool {
        self.class() == Class::Integer
    }

    /// FLOAT and DOUBLE.
    pub fn is_float(self) -> bool {
        self.class() == Class::Float
    }

    /// Integers, floats and decimals.
    pub fn is_numeric(self) -> bool {
        matches!(self.class(), Class::Integer | Class::Float | Class::Decimal)
    }

    /// DATE, DATETIME and TIMESTAMP.
    pub fn is_calendar(self) -> bool {
        self.class() == Class::Calendar
    }

    /// DATE, DATETIME, TIMESTAMP and TIME.
    pub fn is_temporal(self) -> bool {
        matches!(self.class(), Class::Calendar | Class::Duration)
    }
}

impl FieldType {
    /// The type of a literal with this value.
    pub fn of_literal(value: &Datum) -> FieldType {
        let fixed = |field_type: FieldType| field_type.not_null();
        match value {
            Datum::Null => FieldType::null(),
            Datum::Int(number) => {
                let digits = number.unsigned_abs().checked_ilog10().map_or(1, |log| log + 1);
                let sign = u32::from(*number < 0);
                fixed(FieldType { length: Some(digits + sign), ..FieldType::bigint() })
            }
            Datum::UInt(number) => {
                let digits = number.checked_ilog10().map_or(1, |log| log + 1);
                fixed(FieldType { length: Some(digits), ..FieldType::bigint_unsigned() })
            }
            Datum::Float(_) => fixed(FieldType::double()),
            Datum::Decimal(number) => fixed(FieldType::decimal(number.precision(), number.scale)),
            Datum::Bytes(bytes) => {
                let length = match std::str::from_utf8(bytes) {
                    Ok(text) => text.chars().count(),
                    Err(_) => return fixed(FieldType::varbinary(bytes.len() as u32)),
                };
                fixed(FieldType::varchar(length as u32))
            }
            Datum::Time(time) => fixed(match time.kind {
                TimeKind::Date => FieldType::date(),
                TimeKind::DateTime => FieldType::datetime(time.fsp),
                TimeKind::Timestamp => FieldType::timestamp(time.fsp),
            }),
            Datum::Duration(duration) => fixed(FieldType::time(duration.fsp)),
            Datum::Json(_) => fixed(FieldType::json()),
            Datum::Member(member) => FieldType::of_literal(&Datum::Bytes(member.text.clone())),
        }
    }

    /// The type of a user variable that was given a value of this type: an integer, a DECIMAL, a DOUBLE or a text.
    #[must_use]
    pub fn of_user_variable(&self) -> FieldType {
        let not_null = self.not_null;
        let field_type = match self.kind.class() {
            Class::Float => FieldType::double(),
            Class::Integer if matches!(self.kind, TypeKind::Year | TypeKind::Bit) => {
                FieldType::bigint_unsigned()
            }
            Class::Integer => FieldType {
                unsigned: self.unsigned,
                length: Some(self.display_width()),
                ..FieldType::bigint()
            },
            Class::Calendar | Class::Duration => FieldType::varchar(self.display_width()),
            Class::Member => FieldType::varchar(self.display_width()).collate(self.collation),
            Class::Json => FieldType::long_text().collate(Collation::Utf8mb4Bin),
            // The sign is that of a hexadecimal literal: it is kept as the bytes it is.
            Class::String => FieldType { unsigned: false, ..self.clone() },
            Class::Decimal | Class::Null => self.clone(),
        };
        FieldType { not_null, zerofill: false, ..field_type }
    }

    /// The most bytes of a character.
    pub fn character_bytes(&self) -> u32 {
        self.collation.character_set().max_bytes()
    }

    /// A string type of bytes, not characters.
    pub fn is_binary_string(&self) -> bool {
        self.kind.is_textual() && self.collation == Collation::Binary
    }

    /// The same as a string: what an ENUM or a SET is to whoever works with texts.
    #[must_use]
    pub fn as_string(&self) -> FieldType {
        if !self.kind.is_member() {
            return self.clone();
        }
        let string = FieldType::varchar(self.display_width()).collate(self.collation);
        FieldType { not_null: self.not_null, ..string }
    }

    /// Whether the text of its values is not that of the bare value: fewer digits, zeros in front, bytes.
    pub fn has_text_of_its_own(&self) -> bool {
        // That of a double is the value's.
        let is_double = self.kind == TypeKind::Double && self.decimals.is_none();
        let is_float = self.kind.is_float() && !is_double;
        self.zerofill || is_float || matches!(self.kind, TypeKind::Bit | TypeKind::Year)
    }

    /// A text compared with this ENUM or SET, as a value of it; `None` if it is not one's text.
    pub fn member_of_text(&self, text: &[u8]) -> Option<Datum> {
        kinds::constant_member(text, self)
    }

    /// Whether every value of this type is one of `other` as it stands, so that a cast changes nothing.
    pub fn same_values(&self, other: &FieldType) -> bool {
        self.kind == other.kind
            && self.unsigned == other.unsigned
            && self.collation == other.collation
            && self.kind.definition().same_values(self, other)
    }

    /// Digits an integer of this type has at most, as a DECIMAL's precision.
    pub fn decimal_digits(&self) -> u32 {
        self.kind.definition().decimal_digits(self)
    }

    /// Characters (bytes of a binary string) a value's text has at most.
    pub fn display_width(&self) -> u32 {
        self.kind.definition().display_width(self)
    }

    /// The Arrow type its values have in record batches.
    ///
    /// Integers are `Int64` or `UInt64` (YEAR too is `Int64`), floats `Float64`, decimals `Decimal256(65, scale)`, text
    /// `Utf8`, binary strings `Binary`, calendar types `UInt64` (packed), ENUM and SET `UInt64`, TIME `Int64` (microseconds), NULL `Null`.
    pub fn arrow_type(&self) -> DataType {
        self.kind.definition().arrow_type(self)
    }
}
