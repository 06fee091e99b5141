//! LOAD DATA.

use std::sync::Arc;

use bytes::Bytes;

use super::binder::Binder;
use super::dml::{check_generated, target_column};
use super::physical::{Assignment, ConflictAction, InsertPlan, InsertSource, TargetTable};
use super::row_subqueries::row_types;
use super::scope::Scope;
use super::through_view::{Inserted, Way, reads_changed};
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
        let named: Option<Vec<String>> = load.targets.as_ref().map(|targets| {
            let name = |target: &LoadTarget| match target {
                LoadTarget::Column(name) => Some(name.clone()),
                LoadTarget::Variable(_) => None,
            };
            targets.iter().filter_map(name).collect()
        });
        let into = self.inserted(&load.table, named.as_deref(), Way::Load)?;
        let Inserted { database, table, seen_in, seen, columns, through } = into;
        let column = |name: &String| target_column(&seen, name, "field list");
        let places: Vec<LoadPlace> = match (&load.targets, &columns) {
            (None, None) => table.shown_columns().into_iter().map(LoadPlace::Column).collect(),
            (None, Some(names)) => names
                .iter()
                .map(|name| column(name).map(LoadPlace::Column))
                .collect::<SqlResult<_>>()?,
            (Some(targets), _) => targets
                .iter()
                .map(|target| match target {
                    LoadTarget::Column(name) => column(name).map(LoadPlace::Column),
                    LoadTarget::Variable(name) => Ok(LoadPlace::Variable(name.to_lowercase())),
                })
                .collect::<SqlResult<_>>()?,
        };
        for place in &places {
            if let LoadPlace::Column(column) = place {
                check_generated(&table, *column)?;
            }
        }
        let scope = Scope::table(&seen_in, &load.table.name, &seen);
        let loads = through.as_ref().map(|_| "LOAD");
        self.changed = vec![(table.id, reads_changed(&load.table.name, loads))];
        let mut assignments = Vec::with_capacity(load.assignments.len());
        for assignment in &load.assignments {
            let bound = self.assignment(assignment, &seen, &scope)?;
            let value = self.over_made_row(bound.value.clone(), &row_types(&seen));
            assignments.push(Assignment { value, ..bound });
        }
        let on_conflict = match (load.replace, load.ignore || load.local) {
            (true, _) => ConflictAction::Replace,
            (false, true) => ConflictAction::Ignore,
            (false, false) => ConflictAction::Error,
        };
        let source = LoadSource { places, assignments, rows: Arc::default(), before: 0 };
        let target = TargetTable::new(self.planner.schema, database, table)?;
        let target = target.in_partitions(&load.partitions)?;
        let (_, subqueries, row_plans) = self.finish_insert(None)?;
        Ok(InsertPlan {
            target,
            through,
            columns: Vec::new(),
            source: InsertSource::Load(source),
            // The rows come from the client, which cannot be told of one after the other.
            ignore: on_conflict == ConflictAction::Ignore,
            on_conflict,
            subqueries,
            row_plans,
        })
    }
}
