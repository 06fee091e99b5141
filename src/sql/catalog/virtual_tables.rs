//! The tables of `information_schema`: their columns. Their rows are made by the session.

use super::{ColumnInfo, DatabaseInfo, INFORMATION_SCHEMA, SchemaState, TableInfo};
use crate::sql::types::{FieldType, TypeKind};

/// Name and columns of each: `s` is VARCHAR(64), `t` is LONGTEXT, `n` is BIGINT, `u` is BIGINT UNSIGNED, `d` is DATETIME.
const TABLES: &[(&str, &str)] = &[
    (
        "SCHEMATA",
        "CATALOG_NAME:s SCHEMA_NAME:s DEFAULT_CHARACTER_SET_NAME:s DEFAULT_COLLATION_NAME:s SQL_PATH:s",
    ),
    (
        "TABLES",
        "TABLE_CATALOG:s TABLE_SCHEMA:s TABLE_NAME:s TABLE_TYPE:s ENGINE:s VERSION:n ROW_FORMAT:s TABLE_ROWS:u \
         AVG_ROW_LENGTH:u DATA_LENGTH:u MAX_DATA_LENGTH:u INDEX_LENGTH:u DATA_FREE:u AUTO_INCREMENT:u CREATE_TIME:d \
         UPDATE_TIME:d CHECK_TIME:d TABLE_COLLATION:s CHECKSUM:n CREATE_OPTIONS:s TABLE_COMMENT:t",
    ),
    (
        "COLUMNS",
        "TABLE_CATALOG:s TABLE_SCHEMA:s TABLE_NAME:s COLUMN_NAME:s ORDINAL_POSITION:u COLUMN_DEFAULT:t IS_NULLABLE:s \
         DATA_TYPE:t CHARACTER_MAXIMUM_LENGTH:n CHARACTER_OCTET_LENGTH:n NUMERIC_PRECISION:u NUMERIC_SCALE:u \
         DATETIME_PRECISION:u CHARACTER_SET_NAME:s COLLATION_NAME:s COLUMN_TYPE:t COLUMN_KEY:s EXTRA:s PRIVILEGES:s \
         COLUMN_COMMENT:t GENERATION_EXPRESSION:t",
    ),
    (
        "STATISTICS",
        "TABLE_CATALOG:s TABLE_SCHEMA:s TABLE_NAME:s NON_UNIQUE:n INDEX_SCHEMA:s INDEX_NAME:s SEQ_IN_INDEX:u \
         COLUMN_NAME:s COLLATION:s CARDINALITY:n SUB_PART:n PACKED:s NULLABLE:s INDEX_TYPE:s COMMENT:s \
         INDEX_COMMENT:t IS_VISIBLE:s EXPRESSION:t",
    ),
    (
        "KEY_COLUMN_USAGE",
        "CONSTRAINT_CATALOG:s CONSTRAINT_SCHEMA:s CONSTRAINT_NAME:s TABLE_CATALOG:s TABLE_SCHEMA:s TABLE_NAME:s \
         COLUMN_NAME:s ORDINAL_POSITION:u POSITION_IN_UNIQUE_CONSTRAINT:u REFERENCED_TABLE_SCHEMA:s \
         REFERENCED_TABLE_NAME:s REFERENCED_COLUMN_NAME:s",
    ),
    (
        "TABLE_CONSTRAINTS",
        "CONSTRAINT_CATALOG:s CONSTRAINT_SCHEMA:s CONSTRAINT_NAME:s TABLE_SCHEMA:s TABLE_NAME:s CONSTRAINT_TYPE:s \
         ENFORCED:s",
    ),
    (
        "REFERENTIAL_CONSTRAINTS",
        "CONSTRAINT_CATALOG:s CONSTRAINT_SCHEMA:s CONSTRAINT_NAME:s UNIQUE_CONSTRAINT_CATALOG:s \
         UNIQUE_CONSTRAINT_SCHEMA:s UNIQUE_CONSTRAINT_NAME:s MATCH_OPTION:s UPDATE_RULE:s DELETE_RULE:s TABLE_NAME:s \
         REFERENCED_TABLE_NAME:s",
    ),
    ("PROCESSLIST", "ID:u USER:s HOST:s DB:s COMMAND:s TIME:n STATE:s INFO:t"),
    ("CLUSTER_PROCESSLIST", "INSTANCE:s ID:u USER:s HOST:s DB:s COMMAND:s TIME:n STATE:s INFO:t"),
    (
        "COLLATIONS",
        "COLLATION_NAME:s CHARACTER_SET_NAME:s ID:u IS_DEFAULT:s IS_COMPILED:s SORTLEN:u PAD_ATTRIBUTE:s",
    ),
    ("CHARACTER_SETS", "CHARACTER_SET_NAME:s DEFAULT_COLLATE_NAME:s DESCRIPTION:s MAXLEN:u"),
    ("COLLATION_CHARACTER_SET_APPLICABILITY", "COLLATION_NAME:s CHARACTER_SET_NAME:s"),
    ("ENGINES", "ENGINE:s SUPPORT:s COMMENT:s TRANSACTIONS:s XA:s SAVEPOINTS:s"),
    ("SESSION_VARIABLES", "VARIABLE_NAME:s VARIABLE_VALUE:t"),
    ("GLOBAL_VARIABLES", "VARIABLE_NAME:s VARIABLE_VALUE:t"),
    ("SESSION_STATUS", "VARIABLE_NAME:s VARIABLE_VALUE:t"),
    ("GLOBAL_STATUS", "VARIABLE_NAME:s VARIABLE_VALUE:t"),
    (
        "ROUTINES",
        "SPECIFIC_NAME:s ROUTINE_CATALOG:s ROUTINE_SCHEMA:s ROUTINE_NAME:s ROUTINE_TYPE:s DATA_TYPE:t \
         CHARACTER_MAXIMUM_LENGTH:n CHARACTER_OCTET_LENGTH:n NUMERIC_PRECISION:u NUMERIC_SCALE:u DATETIME_PRECISION:u \
         CHARACTER_SET_NAME:s COLLATION_NAME:s DTD_IDENTIFIER:t ROUTINE_BODY:s ROUTINE_DEFINITION:t EXTERNAL_NAME:s \
         EXTERNAL_LANGUAGE:s PARAMETER_STYLE:s IS_DETERMINISTIC:s SQL_DATA_ACCESS:s SQL_PATH:s SECURITY_TYPE:s CREATED:d \
         LAST_ALTERED:d SQL_MODE:s ROUTINE_COMMENT:t DEFINER:s CHARACTER_SET_CLIENT:s COLLATION_CONNECTION:s \
         DATABASE_COLLATION:s",
    ),
    (
        "PARAMETERS",
        "SPECIFIC_CATALOG:s SPECIFIC_SCHEMA:s SPECIFIC_NAME:s ORDINAL_POSITION:u PARAMETER_MODE:s PARAMETER_NAME:s \
         DATA_TYPE:t CHARACTER_MAXIMUM_LENGTH:n CHARACTER_OCTET_LENGTH:n NUMERIC_PRECISION:u NUMERIC_SCALE:n \
         DATETIME_PRECISION:u CHARACTER_SET_NAME:s COLLATION_NAME:s DTD_IDENTIFIER:t ROUTINE_TYPE:s",
    ),
    (
        "TRIGGERS",
        "TRIGGER_CATALOG:s TRIGGER_SCHEMA:s TRIGGER_NAME:s EVENT_MANIPULATION:s EVENT_OBJECT_CATALOG:s \
         EVENT_OBJECT_SCHEMA:s EVENT_OBJECT_TABLE:s ACTION_ORDER:u ACTION_CONDITION:s ACTION_STATEMENT:t \
         ACTION_ORIENTATION:s ACTION_TIMING:s ACTION_REFERENCE_OLD_TABLE:s ACTION_REFERENCE_NEW_TABLE:s \
         ACTION_REFERENCE_OLD_ROW:s ACTION_REFERENCE_NEW_ROW:s CREATED:d SQL_MODE:s DEFINER:s CHARACTER_SET_CLIENT:s \
         COLLATION_CONNECTION:s DATABASE_COLLATION:s",
    ),
    (
        "EVENTS",
        "EVENT_CATALOG:s EVENT_SCHEMA:s EVENT_NAME:s DEFINER:s TIME_ZONE:s EVENT_BODY:s EVENT_DEFINITION:t EVENT_TYPE:s \
         EXECUTE_AT:d INTERVAL_VALUE:s INTERVAL_FIELD:s SQL_MODE:s STARTS:d ENDS:d STATUS:s ON_COMPLETION:s CREATED:d \
         LAST_ALTERED:d LAST_EXECUTED:d EVENT_COMMENT:s ORIGINATOR:u CHARACTER_SET_CLIENT:s COLLATION_CONNECTION:s \
         DATABASE_COLLATION:s",
    ),
    (
        "CHECK_CONSTRAINTS",
        "CONSTRAINT_CATALOG:s CONSTRAINT_SCHEMA:s CONSTRAINT_NAME:s CHECK_CLAUSE:t",
    ),
    (
        "VIEWS",
        "TABLE_CATALOG:s TABLE_SCHEMA:s TABLE_NAME:s VIEW_DEFINITION:t CHECK_OPTION:s IS_UPDATABLE:s DEFINER:s \
         SECURITY_TYPE:s CHARACTER_SET_CLIENT:s COLLATION_CONNECTION:s",
    ),
];

/// `information_schema` itself.
pub(super) fn database() -> DatabaseInfo {
    DatabaseInfo {
        id: -1,
        name: INFORMATION_SCHEMA.to_owned(),
        charset: "utf8mb4".to_owned(),
        collation: "utf8mb4_general_ci".to_owned(),
        state: SchemaState::Public,
    }
}

/// Its tables. Their ids are negative: no row of theirs is stored.
pub(super) fn tables() -> Vec<TableInfo> {
    let build = |(position, (name, columns)): (usize, &(&str, &str))| TableInfo {
        id: -100 - position as i64,
        name: (*name).to_owned(),
        columns: columns.split_whitespace().enumerate().map(column).collect(),
        indexes: Vec::new(),
        handle_column: None,
        collation: "utf8mb4_general_ci".to_owned(),
        comment: String::new(),
        auto_increment_start: None,
        max_column_id: columns.split_whitespace().count() as i64,
        max_index_id: 0,
        state: SchemaState::Public,
        version: 0,
    };
    TABLES.iter().enumerate().map(build).collect()
}

fn column((offset, text): (usize, &str)) -> ColumnInfo {
    let (name, kind) = text.split_once(':').unwrap_or((text, "s"));
    let field_type = match kind {
        "t" => FieldType::new(TypeKind::LongText)
            .collate(crate::sql::types::Collation::Utf8mb4GeneralCi),
        "n" => FieldType::bigint(),
        "u" => FieldType::bigint_unsigned(),
        "d" => FieldType::datetime(0),
        _ => FieldType::varchar(64).collate(crate::sql::types::Collation::Utf8mb4GeneralCi),
    };
    ColumnInfo {
        id: offset as i64 + 1,
        name: name.to_owned(),
        offset,
        field_type,
        default: None,
        on_update_now: None,
        auto_increment: false,
        comment: String::new(),
        state: SchemaState::Public,
    }
}
