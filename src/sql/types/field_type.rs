//! The type of a column or an expression.

use serde::{Deserialize, Serialize};

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
    /// The type of a bare NULL.
    Null,
}

/// How strings compare. `Binary` is bytes, not characters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Collation {
    /// Bytes.
    Binary,
    /// By code point, trailing spaces ignored: the default, as in TiDB.
    #[default]
    Utf8mb4Bin,
    /// By code point, nothing ignored.
    Utf8mb4_0900Bin,
    /// Ignoring case and accents, and trailing spaces.
    Utf8mb4GeneralCi,
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
    /// Of strings.
    pub collation: Collation,
}
