//! `information_schema.PARAMETERS`: the parameters of stored procedures and functions, and what functions return.

use super::routines::routines;
use crate::sql::catalog::{DatabaseInfo, RoutineInfo};
use crate::sql::parser::ast::DataType;
use crate::sql::system::asked::Asked;
use crate::sql::system::information_schema::columns::TypeFacts;
use crate::sql::system::table::table;

/// A parameter; what a function returns is the one of number 0.
struct Facts<'a> {
    database: &'a DatabaseInfo,
    routine: &'a RoutineInfo,
    position: u64,
    mode: Option<&'static str>,
    name: Option<String>,
    of_type: TypeFacts,
}

fn parameters<'a>(asked: &'a Asked<'a>) -> impl Iterator<Item = Facts<'a>> {
    routines(asked).flat_map(|(database, _, routine)| of_routine(database, routine))
}

fn of_routine<'a>(database: &'a DatabaseInfo, routine: &'a RoutineInfo) -> Vec<Facts<'a>> {
    let Ok(parsed) = routine.parsed() else { return Vec::new() };
    let types = |written: &DataType| TypeFacts::of_written(written, &database.collation);
    let mut found = Vec::new();
    if let Some(of_type) = parsed.returns.as_ref().and_then(types) {
        found.push(Facts { database, routine, position: 0, mode: None, name: None, of_type });
    }
    let variables = parsed.body.variables.iter().zip(&parsed.modes).zip(1..);
    found.extend(variables.filter_map(|((variable, mode), position)| {
        let of_type = types(variable.data_type.as_ref()?)?;
        let name = Some(variable.name.clone());
        Some(Facts { database, routine, position, mode: Some(mode.name()), name, of_type })
    }));
    found
}

table! {
    "PARAMETERS": |asked| for facts in parameters(asked);
    SPECIFIC_CATALOG: Varchar(64) NOT NULL = "def";
    SPECIFIC_SCHEMA: Varchar(64) NOT NULL = facts.database.name.as_str();
    SPECIFIC_NAME: Varchar(64) NOT NULL = facts.routine.name.as_str();
    ORDINAL_POSITION: UBigInt NOT NULL = facts.position;
    PARAMETER_MODE: Varchar(5) = facts.mode;
    PARAMETER_NAME: Varchar(64) = facts.name.clone();
    DATA_TYPE: LongText = facts.of_type.name.clone();
    CHARACTER_MAXIMUM_LENGTH: BigInt = facts.of_type.length;
    CHARACTER_OCTET_LENGTH: BigInt = facts.of_type.bytes;
    NUMERIC_PRECISION: UInt = facts.of_type.precision;
    NUMERIC_SCALE: BigInt = facts.of_type.scale;
    DATETIME_PRECISION: UInt = facts.of_type.fraction;
    CHARACTER_SET_NAME: Varchar(64) = facts.of_type.charset;
    COLLATION_NAME: Varchar(64) = facts.of_type.collation;
    DTD_IDENTIFIER: MediumText NOT NULL = facts.of_type.text.clone();
    ROUTINE_TYPE: Varchar(9) NOT NULL = facts.routine.kind.name();
}
