//! What sessions share, and how they are opened.

use std::future::ready;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use futures::FutureExt as _;
use futures::future::BoxFuture;

use crate::actors::ddl::{SchemaCache, SubmitJob};
use crate::actors::runtime::{Address, Below, Clock, Compute, Rng, Thread};
use crate::actors::stats::StatsCache;
use crate::common::SqlResult;
use crate::sql::exec::{AutoIds, ExecLimits, KvAutoIds};
use crate::sql::kv::KvStore;

use super::NamedLocks;
use super::accounts::AccountCache;
use super::activity::SharedActivity;
use super::actor::Session;
use super::remote::OtherNodes;
use super::rights::check_first_database;
use super::variables::GlobalVariables;
use super::{
    CancelStatement, ClientInfo, ClusterActors, Execute, LockedTables, Memory, Process,
    ProcessList, SessionRef, Sessions, SwitchUser, Upload,
};

/// What a node's sessions share.
pub struct SessionServices {
    /// The rows.
    pub store: Arc<dyn KvStore>,
    /// The schema statements are bound against.
    pub schema: Arc<SchemaCache>,
    /// Runs schema changes.
    pub ddl: Address<SubmitJob>,
    /// What is known of tables' rows, and where sessions tell what they did to them.
    pub stats: Arc<StatsCache>,
    /// Who is connected.
    pub processes: Arc<ProcessList>,
    /// Sessions on other nodes; `None`: there are no others.
    pub others: Option<Arc<OtherNodes>>,
    /// The actors of all nodes; `None`: nobody can tell.
    pub actors: Option<ClusterActors>,
    /// Who may connect; the gateway asks the same table.
    pub accounts: Arc<AccountCache>,
    /// The node's system variables.
    pub variables: Arc<GlobalVariables>,
    /// What sessions do, counted.
    pub activity: SharedActivity,
    /// Whether tables are locked.
    pub locked_tables: LockedTables,
    /// The locks of GET_LOCK.
    pub locks: Arc<NamedLocks>,
    /// AUTO_INCREMENT values and hidden row ids.
    pub auto_ids: Arc<dyn AutoIds>,
    /// Time.
    pub clock: Clock,
    /// Seeds of RAND() and UUID().
    pub rng: Rng,
    /// Where statements compute that are heavy.
    pub compute: Compute,
    /// How much a query may take.
    pub limits: Arc<ExecLimits>,
    /// How many prepared statements the sessions may have together.
    pub max_prepared_statements: usize,
    /// The prepared statements there are.
    pub prepared: Arc<AtomicUsize>,
    /// What the sessions hold together.
    pub memory: Arc<Memory>,
    /// How much one of them may hold.
    pub session_memory: usize,
}

impl SessionServices {
    /// Services over a store, with limits and variables at their defaults; change the public fields for others. `ddl` is
    /// `DdlWorker`'s `ActorRef::address()`; `accounts` comes from [`AccountCache::load`].
    pub fn new(
        store: Arc<dyn KvStore>,
        schema: Arc<SchemaCache>,
        ddl: Address<SubmitJob>,
        processes: Arc<ProcessList>,
        accounts: Arc<AccountCache>,
        clock: Clock,
        rng: Rng,
    ) -> SessionServices {
        SessionServices {
            auto_ids: Arc::new(KvAutoIds::new(store.clone())),
            activity: SharedActivity::default(),
            locked_tables: LockedTables::default(),
            locks: Arc::new(NamedLocks::new(store.clone())),
            store,
            schema,
            ddl,
            stats: Arc::default(),
            processes,
            others: None,
            actors: None,
            accounts,
            variables: Arc::new(GlobalVariables::default()),
            clock,
            rng,
            compute: Compute::here(),
            limits: Arc::new(ExecLimits::default()),
            max_prepared_statements: 16_382,
            prepared: Arc::default(),
            memory: Memory::node(2 << 30),
            session_memory: 512 << 20,
        }
    }
}

/// Opens sessions next to their connections: same process, same thread, so that a command and its answer are moved values.
pub struct LocalSessions {
    services: Arc<SessionServices>,
}

impl LocalSessions {
    /// Opens sessions with these services.
    pub fn new(services: Arc<SessionServices>) -> LocalSessions {
        LocalSessions { services }
    }
}

impl Sessions for LocalSessions {
    fn open(
        &self,
        connection: Below<'_>,
        client: ClientInfo,
        process: Arc<Process>,
    ) -> BoxFuture<'static, SqlResult<SessionRef>> {
        if let Some(database) = &client.database {
            let may = check_first_database(&self.services, &client, database);
            let schema = self.services.schema.current();
            if let Err(error) = may.and_then(|()| schema.require_database(database).map(|_| ())) {
                return ready(Err(error)).boxed();
            }
        }
        let services = self.services.clone();
        let session = connection.child("session", Thread::Same, move || {
            Session::new(services.clone(), process.clone(), client.clone())
        });
        let session = SessionRef {
            execute: session.address::<Execute>(),
            upload: session.address::<Upload>(),
            cancel: session.address::<CancelStatement>(),
            switch: session.address::<SwitchUser>(),
        };
        ready(Ok(session)).boxed()
    }
}
