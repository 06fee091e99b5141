//! Says of every name in a query what it belongs to, so that its text means the same wherever it is read.

use std::mem;

use super::merge::Merging;
use super::names::{Frame, Relation, expand, joined, same};
use crate::common::{SqlError, SqlResult, errno};
use crate::sql::catalog::InfoSchema;
use crate::sql::parser::ast::{
    BinaryOp, Expr, FrameBound, JoinConstraint, JoinOp, ObjectName, OrderItem, Over, Query,
    QueryBody, Select, SelectItem, TableRef, Window,
};

/// Makes names in a query complete, and writes out what `*` stands for; answers its columns' names. It is a query that can be planned:
/// what is wrong with it was found before. Error 1351 for variables and parameters.
pub fn qualify(
    query: &mut Query,
    schema: &InfoSchema,
    current_db: Option<&str>,
) -> SqlResult<Vec<String>> {
    let mut qualifier = Qualifier::new(schema, current_db);
    qualifier.query(query, true)
}

/// The tables that a canonical query reads, in order, by database and name; a name may be there twice.
pub fn reads_of(query: &Query, schema: &InfoSchema) -> Vec<(String, String)> {
    let mut qualifier = Qualifier::new(schema, None);
    // What is wrong with it is told by whoever reads it.
    let _ = qualifier.query(&mut query.clone(), true);
    qualifier.read
}

/// Whether the names of what is selected count.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Items {
    No,
    /// Where there is no such column.
    Last,
    /// Before columns.
    First,
}

/// What the walk through a query knows.
pub(super) struct Qualifier<'a> {
    pub(super) schema: &'a InfoSchema,
    pub(super) current_db: Option<&'a str>,
    /// WITH's tables in sight.
    pub(super) common: Vec<(String, Vec<String>)>,
    /// The queries around, the nearest last.
    pub(super) frames: Vec<Frame>,
    read: Vec<(String, String)>,
    /// It is a statement that changes rows: what becomes of views in it.
    pub(super) merging: Option<Merging<'a>>,
}

/// Whether a text may be a column's name.
fn is_column_name(text: &str) -> bool {
    !text.is_empty() && !text.ends_with(' ') && text.chars().count() <= 64
}

impl<'a> Qualifier<'a> {
    pub(super) fn new(schema: &'a InfoSchema, current_db: Option<&'a str>) -> Qualifier<'a> {
        let (common, frames, read) = (Vec::new(), Vec::new(), Vec::new());
        Qualifier { schema, current_db, common, frames, read, merging: None }
    }

    /// A query; the items of one that makes a table all get aliases.
    fn query(&mut self, query: &mut Query, named: bool) -> SqlResult<Vec<String>> {
        let in_sight = self.common.len();
        for common in &mut query.with {
            if query.recursive {
                let columns = match common.columns.is_empty() {
                    true => self.first_names(&common.query)?,
                    false => common.columns.clone(),
                };
                self.common.push((common.name.clone(), columns));
            }
            let mut columns = self.query(&mut common.query, true)?;
            if !common.columns.is_empty() {
                columns.clone_from(&common.columns);
            }
            if query.recursive {
                self.common.pop();
            }
            self.common.push((common.name.clone(), columns));
        }
        let names = match &mut query.body {
            QueryBody::Select(select) => self.select(select, &mut query.order_by, named)?,
            QueryBody::Values(rows) => {
                rows.iter_mut().flatten().try_for_each(|expr| self.expr(expr, Items::No))?;
                (0..rows.first().map_or(0, Vec::len)).map(|at| format!("column_{at}")).collect()
            }
            QueryBody::SetOperation { left, right, .. } => {
                let names = self.query(left, named)?;
                self.query(right, named)?;
                self.frames.push(Frame { items: names.clone(), ..Frame::default() });
                let ordered = self.order(&mut query.order_by);
                self.frames.pop();
                ordered?;
                names
            }
        };
        self.common.truncate(in_sight);
        if let Some(limit) = &mut query.limit {
            self.expr(&mut limit.count, Items::No)?;
            limit.offset.iter_mut().try_for_each(|offset| self.expr(offset, Items::No))?;
        }
        Ok(names)
    }

    /// The names of a recursive query's columns: those of its first part, which does not read it.
    fn first_names(&mut self, query: &Query) -> SqlResult<Vec<String>> {
        let mut first = query.clone();
        while let QueryBody::SetOperation { left, .. } = first.body {
            first = *left;
        }
        self.query(&mut first, true)
    }

    /// A SELECT with its ORDER BY; answers the names of its columns.
    fn select(
        &mut self,
        select: &mut Select,
        order_by: &mut [OrderItem],
        named: bool,
    ) -> SqlResult<Vec<String>> {
        let mut frame = match &mut select.from {
            Some(from) => self.from(from)?,
            None => Frame::default(),
        };
        let items = std::mem::take(&mut select.items);
        for item in items {
            match item {
                SelectItem::Wildcard(table) => expand(&frame, table.as_ref(), &mut select.items),
                item @ SelectItem::Expr { .. } => select.items.push(item),
            }
        }
        let name = |item: &SelectItem| match item {
            SelectItem::Expr { alias: Some(alias), .. } => alias.clone(),
            SelectItem::Expr { expr: Expr::Column { name, .. }, .. } => name.clone(),
            SelectItem::Expr { text, .. } => text.clone(),
            SelectItem::Wildcard(_) => String::new(),
        };
        let valid = |(at, item): (usize, &SelectItem)| match item {
            // MySQL's name for what has none that a column may have.
            SelectItem::Expr { alias: None, text, .. } if named && !is_column_name(text) => {
                format!("Name_exp_{}", at + 1)
            }
            item => name(item),
        };
        frame.items = select.items.iter().enumerate().map(valid).collect();
        let names = frame.items.clone();
        self.frames.push(frame);
        let done = self.clauses(select, order_by);
        self.frames.pop();
        done?;
        for (item, name) in select.items.iter_mut().zip(&names) {
            if let SelectItem::Expr { alias, .. } = item
                && named
            {
                *alias = Some(name.clone());
            }
        }
        Ok(names)
    }

    /// All expressions of a SELECT, once its tables are known.
    fn clauses(&mut self, select: &mut Select, order_by: &mut [OrderItem]) -> SqlResult<()> {
        self.enter("field list");
        for item in &mut select.items {
            if let SelectItem::Expr { expr, .. } = item {
                self.expr(expr, Items::No)?;
            }
        }
        self.enter("where clause");
        select.selection.iter_mut().try_for_each(|expr| self.expr(expr, Items::No))?;
        self.enter("group statement");
        select.group_by.iter_mut().try_for_each(|expr| self.expr(expr, Items::Last))?;
        self.enter("having clause");
        select.having.iter_mut().try_for_each(|expr| self.expr(expr, Items::First))?;
        self.enter("order clause");
        select.windows.iter_mut().try_for_each(|named| self.window(&mut named.window))?;
        self.order(order_by)
    }

    /// Items of ORDER BY: a name alone is what is selected before it is a column.
    pub(super) fn order(&mut self, items: &mut [OrderItem]) -> SqlResult<()> {
        items.iter_mut().try_for_each(|item| {
            let alone = matches!(item.expr, Expr::Column { .. });
            self.expr(&mut item.expr, if alone { Items::First } else { Items::Last })
        })
    }

    /// The expressions of a window.
    fn window(&mut self, window: &mut Window) -> SqlResult<()> {
        window.partition_by.iter_mut().try_for_each(|expr| self.expr(expr, Items::No))?;
        window.order_by.iter_mut().try_for_each(|item| self.expr(&mut item.expr, Items::No))?;
        let Some(frame) = &mut window.frame else { return Ok(()) };
        for bound in [&mut frame.start, &mut frame.end] {
            if let FrameBound::Preceding(offset) | FrameBound::Following(offset) = bound {
                self.expr(&mut offset.amount, Items::No)?;
            }
        }
        Ok(())
    }

    /// What FROM names, with the columns that it gives.
    pub(super) fn from(&mut self, table: &mut TableRef) -> SqlResult<Frame> {
        if let Some((database, view)) = self.view_to_merge(table) {
            return self.merge(table, &database, &view);
        }
        let mut relation = match table {
            TableRef::Table { name, alias, .. } => self.table(name, alias.as_deref())?,
            TableRef::Derived { query, alias, columns, .. } => {
                let merging = self.pause_merging();
                let names = self.query(query, true);
                self.resume_merging(merging);
                let columns = if columns.is_empty() { names? } else { columns.clone() };
                Relation { alias: alias.clone(), columns, ..Relation::default() }
            }
            TableRef::Json(json) => self.json_table(json)?,
            TableRef::Join { left, right, op, constraint } => {
                return self.join(left, right, *op, constraint);
            }
        };
        self.rename(table, &mut relation)?;
        let star = relation.shown().map(|column| (0, column)).collect();
        Ok(Frame { relations: vec![relation], star, items: Vec::new() })
    }

    /// A table: a common one of WITH stays as it is, any other gets its database.
    fn table(&mut self, name: &mut ObjectName, alias: Option<&str>) -> SqlResult<Relation> {
        let shown = alias.unwrap_or(&name.name).to_owned();
        let common = self.common.iter().rev().find(|(known, _)| same(known, &name.name));
        if name.database.is_none()
            && let Some((_, columns)) = common
        {
            return Ok(Relation { alias: shown, columns: columns.clone(), ..Relation::default() });
        }
        let no_database = || SqlError::new(errno::NO_DB, "No database selected");
        let database = name.database.as_deref().or(self.current_db).ok_or_else(no_database)?;
        let own = self.temporary(database, &name.name).cloned();
        let table = match &own {
            Some(table) => table,
            None => self.schema.require_table(database, &name.name)?,
        };
        let home = self.schema.require_database(database)?.name.clone();
        self.read.push((home.clone(), table.name.clone()));
        let visible = table.visible_columns();
        let columns = visible.iter().map(|column| column.name.clone()).collect();
        let invisible = (0..visible.len()).filter(|at| visible[*at].invisible).collect();
        name.database = Some(home.clone());
        name.name.clone_from(&table.name);
        let database = alias.is_none().then_some(home);
        let alias = alias.map_or_else(|| table.name.clone(), str::to_owned);
        Ok(Relation { database, alias, columns, invisible, ..Relation::default() })
    }

    /// A join. USING and NATURAL become the condition that they stand for.
    fn join(
        &mut self,
        left: &mut TableRef,
        right: &mut TableRef,
        op: JoinOp,
        constraint: &mut JoinConstraint,
    ) -> SqlResult<Frame> {
        let mark = self.mark();
        let left = self.from(left)?;
        let middle = self.mark();
        let lateral = matches!(right, TableRef::Derived { lateral: true, .. });
        if lateral {
            self.frames.push(left.clone());
        }
        let bound = self.from(right);
        if lateral {
            self.frames.pop();
        }
        let right = bound?;
        let padded = match op {
            JoinOp::Inner | JoinOp::Straight => None,
            JoinOp::Left => Some((&right, middle, self.mark())),
            JoinOp::Right => Some((&left, mark, middle)),
        };
        let padded = match padded {
            Some((frame, from, to)) => self.pad(frame, from, to)?,
            None => Vec::new(),
        };
        self.enter("on clause");
        let (frame, shared) = joined(left, right, op, constraint);
        match constraint {
            JoinConstraint::None => {}
            JoinConstraint::On(condition) => {
                self.frames.push(frame.clone());
                let done = self.expr(condition, Items::No);
                self.frames.pop();
                done?;
            }
            JoinConstraint::Using(_) | JoinConstraint::Natural => {
                let column = |at: (usize, usize)| frame.column(at);
                let equal = shared.iter().map(|(left, right)| {
                    let sides = (Box::new(column(*left)), Box::new(column(*right)));
                    Expr::Binary(BinaryOp::Eq, sides.0, sides.1)
                });
                *constraint = match shared.is_empty() {
                    true => JoinConstraint::None,
                    false => JoinConstraint::On(Expr::all(equal.collect())),
                };
            }
        }
        if !padded.is_empty() {
            let said = match mem::replace(constraint, JoinConstraint::None) {
                JoinConstraint::On(condition) => Some(condition),
                _ => None,
            };
            *constraint = JoinConstraint::On(Expr::all(padded.into_iter().chain(said).collect()));
        }
        Ok(frame)
    }

    /// An expression with all that is in it.
    pub(super) fn expr(&mut self, expr: &mut Expr, items: Items) -> SqlResult<()> {
        match expr {
            Expr::Column { .. } => return self.column(expr, items),
            Expr::Default(Some(name)) | Expr::InsertedValue(name) => self.bare_column(name),
            Expr::Parameter(_)
            | Expr::UserVariable(_)
            | Expr::SystemVariable(..)
            | Expr::AssignUserVariable(..)
                if self.merging.is_none() =>
            {
                return Err(SqlError::new(
                    errno::VIEW_SELECT_VARIABLE,
                    "View's SELECT contains a variable or parameter",
                ));
            }
            Expr::JsonValue(_) if self.merging.is_none() => {
                return Err(SqlError::unsupported("JSON_VALUE in a view"));
            }
            Expr::InQuery { query, .. }
            | Expr::Compared { query, .. }
            | Expr::Exists(query)
            | Expr::Subquery(query) => {
                let merging = self.pause_merging();
                let done = self.query(query, false);
                self.resume_merging(merging);
                done?;
            }
            Expr::Window(call) => {
                if let Over::Window(window) = &mut call.over {
                    self.window(window)?;
                }
            }
            _ => {}
        }
        expr.children_mut().into_iter().try_for_each(|part| self.expr(part, items))
    }

    /// Gives a column's name what it belongs to. One that stands for what is selected has nothing.
    fn column(&self, expr: &mut Expr, items: Items) -> SqlResult<()> {
        let Expr::Column { database, table, name } = &*expr else { return Ok(()) };
        let wanted = (database.as_deref(), table.as_deref(), name.as_str());
        for (depth, frame) in self.frames.iter().rev().enumerate() {
            let selected =
                depth == 0 && table.is_none() && frame.items.iter().any(|item| same(item, name));
            if selected && items == Items::First {
                return Ok(());
            }
            if let Some(at) = self.found_in(frame, wanted)? {
                *expr = frame.column(at);
                return Ok(());
            }
            if selected && items == Items::Last {
                return Ok(());
            }
        }
        self.not_found(wanted)
    }
}
