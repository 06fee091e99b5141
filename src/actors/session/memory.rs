//! What sessions hold is counted: statements in hand, prepared statements, parameters that come in pieces, user variables, the rows of
//! cursors. Each session has a limit, and all of a node together have one; what goes beyond is refused with error 1041 before it is taken.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::common::{SqlError, SqlResult, errno};

/// Bytes that are held, and how many may be.
#[derive(Debug)]
pub struct Memory {
    /// The configuration's name of the limit.
    limited_by: &'static str,
    limit: usize,
    used: AtomicUsize,
    /// Of all together.
    whole: Option<Arc<Memory>>,
}

impl Memory {
    /// What all sessions of a node hold.
    pub fn node(limit: usize) -> Arc<Memory> {
        let used = AtomicUsize::new(0);
        Arc::new(Memory { limited_by: "sql.sessions-memory", limit, used, whole: None })
    }

    /// What a session holds.
    pub fn session(whole: &Arc<Memory>, limit: usize) -> Arc<Memory> {
        let (used, whole) = (AtomicUsize::new(0), Some(whole.clone()));
        Arc::new(Memory { limited_by: "sql.session-memory", limit, used, whole })
    }

    /// What has arrived of packets that are not whole: of all there is half, so that those who send them leave others room.
    pub fn arriving(whole: &Arc<Memory>) -> Arc<Memory> {
        let (used, limit) = (AtomicUsize::new(0), whole.limit / 2);
        let limited_by = "half of sql.sessions-memory";
        Arc::new(Memory { limited_by, limit, used, whole: Some(whole.clone()) })
    }

    /// How much may be held.
    pub fn limit(&self) -> usize {
        self.limit
    }

    /// How much is.
    pub fn used(&self) -> usize {
        self.used.load(Ordering::Relaxed)
    }

    /// Takes some, until what it answers is dropped.
    pub fn hold(self: &Arc<Memory>, bytes: usize) -> SqlResult<Held> {
        let mut held = Held { of: self.clone(), bytes: 0 };
        held.set(bytes)?;
        Ok(held)
    }

    fn take(&self, bytes: usize) -> SqlResult<()> {
        let before = self.used.fetch_add(bytes, Ordering::Relaxed);
        let taken = match &self.whole {
            _ if bytes > 0 && before.saturating_add(bytes) > self.limit => Err(self.exhausted()),
            Some(whole) => whole.take(bytes),
            None => Ok(()),
        };
        if taken.is_err() {
            self.used.fetch_sub(bytes, Ordering::Relaxed);
        }
        taken
    }

    fn give_back(&self, bytes: usize) {
        self.used.fetch_sub(bytes, Ordering::Relaxed);
        if let Some(whole) = &self.whole {
            whole.give_back(bytes);
        }
    }

    fn exhausted(&self) -> SqlError {
        SqlError::new(
            errno::OUT_OF_RESOURCES,
            format!("Out of memory: more than {} ({} bytes) is held", self.limited_by, self.limit),
        )
    }
}

/// Bytes that are counted as held until this is dropped.
#[derive(Debug)]
pub struct Held {
    of: Arc<Memory>,
    bytes: usize,
}

impl Held {
    /// How much it holds.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Holds more.
    pub fn grow(&mut self, bytes: usize) -> SqlResult<()> {
        self.of.take(bytes)?;
        self.bytes += bytes;
        Ok(())
    }

    /// Holds so much in all. After an error as much as before.
    pub fn set(&mut self, bytes: usize) -> SqlResult<()> {
        if bytes > self.bytes {
            return self.grow(bytes - self.bytes);
        }
        self.of.give_back(self.bytes - bytes);
        self.bytes = bytes;
        Ok(())
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.of.give_back(self.bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_and_all_sessions_have_limits() {
        let node = Memory::node(100);
        let (a, b) = (Memory::session(&node, 80), Memory::session(&node, 80));
        let mut held = a.hold(50).unwrap();
        assert!(a.hold(31).unwrap_err().message.contains("sql.session-memory"));
        assert!(b.hold(51).unwrap_err().message.contains("sql.sessions-memory"));
        assert_eq!((a.used(), b.used(), node.used()), (50, 0, 50));
        held.set(80).unwrap();
        assert_eq!(held.grow(1).unwrap_err().code, errno::OUT_OF_RESOURCES);
        held.set(10).unwrap();
        let other = b.hold(80).unwrap();
        assert_eq!(node.used(), 90);
        drop((held, other));
        assert_eq!((a.used(), b.used(), node.used()), (0, 0, 0));
    }
}
