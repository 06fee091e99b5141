//! The gateway's side: where accounts are asked for, and sessions that are on another node.

use std::collections::BTreeMap;
use std::future::Future;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::hosted::{name, sessions_path};
use super::listing::KillProcess;
use super::messages::{
    AnswerPart, CloseSession, FindAccount, KeepSessions, MoreAnswer, OpenSession, RunCommand,
};
use crate::actors::bridge::{Bridge, Remote};
use crate::actors::runtime::{
    Actor, ActorPath, Address, AskError, Below, Context, Handler, MailboxOptions, Overflow,
    ReplyTo, SendError, Supervision, System, Thread,
};
use crate::actors::session::{
    Account, Accounts, Answer, CancelStatement, ClientInfo, ClientLimits, Execute, Kill, Part,
    Process, ProcessList, SessionRef, Sessions, SwitchUser, Upload,
};
use crate::common::{SqlError, SqlResult, errno};
use crate::message;
use crate::protocol::packet::PacketWriter;
use crate::protocol::response;

/// A statement may take as long as it wants; its client ends it with KILL.
const STATEMENT_DEADLINE: Duration = Duration::from_secs(365 * 24 * 3600);
/// How long a node may take to open a session or to find an account.
const DEADLINE: Duration = Duration::from_secs(5);
/// The name of the actor that does so.
const KEEPER: &str = "session-keeper";
/// How often nodes are told which sessions have clients.
const KEEP_EVERY: Duration = Duration::from_secs(5);
/// Parts of an answer on their way to the client.
const PARTS_AHEAD: usize = 2;

/// The nodes that run statements, as far as this one knows.
pub struct SqlNodes {
    bridge: Bridge,
    names: Box<dyn Fn() -> Vec<String> + Send + Sync>,
}

/// Whose turn it is.
#[derive(Default)]
struct Turn(AtomicUsize);

impl SqlNodes {
    /// `names` knows who they are.
    pub fn new(
        bridge: Bridge,
        names: impl Fn() -> Vec<String> + Send + Sync + 'static,
    ) -> Arc<SqlNodes> {
        Arc::new(SqlNodes { bridge, names: Box::new(names) })
    }

    /// Asks the one whose turn it is; while one cannot be reached, the one after it. Answers who it was.
    async fn ask<M: Remote + Clone>(
        &self,
        turn: &Turn,
        message: M,
    ) -> SqlResult<(String, M::Reply)> {
        let mut names = (self.names)();
        if names.is_empty() {
            return Err(SqlError::new(errno::UNKNOWN, "there is no SQL node in the cluster"));
        }
        let turn = turn.0.fetch_add(1, Ordering::Relaxed) % names.len();
        names.rotate_left(turn);
        let mut trouble = None;
        for node in names {
            let address = self.bridge.address::<M>(sessions_path(&node));
            match address.ask(message.clone(), DEADLINE).await {
                Ok(reply) => return Ok((node, reply)),
                Err(error) => trouble = Some(error),
            }
        }
        let trouble = trouble.map(|error| error.to_string()).unwrap_or_default();
        Err(SqlError::new(errno::UNKNOWN, format!("no SQL node answers: {trouble}")))
    }
}

/// The accounts, asked of a node that has them.
pub struct RemoteAccounts {
    nodes: Arc<SqlNodes>,
    turn: Turn,
}

impl RemoteAccounts {
    /// Those that `nodes` know.
    pub fn new(nodes: Arc<SqlNodes>) -> RemoteAccounts {
        RemoteAccounts { nodes, turn: Turn::default() }
    }
}

#[async_trait]
impl Accounts for RemoteAccounts {
    async fn find(&self, user: &str, address: IpAddr) -> SqlResult<Option<Account>> {
        let find = FindAccount { user: user.to_owned(), address };
        Ok(self.nodes.ask(&self.turn, find).await?.1)
    }
}

/// Where a gateway ends connections whose sessions are elsewhere.
pub(super) fn keeper_path(node: &str) -> ActorPath {
    ActorPath::node_root(node).child(KEEPER)
}

/// The sessions of this gateway, by node: number, and the connection's process.
type Opened = Mutex<BTreeMap<String, BTreeMap<u64, Arc<Process>>>>;

/// Opens sessions on other nodes.
pub struct RemoteSessions {
    nodes: Arc<SqlNodes>,
    gateway: String,
    opened: Arc<Opened>,
    turn: Arc<Turn>,
}

impl RemoteSessions {
    /// For the gateway of the node `gateway`.
    pub fn new(nodes: Arc<SqlNodes>, gateway: &str) -> RemoteSessions {
        let (opened, turn) = (Arc::default(), Arc::default());
        RemoteSessions { nodes, gateway: gateway.to_owned(), opened, turn }
    }

    /// Starts the actor that tells nodes which sessions have clients.
    pub fn keep(
        &self,
        system: &System,
        processes: Arc<ProcessList>,
    ) -> crate::actors::runtime::ActorRef<SessionKeeper> {
        let (nodes, gateway, opened) =
            (self.nodes.clone(), self.gateway.clone(), self.opened.clone());
        let keeper = system.spawn_root(KEEPER, Thread::Any, move || SessionKeeper {
            nodes: nodes.clone(),
            gateway: gateway.clone(),
            opened: opened.clone(),
            processes: processes.clone(),
        });
        self.nodes.bridge.export(&keeper).message::<KillProcess>();
        keeper
    }
}

impl Sessions for RemoteSessions {
    fn open(
        &self,
        connection: Below<'_>,
        client: ClientInfo,
        process: Arc<Process>,
    ) -> BoxFuture<'static, SqlResult<SessionRef>> {
        let (bridge, opened) = (self.nodes.bridge.clone(), self.opened.clone());
        let session = {
            let process = process.clone();
            connection.child("session", Thread::Same, move || Away {
                bridge: bridge.clone(),
                opened: opened.clone(),
                process: process.clone(),
                place: None,
            })
        };
        let open =
            OpenSession { client, peer: process.state().host, gateway: self.gateway.clone() };
        let (nodes, turn) = (self.nodes.clone(), self.turn.clone());
        async move {
            let (node, number) = nodes.ask(&turn, open).await?;
            let attached = session.ask(Attach { node, number: number? }, DEADLINE).await;
            attached.map_err(SqlError::internal)?;
            Ok(SessionRef {
                execute: session.address::<Execute>(),
                upload: session.address::<Upload>(),
                cancel: session.address::<CancelStatement>(),
                switch: session.address::<SwitchUser>(),
            })
        }
        .boxed()
    }
}

/// The session is there.
struct Attach {
    node: String,
    number: u64,
}
message!(Attach => (), "Attach");

/// Where a session is.
struct Place {
    node: String,
    number: u64,
    run: Address<RunCommand>,
    more: Address<MoreAnswer>,
    upload: Address<Upload>,
    cancel: Address<CancelStatement>,
    switch: Address<SwitchUser>,
    close: Address<CloseSession>,
}

/// A session that is on another node, as its connection sees it.
struct Away {
    bridge: Bridge,
    opened: Arc<Opened>,
    process: Arc<Process>,
    place: Option<Place>,
}

impl Actor for Away {
    const KIND: &'static str = "remote-session";

    fn mailbox() -> MailboxOptions {
        MailboxOptions { capacity: 16, overflow: Overflow::Reject }
    }

    fn supervision() -> Supervision {
        Supervision::stop()
    }

    fn observe(&self) -> Value {
        json!({
            "conn_id": self.process.id,
            "node": self.place.as_ref().map(|place| &place.node),
            "session": self.place.as_ref().map(|place| place.number),
        })
    }
}

impl Drop for Away {
    /// The client is gone. If the word gets lost, the keeper's list says so.
    fn drop(&mut self) {
        let Some(place) = &self.place else { return };
        let _ = place.close.tell(CloseSession);
        if let Some(sessions) = self.opened.lock().get_mut(&place.node) {
            sessions.remove(&place.number);
        }
    }
}

impl Handler<Attach> for Away {
    fn handle(&mut self, attach: Attach, reply: ReplyTo<()>, _ctx: &mut Context<Self>) {
        let Attach { node, number } = attach;
        let path = sessions_path(&node).child(&name(number));
        let mut opened = self.opened.lock();
        opened.entry(node.clone()).or_default().insert(number, self.process.clone());
        self.place = Some(Place {
            run: self.bridge.address(path.clone()),
            more: self.bridge.address(path.clone()),
            upload: self.bridge.address(path.clone()),
            cancel: self.bridge.address(path.clone()),
            switch: self.bridge.address(path.clone()),
            close: self.bridge.address(path),
            node,
            number,
        });
        reply.send(());
    }
}

/// The answer, or its beginning, goes back as soon as it is there; the rest follows through its channel.
impl Handler<Execute> for Away {
    fn handle(&mut self, execute: Execute, reply: ReplyTo<Answer>, ctx: &mut Context<Self>) {
        let Some(place) = &self.place else { return ctx.stop() };
        let Execute { command, first_sequence } = execute;
        let run = RunCommand { payload: command.encode(), first_sequence };
        let asked = place.run.ask(run, STATEMENT_DEADLINE);
        let (more, node) = (place.more.clone(), place.node.clone());
        let process = self.process.clone();
        ctx.spawn(async move {
            match asked.await {
                Err(error) => reply.send(lost(&node, &error, first_sequence)),
                Ok(AnswerPart { bytes, more: false, asks, disconnect, limits }) => {
                    learn(&process, limits);
                    reply.send(Answer { bytes, asks, rest: None, disconnect });
                }
                Ok(AnswerPart { bytes, limits, asks, .. }) => {
                    learn(&process, limits);
                    let (sender, rest) = mpsc::channel(PARTS_AHEAD);
                    reply.send(Answer { bytes, asks, rest: Some(rest), disconnect: false });
                    match stream(&more, &sender).await {
                        Ok(limits) => learn(&process, limits),
                        // Before the channel ends, or half an answer would pass for a whole one.
                        Err(_) => process.end(),
                    }
                }
            }
        });
    }
}

/// Takes in what the client may do from now on.
fn learn(process: &Process, limits: Option<ClientLimits>) {
    if let Some(limits) = limits {
        process.set_limits(limits);
    }
}

/// Takes the parts of an answer along until there are no more, or nobody wants them. Answers what the client may do from then on.
async fn stream(
    more: &Address<MoreAnswer>,
    sender: &mpsc::Sender<Part>,
) -> Result<Option<ClientLimits>, AskError> {
    loop {
        let part = more.ask(MoreAnswer, STATEMENT_DEADLINE).await?;
        if !part.more {
            return Ok(part.limits);
        }
        if sender.send(Part { bytes: part.bytes, asks: part.asks }).await.is_err() {
            return Ok(None);
        }
    }
}

/// What a client is told whose session cannot be reached any more; its connection ends. Clients take this error for what
/// it is, a lost connection: whatever was in hand, a commit too, may have come to an end or not.
fn lost(node: &str, error: &AskError, first_sequence: u8) -> Answer {
    let reason = match error {
        AskError::Send(SendError::Unreachable(_)) | AskError::Lost(_) => "cannot be reached",
        _ => "does not answer",
    };
    let text = format!("the session was on node {node}, which {reason}: connect again");
    let mut writer = PacketWriter::new(first_sequence);
    response::write_error(&mut writer, &SqlError::new(errno::SERVER_SHUTDOWN, text));
    Answer { bytes: writer.take(), asks: None, rest: None, disconnect: true }
}

impl Handler<Upload> for Away {
    fn handle(&mut self, upload: Upload, reply: ReplyTo<()>, ctx: &mut Context<Self>) {
        let Some(place) = &self.place else { return ctx.stop() };
        let taken = place.upload.ask(upload, STATEMENT_DEADLINE);
        let process = self.process.clone();
        ctx.spawn(async move {
            // A file with a hole in it would pass for a whole one.
            if taken.await.is_err() {
                process.end();
            }
            reply.send(());
        });
    }
}

impl Handler<CancelStatement> for Away {
    fn handle(&mut self, cancel: CancelStatement, reply: ReplyTo<()>, _: &mut Context<Self>) {
        if let Some(place) = &self.place {
            let _ = place.cancel.tell(cancel);
        }
        reply.send(());
    }
}

impl Handler<SwitchUser> for Away {
    fn handle(
        &mut self,
        switch: SwitchUser,
        reply: ReplyTo<SqlResult<()>>,
        ctx: &mut Context<Self>,
    ) {
        let Some(place) = &self.place else { return ctx.stop() };
        let asked = place.switch.ask(switch, STATEMENT_DEADLINE);
        ctx.spawn(async move {
            let switched = asked.await;
            reply.send(switched.unwrap_or_else(|error| Err(SqlError::internal(error))));
        });
    }
}

/// The actor `/<node>/session-keeper`: tells nodes which of their sessions have clients here, and ends connections whose
/// sessions are gone or were killed.
pub struct SessionKeeper {
    nodes: Arc<SqlNodes>,
    gateway: String,
    opened: Arc<Opened>,
    processes: Arc<ProcessList>,
}

impl SessionKeeper {
    fn keep(&self) -> impl Future<Output = ()> + 'static {
        let processes = self.processes.clone();
        let asked: Vec<_> = self
            .opened
            .lock()
            .iter()
            .map(|(node, sessions)| {
                let keep = KeepSessions {
                    gateway: self.gateway.clone(),
                    sessions: sessions.keys().copied().collect(),
                };
                let address = self.nodes.bridge.address::<KeepSessions>(sessions_path(node));
                (address.ask(keep, DEADLINE), sessions.clone())
            })
            .collect();
        async move {
            for (asked, sessions) in asked {
                // One that cannot be reached may be again; who has a command for it finds out.
                let gone = asked.await.unwrap_or_default();
                for process in gone.iter().filter_map(|number| sessions.get(number)) {
                    processes.kill(process.id, Kill::Connection);
                }
            }
        }
    }
}

impl Actor for SessionKeeper {
    const KIND: &'static str = "session-keeper";

    fn started(&mut self, ctx: &mut Context<Self>) {
        ctx.run_interval(KEEP_EVERY, |keeper, ctx| {
            let keeping = keeper.keep();
            ctx.spawn(keeping);
        });
    }

    fn observe(&self) -> Value {
        let opened = self.opened.lock();
        let counts: BTreeMap<&String, usize> =
            opened.iter().map(|(node, sessions)| (node, sessions.len())).collect();
        json!({ "sessions": counts })
    }
}

impl Handler<KillProcess> for SessionKeeper {
    fn handle(&mut self, message: KillProcess, reply: ReplyTo<bool>, _ctx: &mut Context<Self>) {
        reply.send(self.processes.kill(message.id, message.what));
    }
}
