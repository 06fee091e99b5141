//! `information_schema.SLOW_QUERY`: the last slow statements; a table of TiDB's.

use crate::sql::system::schema_facts::moment_micros;
use crate::sql::system::table::table;

table! {
    "SLOW_QUERY": |asked| for slow in asked.sources.slow_statements();
    Time: Timestamp(6) = moment_micros(slow.ended_micros, asked.sources.time_zone());
    User: Varchar(32) NOT NULL = slow.user.as_str();
    Host: Varchar(261) NOT NULL = slow.host.as_str();
    Conn_ID: UBigInt NOT NULL = u64::from(slow.connection);
    Query_time: Double NOT NULL = slow.elapsed.as_secs_f64();
    DB: Varchar(64) = slow.database.as_deref();
    Result_rows: UBigInt NOT NULL = slow.sent;
    Examined_rows: UBigInt NOT NULL = slow.examined;
    Affected_rows: UBigInt NOT NULL = slow.affected;
    Succ: Int NOT NULL = slow.error.is_none();
    Error: Int = slow.error.map(i64::from);
    Query: LongText NOT NULL = String::from_utf8_lossy(&slow.text).into_owned();
}
