//! `mysql.general_log`: statements are not logged one by one.

use crate::sql::system::table::table;

table! {
    "general_log" is empty;
    event_time: Timestamp(6) NOT NULL;
    user_host: MediumText NOT NULL;
    thread_id: UBigInt NOT NULL;
    server_id: UInt NOT NULL;
    command_type: Varchar(64) NOT NULL;
    argument: Blob NOT NULL;
}
