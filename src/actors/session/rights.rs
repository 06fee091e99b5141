//! What the session may do, and whether a statement is among it.
//!
//! What an account may do is added up once, and again when an account has changed: that costs a statement a comparison of two
//! numbers. Who may do everything is asked nothing else. Inside of a program whose SQL SECURITY is DEFINER it is the definer's rights
//! that count.

use std::sync::Arc;

use super::core::Core;
use super::{ClientInfo, SessionServices};
use crate::actors::session::accounts::AccountTable;
use crate::common::{SqlError, SqlResult, errno};
use crate::sql::access::{Checker, Definers, Who};
use crate::sql::accounts::{AccountName, Privilege, Rights};
use crate::sql::catalog::{TableInfo, is_system_database};
use crate::sql::parser::ast::{Expr, Query, Statement};

/// What a session may do.
pub(super) struct SessionRights {
    /// As whom: the account, and the client's host.
    who: Who,
    /// The active roles.
    roles: Vec<AccountName>,
    /// The version of the accounts that the rights were added up for.
    version: u64,
    rights: Arc<Rights>,
    /// Of the programs that run, those that have rights of their own: whose they are.
    definers: Vec<(Who, Arc<Rights>)>,
}

/// The accounts, as views and programs ask for them.
struct Owners<'a>(&'a AccountTable);

impl Definers for Owners<'_> {
    fn rights(&self, account: &AccountName) -> Option<Arc<Rights>> {
        let roles = &self.0.named(account)?.grants.default_roles;
        Some(Arc::new(self.0.rights(account, roles)))
    }
}

impl SessionRights {
    /// Those of a client that has just logged in.
    pub(super) fn of(client: &ClientInfo, services: &SessionServices) -> SessionRights {
        let from = if client.address.is_loopback() {
            "localhost".to_owned()
        } else {
            client.address.to_string()
        };
        let account = AccountName::new(&client.user, &client.account_host);
        let version = services.accounts.version();
        let table = services.accounts.table();
        let grants = table.named(&account).map(|account| account.grants.clone());
        let roles = grants.map(|grants| grants.default_roles.clone()).unwrap_or_default();
        let rights = Arc::new(table.rights(&account, &roles));
        let who = Who { account, from };
        SessionRights { who, roles, version, rights, definers: Vec::new() }
    }

    /// What it may do now.
    pub(super) fn now(&self) -> &Arc<Rights> {
        self.definers.last().map_or(&self.rights, |(_, rights)| rights)
    }

    fn who(&self) -> &Who {
        self.definers.last().map_or(&self.who, |(who, _)| who)
    }

    /// Adds up again what has changed.
    fn refresh(&mut self, services: &SessionServices) {
        let version = services.accounts.version();
        if version == self.version {
            return;
        }
        self.version = version;
        let table = services.accounts.table();
        if let Some(account) = table.named(&self.who.account) {
            let has = |role: &AccountName| account.grants.roles.iter().any(|one| one.role == *role);
            self.roles.retain(has);
        } else {
            self.roles.clear();
        }
        self.rights = Arc::new(table.rights(&self.who.account, &self.roles));
        for (who, rights) in &mut self.definers {
            *rights = Owners(&table).rights(&who.account).unwrap_or_default();
        }
    }
}

impl Core {
    /// What the session may do now.
    pub(super) fn rights(&mut self) -> Arc<Rights> {
        self.access.refresh(&self.services);
        self.access.now().clone()
    }

    /// Who is told that something is denied.
    pub(super) fn who(&self) -> &Who {
        self.access.who()
    }

    /// Has whoever may not do everything checked.
    fn checked(&mut self, check: impl FnOnce(&Checker<'_>) -> SqlResult<()>) -> SqlResult<()> {
        self.access.refresh(&self.services);
        let rights = self.access.now();
        if rights.is_everything() {
            return Ok(());
        }
        let schema = self.services.schema.current();
        let table = self.services.accounts.table();
        check(&Checker {
            schema: &schema,
            temporary: &self.temporary.tables,
            database: self.database.as_deref(),
            rights,
            who: self.access.who(),
            definers: &Owners(&table),
        })
    }

    /// Whether the session may run a statement.
    pub(super) fn check_statement(&mut self, statement: &Statement) -> SqlResult<()> {
        self.checked(|checker| checker.statement(statement))
    }

    /// Whether it may read what a query reads.
    pub(super) fn check_query(&mut self, query: &Query) -> SqlResult<()> {
        self.checked(|checker| checker.query(query))
    }

    /// Whether it may compute an expression, which may have queries in it.
    pub(super) fn check_expr(&mut self, expr: &Expr) -> SqlResult<()> {
        self.checked(|checker| checker.expr(expr))
    }

    /// Whether it may use a database. Error 1044.
    pub(super) fn check_database(&mut self, name: &str) -> SqlResult<()> {
        let rights = self.rights();
        let open = is_system_database(name) && !name.eq_ignore_ascii_case("mysql");
        match open || rights.is_everything() || rights.may_use(name) {
            true => Ok(()),
            false => Err(self.who().no_database(name)),
        }
    }

    /// Whether it may call a procedure. Error 1370.
    pub(super) fn check_execute(&mut self, database: &str, entry: &TableInfo) -> SqlResult<()> {
        let rights = self.rights();
        let Some(routine) = entry.routine.as_ref().filter(|_| !rights.is_everything()) else {
            return Ok(());
        };
        let has = rights.routine(routine.kind, database, &routine.name);
        match has.contains(Privilege::Execute) {
            true => Ok(()),
            false => {
                let name = format!("{database}.{}", routine.name);
                Err(self.who().no_routine("execute", &name))
            }
        }
    }

    /// SET ROLE.
    pub(super) fn activate_roles(&mut self, roles: Vec<AccountName>) {
        self.access.roles = roles;
        // Whatever version it is, it is not this one.
        self.access.version = 0;
        self.access.refresh(&self.services);
    }

    /// A program begins that has the rights of its definer. Error 1449 if there is none.
    pub(super) fn enter_rights(&mut self, (user, host): &(String, String)) -> SqlResult<()> {
        self.access.refresh(&self.services);
        let account = AccountName::new(user, host);
        let table = self.services.accounts.table();
        let rights = Owners(&table).rights(&account).ok_or_else(|| {
            let message =
                format!("The user specified as a definer ({}) does not exist", account.quoted());
            SqlError::new(errno::NO_SUCH_USER, message)
        })?;
        let who = Who { account, from: self.access.who.from.clone() };
        self.access.definers.push((who, rights));
        Ok(())
    }

    /// It has ended.
    pub(super) fn leave_rights(&mut self, depth: usize) {
        self.access.definers.truncate(depth);
    }

    /// How many programs with rights of their own run.
    pub(super) fn rights_depth(&self) -> usize {
        self.access.definers.len()
    }
}

/// Whether an account may begin in a database. Error 1044.
pub(super) fn check_first_database(
    services: &SessionServices,
    client: &ClientInfo,
    database: &str,
) -> SqlResult<()> {
    let access = SessionRights::of(client, services);
    let open = is_system_database(database) && !database.eq_ignore_ascii_case("mysql");
    match open || access.rights.is_everything() || access.rights.may_use(database) {
        true => Ok(()),
        false => Err(access.who.no_database(database)),
    }
}
