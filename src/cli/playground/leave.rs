//! How a node leaves the cluster for good: nothing that is only there may be lost, and nobody may wait for it any more.

use std::rc::Rc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use serde_json::Value;
use tokio::time::Instant;

use super::cluster::Cluster;
use super::plan::{NodeKind, NodePlan};
use super::run::say;
use crate::cli::ctl::http::{Endpoint, escape};

/// How long a store may take to be emptied.
const EMPTIED: Duration = Duration::from_secs(600);
/// How often it is looked whether it is.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// How often it is said that it takes time.
const SAY_EVERY: Duration = Duration::from_secs(5);

impl Cluster {
    pub(super) async fn scale_in(self: &Rc<Self>, name: &str) -> anyhow::Result<()> {
        let node = self.node(name)?;
        let others = self.plan().nodes.iter().filter(|other| other.kind == node.kind).count();
        if others < 2 && node.kind != NodeKind::Gateway {
            bail!("{name} is the only one of its kind: a cluster needs it");
        }
        match node.kind {
            NodeKind::Store => self.empty_store(&node).await?,
            NodeKind::Pd => {
                let path = format!("/pd/api/v1/members/name/{}", escape(name));
                self.ask_pd("DELETE", &path, Some(name)).await?;
            }
            NodeKind::Sql | NodeKind::Gateway => {}
        }
        self.take_down(name).await?;
        self.forget(name)
    }

    /// Has the placement driver move everything off a store, and waits until nothing is left.
    async fn empty_store(&self, node: &NodePlan) -> anyhow::Result<()> {
        let stores = self.ask_pd("GET", "/pd/api/v1/stores", None).await?;
        let stores = stores["stores"].as_array().cloned().unwrap_or_default();
        let up = stores.iter().filter(|store| store["store"]["state_name"] == "Up").count();
        let replicas = self.plan().replicas.unwrap_or(1) as usize;
        if up <= replicas {
            bail!("{up} stores are up, and every region has {replicas} replicas: none can go");
        }
        let address = node.bridge.to_string();
        let is_it = |store: &&Value| store["store"]["address"] == address.as_str();
        let id = stores.iter().find(is_it).and_then(|store| store["store"]["id"].as_u64());
        let id = id.with_context(|| format!("the placement driver knows no store at {address}"))?;
        let path = format!("/pd/api/v1/store/{id}");
        self.ask_pd("DELETE", &path, None).await?;
        let (begun, mut said) = (Instant::now(), Instant::now());
        loop {
            let store = self.ask_pd("GET", &path, None).await?;
            if store["store"]["state_name"] == "Tombstone" {
                return Ok(());
            }
            let left = store["status"]["region_count"].as_u64().unwrap_or(0);
            if begun.elapsed() > EMPTIED {
                bail!(
                    "{} has {left} regions after {EMPTIED:?}, and is still being emptied",
                    node.name
                );
            }
            if said.elapsed() > SAY_EVERY {
                said = Instant::now();
                say(&format!("{} is being emptied: {left} regions are left", node.name));
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// Asks any node that runs, but for one.
    async fn ask_pd(
        &self,
        method: &'static str,
        path: &str,
        but: Option<&str>,
    ) -> anyhow::Result<Value> {
        let mut trouble = Vec::new();
        for node in self.plan().nodes.into_iter().filter(|node| Some(&*node.name) != but) {
            let (endpoint, path) = (Endpoint::parse(&node.admin.to_string())?, path.to_owned());
            let asked = tokio::task::spawn_blocking(move || endpoint.ask(method, &path, None));
            match asked.await? {
                Ok((status, answer)) if (200..300).contains(&status) => return Ok(answer),
                Ok((_, answer)) => bail!("{}", answer["error"].as_str().unwrap_or("it is refused")),
                Err(error) => trouble.push(format!("{}: {error:#}", node.name)),
            }
        }
        bail!("no node answers: {}", trouble.join("; "))
    }
}
