//! Queries and expressions.

use super::Walk;
use super::sources::{Frame, Source};
use crate::common::SqlResult;
use crate::sql::parser::ast::{
    Expr, JoinConstraint, Limit, OrderItem, Over, Query, QueryBody, Select, SelectItem, TableRef,
    Window,
};

impl<'a> Walk<'a> {
    /// A query.
    pub(super) fn query(&mut self, query: &'a Query) -> SqlResult<()> {
        let in_sight = self.common.len();
        for common in &query.with {
            if query.recursive {
                self.common.push(common.name.clone());
            }
            self.query(&common.query)?;
            if !query.recursive {
                self.common.push(common.name.clone());
            }
        }
        match &query.body {
            QueryBody::Select(select) => self.select(select, &query.order_by)?,
            QueryBody::Values(rows) => {
                rows.iter().flatten().try_for_each(|expr| self.expr(expr))?;
            }
            QueryBody::SetOperation { left, right, .. } => {
                self.query(left)?;
                self.query(right)?;
                query.order_by.iter().try_for_each(|item| self.subqueries(&item.expr))?;
            }
        }
        self.common.truncate(in_sight);
        if let Some(Limit { offset, count }) = &query.limit {
            offset.iter().chain([count]).try_for_each(|expr| self.expr(expr))?;
        }
        Ok(())
    }

    fn select(&mut self, select: &'a Select, order_by: &'a [OrderItem]) -> SqlResult<()> {
        self.frames.push(Frame::default());
        let outer = std::mem::replace(&mut self.aliases, false);
        let mut conditions = Vec::new();
        if let Some(from) = &select.from {
            self.from(from, &mut conditions)?;
        }
        let aliases = select.items.iter().filter_map(|item| match item {
            SelectItem::Expr { alias, .. } => alias.as_deref(),
            SelectItem::Wildcard(_) => None,
        });
        let aliases: Vec<&str> = aliases.collect();
        conditions.into_iter().chain(&select.selection).try_for_each(|expr| self.expr(expr))?;
        for item in &select.items {
            match item {
                SelectItem::Expr { expr, .. } => self.expr(expr)?,
                SelectItem::Wildcard(of) => self.star(of.as_ref())?,
            }
        }
        for window in &select.windows {
            self.window(&window.window)?;
        }
        if let Some(frame) = self.frames.last_mut() {
            frame.aliases = aliases;
        }
        self.aliases = true;
        let rest = select.group_by.iter().chain(&select.having);
        rest.chain(order_by.iter().map(|item| &item.expr)).try_for_each(|expr| self.expr(expr))?;
        self.aliases = outer;
        self.frames.pop();
        Ok(())
    }

    fn star(&self, of: Option<&crate::sql::parser::ast::ObjectName>) -> SqlResult<()> {
        let Some(frame) = self.frames.last() else { return Ok(()) };
        let named = |source: &&Source| {
            of.is_none_or(|name| source.is_named(name.database.as_deref(), &name.name))
        };
        frame.sources.iter().filter(named).try_for_each(|source| self.may_read_all(source))
    }

    /// What FROM names; conditions of joins are for later, when all of it is known.
    pub(super) fn from(
        &mut self,
        from: &'a TableRef,
        conditions: &mut Vec<&'a Expr>,
    ) -> SqlResult<()> {
        match from {
            TableRef::Table { name, alias, .. } => {
                let source = self.source(name, alias.as_deref());
                self.may_read_some(&source)?;
                self.read_view(&source)?;
                self.add_source(source);
                Ok(())
            }
            TableRef::Derived { query, .. } => self.query(query),
            TableRef::Json(table) => self.expr(&table.document),
            TableRef::Join { left, right, constraint, .. } => {
                let before = self.sources();
                self.from(left, conditions)?;
                let middle = self.sources();
                self.from(right, conditions)?;
                match constraint {
                    JoinConstraint::None => Ok(()),
                    JoinConstraint::On(expr) => {
                        conditions.push(expr);
                        Ok(())
                    }
                    JoinConstraint::Using(columns) => {
                        columns.iter().try_for_each(|column| self.column(None, None, column))
                    }
                    JoinConstraint::Natural => self.natural(before, middle),
                }
            }
        }
    }

    pub(super) fn add_source(&mut self, source: Source) {
        if let Some(frame) = self.frames.last_mut() {
            frame.sources.push(source);
        }
    }

    fn sources(&self) -> usize {
        self.frames.last().map_or(0, |frame| frame.sources.len())
    }

    /// NATURAL JOIN: the columns that both sides have are compared.
    fn natural(&self, before: usize, middle: usize) -> SqlResult<()> {
        let Some(frame) = self.frames.last() else { return Ok(()) };
        let (left, right) = (&frame.sources[before..middle], &frame.sources[middle..]);
        for (of, other) in [(left, right), (right, left)] {
            for source in of.iter().filter(|source| !source.open) {
                let columns = source.table.iter().flat_map(|table| table.visible_columns());
                for column in columns.filter(|it| other.iter().any(|one| one.has(&it.name))) {
                    self.may_read(source, &column.name)?;
                }
            }
        }
        Ok(())
    }

    /// An expression.
    pub(super) fn expr(&mut self, expr: &'a Expr) -> SqlResult<()> {
        match expr {
            Expr::Column { database, table, name } => {
                return self.column(database.as_deref(), table.as_deref(), name);
            }
            Expr::Default(Some(column)) => return self.column(None, None, column),
            Expr::Exists(query)
            | Expr::Subquery(query)
            | Expr::InQuery { query, .. }
            | Expr::Compared { query, .. } => {
                let aliases = std::mem::replace(&mut self.aliases, false);
                self.query(query)?;
                self.aliases = aliases;
            }
            Expr::Window(call) => {
                if let Over::Window(window) = &call.over {
                    self.window(window)?;
                }
            }
            Expr::Call(name, _) => self.stored_function(name)?,
            _ => {}
        }
        expr.children().into_iter().try_for_each(|child| self.expr(child))
    }

    /// Only the queries in an expression, whose names are not those of any table.
    fn subqueries(&mut self, expr: &'a Expr) -> SqlResult<()> {
        match expr {
            Expr::Column { .. } => Ok(()),
            Expr::Exists(query) | Expr::Subquery(query) => self.query(query),
            Expr::InQuery { query, expr, .. } | Expr::Compared { query, expr, .. } => {
                self.query(query)?;
                self.subqueries(expr)
            }
            other => other.children().into_iter().try_for_each(|child| self.subqueries(child)),
        }
    }

    fn window(&mut self, window: &'a Window) -> SqlResult<()> {
        let order = window.order_by.iter().map(|item| &item.expr);
        window.partition_by.iter().chain(order).try_for_each(|expr| self.expr(expr))
    }
}
