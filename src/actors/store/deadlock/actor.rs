//! The actor around the pure detector.

use std::time::Duration;

use serde_json::{Value, json};

use super::messages::{DetectDeadlock, ForgetWait};
use crate::actors::runtime::{Actor, Context, Handler, MailboxOptions, Overflow, ReplyTo};
use crate::storage::txn::{DeadlockCycle, DeadlockDetector};

/// Waits that have expired are swept out this often.
const SWEEP_INTERVAL: Duration = Duration::from_secs(10);

/// Knows every wait for a lock.
#[derive(Default)]
pub struct Deadlocks {
    detector: DeadlockDetector,
    found: u64,
}

impl Deadlocks {
    /// Nobody waits.
    pub fn new() -> Deadlocks {
        Deadlocks::default()
    }
}

impl Actor for Deadlocks {
    const KIND: &'static str = "deadlocks";

    fn mailbox() -> MailboxOptions {
        MailboxOptions { capacity: 1 << 16, overflow: Overflow::Reject }
    }

    fn started(&mut self, ctx: &mut Context<Self>) {
        ctx.run_interval(SWEEP_INTERVAL, |this, ctx| {
            this.detector.expire(ctx.system().clock().now().as_nanos());
        });
    }

    fn observe(&self) -> Value {
        json!({ "waits": self.detector.len(), "deadlocks": self.found })
    }
}

impl Handler<DetectDeadlock> for Deadlocks {
    fn handle(
        &mut self,
        message: DetectDeadlock,
        reply: ReplyTo<Option<DeadlockCycle>>,
        ctx: &mut Context<Self>,
    ) {
        let now = ctx.system().clock().now();
        let expires_at = (now + message.for_at_most).as_nanos();
        let cycle = self.detector.detect(message.edge, now.as_nanos(), expires_at);
        self.found += u64::from(cycle.is_some());
        reply.send(cycle);
    }
}

impl Handler<ForgetWait> for Deadlocks {
    fn handle(&mut self, message: ForgetWait, _reply: ReplyTo<()>, _ctx: &mut Context<Self>) {
        self.detector.remove(&message.edge);
    }
}
