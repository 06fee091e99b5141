//! A type as SQL and the protocol describe it.

use std::fmt::Write as _;

use super::{Collation, FieldType, TypeKind};

/// Flags of a column definition in the protocol.
pub mod flags {
    /// NOT NULL.
    pub const NOT_NULL: u16 = 1;
    /// Part of the primary key.
    pub const PRIMARY_KEY: u16 = 2;
    /// Part of a unique key.
    pub const UNIQUE_KEY: u16 = 4;
    /// Part of a key that is not unique.
    pub const MULTIPLE_KEY: u16 = 8;
    /// TEXT or BLOB.
    pub const BLOB: u16 = 16;
    /// UNSIGNED.
    pub const UNSIGNED: u16 = 32;
    /// ZEROFILL.
    pub const ZEROFILL: u16 = 64;
    /// Bytes, or the collation is binary.
    pub const BINARY: u16 = 128;
    /// AUTO_INCREMENT.
    pub const AUTO_INCREMENT: u16 = 512;
    /// TIMESTAMP.
    pub const TIMESTAMP: u16 = 1024;
    /// NOT NULL without a default.
    pub const NO_DEFAULT_VALUE: u16 = 4096;
    /// Part of some key.
    pub const PART_KEY: u16 = 16384;
    /// A number.
    pub const NUMERIC: u16 = 32768;
}

impl FieldType {
    /// As SHOW CREATE TABLE and SHOW COLUMNS print it: `int`, `bigint unsigned`, `varchar(100)`, `decimal(10,2)`.
    pub fn sql_text(&self) -> String {
        let mut text = self.kind_name().to_owned();
        match self.kind {
            TypeKind::Char | TypeKind::VarChar => {
                let _ = write!(text, "({})", self.display_width());
            }
            TypeKind::Decimal => {
                let (precision, scale) = self.precision_scale();
                let _ = write!(text, "({precision},{scale})");
            }
            TypeKind::Float | TypeKind::Double => {
                if let (Some(length), Some(decimals)) = (self.length, self.decimals) {
                    let _ = write!(text, "({length},{decimals})");
                }
            }
            TypeKind::DateTime | TypeKind::Timestamp | TypeKind::Time if self.fsp() > 0 => {
                let _ = write!(text, "({})", self.fsp());
            }
            TypeKind::TinyInt if self.length == Some(1) && !self.unsigned => text.push_str("(1)"),
            kind if kind.is_integer() && self.zerofill => {
                let _ = write!(text, "({})", self.display_width());
            }
            _ => {}
        }
        if self.unsigned && self.kind.is_numeric() {
            text.push_str(" unsigned");
        }
        if self.zerofill {
            text.push_str(" zerofill");
        }
        text
    }

    /// The type's name without its parameters: `int`, `varbinary`.
    pub fn kind_name(&self) -> &'static str {
        let binary = self.collation == Collation::Binary;
        match self.kind {
            TypeKind::TinyInt => "tinyint",
            TypeKind::SmallInt => "smallint",
            TypeKind::MediumInt => "mediumint",
            TypeKind::Int => "int",
            TypeKind::BigInt => "bigint",
            TypeKind::Float => "float",
            TypeKind::Double => "double",
            TypeKind::Decimal => "decimal",
            TypeKind::Char => {
                if binary {
                    "binary"
                } else {
                    "char"
                }
            }
            TypeKind::VarChar => {
                if binary {
                    "varbinary"
                } else {
                    "varchar"
                }
            }
            TypeKind::TinyText => {
                if binary {
                    "tinyblob"
                } else {
                    "tinytext"
                }
            }
            TypeKind::Text => {
                if binary {
                    "blob"
                } else {
                    "text"
                }
            }
            TypeKind::MediumText => {
                if binary {
                    "mediumblob"
                } else {
                    "mediumtext"
                }
            }
            TypeKind::LongText => {
                if binary {
                    "longblob"
                } else {
                    "longtext"
                }
            }
            TypeKind::Date => "date",
            TypeKind::DateTime => "datetime",
            TypeKind::Timestamp => "timestamp",
            TypeKind::Time => "time",
            TypeKind::Year => "year",
            TypeKind::Null => "null",
        }
    }

    /// The type byte of a column definition.
    pub fn protocol_type(&self) -> u8 {
        match self.kind {
            TypeKind::TinyInt => 1,
            TypeKind::SmallInt => 2,
            TypeKind::Int => 3,
            TypeKind::Float => 4,
            TypeKind::Double => 5,
            TypeKind::Null => 6,
            TypeKind::Timestamp => 7,
            TypeKind::BigInt => 8,
            TypeKind::MediumInt => 9,
            TypeKind::Date => 10,
            TypeKind::Time => 11,
            TypeKind::DateTime => 12,
            TypeKind::Year => 13,
            TypeKind::Decimal => 246,
            // BLOB for every size: the length tells them apart.
            kind if kind.is_text() => 252,
            TypeKind::VarChar => 253,
            _ => 254,
        }
    }

    /// The flags of a column definition that follow from the type; keys and defaults are for the caller to add.
    pub fn protocol_flags(&self) -> u16 {
        let mut set = 0;
        let mut add = |condition: bool, flag: u16| set |= if condition { flag } else { 0 };
        add(self.not_null, flags::NOT_NULL);
        add(self.kind.is_text(), flags::BLOB);
        add(self.unsigned || self.kind == TypeKind::Year, flags::UNSIGNED);
        add(self.zerofill || self.kind == TypeKind::Year, flags::ZEROFILL);
        let binary = if self.kind.is_string() { self.collation == Collation::Binary } else { true };
        add(binary, flags::BINARY);
        add(self.kind == TypeKind::Timestamp, flags::TIMESTAMP);
        add(self.kind.is_numeric(), flags::NUMERIC);
        set
    }

    /// The length of a column definition, in bytes.
    pub fn protocol_length(&self) -> u32 {
        let width = self.display_width();
        let characters = matches!(self.kind, TypeKind::Char | TypeKind::VarChar);
        if characters && self.collation != Collation::Binary {
            return width.saturating_mul(4);
        }
        if self.kind.is_text() && self.collation != Collation::Binary {
            return width.saturating_mul(4);
        }
        width
    }

    /// The decimals of a column definition: 31 when a float has no fixed number of them.
    pub fn protocol_decimals(&self) -> u8 {
        match self.kind {
            TypeKind::Float | TypeKind::Double => self.decimals.unwrap_or(31),
            TypeKind::Decimal => self.precision_scale().1,
            kind if kind.is_temporal() => self.fsp(),
            kind if kind.is_string() => 0,
            _ => 0,
        }
    }

    /// The collation id of a column definition; `connection` is the collation that results are sent in.
    pub fn protocol_charset(&self, connection: u16) -> u16 {
        let text = self.kind.is_string() && self.collation != Collation::Binary;
        if text { connection } else { Collation::Binary.id() }
    }
}
