//! What each statement needs.

use super::Walk;
use crate::common::SqlResult;
use crate::sql::accounts::{Privilege, Privileges};
use crate::sql::catalog::is_system_database;
use crate::sql::parser::ast::{
    AlterAction, CreateTable, Flush, ForeignKeyDefinition, ObjectName, PartitionAction,
    RoutineKind, Statement, UserName, VariableAssignment, VariableScope,
};
use crate::sql::statement::Right;

const SELECT: Privileges = Privileges::of(&[Privilege::Select]);
/// On what a table gets as its new name.
const MAKE: Privileges = Privileges::of(&[Privilege::Insert, Privilege::Create]);

impl<'a> Walk<'a> {
    /// A statement.
    pub(super) fn statement(&mut self, statement: &'a Statement) -> SqlResult<()> {
        use Statement as S;
        match statement {
            S::Query(query) | S::SelectIntoVariables { query, .. } => self.query(query),
            S::SelectIntoFile { query, .. } => {
                if !self.rights().global().contains(Privilege::File) {
                    return Err(self.who().no_access());
                }
                self.query(query)
            }
            S::Insert(insert) => self.insert(insert),
            S::Update(update) => self.update(update),
            S::Delete(delete) => self.delete(delete),
            S::LoadData(load) => self.load(load),
            S::Do(exprs) => exprs.iter().try_for_each(|expr| self.expr(expr)),
            S::Explain(explain) => self.statement(&explain.statement),
            S::SetVariables(items) => items.iter().try_for_each(|item| self.assignment(item)),
            S::Flush(items) => items.iter().try_for_each(|item| self.flush(item)),
            S::Show(show) => self.show(show),
            S::Describe { table, .. } => self.need_something(table, "SELECT"),
            S::AlterUser { users, .. }
                if users.iter().all(|spec| self.is_own(&spec.user) && spec.is_password()) =>
            {
                Ok(())
            }
            S::SetPassword { user: Some(user), .. } if !self.is_own(user) => {
                self.need_global(Privilege::CreateUser.into(), &[])
            }
            S::Call(call) => {
                if let Some(named) = self.named(&call.name) {
                    self.need_execute(RoutineKind::Procedure, &named.database, &named.name)?;
                }
                call.arguments.iter().try_for_each(|expr| self.expr(expr))
            }
            _ => {
                self.line_of_table(statement)?;
                self.besides(statement)
            }
        }
    }

    /// What the table of kinds says.
    fn line_of_table(&self, statement: &'a Statement) -> SqlResult<()> {
        match statement.kind().traits().right {
            Right::Anybody | Right::Reads | Right::Another | Right::Itself => Ok(()),
            Right::Global(any) => self.need_global(any, &[]),
            Right::Database(wanted) => databases(statement)
                .into_iter()
                .try_for_each(|name| self.need_database(name, wanted)),
            Right::Table(wanted) => self
                .tables(statement)
                .into_iter()
                .try_for_each(|name| self.need_table(&name, wanted)),
            Right::Routine(wanted) => match routine(statement) {
                Some((kind, name)) => {
                    let Some(named) = self.named(name) else { return Ok(()) };
                    let has = self.rights().routine(kind, &named.database, &named.name);
                    if has.has(wanted) {
                        return Ok(());
                    }
                    let command = wanted.text().to_lowercase();
                    let routine = format!("{}.{}", named.database, named.name);
                    Err(self.who().no_routine(&command, &routine))
                }
                None => Ok(()),
            },
        }
    }

    /// What single statements need besides.
    fn besides(&mut self, statement: &'a Statement) -> SqlResult<()> {
        use Statement as S;
        match statement {
            S::CreateTable(create) => self.create_table(create),
            S::AlterTable { table, actions, .. } => self.alter_table(table, actions),
            S::RenameTables(renames) => renames.iter().try_for_each(|(old, new)| {
                self.need_table(old, Privilege::Drop.into())?;
                self.need_table(new, MAKE)
            }),
            S::CreateView(create) => {
                if create.or_replace || create.alters {
                    self.need_drop_of_view(&create.name)?;
                }
                self.check_definer(create.definer.as_ref())?;
                self.query(&create.query)
            }
            S::CreateRoutine(create) => self.check_definer(create.definer.as_ref()),
            S::CreateTrigger(create) => self.check_definer(create.definer.as_ref()),
            S::Analyze(tables) | S::Maintain(_, tables) => {
                tables.iter().try_for_each(|table| self.need_table(table, SELECT))
            }
            S::LockTables(tables) => {
                for (name, _) in tables {
                    let source = self.source(name, None);
                    self.may_read_some(&source)?;
                    self.read_view(&source)?;
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn create_table(&mut self, create: &'a CreateTable) -> SqlResult<()> {
        if create.temporary {
            let database = create.name.database.as_deref();
            self.need_database(database, Privilege::CreateTemporaryTables.into())?;
        }
        if let Some(like) = &create.like {
            self.need_table(like, SELECT)?;
        }
        if let Some(select) = &create.select {
            if !create.temporary {
                self.need_table(&create.name, Privilege::Insert.into())?;
            }
            self.query(&select.query)?;
        }
        create.foreign_keys.iter().try_for_each(|key| self.need_references(&create.name, key))
    }

    /// REFERENCES on the table that a foreign key leads to.
    fn need_references(&self, child: &ObjectName, key: &ForeignKeyDefinition) -> SqlResult<()> {
        let database = key.parent.database.clone().or_else(|| child.database.clone());
        let parent = ObjectName { database, name: key.parent.name.clone() };
        let Some(named) = self.named(&parent) else { return Ok(()) };
        if self.rights().some_column(&named.database, &named.name).contains(Privilege::References) {
            return Ok(());
        }
        self.need_table(&parent, Privilege::References.into())
    }

    fn alter_table(&self, table: &ObjectName, actions: &[AlterAction]) -> SqlResult<()> {
        for action in actions {
            match action {
                AlterAction::RenameTo(new) => {
                    let database = new.database.clone().or_else(|| table.database.clone());
                    let new = ObjectName { database, name: new.name.clone() };
                    self.need_table(table, Privilege::Drop.into())?;
                    self.need_table(&new, MAKE)?;
                }
                AlterAction::AddForeignKey(key) => self.need_references(table, key)?,
                AlterAction::Partitions(
                    PartitionAction::Drop(_) | PartitionAction::Truncate(_),
                ) => {
                    self.need_table(table, Privilege::Drop.into())?;
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn need_drop_of_view(&self, name: &ObjectName) -> SqlResult<()> {
        let is_there = self
            .named(name)
            .is_some_and(|it| self.checker.schema.table(&it.database, &it.name).is_some());
        if is_there { self.need_table(name, Privilege::Drop.into()) } else { Ok(()) }
    }

    /// SET_USER_ID for an owner that is somebody else.
    fn check_definer(&self, definer: Option<&UserName>) -> SqlResult<()> {
        match definer.is_some_and(|definer| !self.is_own(definer)) {
            true => self.need_global(Privilege::Super.into(), &["SET_USER_ID"]),
            false => Ok(()),
        }
    }

    /// Whether a name is that of whose rights these are.
    pub(super) fn is_own(&self, name: &UserName) -> bool {
        let account = &self.who().account;
        name.is_current || name.user == account.user && name.host == account.host
    }

    fn assignment(&mut self, item: &'a VariableAssignment) -> SqlResult<()> {
        match item {
            VariableAssignment::System { scope, name, value } => {
                if *scope == Some(VariableScope::Global) {
                    self.need_global(Privilege::Super.into(), &["SYSTEM_VARIABLES_ADMIN"])?;
                } else if RESTRICTED.contains(&name.as_str()) {
                    let dynamic = ["SYSTEM_VARIABLES_ADMIN", "SESSION_VARIABLES_ADMIN"];
                    self.need_global(Privilege::Super.into(), &dynamic)?;
                }
                value.iter().try_for_each(|value| self.expr(value))
            }
            VariableAssignment::Transaction { scope: Some(VariableScope::Global), .. } => {
                self.need_global(Privilege::Super.into(), &["SYSTEM_VARIABLES_ADMIN"])
            }
            VariableAssignment::User { value, .. } => self.expr(value),
            VariableAssignment::Local { value, .. } => {
                value.iter().try_for_each(|value| self.expr(value))
            }
            VariableAssignment::Transaction { .. }
            | VariableAssignment::Names { .. }
            | VariableAssignment::CharacterSet(_) => Ok(()),
        }
    }

    fn flush(&self, item: &Flush) -> SqlResult<()> {
        let reload = Privileges::from(Privilege::Reload);
        match item {
            Flush::Privileges => self.need_global(reload, &[]),
            Flush::Status => self.need_global(reload, &["FLUSH_STATUS"]),
            Flush::Tables { tables, lock } => {
                self.need_global(reload, &["FLUSH_TABLES"])?;
                for table in tables.iter().filter(|_| *lock) {
                    let database = table.database.as_deref();
                    self.need_database(database, Privilege::LockTables.into())?;
                    self.need_table(table, SELECT)?;
                }
                Ok(())
            }
        }
    }

    /// The tables that a statement is about.
    fn tables(&self, statement: &'a Statement) -> Vec<ObjectName> {
        use Statement as S;
        let tables = match statement {
            S::CreateTable(create) if create.temporary => Vec::new(),
            S::CreateTable(create) => vec![create.name.clone()],
            S::DropTables { temporary: true, .. } => Vec::new(),
            S::DropTables { tables, .. } | S::Analyze(tables) | S::Maintain(_, tables) => {
                tables.clone()
            }
            S::Checksum { tables, .. } => tables.clone(),
            S::DropViews { views, .. } => views.clone(),
            S::CreateView(create) => vec![create.name.clone()],
            S::Truncate(table) | S::AlterTable { table, .. } => vec![table.clone()],
            S::CreateIndex(create) => vec![create.table.clone()],
            S::DropIndex { table, .. } => vec![table.clone()],
            S::RenameTables(renames) => renames.iter().map(|(old, _)| old.clone()).collect(),
            S::CreateTrigger(create) => {
                let database =
                    create.table.database.clone().or_else(|| create.name.database.clone());
                vec![ObjectName { database, name: create.table.name.clone() }]
            }
            S::DropTrigger { name, .. } => self.table_of_trigger(name).into_iter().collect(),
            _ => Vec::new(),
        };
        // What is done to tables that are computed has errors of its own.
        let is_computed = |table: &ObjectName| {
            self.named(table).is_some_and(|it| is_system_database(&it.database))
        };
        let reads = matches!(statement, S::Checksum { .. } | S::Maintain(..));
        tables.into_iter().filter(|table| reads || !is_computed(table)).collect()
    }

    /// The table that a trigger is of.
    pub(super) fn table_of_trigger(&self, name: &ObjectName) -> Option<ObjectName> {
        let named = self.named(name)?;
        let (table, _) = self.checker.schema.trigger(&named.database, &named.name)?;
        Some(ObjectName { database: Some(named.database), name: table.name.clone() })
    }
}

/// Variables that not everybody sets for a session.
const RESTRICTED: &[&str] = &["sql_log_bin", "pseudo_thread_id", "original_commit_timestamp"];

/// The databases that a statement is about; `None`: the current one.
fn databases(statement: &Statement) -> Vec<Option<&str>> {
    use Statement as S;
    match statement {
        S::CreateDatabase(create) => vec![Some(&create.name)],
        S::DropDatabase { name, .. } => vec![Some(name)],
        S::AlterDatabase { name, .. } => vec![name.as_deref()],
        S::CreateRoutine(create) => vec![create.name.database.as_deref()],
        S::LockTables(tables) => tables.iter().map(|(name, _)| name.database.as_deref()).collect(),
        _ => Vec::new(),
    }
}

/// The routine that a statement is about.
fn routine(statement: &Statement) -> Option<(RoutineKind, &ObjectName)> {
    match statement {
        Statement::AlterRoutine(alter) => Some((alter.kind, &alter.name)),
        Statement::DropRoutine(drop) => Some((drop.kind, &drop.name)),
        _ => None,
    }
}
