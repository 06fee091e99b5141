//! INSERT, REPLACE, UPDATE, DELETE.

use std::sync::Arc;

use super::bind_operator::assigned;
use super::binder::{Binder, Clause};
use super::dml_source::{check_keys, targets_first};
use super::from::{named_partitions, stored_tables};
use super::logical::{Logical, column_type};
use super::physical::{
    AccessLock, Assignment, ConflictAction, DeletePlan, InsertPlan, InsertSource, OutputColumn,
    PhysicalPlan, QueryPlan, SortKey, SourceTable, Subplan, TargetTable, UpdatePlan, UpdatedTable,
};
use super::read_columns::{ReadColumns, renamed_row, uses_tables};
use super::row_subqueries::row_types;
use super::scope::{Scope, same_name};
use super::select::{limited, sorted};
use super::through_view::{Inserted, Way, changed, reads_changed};
use super::triggers::already_used;
use super::update_subqueries::with_assigned_subqueries;
use crate::common::{SqlError, SqlResult, errno};
use crate::sql::catalog::{Generated, TableInfo, not_updatable};
use crate::sql::expr::Expr;
use crate::sql::parser::ast;
use crate::sql::types::FieldType;

impl Binder<'_> {
    /// INSERT and REPLACE.
    pub(super) fn insert(mut self, insert: &ast::Insert) -> SqlResult<InsertPlan> {
        let into = self.inserted(&insert.table, insert.columns.as_deref(), Way::Insert)?;
        let Inserted { database, table, seen_in, seen, columns: all, through } = into;
        let inserts = through.as_ref().map(|_| "INSERT");
        let named = insert.columns.as_deref().filter(|names| !names.is_empty());
        let columns = target_columns(&seen, named.or(all.as_deref()))?;
        let scope = Scope::table(&seen_in, &insert.table.name, &seen);
        let (mut values, mut query) = (Vec::new(), None);
        let read = ReadColumns::of(insert, &seen);
        match &insert.rows {
            ast::InsertRows::Values(rows) => {
                self.changed = vec![(table.id, reads_changed(&insert.table.name, inserts))];
                values = self.insert_rows(rows, &columns, &scope, &seen)?;
            }
            ast::InsertRows::Query(rows) => {
                let extended = read.selected(rows);
                let (plan, given) = self.query(extended.as_ref().unwrap_or(rows))?;
                if given.len() != columns.len() + read.len() {
                    return Err(super::query::wrong_row(1));
                }
                columns.iter().try_for_each(|column| check_generated(&table, *column))?;
                let plan = assigned_rows(plan, &columns, &table);
                query = Some((plan, given, !rows.locking.is_empty()));
            }
        }
        let on_conflict = if insert.replace {
            ConflictAction::Replace
        } else if !insert.on_duplicate.is_empty() {
            let given = query.as_ref().map_or(&[][..], |(_, given, _)| given.as_slice());
            let behind = (&read, given.get(columns.len()..).unwrap_or_default());
            let tables = (seen_in.as_str(), &seen, columns.as_slice());
            self.changed = vec![(table.id, reads_changed(&insert.table.name, inserts))];
            ConflictAction::Update(self.on_duplicate(insert, scope, tables, behind)?)
        } else if insert.ignore {
            ConflictAction::Ignore
        } else {
            ConflictAction::Error
        };
        let target = TargetTable::new(self.planner.schema, database, table)?;
        let target = target.in_partitions(&insert.partitions)?;
        let (plan, given) = query.map(|(plan, given, locking)| (plan, (given, locking))).unzip();
        let dates = std::mem::take(&mut self.dates);
        let (root, subqueries, row_plans) = self.finish_insert(plan)?;
        let source = match root.zip(given) {
            Some((root, (columns, locking))) => {
                let (subqueries, counted) = (Vec::new(), None);
                let query = QueryPlan { root, columns, subqueries, dates, locking, counted };
                InsertSource::Query(Box::new(query))
            }
            None => InsertSource::Values(values),
        };
        Ok(InsertPlan {
            target,
            through,
            columns,
            source,
            on_conflict,
            ignore: insert.ignore,
            subqueries,
            row_plans,
        })
    }

    /// The table a statement changes; those of MySQL's own databases are not.
    pub(super) fn target(&self, name: &ast::ObjectName) -> SqlResult<(String, Arc<TableInfo>)> {
        let (database, table) = self.table(name)?;
        if table.id < 0 {
            return Err(SqlError::new(
                errno::DB_ACCESS_DENIED,
                format!("Access denied for user to database '{database}'"),
            ));
        }
        if self.planner.firing.contains(&table.id) {
            return Err(already_used(&table.name));
        }
        Ok((database, table))
    }

    fn insert_rows(
        &mut self,
        rows: &[Vec<ast::Expr>],
        columns: &[usize],
        scope: &Scope,
        table: &Arc<TableInfo>,
    ) -> SqlResult<Vec<Vec<Option<Expr>>>> {
        let mut bound = Vec::with_capacity(rows.len());
        let types = row_types(table);
        for (number, row) in rows.iter().enumerate() {
            // INSERT INTO t VALUES (): every column has its default.
            let all_default = row.is_empty();
            if !all_default && row.len() != columns.len() {
                return Err(super::query::wrong_row(number + 1));
            }
            if all_default {
                bound.push(columns.iter().map(|_| None).collect());
                continue;
            }
            let mut values = Vec::with_capacity(row.len());
            for (offset, value) in columns.iter().zip(row) {
                if *value == ast::Expr::Default(None) {
                    values.push(None);
                    continue;
                }
                check_generated(table, *offset)?;
                let mut clause = Clause::plain(scope, "field list");
                clause.default_table = Some(table);
                let target = &table.columns[*offset].field_type;
                let value = self.assigned_value(target, value, &mut clause)?;
                values.push(Some(self.over_made_row(value, &types)));
            }
            bound.push(values);
        }
        Ok(bound)
    }

    /// ON DUPLICATE KEY UPDATE, over the old row, the one to be inserted, and columns that were read for it.
    fn on_duplicate(
        &mut self,
        insert: &ast::Insert,
        mut scope: Scope,
        (database, table, columns): (&str, &Arc<TableInfo>, &[usize]),
        (read, given): (&ReadColumns, &[OutputColumn]),
    ) -> SqlResult<Vec<Assignment>> {
        let width = table.columns.len();
        let mut renamed = false;
        if let Some((alias, names)) = &insert.row_alias {
            renamed = !names.is_empty();
            let mut inserted = if renamed {
                renamed_row(alias, table, columns, names)?
            } else {
                Scope::table(database, alias, table)
            };
            inserted.shift(width);
            scope = scope.join(inserted)?;
        }
        let old_row = Scope::table(database, &insert.table.name, table);
        let old_row = read.joined(old_row, given, 2 * width)?;
        let mut assignments = Vec::with_capacity(insert.on_duplicate.len());
        for assignment in &insert.on_duplicate {
            check_assigned_table(assignment, &insert.table.name)?;
            let column = target_column(table, &assignment.column, "field list")?;
            let value = if assignment.value == ast::Expr::Default(None) {
                column_default(table, column, 0)?
            } else {
                check_generated(table, column)?;
                // Names without a table mean the old row; the alias's row needs its alias.
                let qualified = insert.row_alias.is_some() && uses_tables(&assignment.value);
                let seen = if qualified || renamed { &scope } else { &old_row };
                let mut clause = Clause::plain(seen, "field list");
                clause.inserted_row = Some(width);
                clause.default_table = Some(table);
                let target = &table.columns[column].field_type;
                self.assigned_value(target, &assignment.value, &mut clause)?
            };
            assignments.push(Assignment { column, value });
        }
        let given = given.iter().map(|column| column.field_type.clone());
        let own = row_types(table);
        let types: Vec<FieldType> = own.iter().cloned().chain(own.clone()).chain(given).collect();
        for assignment in &mut assignments {
            let value = std::mem::replace(&mut assignment.value, Expr::null());
            assignment.value = self.over_made_row(value, &types);
        }
        Ok(assignments)
    }

    /// `column = value` of SET, over the rows of a scope.
    pub(super) fn assignment(
        &mut self,
        assignment: &ast::Assignment,
        table: &Arc<TableInfo>,
        scope: &Scope,
    ) -> SqlResult<Assignment> {
        let column = target_column(table, &assignment.column, "field list")?;
        let value = if assignment.value == ast::Expr::Default(None) {
            let relation = scope
                .relations
                .iter()
                .find(|relation| relation.table().is_some_and(|known| known.id == table.id));
            column_default(table, column, relation.map_or(0, |relation| relation.start))?
        } else {
            check_generated(table, column)?;
            let mut clause = Clause::plain(scope, "field list");
            clause.default_table = Some(table);
            let wanted = &table.columns[column].field_type;
            self.assigned_value(wanted, &assignment.value, &mut clause)?
        };
        Ok(Assignment { column, value })
    }

    /// UPDATE.
    pub(super) fn update(mut self, update: &ast::Update) -> SqlResult<UpdatePlan> {
        let of_tables = self.update_of_tables(update)?;
        let (update, through) = match of_tables {
            Some((ref update, through)) => (update, through),
            None => (update, Vec::new()),
        };
        let sources = stored_tables(&update.from);
        let joined = sources.len() != 1 || !matches!(update.from, ast::TableRef::Table { .. });
        if joined && (!update.order_by.is_empty() || update.limit.is_some()) {
            return Err(wrong_usage("UPDATE"));
        }
        let (plan, scope) = self.from(&update.from)?;
        let mut positions = Vec::new();
        let mut assigned = Vec::with_capacity(update.assignments.len());
        for assignment in &update.assignments {
            let position = assigned_table(assignment, &scope)?;
            let found = positions.iter().position(|known| *known == position);
            assigned.push(found.unwrap_or(positions.len()));
            if found.is_none() {
                positions.push(position);
            }
        }
        let names = positions.iter().map(|position| scope.relations[*position].alias.clone());
        let names: Vec<String> = names.collect();
        let (targets, mut plan, scope) =
            self.change_source("UPDATE", (&update.from, &positions), plan, scope)?;
        self.changed = changed(&targets, &names, "UPDATE", &through);
        if let Some(selection) = &update.selection {
            plan = self.selection(plan, &scope, selection)?;
        }
        let updated = |at| UpdatedTable { at, assignments: Vec::new(), through: None };
        let mut tables: Vec<UpdatedTable> = targets.into_iter().map(updated).collect();
        for (assignment, position) in update.assignments.iter().zip(assigned) {
            let table = tables[position].at.target.table.clone();
            let bound = self.assignment(assignment, &table, &scope)?;
            tables[position].assignments.push(bound);
        }
        check_keys(&tables, &names)?;
        self.check_through(&mut tables, &names, through, &scope)?;
        let source = self.ordered(plan, &scope, &update.order_by, update.limit.as_ref())?;
        let source = with_assigned_subqueries(source, &mut tables)?;
        let ignore = update.ignore;
        let dates = std::mem::take(&mut self.dates);
        let (source, subqueries) = self.finish_change(source)?;
        Ok(UpdatePlan { tables, source, ignore, subqueries, dates })
    }

    /// DELETE.
    pub(super) fn delete(mut self, delete: &ast::Delete) -> SqlResult<DeletePlan> {
        let of_tables = self.delete_of_tables(delete)?;
        let (delete, through) = match of_tables {
            Some((ref delete, through)) => (delete, through),
            None => (delete, Vec::new()),
        };
        let multi = !delete.targets.is_empty();
        if multi && (!delete.order_by.is_empty() || delete.limit.is_some()) {
            return Err(wrong_usage("DELETE"));
        }
        let (plan, scope) = self.from(&delete.from)?;
        let mut positions = Vec::with_capacity(delete.targets.len().max(1));
        for name in &delete.targets {
            let position = deleted_table(name, &scope)?;
            if positions.contains(&position) {
                return Err(SqlError::new(
                    errno::NONUNIQ_TABLE,
                    format!("Not unique table/alias: '{}'", name.name),
                ));
            }
            positions.push(position);
        }
        if !multi {
            positions.push(0);
        }
        let names = positions.iter().map(|position| scope.relations[*position].alias.clone());
        let names: Vec<String> = names.collect();
        let (tables, mut plan, scope) =
            self.change_source("DELETE", (&delete.from, &positions), plan, scope)?;
        self.changed = changed(&tables, &names, "DELETE", &through);
        if let Some(selection) = &delete.selection {
            plan = self.selection(plan, &scope, selection)?;
        }
        let source = self.ordered(plan, &scope, &delete.order_by, delete.limit.as_ref())?;
        let dates = std::mem::take(&mut self.dates);
        let (source, subqueries) = self.finish_change(source)?;
        let ignore = delete.ignore;
        Ok(DeletePlan { tables, source, ignore, subqueries, dates })
    }

    fn finish_change(self, source: Logical) -> SqlResult<(PhysicalPlan, Vec<Subplan>)> {
        let (source, subqueries) = self.finish(Some(source))?;
        Ok((source.ok_or_else(|| SqlError::internal("a change without rows"))?, subqueries))
    }

    /// Makes the rows of FROM those a change needs: the targets' full rows first, locked, with their hidden handles.
    fn change_source(
        &self,
        verb: &str,
        (from, positions): (&ast::TableRef, &[usize]),
        plan: Logical,
        scope: Scope,
    ) -> SqlResult<(Vec<SourceTable>, Logical, Scope)> {
        let mut targets: Vec<TargetTable> = Vec::with_capacity(positions.len());
        for position in positions {
            let relation = &scope.relations[*position];
            let table = relation.table().ok_or_else(|| not_updatable(&relation.alias, verb))?;
            let name =
                ast::ObjectName { database: relation.database.clone(), name: table.name.clone() };
            let (database, table) = self.target(&name)?;
            let target = TargetTable::new(self.planner.schema, database, table)?;
            let names = named_partitions(from, &relation.alias).unwrap_or(&[]);
            targets.push(target.in_partitions(names)?);
        }
        if let (Logical::Scan(scan), [target]) = (&plan, targets.as_slice()) {
            let mut plan = Logical::scan(&target.table, true, self.stats(&target.table))
                .choosing(scan.choice.clone())
                .selecting(scan.selected.clone());
            plan.lock_all(AccessLock::ForUpdate);
            let tables = targets.into_iter().map(|target| SourceTable { target, start: 0 });
            return Ok((tables.collect(), plan, scope));
        }
        targets_first(plan, scope, positions, targets)
    }

    /// ORDER BY and LIMIT of a change.
    fn ordered(
        &mut self,
        plan: Logical,
        scope: &Scope,
        order_by: &[ast::OrderItem],
        limit: Option<&ast::Expr>,
    ) -> SqlResult<Logical> {
        let mut keys = Vec::with_capacity(order_by.len());
        for item in order_by {
            let expr = self.expr(&item.expr, &mut Clause::plain(scope, "order clause"))?;
            if !expr.is_constant() {
                keys.push(SortKey { expr, descending: item.descending });
            }
        }
        let limit = limit.map(|limit| self.constant_number(limit)).transpose()?;
        let limit = limit.map(|limit| (None, limit));
        Ok(limited(sorted(plan, keys), limit))
    }
}

/// The table that is assigned to.
fn assigned_table(assignment: &ast::Assignment, scope: &Scope) -> SqlResult<usize> {
    let table = assignment.table.as_ref();
    let database = table.and_then(|name| name.database.as_deref());
    let found = scope.find(database, table.map(|name| name.name.as_str()), &assignment.column);
    let index = match found.as_slice() {
        [index] => *index,
        [] => {
            let shown = match table {
                Some(table) => format!("{}.{}", table.name, assignment.column),
                None => assignment.column.clone(),
            };
            return Err(super::bind_expr::unknown_column(&shown, "field list"));
        }
        _ => {
            return Err(SqlError::new(
                errno::NON_UNIQ,
                format!("Column '{}' in field list is ambiguous", assignment.column),
            ));
        }
    };
    let start = scope.relation_of(index).map(|relation| relation.start);
    let position = scope.relations.iter().position(|relation| Some(relation.start) == start);
    position.ok_or_else(|| SqlError::internal("a column of no table"))
}

/// The table of this name or alias in a DELETE.
fn deleted_table(name: &ast::ObjectName, scope: &Scope) -> SqlResult<usize> {
    let is_meant = |relation: &super::scope::Relation| {
        same_name(&relation.alias, &name.name)
            && match (&name.database, &relation.database) {
                (Some(wanted), Some(database)) => same_name(wanted, database),
                (wanted, _) => wanted.is_none(),
            }
    };
    scope.relations.iter().position(is_meant).ok_or_else(|| {
        SqlError::new(
            errno::UNKNOWN_TABLE,
            format!("Unknown table '{}' in MULTI DELETE", name.name),
        )
    })
}

/// The rows of a query as they are assigned to these columns.
fn assigned_rows(plan: Logical, columns: &[usize], table: &TableInfo) -> Logical {
    let given = plan.schema();
    let exprs = given.into_iter().enumerate().map(|(index, field_type)| {
        let column = Expr::column(index, field_type);
        match columns.get(index) {
            Some(offset) => assigned(column, &table.columns[*offset].field_type),
            // It was read for ON DUPLICATE KEY UPDATE.
            None => column,
        }
    });
    let exprs: Vec<Expr> = exprs.collect();
    if exprs.iter().all(|expr| matches!(expr, Expr::Column { .. })) {
        return plan;
    }
    Logical::Project { input: Box::new(plan), exprs }
}

fn target_columns(table: &TableInfo, names: Option<&[String]>) -> SqlResult<Vec<usize>> {
    let Some(names) = names.filter(|names| !names.is_empty()) else {
        return Ok(table.shown_columns());
    };
    let mut columns = Vec::with_capacity(names.len());
    for name in names {
        let column = target_column(table, name, "field list")?;
        if columns.contains(&column) {
            return Err(SqlError::new(
                errno::FIELD_SPECIFIED_TWICE,
                format!("Column '{name}' specified twice"),
            ));
        }
        columns.push(column);
    }
    Ok(columns)
}

pub(super) fn target_column(table: &TableInfo, name: &str, clause: &str) -> SqlResult<usize> {
    let found = table.visible_columns().iter().position(|column| same_name(&column.name, name));
    found.ok_or_else(|| super::bind_expr::unknown_column(name, clause))
}

/// DEFAULT as an assigned value.
/// `start` is where the row begins in what the expression sees.
pub(super) fn column_default(table: &TableInfo, column: usize, start: usize) -> SqlResult<Expr> {
    let info = &table.columns[column];
    if info.generated.is_some() {
        // It is computed whatever stands here.
        return Ok(Expr::column(start + column, info.field_type.clone()));
    }
    if info.default_expr().is_some()
        && let Some(rules) = super::RowRules::of(table)?
        && let Some(default) = rules.default_of(column)
    {
        return Ok(default.clone().map_columns(&mut |index| start + index));
    }
    let value = super::literals::default_value(info)?;
    debug_assert_eq!(column_type(table, column), info.field_type);
    value.ok_or_else(|| {
        SqlError::new(
            errno::NO_DEFAULT_FOR_FIELD,
            format!("Field '{}' doesn't have a default value", info.name),
        )
    })
}

/// Error 3105 for a value that is given to a generated column.
pub(super) fn check_generated(table: &TableInfo, column: usize) -> SqlResult<()> {
    let info = &table.columns[column];
    match info.generated {
        None => Ok(()),
        Some(_) => Err(Generated::not_allowed(&info.name, &table.name)),
    }
}

fn check_assigned_table(assignment: &ast::Assignment, table: &str) -> SqlResult<()> {
    match &assignment.table {
        Some(name) if !same_name(&name.name, table) => {
            let shown = format!("{}.{}", name.name, assignment.column);
            Err(super::bind_expr::unknown_column(&shown, "field list"))
        }
        _ => Ok(()),
    }
}

/// Error 1221.
fn wrong_usage(verb: &str) -> SqlError {
    SqlError::new(errno::WRONG_USAGE, format!("Incorrect usage of {verb} and ORDER BY or LIMIT"))
}
