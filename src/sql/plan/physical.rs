//! The physical plan: what the executor is given.
//!
//! Every expression refers to columns by position in its input's rows. A scan's row holds the columns
//! named in its `columns`, in that order.

use std::sync::Arc;

use super::load::LoadSource;
pub use super::relations::TargetTable;
pub use super::through_view::ThroughView;
use super::window::Window;
use crate::sql::catalog::{IndexInfo, TableInfo};
use crate::sql::expr::{Aggregate, Expr};
use crate::sql::functions::DocumentTable;
use crate::sql::types::{Datum, FieldType};

pub use super::dependent_plan::{ApplyKind, FulltextSearch, Recursion, Subplan, SubplanResult};

/// A column of a result as the client sees it.
#[derive(Clone, Debug, PartialEq)]
pub struct OutputColumn {
    /// Its name or alias.
    pub name: String,
    /// Its type.
    pub field_type: FieldType,
    /// The column's own name, its table's alias, name and database, if it is a plain column.
    pub origin: Option<(String, String, String, String)>,
    /// Whether it is (part of) the primary key, of a unique key, of any key: flags of the protocol.
    pub key_flags: u16,
}

/// Whether rows read are locked for this transaction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AccessLock {
    /// A plain read of the snapshot.
    #[default]
    None,
    /// FOR UPDATE, or the reading side of UPDATE and DELETE: current read, rows locked.
    ForUpdate,
    /// FOR UPDATE NOWAIT.
    ForUpdateNoWait,
    /// FOR UPDATE SKIP LOCKED: without the rows that others have locked.
    ForUpdateSkipLocked,
}

/// One row by its key.
#[derive(Clone, Debug, PartialEq)]
pub enum PointAccess {
    /// By the integer primary key.
    Handle(Expr),
    /// By all columns of a unique index; none of the values may be NULL.
    Unique {
        /// Which index.
        index: Arc<IndexInfo>,
        /// One per column of the index.
        values: Vec<Expr>,
    },
}

/// An interval of handles, in the handle's own order. The bounds are evaluated once, when the scan opens.
#[derive(Clone, Debug, PartialEq)]
pub struct HandleRange {
    /// The lowest, and whether it belongs.
    pub low: Option<(Expr, bool)>,
    /// The highest, and whether it belongs.
    pub high: Option<(Expr, bool)>,
}

/// An interval of an index: equal on a prefix of its columns, then bounded on the next.
#[derive(Clone, Debug, PartialEq)]
pub struct IndexRange {
    /// Values of the first columns (NULL matches NULL).
    pub equal: Vec<Expr>,
    /// The lowest of the next column, and whether it belongs.
    pub low: Option<(Expr, bool)>,
    /// The highest of the next column, and whether it belongs. With either bound, NULLs are outside.
    pub high: Option<(Expr, bool)>,
}

/// How rows of two inputs meet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JoinKind {
    /// Matching pairs.
    Inner,
    /// Every left row at least once.
    Left,
    /// Left rows with a match.
    Semi,
    /// Left rows without one.
    Anti,
}

/// A key of an order.
#[derive(Clone, Debug, PartialEq)]
pub struct SortKey {
    /// What to order by.
    pub expr: Expr,
    /// DESC; NULLs are lowest, as in MySQL.
    pub descending: bool,
}

/// An operator and its inputs.
#[derive(Clone, Debug, PartialEq)]
pub enum PlanNode {
    /// No rows, or one without columns (SELECT 1).
    Dual {
        /// 0 or 1.
        rows: usize,
    },
    /// Constant rows.
    Values {
        /// Each of the node's width.
        rows: Vec<Vec<Expr>>,
    },
    /// At most one row. The short road.
    PointGet {
        /// The table.
        table: Arc<TableInfo>,
        /// The key.
        access: PointAccess,
        /// Offsets in the table of the columns to give.
        columns: Vec<usize>,
        /// Lock it.
        lock: AccessLock,
    },
    /// At most one row for each key. The short road.
    BatchPointGet {
        /// The table.
        table: Arc<TableInfo>,
        /// The keys, of one kind.
        access: Vec<PointAccess>,
        /// Offsets in the table of the columns to give.
        columns: Vec<usize>,
        /// Lock them.
        lock: AccessLock,
    },
    /// Rows by ranges of the handle, in its order (or the reverse).
    TableScan {
        /// The table.
        table: Arc<TableInfo>,
        /// Disjoint, ascending; empty: everything.
        ranges: Vec<HandleRange>,
        /// Offsets in the table of the columns to give.
        columns: Vec<usize>,
        /// Rows that do not pass are left out (evaluated over `columns`).
        filter: Option<Expr>,
        /// From the last to the first.
        reverse: bool,
        /// Stop after this many rows that pass.
        limit: Option<u64>,
        /// Lock what is given.
        lock: AccessLock,
    },
    /// Rows by ranges of an index, in its order (or the reverse).
    IndexScan {
        /// The table.
        table: Arc<TableInfo>,
        /// The index.
        index: Arc<IndexInfo>,
        /// Ascending; empty: everything.
        ranges: Vec<IndexRange>,
        /// Offsets in the table of the columns to give.
        columns: Vec<usize>,
        /// The index (with the handle) has all of `columns`: the rows are not fetched.
        covering: bool,
        /// Rows that do not pass are left out (evaluated over `columns`).
        filter: Option<Expr>,
        /// From the last to the first.
        reverse: bool,
        /// Stop after this many rows that pass.
        limit: Option<u64>,
        /// Lock what is given.
        lock: AccessLock,
    },
    /// The rows of a table that is divided: `input`, which reads the table by its own id, for each of the partitions that may hold any. What
    /// is run has the physical tables in its place.
    Partitions {
        /// One access of the table.
        input: Box<PhysicalPlan>,
        /// The table.
        table: Arc<TableInfo>,
        /// The physical tables that PARTITION (…) names; `None`: all.
        selected: Option<Vec<usize>>,
        /// What is asked of rows by which partitions may be left out, over offsets in the table.
        conditions: Vec<Expr>,
    },
    /// Rows the session makes (information_schema, SHOW), by name; filters come above it.
    Virtual {
        /// Database and table, lower case.
        table: (String, String),
        /// Offsets of the columns to give.
        columns: Vec<usize>,
    },
    /// Rows of a common table that several read; computed before.
    Common {
        /// Which of the subplans that are tables, from 0.
        number: usize,
        /// Positions of the columns to give.
        columns: Vec<usize>,
    },
    /// Rows that are there: those of a common table, when the plan runs.
    Rows {
        /// The rows.
        rows: Arc<Vec<Vec<Datum>>>,
        /// Positions of the columns to give.
        columns: Vec<usize>,
    },
    /// The handles of the rows that a full-text search found, the best first.
    Ranked {
        /// What the search found.
        ranks: Expr,
        /// Handles are values of an unsigned column.
        unsigned: bool,
        /// So many are enough.
        limit: Option<u64>,
    },
    /// Rows for which the predicate is true.
    Filter {
        /// Input.
        input: Box<PhysicalPlan>,
        /// What must be true.
        predicate: Expr,
    },
    /// New rows.
    Project {
        /// Input.
        input: Box<PhysicalPlan>,
        /// The columns of the output.
        exprs: Vec<Expr>,
    },
    /// A join by hash of equal keys, or by nested loops when there are none. Output: left's columns then right's
    /// (only left's for `Semi` and `Anti`).
    Join {
        /// Left input.
        left: Box<PhysicalPlan>,
        /// Right input.
        right: Box<PhysicalPlan>,
        /// Kind.
        kind: JoinKind,
        /// Pairs of equal expressions, over the left's row and over the right's, of equal types.
        on: Vec<(Expr, Expr)>,
        /// What else must hold, over left's columns then right's.
        filter: Option<Expr>,
        /// For `Anti` from NOT IN: a NULL on either side makes the answer unknown.
        null_aware: bool,
    },
    /// For each left row, the right table's rows by point or index access with keys from the left row.
    IndexLookupJoin {
        /// Left (outer) input.
        left: Box<PhysicalPlan>,
        /// Right table.
        table: Arc<TableInfo>,
        /// `None`: by handle.
        index: Option<Arc<IndexInfo>>,
        /// Key values over the left's row: the handle, or a prefix of the index.
        keys: Vec<Expr>,
        /// Offsets of the right table's columns to give.
        columns: Vec<usize>,
        /// Inner or left.
        kind: JoinKind,
        /// What else must hold, over left's columns then right's.
        filter: Option<Expr>,
        /// Of the right rows that are found.
        lock: AccessLock,
    },
    /// For each left row, the right plan's rows with values of that left row for its parameters.
    Apply {
        /// Left (outer) input.
        left: Box<PhysicalPlan>,
        /// What runs for a left row.
        right: Box<PhysicalPlan>,
        /// The numbers of the right plan's parameters, and what each is, over the left row.
        bindings: Vec<(usize, Expr)>,
        /// What comes out.
        kind: ApplyKind,
    },
    /// Every row as often as the last column says, without that column.
    Repeat {
        /// Input.
        input: Box<PhysicalPlan>,
    },
    /// For each row, the rows of a document that it holds. Output: the input's columns, then the table's.
    Unnest {
        /// Input.
        input: Box<PhysicalPlan>,
        /// The document, over the input's row.
        document: Expr,
        /// What is made of it.
        table: Arc<DocumentTable>,
        /// Inner or left.
        kind: JoinKind,
        /// What else must hold, over both.
        filter: Option<Expr>,
    },
    /// Groups. Output: the group expressions, then the aggregates. Without group expressions: one row.
    Aggregate {
        /// Input.
        input: Box<PhysicalPlan>,
        /// GROUP BY (also DISTINCT, without aggregates).
        group_by: Vec<Expr>,
        /// The aggregates.
        aggregates: Vec<Aggregate>,
    },
    /// Each row once with all keys, and once more for each of them, from the last to the first, with that one and those behind it NULL. Output:
    /// the input's columns, the keys, and a number whose bits say which of the keys are left out.
    Rollup {
        /// Input.
        input: Box<PhysicalPlan>,
        /// What GROUP BY … WITH ROLLUP names.
        keys: Vec<Expr>,
    },
    /// Functions over windows. Output: the input's columns, then what is computed.
    Window {
        /// Input: by partition, and in the window's order.
        input: Box<PhysicalPlan>,
        /// What is computed.
        window: Window,
    },
    /// An order.
    Sort {
        /// Input.
        input: Box<PhysicalPlan>,
        /// First key first.
        keys: Vec<SortKey>,
        /// Only the first rows are needed (offset + limit).
        fetch: Option<u64>,
    },
    /// A window of rows.
    Limit {
        /// Input.
        input: Box<PhysicalPlan>,
        /// How many to pass over. A literal or a parameter.
        offset: Option<Expr>,
        /// How many to give. A literal or a parameter.
        limit: Option<Expr>,
    },
    /// All rows of all inputs, in their order.
    UnionAll {
        /// Inputs of equal types.
        inputs: Vec<PhysicalPlan>,
    },
}

/// A node with the types of its rows.
#[derive(Clone, Debug, PartialEq)]
pub struct PhysicalPlan {
    /// The operator.
    pub node: PlanNode,
    /// One type per column.
    pub schema: Vec<FieldType>,
    /// How many rows the optimizer expects; for EXPLAIN and for choosing sides.
    pub estimated_rows: f64,
}

/// A parameter that is compared with a date: text that is none is error 1525 before a row is read, as a literal's is when the statement
/// is planned.
#[derive(Clone, Debug, PartialEq)]
pub struct DateParameter {
    /// Which `?`, from 0.
    pub index: usize,
    /// What it is compared with.
    pub field_type: FieldType,
}

/// A SELECT.
#[derive(Clone, Debug, PartialEq)]
pub struct QueryPlan {
    /// What runs.
    pub root: PhysicalPlan,
    /// What the client is told, one per column of `root`.
    pub columns: Vec<OutputColumn>,
    /// Uncorrelated subqueries and common tables, run first, in order.
    pub subqueries: Vec<Subplan>,
    /// Parameters that are compared with dates.
    pub dates: Vec<DateParameter>,
    /// FOR UPDATE somewhere: the statement reads current data and locks.
    pub locking: bool,
    /// SQL_CALC_FOUND_ROWS: the LIMIT, which is no part of `root`, so that the rows it leaves out are counted.
    pub counted: Option<Counted>,
}

/// Which rows of a query whose rows are counted the client is given.
#[derive(Clone, Debug, PartialEq)]
pub struct Counted {
    /// How many rows to pass over. A literal or a parameter.
    pub offset: Option<Expr>,
    /// How many to give. A literal or a parameter.
    pub limit: Expr,
}

/// `column = expr`.
#[derive(Clone, Debug, PartialEq)]
pub struct Assignment {
    /// Offset in the table.
    pub column: usize,
    /// The value; over the row as the statement says.
    pub value: Expr,
}

/// Where inserted rows come from.
#[derive(Clone, Debug, PartialEq)]
pub enum InsertSource {
    /// VALUES; `None` is DEFAULT. Expressions may refer to columns to their left (over the table's full row).
    Values(Vec<Vec<Option<Expr>>>),
    /// SELECT.
    Query(Box<QueryPlan>),
    /// LOAD DATA.
    Load(LoadSource),
}

/// What to do where a unique key exists.
#[derive(Clone, Debug, PartialEq)]
pub enum ConflictAction {
    /// Error 1062.
    Error,
    /// INSERT IGNORE: warn and go on.
    Ignore,
    /// REPLACE: delete what stands in the way.
    Replace,
    /// ON DUPLICATE KEY UPDATE; values are over the old full row followed by the full row to be inserted (for VALUES(c)).
    Update(Vec<Assignment>),
}

/// INSERT or REPLACE.
#[derive(Clone, Debug, PartialEq)]
pub struct InsertPlan {
    /// Into.
    pub target: TargetTable,
    /// The view that the statement names.
    pub through: Option<ThroughView>,
    /// Offsets of the columns given, in the order of the source's columns.
    pub columns: Vec<usize>,
    /// The rows.
    pub source: InsertSource,
    /// On a duplicate.
    pub on_conflict: ConflictAction,
    /// INSERT IGNORE.
    pub ignore: bool,
    /// Subqueries and common tables, as in [`QueryPlan`].
    pub subqueries: Vec<Subplan>,
    /// What subqueries give that read a row as it is made.
    pub row_plans: Vec<PhysicalPlan>,
}

/// A table whose rows a statement changes, and where they stand in the rows of its source.
#[derive(Clone, Debug, PartialEq)]
pub struct SourceTable {
    /// Which table.
    pub target: TargetTable,
    /// Where its full row begins in a source's row: all columns by offset, then the hidden handle if the table has no handle
    /// column. Where the handle is NULL (the far side of an outer join) there is no row.
    pub start: usize,
}

/// A table that UPDATE changes.
#[derive(Clone, Debug, PartialEq)]
pub struct UpdatedTable {
    /// Which, and where.
    pub at: SourceTable,
    /// In order; each sees the columns assigned before it, as MySQL does.
    pub assignments: Vec<Assignment>,
    /// The view that the statement names.
    pub through: Option<ThroughView>,
}

/// UPDATE of tables joined, perhaps, by the source.
#[derive(Clone, Debug, PartialEq)]
pub struct UpdatePlan {
    /// The tables that change, each of them once.
    pub tables: Vec<UpdatedTable>,
    /// Gives the rows to change, one table's after the other, then whatever the assignments need. Locking.
    pub source: PhysicalPlan,
    /// UPDATE IGNORE.
    pub ignore: bool,
    /// Subqueries and common tables, as in [`QueryPlan`].
    pub subqueries: Vec<Subplan>,
    /// Parameters that are compared with dates.
    pub dates: Vec<DateParameter>,
}

/// DELETE from tables joined, perhaps, by the source.
#[derive(Clone, Debug, PartialEq)]
pub struct DeletePlan {
    /// The tables that change, each of them once.
    pub tables: Vec<SourceTable>,
    /// Gives the rows to delete, as in [`UpdatePlan::source`].
    pub source: PhysicalPlan,
    /// DELETE IGNORE.
    pub ignore: bool,
    /// Subqueries and common tables, as in [`QueryPlan`].
    pub subqueries: Vec<Subplan>,
    /// Parameters that are compared with dates.
    pub dates: Vec<DateParameter>,
}
