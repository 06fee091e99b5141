//! Expressions.

use super::{IntervalUnit, JsonValue, MatchAgainst, OrderItem, Query, VariableScope, WindowCall};

/// The character set that stands before a literal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Introducer {
    /// Its name, in lower case.
    pub charset: String,
    /// Whether the literal is a string, and not its bytes: those are then as the client sent them.
    pub quoted: bool,
}

/// A literal.
#[derive(Clone, Debug, PartialEq)]
pub enum Literal {
    /// NULL.
    Null,
    /// TRUE or FALSE.
    Bool(bool),
    /// An integer that fits 64 bits without a sign.
    Integer(u64),
    /// An exact number with a point, or an integer too long for 64 bits; the digits as written.
    Decimal(String),
    /// A number with an exponent.
    Float(f64),
    /// A string, with its introducer (`_utf8mb4`, `_binary`, N for `utf8mb3`) if it has one.
    String(Vec<u8>, Option<Introducer>),
    /// X'…' and 0x….
    Hex(Vec<u8>),
    /// b'…' and 0b….
    Bit(Vec<u8>),
    /// DATE'…'.
    Date(String),
    /// TIME'…'.
    Time(String),
    /// TIMESTAMP'…'.
    Timestamp(String),
}

/// An operator before its operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnaryOp {
    /// NOT and !.
    Not,
    /// -.
    Minus,
    /// +.
    Plus,
    /// ~.
    BitNot,
}

/// An operator between two operands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BinaryOp {
    /// =.
    Eq,
    /// <=>.
    NullSafeEq,
    /// <> and !=.
    Ne,
    /// <.
    Lt,
    /// <=.
    Le,
    /// >.
    Gt,
    /// >=.
    Ge,
    /// +.
    Add,
    /// -.
    Sub,
    /// *.
    Mul,
    /// /.
    Div,
    /// DIV.
    IntDiv,
    /// % and MOD.
    Mod,
    /// |.
    BitOr,
    /// &.
    BitAnd,
    /// ^.
    BitXor,
    /// <<.
    ShiftLeft,
    /// >>.
    ShiftRight,
    /// XOR.
    Xor,
}

impl BinaryOp {
    /// How MySQL writes it where it keeps an expression.
    pub fn text(self) -> &'static str {
        match self {
            BinaryOp::Eq => "=",
            BinaryOp::NullSafeEq => "<=>",
            BinaryOp::Ne => "<>",
            BinaryOp::Lt => "<",
            BinaryOp::Le => "<=",
            BinaryOp::Gt => ">",
            BinaryOp::Ge => ">=",
            BinaryOp::Add => "+",
            BinaryOp::Sub => "-",
            BinaryOp::Mul => "*",
            BinaryOp::Div => "/",
            BinaryOp::IntDiv => "DIV",
            BinaryOp::Mod => "%",
            BinaryOp::BitOr => "|",
            BinaryOp::BitAnd => "&",
            BinaryOp::BitXor => "^",
            BinaryOp::ShiftLeft => "<<",
            BinaryOp::ShiftRight => ">>",
            BinaryOp::Xor => "xor",
        }
    }
}

/// What IS asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TruthValue {
    /// IS TRUE.
    True,
    /// IS FALSE.
    False,
    /// IS UNKNOWN.
    Unknown,
}

/// The target of a CAST.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CastType {
    /// SIGNED [INTEGER].
    Signed,
    /// UNSIGNED [INTEGER].
    Unsigned,
    /// CHAR[(n)] [CHARACTER SET name].
    Char(Option<u32>, Option<String>),
    /// BINARY[(n)].
    Binary(Option<u32>),
    /// DECIMAL[(m[, d])].
    Decimal(Option<u32>, Option<u32>),
    /// DOUBLE and REAL.
    Double,
    /// FLOAT[(p)].
    Float,
    /// DATE.
    Date,
    /// DATETIME[(fsp)].
    DateTime(Option<u32>),
    /// TIME[(fsp)].
    Time(Option<u32>),
    /// YEAR.
    Year,
    /// JSON.
    Json,
}

/// Which end of a string TRIM works on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TrimSide {
    /// BOTH, the default.
    Both,
    /// LEADING.
    Leading,
    /// TRAILING.
    Trailing,
}

/// An expression.
#[derive(Clone, Debug, PartialEq)]
pub enum Expr {
    /// A literal.
    Literal(Literal),
    /// ?, counted from zero.
    Parameter(usize),
    /// A column by name, perhaps with its table and database.
    Column {
        /// Database.
        database: Option<String>,
        /// Table or alias.
        table: Option<String>,
        /// Name.
        name: String,
    },
    /// DEFAULT, or DEFAULT(column).
    Default(Option<String>),
    /// VALUES(column) in ON DUPLICATE KEY UPDATE.
    InsertedValue(String),
    /// @@name, @@global.name.
    SystemVariable(Option<VariableScope>, String),
    /// @name.
    UserVariable(String),
    /// @name := expr.
    AssignUserVariable(String, Box<Expr>),
    /// An operator and its operand.
    Unary(UnaryOp, Box<Expr>),
    /// An operator and its operands.
    Binary(BinaryOp, Box<Expr>, Box<Expr>),
    /// All of them (at least two).
    And(Vec<Expr>),
    /// Any of them (at least two).
    Or(Vec<Expr>),
    /// IS [NOT] NULL.
    IsNull(Box<Expr>, bool),
    /// IS [NOT] TRUE, FALSE, UNKNOWN.
    IsTruth(Box<Expr>, TruthValue, bool),
    /// [NOT] IN (list).
    InList {
        /// What is looked for.
        expr: Box<Expr>,
        /// Where.
        list: Vec<Expr>,
        /// NOT.
        negated: bool,
    },
    /// [NOT] IN (SELECT …).
    InQuery {
        /// What is looked for.
        expr: Box<Expr>,
        /// Where.
        query: Box<Query>,
        /// NOT.
        negated: bool,
    },
    /// expr op ANY (SELECT …), expr op ALL (SELECT …).
    Compared {
        /// A comparison.
        op: BinaryOp,
        /// ALL; otherwise ANY or SOME.
        all: bool,
        /// What is compared.
        expr: Box<Expr>,
        /// With what.
        query: Box<Query>,
    },
    /// EXISTS (SELECT …).
    Exists(Box<Query>),
    /// (SELECT …) as a value.
    Subquery(Box<Query>),
    /// [NOT] BETWEEN low AND high.
    Between {
        /// What is compared.
        expr: Box<Expr>,
        /// Inclusive.
        low: Box<Expr>,
        /// Inclusive.
        high: Box<Expr>,
        /// NOT.
        negated: bool,
    },
    /// [NOT] LIKE pattern [ESCAPE …].
    Like {
        /// What is matched.
        expr: Box<Expr>,
        /// The pattern.
        pattern: Box<Expr>,
        /// The escape character; `None`: a backslash.
        escape: Option<Box<Expr>>,
        /// NOT.
        negated: bool,
    },
    /// [NOT] REGEXP or RLIKE.
    Regexp {
        /// What is matched.
        expr: Box<Expr>,
        /// The pattern.
        pattern: Box<Expr>,
        /// NOT.
        negated: bool,
    },
    /// CASE.
    Case {
        /// CASE operand WHEN ….
        operand: Option<Box<Expr>>,
        /// WHEN … THEN ….
        branches: Vec<(Expr, Expr)>,
        /// ELSE.
        otherwise: Option<Box<Expr>>,
    },
    /// A function by name, lower case.
    Call(String, Vec<Expr>),
    /// An aggregate by name, lower case.
    Aggregate {
        /// count, sum, avg, ….
        name: String,
        /// DISTINCT.
        distinct: bool,
        /// The arguments; none for COUNT(*).
        args: Vec<Expr>,
        /// GROUP_CONCAT's ORDER BY.
        order_by: Vec<OrderItem>,
        /// GROUP_CONCAT's SEPARATOR.
        separator: Option<String>,
    },
    /// A function over a window.
    Window(Box<WindowCall>),
    /// GROUPING.
    Grouping(Vec<Expr>),
    /// CAST and CONVERT(…, type).
    Cast(Box<Expr>, CastType),
    /// CONVERT(… USING charset).
    ConvertUsing(Box<Expr>, String),
    /// … COLLATE name.
    Collate(Box<Expr>, String),
    /// INTERVAL n unit: only as an argument of date arithmetic.
    Interval(Box<Expr>, IntervalUnit),
    /// date + INTERVAL n unit (or minus).
    DateArithmetic {
        /// The date.
        date: Box<Expr>,
        /// How many.
        amount: Box<Expr>,
        /// Of what.
        unit: IntervalUnit,
        /// DATE_SUB and -.
        subtract: bool,
    },
    /// EXTRACT(unit FROM expr).
    Extract(IntervalUnit, Box<Expr>),
    /// TIMESTAMPDIFF(unit, a, b).
    TimestampDiff(IntervalUnit, Box<Expr>, Box<Expr>),
    /// TRIM.
    Trim {
        /// From which end.
        side: TrimSide,
        /// What; `None`: spaces.
        what: Option<Box<Expr>>,
        /// Of what.
        expr: Box<Expr>,
    },
    /// JSON_VALUE.
    JsonValue(Box<JsonValue>),
    /// MATCH … AGAINST.
    Match(Box<MatchAgainst>),
    /// (a, b): for comparing with another row.
    Row(Vec<Expr>),
}
