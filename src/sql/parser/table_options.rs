//! What stands behind the columns of CREATE TABLE, and as an action in ALTER TABLE.

use super::ast::TableOption;
use super::cursor::Parser;
use crate::common::{SqlError, SqlResult, errno};

impl Parser<'_> {
    pub(super) fn table_options(&mut self) -> SqlResult<Vec<TableOption>> {
        let mut options = Vec::new();
        let mut comma = false;
        loop {
            match self.table_option()? {
                Some(option) => options.push(option),
                None if comma => return Err(self.syntax_error()),
                None => return Ok(options),
            }
            comma = self.op(",");
        }
    }

    /// One option, if one is next.
    pub(super) fn table_option(&mut self) -> SqlResult<Option<TableOption>> {
        let default = self.word("DEFAULT");
        Ok(Some(if self.character_set()? {
            self.optional_equals();
            TableOption::Charset(self.word_or_string()?.to_lowercase())
        } else if self.word("COLLATE") {
            self.optional_equals();
            TableOption::Collation(self.word_or_string()?.to_lowercase())
        } else if self.word("ENCRYPTION") {
            self.encryption()?;
            TableOption::NoEncryption
        } else if default {
            return Err(self.syntax_error());
        } else if self.word("ENGINE") {
            self.optional_equals();
            TableOption::Engine(self.word_or_string()?)
        } else if self.word("COMMENT") {
            self.optional_equals();
            TableOption::Comment(self.string()?)
        } else if self.word("AUTO_INCREMENT") {
            self.optional_equals();
            TableOption::AutoIncrement(self.integer()?)
        } else if let Some(option) = self.storage_option()? {
            option
        } else if let Some(word) = self.unsupported_table_option() {
            return Err(SqlError::unsupported(word));
        } else {
            return Ok(None);
        }))
    }

    /// How MySQL's engines are to keep a table: what it may be is checked, and only recorded, as MySQL does it.
    fn storage_option(&mut self) -> SqlResult<Option<TableOption>> {
        const WORDS: &[(&str, &[&str])] = &[
            ("ROW_FORMAT", &["DEFAULT", "DYNAMIC", "FIXED", "COMPRESSED", "REDUNDANT", "COMPACT"]),
            ("INSERT_METHOD", &["NO", "FIRST", "LAST"]),
            ("COMPRESSION", &[]),
            ("PACK_KEYS", &["DEFAULT"]),
            ("STATS_AUTO_RECALC", &["DEFAULT"]),
            ("STATS_PERSISTENT", &["DEFAULT"]),
            ("STATS_SAMPLE_PAGES", &["DEFAULT"]),
            ("KEY_BLOCK_SIZE", &[]),
            ("AVG_ROW_LENGTH", &[]),
            ("CHECKSUM", &[]),
            ("DELAY_KEY_WRITE", &[]),
            ("MAX_ROWS", &[]),
            ("MIN_ROWS", &[]),
        ];
        let Some((name, words)) = WORDS.iter().find(|(word, _)| self.at(word)) else {
            return Ok(None);
        };
        self.advance();
        self.optional_equals();
        let value = match words.iter().find(|word| self.at(word)) {
            Some(word) => {
                self.advance();
                (*word).to_owned()
            }
            None if *name == "COMPRESSION" => self.compression()?,
            None if ["ROW_FORMAT", "INSERT_METHOD"].contains(name) => {
                return Err(self.syntax_error());
            }
            None => self.integer()?.to_string(),
        };
        Ok(Some(TableOption::Storage((*name).to_owned(), value)))
    }

    /// The text of COMPRESSION: one of InnoDB's, or error 1112.
    fn compression(&mut self) -> SqlResult<String> {
        let name = self.string()?;
        if ["", "none", "zlib", "lz4"].iter().any(|known| known.eq_ignore_ascii_case(&name)) {
            return Ok(name);
        }
        Err(SqlError::new(
            errno::UNSUPPORTED_EXTENSION,
            format!("InnoDB: Unsupported compression algorithm '{name}'"),
        ))
    }

    /// [DEFAULT] ENCRYPTION = 'N', which is how everything is kept.
    pub(super) fn encryption(&mut self) -> SqlResult<()> {
        self.optional_equals();
        let wanted = self.string()?;
        match wanted.to_ascii_uppercase().as_str() {
            "N" => Ok(()),
            "Y" => Err(SqlError::unsupported("ENCRYPTION")),
            _ => Err(SqlError::new(
                errno::WRONG_VALUE,
                format!("Incorrect argument (should be Y or N) value: '{wanted}'"),
            )),
        }
    }

    fn unsupported_table_option(&self) -> Option<&'static str> {
        const OPTIONS: &[&str] = &[
            "CONNECTION",
            "DATA",
            "SHARD_ROW_ID_BITS",
            "PRE_SPLIT_REGIONS",
            "TABLESPACE",
            "UNION",
            "TTL",
            "PLACEMENT",
            "PASSWORD",
            "SECONDARY_ENGINE",
            "AUTOEXTEND_SIZE",
            "ENGINE_ATTRIBUTE",
            "SECONDARY_ENGINE_ATTRIBUTE",
            "START",
            "INDEX",
            "STORAGE",
        ];
        OPTIONS.iter().find(|word| self.at(word)).copied()
    }
}
