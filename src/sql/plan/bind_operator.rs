//! Operators between two operands, of which rows and X'…' have rules of their own.

use super::bind_expr::{negate, operand_columns};
use super::binder::{Binder, Clause};
use crate::common::{SqlError, SqlResult};
use crate::sql::expr::{Expr, Function};
use crate::sql::parser::ast::{self, BinaryOp, Literal};
use crate::sql::types::{Datum, FieldType};

impl Binder<'_> {
    pub(super) fn binary(
        &mut self,
        op: BinaryOp,
        left: &ast::Expr,
        right: &ast::Expr,
        clause: &mut Clause<'_>,
    ) -> SqlResult<Expr> {
        if let Some((left, right)) = self.row_operands(left, right, clause)? {
            return compare_rows(op, &left, &right);
        }
        let function = binary_function(op);
        if function.is_comparison() || function == Function::Xor {
            let operands = [self.operand(left, clause)?, self.operand(right, clause)?];
            return compare(function, &operands[0], &operands[1]);
        }
        let operands = vec![self.number(left, clause)?, self.number(right, clause)?];
        Expr::call(function, operands)
    }

    fn operand(&mut self, expr: &ast::Expr, clause: &mut Clause<'_>) -> SqlResult<Operand> {
        Ok(Operand { value: self.expr(expr, clause)?, number: number_of(expr) })
    }

    /// Both operands as rows; `None` if they are single values.
    fn row_operands(
        &mut self,
        left: &ast::Expr,
        right: &ast::Expr,
        clause: &mut Clause<'_>,
    ) -> SqlResult<Option<(Vec<Operand>, Vec<Operand>)>> {
        use ast::Expr as E;
        let width = match (left, right) {
            (E::Row(items), _) | (_, E::Row(items)) => items.len(),
            (E::Subquery(first), E::Subquery(second)) => {
                let first = self.row_of(first, clause)?;
                let second = self.row_subquery(second, first.len(), clause)?;
                return Ok(Some((values(first), values(second))));
            }
            _ => return Ok(None),
        };
        let mut row = |expr: &ast::Expr| match expr {
            E::Row(items) if items.len() == width => {
                items.iter().map(|item| self.operand(item, clause)).collect()
            }
            E::Subquery(query) => self.row_subquery(query, width, clause).map(values),
            _ => Err(operand_columns(width)),
        };
        Ok(Some((row(left)?, row(right)?)))
    }

    /// `(a, b) IN ((c, d), …)`. One row is an equality; more are kept flat, because there may be very many.
    pub(super) fn row_in(
        &mut self,
        row: &[ast::Expr],
        list: &[ast::Expr],
        clause: &mut Clause<'_>,
    ) -> SqlResult<Expr> {
        let width = row.len();
        let mut left = Vec::with_capacity(width);
        for item in row {
            left.push(self.operand(item, clause)?);
        }
        let mut flat = Vec::with_capacity(list.len() * width);
        // Whether every pair of strings compares in the collation of the left one.
        let mut alike = left.iter().all(|operand| operand.number.is_none());
        for item in list {
            let right = match item {
                ast::Expr::Row(items) if items.len() == width => {
                    let operands = items.iter().map(|item| self.operand(item, clause));
                    operands.collect::<SqlResult<Vec<Operand>>>()?
                }
                ast::Expr::Subquery(query) => values(self.row_subquery(query, width, clause)?),
                _ => return Err(operand_columns(width)),
            };
            for (left, right) in left.iter().zip(&right) {
                let Expr::Call { mut args, field_type, .. } = compare(Function::Eq, left, right)?
                else {
                    return Err(SqlError::internal("a comparison is a call"));
                };
                let strings = args.iter().all(|arg| arg.field_type().kind.is_string());
                alike &= !strings || args[0].field_type().collation == field_type.collation;
                flat.extend(args.pop());
            }
        }
        if alike && list.len() > 1 {
            let mut args = Vec::with_capacity(1 + width + flat.len());
            args.push(Expr::literal(Datum::Int(width as i64)));
            args.extend(left.into_iter().map(|operand| operand.value));
            args.append(&mut flat);
            return Expr::call(Function::InRows, args);
        }
        let mut any = Vec::with_capacity(list.len());
        for right in flat.chunks(width) {
            any.push(compare_rows(BinaryOp::Eq, &left, &values(right.to_vec()))?);
        }
        match any.len() {
            1 => Ok(any.remove(0)),
            _ => Expr::call(Function::Or, any),
        }
    }

    /// An operand that must be a number: there X'41' is 65.
    pub(super) fn number(&mut self, expr: &ast::Expr, clause: &mut Clause<'_>) -> SqlResult<Expr> {
        number_of(expr).map_or_else(|| self.expr(expr, clause), Ok)
    }

    /// A value that becomes one of this type: if that is a number, X'41' is 65.
    pub(super) fn value_for(
        &mut self,
        target: &FieldType,
        expr: &ast::Expr,
        clause: &mut Clause<'_>,
    ) -> SqlResult<Expr> {
        if target.kind.is_numeric() { self.number(expr, clause) } else { self.expr(expr, clause) }
    }
}

/// An operand of a comparison.
struct Operand {
    value: Expr,
    /// What it is beside a number.
    number: Option<Expr>,
}

fn values(values: Vec<Expr>) -> Vec<Operand> {
    values.into_iter().map(|value| Operand { value, number: None }).collect()
}

/// A comparison of two values; X'…' beside a number is one.
fn compare(function: Function, left: &Operand, right: &Operand) -> SqlResult<Expr> {
    let beside = |operand: &Operand, other: &Operand| match &operand.number {
        Some(number) if function.is_comparison() && other.value.field_type().kind.is_numeric() => {
            number.clone()
        }
        _ => operand.value.clone(),
    };
    Expr::call(function, vec![beside(left, right), beside(right, left)])
}

fn compare_rows(op: BinaryOp, left: &[Operand], right: &[Operand]) -> SqlResult<Expr> {
    let each = match op {
        BinaryOp::Eq | BinaryOp::Ne => Function::Eq,
        BinaryOp::NullSafeEq => Function::NullEq,
        other => return order_rows(other, left, right),
    };
    let mut parts = Vec::with_capacity(left.len());
    for (left, right) in left.iter().zip(right) {
        parts.push(compare(each, left, right)?);
    }
    let equal = match parts.len() {
        1 => parts.remove(0),
        _ => Expr::call(Function::And, parts)?,
    };
    negate(equal, op == BinaryOp::Ne)
}

/// (a, b) < (c, d) is a < c OR (a = c AND b < d).
fn order_rows(op: BinaryOp, left: &[Operand], right: &[Operand]) -> SqlResult<Expr> {
    let strict = match op {
        BinaryOp::Lt | BinaryOp::Le => Function::Lt,
        BinaryOp::Gt | BinaryOp::Ge => Function::Gt,
        _ => return Err(operand_columns(1)),
    };
    let ([first_left, rest_left @ ..], [first_right, rest_right @ ..]) = (left, right) else {
        return Err(operand_columns(1));
    };
    if rest_left.is_empty() {
        return compare(binary_function(op), first_left, first_right);
    }
    let before = compare(strict, first_left, first_right)?;
    let same = compare(Function::Eq, first_left, first_right)?;
    let rest = order_rows(op, rest_left, rest_right)?;
    let behind = Expr::call(Function::And, vec![same, rest])?;
    Expr::call(Function::Or, vec![before, behind])
}

/// X'…' and b'…' of up to eight bytes as the number they are where numbers are wanted.
fn number_of(expr: &ast::Expr) -> Option<Expr> {
    let ast::Expr::Literal(Literal::Hex(bytes) | Literal::Bit(bytes)) = expr else { return None };
    let leading = bytes.iter().take_while(|byte| **byte == 0).count();
    let digits = &bytes[leading..];
    let number = digits.iter().fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
    (digits.len() <= 8).then(|| Expr::literal(Datum::UInt(number)))
}

fn binary_function(op: ast::BinaryOp) -> Function {
    use ast::BinaryOp as B;
    match op {
        B::Eq => Function::Eq,
        B::NullSafeEq => Function::NullEq,
        B::Ne => Function::Ne,
        B::Lt => Function::Lt,
        B::Le => Function::Le,
        B::Gt => Function::Gt,
        B::Ge => Function::Ge,
        B::Add => Function::Add,
        B::Sub => Function::Sub,
        B::Mul => Function::Mul,
        B::Div => Function::Div,
        B::IntDiv => Function::IntDiv,
        B::Mod => Function::Mod,
        B::BitOr => Function::BitOr,
        B::BitAnd => Function::BitAnd,
        B::BitXor => Function::BitXor,
        B::ShiftLeft => Function::ShiftLeft,
        B::ShiftRight => Function::ShiftRight,
        B::Xor => Function::Xor,
    }
}
