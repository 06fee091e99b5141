//! INSERT and REPLACE.

use super::assign::{self, Default};
use super::references::{References, tolerate};
use super::through::passes;
use super::triggers::Fired;
use super::writer::{NewRow, TableWriter, unless_forbidden};
use super::{CHUNK, DmlResult, auto_ids, warning_count};
use crate::common::{SqlError, SqlResult, errno};
use crate::sql::catalog::{ColumnInfo, SchemaState, TableInfo};
use crate::sql::exec::{ExecContext, subquery};
use crate::sql::expr::Expr;
use crate::sql::parser::ast::TriggerEvent;
use crate::sql::plan::{Assignment, ConflictAction, InsertPlan, InsertSource};
use crate::sql::stats::TableDelta;
use crate::sql::types::{Datum, SqlMode};

/// One INSERT or REPLACE under way.
pub(super) struct Insert<'a> {
    pub(super) plan: &'a InsertPlan,
    pub(super) ctx: &'a ExecContext,
    pub(super) writer: TableWriter<'a>,
    pub(super) references: Option<References<'a>>,
    pub(super) fired: Fired<'a>,
    pub(super) defaults: Vec<Default>,
    pub(super) subqueries: subquery::Found,
    /// ON DUPLICATE KEY UPDATE, with the subqueries' values in it.
    pub(super) assignments: Vec<Assignment>,
    pub(super) single_row: bool,
    pub(super) rows: u64,
    /// Rows that a view has kept away.
    pub(super) kept_away: u64,
    pub(super) duplicates: u64,
    pub(super) delta: TableDelta,
    pub(super) result: DmlResult,
}

/// How often a generated value in use is replaced by another one. The second comes from a fresh batch.
const MAX_REPLACEMENTS: usize = 8;

/// A row with its values, and whether its AUTO_INCREMENT column waits for one.
pub(super) struct Built {
    values: Vec<Datum>,
    generate: bool,
    /// The value its AUTO_INCREMENT column has got.
    id: u64,
    /// What was read for ON DUPLICATE KEY UPDATE beside its values.
    read: Vec<Datum>,
}

/// Runs the statement once.
pub(super) async fn run(plan: &InsertPlan, ctx: &ExecContext) -> SqlResult<DmlResult> {
    let warnings = warning_count(ctx);
    let subqueries = subquery::values(&plan.subqueries, ctx).await?;
    let assignments = match &plan.on_conflict {
        ConflictAction::Update(assignments) => assignments.as_slice(),
        ConflictAction::Error | ConflictAction::Ignore | ConflictAction::Replace => &[],
    };
    let assignments = subqueries.assignments(assignments).into_owned();
    let mut insert = Insert {
        plan,
        ctx,
        writer: TableWriter::of(&plan.target, plan.target.rules.as_deref(), ctx),
        references: References::of(&plan.target, ctx),
        fired: Fired::of(&plan.target, ctx),
        defaults: assign::defaults(&plan.target, plan.through.as_ref(), ctx)?,
        subqueries,
        assignments,
        single_row: matches!(&plan.source, InsertSource::Values(rows) if rows.len() == 1),
        rows: 0,
        kept_away: 0,
        duplicates: 0,
        delta: TableDelta::default(),
        result: DmlResult::default(),
    };
    match &plan.source {
        InsertSource::Values(rows) => {
            for chunk in rows.chunks(insert.chunk()) {
                let mut built = Vec::with_capacity(chunk.len());
                for row in chunk {
                    built.push(insert.build_values(row).await?);
                }
                insert.write(built).await?;
            }
        }
        InsertSource::Query(query) => insert.insert_query(query).await?,
        InsertSource::Load(source) => insert.load(source).await?,
    }
    let Insert {
        mut result,
        rows,
        kept_away,
        duplicates,
        single_row,
        delta,
        references,
        fired,
        writer,
        ..
    } = insert;
    let rows = rows - kept_away;
    result.deltas.push((plan.target.table.id, delta));
    result.deltas.extend(writer.into_deltas());
    result.deltas.extend(references.into_iter().flat_map(References::into_deltas));
    result.deltas.extend(fired.into_deltas());
    if !single_row {
        let warnings = warning_count(ctx) - warnings;
        result.info = format!("Records: {rows}  Duplicates: {duplicates}  Warnings: {warnings}");
    }
    Ok(result)
}

/// What became of a row.
pub(super) enum Written {
    /// It is in the table.
    Inserted,
    /// The row in its way was changed: that one's AUTO_INCREMENT value, or 0.
    Updated(u64),
    /// It is not in the table.
    Nothing,
}

/// An AUTO_INCREMENT column's value, as clients are told it; 0: none that counts.
pub(super) fn explicit_id(value: &Datum) -> u64 {
    match value {
        Datum::Int(number) => u64::try_from(*number).unwrap_or(0),
        Datum::UInt(number) => *number,
        Datum::Float(number) => *number as u64,
        Datum::Null
        | Datum::Decimal(_)
        | Datum::Bytes(_)
        | Datum::Time(_)
        | Datum::Duration(_)
        | Datum::Member(_)
        | Datum::Json(_) => 0,
    }
}

/// The position of a table's AUTO_INCREMENT column.
pub(super) fn auto_column(table: &TableInfo) -> Option<usize> {
    table.public_columns().iter().position(|column| column.auto_increment)
}

impl Insert<'_> {
    /// How many rows are written at a time.
    pub(super) fn chunk(&self) -> usize {
        if self.fired.one_by_one() { 1 } else { CHUNK }
    }

    async fn insert_query(&mut self, query: &crate::sql::plan::QueryPlan) -> SqlResult<()> {
        // The statement's subqueries have been run; those of the query are among them.
        let root = self.subqueries.ready(&query.root);
        // The whole answer first: the statement may read the table it writes.
        let rows = subquery::all_rows(&root, &mut 0, self.ctx).await?;
        let mut rows = rows.into_iter().peekable();
        while rows.peek().is_some() {
            let chunk = self.chunk();
            let mut built = Vec::with_capacity(chunk);
            for row in rows.by_ref().take(chunk) {
                built.push(self.build_row(row)?);
            }
            self.write(built).await?;
        }
        Ok(())
    }

    /// A row that starts from the defaults. An expression that reads a column before it has a value finds its type's zero where there is no NULL.
    pub(super) fn start_row(&self) -> Vec<Datum> {
        let value = |(default, column): (&Default, &ColumnInfo)| match default {
            Default::Value(value) if !value.is_null() => value.clone(),
            _ if column.field_type.not_null => column.field_type.implicit_default(),
            Default::Value(_) | Default::Computed(_) | Default::Missing(_) => Datum::Null,
        };
        self.defaults.iter().zip(&self.plan.target.table.columns).map(value).collect()
    }

    async fn build_values(&mut self, exprs: &[Option<Expr>]) -> SqlResult<Built> {
        self.rows += 1;
        self.check_count(exprs.len())?;
        let mut row = self.start_row();
        let mut given = vec![false; row.len()];
        for (offset, expr) in self.plan.columns.iter().zip(exprs) {
            let Some(expr) = expr else { continue };
            let (plans, ctx) = (&self.plan.row_plans, self.ctx);
            let expr = self.subqueries.over_row(expr, plans, &row, ctx).await?;
            let value = expr.eval(&row, &self.ctx.eval)?;
            row[*offset] = self.convert(value, *offset)?;
            given[*offset] = true;
        }
        self.finish_row(row, &given)
    }

    fn build_row(&mut self, mut values: Vec<Datum>) -> SqlResult<Built> {
        self.rows += 1;
        let read = values.split_off(self.plan.columns.len().min(values.len()));
        self.check_count(values.len())?;
        let mut row = self.start_row();
        let mut given = vec![false; row.len()];
        for (offset, value) in self.plan.columns.iter().zip(values) {
            row[*offset] = self.convert(value, *offset)?;
            given[*offset] = true;
        }
        Ok(Built { read, ..self.finish_row(row, &given)? })
    }

    fn check_count(&self, count: usize) -> SqlResult<()> {
        if count == self.plan.columns.len() {
            return Ok(());
        }
        Err(SqlError::new(
            errno::WRONG_VALUE_COUNT_ON_ROW,
            format!("Column count doesn't match value count at row {}", self.rows),
        ))
    }

    pub(super) fn convert(&self, value: Datum, offset: usize) -> SqlResult<Datum> {
        let table = &self.plan.target.table;
        let column = &table.columns[offset];
        assign::assign_to(table, column, value, self.rows as usize, &self.ctx.eval)
    }

    pub(super) fn finish_row(&self, mut row: Vec<Datum>, given: &[bool]) -> SqlResult<Built> {
        let eval = &self.ctx.eval;
        for (offset, column) in self.plan.target.table.columns.iter().enumerate() {
            let comes = || self.fired.gives(TriggerEvent::Insert, offset);
            if !given[offset] {
                row[offset] = match &self.defaults[offset] {
                    Default::Missing(_) if comes() => Datum::Null,
                    default => default.take(column, &row, eval)?,
                };
            }
        }
        let mut built = Built { values: row, generate: false, id: 0, read: Vec::new() };
        // What comes before it may still give it values.
        if !self.fired.has(TriggerEvent::Insert, true) {
            self.settle(&mut built)?;
        }
        Ok(built)
    }

    /// Refuses NULL where there must be none, and finds out whether a row waits for a generated value.
    fn settle(&self, built: &mut Built) -> SqlResult<()> {
        let (eval, row) = (&self.ctx.eval, &mut built.values);
        for (offset, column) in self.plan.target.table.columns.iter().enumerate() {
            // Its value is worked out when all others are there.
            if column.generated.is_some() {
                continue;
            }
            let unseen = column.state != SchemaState::Public;
            if column.auto_increment && !unseen && self.generates(&row[offset]) {
                built.generate = true;
                continue;
            }
            // In a statement of one row MySQL refuses NULL in any mode.
            let strict = !eval.ignore && (self.single_row || eval.is_strict());
            let value = std::mem::take(&mut row[offset]);
            row[offset] = assign::check_null(value, column, strict, eval)?;
        }
        Ok(())
    }

    /// What comes before a row is inserted. It sees 0 where a value will be generated.
    async fn before(&mut self, built: &mut Built) -> SqlResult<()> {
        let table = &self.plan.target.table;
        let waits = auto_column(table).filter(|offset| built.values[*offset].is_null());
        if let Some(offset) = waits {
            built.values[offset] = table.columns[offset].field_type.implicit_default();
        }
        self.fired.before(TriggerEvent::Insert, None, Some(&mut built.values)).await?;
        let zero = |offset: usize| table.columns[offset].field_type.implicit_default();
        if let Some(offset) = waits.filter(|offset| built.values[*offset] == zero(*offset)) {
            built.values[offset] = Datum::Null;
        }
        self.settle(built)
    }

    /// Whether a value of the AUTO_INCREMENT column asks for a generated one.
    fn generates(&self, value: &Datum) -> bool {
        match value {
            Datum::Null => true,
            Datum::Int(0) | Datum::UInt(0) => {
                !self.ctx.eval.sql_mode.contains(SqlMode::NO_AUTO_VALUE_ON_ZERO)
            }
            Datum::Float(number) => *number == 0.0,
            Datum::Int(_)
            | Datum::UInt(_)
            | Datum::Decimal(_)
            | Datum::Bytes(_)
            | Datum::Time(_)
            | Datum::Duration(_)
            | Datum::Member(_)
            | Datum::Json(_) => false,
        }
    }

    /// Fills in generated values: row by row as for MySQL, so that one after a row with a value of its own is above that; for rows that
    /// follow each other at once, so that they are consecutive.
    async fn generate(&mut self, rows: &mut [Built]) -> SqlResult<()> {
        let table = &self.plan.target.table;
        let Some(offset) = auto_column(table) else { return Ok(()) };
        let column = &table.columns[offset];
        for run in rows.chunk_by_mut(|row, next| row.generate == next.generate) {
            if !run[0].generate {
                run.iter_mut().for_each(|row| row.id = explicit_id(&row.values[offset]));
                let highest = run.iter().map(|row| row.id).max().unwrap_or(0);
                if highest > 0 {
                    self.ctx.auto_ids.raise_auto_increment(table, highest).await?;
                }
                continue;
            }
            let first = self.ctx.auto_ids.auto_increment(table, run.len() as u64).await?;
            for (number, row) in (first..).zip(run) {
                row.values[offset] =
                    assign::generated(number, column).ok_or_else(auto_ids::exhausted)?;
                row.id = number;
            }
        }
        Ok(())
    }

    /// Gives a row another generated value as long as the one it has is in use: a row brought it from elsewhere.
    async fn replace_used(&mut self, mut row: NewRow, mut id: u64) -> SqlResult<(NewRow, u64)> {
        let table = &self.plan.target.table;
        let Some(offset) = auto_column(table) else { return Ok((row, id)) };
        for _ in 0..MAX_REPLACEMENTS {
            let in_the_way = self.writer.conflict(&row, None)?;
            if in_the_way.is_none_or(|conflict| conflict.column != Some(offset)) {
                break;
            }
            self.ctx.auto_ids.abandon(table, id).await;
            id = self.ctx.auto_ids.auto_increment(table, 1).await?;
            let mut values = row.values;
            values[offset] =
                assign::generated(id, &table.columns[offset]).ok_or_else(auto_ids::exhausted)?;
            row = self.writer.prepare(values, row.handle)?;
            let mut keys = Vec::new();
            self.writer.unique_keys(&row, &mut keys);
            self.writer.fetch_more(keys).await?;
        }
        Ok((row, id))
    }

    /// Writes a chunk.
    pub(super) async fn write(&mut self, mut rows: Vec<Built>) -> SqlResult<()> {
        self.ctx.pause().await?;
        if self.fired.has(TriggerEvent::Insert, true) {
            for position in 0..rows.len() {
                if let Err(error) = self.before(&mut rows[position]).await {
                    // What is wrong with a row before it comes first.
                    rows.truncate(position);
                    self.write_prepared(rows).await?;
                    return Err(error);
                }
            }
        }
        self.write_prepared(rows).await
    }

    /// The same for rows whose triggers have run.
    async fn write_prepared(&mut self, mut rows: Vec<Built>) -> SqlResult<()> {
        self.generate(&mut rows).await?;
        let table = &self.plan.target.table;
        let mut hidden = 0;
        if table.handle_column.is_none() {
            hidden = self.ctx.auto_ids.row_ids(table, rows.len() as u64).await?.cast_signed();
        }
        let mut keys = Vec::with_capacity(rows.len());
        let mut prepared = Vec::with_capacity(rows.len());
        for Built { values, generate, id, read } in rows {
            let row = unless_forbidden(self.ctx, self.writer.prepare(values, hidden))?;
            let Some(row) = row else {
                self.duplicates += 1;
                continue;
            };
            if !passes(self.plan.through.as_ref(), &row.values, self.ctx)? {
                self.kept_away += 1;
                continue;
            }
            hidden = hidden.wrapping_add(1);
            self.writer.unique_keys(&row, &mut keys);
            prepared.push((row, generate, id, read));
        }
        // A generated value may be in use by a row that brought it from elsewhere, and then another one is to be generated. Where the commit
        // would find out there must still be a statement to run again.
        let generates = prepared.iter().any(|(_, generated, ..)| *generated);
        // A duplicate is told of before a missing parent, so it must not wait for the commit either.
        let eagerly = self.plan.on_conflict != ConflictAction::Error
            || self.references.is_some()
            || self.fired.one_by_one()
            || self.ctx.within
            || (generates && !self.ctx.txn.is_one_statement());
        self.writer.fetch(keys, eagerly).await?;
        if let Some(references) = &mut self.references {
            let rows = prepared.iter().map(|(row, ..)| (None, row.values.as_slice()));
            references.fetch(rows).await?;
        }
        for (mut row, generated, mut id, read) in prepared {
            if generated {
                (row, id) = self.replace_used(row, id).await?;
            }
            match self.write_row(row, read).await? {
                Written::Inserted => self.note_id(generated, id),
                Written::Updated(id) => self.note_id(false, id),
                Written::Nothing => {}
            }
        }
        Ok(())
    }

    /// The first generated value stands; without one the last explicit one does.
    fn note_id(&mut self, generated: bool, id: u64) {
        if self.result.generated_id.is_some() {
            return;
        }
        self.result.last_insert_id = id;
        if generated {
            self.result.generated_id = Some(id);
        }
    }

    async fn write_row(&mut self, row: NewRow, read: Vec<Datum>) -> SqlResult<Written> {
        let Some(conflict) = self.writer.conflict(&row, None)? else {
            if !self.insert_row(&row).await? {
                return Ok(Written::Nothing);
            }
            self.result.affected += 1;
            self.result.matched += 1;
            self.delta.add(TableDelta::inserted(1));
            self.fired.after(TriggerEvent::Insert, None, Some(&row.values)).await?;
            return Ok(Written::Inserted);
        };
        self.duplicates += 1;
        match &self.plan.on_conflict {
            ConflictAction::Error => Err(conflict.error),
            ConflictAction::Ignore => {
                self.ctx.eval.warn(conflict.error.code, conflict.error.message);
                Ok(Written::Nothing)
            }
            ConflictAction::Replace => {
                self.replace(row, conflict).await?;
                Ok(Written::Inserted)
            }
            ConflictAction::Update(_) => self.update_existing((row, read), conflict).await,
        }
    }

    /// Writes a new row; false if it is not in the table, as foreign keys forbid it.
    pub(super) async fn insert_row(&mut self, row: &NewRow) -> SqlResult<bool> {
        let Some(references) = &mut self.references else {
            return self.writer.insert(row).map(|()| true);
        };
        let mark = self.ctx.txn.savepoint();
        self.writer.insert(row)?;
        match references.check(None, &row.values).await {
            Ok(()) => Ok(true),
            Err(error) => tolerate(self.ctx, mark, error).map(|()| false),
        }
    }
}
