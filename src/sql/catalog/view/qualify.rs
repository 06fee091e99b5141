//! Says of every name in a query what it belongs to, so that its text means the same wherever it is read.

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
    let mut qualifier =
        Qualifier { schema, current_db, common: Vec::new(), frames: Vec::new(), read: Vec::new() };
    qualifier.query(query, true)
}

/// The tables that a canonical query reads, in order, by database and name; a name may be there twice.
pub fn reads_of(query: &Query, schema: &InfoSchema) -> Vec<(String, String)> {
    let mut qualifier = Qualifier {
        schema,
        current_db: None,
        common: Vec::new(),
        frames: Vec::new(),
        read: Vec::new(),
    };
    // What is wrong with it is told by whoever reads it.
    let _ = qualifier.query(&mut query.clone(), true);
    qualifier.read
}

/// What FROM names.
#[derive(Clone, Default)]
struct Relation {
    /// Of a table that goes by its own name.
    database: Option<String>,
    alias: String,
    columns: Vec<String>,
    /// Columns that USING or NATURAL joined away.
    hidden: Vec<usize>,
}

/// A query's names.
#[derive(Clone, Default)]
struct Frame {
    relations: Vec<Relation>,
    /// What `*` gives: relation and column.
    star: Vec<(usize, usize)>,
    /// The names of what is selected.
    items: Vec<String>,
}

/// Whether the names of what is selected count.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Items {
    No,
    /// Where there is no such column.
    Last,
    /// Before columns.
    First,
}

/// What the walk through a query knows.
struct Qualifier<'a> {
    schema: &'a InfoSchema,
    current_db: Option<&'a str>,
    /// WITH's tables in sight.
    common: Vec<(String, Vec<String>)>,
    /// The queries around, the nearest last.
    frames: Vec<Frame>,
    read: Vec<(String, String)>,
}

/// Whether a text may be a column's name.
fn is_column_name(text: &str) -> bool {
    !text.is_empty() && !text.ends_with(' ') && text.chars().count() <= 64
}

/// Names are compared without case.
fn same(left: &str, right: &str) -> bool {
    left.to_lowercase() == right.to_lowercase()
}

impl Qualifier<'_> {
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
        for item in &mut select.items {
            if let SelectItem::Expr { expr, .. } = item {
                self.expr(expr, Items::No)?;
            }
        }
        select.selection.iter_mut().try_for_each(|expr| self.expr(expr, Items::No))?;
        select.group_by.iter_mut().try_for_each(|expr| self.expr(expr, Items::Last))?;
        select.having.iter_mut().try_for_each(|expr| self.expr(expr, Items::First))?;
        select.windows.iter_mut().try_for_each(|named| self.window(&mut named.window))?;
        self.order(order_by)
    }

    /// Items of ORDER BY: a name alone is what is selected before it is a column.
    fn order(&mut self, items: &mut [OrderItem]) -> SqlResult<()> {
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
    fn from(&mut self, table: &mut TableRef) -> SqlResult<Frame> {
        let relation = match table {
            TableRef::Table { name, alias, .. } => self.table(name, alias.as_deref())?,
            TableRef::Derived { query, alias, columns, .. } => {
                let names = self.query(query, true)?;
                let columns = if columns.is_empty() { names } else { columns.clone() };
                Relation { alias: alias.clone(), columns, ..Relation::default() }
            }
            TableRef::Json(_) => return Err(SqlError::unsupported("JSON_TABLE in a view")),
            TableRef::Join { left, right, op, constraint } => {
                return self.join(left, right, *op, constraint);
            }
        };
        let star = (0..relation.columns.len()).map(|column| (0, column)).collect();
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
        let table = self.schema.require_table(database, &name.name)?;
        let home = self.schema.require_database(database)?.name.clone();
        self.read.push((home.clone(), table.name.clone()));
        let columns = table.visible_columns().iter().map(|column| column.name.clone()).collect();
        name.database = Some(home.clone());
        name.name.clone_from(&table.name);
        let database = alias.is_none().then_some(home);
        let alias = alias.map_or_else(|| table.name.clone(), str::to_owned);
        Ok(Relation { database, alias, columns, hidden: Vec::new() })
    }

    /// A join. USING and NATURAL become the condition that they stand for.
    fn join(
        &mut self,
        left: &mut TableRef,
        right: &mut TableRef,
        op: JoinOp,
        constraint: &mut JoinConstraint,
    ) -> SqlResult<Frame> {
        let left = self.from(left)?;
        let lateral = matches!(right, TableRef::Derived { lateral: true, .. });
        if lateral {
            self.frames.push(left.clone());
        }
        let bound = self.from(right);
        if lateral {
            self.frames.pop();
        }
        let right = bound?;
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
                let mut equal: Vec<Expr> = shared
                    .iter()
                    .map(|(left, right)| {
                        let sides = (Box::new(column(*left)), Box::new(column(*right)));
                        Expr::Binary(BinaryOp::Eq, sides.0, sides.1)
                    })
                    .collect();
                *constraint = match equal.len() {
                    0 => JoinConstraint::None,
                    1 => JoinConstraint::On(equal.remove(0)),
                    _ => JoinConstraint::On(Expr::And(equal)),
                };
            }
        }
        Ok(frame)
    }

    /// An expression with all that is in it.
    fn expr(&mut self, expr: &mut Expr, items: Items) -> SqlResult<()> {
        match expr {
            Expr::Column { database, table, name } => {
                self.column(database, table, name, items);
                return Ok(());
            }
            Expr::Parameter(_)
            | Expr::UserVariable(_)
            | Expr::SystemVariable(..)
            | Expr::AssignUserVariable(..) => {
                return Err(SqlError::new(
                    errno::VIEW_SELECT_VARIABLE,
                    "View's SELECT contains a variable or parameter",
                ));
            }
            Expr::JsonValue(_) => return Err(SqlError::unsupported("JSON_VALUE in a view")),
            Expr::InQuery { query, .. }
            | Expr::Compared { query, .. }
            | Expr::Exists(query)
            | Expr::Subquery(query) => {
                self.query(query, false)?;
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
    fn column(
        &self,
        database: &mut Option<String>,
        table: &mut Option<String>,
        name: &mut String,
        items: Items,
    ) {
        for (depth, frame) in self.frames.iter().rev().enumerate() {
            let selected =
                depth == 0 && table.is_none() && frame.items.iter().any(|item| same(item, name));
            if selected && items == Items::First {
                return;
            }
            if let Some(at) = frame.find(database.as_deref(), table.as_deref(), name) {
                let Expr::Column { database: home, table: of, name: real } = frame.column(at)
                else {
                    return;
                };
                (*database, *table, *name) = (home, of, real);
                return;
            }
            if selected && items == Items::Last {
                return;
            }
        }
    }
}

impl Frame {
    /// Where a column is.
    fn find(
        &self,
        database: Option<&str>,
        table: Option<&str>,
        name: &str,
    ) -> Option<(usize, usize)> {
        let meant = |relation: &Relation| {
            table.is_none_or(|table| same(&relation.alias, table))
                && database.is_none_or(|database| {
                    relation.database.as_ref().is_none_or(|home| same(home, database))
                })
        };
        self.relations.iter().enumerate().filter(|(_, relation)| meant(relation)).find_map(
            |(at, relation)| {
                let mut columns = relation.columns.iter().enumerate();
                let found = columns.find(|(position, column)| {
                    same(column, name) && (table.is_some() || !relation.hidden.contains(position))
                });
                found.map(|(position, _)| (at, position))
            },
        )
    }

    /// A column by where it is, with all that can be said of it.
    fn column(&self, (relation, column): (usize, usize)) -> Expr {
        let relation = &self.relations[relation];
        Expr::Column {
            database: relation.database.clone(),
            table: Some(relation.alias.clone()),
            name: relation.columns[column].clone(),
        }
    }
}

/// The columns that `*` or `t.*` gives.
fn expand(frame: &Frame, table: Option<&ObjectName>, items: &mut Vec<SelectItem>) {
    let all: Vec<(usize, usize)> = match table {
        None => frame.star.clone(),
        Some(table) => {
            let meant = |relation: &Relation| {
                same(&relation.alias, &table.name)
                    && match (&table.database, &relation.database) {
                        (Some(wanted), Some(home)) => same(wanted, home),
                        _ => true,
                    }
            };
            let found = frame.relations.iter().position(meant);
            let columns = found.map_or(0, |at| frame.relations[at].columns.len());
            (0..columns).map(|column| (found.unwrap_or(0), column)).collect()
        }
    };
    items.extend(all.into_iter().map(|at| {
        let expr = frame.column(at);
        let name = frame.relations[at.0].columns[at.1].clone();
        SelectItem::Expr { expr, alias: Some(name.clone()), text: name }
    }));
}

/// A pair of columns that are set equal.
type Shared = ((usize, usize), (usize, usize));

/// The names of both sides of a join, and what USING or NATURAL sets equal.
fn joined(
    left: Frame,
    right: Frame,
    op: JoinOp,
    constraint: &JoinConstraint,
) -> (Frame, Vec<Shared>) {
    let moved = left.relations.len();
    let names: Vec<String> = match constraint {
        JoinConstraint::Using(names) => names.clone(),
        JoinConstraint::Natural => {
            left.star.iter().map(|at| left.relations[at.0].columns[at.1].clone()).collect()
        }
        JoinConstraint::None | JoinConstraint::On(_) => Vec::new(),
    };
    let mut shared: Vec<Shared> = Vec::new();
    for name in names {
        if let (Some(one), Some(other)) =
            (left.find(None, None, &name), right.find(None, None, &name))
        {
            shared.push((one, (other.0 + moved, other.1)));
        }
    }
    let right_star: Vec<(usize, usize)> =
        right.star.iter().map(|(relation, column)| (relation + moved, *column)).collect();
    let mut frame = left;
    let left_star = std::mem::take(&mut frame.star);
    frame.relations.extend(right.relations);
    // The side that keeps all its rows has the columns that both have.
    let swapped = op == JoinOp::Right;
    let (first, second) = if swapped { (right_star, left_star) } else { (left_star, right_star) };
    let side = |pair: &Shared| if swapped { (pair.1, pair.0) } else { *pair };
    let (kept, dropped): (Vec<_>, Vec<_>) = shared.iter().map(side).unzip();
    for (relation, column) in &dropped {
        frame.relations[*relation].hidden.push(*column);
    }
    if shared.is_empty() {
        // The order of the text.
        let (left, right) = if swapped { (second, first) } else { (first, second) };
        frame.star = left.into_iter().chain(right).collect();
    } else {
        let (common, own): (Vec<_>, Vec<_>) = first.into_iter().partition(|at| kept.contains(at));
        let others = second.into_iter().filter(|at| !dropped.contains(at));
        frame.star = common.into_iter().chain(own).chain(others).collect();
    }
    (frame, shared)
}
