//! Sets of letters, and classes of one letter: read by us as far as ICU is ICU, and by regex-syntax from there.

use regex_syntax::ast::ErrorKind;
use regex_syntax::hir::{Class as HirClass, ClassUnicode, ClassUnicodeRange, HirKind};

use super::{Parser, error, not_implemented, open_set};
use crate::common::{SqlError, SqlResult, errno};
use crate::sql::functions::regexp::regex::too_big;

impl Parser {
    /// A set, whose bracket is taken already.
    pub(super) fn set(&mut self) -> SqlResult<ClassUnicode> {
        let mut text = String::from("[");
        let mut open = 1;
        if self.take('^') {
            text.push('^');
        }
        // A bracket that comes first is a member.
        if self.take(']') {
            text.push_str("\\]");
        }
        while open > 0 {
            let letter = self.next().ok_or_else(open_set)?;
            match letter {
                '[' if self.peek() == Some(':') => text.push_str(&self.posix()?),
                '[' => {
                    open += 1;
                    text.push('[');
                }
                ']' => {
                    open -= 1;
                    text.push(']');
                }
                '\\' => self.set_escape(&mut text)?,
                '~' if self.peek() == Some('~') => text.push_str("\\~"),
                letter => text.push(letter),
            }
        }
        self.class_of(&text)
    }

    /// [:name:] in a set.
    fn posix(&mut self) -> SqlResult<String> {
        let mut text = String::from("[");
        loop {
            let letter = self.next().ok_or_else(open_set)?;
            text.push(letter);
            if letter == ']' {
                break;
            }
        }
        // ICU's are about all of Unicode.
        let (negated, name) = match text.trim_matches(['[', ']', ':']).strip_prefix('^') {
            Some(name) => (true, name.to_ascii_lowercase()),
            None => (false, text.trim_matches(['[', ']', ':']).to_ascii_lowercase()),
        };
        let members = match name.as_str() {
            "alpha" => "\\p{Alphabetic}",
            "digit" => "\\p{Nd}",
            "alnum" => "\\p{Alphabetic}\\p{Nd}",
            "upper" => "\\p{Uppercase}",
            "lower" => "\\p{Lowercase}",
            "punct" => "\\p{P}",
            "space" => "\\s",
            "blank" => "\\t\\p{Zs}",
            "cntrl" => "\\p{Cc}",
            "xdigit" => "\\p{Nd}a-fA-F",
            "word" => "\\w",
            "graph" => "\\p{L}\\p{M}\\p{N}\\p{P}\\p{S}",
            "print" => "\\p{L}\\p{M}\\p{N}\\p{P}\\p{S}\\p{Zs}",
            _ => {
                return Err(error(
                    errno::REGEXP_ILLEGAL_ARGUMENT,
                    "Illegal argument to a regular expression.",
                ));
            }
        };
        Ok(format!("[{}{members}]", if negated { "^" } else { "" }))
    }

    fn set_escape(&mut self, text: &mut String) -> SqlResult<()> {
        match self.next() {
            Some(letter @ ('d' | 'D' | 'w' | 'W' | 's' | 'S')) => {
                text.push('\\');
                text.push(letter);
            }
            Some(letter @ ('p' | 'P')) => text.push_str(&self.property(letter)?),
            Some('h') => text.push_str("\\t\\p{Zs}"),
            Some('v') => text.push_str("\\n\\x0B\\f\\r\\x85\\u2028\\u2029"),
            Some('N' | 'X' | 'R' | 'H' | 'V') => return Err(not_implemented()),
            Some('b') => text.push_str("\\x08"),
            Some(_) => {
                self.at -= 1;
                let letter = self.escaped_letter()?;
                text.push_str(&format!("\\x{{{:X}}}", u32::from(letter)));
            }
            None => return Err(open_set()),
        }
        Ok(())
    }

    /// The letters that regex-syntax reads from a class of one letter.
    pub(super) fn class_of(&self, text: &str) -> SqlResult<ClassUnicode> {
        let hir = regex_syntax::ParserBuilder::new()
            .case_insensitive(self.flags.ignore_case)
            .nest_limit(50)
            .build()
            .parse(text)
            .map_err(|error| self.class_error(&error))?;
        match hir.kind() {
            HirKind::Class(HirClass::Unicode(class)) => Ok(class.clone()),
            HirKind::Literal(literal) => {
                let letter =
                    std::str::from_utf8(&literal.0).ok().and_then(|text| text.chars().next());
                let letter = letter.ok_or_else(|| self.syntax())?;
                Ok(ClassUnicode::new([ClassUnicodeRange::new(letter, letter)]))
            }
            HirKind::Class(HirClass::Bytes(class)) => {
                class.to_unicode_class().ok_or_else(|| self.syntax())
            }
            // What is left when everything is taken out of a set.
            _ => Ok(ClassUnicode::empty()),
        }
    }

    fn class_error(&self, found: &regex_syntax::Error) -> SqlError {
        let regex_syntax::Error::Parse(found) = found else { return self.syntax() };
        match found.kind() {
            ErrorKind::ClassRangeInvalid => error(
                errno::REGEXP_INVALID_RANGE,
                "The regular expression contains an [x-y] character range where x comes after y.",
            ),
            ErrorKind::ClassUnclosed => open_set(),
            ErrorKind::NestLimitExceeded(_) => too_big(),
            _ => self.syntax(),
        }
    }
}
