//! CREATE TRIGGER and DROP TRIGGER.

use std::collections::BTreeMap;

use super::super::ast::{CreateTrigger, Statement, TriggerEvent, UserName};
use super::super::cursor::Parser;
use super::names::TriggerRows;
use super::{Body, Names, ProgramKind};
use crate::common::{SqlError, SqlResult, errno};

impl Parser<'_> {
    /// After CREATE … TRIGGER.
    pub(super) fn create_trigger(&mut self, definer: Option<UserName>) -> SqlResult<Statement> {
        let if_not_exists = self.if_not_exists()?;
        let name = self.object_name()?;
        let before = self.word("BEFORE");
        if !before {
            self.expect_word("AFTER")?;
        }
        let event = if self.word("INSERT") {
            TriggerEvent::Insert
        } else if self.word("UPDATE") {
            TriggerEvent::Update
        } else {
            self.expect_word("DELETE")?;
            TriggerEvent::Delete
        };
        self.expect_word("ON")?;
        let table = self.object_name()?;
        ["FOR", "EACH", "ROW"].iter().try_for_each(|word| self.expect_word(word))?;
        let follows = self.word("FOLLOWS");
        let place = match follows || self.word("PRECEDES") {
            true => Some((follows, self.name()?)),
            false => None,
        };
        if self.in_program() {
            let message = "Can't create a TRIGGER from within another stored routine";
            return Err(SqlError::new(errno::SP_NO_RECURSIVE_CREATE, message));
        }
        let mut names = Names::default();
        names.blocks.push(BTreeMap::new());
        names.rows = Some(TriggerRows {
            new: event != TriggerEvent::Delete,
            old: event != TriggerEvent::Insert,
            may_set: before,
        });
        let start = self.peek().start;
        *self.dialect.names.borrow_mut() = Some(names);
        let read = Body::read(self.sql, start, self.dialect, ProgramKind::Trigger);
        self.dialect.names.take();
        let read = read?;
        self.ends_at = Some((read.end, read.next));
        self.shape.add(&read.shape);
        Ok(Statement::CreateTrigger(Box::new(CreateTrigger {
            name,
            if_not_exists,
            definer,
            before,
            event,
            table,
            place,
            body_text: self.text_between(start, read.end),
            body: read.body,
        })))
    }

    /// After DROP TRIGGER.
    pub(in crate::sql::parser) fn drop_trigger(&mut self) -> SqlResult<Statement> {
        let if_exists = self.if_exists()?;
        let name = self.object_name()?;
        Ok(Statement::DropTrigger { name, if_exists })
    }
}
