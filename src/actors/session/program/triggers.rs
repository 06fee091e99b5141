//! CREATE TRIGGER and DROP TRIGGER.

use super::definitions::DEADLINE;
use crate::actors::session::core::Core;
use crate::common::{SqlError, SqlResult, errno};
use crate::sql::catalog::{
    AddTrigger, ConversionRules, DdlStatement, DropTrigger, TableChange, TriggerInfo,
    is_system_database, no_trigger, not_base_table, trigger_exists,
};
use crate::sql::parser::ast::{CreateTrigger, ObjectName};
use crate::sql::plan::check_trigger;

impl Core {
    /// CREATE TRIGGER.
    pub(in crate::actors::session) async fn create_trigger(
        &mut self,
        create: &CreateTrigger,
    ) -> SqlResult<()> {
        let schema = self.services.schema.current();
        let named = create.table.database.as_ref().or(create.name.database.as_ref());
        let database = self.database_or_current(named.map(String::as_str))?;
        let home = self.database_or_current(create.name.database.as_deref())?;
        if is_system_database(&database) {
            let message = format!("Access denied for user to database '{database}'");
            return Err(SqlError::new(errno::DB_ACCESS_DENIED, message));
        }
        let name = &create.table.name;
        if self.temporary.tables.get(&database, name).is_some() {
            let message = format!("Trigger's '{name}' is view or temporary table");
            return Err(SqlError::new(errno::TRG_ON_VIEW_OR_TEMP_TABLE, message));
        }
        let table = schema.require_table(&database, name)?.clone();
        let database = schema.require_database(&database)?.clone();
        if table.view.is_some() {
            return Err(not_base_table(&database.name, &table.name));
        }
        if !home.eq_ignore_ascii_case(&database.name) {
            return Err(SqlError::new(errno::TRG_IN_WRONG_SCHEMA, "Trigger in wrong schema"));
        }
        if schema.trigger(&database.name, &create.name.name).is_some() {
            let exists = trigger_exists();
            if create.if_not_exists {
                self.eval.note(exists.code, exists.message);
                return Ok(());
            }
            return Err(exists);
        }
        check_trigger(create, &table)?;
        let mode = self.vars.system.lock().settings.sql_mode;
        let trigger = TriggerInfo {
            name: create.name.name.clone(),
            before: create.before,
            event: create.event,
            body: create.body_text.clone(),
            definer: self.definer_of(create.definer.as_ref()),
            sql_mode: mode.to_string(),
            charset: (self.said_of("character_set_client"), self.said_of("collation_connection")),
            database_collation: database.collation.clone(),
            created_us: u64::try_from(self.eval.now_unix_micros).unwrap_or_default(),
        };
        // What is kept has to be what was said.
        trigger.parsed(&table.name)?;
        let change = AddTrigger { trigger, place: create.place.clone() };
        self.change_triggers(
            (database.name.clone(), table.name.clone()),
            TableChange::AddTrigger(Box::new(change)),
        )
        .await
    }

    /// DROP TRIGGER.
    pub(in crate::actors::session) async fn drop_trigger(
        &mut self,
        name: &ObjectName,
        if_exists: bool,
    ) -> SqlResult<()> {
        let schema = self.services.schema.current();
        let database = self.database_or_current(name.database.as_deref())?;
        schema.require_database(&database)?;
        let Some((table, _)) = schema.trigger(&database, &name.name) else {
            let missing = no_trigger();
            if if_exists {
                self.eval.note(missing.code, missing.message);
                return Ok(());
            }
            return Err(missing);
        };
        let change = TableChange::DropTrigger(DropTrigger { name: name.name.clone() });
        self.change_triggers((database, table.name.clone()), change).await
    }

    async fn change_triggers(
        &mut self,
        (database, table): (String, String),
        change: TableChange,
    ) -> SqlResult<()> {
        let (changes, rules) = (vec![change], ConversionRules::default());
        let statement = DdlStatement::AlterTable { database, table, changes, rules };
        self.submit(statement, DEADLINE).await?;
        Ok(())
    }
}
