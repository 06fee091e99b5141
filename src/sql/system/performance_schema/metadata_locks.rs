//! `performance_schema.metadata_locks`: which tables the transactions of all nodes work with, and which changes of the schema wait for them.
//! Threads go by the numbers of connections here.

use crate::common::SqlResult;
use crate::sql::system::asked::Asked;
use crate::sql::system::table::table;
use crate::sql::types::Datum;

struct Lock {
    database: String,
    /// `None`: the whole database.
    table: Option<String>,
    kind: &'static str,
    status: &'static str,
    connection: u32,
}

async fn locks(asked: &Asked<'_>) -> SqlResult<Vec<Lock>> {
    let mut locks = Vec::new();
    for session in asked.sources.sessions(0).await {
        for held in session.held {
            locks.push(Lock {
                database: held.database,
                table: Some(held.table),
                kind: if held.written { "SHARED_WRITE" } else { "SHARED_READ" },
                status: "GRANTED",
                connection: session.id,
            });
        }
    }
    for waiting in asked.sources.waiting_changes().await? {
        locks.push(Lock {
            database: waiting.database,
            table: waiting.table,
            kind: "EXCLUSIVE",
            status: "PENDING",
            connection: waiting.connection,
        });
    }
    Ok(locks)
}

table! {
    "metadata_locks": |asked| for lock in locks(asked).await?;
    OBJECT_TYPE: Varchar(64) NOT NULL = if lock.table.is_some() { "TABLE" } else { "SCHEMA" };
    OBJECT_SCHEMA: Varchar(64) = lock.database.as_str();
    OBJECT_NAME: Varchar(64) = lock.table.as_deref();
    COLUMN_NAME: Varchar(64) = Datum::Null;
    OBJECT_INSTANCE_BEGIN: UBigInt NOT NULL = 0_u64;
    LOCK_TYPE: Varchar(32) NOT NULL = lock.kind;
    LOCK_DURATION: Varchar(32) NOT NULL = "TRANSACTION";
    LOCK_STATUS: Varchar(32) NOT NULL = lock.status;
    SOURCE: Varchar(64) = Datum::Null;
    OWNER_THREAD_ID: UBigInt = u64::from(lock.connection);
    OWNER_EVENT_ID: UBigInt = Datum::Null;
}
