//! The numbers of connections: a range of them that is this gateway's alone in the cluster, by a lease of the placement driver.
//!
//! The number of a connection is what KILL takes, on any node, and MySQL's protocol has 32 bits for it: 11 for the range, 21 for
//! the connection. A process takes another range each time it starts, so a number is not given again soon after a crash, when
//! somebody may still mean the connection it was.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tracing::{debug, info, warn};

use crate::actors::pd::{Lease, PdClient, PdError, PdResult};
use crate::actors::runtime::{Actor, ActorRef, Context, MailboxOptions, Overflow, System, Thread};
use crate::actors::session::{ProcessList, RANGES};

/// How long a range is kept for a gateway that is not heard of. One that cannot reach the placement driver for longer may share
/// numbers with another one until it can again.
const LEASE: Duration = Duration::from_secs(600);
/// How often the lease is renewed.
const RENEW_EVERY: Duration = Duration::from_secs(60);

/// The actor `/<node>/connection-numbers`: keeps the range.
pub struct ConnectionNumbers {
    pd: Arc<dyn PdClient>,
    processes: Arc<ProcessList>,
    holder: String,
    range: u32,
}

impl ConnectionNumbers {
    /// Takes a range that nobody has; `holder` is this process and no other.
    pub async fn take(pd: &dyn PdClient, holder: &str) -> PdResult<u32> {
        // A different beginning each time.
        let first = pd.alloc_ids(1).await?.start;
        for step in 0..u64::from(RANGES) {
            let range = u32::try_from((first + step) % u64::from(RANGES)).unwrap_or_default() + 1;
            if campaign(pd, range, holder).await?.holder == holder {
                return Ok(range);
            }
        }
        Err(PdError::Refused("all numbers for connections are taken".to_owned()))
    }

    /// Has connections numbered from a range that was taken, and keeps it.
    pub fn start(
        system: &System,
        pd: Arc<dyn PdClient>,
        processes: Arc<ProcessList>,
        holder: String,
        range: u32,
    ) -> ActorRef<ConnectionNumbers> {
        info!(range, "took a range of connection numbers");
        processes.number_from(range);
        system.spawn_root("connection-numbers", Thread::Any, move || ConnectionNumbers {
            pd: pd.clone(),
            processes: processes.clone(),
            holder: holder.clone(),
            range,
        })
    }

    fn renew(&self, ctx: &mut Context<Self>) {
        let (pd, holder, range) = (self.pd.clone(), self.holder.clone(), self.range);
        let renewed = async move {
            if campaign(&*pd, range, &holder).await?.holder == holder {
                return Ok(range);
            }
            Self::take(&*pd, &holder).await
        };
        ctx.spawn_then(renewed, |this: &mut Self, renewed, _| match renewed {
            Ok(range) if range == this.range => {}
            Ok(range) => {
                warn!(range, "lost the range of connection numbers, took another");
                this.range = range;
                this.processes.number_from(range);
            }
            // The next time it may work.
            Err(error) => debug!(%error, "failed to renew the range of connection numbers"),
        });
    }
}

async fn campaign(pd: &dyn PdClient, range: u32, holder: &str) -> PdResult<Lease> {
    pd.campaign(&format!("connection-numbers/{range}"), holder, LEASE).await
}

impl Actor for ConnectionNumbers {
    const KIND: &'static str = "connection-numbers";

    fn mailbox() -> MailboxOptions {
        // It gets no messages but those of the runtime.
        MailboxOptions { capacity: 1, overflow: Overflow::Reject }
    }

    fn started(&mut self, ctx: &mut Context<Self>) {
        ctx.run_interval(RENEW_EVERY, |numbers, ctx| numbers.renew(ctx));
    }

    fn observe(&self) -> Value {
        json!({ "range": self.range, "holder": self.holder })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::actors::pd::LocalPd;
    use crate::placement::Goals;
    use crate::storage::engine::MemoryEngine;

    #[actix_rt::test]
    async fn nobody_has_the_range_of_another() {
        tokio::time::pause();
        let system = System::for_test();
        let pd = LocalPd::start(&system, Arc::new(MemoryEngine::new()), Goals::default()).unwrap();
        let pd: Arc<dyn PdClient> = Arc::new(pd);
        let one = ConnectionNumbers::take(&*pd, "one").await.unwrap();
        // Ids run on, so the next would begin elsewhere: back to where the first one was.
        pd.alloc_ids(u64::from(RANGES) - 1).await.unwrap();
        let two = ConnectionNumbers::take(&*pd, "two").await.unwrap();
        assert_ne!(one, two);
        assert!((1..=RANGES).contains(&one) && (1..=RANGES).contains(&two));

        // It is kept as long as its holder is there.
        let processes = Arc::new(ProcessList::default());
        let list = processes.clone();
        ConnectionNumbers::start(&system, pd.clone(), list, "one".into(), one);
        let id = processes.next_id();
        tokio::time::sleep(LEASE * 2).await;
        assert_eq!(processes.next_id(), id + 1);
        assert_eq!(campaign(&*pd, one, "three").await.unwrap().holder, "one");
        assert_eq!(campaign(&*pd, two, "three").await.unwrap().holder, "three", "two is gone");
    }
}
