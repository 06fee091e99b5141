//! The tree and what can be done with it without computing it.

use std::collections::BTreeSet;

use super::{EvalContext, Function, TypeRules, hex};
use crate::common::{SqlError, SqlResult, errno};
use crate::sql::functions::Volatility;
use crate::sql::types::{Datum, FieldType, TypeKind};

/// A bound, typed expression.
#[derive(Clone, Debug, PartialEq)]
pub enum Expr {
    /// A column of the input row.
    Column {
        /// Its position there.
        index: usize,
        /// Its type.
        field_type: FieldType,
    },
    /// A constant.
    Literal {
        /// The value.
        value: Datum,
        /// Its type.
        field_type: FieldType,
    },
    /// A prepared statement's `?`; the value comes from [`EvalContext::params`].
    Parameter {
        /// Which `?`, from 0.
        index: usize,
        /// Its type as far as it is known when the statement is bound.
        field_type: FieldType,
    },
    /// An operator or a function.
    Call {
        /// Which.
        function: Function,
        /// Its arguments.
        args: Vec<Expr>,
        /// What it yields. Its collation is the one the call compares strings in, also when it does not yield a string.
        field_type: FieldType,
    },
}

impl Expr {
    /// A column of the input row.
    pub fn column(index: usize, field_type: FieldType) -> Expr {
        Expr::Column { index, field_type }
    }

    /// A constant of the type that a literal with this value has.
    pub fn literal(value: Datum) -> Expr {
        let field_type = FieldType::of_literal(&value);
        Expr::Literal { value, field_type }
    }

    /// X'…' or b'…': bytes that are a number where a number is wanted.
    pub fn hex(bytes: bytes::Bytes) -> Expr {
        let field_type = hex::hex_type(bytes.len());
        Expr::Literal { value: Datum::Bytes(bytes), field_type }
    }

    /// The same where a number is wanted: there X'41' is 65.
    #[must_use]
    pub fn as_number(self) -> Expr {
        hex::number_of(&self).unwrap_or(self)
    }

    /// NULL.
    pub fn null() -> Expr {
        Expr::literal(Datum::Null)
    }

    /// A text constant, as function arguments that are keywords in SQL are given (`'DAY'`).
    pub fn text(text: &str) -> Expr {
        Expr::literal(Datum::from(text))
    }

    /// A call, with the type MySQL gives it.
    ///
    /// Arguments of those with a syntax of their own:
    /// - `Like`: text, pattern, and the escape character if one was given. `Regexp`: text, pattern.
    /// - `InRows`: how wide rows are, the row, then the rows of the list, flat. Each column compares in the collation of the
    ///   row's own.
    /// - `In`: the value, then the list. `Between`: the value, low, high.
    /// - `Case`: condition, result, condition, result, …, and a last one for ELSE. See [`Expr::case`].
    /// - `DateAdd`, `DateSub`: date, number, unit as text (`'DAY'`). `Extract`: unit, date.
    ///   `TimestampDiff`, `TimestampAdd`: unit, then the others in SQL's order.
    /// - `TrimLeading`, `TrimTrailing`, `Trim`: the text, then what to take away.
    /// - `SetUserVar`: name, value. `GetUserVar`: name (in lower case). `GetSystemVar`: name, and the scope as text
    ///   (`''`, `'session'`, `'global'`); give the type with [`Expr::call_as`].
    /// - `Cast` and `Collate` need a type: [`Expr::cast`], [`Expr::collate`].
    pub fn call(function: Function, args: Vec<Expr>) -> SqlResult<Expr> {
        TypeRules::default().call(function, args)
    }

    /// A call whose type is known better by the caller.
    pub fn call_as(function: Function, args: Vec<Expr>, field_type: FieldType) -> SqlResult<Expr> {
        function.check_arity(args.len(), function.name())?;
        Ok(Expr::Call { function, args, field_type })
    }

    /// The value, if it is a constant of the statement.
    pub fn as_literal(&self) -> Option<&Datum> {
        let Expr::Literal { value, .. } = self else { return None };
        Some(value)
    }

    /// CAST(arg AS type); the argument itself when it is of that type.
    pub fn cast(arg: Expr, target: FieldType) -> Expr {
        let arg = if target.kind.is_numeric() { arg.as_number() } else { arg };
        if arg.field_type().same_values(&target) {
            return arg;
        }
        // What cannot be read as a time, or is no valid text, becomes NULL.
        let decoded = arg.field_type().is_binary_string() && !target.is_binary_string();
        let not_null = arg.field_type().not_null && !target.kind.is_temporal() && !decoded;
        let field_type = FieldType { not_null, ..target };
        Expr::Call { function: Function::Cast, args: vec![arg], field_type }
    }

    /// `arg COLLATE collation`.
    pub fn collate(arg: Expr, collation: crate::sql::types::Collation) -> SqlResult<Expr> {
        if arg.field_type().is_binary_string() {
            return Err(SqlError::new(
                errno::COLLATION_CHARSET_MISMATCH,
                format!("COLLATION '{}' is not valid for CHARACTER SET 'binary'", collation.name()),
            ));
        }
        let had = arg.field_type().collation.character_set();
        if arg.field_type().kind.is_textual() && had != collation.character_set() {
            return Err(collation.mismatch(had));
        }
        let string = if arg.field_type().kind.is_string() {
            arg.field_type().clone()
        } else if arg.field_type().kind.is_member() {
            arg.field_type().as_string()
        } else {
            FieldType::varchar(arg.field_type().display_width()).nullable()
        };
        let field_type = string.collate(collation);
        Ok(Expr::Call { function: Function::Collate, args: vec![arg], field_type })
    }

    /// CASE: with an operand each `when` is compared with it.
    pub fn case(
        operand: Option<Expr>,
        branches: Vec<(Expr, Expr)>,
        otherwise: Option<Expr>,
    ) -> SqlResult<Expr> {
        let mut args = Vec::with_capacity(branches.len() * 2 + 1);
        for (when, then) in branches {
            args.push(match &operand {
                Some(operand) => Expr::call(Function::Eq, vec![operand.clone(), when])?,
                None => when,
            });
            args.push(then);
        }
        args.extend(otherwise);
        Expr::call(Function::Case, args)
    }

    /// All of these; `None` when there are none.
    pub fn conjunction(parts: Vec<Expr>) -> Option<Expr> {
        Self::joined(Function::And, parts)
    }

    fn joined(function: Function, mut parts: Vec<Expr>) -> Option<Expr> {
        match parts.len() {
            0 => None,
            1 => parts.pop(),
            _ => {
                let not_null = parts.iter().all(|part| part.field_type().not_null);
                let field_type = FieldType { not_null, ..FieldType::boolean() };
                Some(Expr::Call { function, args: parts, field_type })
            }
        }
    }

    /// The parts of a condition that must each be true, nested ANDs taken apart.
    pub fn split_conjunction(self) -> Vec<Expr> {
        match self {
            Expr::Call { function: Function::And, args, .. } => {
                args.into_iter().flat_map(Expr::split_conjunction).collect()
            }
            other => vec![other],
        }
    }

    /// Its type.
    pub fn field_type(&self) -> &FieldType {
        match self {
            Expr::Column { field_type, .. }
            | Expr::Literal { field_type, .. }
            | Expr::Parameter { field_type, .. }
            | Expr::Call { field_type, .. } => field_type,
        }
    }

    /// Whether it is the same for every row of a statement, parameters included.
    pub fn is_constant(&self) -> bool {
        match self {
            Expr::Column { .. } => false,
            Expr::Literal { .. } | Expr::Parameter { .. } => true,
            Expr::Call { function, args, .. } => {
                function.is_deterministic() && args.iter().all(Expr::is_constant)
            }
        }
    }

    /// Whether it gives the same answer for the same row within a statement.
    pub fn is_deterministic(&self) -> bool {
        match self {
            Expr::Call { function, args, .. } => {
                function.is_deterministic() && args.iter().all(Expr::is_deterministic)
            }
            _ => true,
        }
    }

    /// Whether it depends on the statement's moment, parameters or session, so that a cached plan must not keep its value.
    pub fn depends_on_context(&self) -> bool {
        match self {
            Expr::Parameter { .. } => true,
            Expr::Call { function, args, field_type } => {
                reads_context(*function, args, field_type)
                    || args.iter().any(Expr::depends_on_context)
            }
            _ => false,
        }
    }

    /// Replaces constant parts by their values. A part whose evaluation fails or warns stays as it is, and fails or
    /// warns when a row needs it.
    #[must_use]
    pub fn fold(self, ctx: &EvalContext) -> Expr {
        let Expr::Call { function, args, field_type } = self else {
            return match self {
                Expr::Parameter { index, field_type } => match ctx.params.get(index) {
                    Some(value) => Expr::Literal { value: value.clone(), field_type },
                    None => Expr::Parameter { index, field_type },
                },
                other => other,
            };
        };
        let args: Vec<Expr> = args.into_iter().map(|arg| arg.fold(ctx)).collect();
        let call = Expr::Call { function, args, field_type };
        if !call.is_constant() {
            return call;
        }
        let before = ctx.mark_warnings();
        match call.eval(&[], ctx) {
            Ok(value) if ctx.mark_warnings() == before => {
                let field_type = call.field_type().clone();
                Expr::Literal { value, field_type }
            }
            _ => {
                ctx.back_to(before);
                call
            }
        }
    }

    /// The columns it reads.
    pub fn columns(&self) -> BTreeSet<usize> {
        let mut columns = BTreeSet::new();
        self.visit(&mut |expr| {
            if let Expr::Column { index, .. } = expr {
                columns.insert(*index);
            }
        });
        columns
    }

    /// The same over other columns: `map` gives each one's new position.
    #[must_use]
    pub fn map_columns(self, map: &mut dyn FnMut(usize) -> usize) -> Expr {
        match self {
            Expr::Column { index, field_type } => Expr::Column { index: map(index), field_type },
            Expr::Call { function, args, field_type } => {
                let args = args.into_iter().map(|arg| arg.map_columns(map)).collect();
                Expr::Call { function, args, field_type }
            }
            other => other,
        }
    }

    /// Replaces nodes from the leaves up.
    pub fn transform(self, change: &mut dyn FnMut(Expr) -> SqlResult<Expr>) -> SqlResult<Expr> {
        let node = match self {
            Expr::Call { function, args, field_type } => {
                let mut changed = Vec::with_capacity(args.len());
                for arg in args {
                    changed.push(arg.transform(change)?);
                }
                Expr::Call { function, args: changed, field_type }
            }
            leaf => leaf,
        };
        change(node)
    }

    /// Calls `visitor` on every node, parents first.
    pub fn visit<'a>(&'a self, visitor: &mut dyn FnMut(&'a Expr)) {
        visitor(self);
        if let Expr::Call { args, .. } = self {
            for arg in args {
                arg.visit(visitor);
            }
        }
    }
}

/// Whether a call's answer depends on the statement's context and not only on its arguments: its moment, its session,
/// `sql_mode`, the time zone, `max_allowed_packet`.
fn reads_context(function: Function, args: &[Expr], field_type: &FieldType) -> bool {
    let kind = |arg: &Expr| arg.field_type().kind;
    // A TIME becomes a date by the day it is, a text by the time zone and the modes.
    let has_time = args.iter().any(|arg| kind(arg) == TypeKind::Time);
    let becomes_time = field_type.kind.is_temporal() || args.iter().any(|a| kind(a).is_temporal());
    let from_text = becomes_time && args.iter().any(|arg| !kind(arg).is_calendar());
    // TIME_TRUNCATE_FRACTIONAL.
    let is_rounded = function == Function::Cast && field_type.kind.is_temporal();
    has_time || from_text || is_rounded || function.definition().volatility > Volatility::Pure
}
