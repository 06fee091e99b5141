//! `performance_schema.metadata_locks`: which tables the transactions of all nodes work with, and which changes of the schema wait for them.
//!
//! Threads go by the numbers of connections here.

use super::SessionServices;
use super::show::processes;
use crate::actors::ddl::HeldTable;
use crate::common::SqlResult;
use crate::sql::ddl::{Job, Meta};
use crate::sql::expr::EvalContext;
use crate::sql::kv::TxnOptions;
use crate::sql::types::Datum;

pub(super) async fn rows(
    services: &SessionServices,
    eval: &EvalContext,
) -> SqlResult<Vec<Vec<Datum>>> {
    let mut rows = Vec::new();
    for (_, process) in processes::everybody(services, eval, 0).await {
        for HeldTable { database, table, written } in process.held {
            let kind = if written { "SHARED_WRITE" } else { "SHARED_READ" };
            rows.push(row(&database, Some(&table), (kind, "GRANTED"), process.id));
        }
    }
    let txn = services.store.begin(TxnOptions::default()).await?;
    let jobs = Meta::new(&*txn).jobs().await;
    txn.rollback().await?;
    for job in jobs?.iter().filter(|job| !job.blocked_by.is_empty()) {
        rows.extend(pending(job));
    }
    Ok(rows)
}

/// What a change of the schema waits for.
fn pending(job: &Job) -> Vec<Vec<Datum>> {
    let lock = ("EXCLUSIVE", "PENDING");
    let row = |(database, table): (String, Option<String>)| {
        row(&database, table.as_deref(), lock, job.submitter.connection)
    };
    job.subjects().into_iter().map(row).collect()
}

fn row(database: &str, table: Option<&str>, lock: (&str, &str), connection: u32) -> Vec<Datum> {
    vec![
        Datum::from(if table.is_some() { "TABLE" } else { "SCHEMA" }),
        Datum::from(database),
        Datum::from(table),
        Datum::Null,
        Datum::UInt(0),
        Datum::from(lock.0),
        Datum::from("TRANSACTION"),
        Datum::from(lock.1),
        Datum::Null,
        Datum::UInt(connection.into()),
        Datum::Null,
    ]
}
