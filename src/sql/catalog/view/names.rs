//! The names that FROM makes known in a query, and what they stand for.

use crate::common::{SqlError, SqlResult, errno};
use crate::sql::parser::ast::{Expr, JoinConstraint, JoinOp, ObjectName, SelectItem};

/// What FROM names.
#[derive(Clone, Default)]
pub(super) struct Relation {
    /// Of a table that goes by its own name.
    pub(super) database: Option<String>,
    pub(super) alias: String,
    pub(super) columns: Vec<String>,
    /// Columns that `*` does not give.
    pub(super) invisible: Vec<usize>,
    /// Columns that USING or NATURAL joined away.
    pub(super) hidden: Vec<usize>,
    /// What stands in the columns' place; empty: they stand for themselves.
    pub(super) shows: Vec<Expr>,
    /// Which of the merged views of the statement it is.
    pub(super) merged: Option<usize>,
}

impl Relation {
    /// The places of the columns that `*` gives.
    pub(super) fn shown(&self) -> impl Iterator<Item = usize> {
        (0..self.columns.len()).filter(|column| !self.invisible.contains(column))
    }
}

/// A query's names.
#[derive(Clone, Default)]
pub(super) struct Frame {
    pub(super) relations: Vec<Relation>,
    /// What `*` gives: relation and column.
    pub(super) star: Vec<(usize, usize)>,
    /// The names of what is selected.
    pub(super) items: Vec<String>,
}

/// Names are compared without case.
pub(super) fn same(left: &str, right: &str) -> bool {
    left.to_lowercase() == right.to_lowercase()
}

impl Frame {
    /// Where a column is.
    pub(super) fn find(
        &self,
        database: Option<&str>,
        table: Option<&str>,
        name: &str,
    ) -> Option<(usize, usize)> {
        self.all(database, table, name).next()
    }

    /// Where all columns are that a name may mean.
    fn all(
        &self,
        database: Option<&str>,
        table: Option<&str>,
        name: &str,
    ) -> impl Iterator<Item = (usize, usize)> {
        let meant = move |relation: &Relation| {
            table.is_none_or(|table| same(&relation.alias, table))
                && database.is_none_or(|database| {
                    relation.database.as_ref().is_none_or(|home| same(home, database))
                })
        };
        let relations = self.relations.iter().enumerate();
        relations.filter(move |(_, relation)| meant(relation)).filter_map(move |(at, relation)| {
            let mut columns = relation.columns.iter().enumerate();
            let found = columns.find(|(position, column)| {
                same(column, name) && (table.is_some() || !relation.hidden.contains(position))
            });
            found.map(|(position, _)| (at, position))
        })
    }

    /// How many columns a name alone may mean.
    pub(super) fn count(&self, name: &str) -> usize {
        self.all(None, None, name).count()
    }

    /// As `find`; error 1052 for a name that several have, and one of them shows something else for it.
    pub(super) fn find_one(
        &self,
        (database, table, name): (Option<&str>, Option<&str>, &str),
        clause: &str,
    ) -> SqlResult<Option<(usize, usize)>> {
        let found: Vec<(usize, usize)> = self.all(database, table, name).collect();
        let shown = found.iter().any(|(relation, _)| !self.relations[*relation].shows.is_empty());
        if found.len() > 1 && shown {
            let shown = match table {
                Some(table) => format!("{table}.{name}"),
                None => name.to_owned(),
            };
            let message = format!("Column '{shown}' in {clause} is ambiguous");
            return Err(SqlError::new(errno::NON_UNIQ, message));
        }
        Ok(found.first().copied())
    }

    /// A column by where it is, with all that can be said of it.
    pub(super) fn column(&self, (relation, column): (usize, usize)) -> Expr {
        let relation = &self.relations[relation];
        if let Some(shown) = relation.shows.get(column) {
            return shown.clone();
        }
        Expr::Column {
            database: relation.database.clone(),
            table: Some(relation.alias.clone()),
            name: relation.columns[column].clone(),
        }
    }
}

/// The columns that `*` or `t.*` gives.
pub(super) fn expand(frame: &Frame, table: Option<&ObjectName>, items: &mut Vec<SelectItem>) {
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
            let relation = found.map(|at| (at, &frame.relations[at]));
            let columns = relation.map(|(at, found)| found.shown().map(move |column| (at, column)));
            columns.into_iter().flatten().collect()
        }
    };
    items.extend(all.into_iter().map(|at| {
        let expr = frame.column(at);
        let name = frame.relations[at.0].columns[at.1].clone();
        SelectItem::Expr { expr, alias: Some(name.clone()), text: name }
    }));
}

/// A pair of columns that are set equal.
pub(super) type Shared = ((usize, usize), (usize, usize));

/// The names of both sides of a join, and what USING or NATURAL sets equal.
pub(super) fn joined(
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
            && (right.star.contains(&other) || !matches!(constraint, JoinConstraint::Natural))
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
