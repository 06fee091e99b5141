//! The worker: takes jobs in, runs the queue, answers.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::Instant;
use tracing::{info, warn};

use super::DeleteRangeWorker;
use super::messages::{JobReport, JobWatch, SubmitJob};
use super::run::{self, DdlParts, Looked, Ran};
use super::waits;
use crate::actors::runtime::{
    Actor, ActorRef, Context, Handler, MailboxOptions, Overflow, ReplyTo, Supervision, Thread,
};
use crate::common::{Fault, SqlError, SqlResult};
use crate::sql::ddl::{Job, JobState};

/// How soon to look again after an error, and how often to look for what another node has done.
const LOOK_AGAIN: Duration = Duration::from_millis(500);

/// Runs schema changes.
pub struct DdlWorker {
    parts: DdlParts,
    /// How long dropped ranges are kept for those who still read old snapshots.
    keep_dropped: Duration,
    /// Sessions that wait, by job.
    waiting: BTreeMap<u64, Waiting>,
    delete_range: Option<ActorRef<DeleteRangeWorker>>,
    /// The queue as far as it is known, by number.
    queue: BTreeMap<u64, Queued>,
    /// Those that run.
    running: BTreeSet<u64>,
    /// Jobs up to this one have ended or are in `queue`.
    known: u64,
    looking: bool,
    /// A look was asked for while one was under way.
    again: bool,
    /// The last look, or a run, came to nothing: it is to be tried again.
    retries: bool,
    /// It is being asked what has become of the jobs in `waiting`.
    asking: bool,
    finished: u64,
    last_error: Option<String>,
}

/// What the jobs looked at so far work on.
#[derive(Default)]
struct Subjects {
    databases: BTreeSet<String>,
    tables: BTreeSet<(String, String)>,
    /// The databases of `tables`.
    entered: BTreeSet<String>,
}

impl Subjects {
    /// Takes what a job works on; false if any of it was taken before.
    fn take(&mut self, job: &Job) -> bool {
        let mut is_free = true;
        for (database, table) in job.subjects() {
            is_free &= !self.databases.contains(&database);
            match table {
                Some(table) => {
                    self.entered.insert(database.clone());
                    is_free &= self.tables.insert((database, table));
                }
                None => {
                    is_free &= !self.entered.contains(&database);
                    self.databases.insert(database);
                }
            }
        }
        is_free
    }
}

/// A job in the queue, and since when it is known.
struct Queued {
    job: Job,
    since: Instant,
}

/// A session that waits for a job.
struct Waiting {
    reply: ReplyTo<SqlResult<JobReport>>,
    watch: Arc<JobWatch>,
}

impl DdlWorker {
    /// A worker; it looks at the queue as soon as it starts.
    pub fn new(parts: DdlParts, keep_dropped: Duration) -> DdlWorker {
        DdlWorker {
            parts,
            keep_dropped,
            waiting: BTreeMap::new(),
            delete_range: None,
            queue: BTreeMap::new(),
            running: BTreeSet::new(),
            known: 0,
            looking: false,
            again: false,
            retries: false,
            asking: false,
            finished: 0,
            last_error: None,
        }
    }

    /// Looks for new jobs, and runs what can be run.
    fn look(&mut self, ctx: &mut Context<Self>) {
        if self.looking {
            self.again = true;
            return;
        }
        self.looking = true;
        (self.again, self.retries) = (false, false);
        let (parts, known) = (self.parts.clone(), self.known);
        ctx.spawn_then(async move { run::look(&parts, known).await }, Self::looked);
    }

    fn looked(&mut self, looked: SqlResult<Looked>, ctx: &mut Context<Self>) {
        self.looking = false;
        match looked {
            Ok(Looked::New(jobs)) => {
                for job in jobs {
                    self.known = self.known.max(job.id);
                    self.queue.insert(job.id, Queued { job, since: Instant::now() });
                }
                self.run_those_free(ctx);
                if self.again {
                    self.look(ctx);
                }
            }
            Ok(Looked::NotOwner) => {
                self.retries = true;
                self.ask_for_news(ctx);
            }
            Err(error) => self.failed(&error),
        }
    }

    /// Runs all jobs that have nothing in common with an older one.
    fn run_those_free(&mut self, ctx: &mut Context<Self>) {
        let mut taken = Subjects::default();
        let mut free = Vec::new();
        for (id, Queued { job, .. }) in &self.queue {
            if taken.take(job) && self.running.insert(*id) {
                free.push(job.clone());
            }
        }
        for job in free {
            let (parts, id) = (self.parts.clone(), job.id);
            ctx.spawn_then(
                async move { run::run_job(&parts, job).await },
                move |this: &mut Self, ran, ctx| this.ran(id, ran, ctx),
            );
        }
    }

    /// Ends the jobs that have waited for older ones of their tables for longer than they may.
    fn end_overdue(&mut self, ctx: &mut Context<Self>) {
        let is_overdue = |queued: &Queued| {
            let limit = queued.job.submitter.lock_wait_s;
            limit > 0 && queued.since.elapsed() >= Duration::from_secs(limit)
        };
        let waiting = self.queue.iter().filter(|(id, _)| !self.running.contains(id));
        let overdue: Vec<u64> =
            waiting.filter(|(_, queued)| is_overdue(queued)).map(|(id, _)| *id).collect();
        for id in overdue {
            let parts = self.parts.clone();
            // Nobody else begins it meanwhile.
            self.running.insert(id);
            ctx.spawn_then(
                async move { run::cancel(&parts, id, &waits::waited_too_long()).await },
                move |this: &mut Self, cancelled, ctx| {
                    let ended = cancelled.map(|job| job.map(Box::new).map(Ran::Finished));
                    match ended.transpose() {
                        Some(ran) => this.ran(id, ran, ctx),
                        None => {
                            this.running.remove(&id);
                            this.run_those_free(ctx);
                        }
                    }
                },
            );
        }
    }

    fn ran(&mut self, id: u64, ran: SqlResult<Ran>, ctx: &mut Context<Self>) {
        self.running.remove(&id);
        match ran {
            Ok(Ran::Finished(job)) => {
                self.queue.remove(&id);
                self.finished += 1;
                self.answer(&job);
                self.run_those_free(ctx);
            }
            Ok(Ran::NotOwner) => {
                // The queue is somebody else's now: should it come back, it is read anew.
                let first = self.queue.keys().next().map_or(self.known, |first| first - 1);
                self.known = self.known.min(first);
                self.queue.retain(|id, _| self.running.contains(id));
                self.retries = true;
            }
            Err(error) => self.failed(&error),
        }
    }

    fn failed(&mut self, error: &SqlError) {
        warn!(%error, "failed to run a schema change");
        self.last_error = Some(error.to_string());
        self.retries = true;
    }

    /// Asks what has become of the jobs that sessions wait for: those that have ended without this worker (on another node, or
    /// before it was restarted), and whether the others wait for anybody.
    fn ask_for_news(&mut self, ctx: &mut Context<Self>) {
        if self.waiting.is_empty() || self.asking {
            return;
        }
        self.asking = true;
        let (parts, ids) = (self.parts.clone(), self.waiting.keys().copied().collect::<Vec<_>>());
        ctx.spawn_then(
            async move {
                let news = run::news(&parts, &ids).await?;
                if news.iter().any(|job| job.is_finished() || job.cancelled) {
                    parts.cache.refresh(&*parts.store).await?;
                }
                Ok(news)
            },
            |this: &mut Self, news: SqlResult<Vec<Job>>, ctx| {
                this.asking = false;
                for job in news.unwrap_or_default() {
                    this.heard_of(&job, ctx);
                }
            },
        );
    }

    fn heard_of(&mut self, job: &Job, ctx: &mut Context<Self>) {
        if job.cancelled || (job.is_finished() && !self.running.contains(&job.id)) {
            return self.answer(job);
        }
        let Some(waiting) = self.waiting.get(&job.id) else { return };
        // In the queue, it waits for one that waits.
        let waits = !job.blocked_by.is_empty() || job.state == JobState::Queued;
        waiting.watch.waits.store(waits, Ordering::Relaxed);
        // Work that is done is thrown away only if that was asked for: a client may have lost its connection.
        if !waiting.reply.is_wanted() && (waits || waiting.watch.ends.load(Ordering::Relaxed)) {
            let (parts, id) = (self.parts.clone(), job.id);
            let error = SqlError::from(Fault::Interrupted);
            ctx.spawn_then(
                async move { run::cancel(&parts, id, &error).await },
                |_: &mut Self, cancelled, _| {
                    if let Ok(Some(job)) = cancelled {
                        info!(job = job.id, "a schema change was ended");
                    }
                },
            );
        }
    }

    fn answer(&mut self, job: &Job) {
        let Some(waiting) = self.waiting.remove(&job.id) else { return };
        waiting.reply.send(match (&job.error, job.state) {
            (Some(error), _) => Err(SqlError::from(error)),
            (None, JobState::Done) => {
                let (version, records) = (job.version, job.converted);
                Ok(JobReport { job: job.id, version, notes: job.notes.clone(), records })
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
            worker.ask_for_news(ctx);
            worker.end_overdue(ctx);
            if worker.retries || worker.parts.owner.looks_around() {
                worker.look(ctx);
            }
        });
        self.look(ctx);
    }

    fn observe(&self) -> Value {
        json!({
            "schema_version": self.parts.cache.current().version(),
            "running": self.running,
            "queued": self.queue.keys().collect::<Vec<_>>(),
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
        let (parts, watch) = (self.parts.clone(), message.watch.clone());
        ctx.spawn_then(
            async move { run::enqueue(&parts, &message).await },
            |this: &mut Self, queued, ctx| match queued {
                Ok(job) => {
                    this.waiting.insert(job.id, Waiting { reply, watch });
                    this.look(ctx);
                }
                Err(error) => reply.send(Err(error)),
            },
        );
    }
}
