//! What the computed tables are made from, as the session knows it.

use std::sync::Arc;

use async_trait::async_trait;

use super::activity::{Tally, status};
use super::core::Core;
use super::everybody::everybody;
use super::variables::{Variable, list};
use super::vars::Variables;
use super::{ClientInfo, SessionServices};
use crate::common::{SqlError, SqlResult, errno};
use crate::sql::accounts::{Privilege, Rights};
use crate::sql::catalog::{InfoSchema, TableInfo};
use crate::sql::ddl::{Job, Meta};
use crate::sql::exec::{AutoIds, VirtualTables};
use crate::sql::expr::{EvalContext, Warning};
use crate::sql::kv::TxnOptions;
use crate::sql::stats::TableStats;
use crate::sql::system::{
    self, Account, ActorFacts, Asked, Digest, Rows, SessionFacts, SlowStatement, Sources,
    WaitingChange,
};
use crate::sql::types::TimeZone;

/// The sources of one statement's computed tables.
pub(super) struct SessionSources {
    schema: Arc<InfoSchema>,
    services: Arc<SessionServices>,
    vars: Arc<Variables>,
    /// What the session has done.
    tally: Arc<Tally>,
    client: ClientInfo,
    /// What it may do now.
    rights: Arc<Rights>,
    /// Where warnings go.
    eval: Arc<EvalContext>,
    diagnostics: Vec<Warning>,
    auto_ids: Arc<dyn AutoIds>,
}

impl SessionSources {
    pub(super) fn new(
        core: &Core,
        schema: Arc<InfoSchema>,
        eval: Arc<EvalContext>,
    ) -> SessionSources {
        SessionSources {
            schema,
            services: core.services.clone(),
            vars: core.vars.clone(),
            tally: core.tally.clone(),
            client: core.client.clone(),
            rights: core.access.now().clone(),
            eval,
            diagnostics: Vec::new(),
            auto_ids: core.auto_ids(),
        }
    }

    /// Whether it sees what others do: PROCESS.
    fn sees_all(&self) -> bool {
        self.rights.global().contains(Privilege::Process)
    }

    /// With what SHOW WARNINGS shows.
    pub(super) fn with_diagnostics(self, diagnostics: Vec<Warning>) -> SessionSources {
        SessionSources { diagnostics, ..self }
    }
}

#[async_trait]
impl VirtualTables for SessionSources {
    async fn rows(&self, database: &str, table: &str) -> SqlResult<Rows> {
        match system::table(database, table) {
            Some(table) => table.rows(&Asked::all(self)).await,
            None => Err(SqlError::new(
                errno::NO_SUCH_TABLE,
                format!("Table '{database}.{table}' doesn't exist"),
            )),
        }
    }
}

#[async_trait]
impl Sources for SessionSources {
    fn schema(&self) -> &InfoSchema {
        &self.schema
    }

    fn time_zone(&self) -> &TimeZone {
        &self.eval.time_zone
    }

    fn stats(&self, table: i64) -> Option<TableStats> {
        self.services.stats.current(table)
    }

    async fn next_auto_increments(&self, tables: &[&TableInfo]) -> SqlResult<Vec<u64>> {
        self.auto_ids.next_auto_increments(tables).await
    }

    async fn sessions(&self, text_limit: usize) -> Vec<SessionFacts> {
        let mut all = everybody(&self.services, &self.eval, text_limit).await;
        if !self.sees_all() {
            all.retain(|session| session.user == self.client.user);
        }
        all
    }

    async fn waiting_changes(&self) -> SqlResult<Vec<WaitingChange>> {
        let txn = self.services.store.begin(TxnOptions::default()).await?;
        let jobs = Meta::new(&*txn).jobs().await;
        txn.rollback().await?;
        let jobs = jobs?;
        let waiting = jobs.iter().filter(|job| !job.blocked_by.is_empty());
        Ok(waiting.flat_map(waiting_for).collect())
    }

    fn variables(&self, global: bool) -> Vec<(&'static str, String)> {
        let shown = |variable: &Variable| Some((variable.name, self.vars.shown(variable, global)?));
        list().iter().filter_map(shown).collect()
    }

    fn status(&self, global: bool) -> Vec<(String, String)> {
        let tally = (!global).then_some(&*self.tally);
        status(&self.services, tally, self.client.tls.as_ref())
    }

    fn accounts(&self) -> Vec<Account> {
        let account = |account: &super::Account| Account {
            user: account.user.clone(),
            host: account.host.clone(),
            plugin: account.plugin,
            stored: account.stored.clone(),
            grants: account.grants.clone(),
            options: account.options.clone(),
        };
        self.services.accounts.table().list().iter().map(account).collect()
    }

    fn current_account(&self) -> (&str, &str) {
        (&self.client.user, &self.client.account_host)
    }

    fn rights(&self) -> &Rights {
        &self.rights
    }

    fn digests(&self) -> Vec<Digest> {
        if !self.sees_all() {
            return Vec::new();
        }
        self.services.activity.statements.list().iter().map(|summary| summary.facts()).collect()
    }

    fn slow_statements(&self) -> Vec<SlowStatement> {
        let mut slow = self.services.activity.slow.list();
        if !self.sees_all() {
            slow.retain(|statement| statement.user == self.client.user);
        }
        slow
    }

    async fn actors(&self) -> Vec<ActorFacts> {
        let Some(actors) = self.services.actors.as_ref().filter(|_| self.sees_all()) else {
            return Vec::new();
        };
        let found = actors.list().await;
        for trouble in found.troubles {
            self.eval.warn(errno::UNKNOWN, trouble);
        }
        found.actors
    }

    fn diagnostics(&self) -> &[Warning] {
        &self.diagnostics
    }
}

/// What a job waits to change.
fn waiting_for(job: &Job) -> Vec<WaitingChange> {
    let connection = job.submitter.connection;
    let change = |(database, table)| WaitingChange { database, table, connection };
    job.subjects().into_iter().map(change).collect()
}
