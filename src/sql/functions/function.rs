//! What an expression calls.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};

use super::definition::{Definition, Volatility};
use super::{
    arithmetic, bits, cast, comparison, control, date, date_parts, fulltext, like, numeric, regexp,
    session, text_edit,
};
use crate::common::{SqlError, SqlResult, errno};
use crate::sql::expr::Expr;
use crate::sql::types::Datum;

macro_rules! operators {
    ($($operator:ident => $definition:path;)*) => {
        /// What an expression calls: an operator, or a function by its name.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Function {
            $(
                #[doc = concat!("The operator defined as `", stringify!($definition), "`.")]
                $operator,
            )*
            /// A function that the planner has nothing to say of.
            Named(Named),
        }

        impl Function {
            /// All operators.
            pub(super) const OPERATORS: &[Function] = &[$(Function::$operator),*];

            /// The name of an operator here; that of a function in SQL.
            fn variant(self) -> &'static str {
                match self {
                    $(Function::$operator => stringify!($operator),)*
                    Function::Named(named) => named.0.name(),
                }
            }

            /// What there is to say of it.
            pub fn definition(self) -> &'static Definition {
                match self {
                    $(Function::$operator => &$definition,)*
                    Function::Named(named) => named.0,
                }
            }
        }
    };
}

// Those that the language has a form for, or that the planner knows the meaning of.
operators! {
    Add => arithmetic::ADD;
    Sub => arithmetic::SUB;
    Mul => arithmetic::MUL;
    Div => arithmetic::DIV;
    IntDiv => arithmetic::INT_DIV;
    Mod => arithmetic::MOD;
    Neg => arithmetic::NEG;
    BitAnd => bits::BIT_AND;
    BitOr => bits::BIT_OR;
    BitXor => bits::BIT_XOR;
    BitNot => bits::BIT_NOT;
    ShiftLeft => bits::SHIFT_LEFT;
    ShiftRight => bits::SHIFT_RIGHT;
    Eq => comparison::EQ;
    NullEq => comparison::NULL_EQ;
    Ne => comparison::NE;
    Lt => comparison::LT;
    Le => comparison::LE;
    Gt => comparison::GT;
    Ge => comparison::GE;
    In => comparison::IN;
    InSorted => comparison::IN_SORTED;
    InRows => comparison::IN_ROWS;
    Between => comparison::BETWEEN;
    And => control::AND;
    Or => control::OR;
    Xor => control::XOR;
    Not => control::NOT;
    IsTrue => control::IS_TRUE;
    IsFalse => control::IS_FALSE;
    IsNull => control::IS_NULL;
    If => control::IF;
    Case => control::CASE;
    Coalesce => control::COALESCE;
    Subquery => control::SUBQUERY;
    OnlyRow => control::ONLY_ROW;
    Stored => control::STORED;
    Match => fulltext::MATCH;
    Like => like::LIKE;
    Regexp => regexp::REGEXP;
    Cast => cast::CAST;
    Collate => cast::COLLATE;
    SortKey => cast::SORT_KEY;
    GetUserVar => session::GET_USER_VAR;
    SetUserVar => session::SET_USER_VAR;
    GetSystemVar => session::GET_SYSTEM_VAR;
    GetLock => session::GET_LOCK;
    ReleaseLock => session::RELEASE_LOCK;
    ReleaseAllLocks => session::RELEASE_ALL_LOCKS;
    IsFreeLock => session::IS_FREE_LOCK;
    IsUsedLock => session::IS_USED_LOCK;
    Sleep => numeric::SLEEP;
    Trim => text_edit::TRIM;
    TrimLeading => text_edit::TRIM_LEADING;
    TrimTrailing => text_edit::TRIM_TRAILING;
    Extract => date_parts::EXTRACT;
    TimestampDiff => date_parts::TIMESTAMP_DIFF;
    DateAdd => date::DATE_ADD;
    DateSub => date::DATE_SUB;
    TimestampAdd => date::TIMESTAMP_ADD;
    Now => date::NOW;
}

/// A function known by its definition. Two are the same if they have the same name.
#[derive(Clone, Copy)]
pub struct Named(pub(super) &'static Definition);

impl PartialEq for Named {
    fn eq(&self, other: &Named) -> bool {
        std::ptr::eq(self.0, other.0) || self.0.name() == other.0.name()
    }
}

impl Eq for Named {}

impl PartialOrd for Named {
    fn partial_cmp(&self, other: &Named) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Named {
    fn cmp(&self, other: &Named) -> Ordering {
        self.0.name().cmp(other.0.name())
    }
}

impl Hash for Named {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.name().hash(state);
    }
}

impl fmt::Debug for Named {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.name())
    }
}

impl Function {
    /// Its name as SQL writes it: `+`, `concat`.
    pub fn name(self) -> &'static str {
        self.definition().name()
    }

    /// What it is called where a name must tell it from all others: an operator as it is called here.
    pub(in crate::sql) fn wire_name(self) -> &'static str {
        self.variant()
    }

    /// Error 1582 when it does not take `count` arguments.
    pub(in crate::sql) fn check_arity(self, count: usize, name: &str) -> SqlResult<()> {
        let Definition { min, max, .. } = self.definition();
        if count < *min || count > *max {
            return Err(SqlError::new(
                errno::WRONG_PARAMCOUNT_TO_NATIVE_FCT,
                format!("Incorrect parameter count in the call to native function '{name}'"),
            ));
        }
        Ok(())
    }

    /// The row that `InRows` looks for, of its arguments.
    pub fn row_of(args: &[Expr]) -> &[Expr] {
        let width = args.first().and_then(|arg| {
            let Expr::Literal { value: Datum::Int(width), .. } = arg else { return None };
            usize::try_from(*width).ok()
        });
        width.and_then(|width| args.get(1..=width)).unwrap_or_default()
    }

    /// Whether the same arguments give the same answer within one statement, so that it may be computed once.
    pub fn is_deterministic(self) -> bool {
        self.definition().volatility <= Volatility::Statement
    }

    /// Whether calling it changes the session, so that it must be called exactly as often as the statement says.
    pub fn has_side_effect(self) -> bool {
        self.definition().volatility == Volatility::SideEffect
    }

    /// Whether it takes about as long whatever its arguments are: it makes no long strings, and searches none.
    pub fn is_light(self) -> bool {
        self.definition().cost == super::definition::Cost::Constant
    }

    /// GET_LOCK and its kin, which the session calls before it computes anything.
    pub fn is_named_lock(self) -> bool {
        matches!(
            self,
            Function::GetLock
                | Function::ReleaseLock
                | Function::ReleaseAllLocks
                | Function::IsFreeLock
                | Function::IsUsedLock
        )
    }

    /// `=`, `<=>`, `<>`, `<`, `<=`, `>` and `>=`.
    pub fn is_comparison(self) -> bool {
        self.swap_sides().is_some()
    }

    /// The comparison with its sides swapped: `a < b` is `b > a`.
    pub fn swap_sides(self) -> Option<Function> {
        Some(match self {
            Function::Eq => Function::Eq,
            Function::NullEq => Function::NullEq,
            Function::Ne => Function::Ne,
            Function::Lt => Function::Gt,
            Function::Le => Function::Ge,
            Function::Gt => Function::Lt,
            Function::Ge => Function::Le,
            _ => return None,
        })
    }
}
