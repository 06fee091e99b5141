//! `information_schema.PROCESSLIST`: who is connected, on all nodes; SHOW PROCESSLIST reads it.

use crate::sql::system::table::table;

table! {
    "PROCESSLIST": |asked| for session in asked.sources.sessions(asked.text_limit).await;
    ID: UBigInt NOT NULL = u64::from(session.id);
    USER: Varchar(32) NOT NULL = session.user.as_str();
    HOST: Varchar(261) NOT NULL = session.host.as_str();
    DB: Varchar(64) = session.database.as_deref();
    COMMAND: Varchar(16) NOT NULL = &*session.command;
    TIME: Int NOT NULL = session.seconds;
    STATE: Varchar(64) = &*session.state;
    INFO: LongText = session.info.as_deref();
}
