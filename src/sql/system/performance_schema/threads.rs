//! `performance_schema.threads`: who is connected, on all nodes: a thread goes by the number of its connection.

use crate::sql::system::table::table;
use crate::sql::types::Datum;

table! {
    "threads": |asked| for session in asked.sources.sessions(asked.text_limit).await;
    THREAD_ID: UBigInt NOT NULL = u64::from(session.id);
    NAME: Varchar(128) NOT NULL = "thread/sql/one_connection";
    TYPE: Varchar(10) NOT NULL = "FOREGROUND";
    PROCESSLIST_ID: UBigInt = u64::from(session.id);
    PROCESSLIST_USER: Varchar(32) = session.user.as_str();
    PROCESSLIST_HOST: Varchar(255) = host(&session.host);
    PROCESSLIST_DB: Varchar(64) = session.database.as_deref();
    PROCESSLIST_COMMAND: Varchar(16) = &*session.command;
    PROCESSLIST_TIME: BigInt = session.seconds;
    PROCESSLIST_STATE: Varchar(64) = &*session.state;
    PROCESSLIST_INFO: LongText = session.info.as_deref();
    PARENT_THREAD_ID: UBigInt = Datum::Null;
    ROLE: Varchar(64) = Datum::Null;
    INSTRUMENTED: Varchar(3) NOT NULL = "YES";
    HISTORY: Varchar(3) NOT NULL = "NO";
    CONNECTION_TYPE: Varchar(16) = Datum::Null;
    THREAD_OS_ID: UBigInt = Datum::Null;
    RESOURCE_GROUP: Varchar(64) = Datum::Null;
}

/// The client's address without its port.
fn host(address: &str) -> &str {
    address.rsplit_once(':').map_or(address, |(host, _)| host)
}
