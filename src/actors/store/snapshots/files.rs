//! The files of snapshots: where they are, and when they go.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::actors::store::transport::SnapshotId;
use crate::common::{LogIndex, PeerId, RegionId, StoreId, Term};

/// Numbers directories of stores without one of their own, and files within a directory.
static NEXT: AtomicU64 = AtomicU64::new(0);

/// The directory of a store's snapshots.
#[derive(Clone, Debug)]
pub struct SnapshotDir {
    path: Arc<PathBuf>,
}

impl SnapshotDir {
    /// The directory beside a store's other ones, or a temporary one.
    pub fn open(data_dir: Option<&Path>, store_id: StoreId) -> io::Result<SnapshotDir> {
        let path = match data_dir {
            Some(data_dir) => data_dir.join("snapshots"),
            None => {
                let number = NEXT.fetch_add(1, Ordering::Relaxed);
                let process = std::process::id();
                std::env::temp_dir().join(format!("troupe-snapshots-{process}-{store_id}-{number}"))
            }
        };
        Ok(SnapshotDir { path: Arc::new(path) })
    }

    /// Makes the directory if it is not there yet: a store that is alone never needs it.
    fn ensure(&self) -> io::Result<()> {
        std::fs::create_dir_all(&*self.path)
    }

    /// A file that is being made. It goes when its last user does.
    pub fn made(&self, region_id: RegionId) -> io::Result<SnapshotFile> {
        self.ensure()?;
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        Ok(SnapshotFile { path: self.path.join(format!("{region_id}-{number}.made")) })
    }

    /// A file that is being received.
    pub fn part(&self, id: &SnapshotId) -> io::Result<PathBuf> {
        self.ensure()?;
        Ok(self.path.join(format!("{}.part", name(id.region_id, id.to, id.term, id.index))))
    }

    /// A file that has been received, for a replica.
    pub fn received(
        &self,
        region_id: RegionId,
        to: PeerId,
        term: Term,
        index: LogIndex,
    ) -> PathBuf {
        self.path.join(format!("{}.snap", name(region_id, to, term, index)))
    }

    /// Removes what a crash has left behind.
    pub fn clean(&self) {
        let Ok(entries) = std::fs::read_dir(&*self.path) else { return };
        for entry in entries.flatten() {
            // What cannot be removed only takes space.
            let _ = std::fs::remove_file(entry.path());
        }
    }
}

fn name(region_id: RegionId, to: PeerId, term: Term, index: LogIndex) -> String {
    format!("{region_id}-{to}-{term}-{index}")
}

/// A file that is removed when nobody uses it any more.
#[derive(Debug)]
pub struct SnapshotFile {
    path: PathBuf,
}

impl SnapshotFile {
    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for SnapshotFile {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
    }
}
