//! Which nodes there are, and how each is started. Pure: ports come from whoever asks.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// More nodes than this of a kind are a mistake.
const NODES_MAX: u32 = 32;
/// How many placement drivers a cluster begins with: of an even number one would be of no use.
const PD_COUNTS: [u32; 3] = [1, 3, 5];
/// The first ports that are tried, for MySQL clients, operators and other nodes: those a single node has.
const MYSQL_PORT: u16 = 4000;
const ADMIN_PORT: u16 = 10080;
const BRIDGE_PORT: u16 = 20160;
/// How many ports are tried after the first.
const PORTS_TRIED: u16 = 2000;

/// How many nodes of each kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Counts {
    pub(super) pd: u32,
    pub(super) store: u32,
    pub(super) sql: u32,
    pub(super) gateway: u32,
}

impl Default for Counts {
    fn default() -> Counts {
        Counts { pd: 1, store: 1, sql: 1, gateway: 0 }
    }
}

impl Counts {
    fn of(self, kind: NodeKind) -> u32 {
        match kind {
            NodeKind::Pd => self.pd,
            NodeKind::Store => self.store,
            NodeKind::Sql => self.sql,
            NodeKind::Gateway => self.gateway,
        }
    }

    fn check(self) -> Result<(), String> {
        match NodeKind::ALL.into_iter().find(|kind| self.of(*kind) > NODES_MAX) {
            Some(kind) => Err(format!("--{}: at most {NODES_MAX}", kind.name())),
            None => Ok(()),
        }
    }

    /// Whether a cluster can begin like this.
    fn check_whole(self) -> Result<(), String> {
        self.check()?;
        if !PD_COUNTS.contains(&self.pd) {
            let counts = PD_COUNTS.map(|count| count.to_string()).join(", ");
            return Err(format!("--pd: a cluster begins with {counts} of them, not {}", self.pd));
        }
        match [NodeKind::Store, NodeKind::Sql].into_iter().find(|kind| self.of(*kind) == 0) {
            Some(kind) => Err(format!("--{}: a cluster needs at least one", kind.name())),
            None => Ok(()),
        }
    }
}

/// A kind of node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum NodeKind {
    /// The placement driver.
    Pd,
    /// Regions.
    Store,
    /// Statements, schema changes and MySQL clients.
    Sql,
    /// MySQL clients only.
    Gateway,
}

impl NodeKind {
    /// In the order in which they are started and listed; they are stopped in reverse.
    pub(super) const ALL: [NodeKind; 4] =
        [NodeKind::Pd, NodeKind::Store, NodeKind::Sql, NodeKind::Gateway];

    fn name(self) -> &'static str {
        match self {
            NodeKind::Pd => "pd",
            NodeKind::Store => "store",
            NodeKind::Sql => "sql",
            NodeKind::Gateway => "gateway",
        }
    }

    /// What `--role` says.
    pub(super) fn roles(self) -> &'static str {
        match self {
            NodeKind::Pd => "pd",
            NodeKind::Store => "store",
            NodeKind::Sql => "sql,gateway,ddl,stats",
            NodeKind::Gateway => "gateway",
        }
    }

    fn takes_clients(self) -> bool {
        matches!(self, NodeKind::Sql | NodeKind::Gateway)
    }
}

/// A node: what it is called, what it does, and where it listens, for as long as the playground's directory is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct NodePlan {
    pub(super) name: String,
    pub(super) kind: NodeKind,
    pub(super) bridge: SocketAddr,
    pub(super) admin: SocketAddr,
    pub(super) mysql: Option<SocketAddr>,
    /// A placement driver that came to a group at work.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) joins: bool,
}

/// The nodes of a playground, placement drivers first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Plan {
    pub(super) nodes: Vec<NodePlan>,
    /// Replicas of every region, if that is not left to the configuration.
    pub(super) replicas: Option<u32>,
}

/// What all nodes have in common.
#[derive(Clone, Debug, Default)]
pub(super) struct Common {
    /// The playground's directory.
    pub(super) dir: PathBuf,
    /// A configuration file.
    pub(super) config: Option<PathBuf>,
    /// The playground's process.
    pub(super) parent: u32,
}

/// How a process is started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Launch {
    pub(super) args: Vec<String>,
    pub(super) env: Vec<(&'static str, String)>,
    pub(super) log: PathBuf,
}

/// Free ports: what is taken by nodes that are planned is not asked for.
pub(super) struct Ports<'a> {
    /// Added to the ports a single node has.
    pub(super) offset: u16,
    /// Whether nobody listens on a port.
    pub(super) is_free: &'a dyn Fn(SocketAddr) -> bool,
}

impl Plan {
    /// A new cluster.
    pub(super) fn new(
        counts: Counts,
        replicas: Option<u32>,
        ports: &Ports<'_>,
    ) -> Result<Plan, String> {
        counts.check_whole()?;
        if replicas.is_some_and(|replicas| replicas % 2 == 0) {
            return Err("--replicas: must be odd".to_owned());
        }
        let mut plan = Plan { nodes: Vec::new(), replicas };
        plan.add(counts, false, ports)?;
        Ok(plan)
    }

    /// Further nodes; answers which.
    pub(super) fn scale_out(
        &mut self,
        counts: Counts,
        ports: &Ports<'_>,
    ) -> Result<Vec<NodePlan>, String> {
        counts.check()?;
        if NodeKind::ALL.into_iter().all(|kind| counts.of(kind) == 0) {
            return Err("nothing to add: say --store N, --sql N, --gateway N or --pd N".to_owned());
        }
        for kind in NodeKind::ALL {
            if self.of(kind).count() as u32 + counts.of(kind) > NODES_MAX {
                return Err(format!("--{}: {NODES_MAX} in all at most", kind.name()));
            }
        }
        self.add(counts, true, ports)
    }

    fn add(
        &mut self,
        counts: Counts,
        is_at_work: bool,
        ports: &Ports<'_>,
    ) -> Result<Vec<NodePlan>, String> {
        let before = self.nodes.len();
        for kind in NodeKind::ALL {
            let numbers = self.of(kind).filter_map(|node| node.number()).max().unwrap_or(0);
            for number in 1..=counts.of(kind) {
                let mysql = match kind.takes_clients() {
                    true => Some(self.port(MYSQL_PORT, ports)?),
                    false => None,
                };
                let node = NodePlan {
                    name: format!("{}{}", kind.name(), numbers + number),
                    kind,
                    bridge: self.port(BRIDGE_PORT, ports)?,
                    admin: self.port(ADMIN_PORT, ports)?,
                    mysql,
                    joins: is_at_work && kind == NodeKind::Pd,
                };
                self.nodes.push(node);
            }
        }
        Ok(self.nodes[before..].to_vec())
    }

    fn port(&self, first: u16, ports: &Ports<'_>) -> Result<SocketAddr, String> {
        let first = first.saturating_add(ports.offset);
        (first..=first.saturating_add(PORTS_TRIED))
            .map(|port| SocketAddr::from((Ipv4Addr::LOCALHOST, port)))
            .find(|address| !self.takes(*address) && (ports.is_free)(*address))
            .ok_or_else(|| format!("there is no free port from {first} on"))
    }

    fn takes(&self, address: SocketAddr) -> bool {
        self.nodes.iter().any(|node| {
            node.bridge == address || node.admin == address || node.mysql == Some(address)
        })
    }

    fn of(&self, kind: NodeKind) -> impl Iterator<Item = &NodePlan> {
        self.nodes.iter().filter(move |node| node.kind == kind)
    }

    /// How many nodes of each kind there are.
    pub(super) fn counts(&self) -> Counts {
        let count = |kind| u32::try_from(self.of(kind).count()).unwrap_or(u32::MAX);
        Counts {
            pd: count(NodeKind::Pd),
            store: count(NodeKind::Store),
            sql: count(NodeKind::Sql),
            gateway: count(NodeKind::Gateway),
        }
    }

    /// How a node of it is started.
    pub(super) fn launch(&self, node: &NodePlan, common: &Common) -> Launch {
        let at = |pd: &NodePlan| pd.bridge.to_string();
        let first: Vec<String> = self.of(NodeKind::Pd).filter(|pd| !pd.joins).map(at).collect();
        let all: Vec<String> = self.of(NodeKind::Pd).map(at).collect();
        let mut args: Vec<String> = vec!["start".into(), "--role".into(), node.kind.roles().into()];
        let mut flag = |name: &str, value: String| args.extend([name.to_owned(), value]);
        flag("--name", node.name.clone());
        flag("--addr", node.bridge.to_string());
        flag("--admin-addr", node.admin.to_string());
        if let Some(mysql) = node.mysql {
            flag("--mysql-addr", mysql.to_string());
        }
        match node.kind {
            NodeKind::Pd if node.joins => flag("--join", first.join(",")),
            // A single member needs to know of no others.
            NodeKind::Pd if first.len() == 1 => {}
            NodeKind::Pd => flag("--pd", first.join(",")),
            _ => flag("--pd", all.join(",")),
        }
        flag("--data-dir", path(&common.dir.join(&node.name)));
        if let Some(config) = &common.config {
            flag("--config", path(config));
        }
        flag("--with-parent", common.parent.to_string());
        let replicas = self.replicas.map(|replicas| ("TROUPE_PD_REPLICAS", replicas.to_string()));
        Launch { args, env: replicas.into_iter().collect(), log: log_file(&common.dir, &node.name) }
    }
}

impl NodePlan {
    fn number(&self) -> Option<u32> {
        self.name.strip_prefix(self.kind.name())?.parse().ok()
    }
}

/// Where a node logs.
pub(super) fn log_file(dir: &Path, name: &str) -> PathBuf {
    dir.join("log").join(format!("{name}.log"))
}

/// Paths of the playground are made of text.
fn path(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

/// The replicas of a new cluster, if nothing is said of them elsewhere.
pub(super) fn default_replicas(counts: Counts) -> u32 {
    if counts.store >= 3 { 3 } else { 1 }
}
