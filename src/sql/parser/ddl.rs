//! CREATE, DROP, ALTER and TRUNCATE.

use super::ast::{
    CreateDatabase, CreateSelect, CreateTable, DatabaseOptions, IndexDefinition, IndexExpr,
    IndexNotes, IndexPart, Statement,
};
use super::cursor::Parser;
use crate::common::{SqlError, SqlResult, errno};
use crate::sql::fulltext::FulltextParser;

impl Parser<'_> {
    pub(super) fn create(&mut self) -> SqlResult<Statement> {
        self.expect_word("CREATE")?;
        if self.word("DATABASE") || self.word("SCHEMA") {
            return self.create_database();
        }
        if self.word("USER") {
            return self.create_user();
        }
        if self.word("ROLE") {
            return self.create_role();
        }
        let temporary = self.word("TEMPORARY");
        if temporary || self.at("TABLE") {
            self.expect_word("TABLE")?;
            return self
                .create_table(temporary)
                .map(|table| Statement::CreateTable(Box::new(table)));
        }
        if let Some(program) = self.create_program(None)? {
            return Ok(program);
        }
        if self.at_view() {
            return self.create_view("CREATE");
        }
        let unique = self.word("UNIQUE");
        let fulltext = !unique && self.word("FULLTEXT");
        if self.word("INDEX") {
            return self.create_index(unique, fulltext).map(Statement::CreateIndex);
        }
        if unique || fulltext {
            return Err(self.syntax_error());
        }
        self.unsupported_object("CREATE")
    }

    /// Objects of MySQL's that do not exist here.
    pub(super) fn unsupported_object(&mut self, verb: &str) -> SqlResult<Statement> {
        const OBJECTS: &[&str] = &[
            "FUNCTION",
            "PROCEDURE",
            "EVENT",
            "SPATIAL",
            "SERVER",
            "TABLESPACE",
            "SEQUENCE",
            "LOGFILE",
            "RESOURCE",
            "PLACEMENT",
            "GLOBAL",
            "SESSION",
            "BINDING",
            "UNDO",
            "AGGREGATE",
            "INSTANCE",
        ];
        match OBJECTS.iter().find(|object| self.at(object)) {
            Some(object) => Err(SqlError::unsupported(format!("{verb} {object}"))),
            None => Err(self.syntax_error()),
        }
    }

    pub(super) fn if_not_exists(&mut self) -> SqlResult<bool> {
        let written = self.word("IF");
        if written {
            self.expect_words(&["NOT", "EXISTS"])?;
        }
        Ok(written)
    }

    pub(super) fn if_exists(&mut self) -> SqlResult<bool> {
        let written = self.word("IF");
        if written {
            self.expect_word("EXISTS")?;
        }
        Ok(written)
    }

    fn create_database(&mut self) -> SqlResult<Statement> {
        let if_not_exists = self.if_not_exists()?;
        let name = self.name()?;
        let options = self.database_options()?.0;
        Ok(Statement::CreateDatabase(CreateDatabase { name, if_not_exists, options }))
    }

    /// The options of a database, and how many there are.
    fn database_options(&mut self) -> SqlResult<(DatabaseOptions, usize)> {
        let mut options = DatabaseOptions::default();
        for count in 0.. {
            let default = self.word("DEFAULT");
            if self.character_set()? {
                self.optional_equals();
                options.charset = Some(self.word_or_string()?.to_lowercase());
            } else if self.word("COLLATE") {
                self.optional_equals();
                options.collation = Some(self.word_or_string()?.to_lowercase());
            } else if self.word("ENCRYPTION") {
                self.encryption()?;
            } else if default {
                return Err(self.syntax_error());
            } else {
                return Ok((options, count));
            }
        }
        unreachable!("the end of the text is no option")
    }

    /// ALTER DATABASE [name] option …; READ ONLY is a state that only MySQL's own tools ask for.
    pub(super) fn alter_database(&mut self) -> SqlResult<Statement> {
        let begins = ["DEFAULT", "CHARACTER", "CHARSET", "COLLATE", "ENCRYPTION", "READ"];
        let named = !begins.iter().any(|word| self.at(word));
        let name = if named { Some(self.name()?) } else { None };
        if self.at("READ") {
            return Err(SqlError::unsupported("ALTER DATABASE … READ ONLY"));
        }
        match self.database_options()? {
            (_, 0) => Err(self.syntax_error()),
            (options, _) => Ok(Statement::AlterDatabase { name, options }),
        }
    }

    fn create_table(&mut self, temporary: bool) -> SqlResult<CreateTable> {
        let if_not_exists = self.if_not_exists()?;
        let name = self.object_name()?;
        let mut table = CreateTable { temporary, if_not_exists, ..CreateTable::named(name) };
        if self.word("LIKE") {
            table.like = Some(self.object_name()?);
            return Ok(table);
        }
        if self.at_op("(") && self.at_nth(1, "LIKE") {
            self.advance();
            self.advance();
            table.like = Some(self.object_name()?);
            self.expect_op(")")?;
            return Ok(table);
        }
        if self.at_op("(") && !self.at_query() {
            self.parenthesised(|parser| parser.table_element(&mut table))?;
        }
        table.options = self.table_options()?;
        table.partitions = self.partition_by()?;
        let replace = self.word("REPLACE");
        let ignore = !replace && self.word("IGNORE");
        if self.word("AS") || replace || ignore || self.at_query() {
            let query = Box::new(self.query()?);
            table.select = Some(CreateSelect { replace, ignore, query });
        }
        Ok(table)
    }

    fn table_element(&mut self, table: &mut CreateTable) -> SqlResult<()> {
        if self.at("SPATIAL") {
            return Err(SqlError::unsupported("SPATIAL indexes"));
        }
        if self.at_foreign_key() {
            table.foreign_keys.push(self.foreign_key()?);
            return Ok(());
        }
        if self.at_check() {
            table.checks.push(self.check(None)?);
            return Ok(());
        }
        match self.index_definition()? {
            Some(index) => table.indexes.push(index),
            None => {
                let name = self.name()?;
                let mut column = self.column_definition(name, &mut table.indexes)?;
                table.checks.append(&mut column.checks);
                table.columns.push(column);
            }
        }
        Ok(())
    }

    /// [CONSTRAINT name] PRIMARY KEY …, UNIQUE …, KEY …; `None` if no key begins here.
    pub(super) fn index_definition(&mut self) -> SqlResult<Option<IndexDefinition>> {
        if self.word("FULLTEXT") {
            if !self.word("KEY") {
                self.word("INDEX");
            }
            let name = if self.at_name() { Some(self.name()?) } else { None };
            return self.fulltext_rest(name).map(Some);
        }
        let mut constraint = None;
        let named = self.word("CONSTRAINT");
        if named && self.at_name() {
            constraint = Some(self.name()?);
        }
        let (primary, unique) = if self.word("PRIMARY") {
            self.expect_word("KEY")?;
            (true, true)
        } else if self.word("UNIQUE") {
            if !self.word("KEY") {
                self.word("INDEX");
            }
            (false, true)
        } else if !named && (self.word("KEY") || self.word("INDEX")) {
            (false, false)
        } else if named {
            return Err(self.syntax_error());
        } else {
            return Ok(None);
        };
        let written = if self.at_name() && !self.at("USING") { Some(self.name()?) } else { None };
        let name = if primary { None } else { written.or(constraint) };
        self.index_rest(name, primary, unique).map(Some)
    }

    /// What follows the name of a FULLTEXT index.
    pub(super) fn fulltext_rest(&mut self, name: Option<String>) -> SqlResult<IndexDefinition> {
        if !self.at_op("(") {
            return Err(self.syntax_error());
        }
        self.rest_of_index(name, (false, false), Some(FulltextParser::Words))
    }

    /// What follows an index's name.
    pub(super) fn index_rest(
        &mut self,
        name: Option<String>,
        primary: bool,
        unique: bool,
    ) -> SqlResult<IndexDefinition> {
        self.rest_of_index(name, (primary, unique), None)
    }

    fn rest_of_index(
        &mut self,
        name: Option<String>,
        (primary, unique): (bool, bool),
        mut fulltext: Option<FulltextParser>,
    ) -> SqlResult<IndexDefinition> {
        let mut notes = IndexNotes { btree: self.index_type()?, ..IndexNotes::default() };
        let parts = self.parenthesised(Parser::index_part)?;
        let mut invisible = false;
        loop {
            if self.word("COMMENT") {
                notes.comment = self.string()?;
            } else if self.word("KEY_BLOCK_SIZE") {
                self.optional_equals();
                notes.key_block_size = u32::try_from(self.integer()?).unwrap_or(u32::MAX);
            } else if fulltext.is_none() && self.at("USING") {
                notes.btree = self.index_type()?;
            } else if fulltext.is_some() && self.at_all(&["WITH", "PARSER"]) {
                fulltext = Some(self.fulltext_parser()?);
            } else if self.word("INVISIBLE") {
                invisible = true;
            } else if self.word("VISIBLE") {
                invisible = false;
            } else if self.at("ENGINE_ATTRIBUTE") || self.at("SECONDARY_ENGINE_ATTRIBUTE") {
                return Err(SqlError::unsupported("ENGINE_ATTRIBUTE"));
            } else if self.at("NONCLUSTERED") {
                return Err(SqlError::unsupported("NONCLUSTERED"));
            } else if !primary || !self.word("CLUSTERED") {
                return Ok(IndexDefinition {
                    name,
                    primary,
                    unique,
                    parts,
                    notes,
                    invisible,
                    fulltext,
                });
            }
        }
    }

    /// WITH PARSER name: there is one that does not come with the server itself.
    fn fulltext_parser(&mut self) -> SqlResult<FulltextParser> {
        self.expect_words(&["WITH", "PARSER"])?;
        let name = self.name()?;
        if name.eq_ignore_ascii_case("ngram") {
            return Ok(FulltextParser::Ngram);
        }
        if name.eq_ignore_ascii_case("mecab") {
            return Err(SqlError::unsupported("WITH PARSER mecab"));
        }
        Err(SqlError::new(errno::FUNCTION_NOT_DEFINED, format!("Function '{name}' is not defined")))
    }

    /// USING BTREE, and whether that is written (HASH is made a B-tree by InnoDB, and here).
    pub(super) fn index_type(&mut self) -> SqlResult<bool> {
        if !self.word("USING") && !self.word("TYPE") || self.word("HASH") {
            return Ok(false);
        }
        if self.word("BTREE") {
            return Ok(true);
        }
        if self.at("RTREE") {
            return Err(SqlError::unsupported("USING RTREE"));
        }
        Err(self.syntax_error())
    }

    fn index_part(&mut self) -> SqlResult<IndexPart> {
        let mut part = IndexPart::column("");
        if self.at_op("(") {
            self.expect_op("(")?;
            let expr = self.expr()?;
            self.expect_op(")")?;
            part.expr = Some(IndexExpr(Box::new(expr)));
        } else {
            part.column = self.name()?;
            part.length = self.optional_length()?;
        }
        part.descending = self.word("DESC");
        if !part.descending {
            self.word("ASC");
        }
        Ok(part)
    }
}
