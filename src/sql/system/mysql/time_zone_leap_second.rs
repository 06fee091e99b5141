//! `mysql.time_zone_leap_second`: what zones do at which moment is in the program.

use crate::sql::system::table::table;

table! {
    "time_zone_leap_second" is empty;
    Transition_time: BigInt NOT NULL;
    Correction: Int NOT NULL;
}
