//! Operators between two operands, of which rows and X'…' have rules of their own.

use super::bind_expr::{negate, operand_columns};
use super::binder::{Binder, Clause};
use crate::common::SqlResult;
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
        if let (ast::Expr::Row(left), ast::Expr::Row(right)) = (left, right) {
            return self.compare_rows(op, left, right, clause);
        }
        let function = binary_function(op);
        let mut operands = if function.is_comparison() || function == Function::Xor {
            vec![self.expr(left, clause)?, self.expr(right, clause)?]
        } else {
            vec![self.number(left, clause)?, self.number(right, clause)?]
        };
        if function.is_comparison() {
            for (at, side) in [left, right].into_iter().enumerate() {
                if let Some(number) = number_of(side)
                    && operands[1 - at].field_type().kind.is_numeric()
                {
                    operands[at] = number;
                }
            }
        }
        Expr::call(function, operands)
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

    fn compare_rows(
        &mut self,
        op: BinaryOp,
        left: &[ast::Expr],
        right: &[ast::Expr],
        clause: &mut Clause<'_>,
    ) -> SqlResult<Expr> {
        if left.len() != right.len() {
            return Err(operand_columns(left.len()));
        }
        let each = match op {
            BinaryOp::Eq | BinaryOp::Ne => BinaryOp::Eq,
            BinaryOp::NullSafeEq => BinaryOp::NullSafeEq,
            other => return self.order_rows(other, left, right, clause),
        };
        let mut parts = Vec::with_capacity(left.len());
        for (left, right) in left.iter().zip(right) {
            parts.push(self.binary(each, left, right, clause)?);
        }
        let equal = Expr::call(Function::And, parts)?;
        negate(equal, op == BinaryOp::Ne)
    }

    /// (a, b) < (c, d) is a < c OR (a = c AND b < d).
    fn order_rows(
        &mut self,
        op: BinaryOp,
        left: &[ast::Expr],
        right: &[ast::Expr],
        clause: &mut Clause<'_>,
    ) -> SqlResult<Expr> {
        let strict = match op {
            BinaryOp::Lt | BinaryOp::Le => BinaryOp::Lt,
            BinaryOp::Gt | BinaryOp::Ge => BinaryOp::Gt,
            _ => return Err(operand_columns(1)),
        };
        let ([first_left, rest_left @ ..], [first_right, rest_right @ ..]) = (left, right) else {
            return Err(operand_columns(1));
        };
        if rest_left.is_empty() {
            return self.binary(op, first_left, first_right, clause);
        }
        let before = self.binary(strict, first_left, first_right, clause)?;
        let same = self.binary(BinaryOp::Eq, first_left, first_right, clause)?;
        let rest = self.order_rows(op, rest_left, rest_right, clause)?;
        let behind = Expr::call(Function::And, vec![same, rest])?;
        Expr::call(Function::Or, vec![before, behind])
    }
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
