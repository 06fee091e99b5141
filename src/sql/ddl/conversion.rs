//! Rows that get other values while they stand: a column becomes one of another type, or may hold no NULL any more.
//!
//! The new column is one of its own, with a number of its own, and everybody who writes keeps both (`ColumnInfo::mirrors`). What is
//! older gets its value here, in the same batches in which indexes are filled, under the rules of the session that asked.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::job::{Job, JobNote};
use crate::common::{SqlError, SqlResult, errno};
use crate::sql::catalog::{DdlStatement, TableInfo};
use crate::sql::expr::EvalContext;
use crate::sql::plan::RowRules;
use crate::sql::types::{
    Datum, FieldType, TimeZone, WarningLevel, convert_between, convert_for_column,
};

/// The most warnings a job keeps.
const MOST_NOTES: usize = 1024;

/// What is to be done to each row.
pub(super) struct Conversion {
    /// The column a value comes from and the one it goes to.
    pairs: Vec<(usize, usize)>,
    /// The column that gets a number in each row, and the first one.
    numbered: Option<(usize, u64)>,
    /// The columns that get what their expressions give, in order.
    computed: Vec<usize>,
    rules: Option<Arc<RowRules>>,
    ctx: EvalContext,
}

impl Conversion {
    /// The one of a job's table as it is while its rows are converted.
    pub(super) fn of(job: &Job, table: &TableInfo) -> SqlResult<Conversion> {
        let DdlStatement::AlterTable { rules, .. } = &job.action else {
            return Err(SqlError::internal("only ALTER TABLE converts rows"));
        };
        let place = |id: i64| table.columns.iter().position(|column| column.id == id);
        let pairs = table.columns.iter().enumerate().filter_map(|(to, column)| {
            let mirror = column.mirrors.as_ref()?;
            place(mirror.column).map(|from| (from, to))
        });
        let alteration = job.alteration.as_deref();
        let numbered = alteration.and_then(|alteration| {
            let first = alteration.after.auto_increment_start.unwrap_or(1);
            Some((place(alteration.numbered?)?, first))
        });
        let ids = alteration.map_or(&[][..], |alteration| &alteration.computed);
        let computed = table.columns.iter().filter(|column| ids.contains(&column.id));
        let computed: Vec<usize> = computed.map(|column| column.offset).collect();
        let mut ctx = EvalContext { values: rules.context()?, ..EvalContext::new() };
        ctx.now_unix_micros = i64::try_from(job.start_ms.saturating_mul(1000)).unwrap_or(0);
        // No two batches draw the same numbers.
        let seed = job.id.rotate_left(32) ^ job.start_ms ^ job.reorg.rows.wrapping_mul(0x9E37_79B9);
        ctx.rng.fetch_xor(seed.wrapping_mul(0xD6E8_FEB8_6659_FD93), Ordering::Relaxed);
        let rules = if computed.is_empty() { None } else { RowRules::of(table)? };
        Ok(Conversion { pairs: pairs.collect(), numbered, computed, rules, ctx })
    }

    /// The time zone in which values are read and written.
    pub(super) fn zone(&self) -> TimeZone {
        self.ctx.time_zone
    }

    /// Gives a row its new values; answers whether there were any to give. `number`: the row's, from 1, for messages.
    pub(super) fn apply(
        &self,
        table: &TableInfo,
        row: &mut [Datum],
        number: u64,
    ) -> SqlResult<bool> {
        let mut changed = self.numbered.is_some();
        if let Some((offset, first)) = self.numbered {
            let column = &table.columns[offset];
            let value = Datum::UInt(first + number - 1);
            row[offset] =
                convert_for_column(value, &column.field_type, &column.name, number, &self.ctx)?;
        }
        for (from, to) in &self.pairs {
            // Whoever has written the row meanwhile has converted it.
            if !row[*to].is_null() {
                continue;
            }
            let (old, new) = (&table.columns[*from], &table.columns[*to]);
            let value = row[*from].clone();
            row[*to] = if value.is_null() && new.field_type.not_null {
                self.without_null(table, *from, *to, number)?
            } else {
                let (from, to) = (&old.field_type, &new.field_type);
                convert_between(value, from, to, &new.name, number, &self.ctx)
                    .map_err(|error| too_long(error, (from, to), &new.name, number))?
            };
            changed |= !row[*to].is_null();
        }
        if let Some(rules) = &self.rules {
            changed |= rules.compute(table, row, &self.computed, number, &self.ctx)?;
        }
        Ok(changed)
    }

    /// What stands for NULL where it may not be any more: an error under strict rules.
    fn without_null(
        &self,
        table: &TableInfo,
        from: usize,
        to: usize,
        number: u64,
    ) -> SqlResult<Datum> {
        let (old, new) = (&table.columns[from].field_type, &table.columns[to].field_type);
        let only_that = FieldType { not_null: true, ..old.clone() } == *new;
        if only_that && self.ctx.is_strict() {
            return Err(SqlError::new(errno::INVALID_USE_OF_NULL, "Invalid use of NULL value"));
        }
        let name = &table.columns[to].name;
        let message = format!("Data truncated for column '{name}' at row {number}");
        self.ctx.warn_or_fail(errno::WARN_DATA_TRUNCATED, message)?;
        Ok(new.implicit_default())
    }

    /// Notes in the job what was to be warned of.
    pub(super) fn note_warnings(&self, job: &mut Job) {
        let warnings = std::mem::take(&mut *self.ctx.warnings.lock());
        self.ctx.warning_count.store(0, Ordering::Relaxed);
        let room = MOST_NOTES.saturating_sub(job.notes.len());
        job.notes.extend(warnings.into_iter().take(room).map(|warning| JobNote {
            code: warning.code,
            message: warning.message,
            warns: warning.level != WarningLevel::Note,
        }));
    }
}

/// A text that is too long for the same kind of column is cut, in MySQL's words, and not assigned.
fn too_long(
    error: SqlError,
    (from, to): (&FieldType, &FieldType),
    column: &str,
    number: u64,
) -> SqlError {
    if error.code != errno::DATA_TOO_LONG || from.kind != to.kind {
        return error;
    }
    let message = format!("Data truncated for column '{column}' at row {number}");
    SqlError::new(errno::WARN_DATA_TRUNCATED, message)
}
