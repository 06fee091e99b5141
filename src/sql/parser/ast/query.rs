//! Queries and the statements that change rows.

use super::{Expr, JsonTable, NamedWindow, ObjectName};

/// A query with what stands around its body.
#[derive(Clone, Debug, PartialEq)]
pub struct Query {
    /// WITH RECURSIVE: its tables may read themselves.
    pub recursive: bool,
    /// WITH.
    pub with: Vec<CommonTable>,
    /// The body.
    pub body: QueryBody,
    /// ORDER BY of the whole.
    pub order_by: Vec<OrderItem>,
    /// LIMIT of the whole.
    pub limit: Option<Limit>,
    /// FOR UPDATE and the like.
    pub locking: Vec<Locking>,
}

impl Query {
    /// Nothing but this.
    pub fn plain(body: QueryBody) -> Query {
        Query {
            recursive: false,
            with: Vec::new(),
            body,
            order_by: Vec::new(),
            limit: None,
            locking: Vec::new(),
        }
    }
}

impl QueryBody {
    /// SELECT * FROM a table or a query.
    pub fn all_of(from: TableRef) -> QueryBody {
        QueryBody::Select(Box::new(Select {
            distinct: false,
            calc_found_rows: false,
            straight: false,
            join_orders: Vec::new(),
            items: vec![SelectItem::Wildcard(None)],
            from: Some(from),
            selection: None,
            group_by: Vec::new(),
            with_rollup: false,
            having: None,
            windows: Vec::new(),
        }))
    }
}

/// name [(columns)] AS (query).
#[derive(Clone, Debug, PartialEq)]
pub struct CommonTable {
    /// Its name.
    pub name: String,
    /// Its columns' names, if written.
    pub columns: Vec<String>,
    /// What it holds.
    pub query: Query,
}

/// The body of a query.
#[derive(Clone, Debug, PartialEq)]
pub enum QueryBody {
    /// SELECT.
    Select(Box<Select>),
    /// VALUES ROW(…), ….
    Values(Vec<Vec<Expr>>),
    /// Two bodies joined by UNION and its kin.
    SetOperation {
        /// Which.
        op: SetOperator,
        /// ALL: duplicates stay.
        all: bool,
        /// First operand.
        left: Box<Query>,
        /// Second operand.
        right: Box<Query>,
    },
}

/// How two bodies combine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SetOperator {
    /// UNION.
    Union,
    /// EXCEPT.
    Except,
    /// INTERSECT.
    Intersect,
}

/// A SELECT.
#[derive(Clone, Debug, PartialEq)]
pub struct Select {
    /// DISTINCT.
    pub distinct: bool,
    /// SQL_CALC_FOUND_ROWS.
    pub calc_found_rows: bool,
    /// STRAIGHT_JOIN: tables are read in the order in which FROM names them.
    pub straight: bool,
    /// Which tables are read before which, as hints say.
    pub join_orders: Vec<JoinOrder>,
    /// What is selected.
    pub items: Vec<SelectItem>,
    /// FROM.
    pub from: Option<TableRef>,
    /// WHERE.
    pub selection: Option<Expr>,
    /// GROUP BY.
    pub group_by: Vec<Expr>,
    /// WITH ROLLUP.
    pub with_rollup: bool,
    /// HAVING.
    pub having: Option<Expr>,
    /// WINDOW.
    pub windows: Vec<NamedWindow>,
}

/// A thing selected.
#[derive(Clone, Debug, PartialEq)]
pub enum SelectItem {
    /// *, t.*, db.t.*.
    Wildcard(Option<ObjectName>),
    /// An expression.
    Expr {
        /// The expression.
        expr: Expr,
        /// Its alias, if written.
        alias: Option<String>,
        /// How the text has it: the column's name where there is no alias.
        text: String,
    },
}

/// What FROM names.
#[derive(Clone, Debug, PartialEq)]
pub enum TableRef {
    /// A table.
    Table {
        /// Its name.
        name: ObjectName,
        /// PARTITION (…): only these; none: all.
        partitions: Vec<String>,
        /// AS.
        alias: Option<String>,
        /// USE, IGNORE and FORCE INDEX.
        hints: Vec<IndexHint>,
    },
    /// (SELECT …) AS alias.
    Derived {
        /// It sees the tables before it.
        lateral: bool,
        /// The query.
        query: Box<Query>,
        /// Its alias.
        alias: String,
        /// Its columns' names, if written.
        columns: Vec<String>,
    },
    /// JSON_TABLE(…) AS alias.
    Json(Box<JsonTable>),
    /// A join.
    Join {
        /// Left.
        left: Box<TableRef>,
        /// Right.
        right: Box<TableRef>,
        /// Kind.
        op: JoinOp,
        /// On what.
        constraint: JoinConstraint,
    },
}

/// What a hint says of the order in which tables are read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JoinOrder {
    /// What it says of the others.
    pub kind: JoinOrderKind,
    /// Tables, or their aliases, in order.
    pub tables: Vec<String>,
}

/// Where the tables of a hint stand among the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JoinOrderKind {
    /// JOIN_ORDER: anywhere.
    Order,
    /// JOIN_PREFIX: before them.
    Prefix,
    /// JOIN_SUFFIX: behind them.
    Suffix,
}

/// Which indexes a table may be read by.
#[derive(Clone, Debug, PartialEq)]
pub struct IndexHint {
    /// What it says of them.
    pub kind: IndexHintKind,
    /// FOR; `None`: whatever for.
    pub purpose: Option<IndexPurpose>,
    /// Their names.
    pub names: Vec<String>,
    /// An optimizer hint: a name that is no index's is passed over.
    pub advice: bool,
}

/// What a hint says of indexes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IndexHintKind {
    /// No others.
    Use,
    /// All others.
    Ignore,
    /// No others, and one of them if it can find the rows.
    Force,
}

/// What an index is used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IndexPurpose {
    /// Finding rows.
    Join,
    /// ORDER BY.
    OrderBy,
    /// GROUP BY.
    GroupBy,
}

/// A kind of join.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JoinOp {
    /// JOIN, INNER JOIN, CROSS JOIN, a comma.
    Inner,
    /// STRAIGHT_JOIN: the left tables are read first.
    Straight,
    /// LEFT JOIN.
    Left,
    /// RIGHT JOIN.
    Right,
}

/// What a join's rows must fulfil.
#[derive(Clone, Debug, PartialEq)]
pub enum JoinConstraint {
    /// Nothing.
    None,
    /// ON.
    On(Expr),
    /// USING.
    Using(Vec<String>),
    /// NATURAL.
    Natural,
}

/// An item of ORDER BY.
#[derive(Clone, Debug, PartialEq)]
pub struct OrderItem {
    /// By what.
    pub expr: Expr,
    /// DESC.
    pub descending: bool,
}

/// LIMIT.
#[derive(Clone, Debug, PartialEq)]
pub struct Limit {
    /// How many rows to pass over.
    pub offset: Option<Expr>,
    /// How many to give.
    pub count: Expr,
}

/// How a query locks what it reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Locking {
    /// FOR SHARE, LOCK IN SHARE MODE; otherwise FOR UPDATE.
    pub share: bool,
    /// OF: the one table it is about.
    pub of: Option<ObjectName>,
    /// What becomes of rows that others have locked.
    pub wait: LockWait,
}

/// What a query does about rows that others have locked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LockWait {
    /// It waits for them.
    Wait,
    /// NOWAIT: it ends with an error.
    NoWait,
    /// SKIP LOCKED: it goes on without them.
    SkipLocked,
}

/// column = expr.
#[derive(Clone, Debug, PartialEq)]
pub struct Assignment {
    /// The column's table, if written.
    pub table: Option<ObjectName>,
    /// The column.
    pub column: String,
    /// The value.
    pub value: Expr,
}

/// INSERT or REPLACE.
#[derive(Clone, Debug, PartialEq)]
pub struct Insert {
    /// REPLACE.
    pub replace: bool,
    /// IGNORE.
    pub ignore: bool,
    /// Into which table.
    pub table: ObjectName,
    /// The columns given; `None`: all.
    pub columns: Option<Vec<String>>,
    /// PARTITION (…): rows may go into these; none: all.
    pub partitions: Vec<String>,
    /// The rows.
    pub rows: InsertRows,
    /// VALUES … AS alias [(columns)].
    pub row_alias: Option<(String, Vec<String>)>,
    /// ON DUPLICATE KEY UPDATE.
    pub on_duplicate: Vec<Assignment>,
}

/// What is inserted.
#[derive(Clone, Debug, PartialEq)]
pub enum InsertRows {
    /// VALUES.
    Values(Vec<Vec<Expr>>),
    /// A query.
    Query(Box<Query>),
}

/// UPDATE.
#[derive(Clone, Debug, PartialEq)]
pub struct Update {
    /// IGNORE.
    pub ignore: bool,
    /// What is read (and changed).
    pub from: TableRef,
    /// SET.
    pub assignments: Vec<Assignment>,
    /// WHERE.
    pub selection: Option<Expr>,
    /// ORDER BY.
    pub order_by: Vec<OrderItem>,
    /// LIMIT.
    pub limit: Option<Expr>,
}

/// DELETE.
#[derive(Clone, Debug, PartialEq)]
pub struct Delete {
    /// IGNORE.
    pub ignore: bool,
    /// DELETE t1 FROM …: the tables (or aliases) rows are deleted from; empty: the one in `from`.
    pub targets: Vec<ObjectName>,
    /// What is read.
    pub from: TableRef,
    /// WHERE.
    pub selection: Option<Expr>,
    /// ORDER BY.
    pub order_by: Vec<OrderItem>,
    /// LIMIT.
    pub limit: Option<Expr>,
}
