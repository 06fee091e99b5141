//! Foreign keys: rows need their parents, and rows that others refer to go or change only with them.
//!
//! **Whoever refers to a row locks it**: what finds it by the columns that are referred to, which is the row's key, its entry in a unique index,
//! or, where the index is not one of just these columns, what its entries begin with. Whoever takes the row away, or changes these columns, locks the same
//! before he looks for rows that refer. So one of the two waits for the other, under any isolation level and on whatever node they are; and who
//! waited and then finds that something was committed meanwhile runs his statement again at a newer timestamp. An optimistic transaction has its
//! locks checked by the commit.
//!
//! A row is written first and looked at then, so that rows that refer to themselves are as they are for InnoDB.

use ahash::AHashMap;
use bytes::Bytes;
use futures::future::BoxFuture;

use super::writer::TableWriter;
use crate::common::{SqlError, SqlResult, errno};
use crate::sql::catalog::KeyPath;
use crate::sql::exec::access::{TableAccess, lock_rows};
use crate::sql::exec::{ExecContext, keys};
use crate::sql::kv::{LockOptions, Savepoint, ScanOptions};
use crate::sql::parser::ast::ReferentialAction;
use crate::sql::plan::{AccessLock, Reference, Relations, TargetTable};
use crate::sql::stats::TableDelta;
use crate::sql::table_codec;
use crate::sql::types::{Datum, TypeKind};

/// How deep actions may nest.
const DEPTH_LIMIT: usize = 15;

/// A row of a table that refers, and its handle.
type Child = (i64, Vec<Datum>);

/// The foreign keys of a table that a statement changes.
pub(super) struct References<'a> {
    ctx: &'a ExecContext,
    relations: &'a Relations,
    table: i64,
    /// What was found of parents, by the keys that find them.
    stored: AHashMap<Bytes, Option<Bytes>>,
    /// What was done to other tables' rows.
    deltas: Vec<(i64, TableDelta)>,
    /// The changes that led to the one in hand: the table, and whether its row goes.
    path: Vec<(i64, bool)>,
}

/// What a row needs.
enum Needed {
    /// Nothing: a NULL among the columns, or they are as they were.
    Nothing,
    /// What cannot be.
    Impossible,
    /// What is found by this key.
    Key(Bytes, KeyPath),
}

impl<'a> References<'a> {
    /// Of a table that is to change; `None` if there are none that count.
    pub(super) fn of(target: &'a TargetTable, ctx: &'a ExecContext) -> Option<References<'a>> {
        let relations = target.relations.as_deref().filter(|_| ctx.foreign_key_checks)?;
        Some(References {
            ctx,
            relations,
            table: target.table.id,
            stored: AHashMap::new(),
            deltas: Vec::new(),
            path: Vec::new(),
        })
    }

    /// What was done to rows of other tables.
    pub(super) fn into_deltas(self) -> Vec<(i64, TableDelta)> {
        self.deltas
    }

    fn parents(&self, table: i64) -> &'a [Reference] {
        self.relations.table(table).map_or(&[], |related| &related.parents)
    }

    fn children(&self, table: i64) -> &'a [Reference] {
        self.relations.table(table).map_or(&[], |related| &related.children)
    }

    /// Whether rows may refer to those of the table.
    pub(super) fn is_parent(&self) -> bool {
        !self.children(self.table).is_empty()
    }

    fn needed(
        &self,
        reference: &Reference,
        old: Option<&[Datum]>,
        new: &[Datum],
    ) -> SqlResult<Needed> {
        let columns = &reference.columns;
        let values: Vec<&Datum> = columns.iter().map(|offset| &new[*offset]).collect();
        let same = |old: &[Datum]| columns.iter().all(|offset| old[*offset] == new[*offset]);
        if values.iter().any(|value| value.is_null()) || old.is_some_and(same) {
            return Ok(Needed::Nothing);
        }
        let Some(parent) = &reference.parent else { return Ok(Needed::Impossible) };
        let zone = &self.ctx.eval.time_zone;
        let key =
            table_codec::reference_key(&parent.table, &parent.columns, parent.path, &values, zone)?;
        Ok(key.map_or(Needed::Impossible, |key| Needed::Key(key, parent.path)))
    }

    fn lock_options(&self, return_values: bool) -> LockOptions {
        self.ctx.lock_options(AccessLock::ForUpdate, return_values)
    }

    /// Locks what these rows need, all at once; what they were is told of those that were there before.
    pub(super) async fn fetch<'r>(
        &mut self,
        rows: impl Iterator<Item = (Option<&'r [Datum]>, &'r [Datum])>,
    ) -> SqlResult<()> {
        let mut keys = Vec::new();
        for (old, new) in rows {
            for reference in self.parents(self.table) {
                if let Needed::Key(key, _) = self.needed(reference, old, new)? {
                    keys.push(key);
                }
            }
        }
        self.stored.clear();
        self.lock(keys).await
    }

    async fn lock(&mut self, mut keys: Vec<Bytes>) -> SqlResult<()> {
        if keys.is_empty() {
            return Ok(());
        }
        // One order for all statements makes deadlocks rarer.
        keys.sort_unstable();
        keys.dedup();
        let values = self.ctx.txn.lock_keys(keys.clone(), self.lock_options(true)).await?;
        self.stored.extend(keys.into_iter().zip(values));
        Ok(())
    }

    /// Error 1452 if a row that is written by now lacks a parent.
    pub(super) async fn check(&mut self, old: Option<&[Datum]>, new: &[Datum]) -> SqlResult<()> {
        self.check_parents(self.table, None, old, new).await
    }

    /// The same of a row of any table; `besides`: a key that is known to be fulfilled.
    async fn check_parents(
        &mut self,
        table: i64,
        besides: Option<i64>,
        old: Option<&[Datum]>,
        new: &[Datum],
    ) -> SqlResult<()> {
        for reference in self.parents(table) {
            if besides == Some(reference.key.id) {
                continue;
            }
            let found = match self.needed(reference, old, new)? {
                Needed::Nothing => true,
                Needed::Impossible => false,
                Needed::Key(key, path) => self.is_there(key, path).await?,
            };
            if !found {
                return Err(reference.key.no_parent(&reference.database, &reference.child));
            }
        }
        Ok(())
    }

    async fn is_there(&mut self, key: Bytes, path: KeyPath) -> SqlResult<bool> {
        let txn = &self.ctx.txn;
        let own = txn.buffered(&key);
        if own.is_none() && !self.stored.contains_key(&key) {
            self.lock(vec![key.clone()]).await?;
        }
        if !matches!(path, KeyPath::Prefix(_)) {
            let stored = || self.stored.get(&key).cloned().flatten();
            return Ok(own.unwrap_or_else(stored).is_some());
        }
        let found = self.any_entry(&key).await?;
        if found || !txn.is_pessimistic() {
            return Ok(found);
        }
        // It may be newer than what the statement reads.
        txn.use_current_read().await?;
        self.any_entry(&key).await
    }

    async fn any_entry(&self, start: &Bytes) -> SqlResult<bool> {
        let (start, end) = (start.clone(), keys::prefix_end(start));
        let options = ScanOptions { start, end, limit: Some(1), ..ScanOptions::default() };
        Ok(!self.ctx.txn.scan(options).await?.next_batch().await?.is_empty())
    }

    /// Locks what rows that are to go, or to change, are referred to by.
    pub(super) async fn hold<'r>(
        &mut self,
        rows: impl Iterator<Item = &'r [Datum]>,
    ) -> SqlResult<()> {
        let mut keys = Vec::new();
        for row in rows {
            for reference in self.children(self.table) {
                keys.extend(self.held_by(reference, row)?);
            }
        }
        keys.sort_unstable();
        keys.dedup();
        self.lock_held(keys).await
    }

    async fn lock_held(&self, keys: Vec<Bytes>) -> SqlResult<()> {
        if !keys.is_empty() {
            self.ctx.txn.lock_keys(keys, self.lock_options(false)).await?;
        }
        Ok(())
    }

    /// What a row is referred to by, if it is not locked or checked like any row that is written.
    fn held_by(&self, reference: &Reference, row: &[Datum]) -> SqlResult<Option<Bytes>> {
        let Some(parent) = &reference.parent else { return Ok(None) };
        let locked = match parent.path {
            KeyPath::Handle => true,
            KeyPath::Unique(_) => !self.ctx.txn.is_pessimistic(),
            KeyPath::Prefix(_) => false,
        };
        let values: Vec<&Datum> = parent.columns.iter().map(|offset| &row[*offset]).collect();
        if locked || values.iter().any(|value| value.is_null()) {
            return Ok(None);
        }
        let zone = &self.ctx.eval.time_zone;
        let (table, columns) = (&parent.table, &parent.columns);
        table_codec::reference_key(table, columns, parent.path, &values, zone)
    }

    /// Does what is to be done to rows that refer to one that is gone by now; error 1451 if it had to stay.
    pub(super) async fn gone(&mut self, old: &[Datum]) -> SqlResult<()> {
        self.path.clear();
        self.path.push((self.table, true));
        self.row_gone(self.table, old).await
    }

    /// Does what is to be done to rows that refer to one that has changed by now; error 1451 if it had to stay as it was.
    pub(super) async fn changed(&mut self, old: &[Datum], new: &[Datum]) -> SqlResult<()> {
        self.path.clear();
        self.path.push((self.table, false));
        self.row_changed(self.table, old, new).await
    }

    fn row_gone<'s>(&'s mut self, table: i64, old: &'s [Datum]) -> BoxFuture<'s, SqlResult<()>> {
        Box::pin(async move {
            for reference in self.children(table) {
                let action = reference.key.action(reference.key.on_delete);
                // Its own entries are gone by now, but as for InnoDB a row keeps itself, too.
                if !acts(action) && refers_to_itself(reference, table, old) {
                    return Err(refused(reference));
                }
                let rows = self.referring(reference, old, action).await?;
                for (handle, row) in rows {
                    match action {
                        ReferentialAction::Cascade => {
                            self.descend(reference, true)?;
                            let child = &reference.child;
                            let mut writer = TableWriter::new(child, None, self.ctx);
                            let mut keys = Vec::new();
                            writer.removed_unique_keys(&row, handle, &mut keys)?;
                            writer.fetch(keys, false).await?;
                            writer.delete(&row, handle).await?;
                            self.deltas.push((child.id, TableDelta::deleted(1)));
                            self.row_gone(child.id, &row).await?;
                            self.path.pop();
                        }
                        ReferentialAction::SetNull => {
                            self.set_null(reference, handle, row).await?;
                        }
                        ReferentialAction::NoAction
                        | ReferentialAction::Restrict
                        | ReferentialAction::SetDefault => return Err(refused(reference)),
                    }
                }
            }
            Ok(())
        })
    }

    fn row_changed<'s>(
        &'s mut self,
        table: i64,
        old: &'s [Datum],
        new: &'s [Datum],
    ) -> BoxFuture<'s, SqlResult<()>> {
        Box::pin(async move {
            for reference in self.children(table) {
                let Some(parent) = &reference.parent else { continue };
                if parent.columns.iter().all(|offset| old[*offset] == new[*offset]) {
                    continue;
                }
                let action = reference.key.action(reference.key.on_update);
                let rows = self.referring(reference, old, action).await?;
                for (handle, row) in rows {
                    // As for InnoDB: a table is changed once on the way.
                    if self.path.contains(&(reference.child.id, false)) {
                        return Err(refused(reference));
                    }
                    match action {
                        ReferentialAction::Cascade => {
                            let mut changed = row.clone();
                            for (to, from) in reference.columns.iter().zip(&parent.columns) {
                                changed[*to] = fitting(reference, *to, &new[*from])?;
                            }
                            self.change(reference, handle, row, changed).await?;
                        }
                        ReferentialAction::SetNull => {
                            self.set_null(reference, handle, row).await?;
                        }
                        ReferentialAction::NoAction
                        | ReferentialAction::Restrict
                        | ReferentialAction::SetDefault => return Err(refused(reference)),
                    }
                }
            }
            Ok(())
        })
    }

    /// Goes on with a row that is changed because of another.
    fn descend(&mut self, reference: &Reference, goes: bool) -> SqlResult<()> {
        if self.path.len() > DEPTH_LIMIT {
            return Err(SqlError::new(
                errno::FK_DEPTH_EXCEEDED,
                format!("Foreign key cascade delete/update exceeds max depth of {DEPTH_LIMIT}."),
            ));
        }
        self.path.push((reference.child.id, goes));
        Ok(())
    }

    async fn set_null(
        &mut self,
        reference: &'a Reference,
        handle: i64,
        row: Vec<Datum>,
    ) -> SqlResult<()> {
        let mut changed = row.clone();
        for offset in &reference.columns {
            changed[*offset] = Datum::Null;
        }
        self.change(reference, handle, row, changed).await
    }

    /// Changes a row that refers.
    async fn change(
        &mut self,
        reference: &'a Reference,
        handle: i64,
        old: Vec<Datum>,
        changed: Vec<Datum>,
    ) -> SqlResult<()> {
        self.descend(reference, false)?;
        let child = &reference.child;
        let mut writer = TableWriter::new(child, reference.rules.as_deref(), self.ctx);
        let new = writer.prepare_changed(&old, changed, handle)?;
        let mut keys = Vec::new();
        writer.changed_unique_keys(&old, handle, &new, &mut keys)?;
        writer.fetch(keys, true).await?;
        if let Some(conflict) = writer.conflict(&new, Some(handle))? {
            return Err(leads_to_duplicate(reference, &new.values, &conflict.key));
        }
        writer.update(&old, handle, &new).await?;
        self.deltas.push((child.id, TableDelta::changed(1)));
        let known = Some(reference.key.id);
        self.check_parents(child.id, known, Some(&old), &new.values).await?;
        self.row_changed(child.id, &old, &new.values).await?;
        self.path.pop();
        Ok(())
    }

    /// The rows that refer to one as it was, locked; one of them is enough where any is in the way.
    async fn referring(
        &self,
        reference: &Reference,
        old: &[Datum],
        action: ReferentialAction,
    ) -> SqlResult<Vec<Child>> {
        let (Some(parent), Some(path)) = (&reference.parent, reference.path) else {
            return Ok(Vec::new());
        };
        let values: Vec<&Datum> = parent.columns.iter().map(|offset| &old[*offset]).collect();
        if values.iter().any(|value| value.is_null()) {
            return Ok(Vec::new());
        }
        let held = self.held_by(reference, old)?;
        self.lock_held(held.into_iter().collect()).await?;
        let (child, zone) = (&reference.child, &self.ctx.eval.time_zone);
        let key = table_codec::reference_key(child, &reference.columns, path, &values, zone)?;
        let Some(key) = key else { return Ok(Vec::new()) };
        let (index, end) = match path {
            KeyPath::Handle => (None, keys::successor(&key)),
            KeyPath::Unique(at) | KeyPath::Prefix(at) => {
                (Some(std::sync::Arc::new(child.indexes[at].clone())), keys::prefix_end(&key))
            }
        };
        let columns: Vec<usize> = (0..child.columns.len()).collect();
        let ranges = vec![(key, end)];
        let mut access =
            TableAccess::open_ranges(child, index.as_ref(), &columns, ranges, self.ctx);
        let one = !acts(action);
        let mut found = Vec::new();
        loop {
            let batch = access.next().await?;
            if batch.rows.is_empty() {
                break;
            }
            found.extend(batch.handles.into_iter().zip(batch.rows));
            if one {
                found.truncate(1);
                break;
            }
            self.ctx.pause().await?;
        }
        if self.ctx.txn.is_pessimistic() {
            let handles: Vec<i64> = found.iter().map(|(handle, _)| *handle).collect();
            lock_rows(child, &handles, AccessLock::ForUpdate, self.ctx).await?;
        }
        Ok(found)
    }
}

/// Whether rows that refer go or change with what they refer to.
fn acts(action: ReferentialAction) -> bool {
    matches!(action, ReferentialAction::Cascade | ReferentialAction::SetNull)
}

fn refers_to_itself(reference: &Reference, table: i64, row: &[Datum]) -> bool {
    let Some(parent) = reference.parent.as_ref().filter(|_| reference.child.id == table) else {
        return false;
    };
    let mut pairs = reference.columns.iter().zip(&parent.columns);
    pairs.all(|(from, to)| !row[*from].is_null() && row[*from] == row[*to])
}

fn refused(reference: &Reference) -> SqlError {
    reference.key.has_children(&reference.database, &reference.child)
}

/// A parent's value for the column that refers to it; error 1451 if it does not fit in.
fn fitting(reference: &Reference, offset: usize, value: &Datum) -> SqlResult<Datum> {
    let field_type = &reference.child.columns[offset].field_type;
    let too_long = match (value, field_type.length) {
        (Datum::Bytes(bytes), Some(most)) if field_type.kind.is_string() => {
            let binary = field_type.is_binary_string();
            let length =
                if binary { bytes.len() } else { String::from_utf8_lossy(bytes).chars().count() };
            length > most as usize
        }
        // Numbers and times of one kind fit; kinds that differ are refused when the key is made.
        _ => false,
    };
    if too_long || (value.is_null() && field_type.not_null) {
        return Err(refused(reference));
    }
    // CHAR has no spaces at its end.
    Ok(match value {
        Datum::Bytes(bytes)
            if field_type.kind == TypeKind::Char && !field_type.is_binary_string() =>
        {
            let kept = bytes.iter().rposition(|byte| *byte != b' ').map_or(0, |last| last + 1);
            Datum::Bytes(bytes.slice(..kept))
        }
        value => value.clone(),
    })
}

/// Error 1761.
fn leads_to_duplicate(reference: &Reference, row: &[Datum], key: &str) -> SqlError {
    let values: Vec<String> =
        reference.columns.iter().map(|offset| row[*offset].to_text()).collect();
    let message = format!(
        "Foreign key constraint for table '{}', record '{}' would lead to a duplicate entry in table '{}', key '{key}'",
        reference.key.parent_table,
        values.join("-"),
        reference.child.name,
    );
    SqlError::new(errno::FOREIGN_DUPLICATE_KEY, message)
}

/// Undoes a row that foreign keys forbid, with a warning, where the statement says IGNORE.
pub(super) fn tolerate(ctx: &ExecContext, mark: Savepoint, error: SqlError) -> SqlResult<()> {
    let forbidden = matches!(
        error.code,
        errno::ROW_IS_REFERENCED_2 | errno::NO_REFERENCED_ROW_2 | errno::FOREIGN_DUPLICATE_KEY
    );
    if !ctx.eval.ignore || !forbidden {
        return Err(error);
    }
    ctx.txn.rollback_to(mark);
    ctx.eval.warn(error.code, error.message);
    Ok(())
}
