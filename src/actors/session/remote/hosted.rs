//! The SQL node's side: sessions of clients whose connections are elsewhere.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;
use dashmap::DashMap;
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio::time::Instant;
use tracing::debug;

use super::away::keeper_path;
use super::listing::{AccountsChanged, KillProcess, ListProcesses};
use super::messages::{
    AnswerPart, CloseSession, FindAccount, KeepSessions, MoreAnswer, OpenSession, RunCommand,
};
use crate::actors::bridge::{Bridge, Remote};
use crate::actors::runtime::{
    Actor, ActorPath, ActorRef, Address, AskError, Context, Handler, MailboxOptions, Overflow,
    ReplyTo, Supervision, System, Thread,
};
use crate::actors::session::rights::check_first_database;
use crate::actors::session::{
    Account, Answer, CancelStatement, ClientInfo, ClientLimits, Execute, Kill, Part, Process,
    ProcessState, Session, SessionServices, SwitchUser, Upload,
};
use crate::common::{SqlError, SqlResult};
use crate::message;
use crate::protocol::command::Command;

/// A statement may take as long as it wants; its client ends it.
const STATEMENT_DEADLINE: Duration = Duration::from_secs(365 * 24 * 3600);
/// How often it is looked whose gateway is not heard of any more.
const LOOK_AROUND: Duration = Duration::from_secs(5);
/// A gateway that was silent for so long is gone, and with it its clients.
const SILENCE_MAX: Duration = Duration::from_secs(30);
/// A session that is younger may have been opened after the gateway wrote its list.
const YOUNG: Duration = Duration::from_secs(10);
/// How often it is looked whether statements are still in hand, when the node stops.
const DRAIN_POLL: Duration = Duration::from_millis(10);
/// How long a gateway may take to end a connection that was killed.
const KILL_DEADLINE: Duration = Duration::from_secs(2);
/// What waits of an answer is taken along up to this size.
const PART_BYTES: usize = 256 << 10;

/// Where a node opens sessions for gateways.
pub fn sessions_path(node: &str) -> ActorPath {
    ActorPath::node_root(node).child("sessions")
}

/// The sessions by path: for messages from other nodes, which find them past the host's mailbox.
type Open = Arc<DashMap<ActorPath, ActorRef<Hosted>>>;

/// The node stops: open no sessions any more. Answered when no statement is in hand.
#[derive(Clone, Copy, Debug)]
pub struct DrainSessions;
message!(DrainSessions => (), "DrainSessions");

/// The actor `/<node>/sessions`: opens sessions for the gateways of other nodes.
pub struct SessionHost {
    pub(super) services: Arc<SessionServices>,
    bridge: Bridge,
    open: Open,
    /// By number.
    hosted: BTreeMap<u64, Entry>,
    /// When a gateway was last heard of.
    heard: BTreeMap<String, Instant>,
    next: u64,
    opened: u64,
    is_draining: bool,
}

struct Entry {
    gateway: String,
    since: Instant,
    session: ActorRef<Hosted>,
    process: Arc<Process>,
}

impl SessionHost {
    /// Starts it, and lets gateways ask.
    pub fn start(
        system: &System,
        bridge: &Bridge,
        services: Arc<SessionServices>,
    ) -> ActorRef<SessionHost> {
        let open = Open::default();
        let (sessions, clock) = (open.clone(), system.clock().clone());
        let to_gateways = bridge.clone();
        let host = system.spawn_root("sessions", Thread::Any, move || {
            sessions.clear();
            SessionHost {
                services: services.clone(),
                bridge: to_gateways.clone(),
                open: sessions.clone(),
                hosted: BTreeMap::new(),
                heard: BTreeMap::new(),
                // Not those of an earlier life: somebody may still believe in them.
                next: clock.unix_ms() << 20,
                opened: 0,
                is_draining: false,
            }
        });
        bridge
            .export(&host)
            .message::<OpenSession>()
            .message::<FindAccount>()
            .message::<KeepSessions>()
            .message::<ListProcesses>()
            .message::<KillProcess>()
            .message::<AccountsChanged>();
        serve::<RunCommand>(bridge, &host, &open);
        serve::<MoreAnswer>(bridge, &host, &open);
        serve::<Upload>(bridge, &host, &open);
        serve::<CancelStatement>(bridge, &host, &open);
        serve::<SwitchUser>(bridge, &host, &open);
        serve::<CloseSession>(bridge, &host, &open);
        host
    }

    fn open(&mut self, request: OpenSession, ctx: &mut Context<Self>) -> SqlResult<u64> {
        let OpenSession { client, peer, gateway } = request;
        if let Some(database) = &client.database {
            check_first_database(&self.services, &client, database)?;
            self.services.schema.current().require_database(database)?;
        }
        let id = client.connection_id;
        if self.services.processes.has(id) {
            return Err(SqlError::internal(format!("connection {id} has a session already")));
        }
        let process = self.services.processes.add(
            id,
            ProcessState {
                user: client.user.clone(),
                host: peer,
                database: client.database.clone(),
                command: "Sleep",
                since: self.services.clock.now(),
                info: None,
            },
        );
        self.next += 1;
        self.opened += 1;
        let (number, services) = (self.next, self.services.clone());
        let at_gateway = self.bridge.address::<KillProcess>(keeper_path(&gateway));
        let at_hand = process.clone();
        let session = ctx.child(name(number), Thread::Any, move || Hosted {
            services: services.clone(),
            process: process.clone(),
            client: client.clone(),
            at_gateway: at_gateway.clone(),
            session: None,
            rest: None,
            told: ClientLimits::default(),
        });
        self.open.insert(session.path().clone(), session.clone());
        self.heard.insert(gateway.clone(), Instant::now());
        self.hosted
            .insert(number, Entry { gateway, since: Instant::now(), session, process: at_hand });
        Ok(number)
    }

    /// Forgets sessions that have ended.
    fn forget(&mut self) {
        self.hosted.retain(|_, entry| entry.session.is_alive());
        self.open.retain(|_, session| session.is_alive());
    }

    fn look_around(&mut self) {
        self.forget();
        let now = self.services.clock.now();
        for process in self.services.processes.list() {
            if process.rests_too_long(now) {
                debug!(
                    conn_id = process.id,
                    "ending a session that was idle for longer than wait_timeout"
                );
                process.end();
            }
        }
        self.heard.retain(|_, heard| heard.elapsed() < SILENCE_MAX);
        for (number, entry) in &self.hosted {
            if !self.heard.contains_key(&entry.gateway) {
                debug!(number, gateway = entry.gateway, "a session's gateway is gone");
                entry.session.stop();
            }
        }
    }
}

/// The name of a session's actor.
pub(super) fn name(number: u64) -> String {
    format!("session-{number}")
}

fn serve<M: Remote>(bridge: &Bridge, host: &ActorRef<SessionHost>, open: &Open)
where
    Hosted: Handler<M>,
{
    let open = open.clone();
    let find = move |path: &ActorPath| open.get(path).map(|session| session.address::<M>());
    bridge.exports().serve_below::<M>(host.path(), find);
}

impl Actor for SessionHost {
    const KIND: &'static str = "session-host";

    fn started(&mut self, ctx: &mut Context<Self>) {
        ctx.run_interval(LOOK_AROUND, |host, _| host.look_around());
    }

    fn observe(&self) -> Value {
        let alive = self.hosted.values().filter(|entry| entry.session.is_alive());
        json!({
            "opened": self.opened,
            "sessions": alive.count(),
            "gateways": self.heard.keys().collect::<Vec<_>>(),
        })
    }
}

impl Handler<OpenSession> for SessionHost {
    fn handle(
        &mut self,
        request: OpenSession,
        reply: ReplyTo<SqlResult<u64>>,
        ctx: &mut Context<Self>,
    ) {
        // Without an answer the gateway asks the next node.
        if !self.is_draining {
            let opened = self.open(request, ctx);
            reply.send(opened);
        }
    }
}

impl Handler<DrainSessions> for SessionHost {
    fn handle(&mut self, _: DrainSessions, reply: ReplyTo<()>, ctx: &mut Context<Self>) {
        self.is_draining = true;
        let processes = self.services.processes.clone();
        let hosted: Vec<_> = self
            .hosted
            .values()
            .map(|entry| (entry.session.clone(), entry.process.clone()))
            .collect();
        // A statement that has ended is in hand until its answer is on its way.
        let in_hand = move || {
            let at_work = |(session, process): &(ActorRef<Hosted>, Arc<Process>)| {
                session.is_alive() && process.is_at_work()
            };
            hosted.iter().any(at_work)
        };
        ctx.spawn(async move {
            while processes.running() > 0 || in_hand() {
                tokio::time::sleep(DRAIN_POLL).await;
            }
            reply.send(());
        });
    }
}

impl Handler<FindAccount> for SessionHost {
    fn handle(
        &mut self,
        request: FindAccount,
        reply: ReplyTo<Option<Account>>,
        _ctx: &mut Context<Self>,
    ) {
        reply.send(self.services.accounts.table().find(&request.user, request.address).cloned());
    }
}

impl Handler<KeepSessions> for SessionHost {
    fn handle(
        &mut self,
        request: KeepSessions,
        reply: ReplyTo<Vec<u64>>,
        _ctx: &mut Context<Self>,
    ) {
        self.forget();
        self.heard.insert(request.gateway.clone(), Instant::now());
        for (number, entry) in &self.hosted {
            let is_kept = request.sessions.contains(number);
            let is_its = entry.gateway == request.gateway;
            if is_its && !is_kept && entry.since.elapsed() > YOUNG {
                debug!(number, gateway = entry.gateway, "a session has no client any more");
                entry.session.stop();
            }
        }
        let is_gone = |number: &u64| !self.hosted.contains_key(number);
        reply.send(request.sessions.into_iter().filter(is_gone).collect());
    }
}

/// A session for a client elsewhere: takes its commands apart and its answers into parts.
pub struct Hosted {
    services: Arc<SessionServices>,
    process: Arc<Process>,
    client: ClientInfo,
    /// Ends the connection.
    at_gateway: Address<KillProcess>,
    session: Option<ActorRef<Session>>,
    /// Of the answer in hand.
    rest: Option<mpsc::Receiver<Part>>,
    /// What its gateway has been told that its client may do.
    told: ClientLimits,
}

impl Actor for Hosted {
    const KIND: &'static str = "hosted-session";

    fn mailbox() -> MailboxOptions {
        MailboxOptions { capacity: 16, overflow: Overflow::Reject }
    }

    /// A panic costs the connection, and nothing else.
    fn supervision() -> Supervision {
        Supervision::stop()
    }

    fn started(&mut self, ctx: &mut Context<Self>) {
        self.process.at_rest(self.services.clock.now());
        let (services, process, client) =
            (self.services.clone(), self.process.clone(), self.client.clone());
        self.session = Some(ctx.child("session", Thread::Same, move || {
            Session::new(services.clone(), process.clone(), client.clone())
        }));
        let (process, me) = (self.process.clone(), ctx.me().clone());
        let at_gateway = self.at_gateway.clone();
        ctx.spawn(async move {
            process.killed().await;
            // The client is told, and this session closed. If the gateway cannot do it, the session ends all the same.
            let kill = KillProcess { id: process.id, what: Kill::Connection };
            let _ = at_gateway.ask(kill, KILL_DEADLINE).await;
            me.stop();
        });
    }

    fn observe(&self) -> Value {
        json!({ "conn_id": self.process.id, "streams": self.rest.is_some() })
    }
}

impl Drop for Hosted {
    fn drop(&mut self) {
        self.services.processes.remove(self.process.id);
    }
}

impl Hosted {
    fn answered(
        &mut self,
        answer: Result<Answer, AskError>,
        reply: ReplyTo<AnswerPart>,
        ctx: &mut Context<Self>,
    ) {
        // Without an answer the session has failed; the asker hears of it as the reply is let go.
        let Ok(Answer { bytes, asks, rest, disconnect }) = answer else { return ctx.stop() };
        self.rest = rest;
        let limits = self.news();
        reply.send(AnswerPart { bytes, more: self.rest.is_some(), asks, disconnect, limits });
        if self.rest.is_none() {
            self.process.at_rest(self.services.clock.now());
        }
    }

    /// What the client may do, if that has changed since its gateway was told. What a gateway knows first is the default.
    fn news(&mut self) -> Option<ClientLimits> {
        let limits = self.process.limits();
        (std::mem::replace(&mut self.told, limits) != limits).then_some(limits)
    }
}

/// One at a time: the gateway asks for the next command when the answer is complete.
impl Handler<RunCommand> for Hosted {
    fn handle(&mut self, request: RunCommand, reply: ReplyTo<AnswerPart>, ctx: &mut Context<Self>) {
        let RunCommand { payload, first_sequence } = request;
        let (Ok(command), Some(session)) = (Command::decode(&payload), &self.session) else {
            return ctx.stop();
        };
        self.rest = None;
        self.process.at_work();
        let asked = session.ask(Execute { command, first_sequence }, STATEMENT_DEADLINE);
        ctx.spawn_then(asked, move |hosted, answer, ctx| hosted.answered(answer, reply, ctx));
    }
}

impl Handler<MoreAnswer> for Hosted {
    fn handle(&mut self, _: MoreAnswer, reply: ReplyTo<AnswerPart>, ctx: &mut Context<Self>) {
        let Some(mut rest) = self.rest.take() else {
            return reply.send(AnswerPart::default());
        };
        let part = async move {
            let first = rest.recv().await;
            (first, rest)
        };
        ctx.spawn_then(part, move |hosted, (first, mut rest), _| {
            let Some(first) = first else {
                let limits = hosted.news();
                reply.send(AnswerPart { limits, ..AnswerPart::default() });
                return hosted.process.at_rest(hosted.services.clock.now());
            };
            let (mut bytes, mut asks) = (BytesMut::from(first.bytes), first.asks);
            // What asks for a file is the last of its part.
            while asks.is_none()
                && bytes.len() < PART_BYTES
                && let Ok(more) = rest.try_recv()
            {
                bytes.extend_from_slice(&more.bytes);
                asks = more.asks;
            }
            hosted.rest = Some(rest);
            let bytes = bytes.freeze();
            reply.send(AnswerPart { bytes, asks, more: true, ..AnswerPart::default() });
        });
    }
}

/// Goes to the command in hand.
impl Handler<Upload> for Hosted {
    fn handle(&mut self, upload: Upload, reply: ReplyTo<()>, ctx: &mut Context<Self>) {
        let Some(session) = &self.session else { return ctx.stop() };
        let taken = session.ask(upload, STATEMENT_DEADLINE);
        ctx.spawn(async move {
            // Without an answer the asker hears of it as the reply is let go.
            if taken.await.is_ok() {
                reply.send(());
            }
        });
    }
}

/// Overtakes the command in hand.
impl Handler<CancelStatement> for Hosted {
    fn handle(&mut self, cancel: CancelStatement, reply: ReplyTo<()>, _: &mut Context<Self>) {
        if let Some(session) = &self.session {
            let _ = session.tell(cancel);
        }
        reply.send(());
    }
}

impl Handler<SwitchUser> for Hosted {
    fn handle(
        &mut self,
        switch: SwitchUser,
        reply: ReplyTo<SqlResult<()>>,
        ctx: &mut Context<Self>,
    ) {
        let Some(session) = &self.session else { return ctx.stop() };
        let client = switch.0.clone();
        let asked = session.ask(switch, STATEMENT_DEADLINE);
        ctx.spawn_then(asked, move |hosted, switched, ctx| {
            let Ok(switched) = switched else { return ctx.stop() };
            if switched.is_ok() {
                hosted.process.update(|state| {
                    state.user.clone_from(&client.user);
                    state.database.clone_from(&client.database);
                });
            }
            reply.send(switched);
        });
    }
}

impl Handler<CloseSession> for Hosted {
    fn handle(&mut self, _: CloseSession, reply: ReplyTo<()>, ctx: &mut Context<Self>) {
        reply.send(());
        ctx.stop();
    }
}
