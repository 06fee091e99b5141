//! FROM: tables, derived tables and joins.

use std::mem;

use super::binder::{Binder, Clause, Named};
use super::document_table;
use super::index_hints::{self, IndexChoice};
use super::logical::Logical;
use super::outer::parametrized;
use super::physical::{ApplyKind, JoinKind, OutputColumn};
use super::scope::{Scope, same_name};
use super::unnest::inside;
use crate::common::{SqlError, SqlResult, errno};
use crate::sql::expr::{Expr, Function};
use crate::sql::parser::ast;

impl Binder<'_> {
    /// Rows and names of what a statement's FROM says.
    pub(super) fn from(&mut self, table: &ast::TableRef) -> SqlResult<(Logical, Scope)> {
        // What stands on the left of a query's own tables is seen by LATERAL there as by all of its clauses.
        let around = mem::take(&mut self.sideways);
        let bound = self.tables(table);
        self.sideways = around;
        bound
    }

    fn tables(&mut self, table: &ast::TableRef) -> SqlResult<(Logical, Scope)> {
        match table {
            ast::TableRef::Table { name, partitions, alias, hints } => {
                self.named_table(name, alias.as_deref(), hints, partitions)
            }
            ast::TableRef::Derived { query, alias, columns, .. } => {
                self.derived(query, alias, columns)
            }
            ast::TableRef::Json(table) => self.document_rows(table, &Scope::default()),
            ast::TableRef::Join { left, right, op, constraint } => {
                let mut left = self.tables(left)?;
                if *op == ast::JoinOp::Straight {
                    left.0.fix_order();
                }
                if let ast::TableRef::Derived { lateral: true, query, alias, columns } = &**right
                    && *op != ast::JoinOp::Right
                {
                    let bind = |binder: &mut Self| binder.derived(query, alias, columns);
                    let right = self.lateral_query(left.1.clone(), bind)?;
                    return self.lateral(left, right, *op, constraint);
                }
                if looks_left(right) && *op != ast::JoinOp::Right {
                    let bind = |binder: &mut Self| binder.tables(right);
                    let right = self.nested_tables(left.1.clone(), bind)?;
                    return self.lateral(left, right, *op, constraint);
                }
                let right = match &**right {
                    ast::TableRef::Json(table) => self.document_rows(table, &left.1)?,
                    right => self.tables(right)?,
                };
                self.join(left, right, *op, constraint)
            }
        }
    }

    fn named_table(
        &mut self,
        name: &ast::ObjectName,
        alias: Option<&str>,
        hints: &[ast::IndexHint],
        partitions: &[String],
    ) -> SqlResult<(Logical, Scope)> {
        let alias = alias.unwrap_or(&name.name);
        match self.named(name)? {
            Named::Common(position) => {
                if let Some(name) = index_hints::first_name(hints) {
                    return Err(index_hints::no_such_key(name, alias));
                }
                let (plan, columns) = self.read_common(position)?;
                Ok((plan, Scope::derived(alias, columns)))
            }
            Named::Table(database, table) if table.view.is_some() => {
                if !partitions.is_empty() {
                    table.selected_partitions(partitions)?;
                }
                self.view(&database, &table, alias, hints)
            }
            Named::Table(database, table) => {
                if let Some((_, error)) = self.changed.iter().find(|(id, _)| *id == table.id) {
                    return Err(error.clone());
                }
                let scope = Scope::table(&database, alias, &table);
                if table.id < 0 {
                    let outputs = (0..table.columns.len()).collect();
                    let database = database.to_lowercase();
                    return Ok((Logical::Virtual { table, database, outputs }, scope));
                }
                let choice = IndexChoice::of(&table, alias, hints)?;
                let selected = match partitions {
                    [] => None,
                    names => Some(table.selected_partitions(names)?),
                };
                let scan = Logical::scan(&table, false, self.stats(&table));
                Ok((scan.choosing(choice).selecting(selected), scope))
            }
        }
    }

    fn derived(
        &mut self,
        query: &ast::Query,
        alias: &str,
        names: &[String],
    ) -> SqlResult<(Logical, Scope)> {
        let (plan, columns) = self.derived_columns(query, names)?;
        Ok((plan, Scope::derived(alias, columns)))
    }

    /// The rows of a derived table, and its columns under their own names or those given.
    pub(super) fn derived_columns(
        &mut self,
        query: &ast::Query,
        names: &[String],
    ) -> SqlResult<(Logical, Vec<OutputColumn>)> {
        // Its rows are there before any is changed.
        let changed = mem::take(&mut self.changed);
        let bound = self.query(query);
        self.changed = changed;
        let (plan, columns) = bound?;
        Ok((plan, named_columns(columns, names)?))
    }
    fn join(
        &mut self,
        left: (Logical, Scope),
        right: (Logical, Scope),
        op: ast::JoinOp,
        constraint: &ast::JoinConstraint,
    ) -> SqlResult<(Logical, Scope)> {
        // A right join is a left join with its sides exchanged; names and * keep the order of the text.
        let swapped = op == ast::JoinOp::Right;
        let kind = join_kind(op);
        let ((left_plan, mut left_scope), (right_plan, mut right_scope)) = (left, right);
        let (outer, inner) =
            if swapped { (right_plan, left_plan) } else { (left_plan, right_plan) };
        let moved = if swapped { &mut left_scope } else { &mut right_scope };
        moved.shift(outer.width());
        if kind == JoinKind::Left {
            moved.make_nullable();
        }
        let alias = right_scope.relations.first().map_or_else(String::new, |r| r.alias.clone());
        let (scope, conditions) =
            self.join_conditions((left_scope, right_scope), swapped, constraint)?;
        let plan = document_table::behind((outer, inner), kind, conditions, (swapped, &alias))?;
        Ok((plan, scope))
    }

    /// Tables that are others for each row of those before them.
    fn lateral(
        &mut self,
        (left_plan, left_scope): (Logical, Scope),
        ((right, mut right_scope), mut bindings): ((Logical, Scope), Vec<(usize, Expr)>),
        op: ast::JoinOp,
        constraint: &ast::JoinConstraint,
    ) -> SqlResult<(Logical, Scope)> {
        if bindings.is_empty() {
            return self.join((left_plan, left_scope), (right, right_scope), op, constraint);
        }
        let mut right = parametrized(right)?;
        let width = left_plan.width();
        let kind = join_kind(op);
        right_scope.shift(width);
        if kind == JoinKind::Left {
            right_scope.make_nullable();
        }
        let (scope, conditions) =
            self.join_conditions((left_scope, right_scope), false, constraint)?;
        let left = Box::new(left_plan);
        let apply = ApplyKind::Join(kind);
        if kind == JoinKind::Inner {
            let plan = Logical::Apply { left, right: Box::new(right), bindings, kind: apply };
            return Ok((plan.filter(conditions), scope));
        }
        let number = &mut self.next_outer;
        let conditions = conditions.into_iter().map(|on| inside(on, width, &mut bindings, number));
        right = right.filter(conditions.collect::<SqlResult<Vec<Expr>>>()?);
        Ok((Logical::Apply { left, right: Box::new(right), bindings, kind: apply }, scope))
    }

    /// The scope of both sides of a join, and what their rows must fulfil.
    fn join_conditions(
        &mut self,
        (left_scope, right_scope): (Scope, Scope),
        swapped: bool,
        constraint: &ast::JoinConstraint,
    ) -> SqlResult<(Scope, Vec<Expr>)> {
        let shared = shared_columns(&left_scope, &right_scope, constraint)?;
        let right_star = right_scope.star.clone();
        let mut scope = left_scope.join(right_scope)?;
        let mut conditions = Vec::new();
        for (left, right) in &shared {
            let sides = vec![scope.column(*left)?, scope.column(*right)?];
            conditions.push(Expr::call(Function::Eq, sides)?);
        }
        if !shared.is_empty() {
            scope.coalesce(&shared, &right_star, swapped);
        }
        if let ast::JoinConstraint::On(condition) = constraint {
            let bound = self.expr(condition, &mut Clause::plain(&scope, "on clause"))?;
            conditions.extend(bound.split_conjunction());
        }
        Ok((scope, conditions))
    }
}

/// Whether there is LATERAL or JSON_TABLE among tables in parentheses.
fn looks_left(table: &ast::TableRef) -> bool {
    let ast::TableRef::Join { left, right, .. } = table else { return false };
    [left, right].into_iter().any(|table| match &**table {
        ast::TableRef::Derived { lateral, .. } => *lateral,
        ast::TableRef::Json(_) => true,
        other => looks_left(other),
    })
}

/// What becomes of rows without a match.
fn join_kind(op: ast::JoinOp) -> JoinKind {
    match op {
        ast::JoinOp::Inner | ast::JoinOp::Straight => JoinKind::Inner,
        ast::JoinOp::Left | ast::JoinOp::Right => JoinKind::Left,
    }
}

/// The columns of a derived table under their own names or those given.
pub(super) fn named_columns(
    mut columns: Vec<OutputColumn>,
    names: &[String],
) -> SqlResult<Vec<OutputColumn>> {
    if !names.is_empty() && names.len() != columns.len() {
        return Err(SqlError::new(
            errno::VIEW_WRONG_LIST,
            "In definition of view, derived table or common table expression, SELECT list and column names list have \
             different column counts",
        ));
    }
    for (column, name) in columns.iter_mut().zip(names) {
        column.name.clone_from(name);
    }
    for (position, column) in columns.iter().enumerate() {
        if columns[..position].iter().any(|other| same_name(&other.name, &column.name)) {
            return Err(SqlError::new(
                errno::DUP_FIELDNAME,
                format!("Duplicate column name '{}'", column.name),
            ));
        }
    }
    Ok(columns)
}

/// The pairs of columns that USING or NATURAL sets equal.
fn shared_columns(
    left: &Scope,
    right: &Scope,
    constraint: &ast::JoinConstraint,
) -> SqlResult<Vec<(usize, usize)>> {
    let one = |scope: &Scope, name: &str| -> SqlResult<usize> {
        match scope.visible(name).as_slice() {
            [index] => Ok(*index),
            [] => Err(super::bind_expr::unknown_column(name, "from clause")),
            _ => Err(SqlError::new(
                errno::NON_UNIQ,
                format!("Column '{name}' in from clause is ambiguous"),
            )),
        }
    };
    let mut pairs = Vec::new();
    match constraint {
        ast::JoinConstraint::None | ast::JoinConstraint::On(_) => {}
        ast::JoinConstraint::Using(names) => {
            for name in names {
                pairs.push((one(left, name)?, one(right, name)?));
            }
        }
        ast::JoinConstraint::Natural => {
            for index in &left.star {
                let Some(column) = left.output(*index) else { continue };
                let is_shared = right.star.iter().any(|index| {
                    right.output(*index).is_some_and(|other| same_name(&other.name, &column.name))
                });
                if is_shared {
                    pairs.push((one(left, &column.name)?, one(right, &column.name)?));
                }
            }
        }
    }
    Ok(pairs)
}

/// The names of stored tables in FROM.
pub(super) fn stored_tables(from: &ast::TableRef) -> Vec<&ast::ObjectName> {
    match from {
        ast::TableRef::Table { name, .. } => vec![name],
        ast::TableRef::Derived { .. } | ast::TableRef::Json(_) => Vec::new(),
        ast::TableRef::Join { left, right, .. } => {
            let mut tables = stored_tables(left);
            tables.extend(stored_tables(right));
            tables
        }
    }
}

/// The partitions that FROM names of the table of this name or alias.
pub(super) fn named_partitions<'t>(
    from: &'t ast::TableRef,
    known_as: &str,
) -> Option<&'t [String]> {
    match from {
        ast::TableRef::Table { name, partitions, alias, .. } => {
            let own = alias.as_ref().unwrap_or(&name.name);
            same_name(own, known_as).then_some(partitions.as_slice())
        }
        ast::TableRef::Derived { .. } | ast::TableRef::Json(_) => None,
        ast::TableRef::Join { left, right, .. } => {
            named_partitions(left, known_as).or_else(|| named_partitions(right, known_as))
        }
    }
}
