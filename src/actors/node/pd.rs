//! The placement driver of a node: a member of its group with a door for other nodes, or the way to those of others.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use async_trait::async_trait;
use rand::RngExt as _;
use tracing::debug;

use super::assembly::Shared;
use super::cluster::{Cluster, Way, membership_path, patiently};
use super::services::stop_actor;
use crate::actors::bridge::Bridge;
use crate::actors::pd::{
    AnnounceNode, BridgeGroup, GroupStep, LocalPd, PdCall, PdClient, PdError, PdMembers, PdService,
    RemotePd, member_path, pd_path,
};
use crate::actors::runtime::{ActorRef, Service, System, Thread};
use crate::placement::{
    AdminRequest, Begin, Goals, MemberOptions, MemberView, adopt_cluster_id, is_member,
};
use crate::storage::engine::Engine;
use crate::storage::raft::RaftOptions;

/// How long a leader that stops waits for its successor.
const RETIREMENT: Duration = Duration::from_secs(2);
/// How long one of the first members waits for each other one to say whether the group is at work already.
const LOOK: Duration = Duration::from_secs(1);

/// How long a node may take to hear of a new member.
const TELL: Duration = Duration::from_secs(1);

/// The service.
pub(super) struct Pd {
    shared: Arc<Shared>,
    local: Option<LocalPd>,
    door: Option<ActorRef<PdService>>,
}

impl Pd {
    pub(super) fn new(shared: Arc<Shared>) -> Pd {
        Pd { shared, local: None, door: None }
    }

    fn goals(&self) -> Goals {
        let config = &self.shared.config;
        Goals {
            replicas: config.pd.replicas as usize,
            region_max_bytes: config.store.region_split_size.0 * 3,
            ..Goals::default()
        }
    }

    /// Starts the placement driver of this node.
    async fn start_here(
        &mut self,
        system: &System,
        bridge: &Bridge,
        engine: &Arc<dyn Engine>,
    ) -> anyhow::Result<()> {
        let shared = &self.shared;
        if let Some(ident) = shared.data.ident()? {
            adopt_cluster_id(&**engine, ident.cluster_id)?;
        }
        let local = match self.begin(system, bridge, &**engine).await? {
            None => LocalPd::start(system, engine.clone(), self.goals())?,
            Some((name, begin)) => {
                let options = MemberOptions {
                    name,
                    begin,
                    raft: RaftOptions::default(),
                    seed: system.rng().stream("pd-group").random(),
                    // Each life gets its own when it opens the log.
                    incarnation: 0,
                };
                let transport = Arc::new(BridgeGroup::new(system, bridge.clone()));
                LocalPd::start_member(system, engine.clone(), self.goals(), options, transport)?
            }
        };
        self.local = Some(local.clone());
        let standing = local.standing();
        if standing.cluster_id != 0 {
            bridge.set_cluster_id(standing.cluster_id);
        }
        let (factory_pd, address) = (local.clone(), shared.address.clone());
        let factory = move || PdService::new(factory_pd.clone(), address.clone());
        let door = system.spawn_root("pd-service", Thread::Any, factory);
        bridge.export(&door).at(pd_path()).message::<PdCall>().message::<AnnounceNode>();
        self.door = Some(door.clone());
        let mut products = shared.products.write();
        products.local_pd = Some(local.clone());
        if standing.member_id.is_none() {
            system.registry().announce(pd_path(), system.node().to_owned());
            products.pd = Some(Arc::new(local));
            products.way = Some(Way::Here(door.address()));
            return Ok(());
        }
        let step = member_path(&shared.address);
        bridge.export(local.actor()).at(step).message::<GroupStep>();
        let others = standing.members.iter().filter_map(|member| member.peer_urls.first());
        let others = others.filter(|address| **address != shared.address).cloned();
        let addresses = std::iter::once(shared.address.clone()).chain(others).collect();
        let remote = RemotePd::of_member(system, bridge, addresses, local);
        products.pd = Some(Arc::new(remote.clone()));
        products.way = Some(Way::Away(remote));
        Ok(())
    }

    /// How the member begins, and under which name; `None`: it is the placement driver of a process by itself.
    async fn begin(
        &self,
        system: &System,
        bridge: &Bridge,
        engine: &dyn Engine,
    ) -> anyhow::Result<Option<(String, Begin)>> {
        let shared = &self.shared;
        let (node, me) = (&shared.config.node, &shared.address);
        if is_member(engine)? {
            return Ok(Some((me.clone(), Begin::Again)));
        }
        let join: Vec<String> = node.joined().map(str::to_owned).collect();
        if !join.is_empty() {
            let members = self.ask_to_join(system, bridge, join).await?;
            return Ok(Some((system.node().to_owned(), Begin::Joining(members))));
        }
        let first: Vec<&str> = node.pd_members().collect();
        match first.as_slice() {
            [] if shared.roles.is_all() => return Ok(None),
            [] => {}
            [only] if only == me => {}
            first if first.contains(&me.as_str()) => {
                self.check_not_begun(system, bridge, first).await?;
            }
            first => bail!(
                "--pd must name the placement driver's first members, and this node as one of them: it is {me}, not among {}; a member of a group that is at work joins it with --join",
                first.join(", ")
            ),
        }
        // They know each other by their addresses, until each has said what it is called.
        let named = if first.is_empty() { vec![me.as_str()] } else { first };
        let members = named.into_iter().map(|address| MemberView {
            name: address.to_owned(),
            peer_urls: vec![address.to_owned()],
            ..MemberView::default()
        });
        Ok(Some((me.clone(), Begin::First(members.collect()))))
    }

    /// Asks the group to take this node in; answers its members.
    async fn ask_to_join(
        &self,
        system: &System,
        bridge: &Bridge,
        at: Vec<String>,
    ) -> anyhow::Result<Vec<MemberView>> {
        let what = format!("the placement driver at {} to take this member in", at.join(", "));
        let remote = RemotePd::new(system, bridge, at);
        let (me, patience) =
            (view(&self.shared, system, 0), self.shared.config.node.join_timeout.0);
        if let Some(ident) = self.shared.data.ident()? {
            let found = patiently(&what, patience, || async {
                Ok(remote.administer(AdminRequest::Members).await)
            });
            let theirs = found.await?["header"]["cluster_id"].as_u64().unwrap_or(0);
            if theirs != ident.cluster_id {
                let ours = ident.cluster_id;
                bail!("this data directory belongs to cluster {ours}, not to cluster {theirs}");
            }
        }
        let members = patiently(&what, patience, || async {
            Ok(remote.administer(AdminRequest::AddMember(me.clone())).await)
        })
        .await?;
        serde_json::from_value(members).context("the answer is no list of members")
    }

    /// One of the first members begins with nothing. If the group is at work and this one has been there, it has
    /// promised what it does not know of any more, and must not come back as what it was.
    async fn check_not_begun(
        &self,
        system: &System,
        bridge: &Bridge,
        first: &[&str],
    ) -> anyhow::Result<()> {
        let me = &self.shared.address;
        for other in first.iter().filter(|other| *other != me) {
            let remote = RemotePd::new(system, bridge, vec![(*other).to_owned()]);
            let Some(found) = remote.look_at_members(LOOK).await else { continue };
            let members: Vec<MemberView> = serde_json::from_value(found["members"].clone())
                .context("the answer is no list of members")?;
            let mine = members.iter().find(|member| member.peer_urls.contains(me));
            // Whoever was there has said what it is called, and no name is an address.
            if mine.is_some_and(|mine| mine.name == *me) {
                return Ok(());
            }
            let names: Vec<&str> = members.iter().map(|member| member.name.as_str()).collect();
            bail!(
                "the placement driver is at work already, with members {}, and this data directory has no member's data: start this one with --join {other}",
                names.join(", ")
            );
        }
        Ok(())
    }
}

/// This node as a member.
fn view(shared: &Shared, system: &System, member_id: u64) -> MemberView {
    MemberView {
        member_id,
        name: system.node().to_owned(),
        peer_urls: vec![shared.address.clone()],
        client_urls: vec![format!("http://{}", shared.admin)],
        voter: false,
    }
}

/// A member says to the others what it is called and where it is found.
pub(super) async fn introduce(shared: &Shared, system: &System) -> anyhow::Result<()> {
    let Some(local) = shared.products.read().local_pd.clone() else { return Ok(()) };
    let Some(id) = local.standing().member_id else { return Ok(()) };
    let me = view(shared, system, id);
    let pd = shared.product("pd", |products| &products.pd)?;
    let patience = shared.config.node.join_timeout.0;
    patiently("the placement driver to hear of its member", patience, || async {
        match pd.administer(AdminRequest::DescribeMember(me.clone())).await {
            Err(PdError::Refused(reason)) => bail!("{reason}"),
            answered => Ok(answered.map(drop)),
        }
    })
    .await
}

/// A member that is new tells all nodes where the members are, before it is ready: whoever was told of one member only may
/// lose that one next. Who does not answer hears of it with its next announcement.
pub(super) async fn tell_of_members(shared: &Shared, bridge: &Bridge, cluster: &Cluster) {
    let Some(local) = shared.products.read().local_pd.clone() else { return };
    let standing = local.standing();
    let addresses: Vec<String> =
        standing.members.iter().filter_map(|member| member.peer_urls.first().cloned()).collect();
    if addresses.len() < 2 {
        return;
    }
    let others = cluster.others();
    let told = others.iter().map(|node| {
        let door = bridge.address::<PdMembers>(membership_path(node));
        door.ask(PdMembers(addresses.clone()), TELL)
    });
    for (node, told) in others.iter().zip(futures::future::join_all(told).await) {
        if let Err(error) = told {
            debug!(node, %error, "a node has not heard of the new member of the placement driver yet");
        }
    }
}

#[async_trait(?Send)]
impl Service for Pd {
    fn name(&self) -> &'static str {
        "pd"
    }

    fn dependencies(&self) -> &'static [&'static str] {
        &["bridge"]
    }

    async fn start(&mut self, system: &System) -> anyhow::Result<()> {
        let bridge = self.shared.product("bridge", |products| &products.bridge)?;
        if let Some(engine) = self.shared.data.pd.clone() {
            return self.start_here(system, &bridge, &engine).await;
        }
        let members = self.shared.config.node.pd_members().map(str::to_owned).collect();
        let remote = RemotePd::new(system, &bridge, members);
        let mut products = self.shared.products.write();
        products.pd = Some(Arc::new(remote.clone()));
        products.way = Some(Way::Away(remote));
        Ok(())
    }

    /// A leader hands the lead on first, so that the others need not find out that it is gone.
    async fn stop(&mut self, deadline: Duration) -> anyhow::Result<()> {
        let local = self.local.take();
        if let Some(local) = &local {
            local.retire(deadline.min(RETIREMENT)).await;
        }
        {
            let mut products = self.shared.products.write();
            (products.pd, products.way, products.local_pd) = (None, None, None);
        }
        if let Some(door) = self.door.take() {
            stop_actor(&door, deadline).await?;
        }
        match local {
            Some(local) => stop_actor(local.actor(), deadline).await,
            None => Ok(()),
        }
    }
}
