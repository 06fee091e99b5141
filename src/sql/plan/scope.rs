//! Which names a clause sees, and what they stand for.

use std::sync::Arc;

use super::logical::{column_type, public_columns, searched_columns};
use super::physical::OutputColumn;
use crate::common::{SqlError, SqlResult, errno};
use crate::sql::catalog::{SchemaState, TableInfo};
use crate::sql::expr::Expr;
use crate::sql::types::{FieldType, flags};

/// The columns of a relation.
#[derive(Clone, Debug)]
enum Columns {
    Table(Arc<TableInfo>),
    Derived(Vec<OutputColumn>),
}

/// A table, or a derived one, under the name it goes by.
#[derive(Clone, Debug)]
pub(super) struct Relation {
    pub(super) database: Option<String>,
    pub(super) alias: String,
    columns: Columns,
    /// Where its columns begin in the row.
    pub(super) start: usize,
    /// On the far side of an outer join: every column may be NULL.
    nullable: bool,
}

impl Relation {
    pub(super) fn len(&self) -> usize {
        match &self.columns {
            Columns::Table(table) => public_columns(table),
            Columns::Derived(columns) => columns.len(),
        }
    }

    /// How many columns there are of it in the row, with those that have no place in the scope.
    pub(super) fn width(&self) -> usize {
        match &self.columns {
            Columns::Table(table) => public_columns(table) + searched_columns(table).len(),
            Columns::Derived(columns) => columns.len(),
        }
    }

    /// The handle of its rows, which may be no column; it must be a stored table.
    pub(super) fn handle(&self, table: &TableInfo) -> Expr {
        let offset = table.handle_column.unwrap_or(table.columns.len());
        let field_type = column_type(table, offset);
        let field_type = if self.nullable { field_type.nullable() } else { field_type };
        Expr::column(self.start + offset, field_type)
    }

    /// How many of its columns can be named: they stand before the others.
    fn visible(&self) -> usize {
        match &self.columns {
            Columns::Table(table) => table.visible_columns().len(),
            Columns::Derived(columns) => columns.len(),
        }
    }

    /// The places of those that `*` gives.
    fn shown(&self) -> Vec<usize> {
        match &self.columns {
            Columns::Table(table) => table.shown_columns(),
            Columns::Derived(columns) => (0..columns.len()).collect(),
        }
    }

    fn name(&self, position: usize) -> &str {
        match &self.columns {
            Columns::Table(table) => &table.columns[position].name,
            Columns::Derived(columns) => &columns[position].name,
        }
    }

    fn field_type(&self, position: usize) -> FieldType {
        let field_type = match &self.columns {
            Columns::Table(table) => table.columns[position].field_type.clone(),
            Columns::Derived(columns) => columns[position].field_type.clone(),
        };
        if self.nullable { field_type.nullable() } else { field_type }
    }

    fn is_named(&self, database: Option<&str>, table: &str) -> bool {
        same_name(&self.alias, table)
            && match (database, &self.database) {
                (None, _) => true,
                (Some(wanted), Some(database)) => same_name(database, wanted),
                (Some(_), None) => false,
            }
    }

    /// The stored table, if it is one.
    pub(super) fn table(&self) -> Option<&Arc<TableInfo>> {
        match &self.columns {
            Columns::Table(table) => Some(table),
            Columns::Derived(_) => None,
        }
    }

    fn output(&self, position: usize) -> OutputColumn {
        let field_type = self.field_type(position);
        match &self.columns {
            Columns::Table(table) => {
                let name = table.columns[position].name.clone();
                let database = self.database.clone().unwrap_or_default();
                let origin = Some((name.clone(), self.alias.clone(), table.name.clone(), database));
                OutputColumn { name, field_type, origin, key_flags: key_flags(table, position) }
            }
            Columns::Derived(columns) => {
                let column = &columns[position];
                let origin = Some((
                    column.name.clone(),
                    self.alias.clone(),
                    self.alias.clone(),
                    self.database.clone().unwrap_or_default(),
                ));
                OutputColumn { name: column.name.clone(), field_type, origin, key_flags: 0 }
            }
        }
    }
}

fn key_flags(table: &TableInfo, offset: usize) -> u16 {
    let mut found = 0;
    if table.handle_column == Some(offset) {
        found |= flags::PRIMARY_KEY | flags::PART_KEY;
    }
    let column = &table.columns[offset];
    if column.auto_increment {
        found |= flags::AUTO_INCREMENT;
    } else if column.field_type.not_null && column.default.is_none() {
        found |= flags::NO_DEFAULT_VALUE;
    }
    let primary = table.primary_index();
    for index in table.indexes.iter().filter(|index| index.state == SchemaState::Public) {
        let position = index.columns.iter().position(|column| column.offset == offset);
        found |= match position {
            None => 0,
            Some(_) if primary.is_some_and(|primary| primary.id == index.id) => flags::PRIMARY_KEY,
            Some(0) if index.unique && index.columns.len() == 1 => flags::UNIQUE_KEY,
            Some(0) => flags::MULTIPLE_KEY,
            Some(_) => 0,
        };
        found |= if position.is_some() { flags::PART_KEY } else { 0 };
    }
    found
}

/// MySQL compares names of columns, and here also of tables, without case.
pub(super) fn same_name(left: &str, right: &str) -> bool {
    left == right
        || left.eq_ignore_ascii_case(right)
        || (!left.is_ascii() && left.to_lowercase() == right.to_lowercase())
}

/// What FROM makes visible.
#[derive(Clone, Debug, Default)]
pub(super) struct Scope {
    pub(super) relations: Vec<Relation>,
    /// The columns `*` gives, in order.
    pub(super) star: Vec<usize>,
    /// Columns that USING or NATURAL joined away: seen only with their table's name.
    hidden: Vec<usize>,
}

impl Scope {
    /// Whether no rows are seen.
    pub(super) fn is_empty(&self) -> bool {
        self.relations.is_empty()
    }

    /// One stored table.
    pub(super) fn table(database: &str, alias: &str, table: &Arc<TableInfo>) -> Scope {
        Scope::relation(Some(database.to_owned()), alias, Columns::Table(table.clone()))
    }

    /// One derived table.
    pub(super) fn derived(alias: &str, columns: Vec<OutputColumn>) -> Scope {
        Scope::relation(None, alias, Columns::Derived(columns))
    }

    /// A view of a database.
    pub(super) fn view(database: &str, alias: &str, columns: Vec<OutputColumn>) -> Scope {
        Scope::relation(Some(database.to_owned()), alias, Columns::Derived(columns))
    }

    fn relation(database: Option<String>, alias: &str, columns: Columns) -> Scope {
        let alias = alias.to_owned();
        let relation = Relation { database, alias, columns, start: 0, nullable: false };
        let star = relation.shown();
        Scope { relations: vec![relation], star, hidden: Vec::new() }
    }

    /// Moves every column `by` positions to the right.
    pub(super) fn shift(&mut self, by: usize) {
        self.relations.iter_mut().for_each(|relation| relation.start += by);
        self.star.iter_mut().chain(&mut self.hidden).for_each(|column| *column += by);
    }

    /// Every column may be NULL from here on.
    pub(super) fn make_nullable(&mut self) {
        self.relations.iter_mut().for_each(|relation| relation.nullable = true);
    }

    /// The two sides of a join. A name for two tables is error 1066.
    pub(super) fn join(mut self, right: Scope) -> SqlResult<Scope> {
        for relation in &right.relations {
            let twice = self.relations.iter().any(|other| {
                same_name(&other.alias, &relation.alias)
                    && match (&other.database, &relation.database) {
                        (Some(left), Some(right)) => same_name(left, right),
                        _ => true,
                    }
            });
            if twice {
                return Err(SqlError::new(
                    errno::NONUNIQ_TABLE,
                    format!("Not unique table/alias: '{}'", relation.alias),
                ));
            }
        }
        self.relations.extend(right.relations);
        self.star.extend(right.star);
        self.hidden.extend(right.hidden);
        Ok(self)
    }

    /// Makes of each pair of equal columns one. `*` gives those first, in the order they have in the table that keeps all
    /// its rows (the left one of an inner join), then that table's others, then the other table's.
    pub(super) fn coalesce(
        &mut self,
        pairs: &[(usize, usize)],
        right_star: &[usize],
        right_first: bool,
    ) {
        let side = |pair: &(usize, usize)| if right_first { (pair.1, pair.0) } else { *pair };
        let (kept, dropped): (Vec<usize>, Vec<usize>) = pairs.iter().map(side).unzip();
        let of_first = |column: &usize| right_star.contains(column) == right_first;
        let (first, second): (Vec<usize>, Vec<usize>) = self.star.iter().partition(|c| of_first(c));
        let (common, own): (Vec<usize>, Vec<usize>) =
            first.into_iter().partition(|column| kept.contains(column));
        let others = second.into_iter().filter(|column| !dropped.contains(column));
        self.star = common.into_iter().chain(own).chain(others).collect();
        self.hidden.extend(dropped);
    }

    fn locate(&self, index: usize) -> Option<(&Relation, usize)> {
        self.relations.iter().find_map(|relation| {
            let position = index.checked_sub(relation.start)?;
            (position < relation.len()).then_some((relation, position))
        })
    }

    /// The column at a position of the row.
    pub(super) fn column(&self, index: usize) -> SqlResult<Expr> {
        let (relation, position) = self
            .locate(index)
            .ok_or_else(|| SqlError::internal(format!("no column {index} in the scope")))?;
        Ok(Expr::column(index, relation.field_type(position)))
    }

    /// How the client is told of the column at a position of the row.
    pub(super) fn output(&self, index: usize) -> Option<OutputColumn> {
        self.locate(index).map(|(relation, position)| relation.output(position))
    }

    /// `table.column` of the column at a position, for messages and EXPLAIN.
    pub(super) fn qualified_name(&self, index: usize) -> String {
        match self.locate(index) {
            Some((relation, position)) => {
                let database = match &relation.database {
                    Some(database) => format!("{database}."),
                    None => String::new(),
                };
                format!("{database}{}.{}", relation.alias, relation.name(position))
            }
            None => format!("#{index}"),
        }
    }

    /// The relation a column belongs to.
    pub(super) fn relation_of(&self, index: usize) -> Option<&Relation> {
        self.locate(index).map(|(relation, _)| relation)
    }

    /// The columns without a table's name that a name stands for.
    pub(super) fn visible(&self, name: &str) -> Vec<usize> {
        self.find(None, None, name)
    }

    /// The position of every column that the name may mean.
    pub(super) fn find(
        &self,
        database: Option<&str>,
        table: Option<&str>,
        name: &str,
    ) -> Vec<usize> {
        let mut found = Vec::new();
        for relation in &self.relations {
            if let Some(table) = table
                && !relation.is_named(database, table)
            {
                continue;
            }
            for position in 0..relation.visible() {
                let index = relation.start + position;
                let hidden = table.is_none() && self.hidden.contains(&index);
                if !hidden && same_name(relation.name(position), name) {
                    found.push(index);
                }
            }
        }
        found
    }

    /// The positions that `t.*` gives; `None` if there is no such table.
    pub(super) fn star_of(&self, database: Option<&str>, table: &str) -> Option<Vec<usize>> {
        let relation = self.relations.iter().find(|r| r.is_named(database, table))?;
        Some(relation.shown().into_iter().map(|position| relation.start + position).collect())
    }
}
