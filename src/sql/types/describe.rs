//! A type as SQL and the protocol describe it.

use super::{BinaryForm, Charset, Collation, FieldType, TypeKind};

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
    /// ENUM.
    pub const ENUM: u16 = 256;
    /// AUTO_INCREMENT.
    pub const AUTO_INCREMENT: u16 = 512;
    /// TIMESTAMP.
    pub const TIMESTAMP: u16 = 1024;
    /// SET.
    pub const SET: u16 = 2048;
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
        self.kind.definition().write_parameters(self, &mut text);
        if self.unsigned && self.kind.is_numeric() && self.kind != TypeKind::Bit {
            text.push_str(" unsigned");
        }
        if self.zerofill {
            text.push_str(" zerofill");
        }
        text
    }

    /// The type's name without its parameters: `int`, `varbinary`.
    pub fn kind_name(&self) -> &'static str {
        self.kind.definition().name(self)
    }

    /// The type byte of a column definition.
    pub fn protocol_type(&self) -> u8 {
        self.kind.definition().protocol_type()
    }

    /// The flags of a column definition that follow from the type; keys and defaults are for the caller to add.
    pub fn protocol_flags(&self) -> u16 {
        let mut set = self.kind.definition().protocol_flags();
        let mut add = |condition: bool, flag: u16| set |= if condition { flag } else { 0 };
        add(self.not_null, flags::NOT_NULL);
        add(self.unsigned, flags::UNSIGNED);
        add(self.zerofill, flags::ZEROFILL);
        add(!self.kind.is_textual() || self.collation == Collation::Binary, flags::BINARY);
        add(self.kind.is_numeric() && self.kind != TypeKind::Bit, flags::NUMERIC);
        set
    }

    /// The length of a column definition, in bytes of the character set that results are sent in; without one, of its own.
    pub fn protocol_length(&self, results: Option<Charset>) -> u32 {
        let bytes = if self.collation == Collation::Binary { None } else { results };
        let width = bytes.unwrap_or_else(|| self.collation.character_set()).max_bytes();
        self.kind.definition().protocol_length(self, width)
    }

    /// The decimals of a column definition: 31 when a float has no fixed number of them.
    pub fn protocol_decimals(&self) -> u8 {
        self.kind.definition().protocol_decimals(self)
    }

    /// The form its values have in a row of the binary protocol.
    pub fn binary_form(&self) -> BinaryForm {
        self.kind.definition().binary_form()
    }

    /// The collation id of a column definition; `connection` is the collation that results are sent in.
    pub fn protocol_charset(&self, connection: u16) -> u16 {
        let text = self.kind.is_textual() && self.collation != Collation::Binary;
        if text { connection } else { Collation::Binary.id() }
    }
}
