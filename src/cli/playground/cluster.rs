//! The nodes of a playground, and what can be done with them.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::net::{SocketAddr, TcpListener};
use std::rc::Rc;
use std::time::Duration;

use anyhow::{Context as _, anyhow, bail};
use futures::future::join_all;
use rustix::process::Signal;
use tokio::sync::Notify;

use super::control::Request;
use super::home::Home;
use super::node::{Fate, Process, tail};
use super::plan::{Common, Counts, NodeKind, NodePlan, Plan, Ports};
use super::run::say;
use super::show::{NodeReport, Report, State};

/// How long a node that is restarted gets to stop, and all of them together at the end.
const STOP_DEADLINE: Duration = Duration::from_secs(15);
/// How long the kernel takes to clear a killed process away, at most.
const KILL_DEADLINE: Duration = Duration::from_secs(10);

/// How long an answer may take to be read before the playground that has given it ends.
const ANSWER_LEAVES: Duration = Duration::from_millis(200);

/// All nodes. Everything happens on one thread; nothing is borrowed while something is waited for.
pub(super) struct Cluster {
    home: Home,
    common: Common,
    port_offset: u16,
    inner: RefCell<Inner>,
    end: Notify,
}

struct Inner {
    plan: Plan,
    /// The latest process of each node, by name.
    processes: BTreeMap<String, Process>,
    /// The playground ends: nothing is started any more.
    is_ending: bool,
}

/// Whether a port is free: nobody listens on it.
pub(super) fn is_free(address: SocketAddr) -> bool {
    TcpListener::bind(address).is_ok()
}

impl Cluster {
    pub(super) fn new(home: Home, plan: Plan, common: Common, port_offset: u16) -> Cluster {
        let inner = Inner { plan, processes: BTreeMap::new(), is_ending: false };
        Cluster { home, common, port_offset, inner: RefCell::new(inner), end: Notify::new() }
    }

    pub(super) fn home(&self) -> &Home {
        &self.home
    }

    pub(super) fn into_home(self) -> Home {
        self.home
    }

    /// All nodes of the plan; returns when they serve.
    pub(super) async fn start(self: &Rc<Self>) -> anyhow::Result<()> {
        let nodes = self.inner.borrow().plan.nodes.clone();
        self.start_nodes(&nodes).await
    }

    /// Does what another process asks for.
    pub(super) async fn answer(self: &Rc<Self>, request: Request) -> anyhow::Result<Report> {
        match request {
            Request::Status => {}
            Request::ScaleOut { counts } => self.scale_out(counts).await?,
            Request::Kill { name } => self.kill(&name).await?,
            Request::Restart { name } => self.restart(&name).await?,
            Request::Stop { name: Some(name) } => self.stop_node(&name).await?,
            Request::Stop { name: None } => self.end().await,
            Request::Pause { name } => self.pause(&name)?,
            Request::Resume { name } => self.resume(&name)?,
            Request::ScaleIn { name } => self.scale_in(&name).await?,
        }
        Ok(self.report())
    }

    pub(super) fn report(&self) -> Report {
        let inner = self.inner.borrow();
        let report = |node: &NodePlan| {
            let process = inner.processes.get(&node.name);
            let state = process.map_or_else(|| State::Ended("not started".into()), Process::state);
            let pid = process.filter(|_| !state.has_ended()).map(Process::pid);
            NodeReport { plan: node.clone(), state, pid }
        };
        Report {
            pid: self.common.parent,
            dir: self.home.dir().to_owned(),
            nodes: inner.plan.nodes.iter().map(report).collect(),
        }
    }

    async fn scale_out(self: &Rc<Self>, counts: Counts) -> anyhow::Result<()> {
        let ports = Ports { offset: self.port_offset, is_free: &is_free };
        let added = self.inner.borrow_mut().plan.scale_out(counts, &ports);
        let added = added.map_err(|reason| anyhow!(reason))?;
        self.home.save(&self.inner.borrow().plan)?;
        self.start_nodes(&added).await
    }

    async fn kill(&self, name: &str) -> anyhow::Result<()> {
        self.node(name)?;
        let fate = self.signal(name, Signal::KILL);
        let fate = fate.with_context(|| format!("{name} does not run"))?;
        if !fate.ends_within(KILL_DEADLINE).await {
            bail!("{name} is still there {KILL_DEADLINE:?} after it was killed");
        }
        Ok(())
    }

    async fn restart(self: &Rc<Self>, name: &str) -> anyhow::Result<()> {
        let node = self.node(name)?;
        self.take_down(name).await?;
        self.start_nodes(&[node]).await
    }

    async fn stop_node(&self, name: &str) -> anyhow::Result<()> {
        self.running(name)?;
        self.take_down(name).await
    }

    /// Stops a node if it runs, and if it does not stop in time kills it.
    pub(super) async fn take_down(&self, name: &str) -> anyhow::Result<()> {
        if let Some(fate) = self.signal(name, Signal::TERM)
            && !fate.ends_within(STOP_DEADLINE).await
        {
            say(&format!("{name} does not stop within {STOP_DEADLINE:?}, and is killed"));
            self.kill(name).await?;
        }
        Ok(())
    }

    fn pause(&self, name: &str) -> anyhow::Result<()> {
        self.running(name)?;
        self.signal(name, Signal::STOP);
        Ok(())
    }

    fn resume(&self, name: &str) -> anyhow::Result<()> {
        match self.running(name)? {
            State::Paused => drop(self.signal(name, Signal::CONT)),
            state => bail!("{name} is not paused: it is {state}"),
        }
        Ok(())
    }

    /// How a node is that runs.
    fn running(&self, name: &str) -> anyhow::Result<State> {
        self.node(name)?;
        let inner = self.inner.borrow();
        let state = inner.processes.get(name).map(Process::state);
        state.filter(|state| !state.has_ended()).with_context(|| format!("{name} does not run"))
    }

    /// Takes everything down, and has the playground end once whoever asked for it has the answer.
    async fn end(self: &Rc<Self>) {
        self.stop().await;
        let cluster = Rc::downgrade(self);
        tokio::task::spawn_local(async move {
            tokio::time::sleep(ANSWER_LEAVES).await;
            if let Some(cluster) = cluster.upgrade() {
                cluster.end.notify_one();
            }
        });
    }

    /// Resolves when somebody has told the playground to end.
    pub(super) async fn told_to_end(&self) {
        self.end.notified().await;
    }

    /// Forgets a node that is not part of the cluster any more, and what it had.
    pub(super) fn forget(&self, name: &str) -> anyhow::Result<()> {
        {
            let mut inner = self.inner.borrow_mut();
            inner.plan.nodes.retain(|node| node.name != name);
            inner.processes.remove(name);
        }
        self.home.save(&self.inner.borrow().plan)?;
        let data = self.home.dir().join(name);
        match std::fs::remove_dir_all(&data) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(error).with_context(|| format!("cannot remove {}", data.display()))
            }
            _ => Ok(()),
        }
    }

    pub(super) fn plan(&self) -> Plan {
        self.inner.borrow().plan.clone()
    }

    pub(super) fn node(&self, name: &str) -> anyhow::Result<NodePlan> {
        let inner = self.inner.borrow();
        let found = inner.plan.nodes.iter().find(|node| node.name == name);
        found.cloned().with_context(|| {
            let names: Vec<&str> = inner.plan.nodes.iter().map(|node| &*node.name).collect();
            format!("there is no node {name}: they are {}", names.join(", "))
        })
    }

    /// Sends a signal to a node that runs.
    fn signal(&self, name: &str, signal: Signal) -> Option<Fate> {
        let inner = self.inner.borrow();
        let process = inner.processes.get(name).filter(|process| !process.state().has_ended())?;
        process.signal(signal);
        Some(process.fate())
    }

    /// Starts nodes side by side, since they wait for each other, and waits until all of them serve.
    async fn start_nodes(self: &Rc<Self>, nodes: &[NodePlan]) -> anyhow::Result<()> {
        let mut starting = Vec::new();
        for node in nodes {
            let fate = self.start_process(node)?;
            let launch = self.inner.borrow().plan.launch(node, &self.common);
            starting.push(async move {
                fate.ready().await.map_err(|how| {
                    anyhow!(
                        "{} did not start ({how}); the end of {}:\n{}",
                        node.name,
                        launch.log.display(),
                        tail(&launch.log)
                    )
                })
            });
        }
        // The first to fail is the one to be told of: others may fail because of it.
        futures::future::try_join_all(starting).await.map(drop)
    }

    fn start_process(self: &Rc<Self>, node: &NodePlan) -> anyhow::Result<Fate> {
        let mut inner = self.inner.borrow_mut();
        if inner.is_ending {
            bail!("the playground ends");
        }
        if inner.processes.get(&node.name).is_some_and(|process| !process.state().has_ended()) {
            bail!("{} runs already", node.name);
        }
        let process = Process::start(&inner.plan.launch(node, &self.common))?;
        let fate = process.fate();
        let (cluster, name, end) = (Rc::downgrade(self), node.name.clone(), process.fate());
        tokio::task::spawn_local(async move {
            let how = end.ended().await;
            if cluster.upgrade().is_some_and(|cluster| !cluster.inner.borrow().is_ending) {
                say(&format!("{name}: {how}"));
            }
        });
        inner.processes.insert(node.name.clone(), process);
        Ok(fate)
    }

    /// Takes all nodes down: those that clients talk to first, so that what they have in hand can be finished. What is
    /// left at the deadline is killed.
    pub(super) async fn stop(&self) {
        self.inner.borrow_mut().is_ending = true;
        let in_order = async {
            for kind in NodeKind::ALL.into_iter().rev() {
                let nodes: Vec<String> = self.names(|node| node.kind == kind);
                let ends = nodes.iter().filter_map(|name| self.signal(name, Signal::TERM));
                join_all(ends.map(Fate::ended)).await;
            }
        };
        if tokio::time::timeout(STOP_DEADLINE, in_order).await.is_err() {
            say(&format!("not all nodes stop within {STOP_DEADLINE:?}: what is left is killed"));
        }
    }

    /// Kills what is left. Answers the nodes that do not even end by that.
    pub(super) async fn kill_all(&self) -> Vec<String> {
        self.inner.borrow_mut().is_ending = true;
        let names = self.names(|_| true);
        let killed = names.iter().filter_map(|name| {
            let fate = self.signal(name, Signal::KILL)?;
            Some(async move { (!fate.ends_within(KILL_DEADLINE).await).then(|| name.clone()) })
        });
        join_all(killed).await.into_iter().flatten().collect()
    }

    fn names(&self, which: impl Fn(&NodePlan) -> bool) -> Vec<String> {
        let inner = self.inner.borrow();
        let nodes = inner.plan.nodes.iter().filter(|node| which(node));
        nodes.map(|node| node.name.clone()).collect()
    }
}
