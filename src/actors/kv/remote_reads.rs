//! The door of a store: what other nodes ask of its regions.
//!
//! ```text
//! bridge ─▶ door ─▶ region peer           changes, and reads without a lease
//!                └▶ readers (a few) ─▶    reads under a lease: off the bridge's thread, past the peer's mailbox
//! bridge ─▶ door ─▶ region peer           reads of a replica that need not lead
//! ```

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;

use super::remote::AskWork;
use crate::actors::bridge::Bridge;
use crate::actors::runtime::{
    Actor, ActorPath, ActorRef, Address, AskError, Context, Handler, MailboxOptions, Message,
    Overflow, ReplyTo, SendError, System, Target, Thread,
};
use crate::actors::store::region_peer::{RegionPeer, ReplicaRead, SplitRegion};
use crate::actors::store::{KvCommand, RegionEntry, StoreNode, store_path};
use crate::storage::txn::{KvRequest, RegionContext, RegionError, RequestError};

/// How many reads of other nodes may wait for a reader.
const READS_WAITING: usize = 4096;
/// Readers, so that a long scan does not hold up all other reads.
const READERS: usize = 4;

/// Lets other nodes send requests to the regions of a store.
pub fn export_store(system: &System, bridge: &Bridge, store: &StoreNode) {
    let readers = (0..READERS).map(|number| {
        let store = store.clone();
        let name = format!("store-{}-reader-{number}", store.store_id);
        system.spawn_root(name, Thread::Any, move || RegionReader { store: store.clone() })
    });
    let door = Arc::new(RequestDoor {
        path: store_path(store.store_id),
        store: store.clone(),
        readers: readers.collect(),
        turn: AtomicUsize::new(0),
    });
    let exports = bridge.exports();
    exports.serve::<KvCommand>(&door.path, Address::new(door.clone()));
    exports.serve::<ReplicaRead>(&door.path, Address::new(door.clone()));
    exports.serve::<AskWork>(&door.path, Address::new(door.clone()));
    exports.serve::<SplitRegion>(&door.path, Address::new(door.clone()));
    system.registry().announce(door.path.clone(), system.node().to_owned());
}

struct RequestDoor {
    path: ActorPath,
    store: StoreNode,
    readers: Vec<ActorRef<RegionReader>>,
    turn: AtomicUsize,
}

/// A request to a region, with a refusal for a region that is not here.
trait ToRegion: Message {
    fn context(&self) -> RegionContext;
    fn refusal(error: RegionError) -> Self::Reply;
}

impl ToRegion for KvCommand {
    fn context(&self) -> RegionContext {
        self.context
    }

    fn refusal(error: RegionError) -> Self::Reply {
        Err(RequestError::Region(error))
    }
}

impl ToRegion for SplitRegion {
    fn context(&self) -> RegionContext {
        self.context
    }

    fn refusal(error: RegionError) -> Self::Reply {
        Err(RequestError::Region(error))
    }
}

impl ToRegion for ReplicaRead {
    fn context(&self) -> RegionContext {
        self.0.context
    }

    fn refusal(error: RegionError) -> Self::Reply {
        Err(RequestError::Region(error))
    }
}

/// Hands a request to the peer of its region.
fn to_peer<M: ToRegion>(
    store: &StoreNode,
    message: M,
    reply: ReplyTo<M::Reply>,
) -> Option<BoxFuture<'static, ()>>
where
    RegionPeer: Handler<M>,
{
    let region_id = message.context().region_id;
    match store.router.get(region_id) {
        Some(entry) => entry.deliver(message, reply),
        None => {
            reply.send(M::refusal(RegionError::RegionNotFound(region_id)));
            None
        }
    }
}

impl RequestDoor {
    fn region<M: ToRegion>(&self, message: &M) -> Result<Arc<RegionEntry>, SendError> {
        let entry = self.store.router.get(message.context().region_id);
        entry.ok_or_else(|| SendError::Stopped(self.path.clone()))
    }

    fn ask_peer<M: ToRegion>(
        &self,
        message: M,
        deadline: Duration,
    ) -> BoxFuture<'static, Result<M::Reply, AskError>>
    where
        RegionPeer: Handler<M>,
    {
        match self.region(&message) {
            Ok(region) => region.ask(message, deadline).boxed(),
            Err(error) => std::future::ready(Err(error.into())).boxed(),
        }
    }
}

impl Target<KvCommand> for RequestDoor {
    fn path(&self) -> &ActorPath {
        &self.path
    }

    fn tell(&self, command: KvCommand) -> Result<(), SendError> {
        self.region(&command)?.tell(command)
    }

    fn ask(
        &self,
        command: KvCommand,
        deadline: Duration,
    ) -> BoxFuture<'static, Result<<KvCommand as Message>::Reply, AskError>> {
        self.ask_peer(command, deadline)
    }

    fn deliver(
        &self,
        command: KvCommand,
        reply: ReplyTo<<KvCommand as Message>::Reply>,
    ) -> Option<BoxFuture<'static, ()>> {
        match command.request {
            KvRequest::Get { .. } | KvRequest::BatchGet { .. } | KvRequest::Scan { .. } => {
                let turn = self.turn.fetch_add(1, Ordering::Relaxed);
                self.readers[turn % self.readers.len()].deliver(command, reply)
            }
            _ => to_peer(&self.store, command, reply),
        }
    }

    fn is_local(&self) -> bool {
        true
    }
}

/// A message that goes to the region's peer, whatever it says.
macro_rules! for_the_peer {
    ($message:ty) => {
        impl Target<$message> for RequestDoor {
            fn path(&self) -> &ActorPath {
                &self.path
            }

            fn tell(&self, message: $message) -> Result<(), SendError> {
                self.region(&message)?.tell(message)
            }

            fn ask(
                &self,
                message: $message,
                deadline: Duration,
            ) -> BoxFuture<'static, Result<<$message as Message>::Reply, AskError>> {
                self.ask_peer(message, deadline)
            }

            fn deliver(
                &self,
                message: $message,
                reply: ReplyTo<<$message as Message>::Reply>,
            ) -> Option<BoxFuture<'static, ()>> {
                to_peer(&self.store, message, reply)
            }

            fn is_local(&self) -> bool {
                true
            }
        }
    };
}

/// Answered at once, past all that waits.
impl Target<AskWork> for RequestDoor {
    fn path(&self) -> &ActorPath {
        &self.path
    }

    fn tell(&self, _: AskWork) -> Result<(), SendError> {
        Ok(())
    }

    fn ask(&self, _: AskWork, _: Duration) -> BoxFuture<'static, Result<u64, AskError>> {
        std::future::ready(Ok(self.store.router.done())).boxed()
    }

    fn deliver(&self, _: AskWork, reply: ReplyTo<u64>) -> Option<BoxFuture<'static, ()>> {
        reply.send(self.store.router.done());
        None
    }

    fn is_local(&self) -> bool {
        true
    }
}

for_the_peer!(SplitRegion);
for_the_peer!(ReplicaRead);

/// Reads for other nodes.
struct RegionReader {
    store: StoreNode,
}

impl Actor for RegionReader {
    const KIND: &'static str = "region-reader";

    fn mailbox() -> MailboxOptions {
        MailboxOptions { capacity: READS_WAITING, overflow: Overflow::Reject }
    }
}

impl Handler<KvCommand> for RegionReader {
    fn handle(
        &mut self,
        command: KvCommand,
        reply: ReplyTo<<KvCommand as Message>::Reply>,
        ctx: &mut Context<Self>,
    ) {
        if let Some(read) = self.store.reader.read(&command.context, &command.request) {
            self.store.router.has_read();
            reply.send(read);
        } else if let Some(waiting) = to_peer(&self.store, command, reply) {
            ctx.spawn(waiting);
        }
    }
}
