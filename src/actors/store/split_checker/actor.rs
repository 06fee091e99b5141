//! The actor: one scan after the other.

use std::sync::Arc;

use serde_json::{Value, json};

use super::messages::{CheckSplit, CutAt, SplitCheck};
use crate::actors::runtime::{Actor, Context, Handler, MailboxOptions, Overflow, ReplyTo};
use crate::storage::codec::{keys, mvcc};
use crate::storage::engine::{Cf, Cursor, Engine, IterOptions, Result};
use crate::storage::region::split::SplitSampler;
use crate::storage::region::{Region, SplitOptions};

/// Scans regions. Runs on a thread of its own, as scans block.
pub struct SplitChecker {
    kv: Arc<dyn Engine>,
    options: SplitOptions,
    scans: u64,
}

impl SplitChecker {
    /// A checker of the regions in this engine.
    pub fn new(kv: Arc<dyn Engine>, options: SplitOptions) -> SplitChecker {
        SplitChecker { kv, options, scans: 0 }
    }

    fn check(&self, message: &CheckSplit) -> Result<SplitCheck> {
        let options = match message.cut_at {
            CutAt::Size => self.options,
            CutAt::Middle => {
                let whole = scan(&*self.kv, &message.region, self.options)?;
                if whole.keys() < 2 {
                    return Ok(SplitCheck::default());
                }
                let (half_size, half_keys) = (whole.size() / 2, whole.keys() / 2);
                SplitOptions {
                    split_size: half_size.max(1),
                    split_keys: half_keys.max(1),
                    max_size: 1,
                    max_keys: 1,
                }
            }
        };
        let sampler = scan(&*self.kv, &message.region, options)?;
        let (size, keys) = (sampler.size(), sampler.keys());
        let mut cuts = sampler.finish();
        if message.cut_at == CutAt::Middle {
            cuts.truncate(1);
        }
        Ok(SplitCheck { size, keys, cuts })
    }
}

impl Actor for SplitChecker {
    const KIND: &'static str = "split-checker";

    fn mailbox() -> MailboxOptions {
        MailboxOptions { capacity: 1 << 14, overflow: Overflow::Reject }
    }

    fn observe(&self) -> Value {
        json!({ "scans": self.scans })
    }
}

impl Handler<CheckSplit> for SplitChecker {
    fn handle(&mut self, message: CheckSplit, reply: ReplyTo<SplitCheck>, _: &mut Context<Self>) {
        self.scans += 1;
        match self.check(&message) {
            Ok(check) => reply.send(check),
            // Letting go of the question tells the peer, which asks again some time later.
            Err(error) => {
                tracing::warn!(%error, region_id = %message.region.id, "failed to scan a region");
            }
        }
    }
}

/// Passes a region's versions and long values to a sampler, in key order.
fn scan(kv: &dyn Engine, region: &Region, options: SplitOptions) -> Result<SplitSampler> {
    let mut sampler = SplitSampler::new(options);
    let bounds = IterOptions {
        lower: Some(keys::data_key(&region.start_key)),
        upper: Some(keys::data_end_key(&region.end_key)),
        ..IterOptions::default()
    };
    let mut writes = kv.cursor(Cf::Write, bounds.clone())?;
    let mut values = kv.cursor(Cf::Default, bounds)?;
    writes.seek_to_first()?;
    values.seek_to_first()?;
    loop {
        let take_write = match (writes.valid(), values.valid()) {
            (false, false) => return Ok(sampler),
            (valid, false) => valid,
            (false, true) => false,
            (true, true) => writes.key() <= values.key(),
        };
        let cursor: &mut dyn Cursor = if take_write { &mut *writes } else { &mut *values };
        let bytes = (cursor.key().len() + cursor.value().len()) as u64;
        if let Some(encoded) = encoded_key(cursor.key()) {
            sampler.add(encoded, bytes, take_write);
        }
        cursor.next()?;
    }
}

/// The encoded user key of a version.
fn encoded_key(data_key: &[u8]) -> Option<&[u8]> {
    let versioned = keys::origin_key(data_key).ok()?;
    mvcc::split_ts(versioned).ok().map(|(encoded, _)| encoded)
}
