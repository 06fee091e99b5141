//! The actor `/<node>/bridge/observer`: tells other nodes of the actors of this one, so that `/actors` of any node can
//! show them all.
//!
//! What it tells is the JSON of the admin endpoint: it is for people and their tools, and nodes of different versions
//! need not agree on more than that.

use bytes::Bytes;
use serde::Serialize;

use super::proto::{DescribeActorRequest, Json, ListActorsRequest};
use super::wire::{WireError, Wired};
use crate::actors::runtime::{
    Actor, ActorDetail, ActorPath, ActorSnapshot, Context, Failure, Handler, MailboxOptions,
    Overflow, ReplyTo, System,
};
use crate::message;

/// Asks for the actors of a node; answered with a JSON array of them, sorted by path.
#[derive(Clone, Debug)]
pub struct ListActors {
    /// Only those at or below this path.
    pub under: Option<ActorPath>,
    /// So many at most.
    pub limit: u32,
}
message!(ListActors => Bytes, "ListActors");

/// Asks for one actor, with what it says of its inside; answered with a JSON object.
#[derive(Clone, Debug)]
pub struct DescribeActor(pub ActorPath);
message!(DescribeActor => Option<Bytes>, "DescribeActor");

impl Wired for ListActors {
    type Wire = ListActorsRequest;
    type WireReply = Json;

    fn into_wire(self) -> ListActorsRequest {
        let under = self.under.map(|path| path.as_str().to_owned()).unwrap_or_default();
        ListActorsRequest { under, limit: self.limit }
    }

    fn from_wire(wire: ListActorsRequest) -> Result<ListActors, WireError> {
        let under = (!wire.under.is_empty()).then(|| ActorPath::new(&wire.under));
        Ok(ListActors { under, limit: wire.limit })
    }

    fn reply_to_wire(reply: Bytes) -> Json {
        Json { text: reply }
    }

    fn reply_from_wire(wire: Json) -> Result<Bytes, WireError> {
        Ok(wire.text)
    }
}

impl Wired for DescribeActor {
    type Wire = DescribeActorRequest;
    type WireReply = Json;

    fn into_wire(self) -> DescribeActorRequest {
        DescribeActorRequest { path: self.0.as_str().to_owned() }
    }

    fn from_wire(wire: DescribeActorRequest) -> Result<DescribeActor, WireError> {
        Ok(DescribeActor(ActorPath::new(&wire.path)))
    }

    fn reply_to_wire(reply: Option<Bytes>) -> Json {
        Json { text: reply.unwrap_or_default() }
    }

    fn reply_from_wire(wire: Json) -> Result<Option<Bytes>, WireError> {
        Ok((!wire.text.is_empty()).then_some(wire.text))
    }
}

/// Tells other nodes of the actors of this one. It has a core's thread and not the bridge's: a list of a hundred thousand actors takes a while.
pub(super) struct Observer;

impl Actor for Observer {
    const KIND: &'static str = "observer";

    fn mailbox() -> MailboxOptions {
        MailboxOptions { capacity: 64, overflow: Overflow::Reject }
    }
}

impl Handler<ListActors> for Observer {
    fn handle(&mut self, list: ListActors, reply: ReplyTo<Bytes>, ctx: &mut Context<Self>) {
        let mut actors: Vec<ActorSnapshot> = ctx.system().actors();
        if let Some(under) = list.under {
            actors.retain(|actor| actor.path.is_within(&under));
        }
        actors.truncate(list.limit as usize);
        reply.send(json(&actors));
    }
}

impl Handler<DescribeActor> for Observer {
    fn handle(
        &mut self,
        DescribeActor(path): DescribeActor,
        reply: ReplyTo<Option<Bytes>>,
        ctx: &mut Context<Self>,
    ) {
        let system = ctx.system().clone();
        ctx.spawn(async move {
            reply.send(describe(&system, &path).await);
        });
    }
}

#[derive(Serialize)]
struct Described {
    #[serde(flatten)]
    actor: ActorDetail,
    /// Its last panics, of those the node remembers.
    failures: Vec<Failure>,
}

/// One actor of this node, with what it says of its inside, as JSON.
pub(in crate::actors) async fn describe(system: &System, path: &ActorPath) -> Option<Bytes> {
    let actor = system.actor(path).await?;
    let mut failures = system.failures();
    failures.retain(|failure| failure.path == *path);
    Some(json(&Described { actor, failures }))
}

fn json(value: &impl Serialize) -> Bytes {
    serde_json::to_vec(value).expect("figures have only text keys and numbers").into()
}
