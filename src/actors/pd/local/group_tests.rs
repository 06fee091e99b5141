//! Three members in one process, with their actors.

use parking_lot::Mutex;

use super::*;
use crate::actors::pd::{ChangeMembers, GroupStep, Lead};
use crate::actors::runtime::SystemOptions;
use crate::placement::{Begin, GroupMessage, MemberChange, MemberView};
use crate::storage::engine::MemoryEngine;
use crate::storage::raft::RaftOptions;

/// Passes messages on to whoever is there, but for those that are cut off.
#[derive(Default)]
struct Switch {
    actors: Mutex<Vec<Option<ActorRef<Pd>>>>,
    cut: Mutex<Option<u64>>,
}

impl GroupTransport for Switch {
    fn send(&self, _: &MemberView, message: GroupMessage) {
        let cut = *self.cut.lock();
        if cut == Some(message.from) || cut == Some(message.to) {
            return;
        }
        let actors = self.actors.lock();
        if let Some(Some(actor)) = actors.get(message.to as usize) {
            let _ = actor.tell(GroupStep(message));
        }
    }
}

struct Member {
    id: u64,
    system: System,
    pd: LocalPd,
}

fn view(id: u64) -> MemberView {
    let name = format!("pd-{id}");
    MemberView { peer_urls: vec![format!("{name}:20160")], name, ..MemberView::default() }
}

fn start(id: u64, engine: &Arc<MemoryEngine>, begin: Begin, switch: &Arc<Switch>) -> Member {
    let system = System::start(SystemOptions { core_threads: 0, ..SystemOptions::default() });
    system.set_abort_hook(|_, _| {});
    let raft = RaftOptions::default();
    let options = MemberOptions { name: format!("pd-{id}"), begin, raft, seed: id, incarnation: 0 };
    let disk: Arc<dyn Engine> = Arc::<MemoryEngine>::clone(engine);
    let transport = Arc::clone(switch) as Arc<dyn GroupTransport>;
    let pd = LocalPd::start_member(&system, disk, Goals::default(), options, transport).unwrap();
    let mut actors = switch.actors.lock();
    actors.resize(8, None);
    actors[id as usize] = Some(pd.actor().clone());
    drop(actors);
    Member { id, system, pd }
}

fn group(switch: &Arc<Switch>, disks: &[Arc<MemoryEngine>]) -> Vec<Member> {
    let first: Vec<MemberView> = (1..=disks.len() as u64).map(view).collect();
    (1..)
        .zip(disks)
        .map(|(id, disk)| start(id, disk, Begin::First(first.clone()), switch))
        .collect()
}

/// Asks one after the other until somebody leads and answers.
async fn timestamp(members: &[Member], but: Option<u64>) -> (u64, Timestamp) {
    for _ in 0..600 {
        for member in members.iter().filter(|member| Some(member.id) != but) {
            if let Ok(ts) = member.pd.timestamp().await {
                return (member.id, ts);
            }
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("nobody hands out timestamps");
}

fn disks(count: usize) -> Vec<Arc<MemoryEngine>> {
    (0..count).map(|_| Arc::new(MemoryEngine::new())).collect()
}

#[actix_rt::test]
async fn a_group_survives_its_leader_and_timestamps_ascend() {
    let (switch, disks) = (Arc::new(Switch::default()), disks(3));
    let mut members = group(&switch, &disks);
    let (first, mut last) = timestamp(&members, None).await;
    let ids = members[first as usize - 1].pd.alloc_ids(5).await.unwrap();

    let follower = members.iter().find(|member| member.id != first).unwrap();
    let refused = follower.pd.is_bootstrapped().await.unwrap_err();
    assert_eq!(refused, PdError::NotLeader { leader: Some(format!("pd-{first}:20160")) });
    let known = follower.pd.actor().ask(Lead, DEADLINE).await.unwrap();
    assert_eq!((known.leads, known.leader_id), (None, Some(first)));

    switch.actors.lock()[first as usize] = None;
    let dead = members.remove(members.iter().position(|member| member.id == first).unwrap());
    dead.system.shutdown(Duration::from_secs(5)).await;
    disks[first as usize - 1].crash();
    let (second, ts) = timestamp(&members, None).await;
    assert!(second != first && ts > last);
    last = ts;
    let leader = members.iter().find(|member| member.id == second).unwrap();
    assert!(leader.pd.alloc_ids(1).await.unwrap().start >= ids.end);

    let begin = Begin::First((1..=3).map(view).collect());
    members.push(start(first, &disks[first as usize - 1], begin, &switch));
    let (_, ts) = timestamp(&members, None).await;
    assert!(ts > last);
}

#[actix_rt::test]
async fn a_leader_that_is_cut_off_hands_out_nothing_below_its_successor() {
    let switch = Arc::new(Switch::default());
    let members = group(&switch, &disks(3));
    let (old, mut last) = timestamp(&members, None).await;
    *switch.cut.lock() = Some(old);
    // Both are asked all the time; whoever answers must answer with more than the last answer.
    let mut successors = 0;
    for _ in 0..400 {
        for member in &members {
            let Some(ts) = member.pd.try_timestamp() else { continue };
            assert!(ts > last, "{ts:?} of {} after {last:?}", member.id);
            last = ts;
            successors += usize::from(member.id != old);
        }
        if successors > 20 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(successors > 20, "another one leads");
    *switch.cut.lock() = None;
    assert!(timestamp(&members, None).await.1 > last);
}

#[actix_rt::test]
async fn a_member_joins_through_the_leader() {
    let switch = Arc::new(Switch::default());
    let mut members = group(&switch, &disks(1));
    timestamp(&members, None).await;
    let add = ChangeMembers(MemberChange::Add(view(2)));
    let list = members[0].pd.actor().ask(add, DEADLINE).await.unwrap().unwrap();
    assert_eq!(list.last().unwrap().member_id, 2);
    let disk = Arc::new(MemoryEngine::new());
    members.push(start(2, &disk, Begin::Joining(list), &switch));
    for _ in 0..200 {
        let shown = members[0].pd.administer(AdminRequest::Members).await.unwrap();
        if shown["members"][1]["voter"] == true {
            assert_eq!(shown["leader"]["name"], "pd-1");
            assert_ne!(shown["header"]["cluster_id"], 0);
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("the second member never votes");
}
