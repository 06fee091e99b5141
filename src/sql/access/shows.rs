//! SHOW: of what it may be asked. Which rows it has is the business of the tables that it reads.

use super::Walk;
use crate::common::{SqlError, SqlResult, errno};
use crate::sql::accounts::{Privilege, Privileges};
use crate::sql::catalog::is_system_database;
use crate::sql::parser::ast::{ObjectName, RoutineKind, Show, ShowFilter, ShowKind};
use crate::sql::statement::Right;

impl<'a> Walk<'a> {
    pub(super) fn show(&mut self, show: &'a Show) -> SqlResult<()> {
        if let Right::Global(any) = show.kind.kind().traits().right {
            self.need_global(any, &[])?;
        }
        match &show.kind {
            ShowKind::Tables { database, .. }
            | ShowKind::TableStatus { database }
            | ShowKind::Triggers { database }
            | ShowKind::Events { database } => self.need_some_of(database.as_deref())?,
            ShowKind::CreateDatabase { name, .. } => self.need_some_of(Some(name))?,
            ShowKind::Columns { table, .. } | ShowKind::Indexes { table } => {
                self.need_something(table, "SELECT")?;
            }
            ShowKind::CreateTable(table) | ShowKind::CreateView(table) => {
                self.show_create(table)?;
            }
            ShowKind::CreateTrigger(name) => {
                if let Some(table) = self.table_of_trigger(name) {
                    self.need_table(&table, Privilege::Trigger.into())?;
                }
            }
            ShowKind::CreateRoutine(kind, name) => self.show_routine(*kind, name)?,
            ShowKind::Grants { user: Some(user), .. } if !self.is_own(user) => {
                self.need_database(Some("mysql"), Privilege::Select.into())?;
            }
            ShowKind::CreateUser { user } if !self.is_own(user) => {
                let table = ObjectName { database: Some("mysql".into()), name: "user".into() };
                self.need_table(&table, Privilege::Select.into())?;
            }
            _ => {}
        }
        match &show.filter {
            Some(ShowFilter::Where(expr)) => self.expr(expr),
            Some(ShowFilter::Like(_)) | None => Ok(()),
        }
    }

    /// Error 1044 unless it has anything in a database.
    fn need_some_of(&self, database: Option<&str>) -> SqlResult<()> {
        let Some(database) = database.or(self.checker.database) else { return Ok(()) };
        let open = is_system_database(database) && !database.eq_ignore_ascii_case("mysql");
        match open || self.rights().may_use(database) {
            true => Ok(()),
            false => Err(self.who().no_database(database)),
        }
    }

    /// Error 1142 unless it has anything on a table.
    pub(super) fn need_something(&self, table: &ObjectName, command: &str) -> SqlResult<()> {
        let Some(named) = self.named(table) else { return Ok(()) };
        let open = self.is_temporary(&named)
            || is_system_database(&named.database) && !named.database.eq_ignore_ascii_case("mysql");
        match open || self.rights().sees_table(&named.database, &named.name) {
            true => Ok(()),
            false => Err(self.who().no_table(command, &named.name)),
        }
    }

    /// SHOW CREATE TABLE: anything on a table; on a view SELECT and SHOW VIEW.
    fn show_create(&self, table: &ObjectName) -> SqlResult<()> {
        self.need_something(table, "SHOW")?;
        let Some(named) = self.named(table) else { return Ok(()) };
        let is_view = self
            .checker
            .schema
            .table(&named.database, &named.name)
            .is_some_and(|table| table.view.is_some());
        if is_view && !self.is_temporary(&named) {
            self.need_table(table, Privileges::of(&[Privilege::Select]))?;
            self.need_table(table, Privileges::of(&[Privilege::ShowView]))?;
        }
        Ok(())
    }

    /// SHOW CREATE PROCEDURE and FUNCTION: what an account may not see is not there.
    fn show_routine(&self, kind: RoutineKind, name: &ObjectName) -> SqlResult<()> {
        let Some(named) = self.named(name) else { return Ok(()) };
        let found = self.checker.schema.routine(&named.database, kind, &named.name);
        let own = found.and_then(|entry| entry.routine.as_ref()).is_some_and(|routine| {
            let account = &self.who().account;
            routine.definer.0 == account.user && routine.definer.1 == account.host
        });
        if own || self.rights().sees_routine(kind, &named.database, &named.name) {
            return Ok(());
        }
        let message = format!("{} {} does not exist", kind.name(), named.name);
        Err(SqlError::new(errno::SP_DOES_NOT_EXIST, message))
    }
}
