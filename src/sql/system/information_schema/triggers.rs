//! `information_schema.TRIGGERS`.

use crate::sql::accounts::Privilege;
use crate::sql::catalog::{DatabaseInfo, TableInfo, TriggerInfo};
use crate::sql::system::asked::Asked;
use crate::sql::system::schema_facts::moment_hundredths;
use crate::sql::system::table::table;
use crate::sql::types::Datum;

/// The triggers with their databases and tables.
fn triggers<'a>(
    asked: &'a Asked<'a>,
) -> impl Iterator<Item = (&'a DatabaseInfo, &'a TableInfo, &'a TriggerInfo, Datum)> {
    let seen = asked.tables().filter(|(database, table)| {
        let has = asked.sources.rights().table(&database.name, &table.name);
        has.contains(Privilege::Trigger)
    });
    let all = seen.flat_map(|(database, table)| {
        table.triggers.iter().map(move |trigger| (database, table, trigger))
    });
    all.map(|(database, table, trigger)| {
        let created = moment_hundredths(trigger.created_us, asked.sources.time_zone());
        (database, table, trigger, created)
    })
}

table! {
    "TRIGGERS": |asked| for (database, table, trigger, created) in triggers(asked);
    TRIGGER_CATALOG: Varchar(64) NOT NULL = "def";
    TRIGGER_SCHEMA: Varchar(64) NOT NULL = database.name.as_str();
    TRIGGER_NAME: Varchar(64) NOT NULL = trigger.name.as_str();
    EVENT_MANIPULATION: Varchar(6) NOT NULL = trigger.event.name();
    EVENT_OBJECT_CATALOG: Varchar(64) NOT NULL = "def";
    EVENT_OBJECT_SCHEMA: Varchar(64) NOT NULL = database.name.as_str();
    EVENT_OBJECT_TABLE: Varchar(64) NOT NULL = table.name.as_str();
    ACTION_ORDER: UInt NOT NULL = table.trigger_order(trigger);
    ACTION_CONDITION: Binary(0) = Datum::Null;
    ACTION_STATEMENT: LongText NOT NULL = trigger.body.as_str();
    ACTION_ORIENTATION: Varchar(3) NOT NULL = "ROW";
    ACTION_TIMING: Varchar(6) NOT NULL = trigger.timing();
    ACTION_REFERENCE_OLD_TABLE: Binary(0) = Datum::Null;
    ACTION_REFERENCE_NEW_TABLE: Binary(0) = Datum::Null;
    ACTION_REFERENCE_OLD_ROW: Varchar(3) NOT NULL = "OLD";
    ACTION_REFERENCE_NEW_ROW: Varchar(3) NOT NULL = "NEW";
    CREATED: Timestamp(2) NOT NULL = created;
    SQL_MODE: Varchar(520) NOT NULL = trigger.sql_mode.as_str();
    DEFINER: Varchar(288) NOT NULL = format!("{}@{}", trigger.definer.0, trigger.definer.1);
    CHARACTER_SET_CLIENT: Varchar(64) NOT NULL = trigger.charset.0.as_str();
    COLLATION_CONNECTION: Varchar(64) NOT NULL = trigger.charset.1.as_str();
    DATABASE_COLLATION: Varchar(64) NOT NULL = trigger.database_collation.as_str();
}
