//! The reporter of a SQL node: tells the store what its transactions did, and its planner what the store has.

use std::sync::Arc;
use std::time::Duration;

use ::metrics::counter;
use serde_json::{Value, json};
use tracing::debug;

use super::StatsCache;
use super::messages::ReportNow;
use super::metrics;
use crate::actors::ddl::SchemaCache;
use crate::actors::runtime::{
    Actor, Context, Handler, MailboxOptions, Monotonic, Overflow, ReplyTo, Supervision,
};
use crate::common::SqlResult;
use crate::sql::analyze::flush;
use crate::sql::ddl::Meta;
use crate::sql::kv::{KvStore, TxnOptions};
use crate::sql::stats::{Deltas, TableStats};

/// What the reporter works with.
#[derive(Clone)]
pub struct ReportParts {
    /// Where the records are.
    pub store: Arc<dyn KvStore>,
    /// This node's schema: when it changes there are other tables.
    pub schema: Arc<SchemaCache>,
    /// What its sessions record, and plan with.
    pub cache: Arc<StatsCache>,
    /// Whether there are other nodes, which may write records.
    pub has_others: Arc<dyn Fn() -> bool + Send + Sync>,
    /// How often to report.
    pub report_every: Duration,
    /// How often to read what others have written.
    pub reload_every: Duration,
}

/// Reports and reloads. Everything it must not forget is in the [`StatsCache`], so it may be restarted at any time.
pub struct StatsReporter {
    parts: ReportParts,
    running: bool,
    /// Who wait until everything is reported.
    waiting: Vec<ReplyTo<bool>>,
    /// The schema version at which all records were last read, and when.
    loaded: Option<(i64, Monotonic)>,
    reports: u64,
    failures: u64,
    last_error: Option<String>,
}

/// What a round has come to.
struct Round {
    /// Of the report; `None`: there was nothing to.
    reported: Option<SqlResult<()>>,
    /// The schema version before all records were read; `None`: they were not.
    loaded: Option<SqlResult<i64>>,
}

impl StatsReporter {
    /// A reporter; it reads all records as soon as it starts.
    pub fn new(parts: ReportParts) -> StatsReporter {
        StatsReporter {
            parts,
            running: false,
            waiting: Vec::new(),
            loaded: None,
            reports: 0,
            failures: 0,
            last_error: None,
        }
    }

    /// Whether records may be there that this node has neither written nor read.
    fn is_behind(&self, now: Monotonic) -> bool {
        let Some((version, at)) = self.loaded else { return true };
        version != self.parts.schema.current().version()
            || ((self.parts.has_others)() && now.since(at) >= self.parts.reload_every)
    }

    /// Does what there is to do: with nothing, the store is left alone.
    fn look(&mut self, ctx: &mut Context<Self>) {
        if self.running {
            return;
        }
        let now = ctx.system().clock().now();
        let is_behind = self.is_behind(now);
        if self.parts.cache.is_reported() && !is_behind {
            self.answer(true);
            return;
        }
        self.running = true;
        let parts = self.parts.clone();
        let round = async move {
            let reported = match parts.cache.is_reported() {
                true => None,
                false => Some(report(&*parts.store, &parts.cache).await),
            };
            let loaded = if is_behind { Some(reload(&parts).await) } else { None };
            Round { reported, loaded }
        };
        ctx.spawn_then(round, move |this, round, ctx| this.looked(round, now, ctx));
    }

    fn looked(&mut self, round: Round, began: Monotonic, ctx: &mut Context<Self>) {
        self.running = false;
        match round.loaded {
            Some(Ok(version)) => self.loaded = Some((version, began)),
            Some(Err(error)) => {
                debug!(%error, "failed to read the statistics");
                self.last_error = Some(error.to_string());
            }
            None => {}
        }
        match round.reported {
            Some(Ok(())) => {
                self.reports += 1;
                counter!(metrics::REPORTS).increment(1);
            }
            Some(Err(error)) => {
                debug!(%error, "failed to report what was written to tables");
                self.failures += 1;
                counter!(metrics::REPORT_FAILURES).increment(1);
                self.last_error = Some(error.to_string());
                self.answer(false);
            }
            None => {}
        }
        if self.parts.cache.is_reported() {
            self.answer(true);
        } else if !self.waiting.is_empty() {
            // Recorded while the round was under way.
            self.look(ctx);
        }
    }

    fn answer(&mut self, is_reported: bool) {
        self.waiting.drain(..).for_each(|reply| reply.send(is_reported));
    }
}

/// Deltas on their way. They are given back unless they arrive: after an error, a panic, or when nobody waits any more.
struct Taken<'a> {
    cache: &'a StatsCache,
    deltas: Deltas,
}

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        self.cache.record(&self.deltas);
    }
}

/// Adds what was recorded to the tables' records.
pub(super) async fn report(store: &dyn KvStore, cache: &StatsCache) -> SqlResult<()> {
    let mut taken = Taken { cache, deltas: cache.take_pending() };
    let written = flush(store, &taken.deltas).await?;
    taken.deltas = Deltas::default();
    cache.put(written);
    Ok(())
}

/// Reads all records; answers the schema version from before.
async fn reload(parts: &ReportParts) -> SqlResult<i64> {
    let version = parts.schema.current().version();
    parts.cache.replace(all_records(&*parts.store).await?);
    Ok(version)
}

/// All records of the store.
pub(super) async fn all_records(store: &dyn KvStore) -> SqlResult<Vec<TableStats>> {
    let txn = store.begin(TxnOptions::default()).await?;
    let records = Meta::new(&*txn).all_stats().await;
    txn.rollback().await?;
    records
}

impl Actor for StatsReporter {
    const KIND: &'static str = "stats-reporter";

    fn mailbox() -> MailboxOptions {
        MailboxOptions { capacity: 16, overflow: Overflow::Reject }
    }

    fn supervision() -> Supervision {
        Supervision::restart()
    }

    fn started(&mut self, ctx: &mut Context<Self>) {
        ctx.run_interval(self.parts.report_every, Self::look);
        self.look(ctx);
    }

    fn observe(&self) -> Value {
        let (tables, pending) = self.parts.cache.counts();
        json!({
            "tables_known": tables,
            "tables_to_report": pending,
            "reports": self.reports,
            "failures": self.failures,
            "last_error": self.last_error,
        })
    }
}

/// Interleaves: the answer comes with the end of a round.
impl Handler<ReportNow> for StatsReporter {
    fn handle(&mut self, _: ReportNow, reply: ReplyTo<bool>, ctx: &mut Context<Self>) {
        self.waiting.push(reply);
        self.look(ctx);
    }
}
