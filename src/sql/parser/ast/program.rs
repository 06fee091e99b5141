//! Stored programs: procedures and functions, and the language of their bodies.
//!
//! Names of local variables are resolved where they are read: an expression has [`Expr::Parameter`] with the variable's slot, so that a
//! statement in a program is one with parameters.

use serde::{Deserialize, Serialize};

use super::{DataType, Expr, ObjectName, Statement, UserName};

/// What kind of program it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum RoutineKind {
    /// PROCEDURE.
    Procedure,
    /// FUNCTION.
    Function,
}

impl RoutineKind {
    /// As MySQL writes it.
    pub fn name(self) -> &'static str {
        match self {
            RoutineKind::Procedure => "PROCEDURE",
            RoutineKind::Function => "FUNCTION",
        }
    }
}

/// Which way a parameter's value goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ParameterMode {
    /// IN.
    #[default]
    In,
    /// OUT.
    Out,
    /// INOUT.
    InOut,
}

impl ParameterMode {
    /// As MySQL writes it.
    pub fn name(self) -> &'static str {
        match self {
            ParameterMode::In => "IN",
            ParameterMode::Out => "OUT",
            ParameterMode::InOut => "INOUT",
        }
    }
}

/// What a routine says it does with data.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum DataAccess {
    /// CONTAINS SQL.
    #[default]
    ContainsSql,
    /// NO SQL.
    NoSql,
    /// READS SQL DATA.
    Reads,
    /// MODIFIES SQL DATA.
    Modifies,
}

impl DataAccess {
    /// As MySQL writes it.
    pub fn name(self) -> &'static str {
        match self {
            DataAccess::ContainsSql => "CONTAINS SQL",
            DataAccess::NoSql => "NO SQL",
            DataAccess::Reads => "READS SQL DATA",
            DataAccess::Modifies => "MODIFIES SQL DATA",
        }
    }
}

/// What stands between a routine's parameters and its body; `None`: it is not written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Characteristics {
    /// COMMENT.
    pub comment: Option<String>,
    /// [NOT] DETERMINISTIC.
    pub deterministic: Option<bool>,
    /// CONTAINS SQL and its kin.
    pub access: Option<DataAccess>,
    /// SQL SECURITY INVOKER.
    pub invoker: Option<bool>,
}

/// CREATE PROCEDURE and CREATE FUNCTION.
#[derive(Clone, Debug, PartialEq)]
pub struct CreateRoutine {
    /// Which.
    pub kind: RoutineKind,
    /// Its name.
    pub name: ObjectName,
    /// IF NOT EXISTS.
    pub if_not_exists: bool,
    /// DEFINER, if written.
    pub definer: Option<UserName>,
    /// COMMENT and its kin.
    pub characteristics: Characteristics,
    /// What stands between the parentheses.
    pub parameters_text: String,
    /// What stands behind RETURNS.
    pub returns_text: String,
    /// The body's text.
    pub body_text: String,
    /// Its parameters: the first slots.
    pub modes: Vec<ParameterMode>,
    /// RETURNS.
    pub returns: Option<DataType>,
    /// The body.
    pub body: ProgramBody,
}

/// What a program does, and the places of its variables.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ProgramBody {
    /// All variables of all blocks, parameters first; one's place here is its slot.
    pub variables: Vec<ProgramVariable>,
    /// How many cursors there are.
    pub cursors: usize,
    /// The statement that it is.
    pub statements: Vec<ProgramStatement>,
    /// NEW and OLD, in a trigger: what its body reads and sets of rows.
    pub row_values: Vec<RowValue>,
}

/// A variable.
#[derive(Clone, Debug, PartialEq)]
pub struct ProgramVariable {
    /// As written.
    pub name: String,
    /// Its type; `None`: that of the value it is given (the operand of CASE), or of the column (NEW and OLD).
    pub data_type: Option<DataType>,
}

/// NEW.column or OLD.column, in a trigger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowValue {
    /// NEW.
    pub new: bool,
    /// The column, as written.
    pub column: String,
    /// Where it is.
    pub slot: usize,
    /// SET NEW.column: the row is changed.
    pub assigned: bool,
}

/// A statement of a program.
#[derive(Clone, Debug, PartialEq)]
pub enum ProgramStatement {
    /// BEGIN … END.
    Block(Box<Block>),
    /// IF, and CASE without an operand.
    If {
        /// In order.
        branches: Vec<(Expr, Vec<ProgramStatement>)>,
        /// ELSE; `None`: nothing happens, or in CASE error 1339.
        otherwise: Option<Vec<ProgramStatement>>,
        /// It is a CASE.
        case: bool,
    },
    /// The operand of CASE, kept for its comparisons.
    Keep(usize, Expr),
    /// LOOP, WHILE and REPEAT.
    Loop {
        /// Which loop it is.
        label: usize,
        /// WHILE.
        before: Option<Expr>,
        /// UNTIL.
        after: Option<Expr>,
        /// What is repeated.
        body: Vec<ProgramStatement>,
    },
    /// LEAVE.
    Leave(usize),
    /// ITERATE.
    Iterate(usize),
    /// RETURN.
    Return(Expr),
    /// SET of local variables; DEFAULT is `None`.
    Set(usize, Expr),
    /// OPEN.
    Open(usize),
    /// FETCH, into slots.
    Fetch(usize, Vec<usize>),
    /// CLOSE.
    Close(usize),
    /// Any other statement.
    Sql(Box<InnerStatement>),
}

/// BEGIN … END.
#[derive(Clone, Debug, PartialEq)]
pub struct Block {
    /// Which label LEAVE finds it by.
    pub label: usize,
    /// Variables that it begins with, and their values.
    pub variables: Vec<(usize, Option<Expr>)>,
    /// Cursors, by number, with their queries.
    pub cursors: Vec<(usize, InnerStatement)>,
    /// Handlers.
    pub handlers: Vec<Handler>,
    /// What it does.
    pub body: Vec<ProgramStatement>,
}

/// DECLARE … HANDLER.
#[derive(Clone, Debug, PartialEq)]
pub struct Handler {
    /// EXIT: the block ends with it.
    pub exit: bool,
    /// What it is for.
    pub conditions: Vec<Condition>,
    /// What it does.
    pub body: Vec<ProgramStatement>,
}

/// What a handler is for, and what SIGNAL raises.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Condition {
    /// A number of MySQL's.
    Code(u16),
    /// SQLSTATE.
    State(String),
    /// SQLWARNING.
    Warning,
    /// NOT FOUND.
    NotFound,
    /// SQLEXCEPTION.
    Exception,
}

/// A statement of SQL in a program.
#[derive(Clone, Debug, PartialEq)]
pub struct InnerStatement {
    /// The statement.
    pub statement: Statement,
    /// Its text.
    pub text: String,
    /// The variables that it reads, by slot.
    pub reads: Vec<usize>,
    /// It says something of user variables, whose types change.
    pub user_variables: bool,
}

/// Where a value goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IntoTarget {
    /// @name, in lower case.
    User(String),
    /// A local variable.
    Local(usize),
}

/// CALL.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    /// Which procedure.
    pub name: ObjectName,
    /// With what.
    pub arguments: Vec<Expr>,
}

/// ALTER PROCEDURE and ALTER FUNCTION.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlterRoutine {
    /// Which kind.
    pub kind: RoutineKind,
    /// Which.
    pub name: ObjectName,
    /// What changes.
    pub characteristics: Characteristics,
}

/// DROP PROCEDURE and DROP FUNCTION.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DropRoutine {
    /// Which kind.
    pub kind: RoutineKind,
    /// Which.
    pub name: ObjectName,
    /// IF EXISTS.
    pub if_exists: bool,
}

/// SIGNAL and RESIGNAL.
#[derive(Clone, Debug, PartialEq)]
pub struct Signal {
    /// RESIGNAL.
    pub again: bool,
    /// What is raised; `None`: RESIGNAL of what is being handled.
    pub condition: Option<Condition>,
    /// SET name = value: the names in upper case.
    pub items: Vec<(SignalItem, Expr)>,
}

macro_rules! items {
    ($(#[$about:meta])* $kind:ident { $($item:ident $name:literal)* }) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[allow(missing_docs, reason = "the names are MySQL's own words")]
        pub enum $kind { $($item),* }

        impl $kind {
            /// Every one.
            pub const ALL: &[$kind] = &[$($kind::$item),*];

            /// As MySQL writes it.
            pub fn name(self) -> &'static str {
                match self { $($kind::$item => $name),* }
            }
        }
    };
}

items! {
    /// What SIGNAL may say of a condition.
    SignalItem {
        ClassOrigin "CLASS_ORIGIN"
        SubclassOrigin "SUBCLASS_ORIGIN"
        MessageText "MESSAGE_TEXT"
        MysqlErrno "MYSQL_ERRNO"
        ConstraintCatalog "CONSTRAINT_CATALOG"
        ConstraintSchema "CONSTRAINT_SCHEMA"
        ConstraintName "CONSTRAINT_NAME"
        CatalogName "CATALOG_NAME"
        SchemaName "SCHEMA_NAME"
        TableName "TABLE_NAME"
        ColumnName "COLUMN_NAME"
        CursorName "CURSOR_NAME"
    }
}

/// GET DIAGNOSTICS.
#[derive(Clone, Debug, PartialEq)]
pub struct GetDiagnostics {
    /// STACKED: what is being handled.
    pub stacked: bool,
    /// CONDITION n; `None`: of the statement.
    pub condition: Option<Expr>,
    /// What goes where.
    pub items: Vec<(IntoTarget, DiagnosticsItem)>,
}

/// What GET DIAGNOSTICS may ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DiagnosticsItem {
    /// NUMBER of conditions.
    Number,
    /// ROW_COUNT.
    RowCount,
    /// RETURNED_SQLSTATE.
    ReturnedSqlstate,
    /// What SIGNAL may set.
    Item(SignalItem),
}
