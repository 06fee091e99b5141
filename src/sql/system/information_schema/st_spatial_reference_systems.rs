//! `information_schema.ST_SPATIAL_REFERENCE_SYSTEMS`: there are no spatial types.

use crate::sql::system::table::table;

table! {
    "ST_SPATIAL_REFERENCE_SYSTEMS" is empty;
    SRS_NAME: Varchar(80) NOT NULL;
    SRS_ID: UInt NOT NULL;
    ORGANIZATION: Varchar(256);
    ORGANIZATION_COORDSYS_ID: UInt;
    DEFINITION: Varchar(4096) NOT NULL;
    DESCRIPTION: Varchar(2048);
}
