//! One look for tables to analyze, and their analysis.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use ::metrics::counter;
use async_trait::async_trait;
use parking_lot::Mutex;
use serde::Serialize;
use tracing::{debug, info, warn};

use super::choice::choose;
use super::reporter::{all_records, report};
use super::{StatsCache, metrics};
use crate::actors::ddl::SchemaCache;
use crate::actors::pd::{Ownership, PdOwnership};
use crate::actors::runtime::{Clock, Monotonic};
use crate::common::{SqlError, SqlResult, errno};
use crate::sql::analyze::{Pace, analyze};
use crate::sql::kv::KvStore;
use crate::sql::stats::TableStats;

/// How often the ownership is renewed while a table is read.
const RENEW_EVERY: Duration = PdOwnership::TTL.checked_div(3).expect("three is not zero");
/// After so many failures one upon the other the rest of the tables would fail, too. Should it be the tables, they come last the next
/// time.
const MOST_FAILURES: usize = 3;

/// What the worker works with.
#[derive(Clone)]
pub struct AnalyzeParts {
    /// Where rows and records are.
    pub store: Arc<dyn KvStore>,
    /// This node's schema.
    pub schema: Arc<SchemaCache>,
    /// Decides whether this node analyzes.
    pub owner: Arc<dyn Ownership>,
    /// What the statements of this node are planned with, if it runs any: they need not wait for what is found here.
    pub cache: Option<Arc<StatsCache>>,
    /// How often to look.
    pub every: Duration,
    /// The part of a table's rows that must have been written since it was analyzed.
    pub ratio: f64,
    /// The part of the time that is spent reading.
    pub load: f64,
}

/// What has been done, for `/actors`.
#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct Progress {
    /// Whether this node was the owner when it last had something to do.
    pub(super) owner: bool,
    /// The table that is read now.
    pub(super) table: Option<String>,
    /// How many of its rows have been.
    pub(super) table_rows_read: u64,
    /// How many tables wait.
    pub(super) waiting: usize,
    /// Tables analyzed.
    pub(super) analyzed: u64,
    /// Rows read of tables that are done.
    pub(super) rows_read: u64,
    /// Analyses that failed.
    pub(super) failures: u64,
    /// The tables, by id, whose last analysis failed.
    pub(super) failed_tables: BTreeSet<i64>,
    /// Why the last one failed.
    pub(super) last_error: Option<String>,
}

impl Progress {
    /// Takes down that something went wrong.
    pub(super) fn failed(&mut self, error: &SqlError) {
        self.failures += 1;
        self.last_error = Some(error.to_string());
    }
}

/// A round's surroundings.
pub(super) struct Round {
    pub(super) parts: AnalyzeParts,
    pub(super) clock: Clock,
    pub(super) progress: Arc<Mutex<Progress>>,
    /// When the ownership was last renewed.
    renewed: Mutex<Monotonic>,
    lost: AtomicBool,
}

impl Round {
    pub(super) fn new(parts: AnalyzeParts, clock: Clock, progress: Arc<Mutex<Progress>>) -> Round {
        let renewed = Mutex::new(clock.now());
        Round { parts, clock, progress, renewed, lost: AtomicBool::new(false) }
    }

    /// Looks for tables that need it, and analyzes one after the other, as long as this node is the owner. With nothing to do
    /// nobody is asked who that is.
    pub(super) async fn run(&self) -> SqlResult<()> {
        // First the schema: a table has a record from its beginning, so one that is new is not taken for one without.
        let schema = self.parts.schema.current();
        let records = all_records(&*self.parts.store).await?;
        let mut chosen = choose(&schema, &records, self.parts.ratio);
        {
            let failed = &mut self.progress.lock().failed_tables;
            failed.retain(|table| chosen.contains(table));
            chosen.sort_by_key(|table| failed.contains(table));
        }
        if chosen.is_empty() || !self.acquire().await {
            return Ok(());
        }
        let mut failures = 0;
        for (at, table) in chosen.iter().enumerate() {
            self.progress.lock().waiting = chosen.len() - at - 1;
            if !self.still_owner().await {
                info!("another node analyzes tables from now on");
                break;
            }
            match self.analyze(*table).await {
                Ok(()) => {
                    self.progress.lock().failed_tables.remove(table);
                    failures = 0;
                }
                Err(error) if self.lost.load(Ordering::Relaxed) => {
                    info!(%error, table, "stopped to analyze a table");
                    break;
                }
                Err(error) => {
                    warn!(%error, table, "failed to analyze a table");
                    counter!(metrics::ANALYZE_FAILURES).increment(1);
                    let mut progress = self.progress.lock();
                    progress.failed(&error);
                    progress.failed_tables.insert(*table);
                    drop(progress);
                    failures += 1;
                    if failures == MOST_FAILURES {
                        break;
                    }
                }
            }
        }
        Ok(())
    }

    async fn acquire(&self) -> bool {
        // From before the question: the lease does not end earlier than it is taken to.
        let now = self.clock.now();
        let owner = self.parts.owner.acquire().await;
        *self.renewed.lock() = now;
        self.progress.lock().owner = owner;
        self.lost.store(!owner, Ordering::Relaxed);
        owner
    }

    /// Renews the ownership when it is time to.
    async fn still_owner(&self) -> bool {
        let renewed = *self.renewed.lock();
        self.clock.now().since(renewed) < RENEW_EVERY || self.acquire().await
    }

    async fn analyze(&self, id: i64) -> SqlResult<()> {
        let parts = &self.parts;
        let schema = parts.schema.current();
        // Dropped since it was chosen.
        let Some((database, table)) = schema.table_by_id(id) else { return Ok(()) };
        {
            let mut progress = self.progress.lock();
            progress.table = Some(format!("{}.{}", database.name, table.name));
            progress.table_rows_read = 0;
        }
        if let Some(cache) = &parts.cache {
            // What is reported later than the table is read would be counted twice.
            report(&*parts.store, cache).await?;
        }
        let pace = Gentle { round: self, resumed: Mutex::new(self.clock.now()) };
        match analyze(&*parts.store, database.id, table, &pace).await {
            Ok(found) => self.analyzed(found, &database.name, &table.name),
            Err(error) if error.code == errno::NO_SUCH_TABLE => {
                debug!(%error, table = id, "nothing to analyze")
            }
            Err(error) => return Err(error),
        }
        Ok(())
    }

    fn analyzed(&self, found: TableStats, database: &str, table: &str) {
        info!(database, table, rows = found.rows, "analyzed a table");
        counter!(metrics::ANALYZED).increment(1);
        let mut progress = self.progress.lock();
        progress.analyzed += 1;
        progress.rows_read += progress.table_rows_read;
        drop(progress);
        if let Some(cache) = &self.parts.cache {
            cache.put([found]);
        }
    }
}

/// Pauses after each batch in proportion to the time it took, and ends the reading when another node is to do it.
struct Gentle<'a> {
    round: &'a Round,
    /// When the batch began.
    resumed: Mutex<Monotonic>,
}

#[async_trait]
impl Pace for Gentle<'_> {
    async fn between(&self, rows: u64) -> SqlResult<()> {
        let round = self.round;
        let before = std::mem::replace(&mut round.progress.lock().table_rows_read, rows);
        counter!(metrics::ROWS_READ).increment(rows.saturating_sub(before));
        let resumed = *self.resumed.lock();
        tokio::time::sleep(pause(round.clock.now().since(resumed), round.parts.load)).await;
        if !round.still_owner().await {
            return Err(SqlError::internal("the lease of the node that analyzes was lost"));
        }
        *self.resumed.lock() = round.clock.now();
        Ok(())
    }
}

/// How long to pause after some work, so that the work is that part of the time; never so long that the lease ends.
fn pause(worked: Duration, load: f64) -> Duration {
    worked.mul_f64(1.0 / load - 1.0).min(RENEW_EVERY)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_are_in_proportion_to_the_work() {
        let ms = Duration::from_millis;
        assert_eq!(pause(ms(10), 1.0), ms(0));
        assert_eq!(pause(ms(10), 0.5), ms(10));
        assert_eq!(pause(ms(10), 0.25), ms(30));
        assert_eq!(pause(Duration::from_secs(100), 0.01), RENEW_EVERY);
    }
}
