//! Sessions over a store in memory, without sockets: scripts of statements and what a client sees of them.
//! `UPDATE_GOLDENFILES=1` records them anew.

mod client;
mod cursor;
mod memory;

use std::collections::BTreeMap;
use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use bytes::{BufMut, Bytes, BytesMut};
use goldenscript::{Command as Line, Context, Runner};

use super::accounts::AccountCache;
use super::*;
use crate::actors::ddl::{DdlParts, DdlWorker, LocalSync, SchemaCache};
use crate::actors::pd::AlwaysOwner;
use crate::actors::runtime::{ActorRef, System, Thread};
use crate::protocol::CapabilityFlags;
use crate::protocol::auth::Plugin;
use crate::protocol::command::Command;
use crate::sql::exec::memory_store::MemoryStore;
use crate::sql::kv::KvStore;
use client::{Answered, read_answer};

const DEADLINE: Duration = Duration::from_secs(60);

/// A node with nothing but sessions, a DDL worker and a store.
struct Node {
    system: System,
    services: Arc<SessionServices>,
}

impl Node {
    async fn start() -> Node {
        Node::start_with(|_| {}).await
    }

    async fn start_with(change: impl FnOnce(&mut SessionServices)) -> Node {
        let system = System::for_test();
        let store: Arc<dyn KvStore> = Arc::new(MemoryStore::default());
        let schema = SchemaCache::load(&*store).await.unwrap();
        let parts = DdlParts {
            store: store.clone(),
            cache: schema.clone(),
            sync: Arc::new(LocalSync::new(schema.clone())),
            owner: Arc::new(AlwaysOwner),
            turns: Arc::default(),
        };
        let ddl = system.spawn_root("ddl", Thread::Same, move || {
            DdlWorker::new(parts.clone(), Duration::from_secs(600))
        });
        let accounts = AccountCache::load(&*store, Plugin::CachingSha2).await.unwrap();
        let mut services = SessionServices::new(
            store,
            schema,
            ddl.address(),
            Arc::new(ProcessList::default()),
            accounts,
            system.clock().clone(),
            system.rng(),
        );
        change(&mut services);
        Node { system, services: Arc::new(services) }
    }

    /// A client with its session.
    fn connect(&self, capabilities: CapabilityFlags) -> Client {
        let services = self.services.clone();
        let id = services.processes.next_id();
        let state = ProcessState {
            user: "root".to_owned(),
            host: "127.0.0.1:1".to_owned(),
            database: None,
            command: "Sleep",
            since: services.clock.now(),
            info: None,
        };
        let process = services.processes.add(id, state);
        let info = ClientInfo {
            connection_id: id,
            user: "root".to_owned(),
            account_host: "localhost".to_owned(),
            address: [127, 0, 0, 1].into(),
            database: None,
            capabilities,
            collation: 46,
            tls: None,
        };
        let session = self.system.spawn_root(format!("session-{id}"), Thread::Same, move || {
            Session::new(services.clone(), process.clone(), info.clone())
        });
        Client { session, capabilities, id }
    }
}

fn capabilities() -> CapabilityFlags {
    CapabilityFlags::CLIENT_PROTOCOL_41
        | CapabilityFlags::CLIENT_MULTI_STATEMENTS
        | CapabilityFlags::CLIENT_MULTI_RESULTS
        | CapabilityFlags::CLIENT_DEPRECATE_EOF
}

#[derive(Clone)]
struct Client {
    session: ActorRef<Session>,
    capabilities: CapabilityFlags,
    id: u32,
}

impl Client {
    async fn send(&self, command: Command) -> Bytes {
        let answer = self.session.ask(Execute { command, first_sequence: 1 }, DEADLINE).await;
        let answer = answer.expect("the session answers");
        let mut bytes = BytesMut::from(&answer.bytes[..]);
        if let Some(mut rest) = answer.rest {
            while let Some(more) = rest.recv().await {
                bytes.extend_from_slice(&more.bytes);
            }
        }
        bytes.freeze()
    }

    /// COM_QUERY.
    async fn query(&self, sql: &str) -> Vec<Answered> {
        let bytes = self.send(Command::Query(Bytes::copy_from_slice(sql.as_bytes()))).await;
        read_answer(&bytes, self.capabilities, false)
    }

    /// COM_STMT_PREPARE; answers the statement's number.
    async fn prepare(&self, sql: &str) -> u32 {
        let text = Bytes::copy_from_slice(sql.as_bytes());
        let bytes = self.send(Command::StmtPrepare(text)).await;
        assert_eq!(bytes[4], 0, "{bytes:?}");
        u32::from_le_bytes(bytes[5..9].try_into().unwrap())
    }

    /// COM_STMT_EXECUTE with integers.
    async fn execute(&self, statement: u32, params: &[i64]) -> Vec<Answered> {
        let mut body = BytesMut::new();
        if !params.is_empty() {
            body.put_bytes(0, params.len().div_ceil(8));
            body.put_u8(1);
            for _ in params {
                body.put_slice(&[8, 0]);
            }
            for param in params {
                body.put_i64_le(*param);
            }
        }
        let command = Command::StmtExecute { statement, cursor: 0, body: body.freeze() };
        let bytes = self.send(command).await;
        read_answer(&bytes, self.capabilities, true)
    }

    async fn show(&self, sql: &str) -> String {
        self.query(sql).await.iter().map(Answered::to_string).collect()
    }
}

/// Runs scripts: each line is what a client sends, its name (`a:`) says which client.
struct Scripts {
    runtime: actix::SystemRunner,
    node: Node,
    clients: BTreeMap<String, Client>,
}

impl Runner for Scripts {
    type Command = Line;

    fn run(&mut self, line: &Line, context: &Context) -> Result<String, Box<dyn Error>> {
        let name = context.prefix.clone().unwrap_or_default();
        let node = &self.node;
        let client =
            self.clients.entry(name).or_insert_with(|| node.connect(capabilities())).clone();
        Ok(self.runtime.block_on(async move { client.show(&line.name).await }))
    }
}

fn run(script: &str) {
    let path = format!("{}/src/actors/session/testscripts/{script}", env!("CARGO_MANIFEST_DIR"));
    let runtime = actix::System::new();
    let node = runtime.block_on(Node::start());
    let mut scripts = Scripts { runtime, node, clients: BTreeMap::new() };
    goldenscript::run(&mut scripts, path).expect("the script runs as recorded");
}

macro_rules! scripts {
    ($($name:ident)*) => {
        $(#[test]
        fn $name() {
            run(stringify!($name));
        })*
    };
}

scripts! { first_session transactions failed_statements isolation variables show prepared accounts errors schema_changes statistics programs named_locks table_locks counters explain_tree }

#[actix::test]
async fn prepared_statements_in_binary() {
    let node = Node::start().await;
    let client = node.connect(capabilities());
    client
        .show(
            "CREATE DATABASE d; USE d; CREATE TABLE t (id BIGINT PRIMARY KEY, n INT, s VARCHAR(9))",
        )
        .await;
    let insert = client.prepare("INSERT INTO t VALUES (?, ?, 'x')").await;
    for id in 0..5 {
        let answer = client.execute(insert, &[id, id * 10]).await;
        assert_eq!(answer[0].to_string(), "affected 1\n");
    }
    let select = client.prepare("SELECT n, s, id FROM t WHERE id = ?").await;
    for id in 0..5_i64 {
        let answer = client.execute(select, &[id]).await;
        let Answered::Rows { rows, .. } = &answer[0] else { panic!("{answer:?}") };
        assert_eq!(rows, &[vec![(id * 10).to_string(), "x".to_owned(), id.to_string()]]);
    }
    // A change of the schema makes a new plan.
    client.show("TRUNCATE TABLE t").await;
    let answer = client.execute(select, &[1]).await;
    assert!(matches!(&answer[0], Answered::Rows { rows, .. } if rows.is_empty()));
    client.send(Command::StmtClose(select)).await;
    let answer = client.execute(select, &[1]).await;
    assert!(matches!(&answer[0], Answered::Error { code: 1243, .. }), "{answer:?}");
}

#[actix::test]
async fn a_large_answer_streams() {
    let node = Node::start().await;
    let client = node.connect(capabilities());
    client
        .show("CREATE DATABASE d; USE d; CREATE TABLE t (id INT PRIMARY KEY, s VARCHAR(200))")
        .await;
    for chunk in 0..4 {
        let rows: Vec<String> =
            (0..1000).map(|n| format!("({}, '{}')", chunk * 1000 + n, "y".repeat(100))).collect();
        client.show(&format!("INSERT INTO t VALUES {}", rows.join(","))).await;
    }
    let command = Command::Query(Bytes::from_static(b"SELECT * FROM t"));
    let answer =
        client.session.ask(Execute { command, first_sequence: 1 }, DEADLINE).await.unwrap();
    assert!(answer.rest.is_some());
    assert!(answer.bytes.len() < 64 << 10);
    // Nobody reads the rest: the session is free again once that is known.
    drop(answer);
    let answer = client.query("SELECT COUNT(*) FROM t").await;
    let Answered::Rows { rows, .. } = &answer[0] else { panic!("{answer:?}") };
    assert_eq!(rows[0][0], "4000");
    let answer = client.query("SELECT * FROM t").await;
    assert!(matches!(&answer[0], Answered::Rows { rows, .. } if rows.len() == 4000));
}

#[actix::test]
async fn a_cancelled_statement_leaves_the_transaction_open() {
    let node = Node::start().await;
    let (a, b) = (node.connect(capabilities()), node.connect(capabilities()));
    a.show("CREATE DATABASE d; USE d; CREATE TABLE t (id INT PRIMARY KEY, n INT); INSERT INTO t VALUES (1, 1), (2, 2)").await;
    b.show("USE d; BEGIN; UPDATE t SET n = 20 WHERE id = 2").await;
    a.show("BEGIN; UPDATE t SET n = 10 WHERE id = 1").await;
    let waiting = {
        let a = a.clone();
        actix::spawn(async move { a.show("UPDATE t SET n = 30 WHERE id = 2").await })
    };
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(b.show(&format!("KILL QUERY {}", a.id)).await, "affected 0\n");
    assert!(waiting.await.unwrap().contains("1317"));
    b.show("COMMIT").await;
    assert_eq!(
        a.show("COMMIT; SELECT * FROM t ORDER BY id").await,
        "affected 0\nid|n\n1|10\n2|20\n"
    );
}

#[actix::test]
async fn a_session_that_ends_rolls_back() {
    let node = Node::start().await;
    let (a, b) = (node.connect(capabilities()), node.connect(capabilities()));
    a.show("CREATE DATABASE d; USE d; CREATE TABLE t (id INT PRIMARY KEY)").await;
    a.show("BEGIN; INSERT INTO t VALUES (1)").await;
    a.session.stop();
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(b.show("SELECT * FROM d.t").await, "id\n");
}

#[actix::test]
async fn several_statements_only_for_those_who_may() {
    let node = Node::start().await;
    let client = node.connect(CapabilityFlags::CLIENT_PROTOCOL_41);
    assert!(client.show("SELECT 1; SELECT 2").await.starts_with("ERROR 1064"));
    client.send(Command::SetOption { multi_statements: true }).await;
    assert_eq!(client.show("SELECT 1; SELECT 2").await, "1\n1\n2\n2\n");
}

#[actix::test]
async fn what_a_client_may_do_follows_the_variables() {
    let node = Node::start().await;
    let admin = node.connect(capabilities());
    admin.show("SET GLOBAL interactive_timeout = 77; SET GLOBAL wait_timeout = 66").await;
    let (script, person) = (
        node.connect(capabilities()),
        node.connect(capabilities() | CapabilityFlags::CLIENT_INTERACTIVE),
    );
    assert_eq!(script.show("SELECT @@wait_timeout").await, "@@wait_timeout\n66\n");
    assert_eq!(person.show("SELECT @@wait_timeout").await, "@@wait_timeout\n77\n");
    let limits = || {
        let processes = node.services.processes.list();
        let process = processes.iter().find(|process| process.id == person.id).unwrap();
        let limits = process.limits();
        [limits.idle, limits.read, limits.write].map(|time| time.as_secs())
    };
    assert_eq!(limits(), [77, 30, 60]);
    person.show("SET wait_timeout = 5, net_read_timeout = 6, net_write_timeout = 7").await;
    assert_eq!(limits(), [5, 6, 7]);
    for name in ["max_allowed_packet", "net_buffer_length"] {
        let said = person.show(&format!("SET SESSION {name} = 4096")).await;
        assert!(said.starts_with("ERROR 1621"), "{said}");
        assert_eq!(person.show(&format!("SET GLOBAL {name} = 4096")).await, "affected 0\n");
    }
    person.send(Command::ResetConnection).await;
    assert_eq!(limits(), [77, 30, 60]);
}

/// Rows and loops of EXPLAIN ANALYZE, by operator: the times differ.
#[actix::test]
async fn explain_analyze_counts_rows() {
    let node = Node::start().await;
    let client = node.connect(capabilities());
    client
        .show("CREATE DATABASE d; USE d; CREATE TABLE t (id INT PRIMARY KEY, a INT); INSERT INTO t VALUES (1, 1), (2, 2), (3, 2)")
        .await;
    let figures = |text: String| -> Vec<String> {
        let counted = |line: &str| {
            let name = line.trim_start().trim_start_matches("-> ");
            let name = name.split([':', ' ']).next().unwrap_or_default().to_owned();
            let actual = line.split("(actual ").nth(1)?;
            let rows = actual.split_once(" rows=")?.1;
            Some(format!("{name} {}", rows.trim_end_matches(')')))
        };
        text.lines().filter_map(counted).collect()
    };
    let shown = client.show("EXPLAIN ANALYZE SELECT * FROM t WHERE id = 2").await;
    assert_eq!(figures(shown.clone()), ["Single-row 1 loops=1"], "{shown}");
    let shown =
        client.show("EXPLAIN ANALYZE SELECT a + 1 FROM t WHERE a = 2 ORDER BY id DESC").await;
    assert_eq!(figures(shown.clone()), ["Compute 2 loops=1", "Table 2 loops=1"], "{shown}");
    let shown = client
        .show("EXPLAIN ANALYZE SELECT COUNT(*) FROM t x JOIN t y ON x.a = y.a WHERE x.id >= (SELECT MIN(id) FROM t)")
        .await;
    let counted = figures(shown.clone());
    assert!(counted.contains(&"Hash 5 loops=1".to_owned()), "{shown}");
    assert!(counted.contains(&"Aggregate 1 loops=1".to_owned()), "{shown}");
}

#[actix::test]
async fn who_waits_for_a_locked_table_goes_on_when_it_is_free() {
    let node = Node::start().await;
    let (a, b) = (node.connect(capabilities()), node.connect(capabilities()));
    a.show("CREATE DATABASE d; USE d; CREATE TABLE t (id INT PRIMARY KEY); BEGIN").await;
    b.show("USE d; BEGIN; INSERT INTO t VALUES (1)").await;
    // The lock waits for a transaction that has used the table, which goes on as if there were none.
    let locking = {
        let a = a.clone();
        actix::spawn(async move { a.show("LOCK TABLES t WRITE").await })
    };
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(!locking.is_finished());
    assert_eq!(b.show("INSERT INTO t VALUES (3)").await, "affected 1\n");
    assert_eq!(b.show("COMMIT").await, "affected 0\n");
    assert_eq!(locking.await.unwrap(), "affected 0\n");
    let waiting = {
        let b = b.clone();
        actix::spawn(async move { b.show("INSERT INTO t VALUES (2)").await })
    };
    tokio::time::sleep(Duration::from_millis(60)).await;
    assert_eq!(a.show("SELECT COUNT(*) FROM t").await, "COUNT(*)\n2\n");
    assert!(!waiting.is_finished());
    // A connection that ends leaves its tables to the keeper.
    a.session.stop();
    tokio::time::sleep(Duration::from_millis(50)).await;
    let (locks, ddl) = (node.services.locks.clone(), node.services.ddl.clone());
    node.system
        .spawn_root("keeper", Thread::Same, move || LockKeeper::new(locks.clone(), ddl.clone()));
    assert_eq!(waiting.await.unwrap(), "affected 1\n");
    assert_eq!(b.show("SELECT * FROM t").await, "id\n1\n2\n3\n");
}
