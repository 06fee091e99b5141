//! What an operator can set on a RocksDB instance.

use super::{Error, Result};

const MIB: usize = 1 << 20;

/// How much of a write-ahead log with a damaged middle may be given up when an engine opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WalRecovery {
    /// Opening fails unless the damage is an unfinished last record. For logs that are synced before
    /// anybody relies on them: a hole would be a broken promise.
    Strict,
    /// Everything before the damage is kept. For an engine whose writes can be made again from another log.
    PointInTime,
}

/// The settings of one RocksDB instance. The defaults suit a small machine: an idle instance takes a few MiB.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EngineOptions {
    /// Uncompressed blocks, indexes and filters kept in memory, for all column families together. More of it
    /// saves reads and decompression; a miss still finds the compressed block in the page cache.
    pub block_cache_bytes: usize,
    /// How much a column family collects in memory before it is written out. Larger ones mean fewer,
    /// larger files and a longer replay after a crash.
    pub write_buffer_bytes: usize,
    /// Buffers a column family may have, the one being filled included, before writers wait.
    pub write_buffers: u8,
    /// The write-ahead log's size at which the oldest buffers are written out, so that it can be cut.
    pub max_wal_bytes: u64,
    /// Flushes and compactions at the same time.
    pub background_jobs: u8,
    /// The size of a block before compression. Smaller ones make point reads cheaper and the index larger.
    pub block_bytes: usize,
    /// Bits of the Bloom filter for each key; 10 let one in a hundred absent keys through, 0 turns filters off.
    pub bloom_bits: u8,
    /// The size of the first sorted level; each further one is ten times as large.
    pub level_base_bytes: u64,
    /// The size at which a compaction starts its next file.
    pub file_bytes: u64,
    /// Files kept open.
    pub open_files: u16,
    /// What to do about a damaged write-ahead log.
    pub wal_recovery: WalRecovery,
}

impl Default for EngineOptions {
    /// The `kv` instance: applied data, which the raft log can restore.
    fn default() -> EngineOptions {
        EngineOptions {
            block_cache_bytes: 256 * MIB,
            write_buffer_bytes: 32 * MIB,
            write_buffers: 4,
            max_wal_bytes: 256 << 20,
            background_jobs: 2,
            block_bytes: 8 << 10,
            bloom_bits: 10,
            level_base_bytes: 128 << 20,
            file_bytes: 32 << 20,
            open_files: 1024,
            wal_recovery: WalRecovery::PointInTime,
        }
    }
}

impl EngineOptions {
    /// The `raft` instance: written once, synced, read rarely and deleted soon.
    pub fn raft() -> EngineOptions {
        EngineOptions {
            block_cache_bytes: 16 * MIB,
            write_buffers: 3,
            bloom_bits: 0,
            wal_recovery: WalRecovery::Strict,
            ..EngineOptions::default()
        }
    }

    /// Whether RocksDB can work with these.
    pub fn validate(&self) -> Result<()> {
        let check = |holds: bool, name, reason| {
            if holds { Ok(()) } else { Err(Error::InvalidOption { name, reason }) }
        };
        check(self.block_cache_bytes >= MIB, "block_cache_bytes", "at least 1 MiB")?;
        check(self.write_buffer_bytes >= 64 << 10, "write_buffer_bytes", "at least 64 KiB")?;
        check(self.write_buffers >= 2, "write_buffers", "at least 2")?;
        check(
            self.max_wal_bytes >= self.write_buffer_bytes as u64,
            "max_wal_bytes",
            "at least write_buffer_bytes",
        )?;
        check(
            self.background_jobs >= 2,
            "background_jobs",
            "at least 2: one flush, one compaction",
        )?;
        check((1 << 10..=MIB).contains(&self.block_bytes), "block_bytes", "from 1 KiB to 1 MiB")?;
        check(self.bloom_bits <= 30, "bloom_bits", "at most 30")?;
        check(self.file_bytes >= MIB as u64, "file_bytes", "at least 1 MiB")?;
        check(self.level_base_bytes >= self.file_bytes, "level_base_bytes", "at least file_bytes")?;
        check(self.open_files >= 64, "open_files", "at least 64")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_are_valid() {
        EngineOptions::default().validate().unwrap();
        EngineOptions::raft().validate().unwrap();
    }

    #[test]
    fn a_bad_option_is_named() {
        let options = EngineOptions { max_wal_bytes: 1, ..EngineOptions::default() };
        assert_eq!(
            options.validate().unwrap_err().to_string(),
            "invalid engine option max_wal_bytes: at least write_buffer_bytes"
        );
        let options = EngineOptions { block_bytes: 0, ..EngineOptions::default() };
        assert!(options.validate().unwrap_err().to_string().contains("block_bytes"));
    }
}
