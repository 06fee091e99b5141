//! `mysql.time_zone`: the time zones, by number.

use crate::sql::system::table::table;
use crate::sql::types::time_zone_names;

table! {
    "time_zone": |_asked| for number in 1..=time_zone_names().count() as u64;
    Time_zone_id: UInt NOT NULL = number;
    Use_leap_seconds: Varchar(1) NOT NULL = "N";
}
