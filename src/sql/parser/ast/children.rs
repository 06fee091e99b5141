//! The expressions that an expression is made of.

use super::{Expr, OnResponse};

impl Expr {
    /// All of some, of which there is at least one.
    pub fn all(mut exprs: Vec<Expr>) -> Expr {
        if exprs.len() == 1 { exprs.remove(0) } else { Expr::And(exprs) }
    }

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
            Expr::Match(search) => search.columns.iter().chain([&search.query]).collect(),
        }
    }

    /// The same, to be changed.
    pub fn children_mut(&mut self) -> Vec<&mut Expr> {
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
                what.iter_mut().map(|what| &mut **what).chain([&mut **expr]).collect()
            }
            Expr::JsonValue(value) => {
                let mut all = vec![&mut value.document, &mut value.path];
                for response in [&mut value.on_empty, &mut value.on_error] {
                    if let OnResponse::Default(default) = response {
                        all.push(default);
                    }
                }
                all
            }
            Expr::Match(search) => search.columns.iter_mut().chain([&mut search.query]).collect(),
        }
    }

    /// Shows it and everything in it, but for queries' insides.
    pub fn visit(&self, see: &mut dyn FnMut(&Expr)) {
        see(self);
        self.children().into_iter().for_each(|child| child.visit(see));
    }
}
