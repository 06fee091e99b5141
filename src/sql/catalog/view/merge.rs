//! Views that rows are changed through: the tables that they are made of take their places, and what those show takes that of their
//! columns.

use std::mem;
use std::sync::Arc;

use super::names::{Frame, Relation, same};
use super::qualify::{Items, Qualifier};
use crate::common::{SqlError, SqlResult, errno};
use crate::sql::catalog::{TableInfo, Temporaries};
use crate::sql::parser::ast::{
    CheckOption, Expr, JoinConstraint, JoinOp, JsonColumn, JsonTable, ObjectName, Query, QueryBody,
    Select, SelectItem, TableRef,
};

/// A table that a view is made of.
#[derive(Clone, Debug)]
pub struct Leaf {
    /// What it is called now, as nothing else in the statement is.
    pub alias: String,
    /// Its database.
    pub database: String,
    /// Its name; empty: it is a query.
    pub table: String,
    /// Its columns.
    pub columns: Vec<String>,
    /// It is on the far side of an outer join.
    pub padded: bool,
    /// Its rows can be changed: it is neither a view nor a query.
    pub stored: bool,
}

/// A view of the statement.
#[derive(Clone, Debug)]
pub(super) struct MergedView {
    pub(super) database: String,
    pub(super) name: String,
    /// What it is made of.
    pub(super) leaves: Vec<Leaf>,
    /// What WITH CHECK OPTION asks of rows.
    pub(super) check: Option<Expr>,
}

/// Which views of a FROM are merged.
#[derive(Clone, Debug, Default)]
pub(super) enum Mode {
    /// None.
    #[default]
    Nothing,
    /// Those of these names; with a database where there is no alias.
    Named(Vec<(Option<String>, String)>),
    /// All that can be: it is the FROM of a view, whose tables get names of their own; with a name before them if it is to be
    /// sure that no other query has them.
    All(Option<String>),
}

/// What a view asks of the rows that it shows.
struct Asked {
    own: Vec<Expr>,
    check: Option<CheckOption>,
    below: Vec<Asked>,
}

impl Asked {
    /// Adds what is checked, if a view above says CASCADED or not.
    fn checked(self, cascaded: bool, found: &mut Vec<Expr>) {
        if cascaded || self.check.is_some() {
            found.extend(self.own);
        }
        let cascaded = cascaded || self.check == Some(CheckOption::Cascaded);
        self.below.into_iter().for_each(|below| below.checked(cascaded, found));
    }
}

/// How far the walk through a statement has come.
pub(super) struct Merging<'a> {
    temporary: &'a Temporaries,
    mode: Mode,
    clause: &'static str,
    /// The names of tables and queries in the statement.
    taken: Vec<String>,
    /// What merged views ask of rows, and no ON does yet.
    conditions: Vec<Expr>,
    leaves: Vec<Leaf>,
    asked: Vec<Asked>,
    pub(super) views: Vec<MergedView>,
}

impl<'a> Merging<'a> {
    pub(super) fn new(temporary: &'a Temporaries, mode: Mode, taken: Vec<String>) -> Merging<'a> {
        Merging {
            temporary,
            mode,
            clause: "field list",
            taken,
            conditions: Vec::new(),
            leaves: Vec::new(),
            asked: Vec::new(),
            views: Vec::new(),
        }
    }

    /// What rows must fulfil to be seen.
    pub(super) fn take_conditions(&mut self) -> Vec<Expr> {
        mem::take(&mut self.conditions)
    }

    /// The names that were found.
    pub(super) fn into_taken(self) -> Vec<String> {
        self.taken
    }

    fn new_name(&mut self, name: &str) -> String {
        let mut new = match &self.mode {
            Mode::All(Some(view)) => format!("{view}.{name}"),
            Mode::Nothing | Mode::Named(_) | Mode::All(None) => name.to_owned(),
        };
        while self.taken.iter().any(|taken| same(taken, &new)) {
            new.push('+');
        }
        self.taken.push(new.clone());
        new
    }
}

/// How many conditions and tables there are.
pub(super) type Mark = (usize, usize);

impl Qualifier<'_> {
    /// The clause that is looked at, for messages.
    pub(super) fn enter(&mut self, clause: &'static str) {
        if let Some(merging) = &mut self.merging {
            merging.clause = clause;
        }
    }

    /// Views in a query inside are only read.
    pub(super) fn pause_merging(&mut self) -> Option<(Mode, &'static str)> {
        let merging = self.merging.as_mut()?;
        Some((mem::take(&mut merging.mode), merging.clause))
    }

    pub(super) fn resume_merging(&mut self, paused: Option<(Mode, &'static str)>) {
        if let Some((merging, (mode, clause))) = self.merging.as_mut().zip(paused) {
            (merging.mode, merging.clause) = (mode, clause);
        }
    }

    /// A session's own table; the tables of a view are never one.
    pub(super) fn temporary(&self, database: &str, table: &str) -> Option<&Arc<TableInfo>> {
        let merging = self.merging.as_ref()?;
        match merging.mode {
            Mode::All(_) => None,
            Mode::Nothing | Mode::Named(_) => merging.temporary.get(database, table),
        }
    }

    /// The columns of a JSON_TABLE.
    pub(super) fn json_table(&mut self, json: &mut JsonTable) -> SqlResult<Relation> {
        if self.merging.is_none() {
            return Err(SqlError::unsupported("JSON_TABLE in a view"));
        }
        self.enter("a table function argument");
        self.expr(&mut json.document, Items::No)?;
        let mut columns = Vec::new();
        json_columns(&json.columns, &mut columns);
        Ok(Relation { alias: json.alias.clone(), columns, ..Relation::default() })
    }

    pub(super) fn mark(&self) -> Mark {
        let merging = self.merging.as_ref();
        merging.map_or((0, 0), |merging| (merging.conditions.len(), merging.leaves.len()))
    }

    /// The tables between two marks are on the far side of an outer join; answers what views ask of their rows.
    pub(super) fn pad(&mut self, frame: &Frame, from: Mark, to: Mark) -> SqlResult<Vec<Expr>> {
        let Some(merging) = &mut self.merging else { return Ok(Vec::new()) };
        let mut shown = frame.relations.iter().flat_map(|relation| &relation.shows);
        if shown.any(|expr| !matches!(expr, Expr::Column { .. })) {
            let what = "a change through a view beside an outer join that computes a column there";
            return Err(SqlError::unsupported(what));
        }
        merging.leaves[from.1..to.1].iter_mut().for_each(|leaf| leaf.padded = true);
        Ok(merging.conditions.drain(from.0..to.0).collect())
    }

    /// A view that is to be merged, and its database.
    pub(super) fn view_to_merge(&self, table: &TableRef) -> Option<(String, Arc<TableInfo>)> {
        let TableRef::Table { name, alias, .. } = table else { return None };
        let merging = self.merging.as_ref()?;
        let (database, view) = self.updatable_view(name)?;
        let is_meant = match &merging.mode {
            Mode::Nothing => false,
            Mode::All(_) => true,
            Mode::Named(names) => {
                let shown = alias.as_ref().unwrap_or(&view.name);
                names.iter().any(|(home, name)| {
                    same(name, shown)
                        && home.is_none() == alias.is_some()
                        && home.as_ref().is_none_or(|home| same(home, &database))
                })
            }
        };
        is_meant.then_some((database, view))
    }

    /// A view of this name that rows can be changed through, and its database.
    pub(super) fn updatable_view(&self, name: &ObjectName) -> Option<(String, Arc<TableInfo>)> {
        let common = |(known, _): &(String, Vec<String>)| same(known, &name.name);
        if name.database.is_none() && self.common.iter().any(common) {
            return None;
        }
        let database = name.database.as_deref().or(self.current_db)?;
        if self.temporary(database, &name.name).is_some() {
            return None;
        }
        let view = self.schema.table(database, &name.name)?;
        if !view.view.as_ref().is_some_and(|view| view.updatable) {
            return None;
        }
        let home = self.schema.database(database)?.name.clone();
        Some((home, view.clone()))
    }

    /// Gives a table of a view a name of its own; of any other it is known that its name is taken.
    pub(super) fn rename(
        &mut self,
        table: &mut TableRef,
        relation: &mut Relation,
    ) -> SqlResult<()> {
        let schema = self.schema;
        let Some(merging) = &mut self.merging else { return Ok(()) };
        if !matches!(merging.mode, Mode::All(_)) {
            merging.taken.push(relation.alias.clone());
            return Ok(());
        }
        let new = merging.new_name(&relation.alias);
        let mut leaf = Leaf {
            alias: new.clone(),
            database: String::new(),
            table: String::new(),
            columns: relation.columns.clone(),
            padded: false,
            stored: false,
        };
        match table {
            TableRef::Table { name, alias, .. } => {
                leaf.database = name.database.clone().unwrap_or_default();
                leaf.table.clone_from(&name.name);
                let found = schema.table(&leaf.database, &leaf.table);
                if merging.temporary.get(&leaf.database, &leaf.table).is_some() {
                    let what = "a change through a view of a table that a temporary table hides";
                    return Err(SqlError::unsupported(what));
                }
                leaf.stored = found.is_some_and(|table| table.view.is_none() && table.id > 0);
                *alias = Some(new.clone());
            }
            TableRef::Derived { alias, .. } => alias.clone_from(&new),
            TableRef::Json(_) | TableRef::Join { .. } => {}
        }
        merging.leaves.push(leaf);
        let column = |name: &String| {
            let (database, table, name) = (None, Some(new.clone()), name.clone());
            Expr::Column { database, table, name }
        };
        relation.shows = relation.columns.iter().map(column).collect();
        Ok(())
    }

    /// Puts the tables of a view in its place.
    pub(super) fn merge(
        &mut self,
        table: &mut TableRef,
        database: &str,
        view: &TableInfo,
    ) -> SqlResult<Frame> {
        let no_view = || SqlError::internal("a view that cannot be merged");
        let TableRef::Table { alias, .. } = table else { return Err(no_view()) };
        let alias = alias.take();
        let info = view.view.as_ref().ok_or_else(no_view)?;
        let Query { body: QueryBody::Select(mut select), .. } = info.query()? else {
            return Err(no_view());
        };
        let merging = self.merging.as_mut().ok_or_else(no_view)?;
        // The queries inside of it have names of their own.
        let shown = alias.as_ref().unwrap_or(&view.name);
        let apart = info.definition.matches("select").count() > 1;
        let mode = Mode::All(apart.then(|| shown.clone()));
        let mode = mem::replace(&mut merging.mode, mode);
        let (asked, first) = (mem::take(&mut merging.asked), merging.leaves.len());
        let (frames, common) = (mem::take(&mut self.frames), mem::take(&mut self.common));
        let merged = self.merge_select(&mut select);
        (self.frames, self.common) = (frames, common);
        let merging = self.merging.as_mut().ok_or_else(no_view)?;
        merging.mode = mode;
        let below = mem::replace(&mut merging.asked, asked);
        let (shows, own) = merged?;
        let asked = Asked { own, check: info.check, below };
        let mut position = None;
        if matches!(merging.mode, Mode::All(_)) {
            merging.asked.push(asked);
        } else {
            let mut check = Vec::new();
            asked.checked(false, &mut check);
            position = Some(merging.views.len());
            merging.views.push(MergedView {
                database: database.to_owned(),
                name: view.name.clone(),
                leaves: merging.leaves[first..].to_vec(),
                check: (!check.is_empty()).then(|| Expr::all(check)),
            });
        }
        *table = select.from.take().ok_or_else(no_view)?;
        let columns: Vec<String> =
            view.public_columns().iter().map(|column| column.name.clone()).collect();
        let star = (0..columns.len()).map(|column| (0, column)).collect();
        let home = alias.is_none().then(|| database.to_owned());
        let alias = alias.unwrap_or_else(|| view.name.clone());
        let merged = position;
        let relation =
            Relation { database: home, alias, columns, shows, merged, ..Relation::default() };
        Ok(Frame { relations: vec![relation], star, items: Vec::new() })
    }

    /// The SELECT of a view, over tables with names of their own: what it shows, and what it asks of rows.
    fn merge_select(&mut self, select: &mut Select) -> SqlResult<(Vec<Expr>, Vec<Expr>)> {
        let Some(from) = &mut select.from else {
            return Err(SqlError::internal("a view without tables that can be changed"));
        };
        let frame = self.from(from)?;
        let mut own = Vec::new();
        inner_conditions(from, &mut own);
        self.frames.push(frame);
        if let Some(mut condition) = select.selection.take() {
            self.expr(&mut condition, Items::No)?;
            own.push(condition.clone());
            self.merging.iter_mut().for_each(|merging| merging.conditions.push(condition.clone()));
        }
        let mut shows = Vec::with_capacity(select.items.len());
        for item in &mut select.items {
            let SelectItem::Expr { expr, .. } = item else {
                return Err(SqlError::internal("a view with an asterisk"));
            };
            self.expr(expr, Items::No)?;
            shows.push(expr.clone());
        }
        self.frames.pop();
        Ok((shows, own))
    }

    /// Where a column is, as far as a statement that changes views has to know.
    pub(super) fn found_in(
        &self,
        frame: &Frame,
        wanted: (Option<&str>, Option<&str>, &str),
    ) -> SqlResult<Option<(usize, usize)>> {
        match &self.merging {
            Some(merging) => frame.find_one(wanted, merging.clause),
            None => Ok(frame.find(wanted.0, wanted.1, wanted.2)),
        }
    }

    /// Error 1054 for a column that no table shows, where a table of a view would have it.
    pub(super) fn not_found(
        &self,
        (_, table, name): (Option<&str>, Option<&str>, &str),
    ) -> SqlResult<()> {
        let Some(merging) = &self.merging else { return Ok(()) };
        let mut leaves = merging.leaves.iter();
        let hidden = match table {
            Some(table) => leaves.any(|leaf| same(&leaf.alias, table)),
            None => leaves.any(|leaf| leaf.columns.iter().any(|column| same(column, name))),
        };
        if !hidden {
            return Ok(());
        }
        let table = table.map(|table| format!("{table}.")).unwrap_or_default();
        let message = format!("Unknown column '{table}{name}' in '{}'", merging.clause);
        Err(SqlError::new(errno::BAD_FIELD, message))
    }

    /// A column that DEFAULT() or VALUES() names without its table.
    pub(super) fn bare_column(&self, name: &mut String) {
        let Some(frame) = self.frames.first() else { return };
        if self.merging.is_some()
            && let Some(at) = frame.find(None, None, name)
            && let Expr::Column { name: real, .. } = frame.column(at)
        {
            *name = real;
        }
    }
}

fn json_columns(columns: &[JsonColumn], names: &mut Vec<String>) {
    for column in columns {
        match column {
            JsonColumn::Ordinality(name)
            | JsonColumn::Exists { name, .. }
            | JsonColumn::Value { name, .. } => names.push(name.clone()),
            JsonColumn::Nested { columns, .. } => json_columns(columns, names),
        }
    }
}

/// What inner joins ask of rows.
fn inner_conditions(from: &TableRef, found: &mut Vec<Expr>) {
    if let TableRef::Join { left, right, op: JoinOp::Inner | JoinOp::Straight, constraint } = from {
        inner_conditions(left, found);
        inner_conditions(right, found);
        if let JoinConstraint::On(condition) = constraint {
            found.push(condition.clone());
        }
    }
}
