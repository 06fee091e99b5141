//! FOR UPDATE and FOR SHARE: which of a query's tables are locked, and how. And SQL_CALC_FOUND_ROWS, which takes its LIMIT from the plan.

use super::logical::Logical;
use super::physical::AccessLock;
use super::scope::{Relation, Scope, same_name};
use crate::common::{SqlError, SqlResult, errno};
use crate::sql::parser::ast::{LockWait, Locking, ObjectName, Query, QueryBody, Select};

/// Locks the rows of FROM as the clauses say: those of one table each, or of all. Error 3568 for a table that is not there, 3569 for one
/// that two clauses are about.
pub(super) fn lock(plan: &mut Logical, scope: &Scope, clauses: &[Locking]) -> SqlResult<()> {
    let mut seen: Vec<&str> = Vec::new();
    for Locking { share: _, of, wait } in clauses {
        // There are only exclusive locks: others wait who would share a row in MySQL, and nobody sees what MySQL would hide.
        let lock = match wait {
            LockWait::Wait => AccessLock::ForUpdate,
            LockWait::NoWait => AccessLock::ForUpdateNoWait,
            LockWait::SkipLocked => AccessLock::ForUpdateSkipLocked,
        };
        let relations = scope.relations.iter();
        let meant: Vec<&Relation> =
            relations.filter(|relation| is_meant(relation, of.as_ref())).collect();
        for relation in &meant {
            if seen.contains(&relation.alias.as_str()) {
                return Err(SqlError::new(
                    errno::DUPLICATE_TABLE_LOCK,
                    format!("Table {} appears in multiple locking clauses.", relation.alias),
                ));
            }
            seen.push(&relation.alias);
        }
        match of {
            None => plan.lock_all(lock),
            Some(name) if meant.is_empty() => {
                return Err(SqlError::new(
                    errno::UNRESOLVED_TABLE_LOCK,
                    format!("Unresolved table name `{}` in locking clause.", name.name),
                ));
            }
            Some(_) => {
                for relation in meant {
                    lock_from(plan, relation.start, lock);
                }
            }
        }
    }
    Ok(())
}

fn is_meant(relation: &Relation, of: Option<&ObjectName>) -> bool {
    let Some(ObjectName { database, name }) = of else { return true };
    let same_database = database.as_ref().is_none_or(|wanted| {
        relation.database.as_ref().is_some_and(|database| same_name(wanted, database))
    });
    same_database && same_name(&relation.alias, name)
}

/// Locks the table of FROM whose columns begin at `start`.
fn lock_from(plan: &mut Logical, start: usize, lock: AccessLock) {
    match plan {
        Logical::Join { left, right, .. } | Logical::Apply { left, right, .. } => {
            let width = left.width();
            if start < width {
                lock_from(left, start, lock);
            } else {
                lock_from(right, start - width, lock);
            }
        }
        // What stands behind the columns of its input is no table's.
        Logical::Unnest { input, .. } if start >= input.width() => {}
        Logical::Unnest { input, .. } | Logical::Filter { input, .. } => {
            lock_from(input, start, lock);
        }
        table => table.lock_all(lock),
    }
}

/// A query without its LIMIT, if its first SELECT has SQL_CALC_FOUND_ROWS.
pub(super) fn without_limit(query: &Query) -> Option<Query> {
    if !first_select(query)?.calc_found_rows {
        return None;
    }
    let mut whole = query.clone();
    whole.limit = None;
    let mut body = &mut whole.body;
    loop {
        match body {
            QueryBody::Select(select) => {
                select.calc_found_rows = false;
                return Some(whole);
            }
            QueryBody::SetOperation { left, .. } => body = &mut left.body,
            QueryBody::Values(_) => return None,
        }
    }
}

fn first_select(query: &Query) -> Option<&Select> {
    let mut body = &query.body;
    loop {
        match body {
            QueryBody::Select(select) => return Some(select),
            QueryBody::SetOperation { left, .. } => body = &left.body,
            QueryBody::Values(_) => return None,
        }
    }
}
