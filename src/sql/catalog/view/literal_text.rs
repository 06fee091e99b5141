//! Literals and types as text, as MySQL writes them.

use std::fmt::Write;

use super::expr_text::Writer;
use crate::sql::parser::ast::{CastType, Introducer, Literal};

impl Writer<'_> {
    /// A literal, in a form that every `sql_mode` reads alike.
    pub(super) fn literal(&mut self, literal: &Literal) {
        let _ = match literal {
            Literal::Null => write!(self.text, "NULL"),
            Literal::Bool(value) => write!(self.text, "{value}"),
            Literal::Integer(number) => write!(self.text, "{number}"),
            Literal::Decimal(digits) => write!(self.text, "{digits}"),
            Literal::Float(number) => write!(self.text, "{number:e}"),
            Literal::String(bytes, Some(Introducer { charset, quoted: false })) => {
                write!(self.text, "_{charset} x'{}'", hex(bytes))
            }
            Literal::String(bytes, introducer) => {
                if let Some(Introducer { charset, .. }) = introducer {
                    let _ = write!(self.text, "_{charset}");
                }
                self.string(bytes);
                Ok(())
            }
            Literal::Hex(bytes) => write!(self.text, "x'{}'", hex(bytes)),
            Literal::Bit(bytes) => {
                let bits: String = bytes.iter().map(|byte| format!("{byte:08b}")).collect();
                write!(self.text, "b'{bits}'")
            }
            Literal::Date(text) => write!(self.text, "DATE'{text}'"),
            Literal::Time(text) => write!(self.text, "TIME'{text}'"),
            Literal::Timestamp(text) => write!(self.text, "TIMESTAMP'{text}'"),
        };
    }

    /// A string in quotes; in hexadecimal if it is no text.
    pub(super) fn string(&mut self, bytes: &[u8]) {
        let Ok(text) = std::str::from_utf8(bytes) else {
            let _ = write!(self.text, " x'{}'", hex(bytes));
            return;
        };
        self.text.push('\'');
        for letter in text.chars() {
            match letter {
                '\'' => self.text.push_str("\\'"),
                '\\' => self.text.push_str("\\\\"),
                '\n' => self.text.push_str("\\n"),
                '\r' => self.text.push_str("\\r"),
                '\0' => self.text.push_str("\\0"),
                '\u{1a}' => self.text.push_str("\\Z"),
                other => self.text.push(other),
            }
        }
        self.text.push('\'');
    }
}

/// Bytes in hexadecimal.
fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The type of a CAST.
pub(super) fn cast_target(target: &CastType) -> String {
    let sized = |word: &str, size: &Option<u32>| match size {
        Some(size) => format!("{word}({size})"),
        None => word.to_owned(),
    };
    match target {
        CastType::Signed => "signed".to_owned(),
        CastType::Unsigned => "unsigned".to_owned(),
        CastType::Char(length, charset) => {
            let charset = charset.as_deref().unwrap_or("utf8mb4");
            format!("{} charset {charset}", sized("char", length))
        }
        CastType::Binary(length) => sized("binary", length),
        CastType::Decimal(Some(digits), Some(scale)) => format!("decimal({digits},{scale})"),
        CastType::Decimal(digits, _) => sized("decimal", digits),
        CastType::Double => "double".to_owned(),
        CastType::Float => "float".to_owned(),
        CastType::Date => "date".to_owned(),
        CastType::DateTime(digits) => sized("datetime", digits),
        CastType::Time(digits) => sized("time", digits),
        CastType::Year => "year".to_owned(),
        CastType::Json => "json".to_owned(),
    }
}
