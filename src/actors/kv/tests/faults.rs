//! Lost requests and lost answers: what is certain is said, and what is not is said to be so.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;

use super::*;
use crate::common::{RegionId, errno};
use crate::storage::txn::{Busy, RegionError};

async fn write_two(client: &Client) -> SqlResult<Option<crate::common::Timestamp>> {
    let txn = begin(client, OPTIMISTIC).await;
    txn.put(key("a"), key("2"));
    txn.put(key("z"), key("2"));
    txn.commit().await
}

#[tokio::test(start_paused = true)]
async fn a_lost_answer_is_asked_for_again() {
    for options in [two_phases(), ClientOptions::default()] {
        for picks in [is_prewrite, is_commit] {
            let (cluster, _) = cluster(&["m"]);
            let client = cluster.client(options.clone());
            cluster.set_faults(failing(Fault::LoseAnswer, 2, picks));
            assert!(write_two(&client).await.unwrap().is_some());
            tokio::time::sleep(Duration::from_secs(1)).await;
            assert_eq!(now(&client, "a").await.as_deref(), Some("2"));
            assert_eq!(cluster.lock_count(), 0);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_one_phase_commit_whose_answer_was_lost_is_found_committed() {
    let (cluster, client) = cluster(&[]);
    cluster.set_faults(failing(Fault::LoseAnswer, 1, is_prewrite));
    assert!(write_two(&client).await.unwrap().is_some());
    assert_eq!(now(&client, "z").await.as_deref(), Some("2"));
}

#[tokio::test(start_paused = true)]
async fn an_outcome_that_stays_unknown_is_said_to_be() {
    let (request_timeout, outcome_timeout) = (Duration::from_millis(100), Duration::from_secs(1));
    let brief = ClientOptions { request_timeout, outcome_timeout, ..two_phases() };
    let asynchronous = ClientOptions { async_commit_keys: 256, ..brief.clone() };
    type Case<'a> = (ClientOptions, &'a [&'a str], fn(&KvRequest) -> bool);
    let cases: [Case<'_>; 3] = [
        (brief.clone(), &["m"], is_commit),
        (asynchronous, &["m"], is_prewrite),
        (brief, &[], is_prewrite),
    ];
    for (options, splits, picks) in cases {
        for fault in [Fault::Lose, Fault::LoseAnswer] {
            let (cluster, client) = cluster(splits);
            let writer = cluster.client(options.clone());
            cluster.set_faults(failing(fault.clone(), usize::MAX, picks));
            let error = write_two(&writer).await.unwrap_err();
            assert_eq!(error.code, errno::UNDETERMINED_COMMIT);
            cluster.set_faults(None);
            tokio::time::sleep(Duration::from_secs(5)).await;
            let wrote = fault == Fault::LoseAnswer;
            assert_eq!(now(&client, "a").await.is_some(), wrote, "{splits:?} {fault:?}");
            assert_eq!(now(&client, "z").await.is_some(), wrote, "{splits:?} {fault:?}");
        }
    }
}

/// As when the store's process stands still, and no other replica leads.
#[tokio::test(start_paused = true)]
async fn an_outcome_is_asked_for_longer_than_anything_else() {
    for (splits, picks) in [(&["m"][..], is_commit as fn(&KvRequest) -> bool), (&[], is_prewrite)] {
        for fault in [Fault::Lose, Fault::LoseAnswer] {
            let (cluster, client) = cluster(splits);
            let writer = cluster.client(two_phases());
            cluster.set_faults(failing(fault, usize::MAX, picks));
            let writing = tokio::spawn(async move { write_two(&writer).await });
            tokio::time::sleep(Duration::from_secs(60)).await;
            assert!(!writing.is_finished());
            cluster.set_faults(None);
            assert!(writing.await.unwrap().unwrap().is_some());
            assert_eq!(now(&client, "a").await.as_deref(), Some("2"));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_refused_commit_is_certainly_none() {
    let (cluster, client) = cluster(&["m"]);
    let brief = ClientOptions { request_timeout: Duration::from_millis(100), ..two_phases() };
    let writer = cluster.client(brief);
    let busy = Fault::Refuse(RegionError::ServerIsBusy(Busy::Otherwise));
    cluster.set_faults(failing(busy, usize::MAX, is_commit));
    assert_eq!(write_two(&writer).await.unwrap_err().code, errno::SERVER_BUSY);
    cluster.set_faults(None);
    settle().await;
    assert_eq!(cluster.lock_count(), 0);
    assert_eq!(now(&client, "a").await, None);
}

const ACCOUNTS: u64 = 8;
const BALANCE: u64 = 100;

fn account(number: u64) -> Bytes {
    key(&format!("account-{number}"))
}

async fn total(client: &Client) -> u64 {
    let txn = begin(client, OPTIMISTIC).await;
    let keys = (0..ACCOUNTS).map(account).collect();
    let values = txn.batch_get(keys).await.unwrap();
    values.into_iter().map(|value| number(&value.unwrap())).sum()
}

fn number(value: &Bytes) -> u64 {
    String::from_utf8_lossy(value).parse().unwrap()
}

/// Moves some money between two accounts; an error leaves it to the caller to drop the transaction.
async fn transfer(client: &Client, rng: &mut ChaCha8Rng, pessimistic: bool) -> SqlResult<()> {
    let txn = client.begin(TxnOptions { pessimistic, ..OPTIMISTIC }).await?;
    let from = rng.random_range(0..ACCOUNTS);
    let to = (from + rng.random_range(1..ACCOUNTS)) % ACCOUNTS;
    if pessimistic {
        txn.use_current_read().await?;
        let options =
            LockOptions { wait: Duration::from_secs(2), return_values: false, keep_missing: true };
        txn.lock_keys(vec![account(from), account(to)], options).await?;
    }
    let amount = rng.random_range(1..=20);
    let (rich, poor) = (txn.get(account(from)).await?, txn.get(account(to)).await?);
    let (rich, poor) = (number(&rich.unwrap()), number(&poor.unwrap()));
    let amount = amount.min(rich);
    txn.put(account(from), key(&(rich - amount).to_string()));
    txn.put(account(to), key(&(poor + amount).to_string()));
    if rng.random_bool(0.1) {
        return txn.rollback().await;
    }
    txn.commit().await.map(drop)
}

fn random_faults(seed: u64) -> Faults {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    Box::new(move |_| match rng.random_range(0..100) {
        0..4 => Fault::Lose,
        4..8 => Fault::LoseAnswer,
        8..12 => Fault::Delay(Duration::from_millis(rng.random_range(1..400))),
        12..14 => Fault::Refuse(RegionError::ServerIsBusy(Busy::Otherwise)),
        14..16 => Fault::Refuse(RegionError::NotLeader { region_id: RegionId(1), leader: None }),
        _ => Fault::None,
    })
}

/// Money is neither made nor lost, whatever is lost on the way, while regions split and clients vanish.
async fn bank(seed: u64) {
    let (cluster, client) = cluster(&["account-3", "account-6"]);
    let setup = begin(&client, OPTIMISTIC).await;
    (0..ACCOUNTS).for_each(|number| setup.put(account(number), key(&BALANCE.to_string())));
    setup.commit().await.unwrap();
    cluster.set_faults(Some(random_faults(seed)));
    let mut tasks = Vec::new();
    for worker in 0..6u64 {
        let options = ClientOptions {
            request_timeout: Duration::from_secs(2),
            attempt_timeout: Duration::from_secs(1),
            async_commit_keys: if worker % 3 == 0 { 0 } else { 256 },
            ..ClientOptions::default()
        };
        let (client, cluster) = (cluster.client(options), Arc::clone(&cluster));
        tasks.push(tokio::spawn(async move {
            let mut rng = ChaCha8Rng::seed_from_u64(seed * 100 + worker);
            let mut committed = 0;
            for _ in 0..40 {
                let limit = Duration::from_millis(rng.random_range(50..20_000));
                let moved =
                    tokio::time::timeout(limit, transfer(&client, &mut rng, worker % 2 == 0)).await;
                committed += u64::from(matches!(moved, Ok(Ok(()))));
                if rng.random_bool(0.05) {
                    cluster
                        .split(&[format!("account-{}", rng.random_range(0..ACCOUNTS)).as_bytes()]);
                }
            }
            committed
        }));
    }
    let auditor = tokio::spawn({
        let client = client.clone();
        async move {
            for _ in 0..20 {
                tokio::time::sleep(Duration::from_millis(300)).await;
                assert_eq!(total(&client).await, ACCOUNTS * BALANCE);
            }
        }
    });
    let mut committed = 0;
    for task in tasks {
        committed += task.await.unwrap();
    }
    auditor.await.unwrap();
    cluster.set_faults(None);
    tokio::time::sleep(Duration::from_secs(30)).await;
    assert_eq!(total(&client).await, ACCOUNTS * BALANCE);
    assert!(committed > 20, "seed {seed}: only {committed} transfers went through");
}

#[tokio::test(start_paused = true)]
async fn money_is_neither_made_nor_lost() {
    for seed in 1..=4 {
        bank(seed).await;
    }
}
