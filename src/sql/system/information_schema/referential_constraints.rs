//! `information_schema.REFERENTIAL_CONSTRAINTS`: there are no foreign keys.

use crate::sql::system::table::table;

table! {
    "REFERENTIAL_CONSTRAINTS" is empty;
    CONSTRAINT_CATALOG: Varchar(64) NOT NULL;
    CONSTRAINT_SCHEMA: Varchar(64) NOT NULL;
    CONSTRAINT_NAME: Varchar(64);
    UNIQUE_CONSTRAINT_CATALOG: Varchar(64) NOT NULL;
    UNIQUE_CONSTRAINT_SCHEMA: Varchar(64) NOT NULL;
    UNIQUE_CONSTRAINT_NAME: Varchar(64);
    MATCH_OPTION: Varchar(7) NOT NULL;
    UPDATE_RULE: Varchar(11) NOT NULL;
    DELETE_RULE: Varchar(11) NOT NULL;
    TABLE_NAME: Varchar(64) NOT NULL;
    REFERENCED_TABLE_NAME: Varchar(64) NOT NULL;
}
