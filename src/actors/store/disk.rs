//! Whether the store's disk has room.
//!
//! Below the reserve writes are refused, while reads, and what was accepted before, go on: applying,
//! compacting and cleaning up need some room themselves.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use tracing::{info, warn};

use crate::storage::engine::Engine;

/// A store's disk, and whether its space is short. Clones share it.
#[derive(Clone)]
pub struct Disk(Arc<State>);

struct State {
    engine: Arc<dyn Engine>,
    reserve: AtomicU64,
    full: AtomicBool,
}

impl Disk {
    /// The disk an engine is on. `reserve` is in bytes, zero: never full.
    pub fn new(engine: Arc<dyn Engine>, reserve: u64) -> Disk {
        let (reserve, full) = (AtomicU64::new(reserve), AtomicBool::new(false));
        Disk(Arc::new(State { engine, reserve, full }))
    }

    /// Whether writes are refused.
    pub fn is_full(&self) -> bool {
        self.0.full.load(Ordering::Relaxed)
    }

    /// Sets another reserve, in bytes; it counts from the next look on.
    pub fn set_reserve(&self, bytes: u64) {
        self.0.reserve.store(bytes, Ordering::Relaxed);
    }

    /// Looks. An engine without a disk is never full.
    pub fn look(&self) {
        let space = match self.0.engine.disk_space() {
            Ok(space) => space,
            Err(error) => {
                warn!(%error, "failed to look at the disk's space");
                return;
            }
        };
        let (available, reserve) = (space.available, self.0.reserve.load(Ordering::Relaxed));
        let full = space.capacity > 0 && available < reserve;
        if self.0.full.swap(full, Ordering::Relaxed) != full {
            if full {
                warn!(available, reserve, "the disk is nearly full: writes are refused");
            } else {
                info!(available, reserve, "the disk has room again");
            }
        }
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
        disk.look();
        assert!(disk.is_full());
        disk.set_reserve(0);
        disk.look();
        assert!(!disk.is_full());
    }

    #[test]
    fn memory_is_never_full() {
        let disk = Disk::new(Arc::new(MemoryEngine::new()), u64::MAX);
        disk.look();
        assert!(!disk.is_full());
    }
}
