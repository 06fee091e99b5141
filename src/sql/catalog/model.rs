//! The schema as it is stored, in JSON, under the `m` prefix.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{
    CheckInfo, ForeignKey, Generated, Partitioning, RoutineInfo, TableExpr, TriggerInfo, ViewInfo,
};
use crate::sql::fulltext::FulltextParser;
use crate::sql::parser::ast::IndexNotes;
use crate::sql::types::FieldType;

/// How far a schema element has come on F1's way from absent to public; no two SQL nodes differ by
/// more than one step.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub enum SchemaState {
    /// Nobody sees it.
    Absent,
    /// Deletes and updates remove its entries; nobody adds any.
    DeleteOnly,
    /// Writes keep it; nobody reads it.
    WriteOnly,
    /// Old rows are being added.
    Reorganization,
    /// Everybody uses it.
    #[default]
    Public,
}

/// A database.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DatabaseInfo {
    /// Never used again.
    pub id: i64,
    /// As written; compared without case.
    pub name: String,
    /// Default character set of its tables.
    pub charset: String,
    /// Default collation of its tables.
    pub collation: String,
    /// How far it has come.
    pub state: SchemaState,
}

/// A column's default.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum DefaultValue {
    /// A constant, as the text MySQL shows (`None`: DEFAULT NULL).
    Constant(Option<String>),
    /// CURRENT_TIMESTAMP with this many digits of fraction.
    CurrentTimestamp(u8),
    /// An expression, computed for each row.
    Expression(TableExpr),
}

/// A column.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ColumnInfo {
    /// Unique in the table and never used again.
    pub id: i64,
    /// As written; compared without case.
    pub name: String,
    /// Position in the row as users see it.
    pub offset: usize,
    /// Its type.
    pub field_type: FieldType,
    /// Its default; `None`: none (an insert must give a value, if NOT NULL).
    pub default: Option<DefaultValue>,
    /// ON UPDATE CURRENT_TIMESTAMP with this many digits.
    pub on_update_now: Option<u8>,
    /// AUTO_INCREMENT.
    pub auto_increment: bool,
    /// COMMENT.
    pub comment: String,
    /// Its values follow from those of others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub generated: Option<Generated>,
    /// What rows have that were written before the column was added, as a row stores it; `None`: NULL.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<Vec<u8>>,
    /// While it comes or goes: its values follow from those of another column.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mirrors: Option<Mirror>,
    /// It holds what an expression in an index gives: statements do not see it. Such columns stand behind the others.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub hidden: bool,
    /// `*` does not give it, and an INSERT without a list of columns leaves it out.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub invisible: bool,
    /// STORAGE and COLUMN_FORMAT, which only MySQL Cluster has a use for: word and value.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub storage: Vec<(String, String)>,
    /// How far it has come.
    pub state: SchemaState,
}

/// What the values of a column follow from that takes another one's place, or gives its own to another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mirror {
    /// The id of the column that statements see.
    pub column: i64,
    /// It is the one that statements will see: what does not fit is an error of the statement, as it will be then.
    pub comes: bool,
}

/// A column of an index.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IndexColumn {
    /// The column's id.
    #[serde(default)]
    pub column: i64,
    /// Where that column is in `TableInfo::columns`; see [`TableInfo::place_columns`].
    pub offset: usize,
    /// Only this many characters of it.
    pub prefix_len: Option<u32>,
    /// Greater values come first, and NULL last.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub descending: bool,
}

/// An index. A primary key that is not the row's handle is a unique index named PRIMARY.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IndexInfo {
    /// Unique in the table and never used again.
    pub id: i64,
    /// As written; compared without case.
    pub name: String,
    /// Its columns, first to last.
    pub columns: Vec<IndexColumn>,
    /// No two rows with equal non-NULL values.
    pub unique: bool,
    /// Whether it is the primary key.
    pub primary: bool,
    /// What is only shown of it.
    #[serde(flatten)]
    pub notes: IndexNotes,
    /// It is kept like any other, and no plan uses it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub invisible: bool,
    /// New rows get no entry: it is unique, and goes together with a column which they have no value for.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub skips_new_rows: bool,
    /// It was made for a foreign key, and goes when another index takes its place.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub generated: bool,
    /// It has an entry for each word of a row's texts, which this cuts, and finds rows for MATCH alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fulltext: Option<FulltextParser>,
    /// How far it has come.
    pub state: SchemaState,
}

impl TableInfo {
    /// The indexes that `before` did not have and that order rows exactly as another of the same kind does, which came before them.
    pub fn new_duplicates<'t>(
        &'t self,
        before: Option<&'t TableInfo>,
    ) -> impl Iterator<Item = &'t IndexInfo> {
        let orders = |index: &IndexInfo| {
            let column =
                |column: &IndexColumn| (column.column, column.prefix_len, column.descending);
            let columns: Vec<_> = index.columns.iter().map(column).collect();
            (index.unique, index.primary, index.fulltext.is_some(), columns)
        };
        let is_old = move |index: &IndexInfo| {
            before.is_some_and(|before| before.indexes.iter().any(|old| old.id == index.id))
        };
        self.indexes.iter().enumerate().filter_map(move |(at, index)| {
            let earlier = self.indexes[..at].iter().filter(|other| !other.generated);
            let doubled = !index.generated
                && !is_old(index)
                && earlier.into_iter().any(|other| orders(other) == orders(index));
            doubled.then_some(index)
        })
    }
}

impl IndexInfo {
    /// Whether plans may find and order rows by the values of its columns.
    pub fn is_usable(&self) -> bool {
        self.is_public() && self.fulltext.is_none()
    }

    /// Whether MATCH may use it.
    pub fn is_searchable(&self) -> bool {
        self.is_public() && self.fulltext.is_some()
    }

    fn is_public(&self) -> bool {
        self.state == SchemaState::Public && !self.invisible
    }
}

/// A lock of LOCK TABLES.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableLock {
    /// The number of the connection that has it.
    pub owner: u32,
    /// Nobody else reads the table. Without it nobody writes it.
    pub write: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// Where a column is that the table does not have.
const GONE: usize = usize::MAX;

/// A table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableInfo {
    /// Unique in the cluster and never used again; TRUNCATE gives a new one.
    pub id: i64,
    /// As written; compared without case.
    pub name: String,
    /// Columns, public ones first, in order.
    pub columns: Vec<ColumnInfo>,
    /// Indexes, without the clustered primary key.
    pub indexes: Vec<IndexInfo>,
    /// The integer primary-key column that is the row's handle; `None`: a hidden handle, `_tidb_rowid` in TiDB.
    pub handle_column: Option<usize>,
    /// What is shown of the primary key that this column is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub handle_notes: Option<Box<IndexNotes>>,
    /// Default collation of its columns, by name.
    pub collation: String,
    /// COMMENT.
    pub comment: String,
    /// What is only recorded of how to store it (ROW_FORMAT, STATS_PERSISTENT, …): name in upper case and value, in the order in which
    /// they are shown.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub storage: Vec<(String, String)>,
    /// AUTO_INCREMENT = n, when it was last said: no generated number is lower.
    pub auto_increment_start: Option<u64>,
    /// How often the counter of AUTO_INCREMENT was set since: numbers that were taken before are not given out any more.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub counted_anew: u64,
    /// Highest column id given.
    pub max_column_id: i64,
    /// Highest index id given.
    pub max_index_id: i64,
    /// How far it has come.
    pub state: SchemaState,
    /// Schema version that last changed it.
    pub version: i64,
    /// When it was made, or emptied by TRUNCATE, by the oracle's clock; zero: it is not known.
    #[serde(default)]
    pub created_ms: u64,
    /// Who has locked it with LOCK TABLES.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub locks: Vec<TableLock>,
    /// Which rows of other tables its rows need.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub foreign_keys: Vec<ForeignKey>,
    /// What none of its rows may make false, by name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub checks: Vec<CheckInfo>,
    /// What runs when its rows change; those of an event in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub triggers: Vec<TriggerInfo>,
    /// How its rows are divided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub partitioning: Option<Box<Partitioning>>,
    /// It is a view, which has no rows of its own: what it shows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub view: Option<Box<ViewInfo>>,
    /// It is a procedure or a function.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub routine: Option<Box<RoutineInfo>>,
}

impl ColumnInfo {
    /// A public column of which nothing is said but its name and type; its id follows from its place.
    pub fn plain(name: &str, offset: usize, field_type: FieldType) -> ColumnInfo {
        ColumnInfo {
            id: offset as i64 + 1,
            name: name.to_owned(),
            offset,
            field_type,
            default: None,
            on_update_now: None,
            auto_increment: false,
            comment: String::new(),
            generated: None,
            origin: None,
            mirrors: None,
            hidden: false,
            invisible: false,
            storage: Vec::new(),
            state: SchemaState::Public,
        }
    }
}

impl TableInfo {
    /// A public table without columns, name and id.
    pub fn empty(collation: &str) -> TableInfo {
        TableInfo {
            id: 0,
            name: String::new(),
            columns: Vec::new(),
            indexes: Vec::new(),
            handle_column: None,
            handle_notes: None,
            collation: collation.to_owned(),
            comment: String::new(),
            storage: Vec::new(),
            auto_increment_start: None,
            counted_anew: 0,
            max_column_id: 0,
            max_index_id: 0,
            state: SchemaState::Public,
            version: 0,
            created_ms: 0,
            locks: Vec::new(),
            foreign_keys: Vec::new(),
            checks: Vec::new(),
            partitioning: None,
            view: None,
            triggers: Vec::new(),
            routine: None,
        }
    }

    /// The places of the columns that `*` gives.
    pub fn shown_columns(&self) -> Vec<usize> {
        let columns = self.visible_columns().iter().enumerate();
        columns.filter(|(_, column)| !column.invisible).map(|(position, _)| position).collect()
    }

    /// Whether rows have to be told by a handle that no column is, as MATCH tells them.
    pub fn is_searched_by_hidden_handle(&self) -> bool {
        self.handle_column.is_none() && self.indexes.iter().any(IndexInfo::is_searchable)
    }

    /// The columns that statements can name, in order.
    pub fn visible_columns(&self) -> &[ColumnInfo] {
        let public = self.public_columns();
        &public[..public.iter().take_while(|column| !column.hidden).count()]
    }

    /// The columns that plans can read, in order: those that statements can name, and hidden ones behind them.
    pub fn public_columns(&self) -> &[ColumnInfo] {
        let public = |column: &&ColumnInfo| column.state == SchemaState::Public;
        &self.columns[..self.columns.iter().take_while(public).count()]
    }

    /// The id of the column that is the row's handle.
    pub fn handle_id(&self) -> Option<i64> {
        self.handle_column.map(|offset| self.columns[offset].id)
    }

    /// Makes all positions follow from the ids, after columns have come, gone or moved.
    pub fn place_columns(&mut self, handle: Option<i64>) {
        let mut offsets = BTreeMap::new();
        for (offset, column) in self.columns.iter_mut().enumerate() {
            column.offset = offset;
            offsets.insert(column.id, offset);
        }
        self.handle_column = handle.and_then(|id| offsets.get(&id).copied());
        if self.handle_column.is_none() {
            self.handle_notes = None;
        }
        for part in self.indexes.iter_mut().flat_map(|index| &mut index.columns) {
            part.offset = offsets.get(&part.column).copied().unwrap_or(GONE);
        }
    }

    /// Names the columns of indexes by their ids where an earlier version has not.
    pub fn name_index_columns(&mut self) {
        for part in self.indexes.iter_mut().flat_map(|index| &mut index.columns) {
            if part.column == 0 {
                part.column = self.columns[part.offset].id;
            }
        }
    }

    /// Whether a column is one of the primary key's.
    pub fn is_in_primary_key(&self, offset: usize) -> bool {
        let primary = self.indexes.iter().filter(|index| index.primary);
        self.handle_column == Some(offset)
            || primary.flat_map(|index| &index.columns).any(|column| column.offset == offset)
    }

    /// Where an index stands among the unique ones when a row is in the way of another: the primary key first, then those
    /// that hold no NULL, then the others; lower is earlier.
    pub fn unique_rank(&self, index: &IndexInfo) -> u8 {
        let not_null = |part: &IndexColumn| self.columns[part.offset].field_type.not_null;
        match index.primary {
            true => 0,
            false if index.columns.iter().all(not_null) => 1,
            false => 2,
        }
    }

    /// The index that is the primary key, or that clients are told is: of a table without one the first unique index that
    /// holds whole values and no NULL. `None` also for a table whose handle is its key.
    pub fn primary_index(&self) -> Option<&IndexInfo> {
        if self.handle_column.is_some() {
            return None;
        }
        let whole = |index: &&IndexInfo| index.columns.iter().all(|part| part.prefix_len.is_none());
        let public = self.indexes.iter().filter(|index| index.state == SchemaState::Public);
        let unique = public.filter(|index| index.unique && self.unique_rank(index) < 2);
        let fits = |index: &&IndexInfo| index.primary || whole(index);
        unique.filter(fits).min_by_key(|index| self.unique_rank(index))
    }
}
