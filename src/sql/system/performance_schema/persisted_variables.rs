//! `performance_schema.persisted_variables`: SET PERSIST is not there.

use crate::sql::system::table::table;

table! {
    "persisted_variables" is empty;
    VARIABLE_NAME: Varchar(64) NOT NULL;
    VARIABLE_VALUE: Varchar(1024);
}
