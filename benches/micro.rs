//! What the parts cost by themselves, without a network: a message, a key and a row, a version, a plan, a point get.
//!
//! `cargo bench --bench micro`, with a group's or benchmark's name behind `--` to run only that. Where one call takes less than
//! entering a runtime does, an iteration makes many of them, and the throughput line tells what one costs. The groups, from
//! the bottom up:
//!
//! | group       | what one element is                                                                    |
//! |-------------|----------------------------------------------------------------------------------------|
//! | `mailbox`   | an `ask` and its answer, or a `tell`, on one thread and across threads                 |
//! | `bridge`    | an `echo`, asked or told, from one node to another over gRPC and loopback              |
//! | `tso`       | a timestamp of another process's placement driver, for one session or ten thousand     |
//! | `codec`     | a key or a row of sysbench's table, written or read                                    |
//! | `mvcc_get`  | the newest version of one of 100,000 keys                                              |
//! | `plan`      | a statement from its text to its physical plan                                         |
//! | `point_get` | a row by its key, through the transactional client of a store with regions and RocksDB |

use std::collections::BTreeMap;
use std::hint::black_box;
use std::io::{self, BufRead, BufReader};
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;
use std::{env, thread};

use bytes::Bytes;
use criterion::{BenchmarkGroup, Criterion, Throughput, measurement::WallTime};
use tempfile::TempDir;
use tokio::runtime::Runtime;
use troupedb::actors::bridge::{Bridge, BridgeOptions, Echo};
use troupedb::actors::kv::{Client, ClientOptions};
use troupedb::actors::pd::{LocalPd, PdCall, PdClient, PdService, RemotePd, pd_path};
use troupedb::actors::runtime::{
    Actor, ActorRef, Address, Context, Handler, MailboxOptions, Overflow, ReplyTo, System,
    SystemOptions, Thread,
};
use troupedb::actors::store::{NoTransport, OpenStore, StoreOptions, open_store};
use troupedb::common::Timestamp;
use troupedb::message;
use troupedb::placement::Goals;
use troupedb::sql::catalog::{
    DatabaseInfo, DdlContext, DdlStatement, InfoSchema, SchemaState, TableInfo, build_statement,
};
use troupedb::sql::exec::{
    Anywhere, ExecContext, ExecLimits, KvAutoIds, NoVirtualTables, RowBatch, can_read_latest,
    execute_query,
};
use troupedb::sql::expr::EvalContext;
use troupedb::sql::kv::{KvStore, Transaction, TxnOptions};
use troupedb::sql::parser::{ParsedStatement, parse_one};
use troupedb::sql::plan::{Planner, QueryPlan, StatementPlan};
use troupedb::sql::table_codec;
use troupedb::sql::types::{Datum, FieldType, SqlMode};
use troupedb::storage::codec::row::{RowEncoder, RowView, compact_i64, put_compact_i64};
use troupedb::storage::codec::{datum, keys, mvcc as versions, table};
use troupedb::storage::engine::{Cf, Engine, EngineOptions, MemoryEngine, RocksEngine, WriteBatch};
use troupedb::storage::mvcc::{self, Write, WriteKind};

/// The allocator of the server.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Longer than anything here takes.
const DEADLINE: Duration = Duration::from_secs(60);
/// Rows of the tables that are read.
const ROWS: u64 = 100_000;
/// Rows written at a time when a table is filled.
const CHUNK: u64 = 1000;
/// Calls in one iteration where one call is short.
const BATCH: u64 = 1000;

const CREATE: &str = "CREATE TABLE sbtest1 (id INT NOT NULL AUTO_INCREMENT, k INT NOT NULL DEFAULT 0, \
     c CHAR(120) NOT NULL DEFAULT '', pad CHAR(60) NOT NULL DEFAULT '', PRIMARY KEY (id), KEY k_1 (k))";
const SELECT: &str = "SELECT c FROM sbtest1 WHERE id=123";
const SELECT_PREPARED: &str = "SELECT c FROM sbtest1 WHERE id=?";
const INSERT: &str = "INSERT INTO sbtest1 (id, k, c, pad) VALUES (123, 49929, \
     '83868641912-28773972837-60736120486-75162659906-27563526494-20381887404-41576422241-93426793964-56405065102-33518432330', \
     '67847967377-48000963322-62604785301-91415491898-96926520291')";

fn main() {
    if env::var_os(OTHER_NODE).is_some() {
        return be_the_other_node();
    }
    let mut criterion = Criterion::default()
        .sample_size(30)
        .warm_up_time(Duration::from_secs(1))
        .measurement_time(Duration::from_secs(3))
        .configure_from_args();
    mailbox(&mut criterion);
    bridge(&mut criterion);
    tso(&mut criterion);
    codec(&mut criterion);
    mvcc_get(&mut criterion);
    plan(&mut criterion);
    point_get(&mut criterion);
    criterion.final_summary();
}

// ------------------------------------------------------------------------------------------------ mailbox

/// Counts what it is told.
struct Counter {
    count: u64,
}

impl Actor for Counter {
    const KIND: &'static str = "counter";

    fn mailbox() -> MailboxOptions {
        MailboxOptions { capacity: 2 * BATCH as usize, overflow: Overflow::Reject }
    }
}

struct Add(u64);
message!(Add => (), "Add");

struct Get;
message!(Get => u64, "Get");

impl Handler<Add> for Counter {
    fn handle(&mut self, message: Add, _reply: ReplyTo<()>, _ctx: &mut Context<Self>) {
        self.count += message.0;
    }
}

impl Handler<Get> for Counter {
    fn handle(&mut self, _message: Get, reply: ReplyTo<u64>, _ctx: &mut Context<Self>) {
        reply.send(self.count);
    }
}

/// Asks one after the other.
async fn ask_all(counter: &ActorRef<Counter>) {
    for _ in 0..BATCH {
        black_box(counter.ask(Get, DEADLINE).await.expect("the counter answers"));
    }
}

/// Tells without a pause, then waits until all is handled.
async fn tell_all(counter: &ActorRef<Counter>) {
    for _ in 0..BATCH {
        counter.tell(Add(1)).expect("the mailbox has room for a batch");
    }
    black_box(counter.ask(Get, DEADLINE).await.expect("the counter answers"));
}

fn mailbox(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("mailbox");
    group.throughput(Throughput::Elements(BATCH));

    // Without core threads a system lives on the caller's.
    let here = actix_rt::System::new();
    let counter = here.block_on(async {
        let options = SystemOptions { core_threads: 0, ..SystemOptions::default() };
        System::start(options).spawn_root("counter", Thread::Same, || Counter { count: 0 })
    });
    group.bench_function("ask_same_thread", |bencher| {
        bencher.iter(|| here.block_on(ask_all(&counter)));
    });
    group.bench_function("tell_same_thread", |bencher| {
        bencher.iter(|| here.block_on(tell_all(&counter)));
    });

    let runtime = runtime();
    let system = threaded();
    let counter = system.spawn_root("counter", Thread::Any, || Counter { count: 0 });
    group.bench_function("ask_across_threads", |bencher| {
        bencher.iter(|| runtime.block_on(ask_all(&counter)));
    });
    group.bench_function("tell_across_threads", |bencher| {
        bencher.iter(|| runtime.block_on(tell_all(&counter)));
    });
    group.finish();
    runtime.block_on(system.shutdown(DEADLINE));
}

// ------------------------------------------------------------------------------------------------- bridge

/// Set for the process that is the other node.
const OTHER_NODE: &str = "TROUPE_BENCH_OTHER_NODE";

/// A node with nothing but its bridge.
fn bridged(name: &str) -> (System, Bridge) {
    let options = SystemOptions { node: name.into(), core_threads: 1, ..SystemOptions::default() };
    let system = System::start(options);
    let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has free ports");
    let bridge = Bridge::start(&system, listener, BridgeOptions::default())
        .expect("the bridge starts on a bound socket");
    (system, bridge)
}

/// Is node `b`, with a placement driver, until its input ends.
fn be_the_other_node() {
    let (system, bridge) = bridged("b");
    let address = bridge.addr().expect("it listens").to_string();
    let local = LocalPd::start(&system, Arc::new(MemoryEngine::new()), Goals::default());
    let local = local.expect("a new placement driver starts");
    let at = address.clone();
    let service = system
        .spawn_root("pd-service", Thread::Any, move || PdService::new(local.clone(), at.clone()));
    bridge.export(&service).at(pd_path()).message::<PdCall>();
    println!("{address}");
    io::copy(&mut io::stdin(), &mut io::sink()).expect("the other process holds the pipe");
}

/// Node `b`, in a process of its own.
struct OtherNode {
    process: Child,
    address: String,
}

impl OtherNode {
    /// Starts it, on one core only if told so.
    fn start(core: Option<usize>) -> OtherNode {
        let me = env::current_exe().expect("a process has a path");
        let mut command = match core {
            None => Command::new(me),
            Some(core) => {
                let mut command = Command::new("taskset");
                command.arg("-c").arg(core.to_string()).arg(me);
                command
            }
        };
        command.env(OTHER_NODE, "1").stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = command.spawn().expect("the bench starts once more (with taskset)");
        let output = process.stdout.take().expect("its output is a pipe");
        let mut address = String::new();
        BufReader::new(output).read_line(&mut address).expect("it tells its address");
        OtherNode { process, address: address.trim().to_owned() }
    }

    fn stop(mut self) {
        drop(self.process.stdin.take());
        self.process.wait().expect("it ends with its input");
    }
}

/// Holds this process to some cores.
fn hold_to(cores: &str) {
    let me = std::process::id().to_string();
    let done = Command::new("taskset").args(["-a", "-p", "-c", cores, &me]).output();
    assert!(done.expect("taskset is there").status.success(), "taskset takes {cores}");
}

/// Asks all at once, then waits for the answers.
async fn echo_all(echo: &Address<Echo>, payload: &Bytes) {
    let asked: Vec<_> = (0..BATCH).map(|_| echo.ask(Echo(payload.clone()), DEADLINE)).collect();
    for answer in asked {
        black_box(answer.await.expect("the other node answers"));
    }
}

/// Tells without a pause, then waits until the last is handled.
async fn shout_all(echo: &Address<Echo>, payload: &Bytes) {
    for _ in 0..10 * BATCH {
        echo.tell(Echo(payload.clone())).expect("the outbox has room for some batches");
    }
    black_box(echo.ask(Echo(payload.clone()), DEADLINE).await.expect("the other node answers"));
}

/// Two processes, each on one core.
fn bridge(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("bridge");
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let other = OtherNode::start(Some(1.min(cores - 1)));
    hold_to("0");
    let runtime = runtime();
    let (system, bridge) = bridged("a");
    system.registry().announce_node("b", other.address.clone());
    let echo = bridge.address::<Echo>("/b/bridge");
    let payload = Bytes::from_static(b"0123456789abcdef");
    group.throughput(Throughput::Elements(1));
    group.bench_function("ask_one", |bencher| {
        bencher.iter(|| runtime.block_on(echo.ask(Echo(payload.clone()), DEADLINE)));
    });
    group.throughput(Throughput::Elements(BATCH));
    group.bench_function("ask", |bencher| {
        bencher.iter(|| runtime.block_on(echo_all(&echo, &payload)));
    });
    group.throughput(Throughput::Elements(10 * BATCH));
    group.bench_function("tell", |bencher| {
        bencher.iter(|| runtime.block_on(shout_all(&echo, &payload)));
    });
    group.finish();
    runtime.block_on(bridge.stop(DEADLINE));
    runtime.block_on(system.shutdown(DEADLINE));
    other.stop();
    hold_to(&format!("0-{}", cores - 1));
}

// ---------------------------------------------------------------------------------------------------- tso

/// Timestamps each session asks for, one after the other.
const ROUNDS: u64 = 10;

/// Sessions that each ask for timestamps, one after the other.
async fn timestamps(pd: &RemotePd, sessions: u64) {
    let sessions: Vec<_> = (0..sessions)
        .map(|_| {
            let pd = pd.clone();
            tokio::spawn(async move {
                for _ in 0..ROUNDS {
                    black_box(pd.timestamp().await.expect("the placement driver answers"));
                }
            })
        })
        .collect();
    for session in sessions {
        session.await.expect("a session does not panic");
    }
}

/// Two processes, which share what cores there are.
fn tso(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("tso");
    let runtime = runtime();
    let (system, bridge) = bridged("a");
    let other = OtherNode::start(None);
    let members = vec![other.address.clone()];
    let pd = runtime.block_on(async { RemotePd::new(&system, &bridge, members) });
    for (name, sessions) in [("one", 1), ("for_1000", BATCH), ("for_10000", 10 * BATCH)] {
        group.throughput(Throughput::Elements(sessions * ROUNDS));
        group.bench_function(name, |bencher| {
            bencher.iter(|| runtime.block_on(timestamps(&pd, sessions)));
        });
    }
    group.finish();
    runtime.block_on(bridge.stop(DEADLINE));
    runtime.block_on(system.shutdown(DEADLINE));
    other.stop();
}

// -------------------------------------------------------------------------------------------------- codec

/// The handles of rows to read, spread over the table.
struct Handles(u64);

impl Handles {
    fn next(&mut self) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % ROWS
    }
}

/// A column of so many digits.
fn digits(seed: u64, length: usize) -> Vec<u8> {
    (0..length as u64).map(|at| b'0' + ((seed + 7 * at) % 10) as u8).collect()
}

fn push_columns(encoder: &mut RowEncoder, k: i64, c: &[u8], pad: &[u8]) {
    encoder.push_with(2, |out| put_compact_i64(out, k));
    encoder.push(3, c);
    encoder.push(4, pad);
}

fn codec(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("codec");
    let (c, pad) = (digits(1, 119), digits(2, 59));

    let row_key = table::row_key(100, 123);
    group.bench_function("versioned_row_key_encode", |bencher| {
        bencher.iter(|| {
            let user_key = table::row_key(black_box(100), black_box(123));
            versions::encode_versioned_key(&user_key, Timestamp(1 << 60))
        });
    });
    let encoded = versions::encode_versioned_key(&row_key, Timestamp(1 << 60));
    group.bench_function("versioned_row_key_decode", |bencher| {
        bencher.iter(|| versions::decode_versioned_key(black_box(&encoded)));
    });
    let mut values = Vec::new();
    group.bench_function("index_values_encode", |bencher| {
        bencher.iter(|| {
            values.clear();
            datum::put_int(&mut values, black_box(49_929));
            datum::put_bytes(&mut values, black_box(&pad));
            black_box(&values);
        });
    });
    group.bench_function("index_values_decode", |bencher| {
        bencher.iter(|| {
            let mut rest = black_box(values.as_slice());
            (datum::take_part(&mut rest), datum::take_part(&mut rest))
        });
    });

    let (mut encoder, mut row) = (RowEncoder::new(), Vec::new());
    group.bench_function("row_encode", |bencher| {
        bencher.iter(|| {
            row.clear();
            push_columns(&mut encoder, black_box(49_929), black_box(&c), black_box(&pad));
            encoder.finish(&mut row);
            black_box(&row);
        });
    });
    group.bench_function("row_decode_text_column", |bencher| {
        bencher.iter(|| {
            let view = RowView::parse(black_box(&row)).expect("it was just encoded");
            view.get(3).flatten().map(<[u8]>::len)
        });
    });
    group.bench_function("row_decode_int_column", |bencher| {
        bencher.iter(|| {
            let view = RowView::parse(black_box(&row)).expect("it was just encoded");
            view.get(2).flatten().map(compact_i64)
        });
    });
    group.finish();
}

// --------------------------------------------------------------------------------------------------- mvcc

/// Writes a committed version of every row.
fn fill_versions(engine: &dyn Engine) {
    let mut encoder = RowEncoder::new();
    for first in (0..ROWS).step_by(CHUNK as usize) {
        let mut batch = WriteBatch::new();
        for handle in first..first + CHUNK {
            push_columns(&mut encoder, handle as i64, &digits(handle, 119), &digits(handle, 59));
            let mut row = Vec::new();
            encoder.finish(&mut row);
            let mut key = keys::data_key_of(&table::row_key(100, handle as i64));
            versions::put_ts(&mut key, Timestamp(20));
            let write = Write::new(WriteKind::Put, Timestamp(10), Some(Bytes::from(row)));
            batch.put(Cf::Write, key, write.encode());
        }
        engine.write(batch, false).expect("the engine takes the rows");
    }
}

fn bench_versions(group: &mut BenchmarkGroup<'_, WallTime>, name: &str, engine: &dyn Engine) {
    let mut handles = Handles(1);
    group.bench_function(name, |bencher| {
        bencher.iter(|| {
            let key = table::row_key(100, handles.next() as i64);
            let value = mvcc::get(engine, &key, Timestamp(30), &[]);
            value.expect("the engine reads").expect("every row is there")
        });
    });
}

fn mvcc_get(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("mvcc_get");
    let memory = MemoryEngine::new();
    fill_versions(&memory);
    bench_versions(&mut group, "memory", &memory);

    let directory = directory();
    let rocks = RocksEngine::open(&directory.path().join("kv"), &EngineOptions::default())
        .expect("RocksDB opens an empty directory");
    fill_versions(&rocks);
    bench_versions(&mut group, "rocksdb_memtable", &rocks);
    rocks.compact(Cf::Write, b"z", b"{").expect("RocksDB compacts");
    bench_versions(&mut group, "rocksdb_files", &rocks);
    group.finish();
}

// --------------------------------------------------------------------------------------------------- plan

fn parse(sql: &str) -> ParsedStatement {
    let parsed =
        parse_one(sql.as_bytes(), 0, SqlMode::default()).expect("the statement is correct");
    parsed.expect("there is a statement")
}

/// A schema with sysbench's table in it.
fn schema() -> (InfoSchema, TableInfo) {
    let database = DatabaseInfo {
        id: 1,
        name: "sbtest".to_owned(),
        charset: "utf8mb4".to_owned(),
        collation: "utf8mb4_bin".to_owned(),
        state: SchemaState::Public,
    };
    let empty = InfoSchema::new(1, vec![(database.clone(), Vec::new())]);
    let eval = EvalContext::new();
    let context = DdlContext {
        schema: &empty,
        current_db: Some("sbtest"),
        sql_mode: SqlMode::default(),
        eval: &eval,
    };
    let changes =
        build_statement(&parse(CREATE).statement, &context).expect("the table is correct");
    let Some(DdlStatement::CreateTable { table, .. }) = changes.into_iter().next() else {
        unreachable!("CREATE TABLE makes a table")
    };
    let table = TableInfo { id: 100, ..*table };
    (InfoSchema::new(2, vec![(database, vec![table.clone()])]), table)
}

fn parse_and_plan(sql: &str, schema: &InfoSchema) -> StatementPlan {
    let planner = Planner::new(schema, Some("sbtest"), SqlMode::default());
    planner.plan(&parse(sql).statement).expect("the statement has a plan")
}

fn plan(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("plan");
    let (schema, _) = schema();
    for (name, sql) in [("point_select", SELECT), ("insert", INSERT)] {
        group.bench_function(format!("parse_{name}"), |bencher| {
            bencher.iter(|| parse(black_box(sql)));
        });
        group.bench_function(format!("parse_and_plan_{name}"), |bencher| {
            bencher.iter(|| parse_and_plan(black_box(sql), &schema));
        });
    }
    group.finish();
}

// ---------------------------------------------------------------------------------------------- point get

/// A node without gateway and sessions: actors, PD, a store on RocksDB, and the transactional client.
struct Node {
    runtime: Runtime,
    system: System,
    client: Client,
    schema: InfoSchema,
    table: TableInfo,
    _directory: TempDir,
}

impl Node {
    fn start() -> Node {
        let (runtime, system, directory) = (runtime(), threaded(), directory());
        let open = |name, options: &EngineOptions| -> Arc<dyn Engine> {
            let engine = RocksEngine::open(&directory.path().join(name), options);
            Arc::new(engine.expect("RocksDB opens an empty directory"))
        };
        let kv = open("kv", &EngineOptions::default());
        let raft = open("raft", &EngineOptions::raft());
        let pd_engine = open("pd", &EngineOptions::raft());
        let client = runtime.block_on(async {
            let pd = LocalPd::start(&system, pd_engine, Goals::default());
            let pd: Arc<dyn PdClient> = Arc::new(pd.expect("a new placement driver starts"));
            let open = OpenStore {
                kv,
                raft,
                pd: Arc::clone(&pd),
                transport: Arc::new(NoTransport),
                options: StoreOptions::default(),
                address: "127.0.0.1:20160".to_owned(),
                labels: BTreeMap::new(),
            };
            let store = open_store(&system, open).await.expect("an empty store opens");
            let rng = system.rng().stream("kv");
            Client::new(pd, Arc::new(store), ClientOptions::default(), rng)
        });
        let (schema, table) = schema();
        Node { runtime, system, client, schema, table, _directory: directory }
    }

    /// Commits every row of the table.
    async fn fill(&self) {
        let zone = EvalContext::new().time_zone;
        let text = |value: Vec<u8>| Datum::Bytes(value.into());
        for first in (0..ROWS).step_by(CHUNK as usize) {
            let txn = self.client.begin(TxnOptions::default()).await.expect("a transaction begins");
            for handle in first..first + CHUNK {
                let id = handle as i64;
                let (c, pad) = (digits(handle, 119), digits(handle, 59));
                let row = [Datum::Int(id), Datum::Int(id), text(c), text(pad)];
                let row = table_codec::encode_row(&self.table, &row, &zone);
                let row = row.expect("the values fit their columns");
                txn.put(table::row_key(self.table.id, id), row);
            }
            txn.commit().await.expect("nobody else writes");
        }
    }

    /// What is the same for all statements. Holds a transaction that is never used.
    async fn template(&self) -> ExecContext {
        ExecContext {
            txn: self.latest().await,
            eval: Arc::default(),
            virtual_tables: Arc::new(NoVirtualTables),
            auto_ids: Arc::new(KvAutoIds::new(Arc::new(self.client.clone()))),
            place: &Anywhere,
            lock_wait: Duration::from_secs(50),
            foreign_key_checks: true,
            limits: Arc::new(ExecLimits::default()),
            profile: None,
            within: false,
            functions: None,
        }
    }

    /// The transaction of an autocommit point read.
    async fn latest(&self) -> Arc<dyn Transaction> {
        let options = TxnOptions { latest: true, ..TxnOptions::default() };
        self.client.begin(options).await.expect("reading the latest needs no timestamp")
    }

    /// The prepared point select.
    fn prepared(&self) -> QueryPlan {
        let parsed = parse(SELECT_PREPARED);
        let planner = Planner {
            parameter_count: parsed.parameters,
            parameter_types: &[FieldType::bigint()],
            ..Planner::new(&self.schema, Some("sbtest"), SqlMode::default())
        };
        match planner.plan(&parsed.statement).expect("the statement has a plan") {
            StatementPlan::Query(query) if can_read_latest(&query) => query,
            other => unreachable!("a point select is planned as {other:?}"),
        }
    }
}

/// Runs a query of one row.
async fn run(query: &QueryPlan, context: &ExecContext) -> Vec<Vec<Datum>> {
    let mut rows = execute_query(query, context).await.expect("the query runs");
    match rows.next_batch().await.expect("the rows are read") {
        Some(RowBatch::Rows(rows)) if rows.len() == 1 => rows,
        _ => unreachable!("a point get answers one row, on the short road"),
    }
}

fn point_get(criterion: &mut Criterion) {
    let node = Node::start();
    node.runtime.block_on(node.fill());
    let (query, template) = (node.prepared(), node.runtime.block_on(node.template()));
    let mut handles = Handles(1);
    let mut group = criterion.benchmark_group("point_get");
    group.throughput(Throughput::Elements(BATCH));

    group.bench_function("transaction", |bencher| {
        bencher.iter(|| {
            node.runtime.block_on(async {
                for _ in 0..BATCH {
                    let key = table::row_key(node.table.id, handles.next() as i64);
                    let value = node.latest().await.get(key).await;
                    black_box(value.expect("the store reads").expect("every row is there"));
                }
            });
        });
    });
    group.bench_function("prepared", |bencher| {
        // A session uses the context of its expressions again and again, too.
        let mut eval = Arc::new(EvalContext::new());
        bencher.iter(|| {
            node.runtime.block_on(async {
                for _ in 0..BATCH {
                    let params =
                        &mut Arc::get_mut(&mut eval).expect("the statement is over").params;
                    params.clear();
                    params.push(Datum::Int(handles.next() as i64));
                    let (txn, eval) = (node.latest().await, Arc::clone(&eval));
                    black_box(run(&query, &ExecContext { txn, eval, ..template.clone() }).await);
                }
            });
        });
    });
    group.bench_function("text", |bencher| {
        bencher.iter(|| {
            node.runtime.block_on(async {
                for _ in 0..BATCH {
                    let sql = format!("SELECT c FROM sbtest1 WHERE id={}", handles.next());
                    let StatementPlan::Query(query) = parse_and_plan(&sql, &node.schema) else {
                        unreachable!("a SELECT is a query")
                    };
                    let txn = node.latest().await;
                    black_box(run(&query, &ExecContext { txn, ..template.clone() }).await);
                }
            });
        });
    });
    group.finish();
    drop(template);
    node.runtime.block_on(node.system.shutdown(DEADLINE));
}

// ------------------------------------------------------------------------------------------------- shared

/// What runs on the caller's thread.
fn runtime() -> Runtime {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("the machine has resources for a runtime")
}

/// Actors on one thread besides the caller's.
fn threaded() -> System {
    System::start(SystemOptions { core_threads: 1, ..SystemOptions::default() })
}

fn directory() -> TempDir {
    tempfile::tempdir().expect("a temporary directory can be made")
}
