//! UPDATE and DELETE of views as changes of the tables that these are made of, and what an INSERT into a view has to know.

use super::merge::{Leaf, MergedView, Merging, Mode};
use super::names::{Frame, Relation, same};
use super::qualify::{Items, Qualifier};
use crate::common::{SqlError, SqlResult, errno};
use crate::sql::catalog::{InfoSchema, NO_TEMPORARIES, TableInfo, Temporaries};
use crate::sql::parser::ast::{Assignment, Delete, Expr, ObjectName, OrderItem, TableRef, Update};

/// What names in a statement may stand for.
#[derive(Clone, Copy)]
pub struct Known<'a> {
    /// What exists.
    pub schema: &'a InfoSchema,
    /// The session's own tables.
    pub temporary: &'a Temporaries,
    /// The database in use.
    pub current_db: Option<&'a str>,
}

/// A view that rows are changed through.
#[derive(Clone, Debug)]
pub struct Through {
    /// Its database.
    pub database: String,
    /// Its name.
    pub view: String,
    /// The table that is changed.
    pub leaf: Leaf,
    /// What WITH CHECK OPTION asks of rows.
    pub check: Option<Expr>,
}

/// A view as the tables that it is made of.
#[derive(Debug)]
pub struct ViewParts {
    /// What its columns are.
    pub columns: Vec<Expr>,
    /// Its tables.
    pub leaves: Vec<Leaf>,
    /// What WITH CHECK OPTION asks of rows.
    pub check: Option<Expr>,
}

impl Through {
    fn new(view: &MergedView, leaf: &Leaf) -> Through {
        Through {
            database: view.database.clone(),
            view: view.name.clone(),
            leaf: leaf.clone(),
            check: view.check.clone(),
        }
    }
}

/// The expressions of a statement, beside FROM and what it assigns to.
struct Clauses<'a> {
    values: &'a mut [Assignment],
    selection: &'a mut Option<Expr>,
    order_by: &'a mut [OrderItem],
    limit: &'a mut Option<Expr>,
}

impl<'a> Qualifier<'a> {
    fn changing(known: Known<'a>, mode: Mode, taken: Vec<String>) -> Qualifier<'a> {
        let mut qualifier = Qualifier::new(known.schema, known.current_db);
        qualifier.merging = Some(Merging::new(known.temporary, mode, taken));
        qualifier
    }

    /// The view that a relation stands for.
    fn merged_view(&self, relation: &Relation) -> Option<&MergedView> {
        self.merging.as_ref()?.views.get(relation.merged?)
    }

    /// All that a change says, over the rows of its FROM.
    fn change(&mut self, frame: Frame, clauses: Clauses<'_>) -> SqlResult<()> {
        self.frames.push(frame);
        self.enter("field list");
        for assignment in clauses.values {
            self.expr(&mut assignment.value, Items::No)?;
        }
        self.enter("where clause");
        clauses.selection.iter_mut().try_for_each(|expr| self.expr(expr, Items::No))?;
        self.enter("order clause");
        clauses.order_by.iter_mut().try_for_each(|item| self.expr(&mut item.expr, Items::No))?;
        clauses.limit.iter_mut().try_for_each(|expr| self.expr(expr, Items::No))?;
        self.frames.pop();
        let conditions = self.merging.iter_mut().flat_map(Merging::take_conditions);
        let conditions: Vec<Expr> = conditions.chain(clauses.selection.take()).collect();
        *clauses.selection = (!conditions.is_empty()).then(|| Expr::all(conditions));
        Ok(())
    }
}

/// How relations are told from each other.
type Key = (Option<String>, String);

fn key(relation: &Relation) -> Key {
    (relation.database.clone(), relation.alias.clone())
}

/// The views in a FROM that rows can be changed through.
fn views_of(from: &TableRef, qualifier: &Qualifier<'_>, found: &mut Vec<Key>) {
    match from {
        TableRef::Table { name, alias, .. } => {
            if let Some((database, view)) = qualifier.updatable_view(name) {
                found.push(match alias {
                    Some(alias) => (None, alias.clone()),
                    None => (Some(database), view.name.clone()),
                });
            }
        }
        TableRef::Derived { .. } | TableRef::Json(_) => {}
        TableRef::Join { left, right, .. } => {
            views_of(left, qualifier, found);
            views_of(right, qualifier, found);
        }
    }
}

/// An UPDATE that changes views, as one of their tables; `None`: it changes none.
pub fn merge_update(
    update: &Update,
    known: Known<'_>,
) -> SqlResult<Option<(Update, Vec<Through>)>> {
    let mut reader = Qualifier::changing(known, Mode::Nothing, Vec::new());
    let mut views = Vec::new();
    views_of(&update.from, &reader, &mut views);
    if views.is_empty() {
        return Ok(None);
    }
    let mut read = update.clone();
    let frame = reader.from(&mut read.from)?;
    let targets = update.assignments.iter().filter_map(|assignment| {
        let at = assigned(&frame, assignment)?;
        let target = key(&frame.relations[at.0]);
        views.contains(&target).then_some(target)
    });
    let targets: Vec<Key> = targets.collect();
    if targets.is_empty() {
        return Ok(None);
    }
    reader.change(frame, clauses_of_update(&mut read))?;
    let taken = reader.merging.map_or_else(Vec::new, Merging::into_taken);
    let mut qualifier = Qualifier::changing(known, Mode::Named(targets), taken);
    let mut update = update.clone();
    let frame = qualifier.from(&mut update.from)?;
    let mut through: Vec<Through> = Vec::new();
    for assignment in &mut update.assignments {
        let Some(at) = assigned(&frame, assignment) else { continue };
        let relation = &frame.relations[at.0];
        let Some(view) = qualifier.merged_view(relation) else {
            // The tables of a view may have a column of that name, too.
            if assignment.table.is_none() && frame.count(&assignment.column) == 1 {
                let (database, name) = (relation.database.clone(), relation.alias.clone());
                assignment.table = Some(ObjectName { database, name });
            }
            continue;
        };
        through.extend(assign_through(assignment, &frame, at, (view, &through))?);
    }
    qualifier.change(frame, clauses_of_update(&mut update))?;
    Ok(Some((update, through)))
}

fn clauses_of_update(update: &mut Update) -> Clauses<'_> {
    Clauses {
        values: &mut update.assignments,
        selection: &mut update.selection,
        order_by: &mut update.order_by,
        limit: &mut update.limit,
    }
}

/// The column that is assigned to.
fn assigned(frame: &Frame, assignment: &Assignment) -> Option<(usize, usize)> {
    let table = assignment.table.as_ref();
    let database = table.and_then(|name| name.database.as_deref());
    frame.find(database, table.map(|name| name.name.as_str()), &assignment.column)
}

/// Has an assignment name the column that a view's shows. Answers the table, if it is another than those known. Error 1348 for what is
/// computed, 1288 for a table that cannot be changed, 1393 for two tables of a view.
fn assign_through(
    assignment: &mut Assignment,
    frame: &Frame,
    at: (usize, usize),
    (view, known): (&MergedView, &[Through]),
) -> SqlResult<Option<Through>> {
    frame.find_one(
        (
            assignment.table.as_ref().and_then(|name| name.database.as_deref()),
            assignment.table.as_ref().map(|name| name.name.as_str()),
            &assignment.column,
        ),
        "field list",
    )?;
    let Expr::Column { table: Some(alias), name, .. } = frame.column(at) else {
        return Err(not_updatable_column(&assignment.column));
    };
    let leaf = view.leaves.iter().find(|leaf| leaf.alias == alias && leaf.stored);
    let shown = &frame.relations[at.0].alias;
    let leaf = leaf.ok_or_else(|| not_updatable(shown, "UPDATE"))?;
    (assignment.table, assignment.column) =
        (Some(ObjectName { database: None, name: alias.clone() }), name);
    if known.iter().any(|through| through.leaf.alias == alias) {
        return Ok(None);
    }
    let of_view =
        |through: &Through| view.leaves.iter().any(|leaf| leaf.alias == through.leaf.alias);
    if known.iter().any(of_view) {
        return Err(several_tables(&view.database, &view.name));
    }
    Ok(Some(Through::new(view, leaf)))
}

/// A DELETE from views, as one from their tables; `None`: it is from none.
pub fn merge_delete(
    delete: &Delete,
    known: Known<'_>,
) -> SqlResult<Option<(Delete, Vec<Through>)>> {
    let mut reader = Qualifier::changing(known, Mode::Nothing, Vec::new());
    let mut views = Vec::new();
    views_of(&delete.from, &reader, &mut views);
    if views.is_empty() {
        return Ok(None);
    }
    let mut read = delete.clone();
    let frame = reader.from(&mut read.from)?;
    let targets: Vec<Key> = match delete.targets.is_empty() {
        true => views,
        false => {
            let named = delete.targets.iter().filter_map(|name| deleted(&frame, name));
            named.map(key).filter(|target| views.contains(target)).collect()
        }
    };
    if targets.is_empty() {
        return Ok(None);
    }
    reader.change(frame, clauses_of_delete(&mut read))?;
    let taken = reader.merging.map_or_else(Vec::new, Merging::into_taken);
    let mut qualifier = Qualifier::changing(known, Mode::Named(targets), taken);
    let mut delete = delete.clone();
    let frame = qualifier.from(&mut delete.from)?;
    let merged = qualifier.merging.as_ref().map_or(&[][..], |merging| &merging.views);
    let mut through = Vec::with_capacity(merged.len());
    for view in merged {
        let [leaf] = view.leaves.as_slice() else {
            let message =
                format!("Can not delete from join view '{}.{}'", view.database, view.name);
            return Err(SqlError::new(errno::VIEW_DELETE_MERGE_VIEW, message));
        };
        if !leaf.stored {
            return Err(not_updatable(&view.name, "DELETE"));
        }
        through.push(Through::new(view, leaf));
    }
    for name in &mut delete.targets {
        let view = deleted(&frame, name).and_then(|relation| qualifier.merged_view(relation));
        if let Some(leaf) = view.and_then(|view| view.leaves.first()) {
            *name = ObjectName { database: None, name: leaf.alias.clone() };
        }
    }
    qualifier.change(frame, clauses_of_delete(&mut delete))?;
    Ok(Some((delete, through)))
}

fn clauses_of_delete(delete: &mut Delete) -> Clauses<'_> {
    Clauses {
        values: &mut [],
        selection: &mut delete.selection,
        order_by: &mut delete.order_by,
        limit: &mut delete.limit,
    }
}

/// The table of this name or alias.
fn deleted<'f>(frame: &'f Frame, name: &ObjectName) -> Option<&'f Relation> {
    frame.relations.iter().find(|relation| {
        same(&relation.alias, &name.name)
            && match (&name.database, &relation.database) {
                (Some(wanted), Some(database)) => same(wanted, database),
                (wanted, _) => wanted.is_none(),
            }
    })
}

/// A view as the tables that it is made of. It has to be one that rows can be changed through.
pub fn view_parts(database: &str, view: &TableInfo, schema: &InfoSchema) -> SqlResult<ViewParts> {
    let known = Known { schema, temporary: &NO_TEMPORARIES, current_db: None };
    let mode = Mode::Named(vec![(Some(database.to_owned()), view.name.clone())]);
    let mut qualifier = Qualifier::changing(known, mode, Vec::new());
    let name = ObjectName { database: Some(database.to_owned()), name: view.name.clone() };
    let mut table =
        TableRef::Table { name, partitions: Vec::new(), alias: None, hints: Vec::new() };
    let mut frame = qualifier.from(&mut table)?;
    let merged = qualifier.merging.and_then(|mut merging| merging.views.pop());
    match (frame.relations.pop(), merged) {
        (Some(relation), Some(merged)) => {
            Ok(ViewParts { columns: relation.shows, leaves: merged.leaves, check: merged.check })
        }
        _ => Err(SqlError::internal("a view that is not merged")),
    }
}

/// Error 1288.
pub fn not_updatable(table: &str, verb: &str) -> SqlError {
    SqlError::new(
        errno::NON_UPDATABLE_TABLE,
        format!("The target table {table} of the {verb} is not updatable"),
    )
}

/// Error 1348.
pub fn not_updatable_column(column: &str) -> SqlError {
    SqlError::new(errno::NONUPDATEABLE_COLUMN, format!("Column '{column}' is not updatable"))
}

/// Error 1393.
pub fn several_tables(database: &str, view: &str) -> SqlError {
    SqlError::new(
        errno::VIEW_MULTIUPDATE,
        format!("Can not modify more than one base table through a join view '{database}.{view}'"),
    )
}
