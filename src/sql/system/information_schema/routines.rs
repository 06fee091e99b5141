//! `information_schema.ROUTINES`: the stored procedures and functions.

use crate::sql::accounts::Privilege;
use crate::sql::catalog::{DatabaseInfo, RoutineInfo, TableInfo};
use crate::sql::system::asked::Asked;
use crate::sql::system::information_schema::columns::TypeFacts;
use crate::sql::system::schema_facts::moment;
use crate::sql::system::table::table;
use crate::sql::types::Datum;

/// A routine, and what it returns.
struct Facts<'a> {
    database: &'a DatabaseInfo,
    created: Datum,
    altered: Datum,
    routine: &'a RoutineInfo,
    returns: Option<TypeFacts>,
}

/// The routines with their databases.
pub(super) fn routines<'a>(
    asked: &'a Asked<'a>,
) -> impl Iterator<Item = (&'a DatabaseInfo, &'a TableInfo, &'a RoutineInfo)> {
    asked.databases().flat_map(move |database| {
        let entries = asked.sources.schema().routines(&database.name);
        let all =
            entries.filter_map(move |entry| Some((database, &**entry, &**entry.routine.as_ref()?)));
        all.filter(move |(_, _, routine)| {
            let rights = asked.sources.rights();
            is_own(asked, routine)
                || rights.sees_routine(routine.kind, &database.name, &routine.name)
        })
    })
}

fn is_own(asked: &Asked<'_>, routine: &RoutineInfo) -> bool {
    asked.sources.current_account() == (routine.definer.0.as_str(), routine.definer.1.as_str())
}

/// The body, for its owner and those who may see any routine.
fn body<'a>(asked: &Asked<'_>, routine: &'a RoutineInfo) -> Option<&'a str> {
    let rights = asked.sources.rights();
    let sees = is_own(asked, routine)
        || rights.has_dynamic("SHOW_ROUTINE")
        || rights.global().contains(Privilege::Select);
    sees.then_some(routine.body.as_str())
}

fn facts<'a>(asked: &'a Asked<'a>) -> impl Iterator<Item = Facts<'a>> {
    routines(asked).map(move |(database, entry, routine)| Facts {
        database,
        created: moment(entry.created_ms, asked.sources.time_zone()),
        altered: moment(routine.altered_ms, asked.sources.time_zone()),
        routine,
        returns: returned(database, routine),
    })
}

fn returned(database: &DatabaseInfo, routine: &RoutineInfo) -> Option<TypeFacts> {
    let returns = routine.parsed().ok()?.returns?;
    TypeFacts::of_written(&returns, &database.collation)
}

fn of<T>(facts: &Facts<'_>, fact: impl FnOnce(&TypeFacts) -> T) -> Option<T> {
    facts.returns.as_ref().map(fact)
}

table! {
    "ROUTINES": |asked| for facts in facts(asked);
    SPECIFIC_NAME: Varchar(64) NOT NULL = facts.routine.name.as_str();
    ROUTINE_CATALOG: Varchar(64) NOT NULL = "def";
    ROUTINE_SCHEMA: Varchar(64) NOT NULL = facts.database.name.as_str();
    ROUTINE_NAME: Varchar(64) NOT NULL = facts.routine.name.as_str();
    ROUTINE_TYPE: Varchar(9) NOT NULL = facts.routine.kind.name();
    DATA_TYPE: LongText = of(&facts, |it| it.name.clone()).unwrap_or_default();
    CHARACTER_MAXIMUM_LENGTH: BigInt = of(&facts, |it| it.length).flatten();
    CHARACTER_OCTET_LENGTH: BigInt = of(&facts, |it| it.bytes).flatten();
    NUMERIC_PRECISION: UInt = of(&facts, |it| it.precision).flatten();
    NUMERIC_SCALE: UInt = of(&facts, |it| it.scale).flatten();
    DATETIME_PRECISION: UInt = of(&facts, |it| it.fraction).flatten();
    CHARACTER_SET_NAME: Varchar(64) = of(&facts, |it| it.charset).flatten();
    COLLATION_NAME: Varchar(64) = of(&facts, |it| it.collation).flatten();
    DTD_IDENTIFIER: LongText = of(&facts, |it| it.text.clone());
    ROUTINE_BODY: Varchar(3) NOT NULL = "SQL";
    ROUTINE_DEFINITION: LongText = body(asked, facts.routine);
    EXTERNAL_NAME: Binary(0) = Datum::Null;
    EXTERNAL_LANGUAGE: Varchar(64) NOT NULL = "SQL";
    PARAMETER_STYLE: Varchar(3) NOT NULL = "SQL";
    IS_DETERMINISTIC: Varchar(3) NOT NULL = if facts.routine.deterministic { "YES" } else { "NO" };
    SQL_DATA_ACCESS: Varchar(17) NOT NULL = facts.routine.access.name();
    SQL_PATH: Binary(0) = Datum::Null;
    SECURITY_TYPE: Varchar(7) NOT NULL = if facts.routine.invoker { "INVOKER" } else { "DEFINER" };
    CREATED: Timestamp(0) NOT NULL = facts.created.clone();
    LAST_ALTERED: Timestamp(0) NOT NULL = facts.altered.clone();
    SQL_MODE: Varchar(520) NOT NULL = facts.routine.sql_mode.as_str();
    ROUTINE_COMMENT: Text NOT NULL = facts.routine.comment.as_str();
    DEFINER: Varchar(288) NOT NULL = format!("{}@{}", facts.routine.definer.0, facts.routine.definer.1);
    CHARACTER_SET_CLIENT: Varchar(64) NOT NULL = facts.routine.charset.0.as_str();
    COLLATION_CONNECTION: Varchar(64) NOT NULL = facts.routine.charset.1.as_str();
    DATABASE_COLLATION: Varchar(64) NOT NULL = facts.routine.database_collation.as_str();
}
