//! `information_schema.CLUSTER_PROCESSLIST`: who is connected, with the node; a table of TiDB's.

use crate::sql::system::table::table;

table! {
    "CLUSTER_PROCESSLIST": |asked| for session in asked.sources.sessions(asked.text_limit).await;
    INSTANCE: Varchar(64) NOT NULL = session.node.as_str();
    ID: UBigInt NOT NULL = u64::from(session.id);
    USER: Varchar(32) NOT NULL = session.user.as_str();
    HOST: Varchar(261) NOT NULL = session.host.as_str();
    DB: Varchar(64) = session.database.as_deref();
    COMMAND: Varchar(16) NOT NULL = &*session.command;
    TIME: Int NOT NULL = session.seconds;
    STATE: Varchar(64) = &*session.state;
    INFO: LongText = session.info.as_deref();
}
