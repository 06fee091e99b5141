//! What the tables are made from, and where it comes from.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use serde::Deserialize;

use crate::common::SqlResult;
use crate::protocol::auth::Plugin;
use crate::sql::accounts::{AccountName, AccountOptions, Grants, Rights};
use crate::sql::catalog::{InfoSchema, TableInfo};
use crate::sql::expr::Warning;
use crate::sql::stats::TableStats;
use crate::sql::types::TimeZone;

/// The world outside, as the session knows it.
#[async_trait]
pub trait Sources: Send + Sync {
    /// The schema that the statement sees.
    fn schema(&self) -> &InfoSchema;
    /// The session's time zone.
    fn time_zone(&self) -> &TimeZone;
    /// What is known of a table's rows.
    fn stats(&self, table: i64) -> Option<TableStats>;
    /// The next AUTO_INCREMENT value of each of these tables, which have one.
    async fn next_auto_increments(&self, tables: &[&TableInfo]) -> SqlResult<Vec<u64>>;
    /// The sessions of all nodes, by number, with so many characters of what they run.
    async fn sessions(&self, text_limit: usize) -> Vec<SessionFacts>;
    /// The changes of the schema that wait for transactions.
    async fn waiting_changes(&self) -> SqlResult<Vec<WaitingChange>>;
    /// Name and value of the system variables: the node's, or the session's.
    fn variables(&self, global: bool) -> Vec<(&'static str, String)>;
    /// Name and value of the counters: the node's, or the session's.
    fn status(&self, global: bool) -> Vec<(String, String)>;
    /// Who may connect.
    fn accounts(&self) -> Vec<Account>;
    /// The session's own account: user and host.
    fn current_account(&self) -> (&str, &str);
    /// What the session may do now.
    fn rights(&self) -> &Rights;
    /// Statements by digest, those that took most time first.
    fn digests(&self) -> Vec<Digest>;
    /// The last slow statements, oldest first.
    fn slow_statements(&self) -> Vec<SlowStatement>;
    /// The actors of all nodes, by node and path.
    async fn actors(&self) -> Vec<ActorFacts>;
    /// What the last statement left for SHOW WARNINGS.
    fn diagnostics(&self) -> &[Warning];
}

/// A connection.
#[derive(Clone, Debug, Default)]
pub struct SessionFacts {
    /// The node it is on.
    pub node: String,
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
    /// What it is doing.
    pub state: Cow<'static, str>,
    /// The statement in hand, or its beginning.
    pub info: Option<String>,
    /// The tables that its transaction works with.
    pub held: Vec<HeldTable>,
}

/// A table that a transaction works with.
#[derive(Clone, Debug)]
pub struct HeldTable {
    /// Its database.
    pub database: String,
    /// Its name.
    pub table: String,
    /// It has been written to.
    pub written: bool,
}

/// A change of the schema that waits for transactions.
#[derive(Clone, Debug)]
pub struct WaitingChange {
    /// What it changes.
    pub database: String,
    /// `None`: the whole database.
    pub table: Option<String>,
    /// Who asked for it.
    pub connection: u32,
}

/// An account.
#[derive(Clone, Debug)]
pub struct Account {
    /// User name.
    pub user: String,
    /// Host pattern.
    pub host: String,
    /// How its password is checked.
    pub plugin: Plugin,
    /// What is stored of it; empty: no password.
    pub stored: Vec<u8>,
    /// What it has been granted.
    pub grants: Arc<Grants>,
    /// What else is said of it.
    pub options: Arc<AccountOptions>,
}

impl Account {
    /// Its name.
    pub fn name(&self) -> AccountName {
        AccountName::new(&self.user, &self.host)
    }

    /// What is stored of the password, as MySQL shows it.
    pub(super) fn shown_password(&self) -> String {
        self.plugin.stored_text(&self.stored)
    }
}

/// What is known of all statements with one digest.
#[derive(Clone, Debug, Default)]
pub struct Digest {
    /// The database in use.
    pub database: Option<String>,
    /// `None`: of all that found no place.
    pub digest: Option<String>,
    /// The statement without its values.
    pub text: Option<String>,
    /// The first one.
    pub sample: Option<String>,
    /// When it was first seen, in microseconds since 1970.
    pub first_micros: u64,
    /// When it was last seen.
    pub last_micros: u64,
    /// How often it ran.
    pub count: u64,
    /// How often it failed.
    pub errors: u64,
    /// Warnings.
    pub warnings: u64,
    /// All its time.
    pub sum: Duration,
    /// The shortest.
    pub min: Duration,
    /// The longest.
    pub max: Duration,
    /// A latency that 95 of 100 executions do not exceed.
    pub p95: Duration,
    /// 99 of 100.
    pub p99: Duration,
    /// 999 of 1000.
    pub p999: Duration,
    /// Rows sent.
    pub sent: u64,
    /// Rows changed.
    pub affected: u64,
    /// Rows read.
    pub examined: u64,
}

impl Digest {
    pub(super) fn average(&self) -> Duration {
        let nanos = self.sum.as_nanos() / u128::from(self.count.max(1));
        Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }
}

/// An actor and its mailbox, as nodes tell of them.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct ActorFacts {
    /// The node it is on.
    #[serde(skip)]
    pub node: String,
    /// Where it stands.
    pub path: String,
    /// What it is.
    pub kind: String,
    /// What it does.
    pub state: String,
    /// How often it was given fresh state.
    pub restarts: u64,
    /// How often it panicked.
    pub panics: u64,
    /// How many messages may wait.
    pub capacity: u64,
    /// What happens beyond.
    pub overflow: String,
    /// How many wait.
    pub depth: u64,
    /// The most that ever waited.
    pub high_water: u64,
    /// Messages let in.
    pub enqueued: u64,
    /// Messages handled.
    pub handled: u64,
    /// Messages turned away.
    pub rejected: u64,
    /// Messages let in and thrown away.
    pub dropped: u64,
    /// From the send to the handler.
    pub wait: Quantiles,
    /// In the handler.
    pub busy: Quantiles,
    /// Messages taken in hand, by name.
    pub messages: BTreeMap<String, u64>,
    /// The message in hand now.
    pub in_hand: Option<InHand>,
}

impl ActorFacts {
    /// On this node.
    #[must_use]
    pub fn on(self, node: &str) -> ActorFacts {
        ActorFacts { node: node.to_owned(), ..self }
    }

    /// The messages and how many there were of each: `Tick: 7, Write: 3`.
    pub(super) fn counted_messages(&self) -> String {
        let counts: Vec<String> =
            self.messages.iter().map(|(message, count)| format!("{message}: {count}")).collect();
        counts.join(", ")
    }
}

/// Points of a distribution, in microseconds.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
pub struct Quantiles {
    /// Half took no longer.
    pub p50_us: u64,
    /// All but one in a hundred took no longer.
    pub p99_us: u64,
    /// The longest.
    pub max_us: u64,
}

/// A message that an actor is busy with.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct InHand {
    /// Its name.
    pub message: String,
    /// For how long, in microseconds.
    pub since_us: u64,
}

/// A statement that took long.
#[derive(Clone, Debug, Default)]
pub struct SlowStatement {
    /// When it ended, in microseconds since 1970.
    pub ended_micros: u64,
    /// User name.
    pub user: String,
    /// The client's address.
    pub host: String,
    /// The connection.
    pub connection: u32,
    /// The database in use.
    pub database: Option<String>,
    /// Its beginning.
    pub text: Bytes,
    /// How long it took.
    pub elapsed: Duration,
    /// Rows sent.
    pub sent: u64,
    /// Rows changed.
    pub affected: u64,
    /// Rows read.
    pub examined: u64,
    /// MySQL's number of its error.
    pub error: Option<u16>,
}

impl SlowStatement {
    pub(super) fn began_micros(&self) -> u64 {
        let elapsed = u64::try_from(self.elapsed.as_micros()).unwrap_or(0);
        self.ended_micros.saturating_sub(elapsed)
    }
}
