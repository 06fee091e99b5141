//! Deadlocks over the locks of several stores.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;

use super::cluster::{Cluster, Network, User};
use super::harness::*;
use crate::actors::bridge::Wired;
use crate::actors::runtime::{
    ActorPath, ActorRef, Address, AskError, Handler, ReplyTo, SendError, Target,
};
use crate::actors::store::deadlock::{Deadlocks, ShareWaits};
use crate::actors::store::{KvCommand, StoreNode, StoreOptions};
use crate::common::{StoreId, Timestamp};
use crate::storage::codec::mvcc::encode_key;
use crate::storage::txn::{KeyError, RequestError, WaitPolicy};

/// From one store's Deadlocks actor to another's, as between processes.
struct Road {
    network: Arc<Network>,
    from: StoreId,
    to: StoreId,
    path: ActorPath,
}

/// The way from one store to another.
pub(super) fn way(network: &Arc<Network>, from: StoreId, to: StoreId) -> Address<ShareWaits> {
    let path = ActorPath::new(&format!("/store/{to}"));
    Address::new(Arc::new(Road { network: Arc::clone(network), from, to, path }))
}

impl Road {
    fn reach(&self) -> Result<(ActorRef<Deadlocks>, Duration), SendError> {
        let store = self.network.route(self.from, self.to);
        let unreachable = || SendError::Unreachable(self.path.clone());
        store.map(|(store, delay)| (store.deadlocks, delay)).ok_or_else(unreachable)
    }
}

impl<M: Wired> Target<M> for Road
where
    Deadlocks: Handler<M>,
{
    fn path(&self) -> &ActorPath {
        &self.path
    }

    fn tell(&self, message: M) -> Result<(), SendError> {
        let (actor, _) = self.reach()?;
        actor.tell(M::from_wire(message.into_wire()).unwrap())
    }

    fn ask(
        &self,
        message: M,
        deadline: Duration,
    ) -> BoxFuture<'static, Result<M::Reply, AskError>> {
        let reached = self.reach();
        let message = M::from_wire(message.into_wire()).unwrap();
        async move {
            let (actor, delay) = reached?;
            tokio::time::sleep(delay).await;
            let reply = actor.ask(message, deadline).await?;
            Ok(M::reply_from_wire(M::reply_to_wire(reply)).unwrap())
        }
        .boxed()
    }

    fn deliver(&self, _: M, _: ReplyTo<M::Reply>) -> Option<BoxFuture<'static, ()>> {
        unreachable!("nobody answers for somebody else here")
    }

    fn is_local(&self) -> bool {
        false
    }
}

type Log = Rc<RefCell<Vec<String>>>;

/// Asks the leader of a key for its lock, beside the test; notes under `name` what came of it.
fn ask_for(user: &User, log: &Log, name: &'static str, key: &'static str, start_ts: Timestamp) {
    let (user, log) = (user.clone(), Rc::clone(log));
    tokio::task::spawn_local(async move {
        let leader = user.wait_leader(key).await;
        let store: StoreNode = user.network.store(leader.peer.store_id).unwrap();
        let request = lock(key, start_ts, WaitPolicy::Timeout(60_000));
        let command = KvCommand { context: leader.region.context(), request };
        let what = match store.router.send(command, DEADLINE).await {
            Ok(_) => "locks".to_owned(),
            Err(RequestError::Key(KeyError::Deadlock { .. })) => "deadlock".to_owned(),
            Err(error) => error.to_string(),
        };
        log.borrow_mut().push(format!("{name} {what}"));
    });
}

/// Three stores, each of which leads a region: that of `a`, the first, and those of `k` and `z`.
async fn three_leaders() -> Cluster {
    let cluster = Cluster::start(3, StoreOptions::default()).await;
    let leader = cluster.wait_leader("a").await;
    let router = &cluster.on(leader.peer.store_id).store.router;
    let keys = vec![encode_key(b"d").into(), encode_key(b"m").into()];
    router.split(leader.region.context(), keys, DEADLINE).await.unwrap();
    let stores: Vec<StoreId> = cluster.members.keys().copied().collect();
    for (key, store) in ["a", "k", "z"].into_iter().zip(stores) {
        cluster.put(key, "0").await;
        cluster.wait_level(key, 3).await;
        lead(&cluster, key, store).await;
    }
    cluster
}

async fn lead(cluster: &Cluster, key: &str, store: StoreId) {
    let leader = cluster.wait_leader(key).await;
    if leader.peer.store_id != store {
        let heir = leader.region.peer_on(store).unwrap();
        let router = &cluster.on(leader.peer.store_id).store.router;
        router.transfer_leader(leader.region.id, heir.id, DEADLINE).await.unwrap();
        settle().await;
    }
    assert_eq!(cluster.wait_leader(key).await.peer.store_id, store);
}

/// Who believes to be the detector.
async fn detectors(cluster: &Cluster) -> Vec<StoreId> {
    let mut detectors = Vec::new();
    for member in cluster.members.values() {
        let path = member.store.deadlocks.path().to_string();
        let detail = member.system.actor(&path).await.expect("it runs");
        if detail.observed.expect("it answers")["is_detector"] == true {
            detectors.push(member.id);
        }
    }
    detectors
}

/// Two transactions; the first has locked `k`, the second `z`.
async fn two_holders(cluster: &Cluster) -> [Timestamp; 2] {
    let [first, second] = [cluster.ts().await, cluster.ts().await];
    cluster.send("k", lock("k", first, WaitPolicy::NoWait)).await.unwrap();
    cluster.send("z", lock("z", second, WaitPolicy::NoWait)).await.unwrap();
    [first, second]
}

/// Waits for the cycle to be found, then ends the victim; the other one goes on.
async fn one_goes_on(cluster: &Cluster, log: &Log, holders: [Timestamp; 2], within: Duration) {
    let begun = tokio::time::Instant::now();
    while log.borrow().is_empty() {
        assert!(begun.elapsed() < within, "not found within {within:?}");
        cluster.settle_for(10).await;
    }
    let (victim_holds, start_ts) = match log.borrow()[0].as_str() {
        "first deadlock" => ("k", holders[0]),
        "second deadlock" => ("z", holders[1]),
        other => panic!("{other}"),
    };
    cluster.send(victim_holds, unlock(victim_holds, start_ts)).await.unwrap();
    while log.borrow().len() < 2 {
        assert!(begun.elapsed() < within * 2, "{:?}", log.borrow());
        cluster.settle_for(10).await;
    }
    assert!(log.borrow()[1].ends_with(" locks"), "{:?}", log.borrow());
    cluster.check();
}

#[actix_rt::test]
async fn a_cycle_over_two_stores_is_found_by_the_leader_of_the_first_region() {
    let cluster = three_leaders().await;
    assert_eq!(detectors(&cluster).await, [cluster.wait_leader("a").await.peer.store_id]);
    let log = Log::default();
    let holders = two_holders(&cluster).await;
    ask_for(&cluster, &log, "first", "z", holders[0]);
    settle().await;
    ask_for(&cluster, &log, "second", "k", holders[1]);
    settle().await;
    assert_eq!(*log.borrow(), ["second deadlock"], "at once, and the one who closed the cycle");
    one_goes_on(&cluster, &log, holders, Duration::from_secs(1)).await;
    assert!(cluster.members.values().all(|member| member.store.deadlocks.is_alive()));
}

#[actix_rt::test]
async fn waits_that_are_over_close_no_cycle() {
    let cluster = three_leaders().await;
    let log = Log::default();
    let [first, second] = two_holders(&cluster).await;
    ask_for(&cluster, &log, "first", "z", first);
    settle().await;
    cluster.send("z", unlock("z", second)).await.unwrap();
    settle().await;
    ask_for(&cluster, &log, "second", "k", second);
    settle().await;
    assert_eq!(*log.borrow(), ["first locks"], "the second waits");
    cluster.send("k", unlock("k", first)).await.unwrap();
    settle().await;
    assert_eq!(*log.borrow(), ["first locks", "second locks"]);
}

#[actix_rt::test]
async fn a_detector_that_takes_over_is_told_of_the_waits_there_are() {
    let cluster = three_leaders().await;
    let log = Log::default();
    let holders = two_holders(&cluster).await;
    ask_for(&cluster, &log, "first", "z", holders[0]);
    settle().await;
    let heir = cluster.wait_leader("k").await.peer.store_id;
    lead(&cluster, "a", heir).await;
    settle().await;
    assert_eq!(detectors(&cluster).await, [heir]);
    ask_for(&cluster, &log, "second", "k", holders[1]);
    one_goes_on(&cluster, &log, holders, Duration::from_secs(2)).await;
}

#[actix_rt::test]
async fn a_cycle_formed_while_there_is_no_detector_is_found_by_the_next() {
    let mut cluster = three_leaders().await;
    let log = Log::default();
    let holders = two_holders(&cluster).await;
    ask_for(&cluster, &log, "first", "z", holders[0]);
    settle().await;
    let detector = cluster.wait_leader("a").await.peer.store_id;
    let dead = cluster.kill(detector).await;
    ask_for(&cluster, &log, "second", "k", holders[1]);
    settle().await;
    assert!(log.borrow().is_empty(), "{:?}", log.borrow());
    // The locks last 20 seconds: nobody comes back before to wait anew.
    one_goes_on(&cluster, &log, holders, Duration::from_secs(10)).await;
    drop(dead);
}

#[actix_rt::test]
async fn without_a_detector_the_cycles_of_one_store_are_found_and_other_waits_go_on() {
    let cluster = three_leaders().await;
    let log = Log::default();
    let holder_of_k = cluster.wait_leader("k").await.peer.store_id;
    lead(&cluster, "a", holder_of_k).await;
    let [first, second] = two_holders(&cluster).await;
    cluster.send("y", lock("y", first, WaitPolicy::NoWait)).await.unwrap();
    cluster.network.isolate(holder_of_k);
    ask_for(&cluster, &log, "first", "z", first);
    cluster.settle_for(5000).await;
    assert!(log.borrow().is_empty(), "{:?}", log.borrow());
    ask_for(&cluster, &log, "second", "y", second);
    settle().await;
    assert_eq!(*log.borrow(), ["second deadlock"]);
}
