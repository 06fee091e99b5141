//! What the node gives the admin endpoint to show.

use std::sync::Arc;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::reload;

use super::guard::Guard;
use crate::actors::bridge::Bridge;
use crate::actors::ddl::SchemaCache;
use crate::actors::pd::PdClient;
use crate::actors::runtime::{Monotonic, System};
use crate::actors::session::ProcessList;
use crate::actors::session::activity::SharedActivity;
use crate::actors::store::{Disk, StoreNode, StoreRouter};
use crate::common::StoreId;
use crate::config::log_filter;
use crate::sql::catalog::InfoSchema;

/// Whatever knows the newest schema of this node.
pub trait SchemaSource: Send + Sync {
    /// The newest schema.
    fn current(&self) -> InfoSchema;
}

impl SchemaSource for SchemaCache {
    fn current(&self) -> InfoSchema {
        InfoSchema::clone(&SchemaCache::current(self))
    }
}

/// Whatever can change what is logged while the node runs.
pub trait LogControl: Send + Sync {
    /// The directives in force, such as `info,troupedb::actors::store=debug`.
    fn directives(&self) -> String;

    /// Replaces them; an error says what is wrong with them, and leaves all as it was.
    fn set(&self, directives: &str) -> Result<(), String>;
}

impl<S> LogControl for reload::Handle<EnvFilter, S>
where
    S: 'static,
    reload::Handle<EnvFilter, S>: Send + Sync,
{
    fn directives(&self) -> String {
        self.with_current(EnvFilter::to_string).unwrap_or_default()
    }

    fn set(&self, directives: &str) -> Result<(), String> {
        let filter = log_filter(directives)?;
        self.reload(filter).map_err(|error| error.to_string())
    }
}

/// The store of this node.
#[derive(Clone)]
pub struct StoreView {
    /// Its identity.
    pub id: StoreId,
    /// What is known of its regions.
    pub router: StoreRouter,
    /// How much room its disk has.
    pub disk: Disk,
}

impl From<&StoreNode> for StoreView {
    fn from(store: &StoreNode) -> StoreView {
        StoreView { id: store.store_id, router: store.router.clone(), disk: store.disk.clone() }
    }
}

/// One number for `/metrics`, read when it is asked for: memory of an engine, say.
#[derive(Clone)]
pub struct MemoryGauge {
    /// Which instance: `kv`, `raft`.
    pub instance: &'static str,
    /// What kind of memory: `block-cache`, `write-buffers`.
    pub kind: &'static str,
    /// How many bytes; `None` if that cannot be said now.
    pub bytes: Arc<dyn Fn() -> Option<u64> + Send + Sync>,
}

/// What the node gives the admin endpoint to show. All of it is shared: nothing is owned here.
#[derive(Clone)]
pub struct AdminServices {
    /// The actors, the clock and the health board.
    pub system: System,
    /// The version of the binary.
    pub version: &'static str,
    /// The roles of the node: `["all"]`.
    pub roles: Vec<String>,
    /// When the node started, on the system's clock.
    pub started: Monotonic,
    /// The store, on a node that has one.
    pub store: Option<StoreView>,
    /// The schema.
    pub schema: Arc<dyn SchemaSource>,
    /// The placement driver.
    pub pd: Arc<dyn PdClient>,
    /// Who is connected.
    pub processes: Arc<ProcessList>,
    /// What they do, counted.
    pub activity: SharedActivity,
    /// The links to other nodes, on a node that may have some.
    pub bridge: Option<Bridge>,
    /// Whether operators may break links for a drill.
    pub fault_injection: bool,
    /// Who may ask.
    pub guard: Guard,
    /// So many connections may be open at once.
    pub connections: usize,
    /// Memory of the engines, for `/metrics`.
    pub memory: Vec<MemoryGauge>,
    /// The way to change the log level; without one, `POST /log` says that it cannot be changed.
    pub log: Option<Arc<dyn LogControl>>,
}
