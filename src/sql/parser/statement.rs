//! Which statement it is.

use super::ast::{Maintenance, ObjectName, Statement};
use super::cursor::Parser;
use crate::common::{SqlError, SqlResult};

/// First words of MySQL's (and TiDB's) statements that are not implemented.
const UNSUPPORTED: &[&str] = &[
    "BACKUP",
    "BINLOG",
    "CACHE",
    "CHANGE",
    "CLONE",
    "FLASHBACK",
    "HANDLER",
    "HELP",
    "IMPORT",
    "INSTALL",
    "LOCK",
    "PURGE",
    "RECOVER",
    "RESET",
    "RESTART",
    "RESTORE",
    "SHUTDOWN",
    "START",
    "STOP",
    "TRACE",
    "UNINSTALL",
    "XA",
    "ADMIN",
    "BATCH",
];

impl Parser<'_> {
    /// A query, and where its rows go.
    fn query_statement(&mut self) -> SqlResult<Statement> {
        let query = self.query()?;
        if self.at_into_file() {
            return self.select_into(query);
        }
        if self.at_into() {
            return self.variables_of(query);
        }
        Ok(Statement::Query(Box::new(query)))
    }

    /// One statement.
    pub(super) fn statement(&mut self) -> SqlResult<Statement> {
        if self.at_query() {
            return self.query_statement();
        }
        let token = self.peek();
        let word = self.text(token).to_ascii_uppercase();
        match word.as_slice() {
            b"INSERT" | b"REPLACE" => {
                self.insert().map(|insert| Statement::Insert(Box::new(insert)))
            }
            b"UPDATE" => self.update().map(|update| Statement::Update(Box::new(update))),
            b"DELETE" => self.delete().map(|delete| Statement::Delete(Box::new(delete))),
            b"VALUES" if self.nth_is_op(1, "(") => self.values_without_row(),
            b"VALUES" => self.query().map(|query| Statement::Query(Box::new(query))),
            b"LOAD" => self.load(),
            b"CREATE" => self.create(),
            b"DROP" => self.drop(),
            b"ALTER" => self.alter(),
            b"ANALYZE" => self.analyze(),
            b"CHECKSUM" => self.checksum(),
            b"CHECK" => self.maintain(Maintenance::Check),
            b"OPTIMIZE" => self.maintain(Maintenance::Optimize),
            b"REPAIR" => self.maintain(Maintenance::Repair),
            b"TRUNCATE" => self.truncate(),
            b"RENAME" => self.rename(),
            b"USE" => {
                self.advance();
                self.name().map(Statement::Use)
            }
            b"SET" => self.set(),
            b"SHOW" => self.show(),
            b"DESCRIBE" | b"DESC" | b"EXPLAIN" => self.explain(),
            b"BEGIN" => self.begin(),
            b"START" if self.at_nth(1, "TRANSACTION") => self.start(),
            b"COMMIT" => self.commit(),
            b"ROLLBACK" => self.rollback(),
            b"SAVEPOINT" => {
                self.advance();
                self.name().map(Statement::Savepoint)
            }
            b"RELEASE" => {
                self.advance();
                self.expect_word("SAVEPOINT")?;
                self.name().map(Statement::ReleaseSavepoint)
            }
            b"PREPARE" => self.prepare(),
            b"EXECUTE" => self.execute(),
            b"DEALLOCATE" => {
                self.advance();
                self.expect_word("PREPARE")?;
                self.name().map(Statement::Deallocate)
            }
            b"CALL" | b"SIGNAL" | b"RESIGNAL" | b"GET" => self.program_statement(),
            b"GRANT" => self.grant(),
            b"REVOKE" => self.revoke(),
            b"KILL" => self.kill(),
            b"SPLIT" => self.split(),
            b"DO" => {
                self.advance();
                self.list(Parser::expr).map(Statement::Do)
            }
            b"LOCK" if self.at_nth(1, "TABLES") || self.at_nth(1, "TABLE") => {
                self.advance();
                self.advance();
                self.list(Parser::table_lock).map(Statement::LockTables)
            }
            b"FLUSH" => self.flush(),
            b"UNLOCK" => self.unlock(),
            _ => self.unknown_statement(),
        }
    }

    /// VALUES (…), which lacks a ROW.
    fn values_without_row(&mut self) -> SqlResult<Statement> {
        self.advance();
        Err(self.syntax_error())
    }

    /// UNLOCK TABLES.
    fn unlock(&mut self) -> SqlResult<Statement> {
        self.advance();
        if self.at("INSTANCE") {
            return Err(SqlError::unsupported("UNLOCK INSTANCE"));
        }
        if !self.word("TABLES") {
            self.expect_word("TABLE")?;
        }
        Ok(Statement::UnlockTables)
    }

    /// A table with its lock; an alias changes nothing, since the lock is the table's.
    fn table_lock(&mut self) -> SqlResult<(ObjectName, bool)> {
        let table = self.object_name()?;
        let kinds = ["READ", "WRITE", "LOW_PRIORITY"];
        if self.word("AS") || !kinds.iter().any(|word| self.at(word)) {
            self.name()?;
        }
        if self.word("READ") {
            self.word("LOCAL");
            return Ok((table, false));
        }
        self.word("LOW_PRIORITY");
        self.expect_word("WRITE")?;
        Ok((table, true))
    }

    /// After a verb: what it may be about elsewhere.
    fn unknown_object(&mut self, verb: &str, objects: &[&str]) -> SqlResult<Statement> {
        self.advance();
        match objects.iter().find(|object| self.at(object)) {
            Some(object) => Err(SqlError::unsupported(format!("{verb} {object}"))),
            None => Err(self.syntax_error()),
        }
    }

    fn unknown_statement(&mut self) -> SqlResult<Statement> {
        match UNSUPPORTED.iter().find(|word| self.at(word)) {
            Some(&"LOCK") => self.unknown_object("LOCK", &["INSTANCE"]),
            Some(&"START") => {
                self.unknown_object("START", &["SLAVE", "REPLICA", "GROUP_REPLICATION"])
            }
            Some(word) => Err(SqlError::unsupported(word)),
            None => Err(self.syntax_error()),
        }
    }
}
