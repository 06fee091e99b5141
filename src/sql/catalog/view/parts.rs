//! What an expression is made of.

use crate::sql::parser::ast::Expr;

/// The expressions in an expression, but for those of subqueries.
pub(super) fn parts(expr: &mut Expr) -> Vec<&mut Expr> {
    match expr {
        Expr::Literal(_)
        | Expr::Parameter(_)
        | Expr::Column { .. }
        | Expr::Default(_)
        | Expr::InsertedValue(_)
        | Expr::SystemVariable(..)
        | Expr::UserVariable(_)
        | Expr::Exists(_)
        | Expr::Subquery(_)
        | Expr::JsonValue(_) => Vec::new(),
        Expr::AssignUserVariable(_, operand)
        | Expr::Unary(_, operand)
        | Expr::IsNull(operand, _)
        | Expr::IsTruth(operand, ..)
        | Expr::Cast(operand, _)
        | Expr::ConvertUsing(operand, _)
        | Expr::Collate(operand, _)
        | Expr::Interval(operand, _)
        | Expr::Extract(_, operand)
        | Expr::InQuery { expr: operand, .. }
        | Expr::Compared { expr: operand, .. } => vec![operand],
        Expr::Binary(_, left, right)
        | Expr::TimestampDiff(_, left, right)
        | Expr::DateArithmetic { date: left, amount: right, .. }
        | Expr::Regexp { expr: left, pattern: right, .. } => vec![left, right],
        Expr::And(items)
        | Expr::Or(items)
        | Expr::Row(items)
        | Expr::Grouping(items)
        | Expr::Call(_, items) => items.iter_mut().collect(),
        Expr::InList { expr, list, .. } => std::iter::once(&mut **expr).chain(list).collect(),
        Expr::Between { expr, low, high, .. } => vec![expr, low, high],
        Expr::Like { expr, pattern, escape, .. } => {
            let mut found: Vec<&mut Expr> = vec![expr, pattern];
            found.extend(escape.iter_mut().map(|escape| &mut **escape));
            found
        }
        Expr::Case { operand, branches, otherwise } => {
            let mut found: Vec<&mut Expr> = Vec::new();
            found.extend(operand.iter_mut().map(|operand| &mut **operand));
            found.extend(branches.iter_mut().flat_map(|(when, then)| [when, then]));
            found.extend(otherwise.iter_mut().map(|otherwise| &mut **otherwise));
            found
        }
        Expr::Aggregate { args, order_by, .. } => {
            args.iter_mut().chain(order_by.iter_mut().map(|item| &mut item.expr)).collect()
        }
        Expr::Window(call) => call.args.iter_mut().collect(),
        Expr::Trim { what, expr, .. } => {
            let mut found: Vec<&mut Expr> = vec![expr];
            found.extend(what.iter_mut().map(|what| &mut **what));
            found
        }
    }
}

/// Shows an expression and everything in it, but for subqueries' insides.
pub(super) fn visit(expr: &Expr, see: &mut dyn FnMut(&Expr)) {
    see(expr);
    expr.children().into_iter().for_each(|part| visit(part, see));
}
