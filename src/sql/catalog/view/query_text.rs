//! A query as text, as MySQL writes it.

use std::fmt::Write;

use super::expr_text::Writer;
use crate::sql::digest::quote_name;
use crate::sql::parser::ast::{
    IndexHint, IndexHintKind, IndexPurpose, JoinConstraint, JoinOp, LockWait, Locking, OrderItem,
    Query, QueryBody, Select, SelectItem, SetOperator, TableRef,
};

/// The canonical text of a qualified query. If all its tables are in the database `home`, they are named without it.
pub fn query_text(query: &Query, home: Option<&str>) -> String {
    if home.is_some() {
        let mut writer = Writer::new(home);
        writer.query(query);
        if !writer.abroad {
            return writer.text;
        }
    }
    let mut writer = Writer::new(None);
    writer.query(query);
    writer.text
}

impl Writer<'_> {
    /// A query with what stands around its body.
    pub(super) fn query(&mut self, query: &Query) {
        for (position, common) in query.with.iter().enumerate() {
            self.text.push_str(match (position, query.recursive) {
                (0, false) => "with ",
                (0, true) => "with recursive ",
                _ => ",",
            });
            self.name(&common.name);
            self.names(&common.columns);
            self.text.push_str(" as (");
            self.query(&common.query);
            self.text.push(')');
        }
        if !query.with.is_empty() {
            self.text.push(' ');
        }
        match &query.body {
            QueryBody::Select(select) => self.select(select),
            QueryBody::Values(rows) => {
                for (position, row) in rows.iter().enumerate() {
                    self.text.push_str(if position == 0 { "values row(" } else { ",row(" });
                    self.list(row);
                    self.text.push(')');
                }
            }
            QueryBody::SetOperation { op, all, left, right } => {
                self.operand(left, *op, false);
                self.text.push_str(match op {
                    SetOperator::Union => " union ",
                    SetOperator::Except => " except ",
                    SetOperator::Intersect => " intersect ",
                });
                if *all {
                    self.text.push_str("all ");
                }
                self.operand(right, *op, true);
            }
        }
        self.order_by(&query.order_by);
        if let Some(limit) = &query.limit {
            self.text.push_str(" limit ");
            if let Some(offset) = &limit.offset {
                self.expr(offset);
                self.text.push(',');
            }
            self.expr(&limit.count);
        }
        query.locking.iter().for_each(|locking| self.locking(locking));
    }

    /// FOR UPDATE and FOR SHARE.
    fn locking(&mut self, locking: &Locking) {
        self.text.push_str(if locking.share { " for share" } else { " for update" });
        if let Some(of) = &locking.of {
            self.text.push_str(" of ");
            self.name(&of.name);
        }
        self.text.push_str(match locking.wait {
            LockWait::Wait => "",
            LockWait::NoWait => " nowait",
            LockWait::SkipLocked => " skip locked",
        });
    }

    /// A side of UNION and the like: in parentheses where it would be read otherwise.
    fn operand(&mut self, query: &Query, op: SetOperator, right: bool) {
        let bare = query.with.is_empty()
            && query.order_by.is_empty()
            && query.limit.is_none()
            && query.locking.is_empty();
        let inside = match &query.body {
            QueryBody::SetOperation { op: inner, .. } => {
                right || (op == SetOperator::Intersect && *inner != SetOperator::Intersect)
            }
            QueryBody::Select(_) | QueryBody::Values(_) => false,
        };
        if bare && !inside {
            return self.query(query);
        }
        self.text.push('(');
        self.query(query);
        self.text.push(')');
    }

    /// ORDER BY, if there is one.
    pub(super) fn order_by(&mut self, items: &[OrderItem]) {
        for (position, item) in items.iter().enumerate() {
            self.text.push_str(if position == 0 { " order by " } else { "," });
            self.expr(&item.expr);
            if item.descending {
                self.text.push_str(" desc");
            }
        }
    }

    /// A SELECT, without ORDER BY and LIMIT.
    fn select(&mut self, select: &Select) {
        self.text.push_str(if select.distinct { "select distinct " } else { "select " });
        if select.straight {
            self.text.push_str("straight_join ");
        }
        for (position, item) in select.items.iter().enumerate() {
            if position > 0 {
                self.text.push(',');
            }
            match item {
                SelectItem::Wildcard(None) => self.text.push('*'),
                SelectItem::Wildcard(Some(table)) => {
                    let _ = write!(self.text, "{}.*", quote_name(&table.name));
                }
                SelectItem::Expr { expr, alias, .. } => {
                    self.expr(expr);
                    if let Some(alias) = alias {
                        self.text.push_str(" AS ");
                        self.name(alias);
                    }
                }
            }
        }
        if let Some(from) = &select.from {
            self.text.push_str(" from ");
            self.table(from);
        }
        if let Some(selection) = &select.selection {
            self.text.push_str(" where ");
            self.expr(selection);
        }
        for (position, item) in select.group_by.iter().enumerate() {
            self.text.push_str(if position == 0 { " group by " } else { "," });
            self.expr(item);
        }
        if select.with_rollup {
            self.text.push_str(" with rollup");
        }
        if let Some(having) = &select.having {
            self.text.push_str(" having ");
            self.expr(having);
        }
        for (position, named) in select.windows.iter().enumerate() {
            self.text.push_str(if position == 0 { " window " } else { "," });
            self.name(&named.name);
            self.text.push_str(" AS ");
            self.window(&named.window);
        }
    }

    /// What FROM names. A right join is shown as a left one, as MySQL does it.
    fn table(&mut self, table: &TableRef) {
        match table {
            TableRef::Table { name, partitions, alias, hints } => {
                self.database(name.database.as_deref());
                self.name(&name.name);
                if !partitions.is_empty() {
                    self.text.push_str(" PARTITION ");
                    self.names(partitions);
                }
                if let Some(alias) = alias {
                    self.text.push(' ');
                    self.name(alias);
                }
                hints.iter().filter(|hint| !hint.advice).for_each(|hint| self.hint(hint));
            }
            TableRef::Derived { lateral, query, alias, columns } => {
                self.text.push_str(if *lateral { "lateral (" } else { "(" });
                self.query(query);
                self.text.push_str(") ");
                self.name(alias);
                self.names(columns);
            }
            // Whoever qualifies a query refuses it.
            TableRef::Json(table) => self.name(&table.alias),
            TableRef::Join { left, right, op, constraint } => {
                let (first, second) = match op {
                    JoinOp::Right => (right, left),
                    JoinOp::Inner | JoinOp::Straight | JoinOp::Left => (left, right),
                };
                self.text.push('(');
                self.table(first);
                self.text.push_str(match op {
                    JoinOp::Inner => " join ",
                    JoinOp::Straight => " straight_join ",
                    JoinOp::Left | JoinOp::Right => " left join ",
                });
                self.table(second);
                if let JoinConstraint::On(condition) = constraint {
                    self.text.push_str(" on(");
                    self.expr(condition);
                    self.text.push(')');
                }
                self.text.push(')');
            }
        }
    }

    /// USE, IGNORE and FORCE INDEX.
    fn hint(&mut self, hint: &IndexHint) {
        self.text.push_str(match hint.kind {
            IndexHintKind::Use => " USE INDEX ",
            IndexHintKind::Ignore => " IGNORE INDEX ",
            IndexHintKind::Force => " FORCE INDEX ",
        });
        self.text.push_str(match hint.purpose {
            None => "",
            Some(IndexPurpose::Join) => "FOR JOIN ",
            Some(IndexPurpose::OrderBy) => "FOR ORDER BY ",
            Some(IndexPurpose::GroupBy) => "FOR GROUP BY ",
        });
        let names: Vec<String> = hint.names.iter().map(|name| quote_name(name)).collect();
        let _ = write!(self.text, "({})", names.join(","));
    }
}
