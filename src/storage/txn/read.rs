//! Reads, from any thread: no latch, no queue.
//!
//! A reader that found its peer to be the leader calls [`admit`], *then* calls [`read`], on the engine as it is, or on a snapshot
//! taken in between if [`needs_snapshot`]. The order matters: see [`concurrency`](super::concurrency).

use super::concurrency::ConcurrencyManager;
use super::{KeyError, KvRequest, KvResponse};
use crate::common::Timestamp;
use crate::storage::engine::{Error as EngineError, Reader};
use crate::storage::mvcc::{self, KeyRange, ScanOptions, Scanner};

/// Makes a read known to concurrent writers, and stops it at memory locks. Requests that are not reads pass.
pub fn admit(concurrency: &ConcurrencyManager, request: &KvRequest) -> Result<(), KeyError> {
    match request {
        KvRequest::Get { key, ts, resolved } => {
            concurrency.admit_keys([key.as_ref()], *ts, resolved)
        }
        KvRequest::BatchGet { keys, ts, resolved } => {
            concurrency.admit_keys(keys.iter().map(AsRef::as_ref), *ts, resolved)
        }
        KvRequest::Scan { start, end, ts, resolved, .. } => {
            concurrency.admit_range(start, end, *ts, resolved)
        }
        _ => Ok(()),
    }
}

/// Whether a read must see one state of the engine. With a timestamp it need not: what commits while it reads commits above
/// that. "The latest" of several keys belongs together only in one state.
pub fn needs_snapshot(request: &KvRequest) -> bool {
    matches!(
        request,
        KvRequest::BatchGet { ts: Timestamp::MAX, .. } | KvRequest::Scan { ts: Timestamp::MAX, .. }
    )
}

/// Answers an admitted `Get`, `BatchGet` or `Scan`. `range` is the region's; a scan ends at its bounds.
pub fn read(
    reader: &dyn Reader,
    range: &KeyRange,
    request: &KvRequest,
) -> mvcc::Result<KvResponse> {
    match request {
        KvRequest::Get { key, ts, resolved } => {
            mvcc::get(reader, key, *ts, resolved).map(KvResponse::Value)
        }
        KvRequest::BatchGet { keys, ts, resolved } => {
            mvcc::batch_get(reader, keys, *ts, resolved).map(KvResponse::Pairs)
        }
        KvRequest::Scan { start, end, limit, ts, reverse, key_only, resolved } => {
            let range = range.clip(start, end);
            if range.is_empty() {
                return Ok(KvResponse::Pairs(Vec::new()));
            }
            let options = ScanOptions { ts: *ts, reverse: *reverse, key_only: *key_only, resolved };
            Scanner::new(reader, &range, options)?.take(*limit).map(KvResponse::Pairs)
        }
        // A caller's mistake, and no state of the data: answered rather than panicked on, as it may come over the wire.
        _ => Err(EngineError::Io("a command that writes was sent to the read path".into()).into()),
    }
}
