//! Whether the store's disk has room, and those of the stores it speaks with.
//!
//! Below the reserve writes are refused, while reads, and what was accepted before, go on: applying,
//! compacting and cleaning up need some room themselves. Each store says how it stands with every raft message and greeting, so
//! leaders know which of their followers have room.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use parking_lot::Mutex;
use tracing::{info, warn};

use crate::common::StoreId;
use crate::storage::engine::{DiskRoom, Engine};

/// With less than one part in so many of the reserve left nothing is taken any more that is not needed to go on.
const EXHAUSTED: u64 = 8;

/// A store's disk, and whether its space is short. Clones share it.
#[derive(Clone)]
pub struct Disk(Arc<State>);

struct State {
    engine: Arc<dyn Engine>,
    reserve: AtomicU64,
    room: Mutex<DiskRoom>,
    /// The same for those who only ask whether there is enough.
    short: AtomicBool,
    /// Hardly anything of the reserve is left.
    exhausted: AtomicBool,
    /// Stores that do not have enough room, as far as was heard.
    others: Mutex<BTreeMap<StoreId, DiskRoom>>,
    others_short: AtomicBool,
}

impl Disk {
    /// The disk an engine is on. `reserve` is in bytes, zero: never full.
    pub fn new(engine: Arc<dyn Engine>, reserve: u64) -> Disk {
        Disk(Arc::new(State {
            engine,
            reserve: AtomicU64::new(reserve),
            room: Mutex::default(),
            short: AtomicBool::new(false),
            exhausted: AtomicBool::new(false),
            others: Mutex::default(),
            others_short: AtomicBool::new(false),
        }))
    }

    /// Whether writes are refused.
    pub fn is_short(&self) -> bool {
        self.0.short.load(Ordering::Relaxed)
    }

    /// Whether so little of the reserve is left that not even what frees space is taken.
    pub fn is_exhausted(&self) -> bool {
        self.0.exhausted.load(Ordering::Relaxed)
    }

    /// Whether nothing is taken over from other stores.
    pub fn is_full(&self) -> bool {
        self.room() == DiskRoom::Full
    }

    /// How much room is left.
    pub fn room(&self) -> DiskRoom {
        if self.is_short() { *self.0.room.lock() } else { DiskRoom::Enough }
    }

    /// Another store says how it stands.
    pub fn heard(&self, store_id: StoreId, room: DiskRoom) {
        if room == DiskRoom::Enough && !self.is_another_short() {
            return;
        }
        let mut others = self.0.others.lock();
        let known = match room {
            DiskRoom::Enough => others.remove(&store_id),
            room => others.insert(store_id, room),
        };
        self.0.others_short.store(!others.is_empty(), Ordering::Relaxed);
        if known.unwrap_or_default() != room {
            info!(%store_id, room = room.name(), "hears of another store's disk");
        }
    }

    /// Whether any other store is short of room.
    pub fn is_another_short(&self) -> bool {
        self.0.others_short.load(Ordering::Relaxed)
    }

    /// How another store stood when it was last heard of.
    pub fn room_of(&self, store_id: StoreId) -> DiskRoom {
        if !self.is_another_short() {
            return DiskRoom::Enough;
        }
        self.0.others.lock().get(&store_id).copied().unwrap_or_default()
    }

    /// Sets another reserve, in bytes; it counts from the next look on.
    pub fn set_reserve(&self, bytes: u64) {
        self.0.reserve.store(bytes, Ordering::Relaxed);
    }

    /// Looks; answers whether something has changed. An engine without a disk is never full.
    pub fn look(&self) -> bool {
        let space = match self.0.engine.disk_space() {
            Ok(space) => space,
            Err(error) => {
                warn!(%error, "failed to look at the disk's space");
                return false;
            }
        };
        let (available, reserve) = (space.available, self.0.reserve.load(Ordering::Relaxed));
        let room = space.room(reserve);
        let before = std::mem::replace(&mut *self.0.room.lock(), room);
        self.0.short.store(room != DiskRoom::Enough, Ordering::Relaxed);
        let exhausted = room == DiskRoom::Full && available < reserve / EXHAUSTED;
        self.0.exhausted.store(exhausted, Ordering::Relaxed);
        match room {
            _ if room == before => {}
            DiskRoom::Enough => info!(available, reserve, "the disk has room again"),
            DiskRoom::AlmostFull => {
                warn!(available, reserve, "the disk is nearly full: writes are refused");
            }
            DiskRoom::Full => {
                warn!(
                    available,
                    reserve,
                    "the disk is nearly full: writes are refused, and what other stores write is not taken"
                );
            }
        }
        room != before
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::engine::{EngineOptions, MemoryEngine, RocksEngine};

    #[test]
    fn a_disk_below_its_reserve_is_full() {
        let directory = tempfile::tempdir().unwrap();
        let engine = RocksEngine::open(directory.path(), &EngineOptions::default()).unwrap();
        let disk = Disk::new(Arc::new(engine), u64::MAX);
        assert!(disk.look() && !disk.look(), "it has changed once");
        assert!(disk.is_full() && disk.is_short());
        disk.set_reserve(0);
        disk.look();
        assert!(!disk.is_full() && !disk.is_short());
    }

    #[test]
    fn memory_is_never_full() {
        let disk = Disk::new(Arc::new(MemoryEngine::new()), u64::MAX);
        disk.look();
        assert!(!disk.is_full());
    }

    #[test]
    fn of_other_stores_the_last_word_counts() {
        let disk = Disk::new(Arc::new(MemoryEngine::new()), 0);
        let (one, two) = (StoreId(1), StoreId(2));
        disk.heard(one, DiskRoom::Enough);
        assert!(!disk.is_another_short());
        disk.heard(one, DiskRoom::Full);
        disk.heard(two, DiskRoom::AlmostFull);
        disk.heard(one, DiskRoom::Enough);
        assert_eq!(disk.room_of(one), DiskRoom::Enough);
        assert_eq!(disk.room_of(two), DiskRoom::AlmostFull);
        disk.heard(two, DiskRoom::Enough);
        assert!(!disk.is_another_short());
    }
}
