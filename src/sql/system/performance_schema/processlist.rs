//! `performance_schema.processlist`: as `information_schema.PROCESSLIST`.

use crate::sql::system::table::table;

table! {
    "processlist": |asked| for session in asked.sources.sessions(asked.text_limit).await;
    ID: UBigInt NOT NULL = u64::from(session.id);
    USER: Varchar(32) = session.user.as_str();
    HOST: Varchar(261) = session.host.as_str();
    DB: Varchar(64) = session.database.as_deref();
    COMMAND: Varchar(16) = &*session.command;
    TIME: BigInt = session.seconds;
    STATE: Varchar(64) = &*session.state;
    INFO: LongText = session.info.as_deref();
}
