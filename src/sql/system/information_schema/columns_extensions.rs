//! `information_schema.COLUMNS_EXTENSIONS`: what COLUMNS does not have: no engine has attributes of its own.

use crate::sql::catalog::{ColumnInfo, DatabaseInfo, TableInfo};
use crate::sql::system::asked::Asked;
use crate::sql::system::schema_facts::public_columns;
use crate::sql::system::table::table;
use crate::sql::types::Datum;

fn columns<'a>(
    asked: &'a Asked<'a>,
) -> impl Iterator<Item = (&'a DatabaseInfo, &'a TableInfo, &'a ColumnInfo)> + 'a {
    asked.tables().flat_map(|(database, table)| {
        public_columns(table).map(move |column| (database, table, column))
    })
}

table! {
    "COLUMNS_EXTENSIONS": |asked| for (database, table, column) in columns(asked);
    TABLE_CATALOG: Varchar(64) NOT NULL = "def";
    TABLE_SCHEMA: Varchar(64) NOT NULL = database.name.as_str();
    TABLE_NAME: Varchar(64) NOT NULL = table.name.as_str();
    COLUMN_NAME: Varchar(64) = column.name.as_str();
    ENGINE_ATTRIBUTE: LongText = Datum::Null;
    SECONDARY_ENGINE_ATTRIBUTE: LongText = Datum::Null;
}
