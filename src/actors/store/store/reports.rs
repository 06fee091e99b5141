//! What the Store tells the placement driver, and what it is told to do.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tracing::{debug, info};

use super::actor::Store;
use super::messages::SayGoodbye;
use crate::actors::pd::{PdClient, PdError};
use crate::actors::runtime::{Context, Handler, ReplyTo};
use crate::actors::store::region_peer::{
    ChangePeers, CutRegion, DropPeer, MergeRegion, PlacePeer, TransferLeader,
};
use crate::actors::store::router::RegionStatus;
use crate::actors::store::split_checker::CutAt;
use crate::common::RegionId;
use crate::placement::{RegionOrder, RegionReport, StoreStats};
use crate::storage::codec::keys;
use crate::storage::engine::{Cf, DiskSpace};
use crate::storage::region::Region;

/// How long to wait before regions are reported again that could not be.
const REPORT_AGAIN: Duration = Duration::from_millis(500);
/// Above every key there is.
const LAST_KEY: &[u8] = &[0xff; 16];

impl Store {
    /// Reports the store, with how much it leads, and of that the regions that are not as they were last reported.
    pub(super) fn heartbeat(&mut self, ctx: &mut Context<Self>) {
        let statuses = self.parts.router.statuses();
        let led = statuses.iter().filter(|status| status.is_leader());
        self.changed.extend(self.reported.due(led));
        self.report_store(ctx);
        self.report_changed(ctx);
    }

    /// Reports the store alone.
    pub(super) fn report_store(&self, ctx: &mut Context<Self>) {
        let (pd, store_id) = (Arc::clone(&self.parts.pd), self.parts.store_id);
        let stats = self.stats(&self.parts.router.statuses());
        ctx.spawn(async move {
            if let Err(error) = pd.report_store(store_id, stats).await {
                debug!(%error, %store_id, "failed to report the store");
            }
        });
    }

    fn stats(&self, statuses: &[RegionStatus]) -> StoreStats {
        let DiskSpace { capacity, available } = self.parts.kv.disk_space().unwrap_or_else(|error| {
            debug!(%error, store_id = %self.parts.store_id, "failed to ask for the disk's space");
            DiskSpace::default()
        });
        let led = statuses.iter().filter(|status| status.is_leader());
        StoreStats {
            capacity,
            available,
            used: self.used(statuses),
            region_count: statuses.len() as u64,
            leader_count: led.count() as u64,
            started_unix_ms: self.started_unix_ms,
            busy: self.is_busy(),
            room: self.parts.disk.room(),
            stopping: self.stopping,
        }
    }

    /// Whether what the store is given now would have to wait, or would be refused.
    fn is_busy(&self) -> bool {
        let backlog = self.shared.as_ref().is_some_and(|shared| {
            let most = self.parts.options.max_backlog / 2;
            shared.log_writer.mailbox_len() >= most
                || shared.appliers.iter().any(|applier| applier.mailbox_len() >= most)
        });
        let arriving = self.parts.snapshot_figures.receiving.load(Ordering::Relaxed);
        backlog
            || self.parts.disk.is_short()
            || arriving >= self.parts.options.snapshots_at_once as u64
    }

    /// About how many bytes a region has in the engine's files: where the count starts again after a restart.
    pub(super) fn size_in_files(&self, region: &Region) -> u64 {
        let start = keys::data_key(&region.start_key);
        let end = keys::data_end_key(&region.end_key);
        [Cf::Write, Cf::Default].into_iter().map(|cf| self.file_bytes(cf, &start, &end)).sum()
    }

    fn file_bytes(&self, cf: Cf, start: &[u8], end: &[u8]) -> u64 {
        self.parts.kv.approximate_size(cf, start, end).unwrap_or_else(|error| {
            debug!(%error, "failed to ask for the size of the data");
            0
        })
    }

    /// Bytes the data takes: what regions have counted since the start, or what lies in the engine's files, whichever
    /// knows of more. The first forgets with a restart, the second does not see what is not flushed yet.
    fn used(&self, statuses: &[RegionStatus]) -> u64 {
        let counted = statuses.iter().map(|status| status.approximate_size).sum();
        let in_files = |cf| self.file_bytes(cf, &[], LAST_KEY);
        Cf::ALL.into_iter().map(in_files).sum::<u64>().max(counted)
    }

    /// Reports the regions that changed, one round at a time.
    pub(super) fn report_changed(&mut self, ctx: &mut Context<Self>) {
        if self.reporting || self.changed.is_empty() {
            return;
        }
        self.reporting = true;
        let changed = std::mem::take(&mut self.changed);
        let statuses: Vec<RegionStatus> = changed
            .into_iter()
            .filter_map(|region_id| self.parts.router.status(region_id))
            .filter(RegionStatus::is_leader)
            .collect();
        let pd = Arc::clone(&self.parts.pd);
        let unreported: Vec<RegionId> = statuses.iter().map(|status| status.region.id).collect();
        for status in &statuses {
            self.reported.note(status);
        }
        ctx.spawn_then(report_all(pd, statuses), move |this, result, ctx| {
            this.reporting = false;
            match result {
                Ok(orders) => {
                    for (region_id, order) in orders {
                        this.obey(region_id, &order);
                    }
                    this.report_changed(ctx);
                }
                // Clients may wait to hear who leads.
                Err(error) => {
                    debug!(%error, "failed to report regions");
                    this.reported.take_back(&unreported);
                    this.changed.extend(unreported);
                    ctx.run_later(REPORT_AGAIN, Self::report_changed);
                }
            }
        });
    }

    /// Asks the placement driver for what is to be done, and about a region that is led here. One that does not know it
    /// has just begun to lead, or to run, and forgot all regions: it hears of them at once rather than with the next
    /// heartbeat, as clients wait for it. Regions with an order waiting are reported, which brings it.
    pub(super) fn look_at_pd(&mut self, ctx: &mut Context<Self>) {
        if std::mem::replace(&mut self.looking, true) {
            return;
        }
        let router = &self.parts.router;
        let leads = |id: &RegionId| router.status(*id).is_some_and(|status| status.is_leader());
        let first_led = || {
            let statuses = router.statuses();
            statuses.iter().find(|status| status.is_leader()).map(|status| status.region.id)
        };
        self.asked_about = self.asked_about.filter(leads).or_else(first_led);
        let Some(region_id) = self.asked_about else {
            self.looking = false;
            return;
        };
        let (pd, store_id) = (Arc::clone(&self.parts.pd), self.parts.store_id);
        let duties = async move { pd.duties(store_id, region_id).await };
        ctx.spawn_then(duties, move |this: &mut Self, duties, ctx| {
            this.looking = false;
            match duties {
                Ok(duties) if duties.is_known => {
                    let led = || {
                        let statuses = this.parts.router.statuses();
                        statuses.iter().filter(|status| status.is_leader()).count() as u64
                    };
                    if this.reported.known_there(duties.leads, led) {
                        info!(known = ?duties.leads, "the placement driver misses regions: reports all");
                        this.reported.forget();
                        this.heartbeat(ctx);
                    }
                    this.changed.extend(duties.regions);
                    this.report_changed(ctx);
                }
                Ok(_) => {
                    info!("the placement driver does not know the regions: reports them");
                    this.reported.forget();
                    this.heartbeat(ctx);
                }
                Err(error) => debug!(%error, %store_id, "failed to ask what is to be done"),
            }
        });
    }

    /// Passes an order on to the peer. One that is lost is given again with the next report.
    fn obey(&self, region_id: RegionId, order: &RegionOrder) {
        let Some(entry) = self.parts.router.get(region_id) else { return };
        info!(%region_id, ?order, "obeys an order");
        let _ = match order {
            RegionOrder::Split => entry.tell(CutRegion { cut_at: CutAt::Middle }),
            RegionOrder::TransferLeader { to } => entry.tell(TransferLeader { to: to.id }),
            RegionOrder::AddPeer { peer } => entry.tell(PlacePeer { peer: *peer }),
            RegionOrder::RemovePeer { peer } => entry.tell(DropPeer { peer: *peer }),
            RegionOrder::ChangePeers { changes } => {
                entry.tell(ChangePeers { changes: changes.clone() })
            }
            RegionOrder::Merge { target } => entry.tell(MergeRegion { target: (**target).clone() }),
        };
    }
}

impl Handler<SayGoodbye> for Store {
    fn handle(&mut self, _message: SayGoodbye, reply: ReplyTo<()>, ctx: &mut Context<Self>) {
        self.stopping = true;
        let (pd, store_id) = (Arc::clone(&self.parts.pd), self.parts.store_id);
        let stats = self.stats(&self.parts.router.statuses());
        ctx.spawn(async move {
            if let Err(error) = pd.report_store(store_id, stats).await {
                debug!(%error, %store_id, "failed to say goodbye");
            }
            reply.send(());
        });
    }
}

async fn report_all(
    pd: Arc<dyn PdClient>,
    statuses: Vec<RegionStatus>,
) -> Result<Vec<(RegionId, RegionOrder)>, PdError> {
    let mut orders = Vec::new();
    for status in statuses {
        let region_id = status.region.id;
        let report = RegionReport {
            leader: status.peer,
            term: status.term,
            approximate_size: status.approximate_size,
            approximate_keys: status.approximate_keys,
            region: status.region,
            pending_peers: status.pending_peers,
            down_peers: status.down_peers,
            unsplittable: status.unsplittable,
        };
        if let Some(order) = pd.report_region(report).await? {
            orders.push((region_id, order));
        }
    }
    Ok(orders)
}
