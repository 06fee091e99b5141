//! `mysql.time_zone_transition`: what zones do at which moment is in the program.

use crate::sql::system::table::table;

table! {
    "time_zone_transition" is empty;
    Time_zone_id: UInt NOT NULL;
    Transition_time: BigInt NOT NULL;
    Transition_type_id: UInt NOT NULL;
}
