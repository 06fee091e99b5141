//! LOAD DATA.

use std::sync::Arc;

use bytes::Bytes;

use super::binder::Binder;
use super::dml::{check_generated, target_column};
use super::physical::{Assignment, ConflictAction, InsertPlan, InsertSource, TargetTable};
use super::scope::Scope;
use crate::common::SqlResult;
use crate::sql::parser::ast::{self, LoadTarget};

/// A row of a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FileRow {
    /// Its values; `None` is NULL.
    pub values: Vec<Option<Bytes>>,
    /// There were more than were asked for.
    pub is_cut: bool,
}

/// What a value of a file is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LoadPlace {
    /// The column at an offset of the table.
    Column(usize),
    /// A user variable, in lower case.
    Variable(String),
}

/// Rows of a file, some at a time.
#[derive(Clone, Debug, PartialEq)]
pub struct LoadSource {
    /// What their values are for, in order.
    pub places: Vec<LoadPlace>,
    /// SET; over the table's full row as the values have made it.
    pub assignments: Vec<Assignment>,
    /// Those in hand.
    pub rows: Arc<Vec<FileRow>>,
    /// How many there were before them.
    pub before: u64,
}

impl Binder<'_> {
    /// LOAD DATA, without rows.
    pub(super) fn load(mut self, load: &ast::LoadData) -> SqlResult<InsertPlan> {
        let (database, table) = self.target(&load.table)?;
        let places: Vec<LoadPlace> = match &load.targets {
            None => (0..table.visible_columns().len()).map(LoadPlace::Column).collect(),
            Some(targets) => targets
                .iter()
                .map(|target| match target {
                    LoadTarget::Column(name) => {
                        target_column(&table, name, "field list").map(LoadPlace::Column)
                    }
                    LoadTarget::Variable(name) => Ok(LoadPlace::Variable(name.to_lowercase())),
                })
                .collect::<SqlResult<_>>()?,
        };
        for place in &places {
            if let LoadPlace::Column(column) = place {
                check_generated(&table, *column)?;
            }
        }
        let scope = Scope::table(&database, &load.table.name, &table);
        let mut assignments = Vec::with_capacity(load.assignments.len());
        for assignment in &load.assignments {
            assignments.push(self.assignment(assignment, &table, &scope)?);
        }
        let on_conflict = match (load.replace, load.ignore || load.local) {
            (true, _) => ConflictAction::Replace,
            (false, true) => ConflictAction::Ignore,
            (false, false) => ConflictAction::Error,
        };
        let source = LoadSource { places, assignments, rows: Arc::default(), before: 0 };
        let target = TargetTable::new(self.planner.schema, database, table)?;
        let (_, subqueries) = self.finish(None)?;
        Ok(InsertPlan {
            target,
            columns: Vec::new(),
            source: InsertSource::Load(source),
            // The rows come from the client, which cannot be told of one after the other.
            ignore: on_conflict == ConflictAction::Ignore,
            on_conflict,
            subqueries,
        })
    }
}
