//! What an INSERT does about rows that are in the way: REPLACE, and ON DUPLICATE KEY UPDATE.

use std::borrow::Cow;

use super::assign;
use super::insert::{Insert, Written, auto_column, explicit_id};
use super::through::passes;
use super::update::{Assigned, assign_row, assigned_auto_column, before_update, update};
use super::writer::{Conflict, NewRow, unless_forbidden};
use crate::common::SqlResult;
use crate::sql::expr::Expr;
use crate::sql::parser::ast::TriggerEvent;
use crate::sql::plan::Assignment;
use crate::sql::stats::TableDelta;
use crate::sql::types::Datum;

impl Insert<'_> {
    /// REPLACE: whatever is in the way goes. An equal row in the way counts as replaced by itself.
    pub(super) async fn replace(&mut self, row: NewRow, first: Conflict) -> SqlResult<()> {
        let mut next = Some(first);
        let mut removed = 0;
        while let Some(conflict) = next {
            let Some(old) = self.writer.read(&conflict).await? else {
                return Err(conflict.error);
            };
            let alone = self.references.as_ref().is_none_or(|references| !references.is_parent());
            let alone = alone && !self.fired.any();
            if alone && removed == 0 && conflict.handle == row.handle && old == row.values {
                self.result.affected += 1;
                self.result.matched += 1;
                return Ok(());
            }
            let mut keys = Vec::new();
            self.writer.removed_unique_keys(&old, conflict.handle, &mut keys)?;
            self.writer.fetch_more(keys).await?;
            self.fired.before(TriggerEvent::Delete, Some(&old), None).await?;
            self.writer.delete(&old, conflict.handle).await?;
            if let Some(references) = &mut self.references {
                references.gone(&old).await?;
            }
            self.fired.after(TriggerEvent::Delete, Some(&old), None).await?;
            removed += 1;
            next = self.writer.conflict(&row, None)?;
        }
        self.result.affected += removed + 1;
        self.result.matched += removed + 1;
        self.delta.add(TableDelta::deleted(removed));
        self.delta.add(TableDelta::inserted(1));
        if self.insert_row(&row).await? {
            self.fired.after(TriggerEvent::Insert, None, Some(&row.values)).await?;
        }
        Ok(())
    }

    /// ON DUPLICATE KEY UPDATE: the assignments see the old row, then the one that was to be inserted, then what was read beside that.
    pub(super) async fn update_existing(
        &mut self,
        (row, read): (NewRow, Vec<Datum>),
        conflict: Conflict,
    ) -> SqlResult<Written> {
        let Some(old) = self.writer.read(&conflict).await? else {
            return Err(conflict.error);
        };
        let mut scope = old.clone();
        scope.extend(row.values);
        scope.extend(read);
        let table = &self.plan.target.table;
        let number = self.rows as usize;
        let mut assignments = Cow::Borrowed(&self.assignments);
        if !self.plan.row_plans.is_empty() {
            // Each sees what those before it have assigned.
            let mut seen = scope.clone();
            for Assignment { column: offset, value } in assignments.to_mut() {
                let (plans, column) = (&self.plan.row_plans, &table.columns[*offset]);
                let expr = self.subqueries.over_row(value, plans, &seen, self.ctx).await?;
                let assigned = expr.eval(&seen, &self.ctx.eval)?;
                let assigned = assign::assign_to(table, column, assigned, number, &self.ctx.eval)?;
                seen[*offset] = assigned.clone();
                let field_type = column.field_type.clone();
                *value = Expr::Literal { value: assigned, field_type };
            }
        }
        let assigned =
            assign_row(table, &assignments, &old, (scope, 0), number, (&self.fired, self.ctx))?;
        let changed = before_update(&mut self.fired, table, &old, assigned, self.ctx).await?;
        let Assigned::Changed(values) = changed else {
            self.result.matched += 1;
            self.fired.after(TriggerEvent::Update, Some(&old), Some(&old)).await?;
            return Ok(Written::Nothing);
        };
        let id = auto_column(table).map_or(0, |offset| explicit_id(&values[offset]));
        let new = self.writer.prepare_changed(&old, values, conflict.handle);
        let Some(new) = unless_forbidden(self.ctx, new)? else { return Ok(Written::Nothing) };
        if !passes(self.plan.through.as_ref(), &new.values, self.ctx)? {
            return Ok(Written::Nothing);
        }
        let mut keys = Vec::new();
        self.writer.changed_unique_keys(&old, conflict.handle, &new, &mut keys)?;
        self.writer.fetch_more(keys).await?;
        if let Some(other) = self.writer.conflict(&new, Some(conflict.handle))? {
            if self.ctx.eval.ignore {
                self.ctx.eval.warn(other.error.code, other.error.message);
                return Ok(Written::Nothing);
            }
            return Err(other.error);
        }
        let done = match &mut self.references {
            None => self.writer.update(&old, conflict.handle, &new).await.map(|()| true)?,
            Some(references) => {
                update(&self.writer, references, &old, conflict.handle, &new, self.ctx).await?
            }
        };
        if !done {
            return Ok(Written::Nothing);
        }
        if id > 0 && assigned_auto_column(table, &self.assignments).is_some() {
            self.ctx.auto_ids.raise_auto_increment(table, id).await?;
        }
        self.result.affected += 2;
        self.result.matched += 2;
        self.delta.add(TableDelta::changed(1));
        self.fired.after(TriggerEvent::Update, Some(&old), Some(&new.values)).await?;
        Ok(Written::Updated(id))
    }
}
