//! The expressions that an expression is made of.

use super::{Expr, OnResponse};

impl Expr {
    /// Its operands, in order. What is inside of a query is not among them.
    pub fn children(&self) -> Vec<&Expr> {
        match self {
            Expr::Literal(_)
            | Expr::Parameter(_)
            | Expr::Column { .. }
            | Expr::Default(_)
            | Expr::InsertedValue(_)
            | Expr::SystemVariable(..)
            | Expr::UserVariable(_)
            | Expr::Exists(_)
            | Expr::Subquery(_) => Vec::new(),
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
            Expr::Binary(_, left, right) | Expr::TimestampDiff(_, left, right) => vec![left, right],
            Expr::DateArithmetic { date, amount, .. } => vec![date, amount],
            Expr::And(items)
            | Expr::Or(items)
            | Expr::Call(_, items)
            | Expr::Grouping(items)
            | Expr::Row(items) => items.iter().collect(),
            Expr::Aggregate { args, order_by, .. } => {
                args.iter().chain(order_by.iter().map(|item| &item.expr)).collect()
            }
            Expr::Window(call) => call.args.iter().collect(),
            Expr::InList { expr, list, .. } => {
                std::iter::once(&**expr).chain(list.iter()).collect()
            }
            Expr::Between { expr, low, high, .. } => vec![expr, low, high],
            Expr::Like { expr, pattern, escape, .. } => {
                [expr, pattern].into_iter().chain(escape).map(|operand| &**operand).collect()
            }
            Expr::Regexp { expr, pattern, .. } => vec![expr, pattern],
            Expr::Case { operand, branches, otherwise } => {
                let mut all: Vec<&Expr> = operand.iter().map(|operand| &**operand).collect();
                all.extend(branches.iter().flat_map(|(when, then)| [when, then]));
                all.extend(otherwise.iter().map(|otherwise| &**otherwise));
                all
            }
            Expr::Trim { what, expr, .. } => {
                what.iter().map(|what| &**what).chain([&**expr]).collect()
            }
            Expr::JsonValue(value) => {
                let mut all = vec![&value.document, &value.path];
                for response in [&value.on_empty, &value.on_error] {
                    if let OnResponse::Default(default) = response {
                        all.push(default);
                    }
                }
                all
            }
        }
    }
}
