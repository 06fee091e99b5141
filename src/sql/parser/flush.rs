//! FLUSH.

use super::ast::{Flush, Statement};
use super::cursor::Parser;
use crate::common::{SqlError, SqlResult};

/// What else MySQL flushes, by its first word.
const UNSUPPORTED: &[&str] = &[
    "BINARY",
    "DES_KEY_FILE",
    "ENGINE",
    "ERROR",
    "GENERAL",
    "HOSTS",
    "LOGS",
    "OPTIMIZER_COSTS",
    "QUERY",
    "RELAY",
    "SLOW",
    "USER_RESOURCES",
];

impl Parser<'_> {
    /// FLUSH [LOCAL] PRIVILEGES, STATUS, …, or TABLES.
    pub(super) fn flush(&mut self) -> SqlResult<Statement> {
        self.expect_word("FLUSH")?;
        if !self.word("NO_WRITE_TO_BINLOG") {
            self.word("LOCAL");
        }
        let items = if self.at("TABLES") || self.at("TABLE") {
            vec![self.flush_tables()?]
        } else {
            self.list(Parser::flush_item)?
        };
        Ok(Statement::Flush(items))
    }

    fn flush_item(&mut self) -> SqlResult<Flush> {
        if self.word("PRIVILEGES") {
            return Ok(Flush::Privileges);
        }
        if self.word("STATUS") {
            return Ok(Flush::Status);
        }
        match UNSUPPORTED.iter().find(|word| self.at(word)) {
            Some(word) => Err(SqlError::unsupported(format!("FLUSH {word}"))),
            None => Err(self.syntax_error()),
        }
    }

    /// TABLES [t, …] [WITH READ LOCK].
    fn flush_tables(&mut self) -> SqlResult<Flush> {
        self.advance();
        let named = !self.at_end() && !self.at("WITH") && !self.at("FOR");
        let tables = if named { self.list(Parser::object_name)? } else { Vec::new() };
        if self.words(&["FOR", "EXPORT"]) {
            return Err(SqlError::unsupported("FLUSH TABLES … FOR EXPORT"));
        }
        let lock = self.words(&["WITH", "READ", "LOCK"]);
        Ok(Flush::Tables { tables, lock })
    }
}
