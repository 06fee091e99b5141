//! CREATE INDEX, DROP, ALTER TABLE, TRUNCATE.

use super::ast::{AlterAction, ColumnPlace, CreateIndex, Renamed, Statement};
use super::cursor::Parser;
use crate::common::{SqlError, SqlResult, errno};

/// Actions of ALTER TABLE that are not implemented.
const ACTIONS: &[&str] = &[
    "PARTITION",
    "TRUNCATE",
    "DISCARD",
    "IMPORT",
    "WITH",
    "WITHOUT",
    "SET",
    "REMOVE",
    "ANALYZE",
    "CHECK",
    "OPTIMIZE",
    "REBUILD",
    "REPAIR",
    "COALESCE",
    "REORGANIZE",
    "EXCHANGE",
    "SECONDARY_LOAD",
    "SECONDARY_UNLOAD",
];

/// How a change is to be made.
#[derive(Default)]
struct OnlineOptions {
    instant: bool,
    /// LOCK = NONE.
    open: bool,
    /// LOCK, and not DEFAULT.
    locks: bool,
}

/// Error 1845.
pub(in crate::sql) fn not_instant() -> SqlError {
    SqlError::new(
        errno::ALTER_OPERATION_NOT_SUPPORTED,
        "ALGORITHM=INSTANT is not supported for this operation. Try ALGORITHM=COPY/INPLACE.",
    )
}

impl Parser<'_> {
    pub(super) fn create_index(&mut self, unique: bool, fulltext: bool) -> SqlResult<CreateIndex> {
        let if_not_exists = self.if_not_exists()?;
        let name = self.name()?;
        let btree = !fulltext && self.index_type()?;
        self.expect_word("ON")?;
        let table = self.object_name()?;
        let mut index = match fulltext {
            true => self.fulltext_rest(Some(name))?,
            false => self.index_rest(Some(name), false, unique)?,
        };
        index.notes.btree |= btree;
        self.online_options()?;
        Ok(CreateIndex { table, index, if_not_exists })
    }

    /// Any number of ALGORITHM = … and LOCK = …. An index is never made or dropped in an instant.
    fn online_options(&mut self) -> SqlResult<()> {
        let mut options = OnlineOptions::default();
        while self.online_option(&mut options)? {}
        match options.instant {
            true => Err(not_instant()),
            false => Ok(()),
        }
    }

    /// ALGORITHM = … or LOCK = …, if one is next. Every change here is online and rewrites no row that stands, which is the best
    /// that either can ask for; but whether it takes no longer than an instant depends on what is changed.
    fn online_option(&mut self, options: &mut OnlineOptions) -> SqlResult<bool> {
        let algorithm = self.at("ALGORITHM");
        if !algorithm && !self.at("LOCK") {
            return Ok(false);
        }
        self.advance();
        self.optional_equals();
        let word = self.any_word()?.to_uppercase();
        match (algorithm, word.as_str()) {
            (true, "DEFAULT" | "INPLACE" | "COPY" | "INSTANT") => {
                options.instant = word == "INSTANT";
            }
            (false, "DEFAULT" | "NONE" | "SHARED" | "EXCLUSIVE") => {
                options.locks = word != "DEFAULT";
                options.open = word == "NONE";
            }
            (true, _) => {
                return Err(SqlError::new(
                    errno::UNKNOWN_ALTER_ALGORITHM,
                    format!("Unknown ALGORITHM '{word}'"),
                ));
            }
            (false, _) => {
                let message = format!("Unknown LOCK type '{word}'");
                return Err(SqlError::new(errno::UNKNOWN_ALTER_LOCK, message));
            }
        }
        Ok(true)
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
        if self.word("ROLE") {
            return self.drop_role();
        }
        let temporary = self.word("TEMPORARY");
        if temporary && !self.at("TABLE") && !self.at("TABLES") {
            return Err(self.syntax_error());
        }
        if self.word("TABLE") || self.word("TABLES") {
            let if_exists = self.if_exists()?;
            let tables = self.list(Parser::object_name)?;
            // Words without an effect, in MySQL too.
            if !self.word("RESTRICT") {
                self.word("CASCADE");
            }
            return Ok(Statement::DropTables { tables, if_exists, temporary });
        }
        if self.word("VIEW") {
            return self.drop_views();
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
        if self.word("TRIGGER") {
            return self.drop_trigger();
        }
        if let Some(kind) = self.routine_kind() {
            return self.drop_routine(kind);
        }
        self.unsupported_object("DROP")
    }

    /// An index's name; PRIMARY may be quoted or not.
    fn index_name(&mut self) -> SqlResult<String> {
        if self.at("PRIMARY") { self.any_word() } else { self.name() }
    }

    pub(super) fn alter(&mut self) -> SqlResult<Statement> {
        self.expect_word("ALTER")?;
        if self.word("DATABASE") || self.word("SCHEMA") {
            return self.alter_database();
        }
        if self.word("USER") {
            return self.alter_user();
        }
        if let Some(kind) = self.routine_kind() {
            return self.alter_routine(kind);
        }
        if self.at_view() && !self.at("OR") {
            return self.create_view("ALTER");
        }
        if !self.word("TABLE") {
            return self.unsupported_object("ALTER");
        }
        let table = self.object_name()?;
        let mut options = OnlineOptions::default();
        let mut actions = Vec::new();
        // No action at all is one of MySQL's: it changes nothing.
        if !self.at_end() {
            self.list(|parser| match parser.online_option(&mut options)? {
                true => Ok(()),
                false => parser.alter_action(&mut actions),
            })?;
        }
        // After the actions, without a comma.
        if !self.at_end()
            && let Some(action) = self.partition_action()?
        {
            actions.push(AlterAction::Partitions(action));
        }
        if options.instant && options.locks {
            let message = "Incorrect usage of ALGORITHM=INSTANT and LOCK=NONE/SHARED/EXCLUSIVE";
            return Err(SqlError::new(errno::WRONG_USAGE, message));
        }
        let OnlineOptions { instant, open, .. } = options;
        Ok(Statement::AlterTable { table, actions, instant, open })
    }

    /// ADD …: a key, a column, or several of both in parentheses.
    fn add_action(&mut self, actions: &mut Vec<AlterAction>) -> SqlResult<()> {
        if self.at_foreign_key() {
            actions.push(AlterAction::AddForeignKey(self.foreign_key()?));
            return Ok(());
        }
        if self.at_check() {
            actions.push(AlterAction::AddCheck(self.check(None)?));
            return Ok(());
        }
        if self.at("SPATIAL") {
            return Err(SqlError::unsupported("ALTER TABLE … ADD SPATIAL"));
        }
        if let Some(index) = self.index_definition()? {
            actions.push(AlterAction::AddIndex(index));
            return Ok(());
        }
        self.word("COLUMN");
        let (mut indexes, mut checks) = (Vec::new(), Vec::new());
        if self.at_op("(") {
            self.parenthesised(|parser| {
                if parser.at_check() {
                    checks.push(parser.check(None)?);
                } else if let Some(index) = parser.index_definition()? {
                    indexes.push(index);
                } else {
                    let name = parser.name()?;
                    let mut column = parser.column_definition(name, &mut indexes)?;
                    checks.append(&mut column.checks);
                    actions.push(AlterAction::AddColumn(column, None));
                }
                Ok(())
            })?;
        } else {
            let name = self.name()?;
            let mut column = self.column_definition(name, &mut indexes)?;
            checks.append(&mut column.checks);
            let place = self.column_place()?;
            actions.push(AlterAction::AddColumn(column, place));
        }
        actions.extend(indexes.into_iter().map(AlterAction::AddIndex));
        actions.extend(checks.into_iter().map(AlterAction::AddCheck));
        Ok(())
    }

    /// [FIRST | AFTER column].
    fn column_place(&mut self) -> SqlResult<Option<ColumnPlace>> {
        Ok(if self.word("FIRST") {
            Some(ColumnPlace::First)
        } else if self.word("AFTER") {
            Some(ColumnPlace::After(self.name()?))
        } else {
            None
        })
    }

    /// A name, TO, and another one.
    fn renamed(&mut self) -> SqlResult<Renamed> {
        let from = self.name()?;
        self.expect_word("TO")?;
        Ok(Renamed { from, to: self.name()? })
    }

    /// One action, or what it stands for.
    fn alter_action(&mut self, actions: &mut Vec<AlterAction>) -> SqlResult<()> {
        if let Some(action) = self.partition_action()? {
            actions.push(AlterAction::Partitions(action));
            return Ok(());
        }
        if self.word("ADD") {
            return self.add_action(actions);
        }
        let changes = self.word("CHANGE");
        if changes || self.word("MODIFY") {
            self.word("COLUMN");
            let from = self.name()?;
            let name = if changes { self.name()? } else { from.clone() };
            let mut indexes = Vec::new();
            let mut column = self.column_definition(name, &mut indexes)?;
            let checks = std::mem::take(&mut column.checks);
            let place = self.column_place()?;
            actions.push(AlterAction::ModifyColumn(from, column, place));
            actions.extend(indexes.into_iter().map(AlterAction::AddIndex));
            actions.extend(checks.into_iter().map(AlterAction::AddCheck));
            return Ok(());
        }
        actions.push(self.other_action()?);
        Ok(())
    }

    /// [COLUMN] name SET DEFAULT value | DROP DEFAULT.
    fn alter_column(&mut self) -> SqlResult<AlterAction> {
        let any = self.word("CONSTRAINT");
        if any || self.word("CHECK") {
            let name = self.name()?;
            let enforced = self.enforced()?.ok_or_else(|| self.syntax_error())?;
            return Ok(AlterAction::EnforceCheck(name, enforced, any));
        }
        if self.word("INDEX") {
            let name = self.index_name()?;
            let visible = self.word("VISIBLE");
            if !visible {
                self.expect_word("INVISIBLE")?;
            }
            return Ok(AlterAction::IndexVisibility(name, visible));
        }
        self.word("COLUMN");
        let name = self.name()?;
        if self.words(&["DROP", "DEFAULT"]) {
            return Ok(AlterAction::SetDefault(name, None));
        }
        if self.words(&["SET", "VISIBLE"]) {
            return Ok(AlterAction::ColumnVisibility(name, true));
        }
        if self.words(&["SET", "INVISIBLE"]) {
            return Ok(AlterAction::ColumnVisibility(name, false));
        }
        self.expect_words(&["SET", "DEFAULT"])?;
        // CURRENT_TIMESTAMP is an expression here, and would need its parentheses.
        if self.at_op("(") {
            return Ok(AlterAction::SetDefaultExpr(name, self.bracketed()?));
        }
        Ok(AlterAction::SetDefault(name, Some(self.signed_literal()?)))
    }

    fn other_action(&mut self) -> SqlResult<AlterAction> {
        if self.word("DROP") {
            if self.word("INDEX") || self.at_all(&["KEY"]) && self.word("KEY") {
                let name = self.index_name()?;
                return Ok(AlterAction::DropIndex(name));
            }
            if self.words(&["PRIMARY", "KEY"]) {
                return Ok(AlterAction::DropIndex("PRIMARY".to_owned()));
            }
            if self.words(&["FOREIGN", "KEY"]) {
                return self.name().map(AlterAction::DropForeignKey);
            }
            if self.word("CONSTRAINT") {
                return self.name().map(AlterAction::DropConstraint);
            }
            if self.word("CHECK") {
                return self.name().map(AlterAction::DropCheck);
            }
            self.word("COLUMN");
            return self.name().map(AlterAction::DropColumn);
        }
        if self.words(&["RENAME", "COLUMN"]) {
            return self.renamed().map(AlterAction::RenameColumn);
        }
        if self.words(&["RENAME", "INDEX"]) || self.words(&["RENAME", "KEY"]) {
            return self.renamed().map(AlterAction::RenameIndex);
        }
        if self.word("RENAME") {
            if !self.word("TO") && !self.word("AS") {
                self.op("=");
            }
            return self.object_name().map(AlterAction::RenameTo);
        }
        if self.word("ALTER") {
            return self.alter_column();
        }
        if self.words(&["CONVERT", "TO"]) {
            return self.convert_to();
        }
        if self.word("FORCE") {
            return Ok(AlterAction::Force);
        }
        if self.words(&["ORDER", "BY"]) {
            return self.alter_order_by();
        }
        if self.words(&["ENABLE", "KEYS"]) || self.words(&["DISABLE", "KEYS"]) {
            return Ok(AlterAction::Keys);
        }
        if let Some(word) = ACTIONS.iter().find(|word| self.at(word)) {
            return Err(SqlError::unsupported(format!("ALTER TABLE … {word}")));
        }
        let mut options = Vec::new();
        while let Some(option) = self.table_option()? {
            options.push(option);
        }
        match options.is_empty() {
            true => Err(self.syntax_error()),
            false => Ok(AlterAction::Options(options)),
        }
    }

    /// CHARACTER SET name | DEFAULT [COLLATE name], after CONVERT TO.
    fn convert_to(&mut self) -> SqlResult<AlterAction> {
        if !self.character_set()? {
            return Err(self.syntax_error());
        }
        self.optional_equals();
        let charset = match self.word("DEFAULT") {
            true => None,
            false => Some(self.word_or_string()?.to_lowercase()),
        };
        let mut collation = None;
        if self.word("COLLATE") {
            self.optional_equals();
            collation = Some(self.word_or_string()?.to_lowercase());
        }
        Ok(AlterAction::ConvertTo(charset, collation))
    }

    /// The columns of ORDER BY. It takes the rest of the statement, as commas go on with it.
    fn alter_order_by(&mut self) -> SqlResult<AlterAction> {
        let columns = self.list(|parser| {
            let column = parser.name()?;
            if !parser.word("ASC") {
                parser.word("DESC");
            }
            Ok(column)
        })?;
        Ok(AlterAction::OrderBy(columns))
    }

    /// RENAME TABLE a TO b, ….
    pub(super) fn rename(&mut self) -> SqlResult<Statement> {
        self.expect_word("RENAME")?;
        if self.word("USER") {
            return self.rename_users();
        }
        if !self.word("TABLES") {
            self.expect_word("TABLE")?;
        }
        let renames = self.list(|parser| {
            let from = parser.object_name()?;
            parser.expect_word("TO")?;
            Ok((from, parser.object_name()?))
        })?;
        Ok(Statement::RenameTables(renames))
    }

    pub(super) fn truncate(&mut self) -> SqlResult<Statement> {
        self.expect_word("TRUNCATE")?;
        self.word("TABLE");
        self.object_name().map(Statement::Truncate)
    }
}
