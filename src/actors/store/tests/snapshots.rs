//! How many snapshots are on their way at once, and how fast.

use std::sync::atomic::Ordering;

use bytes::Bytes;
use raft::eraftpb::{Message, MessageType};
use tokio::time::Instant;

use super::cluster::*;
use super::harness::*;
use crate::actors::store::transport::{ChunkRefused, RaftEnvelope, SnapshotChunk, SnapshotId};
use crate::actors::store::{StoreNode, StoreOptions};
use crate::common::{LogIndex, PeerId, RegionId, StoreId, Term};
use crate::storage::codec::mvcc::encode_key;
use crate::storage::region::Region;
use crate::storage::region::snapshot::SnapshotHeader;

const MIB: u64 = 1 << 20;

/// A piece of a large snapshot that no store has made.
fn piece(to_store: StoreId, region: u64, number: u64) -> SnapshotChunk {
    let id = SnapshotId {
        region_id: RegionId(region),
        from: PeerId(1),
        to: PeerId(2),
        term: Term(6),
        index: LogIndex(100),
    };
    let region = Region { id: RegionId(region), ..Region::default() };
    let header = SnapshotHeader { region, file_size: 1 << 40, checksum: 0 };
    let mut message = Message::default();
    message.set_msg_type(MessageType::MsgSnapshot);
    message.mut_snapshot().data = header.encode().into();
    let announcement = Box::new(RaftEnvelope { message, ..RaftEnvelope::default() });
    SnapshotChunk {
        to_store,
        id,
        announcement: (number == 0).then_some(announcement),
        offset: number * MIB,
        data: Bytes::from(vec![7; MIB as usize]),
    }
}

/// Sends the first pieces of a snapshot, each when the one before is answered.
async fn send_pieces(store: StoreNode, region: u64, count: u64) -> Result<(), ChunkRefused> {
    for number in 0..count {
        store.receive_chunk(piece(store.store_id, region, number)).await?;
    }
    Ok(())
}

#[actix_rt::test]
async fn what_is_received_keeps_to_a_rate_and_a_number() {
    let options = StoreOptions {
        snapshot_bytes_per_second: 2 * MIB,
        snapshots_at_once: 2,
        ..StoreOptions::default()
    };
    let cluster = Cluster::alone(1, options, None).await;
    let store = cluster.network.stores()[0].clone();
    let began = Instant::now();
    let (one, two) =
        tokio::join!(send_pieces(store.clone(), 71, 6), send_pieces(store.clone(), 72, 6));
    assert_eq!((one, two), (Ok(()), Ok(())));
    let took = began.elapsed().as_millis();
    assert!((6000..6500).contains(&took), "12 MiB at 2 MiB/s, both together: {took} ms");
    let third = send_pieces(store.clone(), 73, 1).await.unwrap_err();
    assert!(third.to_string().contains("too many snapshots arrive at once"), "{third}");
    let figures = &store.snapshots;
    assert_eq!(figures.receiving.load(Ordering::Relaxed), 2);
    assert_eq!(figures.received_bytes.load(Ordering::Relaxed), 12 * MIB);
    assert_eq!(figures.refused.load(Ordering::Relaxed), 1);
    // Those two are never heard of again: they do not stand in the way for good.
    cluster.settle_for(70_000).await;
    assert_eq!(figures.receiving.load(Ordering::Relaxed), 0);
    assert_eq!(send_pieces(store.clone(), 73, 1).await, Ok(()));
    assert_eq!(figures.receiving.load(Ordering::Relaxed), 1);
    cluster.check();
}

/// Four regions, all led by one store, whose followers on another store need snapshots. Answers how long it took.
async fn catch_up(options: StoreOptions) -> (Cluster, StoreId, u128) {
    let mut cluster = Cluster::start(3, options).await;
    let leader = cluster.wait_leader("a").await;
    let away = leader.region.peers.iter().find(|peer| peer.id != leader.peer.id).unwrap().store_id;
    let cuts = ["g", "n", "t"].map(|key| encode_key(key.as_bytes()).into()).to_vec();
    let router = &cluster.on(leader.peer.store_id).store.router;
    router.split(leader.region.context(), cuts, DEADLINE).await.unwrap();
    for key in ["a", "g", "n", "t"] {
        cluster.put(key, "1").await;
        cluster.wait_level(key, 3).await;
    }
    let dead = cluster.kill(away).await;
    let large = "x".repeat(16 << 10);
    for prefix in ["a", "g", "n", "t"] {
        for number in 0..120 {
            cluster.put(&format!("{prefix}{}", number % 64), &large).await;
        }
    }
    // Pieces take their time, so that snapshots meet.
    cluster.network.disturb(0, 50);
    cluster.revive(dead).await;
    let began = Instant::now();
    for key in ["a", "g", "n", "t"] {
        cluster.wait_level(key, 3).await;
    }
    let took = began.elapsed().as_millis();
    assert!(cluster.on(away).snapshots_installed().await >= 4);
    cluster.check();
    (cluster, away, took)
}

#[actix_rt::test]
async fn what_is_sent_waits_for_its_turn() {
    let options = StoreOptions { snapshots_at_once: 1, ..small_logs() };
    let (cluster, away, _) = catch_up(options).await;
    cluster.settle_for(1000).await;
    let most_received = cluster.on(away).store.snapshots.receiving_most.load(Ordering::Relaxed);
    assert_eq!(most_received, 1);
    for member in cluster.members.values() {
        let figures = &member.store.snapshots;
        assert!(figures.sending_most.load(Ordering::Relaxed) <= 1, "{figures:?}");
        assert_eq!(figures.sending.load(Ordering::Relaxed), 0);
        assert_eq!(figures.waiting.load(Ordering::Relaxed), 0);
    }
}

#[actix_rt::test]
async fn what_is_sent_keeps_to_a_rate() {
    let options = StoreOptions { snapshot_bytes_per_second: MIB, ..small_logs() };
    let (cluster, _, took) = catch_up(options).await;
    // Who has sent the last piece waits as after any other.
    cluster.settle_for(20_000).await;
    let bytes: u64 = cluster
        .members
        .values()
        .map(|member| member.store.snapshots.sent_bytes.load(Ordering::Relaxed))
        .sum();
    // The last piece of each is not waited for.
    let least = u128::from(bytes.saturating_sub(4 * MIB)) * 1000 / u128::from(MIB);
    assert!(bytes > 6 * MIB, "{bytes}");
    assert!(took >= least, "{took} ms for {bytes} bytes");
}

#[actix_rt::test]
async fn a_file_goes_when_it_is_sent() {
    let (cluster, _, _) = catch_up(small_logs()).await;
    cluster.settle_for(10_000).await;
    for member in cluster.members.values() {
        assert_eq!(member.snapshot_files(), 0, "store {}", member.id);
    }
}
