//! Statements that change rows.

use super::Walk;
use super::sources::{Frame, Source, same};
use crate::common::SqlResult;
use crate::sql::accounts::{Privilege, Privileges};
use crate::sql::parser::ast::{
    Assignment, Delete, Insert, InsertRows, JoinConstraint, LoadData, LoadTarget, TableRef,
    TriggerEvent, Update,
};

impl<'a> Walk<'a> {
    pub(super) fn insert(&mut self, insert: &'a Insert) -> SqlResult<()> {
        let target = self.source(&insert.table, None);
        self.may_change(&target, Privilege::Insert)?;
        if insert.replace {
            self.may_change_all(&target, Privilege::Delete)?;
        }
        let all = target.table.as_ref().map(|table| {
            table.visible_columns().iter().map(|column| column.name.as_str()).collect::<Vec<_>>()
        });
        let named = insert
            .columns
            .as_ref()
            .map(|columns| columns.iter().map(String::as_str).collect::<Vec<_>>());
        for column in named.or(all).unwrap_or_default() {
            self.may(&target, column, Privilege::Insert)?;
        }
        self.written_view(&target, Privilege::Insert)?;
        self.fired(&target, TriggerEvent::Insert)?;
        if insert.replace {
            self.fired(&target, TriggerEvent::Delete)?;
        }
        if let InsertRows::Query(query) = &insert.rows {
            self.query(query)?;
        }
        let updates = !insert.on_duplicate.is_empty();
        if updates {
            self.written_view(&target, Privilege::Update)?;
            self.fired(&target, TriggerEvent::Update)?;
            for one in &insert.on_duplicate {
                self.may(&target, &one.column, Privilege::Update)?;
            }
        }
        self.frames.push(Frame { sources: vec![target], aliases: Vec::new() });
        if let InsertRows::Values(rows) = &insert.rows {
            rows.iter().flatten().try_for_each(|expr| self.expr(expr))?;
        }
        if let (true, InsertRows::Query(query)) = (updates, &insert.rows)
            && let crate::sql::parser::ast::QueryBody::Select(select) = &query.body
            && let Some(from) = &select.from
        {
            // What is assigned may name columns of what is selected from.
            self.sources_of(from);
        }
        insert.on_duplicate.iter().try_for_each(|one| self.expr(&one.value))?;
        self.frames.pop();
        Ok(())
    }

    pub(super) fn update(&mut self, update: &'a Update) -> SqlResult<()> {
        self.frames.push(Frame::default());
        let mut conditions = Vec::new();
        self.changed(&update.from, &mut conditions)?;
        let sources = self.frames.last().map_or(0, |frame| frame.sources.len());
        for at in 0..sources {
            self.updated(at, &update.assignments, sources == 1)?;
        }
        let values = update.assignments.iter().map(|one| &one.value);
        let order = update.order_by.iter().map(|item| &item.expr);
        conditions
            .into_iter()
            .chain(values)
            .chain(&update.selection)
            .chain(order)
            .chain(&update.limit)
            .try_for_each(|expr| self.expr(expr))?;
        self.frames.pop();
        Ok(())
    }

    /// One of the tables of an UPDATE: it is changed, or only read.
    fn updated(&mut self, at: usize, assignments: &'a [Assignment], alone: bool) -> SqlResult<()> {
        let Some(source) = self.frames.last().map(|frame| &frame.sources[at]) else {
            return Ok(());
        };
        let of_it = |one: &&Assignment| match &one.table {
            Some(name) => source.is_named(name.database.as_deref(), &name.name),
            None => alone || source.has(&one.column),
        };
        let mine: Vec<&Assignment> = assignments.iter().filter(of_it).collect();
        if mine.is_empty() && !alone {
            return self.may_read_some(source);
        }
        self.may_change(source, Privilege::Update)?;
        mine.iter().try_for_each(|one| self.may(source, &one.column, Privilege::Update))?;
        self.written_view(source, Privilege::Update)?;
        self.fired(source, TriggerEvent::Update)
    }

    pub(super) fn delete(&mut self, delete: &'a Delete) -> SqlResult<()> {
        self.frames.push(Frame::default());
        let mut conditions = Vec::new();
        self.changed(&delete.from, &mut conditions)?;
        let Some(frame) = self.frames.last() else { return Ok(()) };
        if delete.targets.is_empty() {
            for source in &frame.sources {
                self.deleted(source)?;
            }
        } else {
            for source in &frame.sources {
                self.may_read_some(source)?;
            }
            for target in &delete.targets {
                let named = |source: &&Source| {
                    source.is_named(target.database.as_deref(), &target.name)
                        || same(&source.name, &target.name)
                };
                frame.sources.iter().filter(named).try_for_each(|one| self.deleted(one))?;
            }
        }
        let order = delete.order_by.iter().map(|item| &item.expr);
        conditions
            .into_iter()
            .chain(&delete.selection)
            .chain(order)
            .chain(&delete.limit)
            .try_for_each(|expr| self.expr(expr))?;
        self.frames.pop();
        Ok(())
    }

    fn deleted(&self, source: &Source) -> SqlResult<()> {
        self.may_change_all(source, Privilege::Delete)?;
        self.written_view(source, Privilege::Delete)?;
        self.fired(source, TriggerEvent::Delete)
    }

    /// LOAD DATA: FILE where the server reads the file.
    pub(super) fn load(&mut self, load: &'a LoadData) -> SqlResult<()> {
        if !load.local && !self.rights().global().contains(Privilege::File) {
            return Err(self.who().no_access());
        }
        let target = self.source(&load.table, None);
        self.may_change(&target, Privilege::Insert)?;
        if load.replace {
            self.may_change_all(&target, Privilege::Delete)?;
        }
        let all = target.table.iter().flat_map(|table| table.visible_columns());
        let all: Vec<String> = all.map(|column| column.name.clone()).collect();
        let named = load.targets.as_ref().map(|targets| {
            let column = |target: &LoadTarget| match target {
                LoadTarget::Column(name) => Some(name.clone()),
                LoadTarget::Variable(_) => None,
            };
            targets.iter().filter_map(column).collect::<Vec<_>>()
        });
        let assigned = load.assignments.iter().map(|one| &one.column);
        for column in named.unwrap_or(all).iter().chain(assigned) {
            self.may(&target, column, Privilege::Insert)?;
        }
        self.written_view(&target, Privilege::Insert)?;
        self.fired(&target, TriggerEvent::Insert)?;
        self.frames.push(Frame { sources: vec![target], aliases: Vec::new() });
        load.assignments.iter().try_for_each(|one| self.expr(&one.value))?;
        self.frames.pop();
        Ok(())
    }

    /// What an UPDATE or a DELETE names behind FROM: whether it may be read is seen by the columns that are named.
    fn changed(
        &mut self,
        from: &'a TableRef,
        conditions: &mut Vec<&'a crate::sql::parser::ast::Expr>,
    ) -> SqlResult<()> {
        match from {
            TableRef::Table { name, alias, .. } => {
                let source = self.source(name, alias.as_deref());
                self.add_source(source);
                Ok(())
            }
            TableRef::Join { left, right, constraint, .. } => {
                self.changed(left, conditions)?;
                self.changed(right, conditions)?;
                match constraint {
                    JoinConstraint::On(expr) => conditions.push(expr),
                    JoinConstraint::Using(columns) => {
                        columns.iter().try_for_each(|column| self.column(None, None, column))?;
                    }
                    JoinConstraint::None | JoinConstraint::Natural => {}
                }
                Ok(())
            }
            other => self.from(other, conditions),
        }
    }

    /// The tables of FROM, which have been checked before.
    fn sources_of(&mut self, from: &'a TableRef) {
        match from {
            TableRef::Table { name, alias, .. } => {
                let source = self.source(name, alias.as_deref());
                self.add_source(source);
            }
            TableRef::Join { left, right, .. } => {
                self.sources_of(left);
                self.sources_of(right);
            }
            TableRef::Derived { .. } | TableRef::Json(_) => {}
        }
    }

    /// Error 1142 unless it has a privilege on a table, or on some of its columns.
    fn may_change(&self, source: &Source, wanted: Privilege) -> SqlResult<()> {
        let some = self.rights().some_column(&source.database, &source.name);
        match some.contains(wanted) {
            true => Ok(()),
            false => self.may_change_all(source, wanted),
        }
    }

    /// Error 1142 unless it has a privilege on a table.
    fn may_change_all(&self, source: &Source, wanted: Privilege) -> SqlResult<()> {
        let has = source.database.is_empty()
            || source.table.as_ref().is_some_and(|table| table.is_temporary())
            || self.rights().table(&source.database, &source.name).has(Privileges::from(wanted));
        if has { Ok(()) } else { Err(self.who().no_table(wanted.text(), &source.name)) }
    }
}
