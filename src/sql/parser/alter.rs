//! CREATE INDEX, DROP, ALTER TABLE, TRUNCATE.

use super::ast::{AlterAction, CreateIndex, Statement};
use super::cursor::Parser;
use crate::common::{SqlError, SqlResult, errno};

/// Actions of ALTER TABLE that are not implemented.
const ACTIONS: &[&str] = &[
    "MODIFY",
    "CHANGE",
    "ALTER",
    "RENAME",
    "CONVERT",
    "DEFAULT",
    "CHARACTER",
    "CHARSET",
    "COLLATE",
    "ENGINE",
    "AUTO_INCREMENT",
    "COMMENT",
    "ENABLE",
    "DISABLE",
    "ORDER",
    "PARTITION",
    "TRUNCATE",
    "FORCE",
    "DISCARD",
    "IMPORT",
    "WITH",
    "WITHOUT",
    "ROW_FORMAT",
    "SET",
    "REMOVE",
    "KEY_BLOCK_SIZE",
];

impl Parser<'_> {
    pub(super) fn create_index(&mut self, unique: bool) -> SqlResult<CreateIndex> {
        let if_not_exists = self.if_not_exists()?;
        let name = self.name()?;
        self.index_type()?;
        self.expect_word("ON")?;
        let table = self.object_name()?;
        let index = self.index_rest(Some(name), false, unique)?;
        self.online_options()?;
        Ok(CreateIndex { table, index, if_not_exists })
    }

    /// Any number of ALGORITHM = … and LOCK = ….
    fn online_options(&mut self) -> SqlResult<()> {
        while self.online_option()? {}
        Ok(())
    }

    /// ALGORITHM = … or LOCK = …, if one is next. Every change here is online and rewrites no row that stands, which is the best
    /// that either can ask for; but an index is never made in an instant.
    fn online_option(&mut self) -> SqlResult<bool> {
        let algorithm = self.at("ALGORITHM");
        if !algorithm && !self.at("LOCK") {
            return Ok(false);
        }
        self.advance();
        self.optional_equals();
        let word = self.any_word()?.to_uppercase();
        match (algorithm, word.as_str()) {
            (true, "INSTANT") => Err(SqlError::new(
                errno::ALTER_OPERATION_NOT_SUPPORTED,
                "ALGORITHM=INSTANT is not supported for this operation. Try ALGORITHM=COPY/INPLACE.",
            )),
            (true, "DEFAULT" | "INPLACE" | "COPY")
            | (false, "DEFAULT" | "NONE" | "SHARED" | "EXCLUSIVE") => Ok(true),
            (true, _) => Err(SqlError::new(
                errno::UNKNOWN_ALTER_ALGORITHM,
                format!("Unknown ALGORITHM '{word}'"),
            )),
            (false, _) => {
                Err(SqlError::new(errno::UNKNOWN_ALTER_LOCK, format!("Unknown LOCK type '{word}'")))
            }
        }
    }

    pub(super) fn drop(&mut self) -> SqlResult<Statement> {
        self.expect_word("DROP")?;
        if self.word("DATABASE") || self.word("SCHEMA") {
            let if_exists = self.if_exists()?;
            return Ok(Statement::DropDatabase { name: self.name()?, if_exists });
        }
        if self.word("USER") {
            return self.drop_user();
        }
        if self.at("TEMPORARY") {
            return Err(SqlError::unsupported("DROP TEMPORARY TABLE"));
        }
        if self.word("TABLE") || self.word("TABLES") {
            let if_exists = self.if_exists()?;
            let tables = self.list(Parser::object_name)?;
            // Words without an effect, in MySQL too.
            if !self.word("RESTRICT") {
                self.word("CASCADE");
            }
            return Ok(Statement::DropTables { tables, if_exists });
        }
        if self.word("INDEX") {
            let name = self.index_name()?;
            self.expect_word("ON")?;
            let table = self.object_name()?;
            self.online_options()?;
            return Ok(Statement::DropIndex { table, name });
        }
        if self.word("PREPARE") {
            return self.name().map(Statement::Deallocate);
        }
        self.unsupported_object("DROP")
    }

    /// An index's name; PRIMARY may be quoted or not.
    fn index_name(&mut self) -> SqlResult<String> {
        if self.at("PRIMARY") { self.any_word() } else { self.name() }
    }

    pub(super) fn alter(&mut self) -> SqlResult<Statement> {
        self.expect_word("ALTER")?;
        if self.at("DATABASE") || self.at("SCHEMA") {
            return Err(SqlError::unsupported("ALTER DATABASE"));
        }
        if self.word("USER") {
            return self.alter_user();
        }
        if !self.word("TABLE") {
            return self.unsupported_object("ALTER");
        }
        let table = self.object_name()?;
        let actions = self.list(|parser| match parser.online_option()? {
            true => Ok(None),
            false => parser.alter_action().map(Some),
        })?;
        let mut actions: Vec<AlterAction> = actions.into_iter().flatten().collect();
        if actions.len() > 1 {
            return Ok(Statement::AlterTable { table, actions });
        }
        Ok(match actions.pop() {
            Some(AlterAction::AddIndex(index)) => {
                Statement::CreateIndex(CreateIndex { table, index, if_not_exists: false })
            }
            Some(AlterAction::DropIndex(name)) => Statement::DropIndex { table, name },
            Some(AlterAction::Keys) => {
                Statement::AlterTable { table, actions: vec![AlterAction::Keys] }
            }
            None => return Err(self.syntax_error()),
        })
    }

    fn alter_action(&mut self) -> SqlResult<AlterAction> {
        if self.word("ADD") {
            let foreign = self.at("FOREIGN")
                || (self.at("CONSTRAINT")
                    && (self.at_nth(1, "FOREIGN") || self.at_nth(2, "FOREIGN")));
            if foreign {
                return Err(SqlError::unsupported("FOREIGN KEY"));
            }
            for word in ["FULLTEXT", "SPATIAL", "CHECK", "PARTITION"] {
                if self.at(word) {
                    return Err(SqlError::unsupported(format!("ALTER TABLE … ADD {word}")));
                }
            }
            return match self.index_definition()? {
                Some(index) => {
                    self.online_options()?;
                    Ok(AlterAction::AddIndex(index))
                }
                None => Err(SqlError::unsupported("ALTER TABLE … ADD COLUMN")),
            };
        }
        if self.word("DROP") {
            if self.word("INDEX") || self.at_all(&["KEY"]) && self.word("KEY") {
                let name = self.index_name()?;
                return Ok(AlterAction::DropIndex(name));
            }
            if self.words(&["PRIMARY", "KEY"]) {
                return Ok(AlterAction::DropIndex("PRIMARY".to_owned()));
            }
            for word in ["FOREIGN", "CHECK", "CONSTRAINT", "PARTITION"] {
                if self.at(word) {
                    return Err(SqlError::unsupported(format!("ALTER TABLE … DROP {word}")));
                }
            }
            return Err(SqlError::unsupported("ALTER TABLE … DROP COLUMN"));
        }
        if self.words(&["ENABLE", "KEYS"]) || self.words(&["DISABLE", "KEYS"]) {
            return Ok(AlterAction::Keys);
        }
        match ACTIONS.iter().find(|word| self.at(word)) {
            Some(word) => Err(SqlError::unsupported(format!("ALTER TABLE … {word}"))),
            None => Err(self.syntax_error()),
        }
    }

    pub(super) fn truncate(&mut self) -> SqlResult<Statement> {
        self.expect_word("TRUNCATE")?;
        self.word("TABLE");
        self.object_name().map(Statement::Truncate)
    }
}
