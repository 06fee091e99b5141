//! What SHOW shows of a table: its columns by name, under the names that SHOW gives them.

use super::{Shown, stats_healthy, stats_histograms, stats_meta};
use crate::common::SqlResult;
use crate::sql::system::asked::Asked;
use crate::sql::system::table::Table;
use crate::sql::system::{information_schema as info, performance_schema as performance};

/// Columns of a table.
pub(in crate::sql::system) struct View {
    pub(in crate::sql::system) table: &'static Table,
    /// The name that SHOW gives a column, and the table's own; none: all under their own names.
    pub(in crate::sql::system) columns: &'static [(&'static str, &'static str)],
    /// The column that LIKE looks at.
    pub(in crate::sql::system) like: usize,
}

macro_rules! views {
    ($($view:ident of $table:path, LIKE $like:literal: $($shown:literal = $column:ident),*;)*) => {
        $(pub(super) static $view: View = View {
            table: &$table,
            columns: &[$(($shown, stringify!($column))),*],
            like: $like,
        };)*

        #[cfg(test)]
        pub(in crate::sql::system) static ALL: &[&View] = &[$(&$view),*];
    };
}

views! {
    DATABASES of info::schemata::TABLE, LIKE 0: "Database" = SCHEMA_NAME;
    TABLES of info::tables::TABLE, LIKE 0: "Tables_in_" = TABLE_NAME;
    FULL_TABLES of info::tables::TABLE, LIKE 0: "Tables_in_" = TABLE_NAME, "Table_type" = TABLE_TYPE;
    TABLE_STATUS of info::tables::TABLE, LIKE 0:
        "Name" = TABLE_NAME, "Engine" = ENGINE, "Version" = VERSION, "Row_format" = ROW_FORMAT, "Rows" = TABLE_ROWS,
        "Avg_row_length" = AVG_ROW_LENGTH, "Data_length" = DATA_LENGTH, "Max_data_length" = MAX_DATA_LENGTH,
        "Index_length" = INDEX_LENGTH, "Data_free" = DATA_FREE, "Auto_increment" = AUTO_INCREMENT,
        "Create_time" = CREATE_TIME, "Update_time" = UPDATE_TIME, "Check_time" = CHECK_TIME,
        "Collation" = TABLE_COLLATION, "Checksum" = CHECKSUM, "Create_options" = CREATE_OPTIONS,
        "Comment" = TABLE_COMMENT;
    COLUMNS of info::columns::TABLE, LIKE 0:
        "Field" = COLUMN_NAME, "Type" = COLUMN_TYPE, "Null" = IS_NULLABLE, "Key" = COLUMN_KEY,
        "Default" = COLUMN_DEFAULT, "Extra" = EXTRA;
    FULL_COLUMNS of info::columns::TABLE, LIKE 0:
        "Field" = COLUMN_NAME, "Type" = COLUMN_TYPE, "Collation" = COLLATION_NAME, "Null" = IS_NULLABLE,
        "Key" = COLUMN_KEY, "Default" = COLUMN_DEFAULT, "Extra" = EXTRA, "Privileges" = PRIVILEGES,
        "Comment" = COLUMN_COMMENT;
    INDEXES of info::statistics::TABLE, LIKE 2:
        "Table" = TABLE_NAME, "Non_unique" = NON_UNIQUE, "Key_name" = INDEX_NAME, "Seq_in_index" = SEQ_IN_INDEX,
        "Column_name" = COLUMN_NAME, "Collation" = COLLATION, "Cardinality" = CARDINALITY, "Sub_part" = SUB_PART,
        "Packed" = PACKED, "Null" = NULLABLE, "Index_type" = INDEX_TYPE, "Comment" = COMMENT,
        "Index_comment" = INDEX_COMMENT, "Visible" = IS_VISIBLE, "Expression" = EXPRESSION;
    SESSION_VARIABLES of performance::session_variables::TABLE, LIKE 0:
        "Variable_name" = VARIABLE_NAME, "Value" = VARIABLE_VALUE;
    GLOBAL_VARIABLES of performance::global_variables::TABLE, LIKE 0:
        "Variable_name" = VARIABLE_NAME, "Value" = VARIABLE_VALUE;
    SESSION_STATUS of performance::session_status::TABLE, LIKE 0:
        "Variable_name" = VARIABLE_NAME, "Value" = VARIABLE_VALUE;
    GLOBAL_STATUS of performance::global_status::TABLE, LIKE 0:
        "Variable_name" = VARIABLE_NAME, "Value" = VARIABLE_VALUE;
    PROCESS_LIST of info::processlist::TABLE, LIKE 0:
        "Id" = ID, "User" = USER, "Host" = HOST, "db" = DB, "Command" = COMMAND, "Time" = TIME, "State" = STATE,
        "Info" = INFO;
    ENGINES of info::engines::TABLE, LIKE 0:
        "Engine" = ENGINE, "Support" = SUPPORT, "Comment" = COMMENT, "Transactions" = TRANSACTIONS, "XA" = XA,
        "Savepoints" = SAVEPOINTS;
    COLLATIONS of info::collations::TABLE, LIKE 0:
        "Collation" = COLLATION_NAME, "Charset" = CHARACTER_SET_NAME, "Id" = ID, "Default" = IS_DEFAULT,
        "Compiled" = IS_COMPILED, "Sortlen" = SORTLEN, "Pad_attribute" = PAD_ATTRIBUTE;
    CHARACTER_SETS of info::character_sets::TABLE, LIKE 0:
        "Charset" = CHARACTER_SET_NAME, "Description" = DESCRIPTION, "Default collation" = DEFAULT_COLLATE_NAME,
        "Maxlen" = MAXLEN;
    PLUGINS of info::plugins::TABLE, LIKE 0:
        "Name" = PLUGIN_NAME, "Status" = PLUGIN_STATUS, "Type" = PLUGIN_TYPE, "Library" = PLUGIN_LIBRARY,
        "License" = PLUGIN_LICENSE;
    TRIGGERS of info::triggers::TABLE, LIKE 2:
        "Trigger" = TRIGGER_NAME, "Event" = EVENT_MANIPULATION, "Table" = EVENT_OBJECT_TABLE,
        "Statement" = ACTION_STATEMENT, "Timing" = ACTION_TIMING, "Created" = CREATED, "sql_mode" = SQL_MODE,
        "Definer" = DEFINER, "character_set_client" = CHARACTER_SET_CLIENT,
        "collation_connection" = COLLATION_CONNECTION, "Database Collation" = DATABASE_COLLATION;
    EVENTS of info::events::TABLE, LIKE 1:
        "Db" = EVENT_SCHEMA, "Name" = EVENT_NAME, "Definer" = DEFINER, "Time zone" = TIME_ZONE, "Type" = EVENT_TYPE,
        "Execute at" = EXECUTE_AT, "Interval value" = INTERVAL_VALUE, "Interval field" = INTERVAL_FIELD,
        "Starts" = STARTS, "Ends" = ENDS, "Status" = STATUS, "Originator" = ORIGINATOR,
        "character_set_client" = CHARACTER_SET_CLIENT, "collation_connection" = COLLATION_CONNECTION,
        "Database Collation" = DATABASE_COLLATION;
    ROUTINES of info::routines::TABLE, LIKE 1:
        "Db" = ROUTINE_SCHEMA, "Name" = ROUTINE_NAME, "Type" = ROUTINE_TYPE, "Definer" = DEFINER,
        "Modified" = LAST_ALTERED, "Created" = CREATED, "Security_type" = SECURITY_TYPE, "Comment" = ROUTINE_COMMENT,
        "character_set_client" = CHARACTER_SET_CLIENT, "collation_connection" = COLLATION_CONNECTION,
        "Database Collation" = DATABASE_COLLATION;
    STATS_META of stats_meta::TABLE, LIKE 0: ;
    STATS_HISTOGRAMS of stats_histograms::TABLE, LIKE 0: ;
    STATS_HEALTHY of stats_healthy::TABLE, LIKE 0: ;
}

impl View {
    /// The rows that are asked for, with these columns.
    pub(super) async fn show(&self, asked: &Asked<'_>) -> SqlResult<Shown> {
        let names: Vec<(&str, &str)> = match self.columns {
            [] => self.table.columns.iter().map(|column| (column.name, column.name)).collect(),
            columns => columns.to_vec(),
        };
        let found = names.iter().filter_map(|(shown, name)| {
            let at = self.table.position(name)?;
            Some((at, ((*shown).to_owned(), self.table.columns[at].field_type())))
        });
        let (wanted, columns): (Vec<usize>, Vec<_>) = found.unzip();
        let pick = |mut row: Vec<_>| {
            wanted.iter().map(|column| std::mem::take(&mut row[*column])).collect()
        };
        let rows = self.table.rows(asked).await?.into_iter().map(pick).collect();
        Ok(Shown { columns, rows, like: self.like })
    }
}
