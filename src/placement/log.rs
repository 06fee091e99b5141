//! Where commands become durable.

use std::sync::Arc;

use futures::future::{BoxFuture, ready};

use super::state::{Command, PdState, Reply};
use crate::storage::engine::{Cf, Engine, Error, IterOptions, WriteBatch};

/// Where PD's records live among a node's local data.
const PREFIX: &[u8] = &[0x01, 0x10];
/// Past the last of PD's records.
const PREFIX_END: &[u8] = &[0x01, 0x11];

/// Why a command has no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LogError {
    /// This member does not lead; nothing was written.
    #[error("this member does not lead the placement driver")]
    NotLeader,
    /// The disk failed: the member cannot go on.
    #[error("the placement driver's log failed: {0}")]
    Storage(String),
}

/// Applies commands in one order on all members, and answers once a majority has them on disk.
///
/// A group of one needs no consensus ([`SingleMemberLog`]); more members put Raft behind the same two methods.
pub trait CommandLog: Send + 'static {
    /// Applies a command after all those committed before it; resolves when it is durable.
    fn commit(&mut self, command: Command) -> BoxFuture<'static, Result<Reply, LogError>>;
    /// The state as far as it is applied here.
    fn state(&self) -> &PdState;
}

/// The log of a group of one member: each command's records go to the engine, synced, in one batch.
pub struct SingleMemberLog {
    engine: Arc<dyn Engine>,
    state: PdState,
}

impl SingleMemberLog {
    /// Reads the state the engine holds; an empty engine holds the default state.
    pub fn open(engine: Arc<dyn Engine>) -> Result<SingleMemberLog, Error> {
        let options = IterOptions {
            lower: Some(PREFIX.into()),
            upper: Some(PREFIX_END.into()),
            ..IterOptions::default()
        };
        let mut records = Vec::new();
        let mut cursor = engine.cursor(Cf::Raft, options)?;
        cursor.seek(PREFIX)?;
        while cursor.valid() {
            let name = String::from_utf8_lossy(&cursor.key()[PREFIX.len()..]).into_owned();
            let value = serde_json::from_slice(cursor.value())
                .map_err(|error| Error::Corruption(format!("pd record {name}: {error}")))?;
            records.push((name, value));
            cursor.next()?;
        }
        drop(cursor);
        let state = PdState::from_records(records)
            .map_err(|error| Error::Corruption(format!("pd state: {error}")))?;
        Ok(SingleMemberLog { engine, state })
    }

    fn commit_now(&mut self, command: Command) -> Result<Reply, LogError> {
        let mut next = self.state.clone();
        let (reply, records) = next.apply(command);
        if !records.is_empty() {
            let mut batch = WriteBatch::new();
            for (name, value) in records {
                let key = [PREFIX, name.as_bytes()].concat();
                match value {
                    Some(value) => batch.put(Cf::Raft, key, value.to_string()),
                    None => batch.delete(Cf::Raft, key),
                }
            }
            self.engine.write(batch, true).map_err(|error| LogError::Storage(error.to_string()))?;
        }
        self.state = next;
        Ok(reply)
    }
}

impl CommandLog for SingleMemberLog {
    fn commit(&mut self, command: Command) -> BoxFuture<'static, Result<Reply, LogError>> {
        Box::pin(ready(self.commit_now(command)))
    }

    fn state(&self) -> &PdState {
        &self.state
    }
}
