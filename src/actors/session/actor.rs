//! The session's actor: one command at a time, each as a task it owns.

use std::collections::VecDeque;
use std::sync::Arc;

use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::answer::Sink;
use super::control::Control;
use super::core::Core;
use super::{
    Answer, CancelStatement, ClientInfo, Execute, Process, SessionServices, SwitchUser, Upload,
};
use crate::actors::runtime::{
    Actor, Context, Handler, MailboxOptions, Overflow, ReplyTo, Supervision,
};
use crate::common::SqlResult;

/// Something that needs the whole session.
enum Work {
    Execute(Execute, ReplyTo<Answer>),
    Switch(Box<ClientInfo>, ReplyTo<SqlResult<()>>),
}

/// A client's session.
pub struct Session {
    control: Arc<Control>,
    process: Arc<Process>,
    /// Away while a command works with it.
    core: Option<Box<Core>>,
    queue: VecDeque<Work>,
    commands: u64,
    /// Takes what the client sends of a file.
    uploads: mpsc::Sender<Upload>,
}

/// Packets of a file that wait for their statement.
const UPLOADS_AHEAD: usize = 4;

impl Session {
    /// A session for a client whose password was checked.
    pub fn new(
        services: Arc<SessionServices>,
        process: Arc<Process>,
        client: ClientInfo,
    ) -> Session {
        let control = Arc::new(Control::new(process.clone()));
        let (uploads, uploaded) = mpsc::channel(UPLOADS_AHEAD);
        let core = Core::new(services, process.clone(), control.clone(), client, uploaded);
        Session {
            control,
            process,
            core: Some(Box::new(core)),
            queue: VecDeque::new(),
            commands: 0,
            uploads,
        }
    }

    /// Runs the work, now or when the session is back.
    fn take_on(&mut self, work: Work, ctx: &mut Context<Self>) {
        let Some(core) = self.core.take() else {
            self.queue.push_back(work);
            return;
        };
        self.commands += 1;
        // On this thread as long as it does little, then where it keeps nobody waiting.
        let running = ctx.system().compute().roam(run(core, work));
        ctx.spawn_then(running, |session: &mut Session, core, ctx| {
            session.core = Some(core);
            if let Some(next) = session.queue.pop_front() {
                session.take_on(next, ctx);
            }
        });
    }
}

async fn run(mut core: Box<Core>, work: Work) -> Box<Core> {
    match work {
        Work::Execute(Execute { command, first_sequence }, reply) => {
            let mut sink = Sink::new(first_sequence, reply);
            core.execute(command, &mut sink).await;
            let sent = sink.finish().await;
            core.each_tally(|tally| tally.count_sent(sent));
        }
        Work::Switch(client, reply) => reply.send(core.switch(*client).await),
    }
    core
}

/// Nobody waits for the statement in hand any more.
impl Drop for Session {
    fn drop(&mut self) {
        self.control.cancel();
    }
}

impl Actor for Session {
    const KIND: &'static str = "session";

    fn mailbox() -> MailboxOptions {
        MailboxOptions { capacity: 16, overflow: Overflow::Reject }
    }

    /// A panic costs the connection, and nothing else.
    fn supervision() -> Supervision {
        Supervision::stop()
    }

    fn observe(&self) -> Value {
        let state = self.process.state();
        json!({
            "conn_id": self.process.id,
            "commands": self.commands,
            "waiting": self.queue.len(),
            "busy": self.core.is_none(),
            "database": state.database,
            "in_transaction": self.core.as_ref().map(|core| core.in_transaction()),
            "prepared_statements": self.core.as_ref().map(|core| core.prepared_count()),
        })
    }
}

/// Interleaves with nothing: a second command waits for the first. The answer's rest may follow through its channel.
impl Handler<Execute> for Session {
    fn handle(&mut self, message: Execute, reply: ReplyTo<Answer>, ctx: &mut Context<Self>) {
        self.take_on(Work::Execute(message, reply), ctx);
    }
}

/// Goes to the command in hand.
impl Handler<Upload> for Session {
    fn handle(&mut self, upload: Upload, reply: ReplyTo<()>, ctx: &mut Context<Self>) {
        let uploads = self.uploads.clone();
        ctx.spawn(async move {
            // The session itself is where it goes.
            let _ = uploads.send(upload).await;
            reply.send(());
        });
    }
}

/// Overtakes the command in hand.
impl Handler<CancelStatement> for Session {
    fn handle(&mut self, _message: CancelStatement, reply: ReplyTo<()>, _ctx: &mut Context<Self>) {
        self.control.cancel();
        reply.send(());
    }
}

/// Waits for the command in hand.
impl Handler<SwitchUser> for Session {
    fn handle(
        &mut self,
        message: SwitchUser,
        reply: ReplyTo<SqlResult<()>>,
        ctx: &mut Context<Self>,
    ) {
        self.take_on(Work::Switch(Box::new(message.0), reply), ctx);
    }
}
