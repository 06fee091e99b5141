//! A node with a store on real threads, asked over HTTP.

mod browser;
mod endpoints;
mod pd;
mod stop;
mod trace;

use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tracing_subscriber::{EnvFilter, Registry, reload};

use super::{AdminHandle, AdminServices, MemoryGauge, SchemaSource, StoreView, start};
use crate::actors::pd::{LocalPd, PdClient};
use crate::actors::runtime::{
    Actor, ActorRef, Context, Handler, Health, ReplyTo, System, SystemOptions, Thread,
};
use crate::actors::session::ProcessList;
use crate::actors::session::activity::SharedActivity;
use crate::actors::store::{NoTransport, OpenStore, StoreNode, StoreOptions, open_store};
use crate::message;
use crate::placement::Goals;
use crate::sql::catalog::InfoSchema;
use crate::sql::parser::parse;
use crate::sql::plan::TestSchema;
use crate::sql::types::SqlMode;
use crate::storage::engine::{Engine, MemoryEngine};

/// More than there may be traces.
const CONNECTIONS: usize = 64;
const DEADLINE: Duration = Duration::from_secs(60);

struct FixedSchema(InfoSchema);

/// A database `test` with a table `orders`.
fn schema() -> InfoSchema {
    let sql = "CREATE TABLE orders (id BIGINT PRIMARY KEY, customer VARCHAR(40), KEY (customer))";
    let mut schema = TestSchema::new();
    schema.change(&parse(sql, SqlMode::default()).unwrap().remove(0).statement).unwrap();
    schema.schema
}

impl SchemaSource for FixedSchema {
    fn current(&self) -> InfoSchema {
        self.0.clone()
    }
}

/// Counts; panics when told to.
struct Counter(u64);
struct Count;
message!(Count => u64, "Count");
struct Panic;
message!(Panic => (), "Panic");

impl Actor for Counter {
    const KIND: &'static str = "counter";

    fn observe(&self) -> Value {
        json!({ "counted": self.0 })
    }
}

impl Handler<Count> for Counter {
    fn handle(&mut self, _: Count, reply: ReplyTo<u64>, _: &mut Context<Self>) {
        self.0 += 1;
        reply.send(self.0);
    }
}

impl Handler<Panic> for Counter {
    fn handle(&mut self, _: Panic, _: ReplyTo<()>, _: &mut Context<Self>) {
        panic!("told to");
    }
}

/// Has many children of one kind, and keeps one of them busy.
struct Crowd;

impl Actor for Crowd {
    const KIND: &'static str = "crowd";

    fn started(&mut self, ctx: &mut Context<Self>) {
        let counters: Vec<ActorRef<Counter>> = (1..=100)
            .map(|id| ctx.child(format!("counter-{id}"), Thread::Same, || Counter(0)))
            .collect();
        ctx.run_interval(Duration::from_millis(20), move |_, _| {
            let _ = counters[0].tell(Count);
        });
    }
}

struct Node {
    system: System,
    admin: AdminHandle,
    store: StoreNode,
    log: reload::Layer<EnvFilter, Registry>,
    activity: SharedActivity,
}

impl Node {
    async fn start() -> Node {
        let system = System::start(SystemOptions { core_threads: 1, ..SystemOptions::default() });
        system.set_abort_hook(|_, _| {});
        let disk = || Arc::new(MemoryEngine::new()) as Arc<dyn Engine>;
        let pd = Arc::new(LocalPd::start(&system, disk(), Goals::default()).unwrap());
        let open = OpenStore {
            kv: disk(),
            raft: disk(),
            pd: Arc::clone(&pd) as Arc<dyn PdClient>,
            transport: Arc::new(NoTransport),
            options: StoreOptions::default(),
            address: "127.0.0.1:20160".to_owned(),
            labels: Default::default(),
        };
        let store = open_store(&system, open).await.unwrap();
        system.spawn_root("crowd", Thread::Any, || Crowd);
        system.health().report("store", Health::healthy());
        let activity = SharedActivity::default();
        let (log, reload) = reload::Layer::new(EnvFilter::new("info"));
        let services = AdminServices {
            system: system.clone(),
            version: "1.2.3",
            roles: vec!["all".to_owned()],
            started: system.clock().now(),
            store: Some(StoreView::from(&store)),
            schema: Arc::new(FixedSchema(schema())),
            pd,
            processes: Arc::new(ProcessList::default()),
            activity: activity.clone(),
            bridge: None,
            fault_injection: false,
            guard: Default::default(),
            connections: CONNECTIONS,
            memory: vec![MemoryGauge {
                instance: "kv",
                kind: "block-cache",
                bytes: Arc::new(|| Some(4096)),
            }],
            log: Some(Arc::new(reload)),
        };
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let admin = start(services, vec![listener]).unwrap();
        let node = Node { system, admin, store, log, activity };
        node.until(|node| node.store.router.statuses().iter().any(|region| region.is_leader()))
            .await;
        // Its children are made on another thread.
        node.until(|node| {
            node.system.actors().iter().any(|a| a.path.to_string().ends_with("/crowd/counter-100"))
        })
        .await;
        node
    }

    async fn until(&self, condition: impl Fn(&Node) -> bool) {
        let waiting = async {
            while !condition(self) {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(DEADLINE, waiting).await.expect("it comes about in time");
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.admin.addr())
    }

    fn ask(&self, method: &str, path: &str) -> (u16, String) {
        let agent = ureq::Agent::new_with_config(
            ureq::Agent::config_builder()
                .http_status_as_error(false)
                .timeout_global(Some(DEADLINE))
                .build(),
        );
        let url = self.url(path);
        let mut response = match method {
            "GET" => agent.get(&url).call(),
            "POST" => agent.post(&url).send_empty(),
            "PUT" => agent.put(&url).send_empty(),
            "DELETE" => agent.delete(&url).call(),
            other => panic!("no such method here: {other}"),
        }
        .unwrap();
        (response.status().as_u16(), response.body_mut().read_to_string().unwrap())
    }

    /// The answer to a GET, which must be JSON with this status.
    fn get(&self, path: &str, status: u16) -> Value {
        self.json("GET", path, status)
    }

    fn json(&self, method: &str, path: &str, status: u16) -> Value {
        let (found, body) = self.ask(method, path);
        assert_eq!(found, status, "{method} {path}: {body}");
        serde_json::from_str(&body).unwrap_or_else(|error| panic!("{path}: {error} in {body}"))
    }

    async fn stop(self) {
        self.admin.stop(DEADLINE).await;
        self.system.shutdown(DEADLINE).await;
    }
}
