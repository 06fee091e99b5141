//! Operators between two operands, of which rows and X'…' have rules of their own.

use super::bind_expr::{negate, operand_columns};
use super::binder::{Binder, Clause};
use super::literals::{truth_as_document, truths_as_documents};
use super::physical::DateParameter;
use crate::common::{SqlError, SqlResult};
use crate::sql::expr::{Expr, Function, check_literals};
use crate::sql::parser::ast::{self, BinaryOp};
use crate::sql::types::{Collation, Datum, FieldType, TypeKind};

impl Binder<'_> {
    pub(super) fn binary(
        &mut self,
        op: BinaryOp,
        left: &ast::Expr,
        right: &ast::Expr,
        clause: &mut Clause<'_>,
    ) -> SqlResult<Expr> {
        if let Some((left, right)) = self.row_operands(left, right, clause)? {
            return self.checked(compare_rows(op, &left, &right)?);
        }
        let mut operands = vec![self.expr(left, clause)?, self.expr(right, clause)?];
        if operands.iter().any(|operand| operand.field_type().kind == TypeKind::Json)
            && binary_function(op).is_comparison()
        {
            truths_as_documents(std::slice::from_ref(left), &mut operands[..1]);
            truths_as_documents(std::slice::from_ref(right), &mut operands[1..]);
        }
        self.checked(self.planner.rules.call(binary_function(op), operands)?)
    }

    /// A comparison, if its literals can be compared.
    pub(super) fn checked(&mut self, comparison: Expr) -> SqlResult<Expr> {
        let parameters = self.planner.parameter_count;
        check_literals(&comparison, self.planner.sql_mode, &mut |index, field_type| {
            // Those beyond are values of subqueries.
            if index < parameters {
                self.dates.push(DateParameter { index, field_type: field_type.clone() });
            }
        })?;
        Ok(comparison)
    }

    /// Both operands as rows; `None` if they are single values.
    fn row_operands(
        &mut self,
        left: &ast::Expr,
        right: &ast::Expr,
        clause: &mut Clause<'_>,
    ) -> SqlResult<Option<(Vec<Expr>, Vec<Expr>)>> {
        use ast::Expr as E;
        let width = match (left, right) {
            (E::Row(items), _) | (_, E::Row(items)) => items.len(),
            (E::Subquery(first), E::Subquery(second)) => {
                let first = self.row_of(first, clause)?;
                let second = self.row_subquery(second, first.len(), clause)?;
                return Ok(Some((first, second)));
            }
            _ => return Ok(None),
        };
        let mut row = |expr: &ast::Expr| match expr {
            E::Row(items) if items.len() == width => {
                items.iter().map(|item| self.expr(item, clause)).collect()
            }
            E::Subquery(query) => self.row_subquery(query, width, clause),
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
            left.push(self.expr(item, clause)?);
        }
        let mut flat = Vec::with_capacity(list.len() * width);
        // Whether every pair of strings compares in the collation of the left one.
        let mut alike = left.iter().all(|operand| operand.clone().as_number() == *operand);
        for item in list {
            let right = match item {
                ast::Expr::Row(items) if items.len() == width => {
                    let operands = items.iter().map(|item| self.expr(item, clause));
                    operands.collect::<SqlResult<Vec<Expr>>>()?
                }
                ast::Expr::Subquery(query) => self.row_subquery(query, width, clause)?,
                _ => return Err(operand_columns(width)),
            };
            for (left, right) in left.iter().zip(&right) {
                let Expr::Call { mut args, field_type, .. } = compare(Function::Eq, left, right)?
                else {
                    return Err(SqlError::internal("a comparison is a call"));
                };
                let strings = args.iter().all(|arg| arg.field_type().kind.is_textual());
                alike &= !strings || args[0].field_type().collation == field_type.collation;
                flat.extend(args.pop());
            }
        }
        if alike && list.len() > 1 {
            let mut args = Vec::with_capacity(1 + width + flat.len());
            args.push(Expr::literal(Datum::Int(width as i64)));
            args.extend(left);
            args.append(&mut flat);
            return Expr::call(Function::InRows, args);
        }
        let mut any = Vec::with_capacity(list.len());
        for right in flat.chunks(width) {
            any.push(compare_rows(BinaryOp::Eq, &left, right)?);
        }
        match any.len() {
            1 => Ok(any.remove(0)),
            _ => Expr::call(Function::Or, any),
        }
    }

    /// A value that becomes one of this type, or is compared with one: if that is a number, X'41' is 65; TRUE is one of a document.
    pub(super) fn value_for(
        &mut self,
        target: &FieldType,
        expr: &ast::Expr,
        clause: &mut Clause<'_>,
    ) -> SqlResult<Expr> {
        if target.kind == TypeKind::Json
            && let Some(truth) = truth_as_document(expr)
        {
            return Ok(truth);
        }
        let bound = self.expr(expr, clause)?;
        Ok(if target.kind.is_numeric() { bound.as_number() } else { bound })
    }

    /// A value for a column of this type: see [`assigned`].
    pub(super) fn assigned_value(
        &mut self,
        target: &FieldType,
        expr: &ast::Expr,
        clause: &mut Clause<'_>,
    ) -> SqlResult<Expr> {
        Ok(assigned(self.expr(expr, clause)?, target))
    }
}

/// A value as it is assigned to a column of this type. To a number X'41' is 65; to a text a number that is written as its own type has it
/// (FLOAT, BIT, ZEROFILL) is that text; to a document bytes are nothing.
pub(super) fn assigned(expr: Expr, target: &FieldType) -> Expr {
    if target.kind.is_numeric() {
        return expr.as_number();
    }
    if target.kind == TypeKind::Json && expr.field_type().is_binary_string() {
        // Bytes are no text that a document could be read from: error 3144, unless they are NULL.
        let extract = Function::named("json_extract").expect("it is a function of ours");
        let args = vec![expr, Expr::text("$")];
        return Expr::Call { function: extract, args, field_type: FieldType::json() };
    }
    if target.kind.is_string() && expr.field_type().has_text_of_its_own() {
        // As bytes: whether they are text is for the column to say.
        return Expr::cast(expr, FieldType::long_text().collate(Collation::Binary));
    }
    if target.kind.is_textual() {
        return in_bytes_of_both(expr, target.collation);
    }
    expr
}

/// Bytes for a column of text are those of the text in the column's character set, and the other way round.
fn in_bytes_of_both(expr: Expr, target: Collation) -> Expr {
    let field_type = expr.field_type();
    if !field_type.kind.is_textual() || field_type.collation == target {
        return expr;
    }
    let foreign = |collation: Collation| !collation.character_set().is_kept();
    if target == Collation::Binary && foreign(field_type.collation) {
        return Expr::cast(expr, FieldType::long_text().collate(Collation::Binary));
    }
    if field_type.collation != Collation::Binary || !foreign(target) {
        return expr;
    }
    let Expr::Literal { value: Datum::Bytes(bytes), .. } = &expr else {
        return Expr::cast(expr, FieldType::long_text().collate(target));
    };
    // Bytes that are none of the set are for the column to refuse.
    let text = target.character_set().decode(bytes).map(|text| Expr::text(&text));
    text.unwrap_or(expr)
}

fn compare(function: Function, left: &Expr, right: &Expr) -> SqlResult<Expr> {
    Expr::call(function, vec![left.clone(), right.clone()])
}

pub(super) fn compare_rows(op: BinaryOp, left: &[Expr], right: &[Expr]) -> SqlResult<Expr> {
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

/// (a, b) < (c, d) is a < c OR (a = c AND b < d), and so a <= c, which an index of a finds rows by.
fn order_rows(op: BinaryOp, left: &[Expr], right: &[Expr]) -> SqlResult<Expr> {
    let ordered = order_parts(op, left, right)?;
    let ([first_left, _, ..], [first_right, _, ..]) = (left, right) else { return Ok(ordered) };
    if !matches!((first_left, first_right), (Expr::Column { .. }, b) | (b, Expr::Column { .. }) if b.is_constant())
    {
        return Ok(ordered);
    }
    let bound = match op {
        BinaryOp::Lt | BinaryOp::Le => Function::Le,
        _ => Function::Ge,
    };
    Expr::call(Function::And, vec![compare(bound, first_left, first_right)?, ordered])
}

fn order_parts(op: BinaryOp, left: &[Expr], right: &[Expr]) -> SqlResult<Expr> {
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
    let rest = order_parts(op, rest_left, rest_right)?;
    let behind = Expr::call(Function::And, vec![same, rest])?;
    Expr::call(Function::Or, vec![before, behind])
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
