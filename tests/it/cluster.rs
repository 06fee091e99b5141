//! A cluster of real processes: a placement driver, stores and SQL nodes, each of which may be killed and started again.

use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::server::{Options, Server, free_address, troupe};

/// How long the cluster may take to look as it should.
const PATIENCE: Duration = Duration::from_secs(60);
/// Reports are frequent, so that the placement driver's steps follow each other without long pauses.
const ENV: [(&str, &str); 3] = [
    ("TROUPE_STORE_HEARTBEAT_INTERVAL", "500ms"),
    ("TROUPE_NODE_DRAIN_TIMEOUT", "8s"),
    ("TROUPE_BRIDGE_FAULT_INJECTION", "true"),
];

/// One cluster at a time: they want the machine to themselves.
static ALONE: Mutex<()> = Mutex::new(());

/// The first key of a table, as regions know it.
pub(crate) fn key_of_table(server: &Server, database: &str, table: &str) -> String {
    let schema = server.json(&format!("/schema/{database}/{table}"));
    let id = schema["id"].as_u64().unwrap_or_else(|| panic!("no id in {schema}"));
    let mut key = vec![b't'];
    key.extend((id ^ 1 << 63).to_be_bytes());
    // In groups of eight bytes, each with a mark that says how full it is.
    let mut encoded = String::new();
    for group in key.chunks(8) {
        group.iter().for_each(|byte| encoded += &format!("{byte:02X}"));
        encoded += &"00".repeat(8 - group.len());
        encoded += &format!("{:02X}", 0xff - (8 - group.len()));
    }
    encoded
}

/// The region of an encoded key.
pub(crate) fn region_of<'a>(regions: &'a [Value], key: &str) -> &'a Value {
    let holds = |region: &&Value| {
        let (start, end) = (region["start_key"].as_str(), region["end_key"].as_str());
        start.unwrap() <= key && (end == Some("") || key < end.unwrap())
    };
    regions.iter().find(holds).unwrap()
}

/// The id of the store that leads the region of an encoded key.
pub(crate) fn leader_of(regions: &[Value], key: &str) -> u64 {
    region_of(regions, key)["leader"]["store_id"].as_u64().unwrap()
}

/// Whether a store takes its replica of a region for the leader.
pub(crate) fn leads(store: &Server, region: &Value) -> bool {
    store.json(&format!("/regions/{region}"))["role"] == "leader"
}

/// Every region has three voters, all of which keep up.
pub(crate) fn are_whole(regions: &[Value]) -> bool {
    let three = |region: &Value| {
        let peers = region["peers"].as_array().unwrap();
        peers.len() == 3
            && peers.iter().all(|peer| peer["role_name"] == "Voter")
            && region["pending_peers"].as_array().unwrap().is_empty()
            && region["down_peers"].as_array().unwrap().is_empty()
    };
    !regions.is_empty() && regions.iter().all(three)
}

/// A node at a fixed address.
pub(crate) struct Node {
    pub(crate) name: String,
    pub(crate) address: String,
    pub(crate) dir: PathBuf,
    args: Vec<String>,
    pub(crate) env: Vec<(&'static str, &'static str)>,
    /// MiB of a file system in memory that it has for itself, as its data directory.
    pub(crate) disk: Option<u32>,
    server: Option<Server>,
}

impl Node {
    pub(crate) fn new(name: &str, role: &str, pd: Option<&str>, dir: PathBuf) -> Node {
        let address = free_address();
        let mut args: Vec<String> = ["--role", role, "--name", name, "--addr", &address]
            .iter()
            .map(ToString::to_string)
            .collect();
        if let Some(pd) = pd {
            args.extend(["--pd".to_owned(), pd.to_owned()]);
        }
        let env = ENV.to_vec();
        Node { name: name.to_owned(), address, dir, args, env, disk: None, server: None }
    }

    pub(crate) fn start(&mut self) {
        let args: Vec<&str> = self.args.iter().map(String::as_str).collect();
        let mount = self.disk.map(|size| {
            let dir = self.dir.display();
            format!("mkdir -p {dir}; mount -t tmpfs -o size={size}m tmpfs {dir}")
        });
        let options = Options {
            data_dir: Some(&self.dir),
            args: &args,
            env: &self.env,
            through: mount.as_deref(),
            mounts: mount.is_some(),
            ..Options::default()
        };
        self.server = Some(Server::with(&options));
    }

    pub(crate) fn server(&self) -> &Server {
        self.server.as_ref().unwrap_or_else(|| panic!("{} runs", self.name))
    }

    /// SIGKILL.
    pub(crate) fn kill(&mut self) {
        eprintln!("kills {}", self.name);
        // Dropped afterwards, so that the port is free and the directory is nobody's.
        if let Some(mut server) = self.server.take() {
            server.kill();
        }
    }

    /// Starts it where it must not start; answers what it says.
    pub(crate) fn refused(&self) -> String {
        let output = troupe()
            .args(["start", "--mysql-addr", "127.0.0.1:0", "--admin-addr", "127.0.0.1:0"])
            .arg("--data-dir")
            .arg(&self.dir)
            .args(&self.args)
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{said}");
        said
    }

    /// SIGTERM; it must end well.
    pub(crate) fn terminate(&mut self) {
        let mut server = self.server.take().unwrap();
        let status = server.terminate();
        assert!(status.success(), "{} ended with {status}:\n{}", self.name, server.log());
    }
}

/// How many processes of each kind.
#[derive(Clone, Copy)]
pub(crate) struct Shape {
    pub(crate) pds: usize,
    pub(crate) stores: usize,
    pub(crate) fronts: usize,
    /// Clients connect to these, if there are any, and else to the SQL nodes.
    pub(crate) gateways: usize,
}

/// The processes.
pub(crate) struct Cluster {
    /// The first member of the placement driver, most often the only one.
    pub(crate) pd: Node,
    pub(crate) other_pds: Vec<Node>,
    pub(crate) stores: Vec<Node>,
    pub(crate) fronts: Vec<Node>,
    pub(crate) gateways: Vec<Node>,
    /// Where all members of the placement driver listen.
    pds: String,
    dir: tempfile::TempDir,
    _alone: MutexGuard<'static, ()>,
}

impl Cluster {
    /// Starts a placement driver, so many stores and so many SQL nodes, and waits until every region has three replicas.
    pub(crate) fn start(stores: usize, fronts: usize) -> Cluster {
        Cluster::of(Shape { pds: 1, stores, fronts, gateways: 0 })
    }

    /// Starts processes of all kinds, and waits until every region has three replicas.
    pub(crate) fn of(shape: Shape) -> Cluster {
        Cluster::prepared(shape, |_| {})
    }

    /// The same, after something is changed about the processes.
    pub(crate) fn prepared(shape: Shape, prepare: impl FnOnce(&mut Cluster)) -> Cluster {
        let mut cluster = Cluster::laid_out(shape);
        prepare(&mut cluster);
        std::thread::scope(|scope| {
            for node in std::iter::once(&mut cluster.pd).chain(&mut cluster.other_pds) {
                scope.spawn(|| node.start());
            }
        });
        std::thread::scope(|scope| {
            let nodes = cluster.stores.iter_mut().chain(&mut cluster.fronts);
            for node in nodes.chain(&mut cluster.gateways) {
                scope.spawn(|| node.start());
            }
        });
        // With fewer there is no place for three replicas.
        if cluster.stores.len() > 2 {
            cluster.wait_whole();
        }
        cluster
    }

    /// The processes, of which none runs yet.
    fn laid_out(shape: Shape) -> Cluster {
        let alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        let mut members: Vec<Node> = (1..=shape.pds)
            .map(|number| format!("pd-{number}"))
            .map(|name| Node::new(&name, "pd", None, at(&name)))
            .collect();
        let addresses: Vec<&str> = members.iter().map(|member| member.address.as_str()).collect();
        let pds = addresses.join(",");
        if shape.pds > 1 {
            members.iter_mut().for_each(|m| m.args.extend(["--pd".to_owned(), pds.clone()]));
        }
        let sql_role = if shape.gateways > 0 { "sql,ddl" } else { "sql,gateway,ddl" };
        let nodes = |count: usize, kind: &str, role: &str| -> Vec<Node> {
            (1..=count)
                .map(|number| format!("{kind}-{number}"))
                .map(|name| Node::new(&name, role, Some(&pds), at(&name)))
                .collect()
        };
        let (stores, fronts) =
            (nodes(shape.stores, "store", "store"), nodes(shape.fronts, "sql", sql_role));
        let gateways = nodes(shape.gateways, "gateway", "gateway");
        let other_pds = members.split_off(1);
        let pd = members.remove(0);
        Cluster { pd, other_pds, stores, fronts, gateways, pds, dir, _alone: alone }
    }

    /// A further store, which does not run yet.
    pub(crate) fn add_store(&mut self, number: usize) -> &mut Node {
        let name = format!("store-{number}");
        let dir = self.dir.path().join(&name);
        self.stores.push(Node::new(&name, "store", Some(&self.pds), dir));
        self.stores.last_mut().unwrap()
    }

    /// Where MySQL clients find the nodes for them that run.
    pub(crate) fn ports(&self) -> Vec<u16> {
        let doors = if self.gateways.is_empty() { &self.fronts } else { &self.gateways };
        doors.iter().filter_map(|node| Some(node.server.as_ref()?.mysql_port)).collect()
    }

    /// What the placement driver knows of the regions; empty if it does not answer.
    pub(crate) fn regions(&self) -> Vec<Value> {
        self.pd_json("/pd/api/v1/regions")["regions"].as_array().cloned().unwrap_or_default()
    }

    /// What the placement driver says, by whichever of its members runs.
    pub(crate) fn pd_json(&self, path: &str) -> Value {
        let mut members = std::iter::once(&self.pd).chain(&self.other_pds);
        let running = members.find_map(|member| member.server.as_ref());
        running.unwrap_or_else(|| panic!("no member of the placement driver runs")).json(path)
    }

    /// The id of a store, by its address.
    pub(crate) fn store_id(&self, at: usize) -> u64 {
        let address = &self.stores[at].address;
        let stores = self.pd_json("/pd/api/v1/stores");
        let stores = stores["stores"].as_array().unwrap();
        let is_it = |store: &&Value| store["store"]["address"] == address.as_str();
        let newest = stores.iter().filter(is_it).max_by_key(|store| store["store"]["id"].as_u64());
        newest.unwrap_or_else(|| panic!("{address} is not among {stores:?}"))["store"]["id"]
            .as_u64()
            .unwrap()
    }

    /// The store that leads the region of this encoded key.
    pub(crate) fn leader_of(&self, key: &str) -> usize {
        let leader = leader_of(&self.regions(), key);
        (0..self.stores.len()).find(|at| self.store_id(*at) == leader).unwrap()
    }

    /// Waits until the cluster looks as it should.
    pub(crate) fn wait(&self, what: &str, mut is_so: impl FnMut(&Cluster) -> bool) {
        let begun = Instant::now();
        while !is_so(self) {
            assert!(
                begun.elapsed() < PATIENCE,
                "{what} does not come about:\n{:#?}\n{:#?}",
                self.regions(),
                self.pd_json("/pd/api/v1/stores")
            );
            std::thread::sleep(Duration::from_millis(100));
        }
        eprintln!("{what}: after {:.1?}", begun.elapsed());
    }

    /// Every region has three voters, all of which keep up.
    pub(crate) fn is_whole(&self) -> bool {
        are_whole(&self.regions())
    }

    pub(crate) fn wait_whole(&self) {
        self.wait("three replicas of every region", Cluster::is_whole);
    }

    /// How many regions have a replica on a store.
    pub(crate) fn replicas_on(&self, store_id: u64) -> usize {
        let on = |region: &Value| {
            let peers = region["peers"].as_array().unwrap();
            peers.iter().any(|peer| peer["store_id"] == store_id)
        };
        self.regions().iter().filter(|region| on(region)).count()
    }

    /// How many stores lead a region.
    pub(crate) fn leading_stores(&self) -> usize {
        let mut leaders: Vec<u64> = self
            .regions()
            .iter()
            .filter_map(|region| region["leader"]["store_id"].as_u64())
            .collect();
        leaders.sort_unstable();
        leaders.dedup();
        leaders.len()
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if std::thread::panicking()
            && let Some(keep) = std::env::var_os("TROUPEDB_KEEP")
        {
            let _ =
                std::process::Command::new("cp").arg("-a").arg(self.dir.path()).arg(keep).status();
        }
    }
}
