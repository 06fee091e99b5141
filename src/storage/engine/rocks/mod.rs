//! The engine on RocksDB.
//!
//! One instance has four column families, one write-ahead log and one block cache. Files are compressed with LZ4, also
//! at the bottom: in a store of a few GiB the bottom level is rewritten all the time, and with Zstandard there more than a third
//! of the processor went into compactions under a load of inserts. A point read makes one copy, out of the pinned block.

mod directory;
mod owned;
mod tail;
#[cfg(test)]
mod tests;
mod wear;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use rocksdb::checkpoint::Checkpoint;
use rocksdb::properties::NUM_DELETES_ACTIVE_MEM_TABLE;
use rocksdb::{
    BlockBasedOptions, BottommostLevelCompaction, Cache, ColumnFamilyDescriptor, CompactOptions,
    DB, DBCompressionType, DBRawIterator, DBRecoveryMode, ErrorKind, IngestExternalFileOptions,
    LogLevel, LruCacheOptions, Options, Range, ReadOptions, SliceTransform, SstFileWriter,
    WriteOptions,
};

use self::directory::{Content, TEMPORARY, TemporaryFile};
use self::owned::{Database, OwnedSnapshot};
use self::wear::FileFigures;
use super::options::{EngineOptions, WalRecovery};
use super::{
    Cf, Cursor, DiskSpace, Engine, Error, IterOptions, Reader, Result, Snapshot, WriteBatch,
    WriteOp,
};

/// The timestamp at the end of a key of the write family.
const VERSION_BYTES: usize = 8;
/// Less than this is left for the engine to find: giving it back means to rewrite whole files.
const RECLAIM_LEAST: u64 = 4 << 20;
/// Of so many entries of a file that follow each other
const DELETIONS_WINDOW: usize = 32 << 10;
/// so many deleted ones make it worth to be rewritten, though it is not its turn.
const DELETIONS_MANY: usize = 16 << 10;
/// A key that nothing is under, and that does not end with a zero.
const NOBODYS_KEY: [u8; 1] = [0xFF];
/// The part of a write buffer that may be its filter.
const MEMTABLE_FILTER: f64 = 0.05;

/// An open RocksDB instance. It closes when the engine and its last snapshot are dropped.
pub struct RocksEngine {
    database: Arc<Database>,
    read: ReadOptions,
    /// The options of [`Engine::write`] without and with `sync`.
    write: [WriteOptions; 2],
    /// How ingested files are written.
    table: Options,
    temporary_files: AtomicU64,
}

/// What an instance keeps in memory, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MemoryUsage {
    /// Write buffers.
    pub write_buffers: u64,
    /// Blocks, indexes and filters in the cache.
    pub block_cache: u64,
}

impl RocksEngine {
    /// Opens the instance in a directory; an absent or empty directory becomes a new one.
    ///
    /// A directory that another process has open is [`Error::Locked`], one of another format
    /// [`Error::Version`], one with other files in it [`Error::NotADatabase`], and one with missing or damaged files
    /// [`Error::Corruption`]. In all these cases what is in it stays as it was.
    pub fn open(path: &Path, options: &EngineOptions) -> Result<RocksEngine> {
        options.validate()?;
        let content = directory::inspect(path)?;
        let table = family_options(options, &block_cache(options.block_cache_bytes));
        let mut database_options = database_options(options);
        database_options.create_if_missing(content == Content::New);
        database_options.create_missing_column_families(content == Content::New);
        let families = || {
            Cf::ALL.map(|cf| {
                let mut family = table.clone();
                if cf == Cf::Write {
                    filter_by_key(&mut family);
                }
                ColumnFamilyDescriptor::new(cf.name(), family)
            })
        };
        let strict = options.wal_recovery == WalRecovery::Strict;
        let torn = tail::inspect(path, strict)?;
        let open = || DB::open_cf_descriptors(&database_options, path, families());
        let db = match open() {
            // Nobody else has it open, or that would have been the error: the files are ours to mend.
            Err(error) if error.kind() == ErrorKind::Corruption && !torn.is_empty() => {
                torn.iter().try_for_each(tail::Torn::cut)?;
                open()
            }
            result => result,
        };
        let db = db.map_err(|error| open_error(path, error))?;
        torn.iter().for_each(tail::Torn::report);
        if content == Content::New {
            directory::mark_ready(path)?;
        }
        directory::remove_temporary_files(path)?;
        let database = Database::new(db).ok_or_else(|| {
            Error::Corruption(format!("{} lacks a column family", path.display()))
        })?;
        let write = [false, true].map(|sync| {
            let mut write = WriteOptions::default();
            write.set_sync(sync);
            write
        });
        Ok(RocksEngine {
            database: Arc::new(database),
            read: ReadOptions::default(),
            write,
            table,
            temporary_files: AtomicU64::new(0),
        })
    }

    /// What the instance keeps in memory.
    pub fn memory_usage(&self) -> Result<MemoryUsage> {
        let number = |cf, name| {
            let value = self.database.db().property_int_value_cf(self.database.family(cf), name);
            Ok::<u64, Error>(value.map_err(convert)?.unwrap_or(0))
        };
        let mut usage = MemoryUsage {
            block_cache: number(Cf::Default, "rocksdb.block-cache-usage")?,
            ..MemoryUsage::default()
        };
        for cf in Cf::ALL {
            usage.write_buffers += number(cf, "rocksdb.cur-size-all-mem-tables")?;
        }
        Ok(usage)
    }

    /// Writes pairs into a file of their own; `None` when there are none.
    fn write_table(
        &self,
        pairs: &mut dyn Iterator<Item = (Vec<u8>, Vec<u8>)>,
    ) -> Result<Option<TemporaryFile>> {
        let number = self.temporary_files.fetch_add(1, Ordering::Relaxed);
        let path = self.database.db().path().join(format!("{TEMPORARY}{number}.sst"));
        let mut writer = SstFileWriter::create(&self.table);
        let mut last: Option<Vec<u8>> = None;
        let file = TemporaryFile(path);
        for (key, value) in pairs {
            match &last {
                None => writer.open(&file.0).map_err(convert)?,
                Some(last) if *last < key => {}
                Some(_) => {
                    let reason = "keys to ingest must ascend without duplicates";
                    return Err(Error::InvalidInput(reason));
                }
            }
            writer.put(&key, value).map_err(convert)?;
            last = Some(key);
        }
        if last.is_none() {
            return Ok(None);
        }
        writer.finish().map_err(convert)?;
        Ok(Some(file))
    }
}

impl Reader for RocksEngine {
    fn get(&self, cf: Cf, key: &[u8]) -> Result<Option<Vec<u8>>> {
        get(&self.database, &self.read, cf, key)
    }

    fn cursor(&self, cf: Cf, options: IterOptions) -> Result<Box<dyn Cursor + '_>> {
        Ok(Box::new(RocksCursor::new(&self.database, cf, read_options(options))))
    }
}

impl Engine for RocksEngine {
    fn write(&self, batch: WriteBatch, sync: bool) -> Result<()> {
        let mut native = rocksdb::WriteBatch::default();
        for op in &batch.ops {
            match op {
                WriteOp::Put(cf, key, value) => {
                    native.put_cf(self.database.family(*cf), key, value);
                }
                WriteOp::Delete(cf, key) => native.delete_cf(self.database.family(*cf), key),
                WriteOp::DeleteRange(cf, start, end) if start < end => {
                    native.delete_range_cf(self.database.family(*cf), start, end);
                }
                WriteOp::DeleteRange(..) => {}
            }
        }
        if sync && native.data().last() == Some(&0) {
            // A record that ends with a zero could not be told from one whose end never came (see `tail`).
            native.delete_cf(self.database.family(Cf::Raft), NOBODYS_KEY);
        }
        let options = &self.write[usize::from(sync)];
        self.database.db().write_opt(native, options).map_err(convert)?;
        // RocksDB syncs nothing for a batch without operations.
        if sync && batch.is_empty() { self.sync() } else { Ok(()) }
    }

    fn snapshot(&self) -> Arc<dyn Snapshot> {
        Arc::new(OwnedSnapshot::new(self.database.clone()))
    }

    fn sync(&self) -> Result<()> {
        self.database.db().flush_wal(true).map_err(convert)
    }

    /// Counts files only: what is still in a write buffer takes no space yet.
    fn approximate_size(&self, cf: Cf, start: &[u8], end: &[u8]) -> Result<u64> {
        if start >= end {
            return Ok(0);
        }
        let family = self.database.family(cf);
        let sizes = self.database.db().get_approximate_sizes_cf(family, &[Range::new(start, end)]);
        Ok(sizes.into_iter().sum())
    }

    fn disk_space(&self) -> Result<DiskSpace> {
        let path = self.database.db().path();
        let disk = rustix::fs::statvfs(path)
            .map_err(|error| Error::Io(format!("cannot ask for the disk's space: {error}")))?;
        Ok(DiskSpace {
            capacity: disk.f_blocks.saturating_mul(disk.f_frsize),
            available: disk.f_bavail.saturating_mul(disk.f_frsize),
        })
    }

    fn checkpoint(&self, path: &Path) -> Result<()> {
        if path.exists() {
            return Err(Error::AlreadyExists(path.to_owned()));
        }
        let checkpoint = Checkpoint::new(self.database.db()).map_err(convert)?;
        checkpoint.create_checkpoint(path).map_err(convert)?;
        directory::mark_ready(path)
    }

    fn ingest(&self, cf: Cf, pairs: &mut dyn Iterator<Item = (Vec<u8>, Vec<u8>)>) -> Result<()> {
        let Some(file) = self.write_table(pairs)? else { return Ok(()) };
        let mut options = IngestExternalFileOptions::default();
        options.set_move_files(true);
        self.database
            .db()
            .ingest_external_file_cf_opts(self.database.family(cf), &options, vec![&file.0])
            .map_err(convert)
    }

    fn compact(&self, cf: Cf, start: &[u8], end: &[u8]) -> Result<()> {
        let mut options = CompactOptions::default();
        options.set_bottommost_level_compaction(BottommostLevelCompaction::Force);
        let family = self.database.family(cf);
        self.database.db().compact_range_cf_opt(family, Some(start), Some(end), &options);
        Ok(())
    }

    fn tidy(&self, cf: Cf) -> Result<usize> {
        let (db, family) = (self.database.db(), self.database.family(cf));
        // What is still in memory has no file's figures.
        let deletions = db.property_int_value_cf(family, NUM_DELETES_ACTIVE_MEM_TABLE);
        if deletions.map_err(convert)?.unwrap_or(0) >= wear::LEAST_DELETED {
            db.flush_cf(family).map_err(convert)?;
        }
        let files = db.live_files().map_err(convert)?;
        let files = files.into_iter().filter(|file| file.column_family_name == cf.name());
        let files: Vec<FileFigures> = files.filter_map(FileFigures::of).collect();
        let mut done = 0;
        for worn in wear::worn(&files) {
            let space = self.disk_space()?;
            if space.capacity > 0 && space.available <= worn.rewritten {
                continue;
            }
            self.compact(cf, &worn.start, &worn.end)?;
            done += 1;
        }
        Ok(done)
    }

    /// Files that lie wholly in the range go at once, and need no room to go; only those at its ends are rewritten.
    fn reclaim(&self, cf: Cf, start: &[u8], end: &[u8]) -> Result<()> {
        let family = self.database.family(cf);
        self.database.db().delete_file_in_range_cf(family, start, end).map_err(convert)?;
        match self.approximate_size(cf, start, end)? {
            0..RECLAIM_LEAST => Ok(()),
            _ => self.compact(cf, start, end),
        }
    }
}

impl Reader for OwnedSnapshot {
    fn get(&self, cf: Cf, key: &[u8]) -> Result<Option<Vec<u8>>> {
        get(self.database(), self.read_options(), cf, key)
    }

    fn cursor(&self, cf: Cf, options: IterOptions) -> Result<Box<dyn Cursor + '_>> {
        let mut options = read_options(options);
        self.apply_to(&mut options);
        Ok(Box::new(RocksCursor::new(self.database(), cf, options)))
    }
}

impl Snapshot for OwnedSnapshot {}

fn get(db: &Database, options: &ReadOptions, cf: Cf, key: &[u8]) -> Result<Option<Vec<u8>>> {
    let value = db.db().get_pinned_cf_opt(db.family(cf), key, options).map_err(convert)?;
    Ok(value.map(|value| value.to_vec()))
}

fn read_options(options: IterOptions) -> ReadOptions {
    let mut read = ReadOptions::default();
    if let Some(lower) = options.lower {
        read.set_iterate_lower_bound(lower);
    }
    if let Some(upper) = options.upper {
        read.set_iterate_upper_bound(upper);
    }
    if options.one_key {
        read.set_prefix_same_as_start(true);
    } else {
        read.set_total_order_seek(true);
    }
    read
}

/// A RocksDB iterator, which reports an error as the end of the data until it is asked.
struct RocksCursor<'a>(DBRawIterator<'a>);

impl<'a> RocksCursor<'a> {
    fn new(database: &'a Database, cf: Cf, options: ReadOptions) -> RocksCursor<'a> {
        RocksCursor(database.db().raw_iterator_cf_opt(database.family(cf), options))
    }

    /// Whether the last move found a key; if not, because there is none and not because of an error.
    fn moved(&self) -> Result<bool> {
        if self.0.valid() {
            return Ok(true);
        }
        self.0.status().map_err(convert)?;
        Ok(false)
    }
}

impl Cursor for RocksCursor<'_> {
    fn seek(&mut self, key: &[u8]) -> Result<bool> {
        self.0.seek(key);
        self.moved()
    }

    fn seek_for_prev(&mut self, key: &[u8]) -> Result<bool> {
        self.0.seek_for_prev(key);
        self.moved()
    }

    fn seek_to_first(&mut self) -> Result<bool> {
        self.0.seek_to_first();
        self.moved()
    }

    fn seek_to_last(&mut self) -> Result<bool> {
        self.0.seek_to_last();
        self.moved()
    }

    fn next(&mut self) -> Result<bool> {
        self.0.next();
        self.moved()
    }

    fn prev(&mut self) -> Result<bool> {
        self.0.prev();
        self.moved()
    }

    fn valid(&self) -> bool {
        self.0.valid()
    }

    fn key(&self) -> &[u8] {
        self.0.key().expect("the caller checked that the cursor is valid")
    }

    fn value(&self) -> &[u8] {
        self.0.value().expect("the caller checked that the cursor is valid")
    }
}

fn database_options(options: &EngineOptions) -> Options {
    let mut database = Options::default();
    database.set_max_background_jobs(i32::from(options.background_jobs));
    database.set_max_open_files(i32::from(options.open_files));
    database.set_max_total_wal_size(options.max_wal_bytes);
    database.set_wal_recovery_mode(match options.wal_recovery {
        WalRecovery::Strict => DBRecoveryMode::TolerateCorruptedTailRecords,
        WalRecovery::PointInTime => DBRecoveryMode::PointInTime,
    });
    // Written a little at a time, files do not come to the disk all at once and hold up a sync.
    database.set_bytes_per_sync(1 << 20);
    database.set_wal_bytes_per_sync(1 << 20);
    // Statistics into a text log are no use here, and a store may be opened often.
    database.set_stats_dump_period_sec(0);
    database.set_log_level(LogLevel::Warn);
    database.set_keep_log_file_num(4);
    database
}

/// All versions of a key share one entry of the filters, in the buffer as well as in files: a read of one key leaves
/// out every file without it.
fn filter_by_key(family: &mut Options) {
    let without_version = SliceTransform::create(
        "key-without-version",
        |key| &key[..key.len() - VERSION_BYTES],
        Some(|key| key.len() > VERSION_BYTES),
    );
    family.set_prefix_extractor(without_version);
    family.set_memtable_prefix_bloom_ratio(MEMTABLE_FILTER);
}

/// The least bytes of a part of the cache. The filter of a file takes some MiB; what does not fit into its part is read anew for each
/// key that is looked up.
const CACHE_PART_BYTES: usize = 64 << 20;
/// The most parts, as a power of two: each has a lock of its own, and there are not many more cores.
const MOST_CACHE_PARTS: u32 = 6;

/// The number of parts of a cache, as a power of two.
fn cache_parts(bytes: usize) -> u32 {
    (bytes / CACHE_PART_BYTES).checked_ilog2().unwrap_or(0).min(MOST_CACHE_PARTS)
}

fn block_cache(bytes: usize) -> Cache {
    let mut options = LruCacheOptions::default();
    options.set_capacity(bytes);
    options.set_num_shard_bits(cache_parts(bytes).cast_signed());
    Cache::new_lru_cache_opts(&options)
}

fn family_options(options: &EngineOptions, cache: &Cache) -> Options {
    let mut table = BlockBasedOptions::default();
    table.set_block_cache(cache);
    table.set_block_size(options.block_bytes);
    table.set_format_version(5);
    // Within the cache, so that the cache's size bounds them too.
    table.set_cache_index_and_filter_blocks(true);
    table.set_pin_l0_filter_and_index_blocks_in_cache(true);
    if options.bloom_bits > 0 {
        table.set_bloom_filter(f64::from(options.bloom_bits), false);
        table.set_whole_key_filtering(true);
    }
    let mut family = Options::default();
    family.set_block_based_table_factory(&table);
    family.set_write_buffer_size(options.write_buffer_bytes);
    family.set_max_write_buffer_number(i32::from(options.write_buffers));
    family.set_max_bytes_for_level_base(options.level_base_bytes);
    family.set_target_file_size_base(options.file_bytes);
    family.set_compression_type(DBCompressionType::Lz4);
    // What garbage collection has deleted gives its space back.
    family.add_compact_on_deletion_collector_factory(DELETIONS_WINDOW, DELETIONS_MANY, 0.5);
    family
}

/// RocksDB's errors on an open database.
fn convert(error: rocksdb::Error) -> Error {
    match error.kind() {
        ErrorKind::Corruption => Error::Corruption(error.into_string()),
        _ => Error::Io(error.into_string()),
    }
}

/// RocksDB's errors when a database does not open: the lock, or files that are not as they were left.
fn open_error(path: &Path, error: rocksdb::Error) -> Error {
    let text = error.as_ref();
    if text.contains("lock hold by current process") || text.contains("While lock file") {
        return Error::Locked(path.to_owned());
    }
    let missing = text.contains("No such file or directory");
    match error.kind() {
        ErrorKind::Corruption | ErrorKind::InvalidArgument => {
            Error::Corruption(format!("{}: {error}", path.display()))
        }
        ErrorKind::IOError if missing => Error::Corruption(format!("{}: {error}", path.display())),
        _ => Error::Io(error.into_string()),
    }
}
