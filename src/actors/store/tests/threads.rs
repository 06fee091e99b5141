//! Real threads, real time: money moves between accounts while their region splits, and none is
//! lost.

use std::sync::Arc;
use std::time::Duration;

use super::harness::*;
use crate::actors::runtime::{System, SystemOptions};
use crate::actors::store::{KvCommand, StoreOptions};
use crate::common::Timestamp;
use crate::storage::codec::mvcc::encode_key;
use crate::storage::raft::RaftOptions;
use crate::storage::region::SplitOptions;
use crate::storage::txn::{
    Assertion, KvRequest, KvResponse, Mutation, MutationKind, PessimisticAction, Prewrite,
    RequestError,
};

const ACCOUNTS: u64 = 40;
const EACH: i64 = 100;

fn account(number: u64) -> String {
    format!("account-{number:02}")
}

/// Adds to an account in one phase if nobody else did since it was read. Answers whether it did.
async fn add(node: &Node, key: &str, amount: i64) -> bool {
    let start_ts = node.ts().await;
    // Others go on meanwhile, whatever comes of this try.
    tokio::task::yield_now().await;
    let Some(context) = node.find(key.as_bytes()) else { return false };
    let read = node.store.reader.get(&context, key.as_bytes(), start_ts, &[]);
    let Some(Ok(Some(balance))) = read else { return false };
    let balance: i64 = std::str::from_utf8(&balance).unwrap().parse().unwrap();
    let mut request = prewrite(key, &(balance + amount).to_string(), start_ts);
    request.try_one_pc = true;
    let command = KvCommand { context, request: KvRequest::Prewrite(request) };
    match node.store.router.send(command, DEADLINE).await {
        Ok(KvResponse::Prewritten { one_pc_commit_ts: None, .. }) => {
            finish(node, key, start_ts).await;
            true
        }
        Ok(_) => true,
        Err(RequestError::Region(_) | RequestError::Key(_)) => false,
        Err(error) => panic!("{error}"),
    }
}

/// The second phase, for a leader that was too new to commit in one.
async fn finish(node: &Node, key: &str, start_ts: Timestamp) {
    let commit_ts = node.ts().await;
    loop {
        tokio::time::sleep(Duration::from_millis(1)).await;
        let Some(context) = node.find(key.as_bytes()) else { continue };
        let request = KvRequest::Commit(commit(key, start_ts, commit_ts));
        match node.send_to(context, request).await {
            Ok(_) => return,
            Err(error) => assert!(matches!(error, RequestError::Region(_)), "{error}"),
        }
    }
}

/// Every client moves money from account to account until it has done so often enough.
async fn client(node: Arc<Node>, number: u64) {
    let mut moved = 0;
    let mut at = number;
    while moved < 30 {
        at = (at * 31 + 7) % 1_000_003;
        let (from, to) = (at % ACCOUNTS, (at / ACCOUNTS) % ACCOUNTS);
        if add(&node, &account(from), -1).await {
            while !add(&node, &account(to), 1).await {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            moved += 1;
        }
    }
}

async fn fill(node: &Node) {
    let start_ts = node.ts().await;
    let mutations = (0..ACCOUNTS)
        .map(|number| Mutation {
            kind: MutationKind::Put,
            key: bytes(&account(number)),
            value: bytes(&EACH.to_string()),
            assertion: Assertion::None,
            pessimistic: PessimisticAction::SkipCheck,
        })
        .collect();
    let request = Prewrite { mutations, try_one_pc: true, ..prewrite(&account(0), "", start_ts) };
    node.send(b"account", KvRequest::Prewrite(request)).await.unwrap();
}

fn total(node: &Node, ts: Timestamp) -> i64 {
    (0..ACCOUNTS)
        .map(|number| {
            let balance = node.get(&account(number), ts).unwrap().expect("it was filled");
            balance.parse::<i64>().unwrap()
        })
        .sum()
}

#[actix_rt::test]
async fn no_money_is_lost_between_threads_and_splits() {
    let options = StoreOptions {
        appliers: 2,
        raft: RaftOptions { compact_entries: 50, ..RaftOptions::default() },
        split: SplitOptions { split_size: 8000, max_size: 12_000, ..SplitOptions::default() },
        ..StoreOptions::default()
    };
    let system =
        System::start(SystemOptions { core_threads: 2, unix_ms: None, ..SystemOptions::default() });
    let node = Arc::new(Node::start_on(system, options).await);
    while node.store.router.statuses().iter().all(|status| !status.is_leader()) {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    fill(&node).await;
    let clients: Vec<_> =
        (0..16).map(|number| tokio::task::spawn_local(client(Arc::clone(&node), number))).collect();
    for cut in [10, 20, 30] {
        tokio::time::sleep(Duration::from_millis(20)).await;
        let key = account(cut);
        let Some(context) = node.find(key.as_bytes()) else { continue };
        let keys = vec![encode_key(key.as_bytes()).into()];
        // A split of the region's own accord may come first.
        let _ = node.store.router.split(context, keys, DEADLINE).await;
    }
    for client in clients {
        client.await.unwrap();
    }
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert!(node.store.router.len() >= 3, "{} regions", node.store.router.len());
    assert_eq!(total(&node, node.ts().await), ACCOUNTS as i64 * EACH);
    assert_eq!(*node.aborts.lock(), Vec::<String>::new());

    let node = Arc::into_inner(node).expect("the clients are done").crash().await;
    assert_eq!(total(&node, node.ts().await), ACCOUNTS as i64 * EACH);
}
