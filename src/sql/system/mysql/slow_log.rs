//! `mysql.slow_log`: the last slow statements.

use crate::sql::system::schema_facts::{MICROS, moment_micros};
use crate::sql::system::table::table;
use crate::sql::types::{Datum, Duration};

table! {
    "slow_log": |asked| for slow in asked.sources.slow_statements();
    start_time: Timestamp(6) = moment_micros(slow.began_micros(), asked.sources.time_zone());
    user_host: MediumText NOT NULL = format!("{0}[{0}] @  [{1}]", slow.user, slow.host);
    query_time: Time(6) NOT NULL = time(slow.elapsed);
    lock_time: Time(6) NOT NULL = time(std::time::Duration::ZERO);
    rows_sent: UInt NOT NULL = slow.sent;
    rows_examined: UInt NOT NULL = slow.examined;
    db: Varchar(512) NOT NULL = slow.database.as_deref().unwrap_or_default();
    last_insert_id: Int NOT NULL = 0_i64;
    insert_id: Int NOT NULL = 0_i64;
    server_id: UInt NOT NULL = 1_u64;
    sql_text: Blob NOT NULL = slow.text.to_vec();
    thread_id: UBigInt NOT NULL = u64::from(slow.connection);
}

fn time(elapsed: std::time::Duration) -> Datum {
    let micros = i64::try_from(elapsed.as_micros()).unwrap_or(i64::MAX);
    Datum::Duration(Duration { micros, fsp: MICROS })
}
