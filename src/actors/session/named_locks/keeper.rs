//! The actor that renews the records of a node's named locks.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::{NamedLocks, TableName};
use crate::actors::ddl::SubmitJob;
use crate::actors::runtime::{Actor, Address, Context, MailboxOptions, Overflow, Supervision};
use crate::sql::catalog::DdlStatement;

/// How often to look for locks whose session has ended.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// Every so many looks the records are renewed: six times in a lease.
const RENEW_EVERY: u32 = 50;
/// How long unlocking a table may take before it is tried again.
const UNLOCK_DEADLINE: Duration = Duration::from_secs(60);

/// Renews what is held on its node, and gives back what sessions left when they ended.
pub struct LockKeeper {
    locks: Arc<NamedLocks>,
    /// Unlocks tables.
    ddl: Address<SubmitJob>,
    looks: u32,
    working: bool,
    last_error: Option<String>,
}

impl LockKeeper {
    /// A keeper of these locks.
    pub fn new(locks: Arc<NamedLocks>, ddl: Address<SubmitJob>) -> LockKeeper {
        LockKeeper { locks, ddl, looks: 0, working: false, last_error: None }
    }

    fn look(&mut self, ctx: &mut Context<Self>) {
        self.looks = self.looks.wrapping_add(1);
        let renews = self.looks.is_multiple_of(RENEW_EVERY) && !self.locks.is_empty();
        let orphans =
            !self.locks.orphans.lock().is_empty() || !self.locks.table_orphans.lock().is_empty();
        if self.working || !(renews || orphans) {
            return;
        }
        self.working = true;
        let (locks, ddl) = (self.locks.clone(), self.ddl.clone());
        let work = async move {
            unlock_tables(&locks, &ddl).await;
            locks.give_back_orphans().await?;
            if renews { locks.renew().await } else { Ok(()) }
        };
        ctx.spawn_then(work, |keeper: &mut LockKeeper, outcome, _| {
            keeper.working = false;
            if let Err(error) = &outcome {
                tracing::debug!(%error, "failed to keep named locks");
            }
            keeper.last_error = outcome.err().map(|error| error.to_string());
        });
    }
}

/// Unlocks the tables of sessions that have ended.
async fn unlock_tables(locks: &NamedLocks, ddl: &Address<SubmitJob>) {
    let mut left: Vec<(u32, Vec<TableName>)> = Vec::new();
    for (owner, tables) in locks.take_table_orphans() {
        let statement = DdlStatement::UnlockTables { tables: tables.clone(), owner };
        match ddl.ask(SubmitJob::new(statement), UNLOCK_DEADLINE).await {
            Ok(Ok(_)) => {}
            Ok(Err(error)) => {
                tracing::debug!(%error, owner, "failed to unlock tables");
                left.push((owner, tables));
            }
            Err(error) => {
                tracing::debug!(%error, owner, "failed to unlock tables");
                left.push((owner, tables));
            }
        }
    }
    locks.return_table_orphans(left);
}

impl Actor for LockKeeper {
    const KIND: &'static str = "lock-keeper";

    fn mailbox() -> MailboxOptions {
        MailboxOptions { capacity: 16, overflow: Overflow::Reject }
    }

    fn supervision() -> Supervision {
        Supervision::restart()
    }

    fn started(&mut self, ctx: &mut Context<Self>) {
        ctx.run_interval(LOOK_EVERY, Self::look);
    }

    fn observe(&self) -> Value {
        json!({ "held": self.locks.len(), "last_error": self.last_error })
    }
}
