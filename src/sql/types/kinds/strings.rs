//! CHAR to LONGTEXT, and with the collation `binary`, BINARY to LONGBLOB.

use arrow::datatypes::DataType;
use bytes::Bytes;

use super::{BinaryForm, Class, Kind};
use crate::common::{SqlResult, errno};
use crate::sql::types::describe::flags;
use crate::sql::types::store::Target;
use crate::sql::types::text::float_text_within;
use crate::sql::types::{Collation, Datum, FieldType, TimeZone, shown_bytes};

/// A type of strings.
pub(super) struct Strings {
    /// Of characters, and of bytes.
    names: [&'static str; 2],
    protocol_type: u8,
    /// How long values are without a length.
    width: u32,
    /// What the length counts, and whether one may be given.
    length: Length,
    /// Filled up to its length: with zeros of bytes; of characters spaces at the end are no part of it.
    is_padded: bool,
}

/// How the length of strings is bounded.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Length {
    /// In characters, as declared.
    Declared,
    /// In bytes, by the type: TEXT and BLOB.
    OfType,
}

const fn text(names: [&'static str; 2], width: u32) -> Strings {
    // 252 is BLOB for every size: the length tells them apart.
    Strings { names, protocol_type: 252, width, length: Length::OfType, is_padded: false }
}

pub(super) static CHAR: Strings = Strings {
    names: ["char", "binary"],
    protocol_type: 254,
    width: 1,
    length: Length::Declared,
    is_padded: true,
};
pub(super) static VARCHAR: Strings = Strings {
    names: ["varchar", "varbinary"],
    protocol_type: 253,
    width: 65_535,
    length: Length::Declared,
    is_padded: false,
};
pub(super) static TINYTEXT: Strings = text(["tinytext", "tinyblob"], 0xFF);
pub(super) static TEXT: Strings = text(["text", "blob"], 0xFFFF);
pub(super) static MEDIUMTEXT: Strings = text(["mediumtext", "mediumblob"], 0xFF_FFFF);
pub(super) static LONGTEXT: Strings = text(["longtext", "longblob"], 0xFFFF_FFFF);

fn is_binary(field_type: &FieldType) -> bool {
    field_type.collation == Collation::Binary
}

impl Strings {
    fn characters(&self, bytes: Bytes, target: &Target<'_>) -> SqlResult<Datum> {
        let Ok(text) = std::str::from_utf8(&bytes) else {
            return self.no_text(&bytes, target);
        };
        let set = target.field_type.collation.character_set();
        if let Some(at) = set.first_lacking(text) {
            incorrect(&bytes[at..], target)?;
            let bounded = set.bounded(text).into_owned();
            return self.characters(bounded.into(), target);
        }
        let kept = self.kept_bytes(text, target.field_type);
        let mut bytes = if kept < bytes.len() {
            if text[kept..].trim_end_matches(' ').is_empty() {
                if !self.is_padded {
                    target.note_truncated();
                }
            } else {
                too_long(target)?;
            }
            bytes.slice(..kept)
        } else {
            bytes
        };
        if self.is_padded {
            let end = bytes.iter().rposition(|byte| *byte != b' ').map_or(0, |last| last + 1);
            bytes = bytes.slice(..end);
        }
        Ok(Datum::Bytes(bytes))
    }

    /// What is no text in UTF-8: bytes of the column's own set, or wrong.
    fn no_text(&self, bytes: &Bytes, target: &Target<'_>) -> SqlResult<Datum> {
        let set = target.field_type.collation.character_set();
        if !set.is_kept() {
            return match set.decode(bytes) {
                Ok(text) => self.characters(text.into_owned().into(), target),
                Err(at) => {
                    incorrect(&bytes[at..], target)?;
                    self.characters(set.decode_lossy(&bytes[..at]).into_owned().into(), target)
                }
            };
        }
        let valid =
            std::str::from_utf8(bytes).err().map_or(bytes.len(), |error| error.valid_up_to());
        incorrect(&bytes[valid..], target)?;
        self.characters(bytes.slice(..valid), target)
    }

    /// How many bytes of a text the column holds.
    fn kept_bytes(&self, text: &str, field_type: &FieldType) -> usize {
        let most = self.display_width(field_type) as usize;
        let set = field_type.collation.character_set();
        // A set may write more bytes than UTF-8 has: at most four a character.
        let fits = if set.is_kept() { text.len() <= most } else { text.len() * 4 <= most };
        if fits {
            return text.len();
        }
        match self.length {
            Length::OfType if set.is_kept() => text.floor_char_boundary(most),
            Length::OfType => {
                let mut written = Vec::new();
                let past = text.char_indices().find(|(_, letter)| {
                    set.put(*letter, &mut written);
                    written.len() > most
                });
                past.map_or(text.len(), |(at, _)| at)
            }
            Length::Declared => text.char_indices().nth(most).map_or(text.len(), |(at, _)| at),
        }
    }

    fn bytes(&self, bytes: Bytes, target: &Target<'_>) -> SqlResult<Datum> {
        let most = self.display_width(target.field_type) as usize;
        if bytes.len() > most {
            too_long(target)?;
            return Ok(Datum::Bytes(bytes.slice(..most)));
        }
        if self.is_padded && bytes.len() < most {
            let mut padded = bytes.to_vec();
            padded.resize(most, 0);
            return Ok(Datum::from(padded));
        }
        Ok(Datum::Bytes(bytes))
    }
}

/// Error 1366, with the bytes from the first wrong one on.
fn incorrect(bytes: &[u8], target: &Target<'_>) -> SqlResult<()> {
    target.fail(
        errno::TRUNCATED_WRONG_VALUE_FOR_FIELD,
        &format!("Incorrect string value: '{}'", shown_bytes(bytes)),
    )
}

fn too_long(target: &Target<'_>) -> SqlResult<()> {
    if target.ctx.is_strict() {
        target.fail(errno::DATA_TOO_LONG, "Data too long")
    } else {
        target.data_truncated()
    }
}

impl Kind for Strings {
    #[inline]
    fn class(&self) -> Class {
        Class::String
    }

    fn name(&self, field_type: &FieldType) -> &'static str {
        self.names[usize::from(is_binary(field_type))]
    }

    fn write_parameters(&self, field_type: &FieldType, text: &mut String) {
        if self.length == Length::Declared {
            text.push_str(&format!("({})", self.display_width(field_type)));
        }
    }

    fn protocol_type(&self) -> u8 {
        self.protocol_type
    }

    fn protocol_flags(&self) -> u16 {
        if self.length == Length::OfType { flags::BLOB } else { 0 }
    }

    fn protocol_length(&self, field_type: &FieldType, character_bytes: u32) -> u32 {
        self.display_width(field_type).saturating_mul(character_bytes)
    }

    fn protocol_decimals(&self, _: &FieldType) -> u8 {
        0
    }

    fn binary_form(&self) -> BinaryForm {
        BinaryForm::Text
    }

    fn display_width(&self, field_type: &FieldType) -> u32 {
        match self.length {
            Length::Declared => field_type.length.unwrap_or(self.width),
            Length::OfType => self.width,
        }
    }

    fn arrow_type(&self, field_type: &FieldType) -> DataType {
        if is_binary(field_type) { DataType::Binary } else { DataType::Utf8 }
    }

    fn decode_row(&self, bytes: &[u8], _: &FieldType, _: &TimeZone) -> SqlResult<Datum> {
        Ok(Datum::Bytes(Bytes::copy_from_slice(bytes)))
    }

    fn assign(&self, value: Datum, target: &Target<'_>) -> SqlResult<Datum> {
        let bytes = match value {
            Datum::Bytes(bytes) => bytes,
            Datum::Float(number) => {
                let width = self.display_width(target.field_type) as usize;
                float_text_within(number, width).into_bytes().into()
            }
            other => other.to_bytes(),
        };
        if is_binary(target.field_type) {
            self.bytes(bytes, target)
        } else {
            self.characters(bytes, target)
        }
    }

    fn implicit_default(&self, field_type: &FieldType) -> Datum {
        match self.is_padded && is_binary(field_type) {
            true => Datum::from(vec![0; self.display_width(field_type) as usize]),
            false => Datum::Bytes(Bytes::new()),
        }
    }

    fn same_values(&self, one: &FieldType, other: &FieldType) -> bool {
        !self.is_padded && (one.length == other.length || other.length.is_none())
    }
}
