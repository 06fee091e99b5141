//! FOREIGN KEY … REFERENCES ….

use super::ast::{ForeignKeyDefinition, ReferentialAction};
use super::cursor::Parser;
use crate::common::{SqlError, SqlResult};

impl Parser<'_> {
    /// Whether [CONSTRAINT [name]] FOREIGN KEY is next.
    pub(super) fn at_foreign_key(&self) -> bool {
        self.at("FOREIGN")
            || (self.at("CONSTRAINT") && (self.at_nth(1, "FOREIGN") || self.at_nth(2, "FOREIGN")))
    }

    /// [CONSTRAINT [name]] FOREIGN KEY [name] (columns) REFERENCES ….
    pub(super) fn foreign_key(&mut self) -> SqlResult<ForeignKeyDefinition> {
        let mut name = None;
        if self.word("CONSTRAINT") && !self.at("FOREIGN") {
            name = Some(self.name()?);
        }
        self.expect_words(&["FOREIGN", "KEY"])?;
        let index_name = if self.at_op("(") { None } else { Some(self.name()?) };
        let columns = self.parenthesised(Parser::name)?;
        let mut definition = self.references(true)?;
        definition.name = name;
        definition.index_name = index_name;
        definition.columns = columns;
        Ok(definition)
    }

    /// REFERENCES of a column: MySQL 8.0 reads it and makes nothing of it, so that it is no foreign key.
    pub(super) fn column_references(&mut self) -> SqlResult<bool> {
        if !self.at("REFERENCES") {
            return Ok(false);
        }
        self.references(false)?;
        Ok(true)
    }

    /// REFERENCES table [(columns)] [MATCH SIMPLE] [ON DELETE action] [ON UPDATE action].
    fn references(&mut self, foreign_key: bool) -> SqlResult<ForeignKeyDefinition> {
        self.expect_word("REFERENCES")?;
        let parent = self.object_name()?;
        let parent_columns = match self.at_op("(") {
            true => self.parenthesised(Parser::name)?,
            false => Vec::new(),
        };
        for kind in ["FULL", "PARTIAL"] {
            if foreign_key && self.at_all(&["MATCH", kind]) {
                return Err(SqlError::unsupported(format!("MATCH {kind}")));
            }
        }
        if self.word("MATCH") && !(self.word("FULL") || self.word("PARTIAL")) {
            self.expect_word("SIMPLE")?;
        }
        let (mut on_delete, mut on_update) = (None, None);
        while self.at("ON") {
            let rule = match self.at_nth(1, "DELETE") {
                true => &mut on_delete,
                false => &mut on_update,
            };
            self.advance();
            if rule.is_some() || !(self.word("DELETE") || self.word("UPDATE")) {
                return Err(self.syntax_error());
            }
            *rule = Some(self.referential_action()?);
        }
        Ok(ForeignKeyDefinition {
            name: None,
            index_name: None,
            columns: Vec::new(),
            parent,
            parent_columns,
            on_delete: on_delete.unwrap_or_default(),
            on_update: on_update.unwrap_or_default(),
        })
    }

    fn referential_action(&mut self) -> SqlResult<ReferentialAction> {
        let actions = [
            (["RESTRICT", ""], ReferentialAction::Restrict),
            (["CASCADE", ""], ReferentialAction::Cascade),
            (["SET", "NULL"], ReferentialAction::SetNull),
            (["SET", "DEFAULT"], ReferentialAction::SetDefault),
            (["NO", "ACTION"], ReferentialAction::NoAction),
        ];
        for ([first, second], action) in actions {
            let words = if second.is_empty() { vec![first] } else { vec![first, second] };
            if self.words(&words) {
                return Ok(action);
            }
        }
        Err(self.syntax_error())
    }
}
