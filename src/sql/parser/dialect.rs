//! MySQL's dialect as sqlparser is to read it.

use std::any::TypeId;

use sqlparser::dialect::MySqlDialect;

use crate::sql::types::SqlMode;

/// sqlparser's MySQL dialect, with what depends on `sql_mode`.
#[derive(Debug)]
pub(super) struct Dialect {
    /// NO_BACKSLASH_ESCAPES is off.
    pub(super) escapes: bool,
    /// ANSI_QUOTES: double quotes are about names.
    ansi_quotes: bool,
    /// PIPES_AS_CONCAT.
    pub(super) concat: bool,
}

impl Dialect {
    pub(super) fn new(sql_mode: SqlMode) -> Dialect {
        Dialect {
            escapes: !sql_mode.contains(SqlMode::NO_BACKSLASH_ESCAPES),
            ansi_quotes: sql_mode.contains(SqlMode::ANSI_QUOTES),
            concat: sql_mode.contains(SqlMode::PIPES_AS_CONCAT),
        }
    }
}

impl sqlparser::dialect::Dialect for Dialect {
    // The tokenizer asks for it where b'…' and # are MySQL's.
    fn dialect(&self) -> TypeId {
        TypeId::of::<MySqlDialect>()
    }

    // Without @, so that a variable's sign is a token and 'user'@'host' are three.
    fn is_identifier_start(&self, c: char) -> bool {
        c.is_ascii_alphabetic() || c == '_' || c == '$' || !c.is_ascii()
    }

    fn is_identifier_part(&self, c: char) -> bool {
        self.is_identifier_start(c) || c.is_ascii_digit()
    }

    fn is_delimited_identifier_start(&self, c: char) -> bool {
        c == '`' || (c == '"' && self.ansi_quotes)
    }

    fn supports_string_literal_backslash_escape(&self) -> bool {
        self.escapes
    }

    fn requires_single_line_comment_whitespace(&self) -> bool {
        true
    }

    fn supports_numeric_prefix(&self) -> bool {
        true
    }
}
