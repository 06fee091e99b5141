//! A bank as the load of fault tests: clients move money between accounts over all SQL nodes, and write down what they
//! were told.
//!
//! Each transfer also leaves a row of its own. So afterwards it can be told of each whether it took place, and what every
//! account must hold: not only the total.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use mysql_async::prelude::*;
use mysql_async::{Conn, Error, OptsBuilder};

const ACCOUNTS: u64 = 40;
const BALANCE: i64 = 1_000;
const CLIENTS: u64 = 4;
/// No statement may take longer, whatever happens to the cluster.
const STATEMENT: Duration = Duration::from_secs(25);
/// Errors after which a client is to begin its transaction anew: lock waits, deadlocks, conflicts, and a commit whose
/// outcome is not known.
const RETRYABLE: [u16; 5] = [1205, 1213, 8501, 9007, 8028];
/// Errors that end a connection, in an orderly way.
const FAREWELL: [u16; 3] = [1053, 1317, 1927];

/// What the clients were told.
#[derive(Default)]
pub(crate) struct Ledger {
    /// Transfers that were acknowledged, and when.
    acknowledged: BTreeMap<u64, (Instant, Instant)>,
    /// Transfers that were refused, or not asked to be committed: they must not have taken place.
    refused: Vec<u64>,
    /// Transfers of which nobody knows.
    unknown: usize,
    /// Errors a client may meet, by what they say.
    pub(crate) retried: BTreeMap<String, u64>,
    /// Errors no client should meet.
    pub(crate) failed: Vec<String>,
    /// Totals read.
    totals: u64,
}

/// The load.
pub(crate) struct Bank {
    ports: Arc<Mutex<Vec<u16>>>,
    stop: Arc<AtomicBool>,
    pub(crate) ledger: Arc<Mutex<Ledger>>,
    thread: Option<std::thread::JoinHandle<()>>,
}

fn opts(port: u16) -> OptsBuilder {
    OptsBuilder::default().ip_or_hostname("127.0.0.1").tcp_port(port).user(Some("root"))
}

/// Runs statements over one connection, in the caller's thread.
pub(crate) fn execute(port: u16, statements: &[&str]) {
    block_on(async {
        let mut conn = Conn::new(opts(port)).await.unwrap();
        for sql in statements {
            conn.query_drop(*sql).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
        }
    });
}

/// Reads over a connection of its own.
pub(crate) fn query<T: FromRow + Send + 'static>(port: u16, sql: &str) -> Vec<T> {
    block_on(async {
        let mut conn = Conn::new(opts(port)).await.unwrap();
        conn.query(sql).await.unwrap_or_else(|error| panic!("{sql}: {error}"))
    })
}

/// Reads over a connection of its own, after another statement.
pub(crate) fn after<T: FromRow + Send + 'static>(port: u16, first: &str, sql: &str) -> Vec<T> {
    block_on(async {
        let mut conn = Conn::new(opts(port)).await.unwrap();
        conn.query_drop(first).await.unwrap_or_else(|error| panic!("{first}: {error}"));
        conn.query(sql).await.unwrap_or_else(|error| panic!("{sql}: {error}"))
    })
}

fn block_on<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(work)
}

impl Bank {
    /// Opens the accounts, in several regions.
    pub(crate) fn found(port: u16) {
        let accounts: Vec<String> = (0..ACCOUNTS).map(|id| format!("({id}, {BALANCE})")).collect();
        execute(
            port,
            &[
                "CREATE DATABASE bank",
                "CREATE TABLE bank.accounts (id BIGINT PRIMARY KEY, balance BIGINT NOT NULL)",
                "CREATE TABLE bank.transfers (id BIGINT PRIMARY KEY, source BIGINT NOT NULL, target BIGINT NOT NULL, amount BIGINT NOT NULL)",
                &format!("INSERT INTO bank.accounts VALUES {}", accounts.join(",")),
                "SPLIT TABLE bank.accounts BETWEEN (0) AND (40) REGIONS 4",
                "SPLIT TABLE bank.transfers BY (0)",
            ],
        );
    }

    /// Lets the clients begin.
    pub(crate) fn open(ports: Vec<u16>) -> Bank {
        let ports = Arc::new(Mutex::new(ports));
        let stop = Arc::new(AtomicBool::new(false));
        let ledger = Arc::new(Mutex::new(Ledger::default()));
        let (p, s, l) = (ports.clone(), stop.clone(), ledger.clone());
        let thread = std::thread::spawn(move || {
            block_on(async {
                let tellers = (0..CLIENTS).map(|number| Client::new(number, &p, &s, &l).transfer());
                let auditor = Client::new(CLIENTS, &p, &s, &l).audit();
                futures::join!(futures::future::join_all(tellers), auditor);
            });
        });
        Bank { ports, stop, ledger, thread: Some(thread) }
    }

    /// The SQL nodes are found there from now on.
    pub(crate) fn move_to(&self, ports: Vec<u16>) {
        *self.ports.lock().unwrap() = ports;
    }

    /// Waits for transfers that begin from now on; answers when the first was acknowledged.
    pub(crate) fn go_on(&self, transfers: usize) -> Duration {
        let begun = Instant::now();
        loop {
            let ledger = self.ledger.lock().unwrap();
            let mut since: Vec<Instant> = ledger
                .acknowledged
                .values()
                .filter(|(began, _)| *began >= begun)
                .map(|(_, ended)| *ended)
                .collect();
            if since.len() >= transfers {
                since.sort_unstable();
                return since[0] - begun;
            }
            assert!(
                begun.elapsed() < Duration::from_secs(40),
                "the bank stands still: {:?}",
                ledger.failed
            );
            drop(ledger);
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// The longest time without an acknowledgement since an instant.
    pub(crate) fn longest_gap(&self, since: Instant) -> Duration {
        let ledger = self.ledger.lock().unwrap();
        let mut ends: Vec<Instant> = ledger.acknowledged.values().map(|(_, end)| *end).collect();
        ends.retain(|end| *end >= since);
        ends.push(since);
        ends.sort_unstable();
        ends.windows(2).map(|pair| pair[1] - pair[0]).max().unwrap_or_default()
    }

    /// Ends the load, and compares what was promised with what is there, on every SQL node.
    pub(crate) fn close(mut self) {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.take().unwrap().join().unwrap();
        let ports = self.ports.lock().unwrap().clone();
        let ledger = self.ledger.lock().unwrap();
        eprintln!(
            "{} transfers, {} refused, {} unknown, {} audits; errors: {:?}",
            ledger.acknowledged.len(),
            ledger.refused.len(),
            ledger.unknown,
            ledger.totals,
            ledger.retried
        );
        assert!(ledger.failed.is_empty(), "{:#?}", ledger.failed);
        assert!(ledger.acknowledged.len() > 20 && ledger.totals > 5, "hardly anything was tried");
        for port in ports {
            ledger.check(port);
        }
    }
}

impl Drop for Bank {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

impl Ledger {
    fn check(&self, port: u16) {
        let mut expected: BTreeMap<u64, i64> = (0..ACCOUNTS).map(|id| (id, BALANCE)).collect();
        let transfers: Vec<(u64, u64, u64, i64)> =
            query(port, "SELECT id, source, target, amount FROM bank.transfers");
        let mut there = std::collections::BTreeSet::new();
        for (id, source, target, amount) in transfers {
            there.insert(id);
            *expected.get_mut(&source).unwrap() -= amount;
            *expected.get_mut(&target).unwrap() += amount;
        }
        for id in self.acknowledged.keys() {
            assert!(there.contains(id), "transfer {id} was acknowledged and is lost");
        }
        for id in &self.refused {
            assert!(!there.contains(id), "transfer {id} was refused and took place");
        }
        let balances: Vec<(u64, i64)> = query(port, "SELECT id, balance FROM bank.accounts");
        let balances: BTreeMap<u64, i64> = balances.into_iter().collect();
        assert_eq!(balances, expected, "the accounts do not hold what the transfers say");
    }
}

/// One client of the bank.
struct Client {
    number: u64,
    ports: Arc<Mutex<Vec<u16>>>,
    stop: Arc<AtomicBool>,
    ledger: Arc<Mutex<Ledger>>,
    conn: Option<Conn>,
    attempts: usize,
}

/// How far a transfer had come when it failed.
enum Failed {
    Before(Error),
    Committing(Error),
    Hanging(&'static str),
}

impl Client {
    fn new(
        number: u64,
        ports: &Arc<Mutex<Vec<u16>>>,
        stop: &Arc<AtomicBool>,
        ledger: &Arc<Mutex<Ledger>>,
    ) -> Client {
        let (ports, stop, ledger) = (ports.clone(), stop.clone(), ledger.clone());
        Client { number, ports, stop, ledger, conn: None, attempts: number as usize }
    }

    fn goes_on(&self) -> bool {
        !self.stop.load(Ordering::Relaxed)
    }

    /// Connects to some SQL node, another one each time.
    async fn connect(&mut self) -> bool {
        if self.conn.is_some() {
            return true;
        }
        self.attempts += 1;
        let port = {
            let ports = self.ports.lock().unwrap();
            ports[self.attempts % ports.len()]
        };
        let connecting = async {
            let mut conn = Conn::new(opts(port)).await?;
            conn.query_drop("SET SESSION innodb_lock_wait_timeout = 5").await?;
            Ok::<Conn, Error>(conn)
        };
        match tokio::time::timeout(Duration::from_secs(3), connecting).await {
            Ok(Ok(conn)) => self.conn = Some(conn),
            Ok(Err(_)) | Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
        }
        self.conn.is_some()
    }

    async fn transfer(mut self) {
        let mut id = self.number * 1_000_000;
        while self.goes_on() {
            if !self.connect().await {
                continue;
            }
            id += 1;
            let began = Instant::now();
            let outcome = self.one_transfer(id).await;
            if let Err(failed) = &outcome {
                self.after(failed).await;
            }
            let mut ledger = self.ledger.lock().unwrap();
            match outcome {
                Ok(()) => drop(ledger.acknowledged.insert(id, (began, Instant::now()))),
                Err(Failed::Before(_)) => ledger.refused.push(id),
                Err(Failed::Committing(Error::Server(error)))
                    if error.code != 8501 && !FAREWELL.contains(&error.code) =>
                {
                    ledger.refused.push(id);
                }
                Err(Failed::Committing(_) | Failed::Hanging(_)) => ledger.unknown += 1,
            }
        }
        self.leave().await;
    }

    async fn one_transfer(&mut self, id: u64) -> Result<(), Failed> {
        // Spread without a generator: steps that have no divisor in common with the number of accounts.
        let (a, b) = (id * 7 % ACCOUNTS, (id * 7 + 1 + id * 3 % (ACCOUNTS - 1)) % ACCOUNTS);
        let amount = (id % 9 + 1) as i64;
        let begin = if id.is_multiple_of(4) { "BEGIN OPTIMISTIC" } else { "BEGIN" };
        let conn = self.conn.as_mut().unwrap();
        let work = async {
            conn.query_drop(begin).await?;
            let (low, high) = (a.min(b), a.max(b));
            for account in [low, high] {
                let sql =
                    format!("SELECT balance FROM bank.accounts WHERE id = {account} FOR UPDATE");
                let _: Option<i64> = conn.query_first(sql).await?;
            }
            conn.query_drop(format!(
                "UPDATE bank.accounts SET balance = balance - {amount} WHERE id = {a}"
            ))
            .await?;
            conn.query_drop(format!(
                "UPDATE bank.accounts SET balance = balance + {amount} WHERE id = {b}"
            ))
            .await?;
            conn.query_drop(format!("INSERT INTO bank.transfers VALUES ({id}, {a}, {b}, {amount})"))
                .await
        };
        match tokio::time::timeout(2 * STATEMENT, work).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => return Err(Failed::Before(error)),
            Err(_) => return Err(Failed::Hanging("a transfer")),
        }
        match tokio::time::timeout(STATEMENT, conn.query_drop("COMMIT")).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(Failed::Committing(error)),
            Err(_) => Err(Failed::Hanging("a commit")),
        }
    }

    /// Reads the total, again and again.
    async fn audit(mut self) {
        while self.goes_on() {
            if !self.connect().await {
                continue;
            }
            let sum = "SELECT CAST(SUM(balance) AS SIGNED), COUNT(*) FROM bank.accounts";
            let asked = self.conn.as_mut().unwrap().query_first::<(i64, u64), _>(sum);
            match tokio::time::timeout(STATEMENT, asked).await {
                Ok(Ok(read)) => {
                    let mut ledger = self.ledger.lock().unwrap();
                    ledger.totals += 1;
                    if read != Some((BALANCE * ACCOUNTS as i64, ACCOUNTS)) {
                        ledger.failed.push(format!("a wrong total: {read:?}"));
                    }
                }
                Ok(Err(error)) => self.after(&Failed::Before(error)).await,
                Err(_) => self.after(&Failed::Hanging("an audit")).await,
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        self.leave().await;
    }

    /// Writes an error down, and gets ready for the next attempt.
    async fn after(&mut self, failed: &Failed) {
        let (Failed::Before(error) | Failed::Committing(error)) = failed else {
            let Failed::Hanging(what) = failed else { unreachable!() };
            self.ledger.lock().unwrap().failed.push(format!("{what} hangs"));
            self.conn = None;
            return;
        };
        let is_fatal = match error {
            Error::Server(server) => {
                let known = [&RETRYABLE[..], &FAREWELL[..]].concat().contains(&server.code);
                let mut ledger = self.ledger.lock().unwrap();
                if known {
                    *ledger.retried.entry(server.code.to_string()).or_default() += 1;
                } else {
                    ledger.failed.push(server.to_string());
                }
                FAREWELL.contains(&server.code)
            }
            _ => {
                let mut ledger = self.ledger.lock().unwrap();
                *ledger.retried.entry("connection lost".to_owned()).or_default() += 1;
                true
            }
        };
        let rolled_back = match (&mut self.conn, is_fatal) {
            (Some(conn), false) => {
                let rollback = tokio::time::timeout(STATEMENT, conn.query_drop("ROLLBACK"));
                matches!(rollback.await, Ok(Ok(())))
            }
            _ => false,
        };
        if !rolled_back {
            self.conn = None;
        }
    }

    async fn leave(&mut self) {
        if let Some(conn) = self.conn.take() {
            let _ = tokio::time::timeout(STATEMENT, conn.disconnect()).await;
        }
    }
}
