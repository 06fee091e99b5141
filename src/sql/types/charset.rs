//! Character sets: what there are, and texts from and to their bytes.
//!
//! A text is UTF-8 wherever it is kept and worked with. That it belongs to another set bounds which characters it may have, and
//! says which bytes it is where bytes are asked for: on the wire, in HEX() and LENGTH(), beside a string of bytes.

mod codes;

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

pub(super) use self::codes::Codes;
use super::Collation;
use crate::common::{SqlError, SqlResult, errno};

/// How a set writes its characters.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    /// No characters at all.
    Bytes,
    /// UTF-8, of three bytes or of four at most.
    Utf8,
    /// Two bytes of the basic plane, big-endian.
    Ucs2,
    /// UTF-16, big-endian.
    Utf16,
    /// UTF-16, little-endian.
    Utf16le,
    /// Four bytes, big-endian.
    Utf32,
    /// By the standard of that name.
    Gb18030,
    /// By a table.
    Table,
}

/// The sets, one a line: name, description, default collation, bytes of a character at most, form.
macro_rules! charsets {
    ($($set:ident = $name:literal, $description:literal, $collation:ident, $bytes:literal, $form:ident;)*) => {
        /// A character set.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[allow(missing_docs, reason = "they are what their names say")]
        pub enum Charset { $($set),* }

        impl Charset {
            /// All of them, by name.
            pub const ALL: &[Charset] = &[$(Charset::$set),*];

            /// Its name in SQL.
            pub const fn name(self) -> &'static str {
                match self { $(Charset::$set => $name),* }
            }

            /// What it is, as SHOW CHARACTER SET says.
            pub const fn description(self) -> &'static str {
                match self { $(Charset::$set => $description),* }
            }

            /// The collation of texts that say none.
            pub const fn default_collation(self) -> Collation {
                match self { $(Charset::$set => Collation::$collation),* }
            }

            /// The most bytes of a character.
            pub const fn max_bytes(self) -> u32 {
                match self { $(Charset::$set => $bytes),* }
            }

            const fn form(self) -> Form {
                match self { $(Charset::$set => Form::$form),* }
            }
        }
    };
}

charsets! {
    Armscii8 = "armscii8", "ARMSCII-8 Armenian", Armscii8GeneralCi, 1, Table;
    Ascii = "ascii", "US ASCII", AsciiGeneralCi, 1, Table;
    Big5 = "big5", "Big5 Traditional Chinese", Big5ChineseCi, 2, Table;
    Binary = "binary", "Binary pseudo charset", Binary, 1, Bytes;
    Cp1250 = "cp1250", "Windows Central European", Cp1250GeneralCi, 1, Table;
    Cp1251 = "cp1251", "Windows Cyrillic", Cp1251GeneralCi, 1, Table;
    Cp1256 = "cp1256", "Windows Arabic", Cp1256GeneralCi, 1, Table;
    Cp1257 = "cp1257", "Windows Baltic", Cp1257GeneralCi, 1, Table;
    Cp850 = "cp850", "DOS West European", Cp850GeneralCi, 1, Table;
    Cp852 = "cp852", "DOS Central European", Cp852GeneralCi, 1, Table;
    Cp866 = "cp866", "DOS Russian", Cp866GeneralCi, 1, Table;
    Cp932 = "cp932", "SJIS for Windows Japanese", Cp932JapaneseCi, 2, Table;
    Dec8 = "dec8", "DEC West European", Dec8SwedishCi, 1, Table;
    Eucjpms = "eucjpms", "UJIS for Windows Japanese", EucjpmsJapaneseCi, 3, Table;
    Euckr = "euckr", "EUC-KR Korean", EuckrKoreanCi, 2, Table;
    Gb18030 = "gb18030", "China National Standard GB18030", Gb18030Bin, 4, Gb18030;
    Gb2312 = "gb2312", "GB2312 Simplified Chinese", Gb2312ChineseCi, 2, Table;
    Gbk = "gbk", "GBK Simplified Chinese", GbkChineseCi, 2, Table;
    Geostd8 = "geostd8", "GEOSTD8 Georgian", Geostd8GeneralCi, 1, Table;
    Greek = "greek", "ISO 8859-7 Greek", GreekGeneralCi, 1, Table;
    Hebrew = "hebrew", "ISO 8859-8 Hebrew", HebrewGeneralCi, 1, Table;
    Hp8 = "hp8", "HP West European", Hp8EnglishCi, 1, Table;
    Keybcs2 = "keybcs2", "DOS Kamenicky Czech-Slovak", Keybcs2GeneralCi, 1, Table;
    Koi8r = "koi8r", "KOI8-R Relcom Russian", Koi8rGeneralCi, 1, Table;
    Koi8u = "koi8u", "KOI8-U Ukrainian", Koi8uGeneralCi, 1, Table;
    Latin1 = "latin1", "cp1252 West European", Latin1SwedishCi, 1, Table;
    Latin2 = "latin2", "ISO 8859-2 Central European", Latin2GeneralCi, 1, Table;
    Latin5 = "latin5", "ISO 8859-9 Turkish", Latin5TurkishCi, 1, Table;
    Latin7 = "latin7", "ISO 8859-13 Baltic", Latin7GeneralCi, 1, Table;
    Macce = "macce", "Mac Central European", MacceGeneralCi, 1, Table;
    Macroman = "macroman", "Mac West European", MacromanGeneralCi, 1, Table;
    Sjis = "sjis", "Shift-JIS Japanese", SjisJapaneseCi, 2, Table;
    Swe7 = "swe7", "7bit Swedish", Swe7SwedishCi, 1, Table;
    Tis620 = "tis620", "TIS620 Thai", Tis620Bin, 1, Table;
    Ucs2 = "ucs2", "UCS-2 Unicode", Ucs2GeneralCi, 2, Ucs2;
    Ujis = "ujis", "EUC-JP Japanese", UjisJapaneseCi, 3, Table;
    Utf16 = "utf16", "UTF-16 Unicode", Utf16GeneralCi, 4, Utf16;
    Utf16le = "utf16le", "UTF-16LE Unicode", Utf16leGeneralCi, 4, Utf16le;
    Utf32 = "utf32", "UTF-32 Unicode", Utf32GeneralCi, 4, Utf32;
    Utf8mb3 = "utf8mb3", "UTF-8 Unicode", Utf8mb3GeneralCi, 3, Utf8;
    Utf8mb4 = "utf8mb4", "UTF-8 Unicode", Utf8mb4Bin, 4, Utf8;
}

/// What stands for a character that a set has not.
const LOST: u8 = b'?';

impl Charset {
    /// The set of that name, in any case; error 1115 if there is none.
    pub fn by_name(name: &str) -> SqlResult<Charset> {
        // The old name of what has three bytes at most.
        let wanted = if name.eq_ignore_ascii_case("utf8") { "utf8mb3" } else { name };
        let found = Charset::ALL.iter().find(|set| set.name().eq_ignore_ascii_case(wanted));
        found.copied().ok_or_else(|| {
            SqlError::new(errno::UNKNOWN_CHARACTER_SET, format!("Unknown character set: '{name}'"))
        })
    }

    /// The collation of its codes, that of bytes for `binary`.
    pub fn bin(self) -> Collation {
        let mut all = Collation::ALL.iter().filter(|one| one.character_set() == self);
        // `utf8mb4_bin` stands before `utf8mb4_0900_bin`.
        all.find(|one| one.name().ends_with("bin")).copied().unwrap_or(Collation::Binary)
    }

    /// The set of a file's texts; error 1235 where they would have to be converted.
    pub fn of_file(name: &str) -> SqlResult<Charset> {
        let set = Charset::by_name(name)?;
        if set.is_kept() || set == Charset::Ascii {
            return Ok(set);
        }
        Err(SqlError::unsupported(format!("CHARACTER SET {} of a file", set.name())))
    }

    /// Whether its texts are the bytes that they are kept as.
    pub const fn is_kept(self) -> bool {
        matches!(self.form(), Form::Utf8 | Form::Bytes)
    }

    /// Whether it has all characters of Unicode's basic plane.
    pub const fn is_unicode(self) -> bool {
        !matches!(self.form(), Form::Table | Form::Bytes | Form::Gb18030)
    }

    /// Whether ASCII is written as what it is: a client may then speak it.
    pub const fn may_be_spoken(self) -> bool {
        !matches!(self.form(), Form::Ucs2 | Form::Utf16 | Form::Utf16le | Form::Utf32)
    }

    /// Appends a character as the set writes it; `false`: it has none, and nothing is appended.
    pub fn put(self, letter: char, out: &mut Vec<u8>) -> bool {
        let code = u32::from(letter);
        match self.form() {
            Form::Utf8 if self == Charset::Utf8mb3 && code > 0xFFFF => return false,
            Form::Utf8 | Form::Bytes => {
                out.extend_from_slice(letter.encode_utf8(&mut [0; 4]).as_bytes());
            }
            Form::Ucs2 => match u16::try_from(code) {
                Ok(unit) => out.extend_from_slice(&unit.to_be_bytes()),
                Err(_) => return false,
            },
            Form::Utf16 => {
                let mut units = [0; 2];
                out.extend(
                    letter.encode_utf16(&mut units).iter().flat_map(|unit| unit.to_be_bytes()),
                );
            }
            Form::Utf16le => {
                let mut units = [0; 2];
                out.extend(
                    letter.encode_utf16(&mut units).iter().flat_map(|unit| unit.to_le_bytes()),
                );
            }
            Form::Utf32 => out.extend_from_slice(&code.to_be_bytes()),
            Form::Gb18030 => {
                let mut text = [0; 4];
                let (bytes, _, lost) = encoding_rs::GB18030.encode(letter.encode_utf8(&mut text));
                if lost {
                    return false;
                }
                out.extend_from_slice(&bytes);
            }
            Form::Table => return Codes::of(self).put(letter, out),
        }
        true
    }

    /// Whether it has all characters of a text.
    pub fn has(self, text: &str) -> bool {
        self.first_lacking(text).is_none()
    }

    /// Where the first character is that the set has not.
    pub fn first_lacking(self, text: &str) -> Option<usize> {
        if text.is_ascii() && !matches!(self, Charset::Swe7) {
            return None;
        }
        match self {
            Charset::Utf8mb4
            | Charset::Binary
            | Charset::Utf16
            | Charset::Utf16le
            | Charset::Utf32 => None,
            _ => {
                let mut bytes = Vec::new();
                text.char_indices()
                    .find(|(_, letter)| !self.put(*letter, &mut bytes))
                    .map(|(at, _)| at)
            }
        }
    }

    /// A text with `?` for what the set has not.
    pub fn bounded(self, text: &str) -> Cow<'_, str> {
        if self.has(text) {
            return Cow::Borrowed(text);
        }
        let mut bytes = Vec::new();
        Cow::Owned(
            text.chars()
                .map(|letter| if self.put(letter, &mut bytes) { letter } else { '?' })
                .collect(),
        )
    }

    /// The bytes of a text in the set, `?` for what it has not.
    pub fn encode(self, text: &[u8]) -> Cow<'_, [u8]> {
        if self == Charset::Utf8mb4
            || self == Charset::Binary
            || text.is_ascii() && self.is_ascii_like()
        {
            return Cow::Borrowed(text);
        }
        let text = super::utf8(text);
        let mut bytes = Vec::with_capacity(text.len() * 2);
        for letter in text.chars() {
            if !self.put(letter, &mut bytes) {
                let lost = self.put(char::from(LOST), &mut bytes);
                debug_assert!(lost, "every set has a question mark");
            }
        }
        Cow::Owned(bytes)
    }

    /// Whether ASCII has the bytes that it has in UTF-8.
    const fn is_ascii_like(self) -> bool {
        self.may_be_spoken() && !matches!(self, Charset::Swe7)
    }

    /// The text of bytes in the set; where the first byte is that begins no character of it, if there is one.
    pub fn decode(self, bytes: &[u8]) -> Result<Cow<'_, str>, usize> {
        if bytes.is_ascii() && self.is_ascii_like() || self.is_kept() {
            let text = std::str::from_utf8(bytes).map_err(|error| error.valid_up_to())?;
            return match self {
                Charset::Utf8mb3 => {
                    match text.char_indices().find(|(_, letter)| u32::from(*letter) > 0xFFFF) {
                        Some((at, _)) => Err(at),
                        None => Ok(Cow::Borrowed(text)),
                    }
                }
                _ => Ok(Cow::Borrowed(text)),
            };
        }
        let mut text = String::with_capacity(bytes.len() * 2);
        let mut at = 0;
        while at < bytes.len() {
            let (letter, len) = self.letter(&bytes[at..]).ok_or(at)?;
            text.push(letter);
            at += len;
        }
        Ok(Cow::Owned(text))
    }

    /// The text of bytes in the set, with `?` for bytes that begin no character of it.
    pub fn decode_lossy(self, bytes: &[u8]) -> Cow<'_, str> {
        if let Ok(text) = self.decode(bytes) {
            return text;
        }
        if self.is_kept() {
            return String::from_utf8_lossy(bytes);
        }
        let mut text = String::with_capacity(bytes.len() * 2);
        let mut rest = bytes;
        while !rest.is_empty() {
            let (letter, len) = self.letter(rest).unwrap_or(('?', 1));
            text.push(letter);
            rest = &rest[len..];
        }
        Cow::Owned(text)
    }

    /// The bytes of a character that a literal of too few of them means: those of wide sets are filled up with zeros in front.
    pub fn aligned(self, bytes: &[u8]) -> Cow<'_, [u8]> {
        let width = match self.form() {
            Form::Ucs2 | Form::Utf16 | Form::Utf16le => 2,
            Form::Utf32 => 4,
            Form::Bytes | Form::Utf8 | Form::Gb18030 | Form::Table => 1,
        };
        match bytes.len() % width {
            0 => Cow::Borrowed(bytes),
            over => {
                let mut filled = vec![0; width - over];
                filled.extend_from_slice(bytes);
                Cow::Owned(filled)
            }
        }
    }

    /// The first character of bytes and how many it takes.
    fn letter(self, bytes: &[u8]) -> Option<(char, usize)> {
        let units = |from_bytes: fn([u8; 2]) -> u16| {
            let mut units =
                bytes.chunks_exact(2).take(2).map(|pair| from_bytes([pair[0], pair[1]]));
            let letter = char::decode_utf16(units.by_ref()).next()?.ok()?;
            Some((letter, letter.len_utf16() * 2))
        };
        match self.form() {
            Form::Ucs2 => {
                let unit = u16::from_be_bytes([*bytes.first()?, *bytes.get(1)?]);
                Some((char::from_u32(unit.into())?, 2))
            }
            Form::Utf16 => units(u16::from_be_bytes),
            Form::Utf16le => units(u16::from_le_bytes),
            Form::Utf32 => {
                let code = bytes.get(..4)?;
                Some((char::from_u32(u32::from_be_bytes([code[0], code[1], code[2], code[3]]))?, 4))
            }
            // A byte above ASCII is none alone, whatever the web's standard says of 0x80.
            Form::Gb18030 => (1..=bytes.len().min(4)).find_map(|len| {
                if len == 1 && !bytes[0].is_ascii() {
                    return None;
                }
                let found = encoding_rs::GB18030
                    .decode_without_bom_handling_and_without_replacement(&bytes[..len])?;
                let mut letters = found.chars();
                Some((letters.next().filter(|_| letters.next().is_none())?, len))
            }),
            Form::Table => Codes::of(self).letter(bytes),
            Form::Utf8 | Form::Bytes => {
                let text = bytes.utf8_chunks().next()?.valid();
                let letter = text.chars().next()?;
                Some((letter, letter.len_utf8()))
            }
        }
    }
}

/// Bytes as MySQL shows them in errors: the first six, those that are no printable ASCII as `\\x41`.
pub fn shown_bytes(bytes: &[u8]) -> String {
    let shown = bytes.iter().take(6).map(|byte| match byte {
        0x20..=0x7E => char::from(*byte).to_string(),
        byte => format!("\\x{byte:02X}"),
    });
    shown.collect::<String>() + if bytes.len() > 6 { "..." } else { "" }
}
