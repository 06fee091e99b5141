//! `mysql.time_zone_transition_type`: what zones do at which moment is in the program.

use crate::sql::system::table::table;

table! {
    "time_zone_transition_type" is empty;
    Time_zone_id: UInt NOT NULL;
    Transition_type_id: UInt NOT NULL;
    Offset: Int NOT NULL;
    Is_DST: UInt NOT NULL;
    Abbreviation: Varchar(8) NOT NULL;
}
