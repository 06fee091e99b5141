//! Who has a session on this node and what they run: SHOW PROCESSLIST and KILL.

use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use dashmap::DashMap;
use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::sync::futures::Notified;

use crate::actors::ddl::{HeldTable, JobWatch};
use crate::actors::runtime::Monotonic;
use crate::sql::expr::{Interrupt, InterruptReason};

/// The numbers of a range: what a gateway gives to its connections before it begins anew.
const RANGE_LEN: u32 = 1 << 21;
/// The ranges that gateways take from the placement driver. Beside them is range 0, of the gateway in the process that has the
/// only placement driver: there is one at most, and its numbers begin at 1.
pub const RANGES: u32 = u32::MAX / RANGE_LEN;
/// The statements of a list that goes to another node take no more than about so many bytes.
const LIST_BYTES: usize = 4 << 20;
/// Of each at least so many are sent.
const INFO_LEAST: usize = 100;

/// A connection as SHOW PROCESSLIST shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProcessRow {
    /// The number that KILL takes.
    pub id: u32,
    /// User name.
    pub user: String,
    /// Address and port of the client.
    pub host: String,
    /// Current database.
    pub database: Option<String>,
    /// `Sleep`, `Query`, `Execute`, …
    pub command: Cow<'static, str>,
    /// For so long.
    pub seconds: u64,
    /// What it is doing: `executing`, `Waiting for table metadata lock`, …
    pub state: Cow<'static, str>,
    /// The statement in hand, or its beginning.
    pub info: Option<Bytes>,
    /// The tables that its transaction works with.
    pub held: Vec<HeldTable>,
}

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
    interrupt: Arc<Interrupt>,
    /// Since when its client has had nothing in hand, in nanoseconds; [`AT_WORK`]: it has, or nobody watches it here.
    rests_since: AtomicU64,
    /// What its session allows it.
    limits: Mutex<ClientLimits>,
    /// It was named in a KILL while it had this statement in hand.
    killed: AtomicBool,
    /// The connection is to end.
    ends: AtomicBool,
    /// The change of the schema that it waits for.
    change: Mutex<Option<Arc<JobWatch>>>,
}

/// Of a connection that has something in hand.
const AT_WORK: u64 = u64::MAX;

/// What a client may do, by the variables of its session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientLimits {
    /// `wait_timeout`: without a command.
    pub idle: Duration,
    /// `net_read_timeout`: without a byte, within a packet.
    pub read: Duration,
    /// `net_write_timeout`: without taking a byte of an answer.
    pub write: Duration,
    /// `max_allowed_packet`.
    pub packet: usize,
}

impl Default for ClientLimits {
    fn default() -> ClientLimits {
        let seconds = Duration::from_secs;
        ClientLimits {
            idle: seconds(28_800),
            read: seconds(30),
            write: seconds(60),
            packet: 64 << 20,
        }
    }
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

    /// The statement in hand.
    pub fn info(&self) -> Option<Bytes> {
        self.state.lock().info.clone()
    }

    /// It is to wait for a change of the schema.
    pub fn watch_change(&self) -> Arc<JobWatch> {
        let watch = Arc::new(JobWatch::default());
        *self.change.lock() = Some(watch.clone());
        watch
    }

    /// It does not wait for a change of the schema any more.
    pub fn changes_nothing(&self) {
        *self.change.lock() = None;
    }

    /// Whether the statement in hand, or the connection, was named in a KILL.
    pub fn is_killed(&self) -> bool {
        self.killed.load(Ordering::Relaxed)
    }

    /// Whether the connection is to end.
    pub fn is_ending(&self) -> bool {
        self.ends.load(Ordering::Relaxed)
    }

    /// A statement begins: what was asked of the last one does not concern it.
    pub fn begin(&self) {
        self.interrupt.clear();
        self.killed.store(false, Ordering::Relaxed);
    }

    /// As it is shown, with so many bytes of its statement.
    pub fn row(&self, now: Monotonic, info_bytes: usize) -> ProcessRow {
        let ProcessState { user, host, database, command, since, info } = self.state();
        let change = self.change.lock();
        let waits = change.as_ref().is_some_and(|watch| watch.waits.load(Ordering::Relaxed));
        ProcessRow {
            id: self.id,
            user,
            host,
            database,
            command: Cow::Borrowed(command),
            seconds: now.since(since).as_secs(),
            state: Cow::Borrowed(match info {
                _ if waits => "Waiting for table metadata lock",
                Some(_) => "executing",
                None => "",
            }),
            held: Vec::new(),
            info: info.map(|text| beginning(&text, info_bytes)),
        }
    }

    /// What its session allows its client.
    pub fn limits(&self) -> ClientLimits {
        *self.limits.lock()
    }

    /// From now on its session allows something else.
    pub fn set_limits(&self, limits: ClientLimits) {
        *self.limits.lock() = limits;
    }

    /// Its client has nothing in hand.
    pub fn at_rest(&self, now: Monotonic) {
        self.rests_since.store(now.as_nanos(), Ordering::Relaxed);
    }

    /// Its client has sent a command.
    pub fn at_work(&self) {
        self.rests_since.store(AT_WORK, Ordering::Relaxed);
    }

    /// Whether its client has something in hand.
    pub fn is_at_work(&self) -> bool {
        self.rests_since.load(Ordering::Relaxed) == AT_WORK
    }

    /// Whether its client has had nothing in hand for longer than it may.
    pub fn rests_too_long(&self, now: Monotonic) -> bool {
        let since = self.rests_since.load(Ordering::Relaxed);
        since != AT_WORK && now.since(Monotonic::from_nanos(since)) >= self.limits().idle
    }

    /// Changes what it is said to be doing.
    pub fn update(&self, change: impl FnOnce(&mut ProcessState)) {
        change(&mut self.state.lock());
    }

    /// Ends the connection, and the statement in hand.
    pub fn end(&self) {
        // One permit is kept for a connection that is not waiting just now.
        self.kill.notify_one();
        self.ends.store(true, Ordering::Relaxed);
        self.cancel(InterruptReason::Killed);
    }

    /// Ends the statement in hand: what it computes sees its interrupt, what it waits for is let go of.
    pub fn cancel(&self, reason: InterruptReason) {
        self.interrupt.raise(reason);
        self.cancel.notify_waiters();
    }

    /// What the statement in hand looks at while it computes.
    pub fn interrupt(&self) -> &Arc<Interrupt> {
        &self.interrupt
    }

    /// Resolves when the connection is to end.
    pub async fn killed(&self) {
        self.kill.notified().await;
    }

    /// Resolves when the statement in hand is to end, if that is said from now on.
    pub fn cancelled(&self) -> Notified<'_> {
        self.cancel.notified()
    }
}

/// The connections of this node.
#[derive(Debug, Default)]
pub struct ProcessList {
    processes: DashMap<u32, Arc<Process>>,
    last_id: AtomicU32,
    /// Whose numbers are given out.
    range: AtomicU32,
    questions: AtomicU64,
    /// The most there have been at a time.
    most: AtomicU64,
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

    /// The number for a new connection: none that a client has now.
    pub fn next_id(&self) -> u32 {
        let first = self.range.load(Ordering::Relaxed) * RANGE_LEN;
        loop {
            let count = self.last_id.fetch_add(1, Ordering::Relaxed);
            let id = first + 1 + count % (RANGE_LEN - 1);
            if !self.has(id) {
                return id;
            }
        }
    }

    /// From now on numbers are of this range (0: of the first gateway; others up to [`RANGES`]). It is nobody else's in the cluster.
    pub fn number_from(&self, range: u32) {
        assert!(range <= RANGES, "there is no range {range}");
        self.range.store(range, Ordering::Relaxed);
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
            rests_since: AtomicU64::new(AT_WORK),
            limits: Mutex::default(),
            interrupt: Arc::default(),
            killed: AtomicBool::new(false),
            ends: AtomicBool::new(false),
            change: Mutex::default(),
        });
        self.processes.insert(id, process.clone());
        self.most.fetch_max(self.processes.len() as u64, Ordering::Relaxed);
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

    /// The most there have been at a time.
    pub fn most(&self) -> u64 {
        self.most.load(Ordering::Relaxed)
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

    /// All of them as they are shown, by number; of each statement about so many bytes, and of all together no more than
    /// is good for one message.
    pub fn rows(&self, now: Monotonic, info_bytes: usize) -> Vec<ProcessRow> {
        let processes = self.list();
        let share = (LIST_BYTES / processes.len().max(1)).max(INFO_LEAST);
        let row = |process: &Arc<Process>| process.row(now, info_bytes.min(share));
        processes.iter().map(row).collect()
    }

    /// Ends a connection or its statement. False: there is no such connection.
    pub fn kill(&self, id: u32, what: Kill) -> bool {
        let Some(process) = self.processes.get(&id) else {
            return false;
        };
        process.killed.store(true, Ordering::Relaxed);
        match what {
            Kill::Query => process.cancel(InterruptReason::Killed),
            Kill::Connection => process.end(),
        }
        true
    }
}

/// The beginning of a text of at most so many bytes; no character of UTF-8 is cut.
fn beginning(text: &Bytes, bytes: usize) -> Bytes {
    let mut end = text.len().min(bytes);
    while end < text.len() && end > 0 && text[end] & 0xc0 == 0x80 {
        end -= 1;
    }
    text.slice(..end)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::actors::runtime::System;

    fn state(now: Monotonic, info: &str) -> ProcessState {
        ProcessState {
            user: "ann".into(),
            host: "127.0.0.1:1".into(),
            database: None,
            command: "Query",
            since: now,
            info: Some(Bytes::copy_from_slice(info.as_bytes())),
        }
    }

    #[actix_rt::test]
    async fn numbers_stay_in_their_range_and_are_not_given_twice() {
        let now = System::for_test().clock().now();
        let list = ProcessList::default();
        assert_eq!([list.next_id(), list.next_id()], [1, 2]);
        list.number_from(RANGES);
        let first = list.next_id();
        assert_eq!(first / RANGE_LEN, RANGES);
        list.add(first, state(now, ""));
        list.last_id.store(RANGE_LEN + 1, Ordering::Relaxed);
        let again = list.next_id();
        assert!(again > first && again / RANGE_LEN == RANGES, "{first} is in use, not {again}");
    }

    #[actix_rt::test]
    async fn statements_are_shortened_for_other_nodes() {
        let now = System::for_test().clock().now();
        let list = ProcessList::default();
        list.add(1, state(now, "SELECT 'ä'"));
        let shown = |bytes| list.rows(now, bytes)[0].info.clone().unwrap();
        assert_eq!(shown(usize::MAX), "SELECT 'ä'");
        assert_eq!(shown(9), "SELECT '", "half a character is none");
        assert_eq!(shown(10), "SELECT 'ä");
        let long = "x".repeat(LIST_BYTES);
        for id in 2..10 {
            list.add(id, state(now, &long));
        }
        let sent: usize =
            list.rows(now, usize::MAX).iter().map(|row| row.info.as_ref().unwrap().len()).sum();
        assert!(sent <= LIST_BYTES, "{sent}");
    }
}
