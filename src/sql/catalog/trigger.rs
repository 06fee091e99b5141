//! Triggers, as they are kept: with their table, in the order in which they were made or put.

use serde::{Deserialize, Serialize};

use super::{InfoSchema, TableInfo};
use crate::common::{SqlError, SqlResult, errno};
use crate::sql::digest::quote_name;
use crate::sql::parser::ast::{CreateTrigger, Statement, TriggerEvent};
use crate::sql::parser::parse;
use crate::sql::types::SqlMode;

/// A trigger.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TriggerInfo {
    /// As written; compared without case, and the only one of its name in the database.
    pub name: String,
    /// BEFORE; otherwise AFTER.
    pub before: bool,
    /// What fires it.
    pub event: TriggerEvent,
    /// Its body.
    pub body: String,
    /// Whose it is: user and host.
    pub definer: (String, String),
    /// The `sql_mode` that it was made under, and runs under.
    pub sql_mode: String,
    /// `character_set_client` and `collation_connection` of who made it.
    pub charset: (String, String),
    /// The collation of its database, when it was made.
    pub database_collation: String,
    /// When it was made, in microseconds since 1970.
    pub created_us: u64,
}

impl TriggerInfo {
    /// BEFORE or AFTER.
    pub fn timing(&self) -> &'static str {
        if self.before { "BEFORE" } else { "AFTER" }
    }

    /// The statement that makes it, without whose it is.
    fn plain_text(&self, table: &str) -> String {
        format!(
            "TRIGGER {} {} {} ON {} FOR EACH ROW {}",
            quote_name(&self.name),
            self.timing(),
            self.event.name(),
            quote_name(table),
            self.body
        )
    }

    /// What SHOW CREATE TRIGGER shows of a trigger of a table.
    pub fn show(&self, table: &str) -> String {
        let (user, host) = &self.definer;
        let definer = format!("DEFINER={}@{}", quote_name(user), quote_name(host));
        format!("CREATE {definer} {}", self.plain_text(table))
    }

    /// What it is: its text, read under its own `sql_mode`.
    pub fn parsed(&self, table: &str) -> SqlResult<CreateTrigger> {
        let text = format!("CREATE {}", self.plain_text(table));
        let parsed = parse(&text, SqlMode::parse(&self.sql_mode)?)?.pop();
        match parsed.map(|parsed| parsed.statement) {
            Some(Statement::CreateTrigger(create)) => Ok(*create),
            _ => Err(SqlError::internal("the text of a trigger is no trigger")),
        }
    }
}

fn same(left: &str, right: &str) -> bool {
    left.to_lowercase() == right.to_lowercase()
}

impl TableInfo {
    /// A trigger by name.
    pub fn trigger(&self, name: &str) -> Option<&TriggerInfo> {
        self.triggers.iter().find(|trigger| same(&trigger.name, name))
    }

    /// The triggers of an event, in order: those before it, or those after.
    pub fn triggers_of(
        &self,
        event: TriggerEvent,
        before: bool,
    ) -> impl Iterator<Item = &TriggerInfo> {
        let fits = move |trigger: &&TriggerInfo| trigger.event == event && trigger.before == before;
        self.triggers.iter().filter(fits)
    }

    /// Which of its event a trigger is, from one on.
    pub fn trigger_order(&self, trigger: &TriggerInfo) -> u64 {
        let mut of_event = self.triggers_of(trigger.event, trigger.before);
        of_event.position(|other| other.name == trigger.name).map_or(0, |at| at as u64 + 1)
    }

    /// Adds a trigger: behind all others, or where FOLLOWS or PRECEDES puts it. Error 3011 if the other one is none of its event.
    pub(super) fn add_trigger(
        &mut self,
        trigger: TriggerInfo,
        place: Option<&(bool, String)>,
    ) -> SqlResult<()> {
        let Some((follows, other)) = place else {
            self.triggers.push(trigger);
            return Ok(());
        };
        let at = self.triggers.iter().position(|known| {
            same(&known.name, other)
                && known.event == trigger.event
                && known.before == trigger.before
        });
        let Some(at) = at else {
            let message = format!(
                "Referenced trigger '{other}' for the given action time and event type does not exist."
            );
            return Err(SqlError::new(errno::REFERENCED_TRG_DOES_NOT_EXIST, message));
        };
        self.triggers.insert(at + usize::from(*follows), trigger);
        Ok(())
    }
}

impl InfoSchema {
    /// The table of a database that has a trigger of this name, and the trigger.
    pub fn trigger(&self, database: &str, name: &str) -> Option<(&TableInfo, &TriggerInfo)> {
        self.tables(database).find_map(|table| Some((&**table, table.trigger(name)?)))
    }
}

/// Error 1347: a view has no triggers.
pub fn not_base_table(database: &str, name: &str) -> SqlError {
    let (code, message) = super::ddl_statement::wrong_object(database, name, "BASE TABLE");
    SqlError::new(code, message)
}

/// Error 1359.
pub fn trigger_exists() -> SqlError {
    SqlError::new(errno::TRG_ALREADY_EXISTS, "Trigger already exists")
}

/// Error 1360.
pub fn no_trigger() -> SqlError {
    SqlError::new(errno::TRG_DOES_NOT_EXIST, "Trigger does not exist")
}
