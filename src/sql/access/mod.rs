//! Whether an account may run a statement: names are looked up in the syntax tree, before anything of the statement is planned.
//!
//! What a kind of statement needs is in the table of kinds ([`crate::sql::statement`]); what it is about, and what single statements need
//! besides, is found out here. Rows are read by SELECT on a table, or on each column that is named ([`reads`]); a view asks for rights on
//! itself, and its query for those of its definer, or of whoever uses it ([`programs`]).
//!
//! Who may do everything is not asked: whoever has a statement checked looks at [`Rights::is_everything`] first.

mod changes;
mod programs;
mod reads;
mod shows;
mod sources;
mod statements;
#[cfg(test)]
mod tests;

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::sync::Arc;

use crate::common::{SqlError, SqlResult, errno};
use crate::sql::accounts::{AccountName, Privilege, Privileges, Rights};
use crate::sql::catalog::{InfoSchema, Temporaries};
use crate::sql::parser::ast::{Expr, ObjectName, Query, Statement};
use sources::Frame;

/// So many views and programs may stand on each other, for those who may not do everything.
const DEEPEST: usize = 32;

/// Who is told that something is denied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Who {
    /// The account.
    pub account: AccountName,
    /// Where the client is.
    pub from: String,
}

/// Who knows what other accounts may do.
pub trait Definers: Sync {
    /// What an account may do with its default roles; `None`: there is none of that name.
    fn rights(&self, account: &AccountName) -> Option<Arc<Rights>>;
}

/// Checks statements of one session.
#[derive(Clone, Copy)]
pub struct Checker<'a> {
    /// What exists.
    pub schema: &'a InfoSchema,
    /// The session's own tables, with which it may do what it likes.
    pub temporary: &'a Temporaries,
    /// The database in use.
    pub database: Option<&'a str>,
    /// What is allowed.
    pub rights: &'a Rights,
    /// Whom.
    pub who: &'a Who,
    /// What the owners of views and programs may do.
    pub definers: &'a dyn Definers,
}

impl Checker<'_> {
    /// Whether the statement may run, as far as its words tell.
    pub fn statement(&self, statement: &Statement) -> SqlResult<()> {
        if self.rights.is_everything() {
            return Ok(());
        }
        Walk::new(*self, &Seen::default(), 0).statement(statement)
    }

    /// Whether a query may.
    pub fn query(&self, query: &Query) -> SqlResult<()> {
        if self.rights.is_everything() {
            return Ok(());
        }
        Walk::new(*self, &Seen::default(), 0).query(query)
    }

    /// Whether an expression may be computed.
    pub fn expr(&self, expr: &Expr) -> SqlResult<()> {
        if self.rights.is_everything() {
            return Ok(());
        }
        Walk::new(*self, &Seen::default(), 0).expr(expr)
    }
}

/// The views and programs that a statement comes to, each once for each account whose rights count in it. One that is come to again is
/// not looked into again: a chain in which each calls the next twice would take for ever, and one that calls itself has no end.
#[derive(Default)]
struct Seen(RefCell<BTreeSet<(Within, String, String, AccountName)>>);

/// What is looked into.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Within {
    /// A view that is read.
    View,
    /// A view whose rows change by this privilege.
    Changed(Privilege),
    Function,
    Trigger,
}

/// A walk through a statement.
struct Walk<'a> {
    checker: Checker<'a>,
    seen: &'a Seen,
    /// The names of WITH's tables in sight.
    common: Vec<String>,
    /// What the queries around see, the nearest last.
    frames: Vec<Frame<'a>>,
    /// Of the clause in hand: names of what is selected come first.
    aliases: bool,
    /// How many views and programs it is in.
    depth: usize,
}

/// A table or a routine by its whole name.
struct Named {
    database: String,
    name: String,
}

impl<'a> Walk<'a> {
    fn new(checker: Checker<'a>, seen: &'a Seen, depth: usize) -> Walk<'a> {
        Walk { checker, seen, common: Vec::new(), frames: Vec::new(), aliases: false, depth }
    }

    /// Whether something is still to be looked into, with the rights of this account. Error 1436 where too many stand on each other: what is
    /// not looked into is not allowed.
    fn enters(
        &self,
        within: Within,
        (database, name): (&str, &str),
        account: &AccountName,
    ) -> SqlResult<bool> {
        let key = (within, database.to_lowercase(), name.to_lowercase(), account.clone());
        if !self.seen.0.borrow_mut().insert(key) {
            return Ok(false);
        }
        if self.depth < DEEPEST {
            return Ok(true);
        }
        let text = format!(
            "Thread stack overrun: more than {DEEPEST} views and programs stand on each other"
        );
        Err(SqlError::new(errno::STACK_OVERRUN, text))
    }

    fn rights(&self) -> &'a Rights {
        self.checker.rights
    }

    fn who(&self) -> &'a Who {
        self.checker.who
    }

    /// The whole name of something; `None`: no database is in use, which is somebody else's error.
    fn named(&self, name: &ObjectName) -> Option<Named> {
        let database = name.database.as_deref().or(self.checker.database)?;
        Some(Named { database: database.to_owned(), name: name.name.clone() })
    }

    fn is_temporary(&self, named: &Named) -> bool {
        self.checker.temporary.get(&named.database, &named.name).is_some()
    }

    /// Error 1142 unless it has all of these on a table.
    fn need_table(&self, name: &ObjectName, wanted: Privileges) -> SqlResult<()> {
        let Some(named) = self.named(name) else { return Ok(()) };
        let lacking = wanted.without(self.rights().table(&named.database, &named.name));
        if lacking.is_empty() || self.is_temporary(&named) {
            return Ok(());
        }
        Err(self.who().no_table(&denied_text(lacking), &named.name))
    }

    /// Error 1044 unless it has all of these on a database.
    fn need_database(&self, database: Option<&str>, wanted: Privileges) -> SqlResult<()> {
        let Some(database) = database.or(self.checker.database) else { return Ok(()) };
        match self.rights().database(database).has(wanted) {
            true => Ok(()),
            false => Err(self.who().no_database(database)),
        }
    }

    /// Error 1227 unless it has any of these on everything.
    fn need_global(&self, wanted: Privileges, dynamic: &[&str]) -> SqlResult<()> {
        let has = self.rights().global().meets(wanted)
            || dynamic.iter().any(|name| self.rights().has_dynamic(name));
        if has {
            return Ok(());
        }
        let mut names: Vec<&str> = wanted.list().map(|one| one.text()).collect();
        names.extend(dynamic);
        let separator = if dynamic.is_empty() { ", " } else { " or " };
        Err(self.who().need(&names.join(separator)))
    }
}

/// The names of privileges in errors: GRANT OPTION is GRANT there.
pub fn denied_text(privileges: Privileges) -> String {
    privileges.text().replace("GRANT OPTION", "GRANT")
}

impl Who {
    /// Error 1227.
    pub fn need(&self, privileges: &str) -> SqlError {
        SqlError::new(
            errno::SPECIFIC_ACCESS_DENIED,
            format!(
                "Access denied; you need (at least one of) the {privileges} privilege(s) for this operation"
            ),
        )
    }

    /// Error 1045 of a client that has logged in.
    pub fn no_access(&self) -> SqlError {
        SqlError::new(
            errno::ACCESS_DENIED,
            format!("Access denied for user {} (using password: YES)", self.account.quoted()),
        )
    }

    /// Error 1044.
    pub fn no_database(&self, database: &str) -> SqlError {
        SqlError::new(
            errno::DB_ACCESS_DENIED,
            format!("Access denied for user {} to database '{database}'", self.account.quoted()),
        )
    }

    /// Error 1142.
    pub fn no_table(&self, command: &str, table: &str) -> SqlError {
        SqlError::new(
            errno::TABLEACCESS_DENIED,
            format!("{command} command denied to {} for table '{table}'", self.client()),
        )
    }

    /// Error 1143.
    pub fn no_column(&self, command: &str, column: &str, table: &str) -> SqlError {
        SqlError::new(
            errno::COLUMNACCESS_DENIED,
            format!(
                "{command} command denied to {} for column '{column}' in table '{table}'",
                self.client()
            ),
        )
    }

    /// Error 1370.
    pub fn no_routine(&self, command: &str, routine: &str) -> SqlError {
        SqlError::new(
            errno::PROCACCESS_DENIED,
            format!("{command} command denied to {} for routine '{routine}'", self.client()),
        )
    }

    fn client(&self) -> String {
        format!("user '{}'@'{}'", self.account.user, self.from)
    }
}
