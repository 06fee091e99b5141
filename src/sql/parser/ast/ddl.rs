//! Statements that change the schema.

use crate::sql::fulltext::FulltextParser;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{Expr, ObjectName, PartitionAction, PartitionBy, Query};
use crate::sql::parser::{as_written, expression_text, parse_expression};

/// CREATE DATABASE.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreateDatabase {
    /// Its name.
    pub name: String,
    /// IF NOT EXISTS.
    pub if_not_exists: bool,
    /// How it is to be.
    pub options: DatabaseOptions,
}

/// Options of a database.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DatabaseOptions {
    /// CHARACTER SET.
    pub charset: Option<String>,
    /// COLLATE.
    pub collation: Option<String>,
}

/// A type as written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DataType {
    /// The canonical name, lower case: `int`, `varchar`, `decimal`, ….
    pub name: String,
    /// The first number in parentheses.
    pub length: Option<u32>,
    /// The second.
    pub decimals: Option<u32>,
    /// UNSIGNED.
    pub unsigned: bool,
    /// ZEROFILL.
    pub zerofill: bool,
    /// BINARY after a string type: the `_bin` collation of its character set.
    pub binary: bool,
    /// CHARACTER SET.
    pub charset: Option<String>,
    /// COLLATE.
    pub collation: Option<String>,
    /// The members of ENUM and SET.
    pub members: Vec<String>,
}

/// An attribute of a column.
#[derive(Clone, Debug, PartialEq)]
pub enum ColumnOption {
    /// NULL.
    Null,
    /// NOT NULL.
    NotNull,
    /// DEFAULT.
    Default(Expr),
    /// DEFAULT (expression).
    DefaultExpr(Expr),
    /// [GENERATED ALWAYS] AS (expression), and whether it is STORED.
    Generated(Expr, bool),
    /// ON UPDATE CURRENT_TIMESTAMP[(n)].
    OnUpdateNow(Option<u32>),
    /// AUTO_INCREMENT.
    AutoIncrement,
    /// [PRIMARY] KEY.
    PrimaryKey,
    /// UNIQUE [KEY].
    Unique,
    /// INVISIBLE.
    Invisible,
    /// STORAGE or COLUMN_FORMAT, with its value in upper case.
    Storage(String, String),
    /// COMMENT.
    Comment(String),
}

/// A column.
#[derive(Clone, Debug, PartialEq)]
pub struct ColumnDefinition {
    /// Its name.
    pub name: String,
    /// Its type.
    pub data_type: DataType,
    /// Its attributes, in order.
    pub options: Vec<ColumnOption>,
    /// What it says with CHECK.
    pub checks: Vec<CheckDefinition>,
}

/// CHECK.
#[derive(Clone, Debug, PartialEq)]
pub struct CheckDefinition {
    /// CONSTRAINT's name, if written.
    pub name: Option<String>,
    /// The column that it stands with; `None`: with the table.
    pub column: Option<String>,
    /// What no row may make false.
    pub expr: Expr,
    /// ENFORCED, which it is unless it says NOT.
    pub enforced: bool,
}

/// A column of a key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IndexPart {
    /// The column; empty for an expression.
    pub column: String,
    /// Only this many characters.
    pub length: Option<u32>,
    /// An expression in a column's place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expr: Option<IndexExpr>,
    /// DESC.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub descending: bool,
}

/// An expression in an index. In a job it is its text.
#[derive(Clone, Debug, PartialEq)]
pub struct IndexExpr(pub Box<Expr>);

// A literal in it is a number.
impl Eq for IndexExpr {}

impl Serialize for IndexExpr {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let text = expression_text(&self.0, &mut as_written);
        text.map_err(serde::ser::Error::custom)?.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for IndexExpr {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<IndexExpr, D::Error> {
        let text = String::deserialize(deserializer)?;
        let expr = parse_expression(&text).map_err(serde::de::Error::custom)?;
        Ok(IndexExpr(Box::new(expr)))
    }
}

impl IndexPart {
    /// The whole of a column, ascending.
    pub fn column(name: &str) -> IndexPart {
        IndexPart { column: name.to_owned(), length: None, expr: None, descending: false }
    }
}

/// What is recorded of an index and shown again.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct IndexNotes {
    /// COMMENT.
    #[serde(default)]
    pub comment: String,
    /// USING BTREE was written.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub btree: bool,
    /// KEY_BLOCK_SIZE; zero: none was written.
    #[serde(default, skip_serializing_if = "no_size")]
    pub key_block_size: u32,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
fn no_size(size: &u32) -> bool {
    *size == 0
}

/// A key. It is stored in the jobs that make one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IndexDefinition {
    /// Its name, if written.
    pub name: Option<String>,
    /// PRIMARY KEY.
    pub primary: bool,
    /// UNIQUE (or PRIMARY).
    pub unique: bool,
    /// Its columns.
    pub parts: Vec<IndexPart>,
    /// What is only shown of it.
    #[serde(flatten)]
    pub notes: IndexNotes,
    /// INVISIBLE: it is kept, and no plan uses it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub invisible: bool,
    /// FULLTEXT: what cuts its texts into words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fulltext: Option<FulltextParser>,
}

/// What becomes of rows that refer to a row which goes, or whose key changes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum ReferentialAction {
    /// NO ACTION: the row stays.
    #[default]
    NoAction,
    /// RESTRICT: the same, as nothing is checked later.
    Restrict,
    /// CASCADE: they go, or change with it.
    Cascade,
    /// SET NULL.
    SetNull,
    /// SET DEFAULT, which InnoDB refuses.
    SetDefault,
}

/// FOREIGN KEY. It is stored in the jobs that make one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ForeignKeyDefinition {
    /// CONSTRAINT's name, if written.
    pub name: Option<String>,
    /// The name after FOREIGN KEY: of an index that has to be made.
    pub index_name: Option<String>,
    /// The columns that refer.
    pub columns: Vec<String>,
    /// The table they refer to.
    pub parent: ObjectName,
    /// Its columns; none if none were written.
    pub parent_columns: Vec<String>,
    /// ON DELETE.
    pub on_delete: ReferentialAction,
    /// ON UPDATE.
    pub on_update: ReferentialAction,
}

/// An option of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TableOption {
    /// ENGINE: the session says which ones ours takes the place of.
    Engine(String),
    /// [DEFAULT] CHARACTER SET.
    Charset(String),
    /// [DEFAULT] COLLATE.
    Collation(String),
    /// COMMENT.
    Comment(String),
    /// AUTO_INCREMENT.
    AutoIncrement(u64),
    /// ENCRYPTION = 'N', which is how everything is kept.
    NoEncryption,
    /// ROW_FORMAT, KEY_BLOCK_SIZE, …: the engine's storage, in upper case, with its value. It is recorded and shown again.
    Storage(String, String),
}

/// CREATE TABLE.
#[derive(Clone, Debug, PartialEq)]
pub struct CreateTable {
    /// Its name.
    pub name: ObjectName,
    /// TEMPORARY: it is the session's own.
    pub temporary: bool,
    /// IF NOT EXISTS.
    pub if_not_exists: bool,
    /// Its columns.
    pub columns: Vec<ColumnDefinition>,
    /// Its keys.
    pub indexes: Vec<IndexDefinition>,
    /// Its foreign keys.
    pub foreign_keys: Vec<ForeignKeyDefinition>,
    /// Its checks, in order.
    pub checks: Vec<CheckDefinition>,
    /// Its options.
    pub options: Vec<TableOption>,
    /// PARTITION BY.
    pub partitions: Option<PartitionBy>,
    /// LIKE another table: columns and keys come from there.
    pub like: Option<ObjectName>,
    /// SELECT: columns and rows come from there.
    pub select: Option<CreateSelect>,
}

impl CreateTable {
    /// One of this name with nothing in it yet.
    pub fn named(name: ObjectName) -> CreateTable {
        CreateTable {
            name,
            temporary: false,
            if_not_exists: false,
            columns: Vec::new(),
            indexes: Vec::new(),
            foreign_keys: Vec::new(),
            checks: Vec::new(),
            options: Vec::new(),
            partitions: None,
            like: None,
            select: None,
        }
    }
}

/// [IGNORE | REPLACE] [AS] SELECT … of CREATE TABLE.
#[derive(Clone, Debug, PartialEq)]
pub struct CreateSelect {
    /// REPLACE.
    pub replace: bool,
    /// IGNORE.
    pub ignore: bool,
    /// The query.
    pub query: Box<Query>,
}

/// CREATE INDEX.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreateIndex {
    /// On which table.
    pub table: ObjectName,
    /// What.
    pub index: IndexDefinition,
    /// IF NOT EXISTS.
    pub if_not_exists: bool,
}

/// Where a column is put; without one, behind the others (or where it is).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ColumnPlace {
    /// FIRST.
    First,
    /// AFTER another.
    After(String),
}

/// Another name for something. It is stored in the jobs that give it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Renamed {
    /// What it is called.
    pub from: String,
    /// What it is to be called.
    pub to: String,
}

/// An action of ALTER TABLE.
#[derive(Clone, Debug, PartialEq)]
pub enum AlterAction {
    /// ADD COLUMN.
    AddColumn(ColumnDefinition, Option<ColumnPlace>),
    /// DROP COLUMN.
    DropColumn(String),
    /// RENAME COLUMN.
    RenameColumn(Renamed),
    /// MODIFY COLUMN, and CHANGE COLUMN of a column with this name.
    ModifyColumn(String, ColumnDefinition, Option<ColumnPlace>),
    /// ALTER COLUMN … SET DEFAULT; without one, DROP DEFAULT.
    SetDefault(String, Option<Expr>),
    /// ALTER COLUMN … SET DEFAULT (expression).
    SetDefaultExpr(String, Expr),
    /// ADD INDEX.
    AddIndex(IndexDefinition),
    /// DROP INDEX.
    DropIndex(String),
    /// ADD FOREIGN KEY.
    AddForeignKey(ForeignKeyDefinition),
    /// DROP FOREIGN KEY.
    DropForeignKey(String),
    /// DROP CONSTRAINT: of whatever kind it is.
    DropConstraint(String),
    /// ADD CHECK.
    AddCheck(CheckDefinition),
    /// DROP CHECK.
    DropCheck(String),
    /// ALTER CHECK … [NOT] ENFORCED, and ALTER CONSTRAINT of whatever kind (true).
    EnforceCheck(String, bool, bool),
    /// RENAME INDEX.
    RenameIndex(Renamed),
    /// ALTER COLUMN … SET VISIBLE (true) and SET INVISIBLE.
    ColumnVisibility(String, bool),
    /// ALTER INDEX … VISIBLE (true) and INVISIBLE.
    IndexVisibility(String, bool),
    /// RENAME TO another name, perhaps in another database.
    RenameTo(ObjectName),
    /// COMMENT, AUTO_INCREMENT, ENGINE and other options of the table, in order.
    Options(Vec<TableOption>),
    /// CONVERT TO CHARACTER SET, which may be DEFAULT (none), with COLLATE.
    ConvertTo(Option<String>, Option<String>),
    /// ORDER BY these columns: rows stand in the order of their keys, so it is checked and warned of.
    OrderBy(Vec<String>),
    /// FORCE: there is nothing to be rebuilt.
    Force,
    /// What is to become of partitions.
    Partitions(PartitionAction),
    /// ENABLE KEYS and DISABLE KEYS, which only MyISAM does anything for.
    Keys,
}
