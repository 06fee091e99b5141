//! The worker: takes jobs in, runs the queue, answers.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};
use tracing::warn;

use super::DeleteRangeWorker;
use super::messages::{JobReport, SubmitJob};
use super::run::{self, DdlParts, Looked};
use crate::actors::runtime::{
    Actor, ActorRef, Context, Handler, MailboxOptions, Overflow, ReplyTo, Supervision, Thread,
};
use crate::common::{SqlError, SqlResult};
use crate::sql::ddl::{Job, JobState};

/// How soon to look again after an error, and how often to look for what another node has done.
const LOOK_AGAIN: Duration = Duration::from_millis(500);

/// Runs schema changes.
pub struct DdlWorker {
    parts: DdlParts,
    /// How long dropped ranges are kept for those who still read old snapshots.
    keep_dropped: Duration,
    /// Sessions that wait, by job.
    waiting: BTreeMap<u64, ReplyTo<SqlResult<JobReport>>>,
    delete_range: Option<ActorRef<DeleteRangeWorker>>,
    /// The last job that has come to its end here: jobs run in the order of their ids.
    last_finished: u64,
    running: bool,
    /// A look was asked for while one was under way.
    again: bool,
    finished: u64,
    last_error: Option<String>,
}

impl DdlWorker {
    /// A worker; it looks at the queue as soon as it starts.
    pub fn new(parts: DdlParts, keep_dropped: Duration) -> DdlWorker {
        DdlWorker {
            parts,
            keep_dropped,
            waiting: BTreeMap::new(),
            delete_range: None,
            last_finished: 0,
            running: false,
            again: false,
            finished: 0,
            last_error: None,
        }
    }

    /// Runs the queue until it is empty.
    fn look(&mut self, ctx: &mut Context<Self>) {
        if self.running {
            self.again = true;
            return;
        }
        self.running = true;
        self.again = false;
        let (parts, finished) = (self.parts.clone(), self.last_finished);
        ctx.spawn_then(async move { run::run_next(&parts, finished).await }, Self::looked);
    }

    fn looked(&mut self, looked: SqlResult<Looked>, ctx: &mut Context<Self>) {
        self.running = false;
        match looked {
            Ok(Looked::Ran(job)) => {
                self.finished += 1;
                self.last_finished = self.last_finished.max(job.id);
                self.answer(&job);
                self.look(ctx);
            }
            Ok(Looked::Empty) if self.again => self.look(ctx),
            Ok(Looked::Empty) => self.ask_for_finished(ctx),
            Ok(Looked::NotOwner) => {
                self.ask_for_finished(ctx);
                ctx.run_later(LOOK_AGAIN, Self::look);
            }
            Err(error) => {
                warn!(%error, "failed to run a schema change");
                self.last_error = Some(error.to_string());
                ctx.run_later(LOOK_AGAIN, Self::look);
            }
        }
    }

    /// Answers those whose job has ended without this worker (on another node, or before it was restarted).
    fn ask_for_finished(&mut self, ctx: &mut Context<Self>) {
        for id in self.waiting.keys().copied().collect::<Vec<_>>() {
            let parts = self.parts.clone();
            ctx.spawn_then(
                async move {
                    let job = run::finished(&parts, id).await?;
                    parts.cache.refresh(&*parts.store).await?;
                    Ok(job)
                },
                |this: &mut Self, job: SqlResult<Option<Job>>, _ctx| {
                    if let Ok(Some(job)) = job {
                        this.answer(&job);
                    }
                },
            );
        }
    }

    fn answer(&mut self, job: &Job) {
        let Some(reply) = self.waiting.remove(&job.id) else { return };
        reply.send(match (&job.error, job.state) {
            (Some(error), _) => Err(SqlError::from(error)),
            (None, JobState::Done) => {
                Ok(JobReport { job: job.id, version: job.version, notes: job.notes.clone() })
            }
            (None, _) => Err(SqlError::internal("a schema change failed without a reason")),
        });
    }
}

impl Actor for DdlWorker {
    const KIND: &'static str = "ddl-worker";

    fn mailbox() -> MailboxOptions {
        MailboxOptions { capacity: 1024, overflow: Overflow::Reject }
    }

    fn supervision() -> Supervision {
        Supervision::restart()
    }

    fn started(&mut self, ctx: &mut Context<Self>) {
        let (store, keep) = (self.parts.store.clone(), self.keep_dropped);
        self.delete_range = Some(ctx.child("delete-range", Thread::Same, move || {
            DeleteRangeWorker::new(store.clone(), keep)
        }));
        ctx.run_interval(LOOK_AGAIN, |worker, ctx| {
            if !worker.running && worker.parts.owner.looks_around() {
                worker.look(ctx);
            }
        });
        self.look(ctx);
    }

    fn observe(&self) -> Value {
        json!({
            "schema_version": self.parts.cache.current().version(),
            "running": self.running,
            "waiting_jobs": self.waiting.keys().collect::<Vec<_>>(),
            "finished": self.finished,
            "last_error": self.last_error,
        })
    }
}

/// Interleaves: other messages are handled while the job is put into the queue.
impl Handler<SubmitJob> for DdlWorker {
    fn handle(
        &mut self,
        message: SubmitJob,
        reply: ReplyTo<SqlResult<JobReport>>,
        ctx: &mut Context<Self>,
    ) {
        let parts = self.parts.clone();
        ctx.spawn_then(
            async move { run::enqueue(&parts, message.statement).await },
            |this: &mut Self, queued, ctx| match queued {
                Ok(job) => {
                    this.waiting.insert(job.id, reply);
                    this.look(ctx);
                }
                Err(error) => reply.send(Err(error)),
            },
        );
    }
}
