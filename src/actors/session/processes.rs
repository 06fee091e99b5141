//! Who is connected to this node and what they run: SHOW PROCESSLIST and KILL.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use bytes::Bytes;
use dashmap::DashMap;
use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::actors::runtime::Monotonic;

/// The numbers a gateway gives to its connections before it begins anew: the first range is that of gateways whose sessions
/// are on their own node.
const IDS_OF_A_GATEWAY: u32 = 1 << 21;

/// What a connection is doing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProcessState {
    /// User name.
    pub user: String,
    /// Address and port of the client.
    pub host: String,
    /// Current database.
    pub database: Option<String>,
    /// `Sleep`, `Query`, `Execute`, …
    pub command: &'static str,
    /// Since when.
    pub since: Monotonic,
    /// The statement in hand.
    pub info: Option<Bytes>,
}

/// A connection in the list.
#[derive(Debug)]
pub struct Process {
    /// The number that KILL takes.
    pub id: u32,
    state: Mutex<ProcessState>,
    kill: Notify,
    cancel: Notify,
}

/// What KILL asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kill {
    /// The statement in hand.
    Query,
    /// The connection.
    Connection,
}

impl Process {
    /// What it is doing.
    pub fn state(&self) -> ProcessState {
        self.state.lock().clone()
    }

    /// Changes what it is said to be doing.
    pub fn update(&self, change: impl FnOnce(&mut ProcessState)) {
        change(&mut self.state.lock());
    }

    /// Ends the connection, and the statement in hand.
    pub fn end(&self) {
        // One permit is kept for a connection that is not waiting just now.
        self.kill.notify_one();
        self.cancel.notify_waiters();
    }

    /// Resolves when the connection is to end.
    pub async fn killed(&self) {
        self.kill.notified().await;
    }

    /// Resolves when the statement in hand is to end.
    pub async fn cancelled(&self) {
        self.cancel.notified().await;
    }
}

/// The connections of this node.
#[derive(Debug, Default)]
pub struct ProcessList {
    processes: DashMap<u32, Arc<Process>>,
    last_id: AtomicU32,
    /// Where the numbers begin.
    base: AtomicU32,
    questions: AtomicU64,
}

impl ProcessList {
    /// A client has sent a command.
    pub fn count_question(&self) {
        self.questions.fetch_add(1, Ordering::Relaxed);
    }

    /// How many commands clients have sent.
    pub fn questions(&self) -> u64 {
        self.questions.load(Ordering::Relaxed)
    }

    /// How many connections there have been.
    pub fn connections(&self) -> u32 {
        self.last_id.load(Ordering::Relaxed)
    }

    /// The number for a new connection.
    pub fn next_id(&self) -> u32 {
        let number = self.last_id.fetch_add(1, Ordering::Relaxed).wrapping_add(1);
        self.base.load(Ordering::Relaxed) + number % IDS_OF_A_GATEWAY
    }

    /// From now on numbers come from the range of the gateway with this number: its sessions are on other nodes, beside
    /// those of other gateways.
    pub fn number_as_gateway(&self, gateway: u64) {
        let ranges = u64::from(u32::MAX / IDS_OF_A_GATEWAY);
        let range = u32::try_from(gateway % ranges).unwrap_or_default() + 1;
        self.base.store(range * IDS_OF_A_GATEWAY, Ordering::Relaxed);
    }

    /// Whether there is a connection with this number.
    pub fn has(&self, id: u32) -> bool {
        self.processes.contains_key(&id)
    }

    /// Adds a connection.
    pub fn add(&self, id: u32, state: ProcessState) -> Arc<Process> {
        let process = Arc::new(Process {
            id,
            state: Mutex::new(state),
            kill: Notify::new(),
            cancel: Notify::new(),
        });
        self.processes.insert(id, process.clone());
        process
    }

    /// Removes a connection.
    pub fn remove(&self, id: u32) {
        self.processes.remove(&id);
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.processes.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.processes.is_empty()
    }

    /// How many run a statement.
    pub fn running(&self) -> usize {
        self.processes.iter().filter(|entry| entry.value().state.lock().info.is_some()).count()
    }

    /// All of them, by number.
    pub fn list(&self) -> Vec<Arc<Process>> {
        let mut processes: Vec<_> =
            self.processes.iter().map(|entry| entry.value().clone()).collect();
        processes.sort_by_key(|process| process.id);
        processes
    }

    /// Ends a connection or its statement. False: there is no such connection.
    pub fn kill(&self, id: u32, what: Kill) -> bool {
        let Some(process) = self.processes.get(&id) else {
            return false;
        };
        match what {
            Kill::Query => process.cancel.notify_waiters(),
            Kill::Connection => process.end(),
        }
        true
    }
}
