//! `information_schema.VIEWS`: there are no views.

use crate::sql::system::table::table;

table! {
    "VIEWS" is empty;
    TABLE_CATALOG: Varchar(64) NOT NULL;
    TABLE_SCHEMA: Varchar(64) NOT NULL;
    TABLE_NAME: Varchar(64) NOT NULL;
    VIEW_DEFINITION: LongText;
    CHECK_OPTION: Varchar(8);
    IS_UPDATABLE: Varchar(3);
    DEFINER: Varchar(288);
    SECURITY_TYPE: Varchar(7);
    CHARACTER_SET_CLIENT: Varchar(64) NOT NULL;
    COLLATION_CONNECTION: Varchar(64) NOT NULL;
}
