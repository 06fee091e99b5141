//! Actions of ALTER TABLE: what each makes of a table's definition.
//!
//! An action is one file here: what is stored of it in a job, and a [`Change`] that turns the definition before into the
//! one after. All actions of a statement are applied to one definition, so that they become public together. What comes and what goes by
//! that, column by column and index by index, is the difference of the two, which [`crate::sql::ddl`] takes through
//! the states; an action knows nothing of states.
//!
//! As in MySQL the actions of a statement are a set: whatever their order, what goes makes room for what comes, columns are found by the names they had,
//! and keys by the names that columns will have.

mod add_column;
mod checks;
mod convert_to;
mod difference;
mod drop_column;
mod foreign_keys;
mod indexes;
mod modify_column;
mod options;
mod partitions;
mod rename_column;
mod rename_index;
mod rename_to;
mod set_default;
mod triggers;
mod visibility;
mod whole;

use serde::{Deserialize, Serialize};

pub use self::add_column::AddColumn;
pub use self::checks::{AddCheck, DropCheck, EnforceCheck};
pub use self::drop_column::DropColumn;
pub(in crate::sql) use self::foreign_keys::index_needed;
pub use self::foreign_keys::{AddForeignKey, DropConstraint};
pub use self::indexes::{AddIndex, DropIndex};
pub use self::modify_column::ModifyColumn;
pub use self::options::ChangeOptions;
pub use self::partitions::ChangePartitions;
pub use self::rename_index::RenameIndex;
pub use self::rename_to::RenameTo;
pub use self::set_default::SetDefault;
pub use self::triggers::{AddTrigger, DropTrigger};
pub use self::visibility::{ColumnVisibility, IndexVisibility};
use super::build::{DdlContext, check_auto_increment};
use super::build_index::whole_part;
use super::check::{check_actions, keep_columns};
use super::computed::{check_keys, keep_bases, resolve_columns};
use super::ddl_statement::Complaint;
use super::expression_index::drop_unused;
use super::foreign_key::drop_needless_indexes;
use super::partition::keep_partitioning;
use super::{ColumnInfo, IndexColumn, SchemaState, TableInfo};
use crate::common::{SqlError, SqlResult, errno};
use crate::sql::parser::ast::{AlterAction, ColumnPlace, Renamed};

/// An action of ALTER TABLE, CREATE INDEX or DROP INDEX, as a job has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum TableChange {
    /// ADD COLUMN.
    AddColumn(Box<AddColumn>),
    /// DROP COLUMN.
    DropColumn(DropColumn),
    /// RENAME COLUMN.
    RenameColumn(Renamed),
    /// MODIFY COLUMN and CHANGE COLUMN.
    ModifyColumn(Box<ModifyColumn>),
    /// ALTER COLUMN … SET DEFAULT and DROP DEFAULT.
    SetDefault(SetDefault),
    /// ADD INDEX.
    AddIndex(AddIndex),
    /// DROP INDEX.
    DropIndex(DropIndex),
    /// RENAME INDEX.
    RenameIndex(RenameIndex),
    /// ALTER COLUMN … SET VISIBLE and SET INVISIBLE.
    ColumnVisibility(ColumnVisibility),
    /// ALTER INDEX … VISIBLE and INVISIBLE.
    IndexVisibility(IndexVisibility),
    /// RENAME TO.
    RenameTo(RenameTo),
    /// COMMENT and other options of the table.
    Options(ChangeOptions),
    /// ADD FOREIGN KEY.
    AddForeignKey(Box<AddForeignKey>),
    /// DROP FOREIGN KEY and DROP CONSTRAINT.
    DropConstraint(DropConstraint),
    /// ADD CHECK.
    AddCheck(AddCheck),
    /// DROP CHECK.
    DropCheck(DropCheck),
    /// ALTER CHECK … [NOT] ENFORCED.
    EnforceCheck(EnforceCheck),
    /// What is done with partitions.
    Partitions(Box<ChangePartitions>),
    /// CREATE TRIGGER.
    AddTrigger(Box<AddTrigger>),
    /// DROP TRIGGER.
    DropTrigger(DropTrigger),
}

/// What an action on constraints asks for.
fn constraint_change(
    action: &AlterAction,
    table: &TableInfo,
    ctx: &DdlContext<'_>,
) -> SqlResult<TableChange> {
    Ok(match action {
        AlterAction::AddForeignKey(definition) => {
            let (database, definition) = (ctx.database_of(table), definition.clone());
            TableChange::AddForeignKey(Box::new(AddForeignKey { database, definition }))
        }
        AlterAction::DropForeignKey(name) => {
            TableChange::DropConstraint(DropConstraint { name: name.clone(), any: false })
        }
        AlterAction::DropConstraint(name) => {
            TableChange::DropConstraint(DropConstraint { name: name.clone(), any: true })
        }
        AlterAction::AddCheck(definition) => TableChange::AddCheck(AddCheck::build(definition)?),
        AlterAction::DropCheck(name) => TableChange::DropCheck(DropCheck { name: name.clone() }),
        AlterAction::EnforceCheck(name, enforced, any) => {
            let (name, enforced, any) = (name.clone(), *enforced, *any);
            TableChange::EnforceCheck(EnforceCheck { name, enforced, any })
        }
        _ => return Err(SqlError::internal("an action that is not about constraints")),
    })
}

impl TableChange {
    /// What an action asks for: one change in most cases; some are nothing, and some change several columns.
    pub(in crate::sql) fn build(
        action: &AlterAction,
        table: &TableInfo,
        ctx: &DdlContext<'_>,
    ) -> SqlResult<Vec<TableChange>> {
        Ok(vec![match action {
            AlterAction::AddColumn(definition, place) => {
                let added = AddColumn::build(definition, place.clone(), table, ctx)?;
                TableChange::AddColumn(Box::new(added))
            }
            AlterAction::DropColumn(name) => {
                TableChange::DropColumn(DropColumn { name: name.clone() })
            }
            AlterAction::RenameColumn(renamed) => TableChange::RenameColumn(renamed.clone()),
            AlterAction::ModifyColumn(name, definition, place) => {
                let modified = ModifyColumn::build(name, definition, place.clone(), table, ctx)?;
                TableChange::ModifyColumn(Box::new(modified))
            }
            AlterAction::SetDefault(name, default) => {
                TableChange::SetDefault(SetDefault::build(name, default.as_ref(), table, ctx)?)
            }
            AlterAction::SetDefaultExpr(name, expr) => {
                TableChange::SetDefault(SetDefault::of_expr(name, expr, table)?)
            }
            AlterAction::RenameIndex(renamed) => {
                TableChange::RenameIndex(RenameIndex(renamed.clone()))
            }
            AlterAction::AddIndex(definition) => TableChange::AddIndex(AddIndex {
                definition: definition.clone(),
                if_not_exists: false,
            }),
            AlterAction::DropIndex(name) => {
                TableChange::DropIndex(DropIndex { name: name.clone() })
            }
            AlterAction::ColumnVisibility(name, visible) => {
                let (name, visible) = (name.clone(), *visible);
                TableChange::ColumnVisibility(ColumnVisibility { name, visible })
            }
            AlterAction::IndexVisibility(name, visible) => {
                TableChange::IndexVisibility(IndexVisibility {
                    name: name.clone(),
                    visible: *visible,
                })
            }
            AlterAction::RenameTo(name) => TableChange::RenameTo(RenameTo::build(name, ctx)?),
            AlterAction::Options(options) => {
                let change = ChangeOptions::build(options, table)?.map(TableChange::Options);
                return Ok(change.into_iter().collect());
            }
            AlterAction::ConvertTo(charset, collation) => {
                return convert_to::build(charset.as_deref(), collation.as_deref(), table, ctx);
            }
            AlterAction::OrderBy(columns) => {
                let known =
                    |name: &str| table.visible_columns().iter().any(|c| same_name(&c.name, name));
                return match columns.iter().find(|name| !known(name)) {
                    Some(name) => Err(unknown_in("order clause", name)),
                    None => Ok(Vec::new()),
                };
            }
            AlterAction::Keys | AlterAction::Force => return Ok(Vec::new()),
            AlterAction::Partitions(action) => {
                let change = ChangePartitions::build(action, table, ctx)?;
                let change = change.map(|change| TableChange::Partitions(Box::new(change)));
                return Ok(change.into_iter().collect());
            }
            AlterAction::AddForeignKey(_)
            | AlterAction::DropForeignKey(_)
            | AlterAction::DropConstraint(_)
            | AlterAction::AddCheck(_)
            | AlterAction::DropCheck(_)
            | AlterAction::EnforceCheck(..) => constraint_change(action, table, ctx)?,
        }])
    }

    fn change(&self) -> &dyn Change {
        match self {
            TableChange::AddColumn(change) => &**change,
            TableChange::DropColumn(change) => change,
            TableChange::RenameColumn(change) => change,
            TableChange::ModifyColumn(change) => &**change,
            TableChange::SetDefault(change) => change,
            TableChange::RenameIndex(change) => change,
            TableChange::ColumnVisibility(change) => change,
            TableChange::IndexVisibility(change) => change,
            TableChange::RenameTo(change) => change,
            TableChange::Options(change) => change,
            TableChange::AddIndex(change) => change,
            TableChange::DropIndex(change) => change,
            TableChange::AddForeignKey(change) => &**change,
            TableChange::DropConstraint(change) => change,
            TableChange::AddCheck(change) => change,
            TableChange::DropCheck(change) => change,
            TableChange::EnforceCheck(change) => change,
            TableChange::Partitions(change) => &**change,
            TableChange::AddTrigger(change) => &**change,
            TableChange::DropTrigger(change) => change,
        }
    }

    /// The database and the table that it makes the table refer to.
    pub fn parent(&self) -> Option<(&str, &str)> {
        match self {
            TableChange::AddForeignKey(change) => Some(change.parent()),
            _ => None,
        }
    }

    /// Whether it makes something that takes space.
    pub fn adds(&self) -> bool {
        self.change().turn() >= Turn::AddColumns
    }
}

/// When an action is applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Turn {
    /// What forbids the others to go goes first.
    DropConstraints,
    /// Before their columns.
    DropIndexes,
    /// Before others take their names.
    DropColumns,
    /// What stands gets another name, type, place or default.
    Change,
    /// They may take names that are free by now.
    AddColumns,
    /// They may be over new columns.
    AddIndexes,
    /// They need indexes.
    AddForeignKeys,
}

/// What an action does.
trait Change {
    /// When it is its turn.
    fn turn(&self) -> Turn;

    /// Changes the definition.
    fn apply(&self, alteration: &mut Alteration) -> SqlResult<()>;
}

/// A table as it is and as it is to be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alteration {
    /// As it is: public columns and indexes.
    pub before: TableInfo,
    /// As it is to be.
    pub after: TableInfo,
    /// The database it is to be in, where it gets another name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub moves_to: Option<String>,
    /// The columns that become others, with those that they become: each row gets another value.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conversions: Vec<(i64, i64)>,
    /// A column that is added and counts: each row gets a number, and as long as they get them nobody writes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub numbered: Option<i64>,
    /// The columns that come with expressions: each row gets the value that follows from its others.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub computed: Vec<i64>,
    /// Rows get to other physical tables.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub moves: bool,
    /// What the user should see besides.
    #[serde(skip)]
    pub notes: Vec<Complaint>,
    /// What is wrong with it if there are rows in the table.
    #[serde(skip)]
    pub refused_with_rows: Option<Complaint>,
}

impl Alteration {
    /// What these actions make of a table, or the error of one that cannot be.
    pub fn new(table: &TableInfo, changes: &[TableChange]) -> SqlResult<Alteration> {
        let mut before = table.clone();
        before.name_index_columns();
        let handle = before.handle_id();
        before.indexes.retain(|index| index.state == SchemaState::Public);
        before.columns.retain(|column| column.state == SchemaState::Public);
        before.foreign_keys.retain(|key| key.state == SchemaState::Public);
        before.checks.retain(|check| check.state == SchemaState::Public);
        before.place_columns(handle);
        let mut alteration = Alteration {
            after: before.clone(),
            before,
            moves_to: None,
            conversions: Vec::new(),
            numbered: None,
            computed: Vec::new(),
            moves: false,
            notes: Vec::new(),
            refused_with_rows: None,
        };
        let divides = |change: &TableChange| matches!(change, TableChange::Partitions(_));
        if changes.len() > 1 && changes.iter().any(divides) {
            return Err(SqlError::unsupported("partitions and other changes in one ALTER TABLE"));
        }
        let mut changes: Vec<&dyn Change> = changes.iter().map(TableChange::change).collect();
        changes.sort_by_key(|change| change.turn());
        let later = changes.iter().position(|change| change.turn() >= Turn::AddIndexes);
        let (first, last) = changes.split_at(later.unwrap_or(changes.len()));
        first.iter().try_for_each(|change| change.apply(&mut alteration))?;
        alteration.check_columns()?;
        alteration.mend_indexes()?;
        drop_unused(&mut alteration.after);
        alteration.check_indexes()?;
        last.iter().try_for_each(|change| change.apply(&mut alteration))?;
        resolve_columns(&mut alteration.after)?;
        alteration.follow_bases()?;
        alteration.follow_checks();
        check_auto_increment(&alteration.after)?;
        let Alteration { after, conversions, computed, .. } = &mut alteration;
        let stays = |id: i64| after.columns.iter().any(|column| column.id == id);
        conversions.retain(|(_, to)| stays(*to));
        computed.retain(|id| stays(*id));
        alteration.follow_conversions();
        drop_needless_indexes(&mut alteration.after);
        alteration.check_foreign_keys()?;
        keep_bases(&alteration.after)?;
        check_keys(&alteration.after)?;
        keep_partitioning(&alteration.before, &alteration.after)?;
        keep_columns(&mut alteration.after)?;
        check_actions(&alteration.after)?;
        Ok(alteration)
    }

    /// Whether there is nothing to do.
    pub fn is_settled(&self) -> bool {
        self.before == self.after && self.moves_to.is_none()
    }

    /// The id of the column that had this name, if it stays; if it becomes another one, the other one's.
    fn column_before(&self, name: &str) -> Option<i64> {
        let known = self.before.columns.iter().find(|column| same_name(&column.name, name));
        let stays = |id: &i64| self.after.columns.iter().any(|column| column.id == *id);
        let becomes = |id: i64| {
            let found = self.conversions.iter().find(|(from, _)| *from == id);
            found.map_or(id, |(_, to)| *to)
        };
        known.map(|column| becomes(column.id)).filter(stays)
    }

    /// Makes another column of one, in the same place: whoever calls this says what of it is different. Its indexes are made anew. If rows were
    /// found by it, they are found by a hidden number now. Answers its id; one that is new by this statement remains what it is.
    fn convert_column(&mut self, id: i64) -> i64 {
        if id > self.before.max_column_id {
            return id;
        }
        self.after.max_column_id += 1;
        let new = self.after.max_column_id;
        let handle = self.after.handle_id().filter(|handle| *handle != id);
        let mut columns = self.after.columns.iter_mut();
        if let Some(column) = columns.find(|column| column.id == id) {
            column.id = new;
            column.origin = None;
        }
        for position in 0..self.after.indexes.len() {
            let parts = &mut self.after.indexes[position].columns;
            let mut touched = false;
            for part in parts.iter_mut().filter(|part| part.column == id) {
                part.column = new;
                touched = true;
            }
            if touched {
                self.after.indexes[position].id = self.next_index_id();
            }
        }
        self.after.place_columns(handle);
        self.conversions.push((id, new));
        new
    }

    /// Where the column with this name will be.
    fn position_after(&self, name: &str) -> Option<usize> {
        self.after.columns.iter().position(|column| same_name(&column.name, name))
    }

    /// Error 1054.
    fn unknown_column(&self, name: &str) -> SqlError {
        unknown_column(name, &self.before)
    }

    /// The column that had this name; error 1054 if there was none, or it goes.
    fn column_of(&mut self, name: &str) -> SqlResult<&mut ColumnInfo> {
        let unknown = self.unknown_column(name);
        let id = self.column_before(name);
        let found = self.after.columns.iter_mut().find(|column| Some(column.id) == id);
        found.ok_or(unknown)
    }

    /// Where a column with this place is to stand; error 1054 if it is to stand after one that is not there.
    fn position_of(&self, place: &ColumnPlace) -> SqlResult<usize> {
        match place {
            ColumnPlace::First => Ok(0),
            ColumnPlace::After(name) => match self.position_after(name) {
                Some(position) => Ok(position + 1),
                None => Err(self.unknown_column(name)),
            },
        }
    }

    fn next_index_id(&mut self) -> i64 {
        self.after.max_index_id += 1;
        self.after.max_index_id
    }

    /// Takes columns that go out of the indexes; as in MySQL a new one of the same name takes their place. An index of nothing else
    /// goes; another one is made anew, as its entries are different ones then.
    fn mend_indexes(&mut self) -> SqlResult<()> {
        for mut index in std::mem::take(&mut self.after.indexes) {
            let stays = |id: i64| self.after.columns.iter().any(|column| column.id == id);
            if index.columns.iter().all(|part| stays(part.column)) {
                self.after.indexes.push(index);
                continue;
            }
            let mut parts = Vec::with_capacity(index.columns.len());
            for part in index.columns {
                let old = self.before.columns.iter().find(|column| column.id == part.column);
                let replaces = |column: &&ColumnInfo| {
                    column.id > self.before.max_column_id
                        && old.is_some_and(|old| same_name(&old.name, &column.name))
                };
                if stays(part.column) {
                    parts.push(part);
                } else if let Some(new) = self.after.columns.iter().find(replaces) {
                    parts.push(IndexColumn { descending: part.descending, ..whole_part(new)? });
                }
            }
            if !parts.is_empty() {
                index.columns = parts;
                index.id = self.next_index_id();
                self.after.indexes.push(index);
            }
        }
        let handle = self.after.handle_id();
        self.after.place_columns(handle);
        Ok(())
    }
}

/// Whether two names are the same to MySQL, which ignores their case here.
fn same_name(left: &str, right: &str) -> bool {
    left.eq_ignore_ascii_case(right) || left.to_lowercase() == right.to_lowercase()
}

/// Error 1054 for a column in a clause.
fn unknown_in(clause: &str, name: &str) -> SqlError {
    SqlError::new(errno::BAD_FIELD, format!("Unknown column '{name}' in '{clause}'"))
}

/// Error 1054.
fn unknown_column(name: &str, table: &TableInfo) -> SqlError {
    SqlError::new(errno::BAD_FIELD, format!("Unknown column '{name}' in '{}'", table.name))
}

/// Error 1091.
fn cannot_drop(name: &str) -> SqlError {
    let message = format!("Can't DROP '{name}'; check that column/key exists");
    SqlError::new(errno::CANT_DROP_FIELD_OR_KEY, message)
}
