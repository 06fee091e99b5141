//! The service of statistics.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tracing::warn;

use super::assembly::Shared;
use super::services::stop_actor;
use crate::actors::pd::{Ownership, PdOwnership};
use crate::actors::runtime::{ActorRef, Service, System, Thread};
use crate::actors::stats::{
    AnalyzeParts, ReportNow, ReportParts, StatsCache, StatsReporter, StatsWorker,
};
use crate::config::Role;

/// The lease of the node that analyzes tables.
const STATS_OWNER: &str = "stats-owner";

/// Statistics of tables: a SQL node's own, and, with role `stats`, those that are missing or old in the cluster.
pub(super) struct Stats {
    shared: Arc<Shared>,
    reporter: Option<ActorRef<StatsReporter>>,
    worker: Option<ActorRef<StatsWorker>>,
    owner: Option<Arc<dyn Ownership>>,
}

impl Stats {
    pub(super) fn new(shared: Arc<Shared>) -> Stats {
        Stats { shared, reporter: None, worker: None, owner: None }
    }

    fn start_reporter(&mut self, system: &System) -> anyhow::Result<()> {
        let shared = &self.shared;
        let cluster = shared.product("cluster", |products| &products.cluster)?;
        let cache = Arc::<StatsCache>::default();
        let parts = ReportParts {
            store: Arc::new(shared.product("kv", |products| &products.kv)?),
            schema: shared.product("schema", |products| &products.schema)?,
            cache: cache.clone(),
            has_others: Arc::new(move || !cluster.is_alone()),
            report_every: shared.config.stats.report_interval.0,
            reload_every: shared.config.stats.reload_interval.0,
        };
        let factory = move || StatsReporter::new(parts.clone());
        self.reporter = Some(system.spawn_root("stats", Thread::Any, factory));
        shared.products.write().stats = Some(cache);
        Ok(())
    }

    fn start_worker(&mut self, system: &System) -> anyhow::Result<()> {
        let shared = &self.shared;
        let pd = shared.product("pd", |products| &products.pd)?;
        let owner: Arc<dyn Ownership> = Arc::new(PdOwnership::new(pd, STATS_OWNER, system.node()));
        let parts = AnalyzeParts {
            store: Arc::new(shared.product("kv", |products| &products.kv)?),
            schema: shared.product("schema", |products| &products.schema)?,
            owner: owner.clone(),
            cache: shared.products.read().stats.clone(),
            every: shared.config.stats.analyze_interval.0,
            ratio: shared.config.stats.analyze_ratio,
            load: shared.config.stats.analyze_load,
        };
        let factory = move || StatsWorker::new(parts.clone());
        self.worker = Some(system.spawn_root("stats-worker", Thread::Any, factory));
        self.owner = Some(owner);
        Ok(())
    }
}

#[async_trait(?Send)]
impl Service for Stats {
    fn name(&self) -> &'static str {
        "stats"
    }

    fn dependencies(&self) -> &'static [&'static str] {
        &["kv", "schema"]
    }

    async fn start(&mut self, system: &System) -> anyhow::Result<()> {
        if self.shared.has(Role::Sql) {
            self.start_reporter(system)?;
        }
        if self.shared.has(Role::Stats) && self.shared.config.stats.auto_analyze {
            self.start_worker(system)?;
        }
        Ok(())
    }

    /// By now no session is left, and the store still is.
    async fn stop(&mut self, deadline: Duration) -> anyhow::Result<()> {
        self.shared.products.write().stats = None;
        if let Some(worker) = self.worker.take() {
            stop_actor(&worker, deadline).await?;
        }
        if let Some(owner) = self.owner.take() {
            let _ = tokio::time::timeout(deadline / 4, owner.resign()).await;
        }
        let Some(reporter) = self.reporter.take() else { return Ok(()) };
        if !matches!(reporter.ask(ReportNow, deadline / 2).await, Ok(true)) {
            warn!("what was last written to tables is missing in their statistics");
        }
        stop_actor(&reporter, deadline).await
    }
}
