//! The `sql_mode` variable.

use std::fmt;

use crate::common::{SqlError, SqlResult, errno};

/// A set of SQL modes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SqlMode(u32);

macro_rules! modes {
    ($($name:ident = $bit:literal;)*) => {
        impl SqlMode {
            $(#[doc = concat!("The mode ", stringify!($name), ".")] pub const $name: SqlMode = SqlMode(1 << $bit);)*
            const NAMES: &'static [(&'static str, SqlMode)] = &[$((stringify!($name), SqlMode::$name)),*];
        }
    };
}

// In the order in which MySQL lists them.
modes! {
    REAL_AS_FLOAT = 0;
    PIPES_AS_CONCAT = 1;
    ANSI_QUOTES = 2;
    IGNORE_SPACE = 3;
    ONLY_FULL_GROUP_BY = 4;
    NO_UNSIGNED_SUBTRACTION = 5;
    NO_DIR_IN_CREATE = 6;
    ANSI = 7;
    NO_AUTO_VALUE_ON_ZERO = 8;
    NO_BACKSLASH_ESCAPES = 9;
    STRICT_TRANS_TABLES = 10;
    STRICT_ALL_TABLES = 11;
    NO_ZERO_IN_DATE = 12;
    NO_ZERO_DATE = 13;
    ALLOW_INVALID_DATES = 14;
    ERROR_FOR_DIVISION_BY_ZERO = 15;
    TRADITIONAL = 16;
    HIGH_NOT_PRECEDENCE = 17;
    NO_ENGINE_SUBSTITUTION = 18;
    PAD_CHAR_TO_FULL_LENGTH = 19;
    TIME_TRUNCATE_FRACTIONAL = 21;
}

impl SqlMode {
    /// No mode at all.
    pub const EMPTY: SqlMode = SqlMode(0);

    /// The names of all modes.
    pub fn names() -> impl Iterator<Item = &'static str> {
        Self::NAMES.iter().map(|(name, _)| *name)
    }

    /// Whether every mode of `other` is set.
    pub const fn contains(self, other: SqlMode) -> bool {
        self.0 & other.0 == other.0
    }

    /// This set and the modes of `other`.
    #[must_use]
    pub const fn with(self, other: SqlMode) -> SqlMode {
        SqlMode(self.0 | other.0)
    }

    /// This set without the modes of `other`.
    #[must_use]
    pub const fn without(self, other: SqlMode) -> SqlMode {
        SqlMode(self.0 & !other.0)
    }

    /// Whether bad values are errors when written.
    pub const fn is_strict(self) -> bool {
        self.0 & (SqlMode::STRICT_TRANS_TABLES.0 | SqlMode::STRICT_ALL_TABLES.0) != 0
    }

    /// Reads the variable's value: names separated by commas, in any case. An unknown name is error 1231.
    pub fn parse(text: &str) -> SqlResult<SqlMode> {
        let mut mode = SqlMode::EMPTY;
        for name in text.split(',').map(str::trim).filter(|name| !name.is_empty()) {
            let found = Self::NAMES.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
            let Some((_, bit)) = found else {
                return Err(SqlError::new(
                    errno::WRONG_VALUE_FOR_VAR,
                    format!("Variable 'sql_mode' can't be set to the value of '{name}'"),
                ));
            };
            mode = mode.with(*bit);
        }
        if mode.contains(SqlMode::ANSI) {
            let parts = [
                SqlMode::REAL_AS_FLOAT,
                SqlMode::PIPES_AS_CONCAT,
                SqlMode::ANSI_QUOTES,
                SqlMode::IGNORE_SPACE,
                SqlMode::ONLY_FULL_GROUP_BY,
            ];
            mode = parts.into_iter().fold(mode, SqlMode::with);
        }
        if mode.contains(SqlMode::TRADITIONAL) {
            let parts = [
                SqlMode::STRICT_TRANS_TABLES,
                SqlMode::STRICT_ALL_TABLES,
                SqlMode::NO_ZERO_IN_DATE,
                SqlMode::NO_ZERO_DATE,
                SqlMode::ERROR_FOR_DIVISION_BY_ZERO,
                SqlMode::NO_ENGINE_SUBSTITUTION,
            ];
            mode = parts.into_iter().fold(mode, SqlMode::with);
        }
        Ok(mode)
    }
}

impl Default for SqlMode {
    /// MySQL 8.0's default.
    fn default() -> SqlMode {
        SqlMode::ONLY_FULL_GROUP_BY
            .with(SqlMode::STRICT_TRANS_TABLES)
            .with(SqlMode::NO_ZERO_IN_DATE)
            .with(SqlMode::NO_ZERO_DATE)
            .with(SqlMode::ERROR_FOR_DIVISION_BY_ZERO)
            .with(SqlMode::NO_ENGINE_SUBSTITUTION)
    }
}

impl fmt::Display for SqlMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = Self::NAMES.iter().filter(|(_, bit)| self.contains(*bit));
        for (position, (name, _)) in names.enumerate() {
            if position > 0 {
                f.write_str(",")?;
            }
            f.write_str(name)?;
        }
        Ok(())
    }
}
