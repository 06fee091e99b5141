//! `mysql.time_zone_name`: the time zones, by name.

use crate::sql::system::table::table;
use crate::sql::types::time_zone_names;

table! {
    "time_zone_name": |_asked| for (name, number) in time_zone_names().zip(1_u64..);
    Name: Varchar(64) NOT NULL = name;
    Time_zone_id: UInt NOT NULL = number;
}
