//! A node with a placement driver and a store, and a client of few words.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use parking_lot::Mutex;

use crate::actors::pd::{LocalPd, PdClient};
use crate::actors::runtime::System;
use crate::actors::store::{
    CommandReply, KvCommand, NoTransport, OpenStore, StoreNode, StoreOptions, open_store,
};
use crate::common::Timestamp;
use crate::placement::Goals;
use crate::storage::codec::mvcc::encode_key;
use crate::storage::engine::{
    Cf, Cursor, DiskSpace, Engine, Error, IterOptions, MemoryEngine, Reader, Result, Snapshot,
    WriteBatch,
};
use crate::storage::txn::{
    Assertion, CommitKeys, KvRequest, KvResponse, Mutation, MutationKind, PessimisticAction,
    PessimisticLock, Prewrite, RegionContext, RequestError, WaitPolicy,
};

pub(super) const DEADLINE: Duration = Duration::from_secs(60);

/// What its disk says.
pub(super) const DISK: DiskSpace = DiskSpace { capacity: 1 << 40, available: 1 << 39 };

/// An engine that counts its syncs, and whose disk can fail or vanish.
#[derive(Clone, Default)]
pub(super) struct TestEngine {
    pub(super) inner: MemoryEngine,
    pub(super) syncs: Arc<AtomicU64>,
    pub(super) fails: Arc<AtomicBool>,
    /// Whoever reads, or writes, meets a bug.
    pub(super) panics_in_reads: Arc<AtomicBool>,
    pub(super) panics_in_writes: Arc<AtomicBool>,
    /// The process is gone: whatever it still does reaches no disk.
    gone: Arc<AtomicBool>,
}

impl TestEngine {
    /// Loses power; what is left of the old process writes nowhere. Returns the engine as the next
    /// process opens it.
    pub(super) fn crash(&self) -> TestEngine {
        self.gone.store(true, Ordering::SeqCst);
        self.inner.crash();
        TestEngine { inner: self.inner.clone(), ..TestEngine::default() }
    }

    fn read(&self) -> &MemoryEngine {
        assert!(!self.panics_in_reads.load(Ordering::SeqCst), "a bug on the way to a read");
        &self.inner
    }
}

impl Reader for TestEngine {
    fn get(&self, cf: Cf, key: &[u8]) -> Result<Option<Vec<u8>>> {
        self.read().get(cf, key)
    }

    fn cursor(&self, cf: Cf, options: IterOptions) -> Result<Box<dyn Cursor + '_>> {
        self.read().cursor(cf, options)
    }
}

impl Engine for TestEngine {
    fn write(&self, batch: WriteBatch, sync: bool) -> Result<()> {
        assert!(!self.panics_in_writes.load(Ordering::SeqCst), "a bug on the way to a write");
        if self.fails.load(Ordering::SeqCst) {
            return Err(Error::Io("the disk is on fire".to_owned()));
        }
        if self.gone.load(Ordering::SeqCst) {
            return Ok(());
        }
        self.syncs.fetch_add(u64::from(sync), Ordering::SeqCst);
        self.inner.write(batch, sync)
    }

    fn snapshot(&self) -> Arc<dyn Snapshot> {
        self.read().snapshot()
    }

    fn sync(&self) -> Result<()> {
        self.inner.sync()
    }

    fn approximate_size(&self, cf: Cf, start: &[u8], end: &[u8]) -> Result<u64> {
        self.inner.approximate_size(cf, start, end)
    }

    fn disk_space(&self) -> Result<DiskSpace> {
        Ok(DISK)
    }

    fn checkpoint(&self, path: &Path) -> Result<()> {
        self.inner.checkpoint(path)
    }

    fn ingest(&self, cf: Cf, pairs: &mut dyn Iterator<Item = (Vec<u8>, Vec<u8>)>) -> Result<()> {
        self.inner.ingest(cf, pairs)
    }

    fn compact(&self, cf: Cf, start: &[u8], end: &[u8]) -> Result<()> {
        self.inner.compact(cf, start, end)
    }
}

/// A node.
pub(super) struct Node {
    pub(super) system: System,
    pub(super) kv: TestEngine,
    pub(super) raft: TestEngine,
    pub(super) pd: Arc<LocalPd>,
    pub(super) store: StoreNode,
    pub(super) aborts: Arc<Mutex<Vec<String>>>,
    pd_engine: MemoryEngine,
    options: StoreOptions,
}

impl Node {
    /// A new node on empty disks; pauses time.
    pub(super) async fn start(options: StoreOptions) -> Node {
        tokio::time::pause();
        let (kv, raft) = (TestEngine::default(), TestEngine::default());
        Node::open(System::for_test(), options, kv, raft, MemoryEngine::new()).await
    }

    /// A new node on empty disks, on the threads of this system and in real time.
    pub(super) async fn start_on(system: System, options: StoreOptions) -> Node {
        let (kv, raft) = (TestEngine::default(), TestEngine::default());
        Node::open(system, options, kv, raft, MemoryEngine::new()).await
    }

    async fn open(
        system: System,
        options: StoreOptions,
        kv: TestEngine,
        raft: TestEngine,
        pd_engine: MemoryEngine,
    ) -> Node {
        let aborts = Arc::new(Mutex::new(Vec::new()));
        let hook = Arc::clone(&aborts);
        system.set_abort_hook(move |path, reason| hook.lock().push(format!("{path}: {reason}")));
        let disk: Arc<dyn Engine> = Arc::new(pd_engine.clone());
        let pd = Arc::new(LocalPd::start(&system, disk, Goals::default()).unwrap());
        let open = OpenStore {
            kv: Arc::new(kv.clone()),
            raft: Arc::new(raft.clone()),
            pd: Arc::clone(&pd) as Arc<dyn PdClient>,
            transport: Arc::new(NoTransport),
            options: options.clone(),
            address: "127.0.0.1:20160".to_owned(),
            labels: BTreeMap::new(),
        };
        let store = open_store(&system, open).await.unwrap();
        settle().await;
        Node { system, kv, raft, pd, store, aborts, pd_engine, options }
    }

    /// Pulls the plug and starts again, in one thread. All regions have been asked for something since, so that they can be read
    /// without a peer.
    pub(super) async fn crash(self) -> Node {
        let node = self.crash_asleep().await;
        for status in node.store.router.statuses() {
            node.store.router.get(status.region.id).expect("it was listed").seat().wake();
        }
        settle().await;
        node
    }

    /// Pulls the plug and starts again, in one thread. Nobody has asked for anything.
    pub(super) async fn crash_asleep(self) -> Node {
        let (kv, raft) = (self.kv.crash(), self.raft.crash());
        self.pd_engine.crash();
        self.system.shutdown(DEADLINE).await;
        Node::open(System::for_test(), self.options, kv, raft, self.pd_engine).await
    }

    pub(super) async fn ts(&self) -> Timestamp {
        self.pd.timestamp().await.unwrap()
    }

    /// The region that holds a user key; none while a split is creating its peer.
    pub(super) fn find(&self, key: &[u8]) -> Option<RegionContext> {
        let encoded = encode_key(key);
        let statuses = self.store.router.statuses();
        let status = statuses.iter().find(|status| status.region.contains(&encoded));
        status.map(|status| status.region.context())
    }

    /// The region that holds a user key.
    pub(super) fn context(&self, key: &[u8]) -> RegionContext {
        self.find(key).expect("every key is in a region")
    }

    pub(super) async fn send(&self, key: &[u8], request: KvRequest) -> CommandReply {
        self.send_to(self.context(key), request).await
    }

    pub(super) async fn send_to(&self, context: RegionContext, request: KvRequest) -> CommandReply {
        self.store.router.send(KvCommand { context, request }, DEADLINE).await
    }

    /// Writes one pair in a transaction of its own, in two phases; answers its commit timestamp.
    pub(super) async fn put(&self, key: &str, value: &str) -> Timestamp {
        let start_ts = self.ts().await;
        let request = KvRequest::Prewrite(prewrite(key, value, start_ts));
        self.send(key.as_bytes(), request).await.unwrap();
        let commit_ts = self.ts().await;
        let request = KvRequest::Commit(commit(key, start_ts, commit_ts));
        assert_eq!(self.send(key.as_bytes(), request).await, Ok(KvResponse::Done));
        commit_ts
    }

    /// Reads without queueing.
    pub(super) fn get(&self, key: &str, ts: Timestamp) -> Result2 {
        let context = self.context(key.as_bytes());
        let value = self.store.reader.get(&context, key.as_bytes(), ts, &[]);
        let value = value.expect("the leader of a lone region holds the lease");
        value.map(|value| value.map(|value| String::from_utf8(value.to_vec()).unwrap()))
    }
}

pub(super) type Result2 = std::result::Result<Option<String>, RequestError>;

/// Until everything that can happen has happened.
pub(super) async fn settle() {
    for _ in 0..3 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

pub(super) fn bytes(text: &str) -> Bytes {
    Bytes::copy_from_slice(text.as_bytes())
}

pub(super) fn prewrite(key: &str, value: &str, start_ts: Timestamp) -> Prewrite {
    let mutation = Mutation {
        kind: MutationKind::Put,
        key: bytes(key),
        value: bytes(value),
        assertion: Assertion::None,
        pessimistic: PessimisticAction::SkipCheck,
    };
    Prewrite {
        mutations: vec![mutation],
        primary: bytes(key),
        start_ts,
        ttl_ms: 20_000,
        txn_size: 1,
        for_update_ts: Timestamp::ZERO,
        min_commit_ts: Timestamp::ZERO,
        try_one_pc: false,
        async_commit: None,
    }
}

pub(super) fn commit(key: &str, start_ts: Timestamp, commit_ts: Timestamp) -> CommitKeys {
    CommitKeys { keys: vec![bytes(key)], start_ts, commit_ts }
}

pub(super) fn lock(key: &str, start_ts: Timestamp, wait: WaitPolicy) -> KvRequest {
    KvRequest::PessimisticLock(PessimisticLock {
        keys: vec![(bytes(key), false)],
        primary: bytes(key),
        start_ts,
        for_update_ts: start_ts,
        ttl_ms: 20_000,
        wait,
        return_values: false,
    })
}

pub(super) fn unlock(key: &str, start_ts: Timestamp) -> KvRequest {
    KvRequest::PessimisticRollback {
        keys: vec![bytes(key)],
        start_ts,
        for_update_ts: Timestamp::MAX,
    }
}
