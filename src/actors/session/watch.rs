//! Counting what the session does.

use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;

use super::activity::{Handler, Outcome, Ran, SlowLog, Tally};
use super::core::Core;
use crate::actors::runtime::Monotonic;
use crate::common::SqlError;
use crate::sql::statement::StatementKind;

/// The statement in hand.
pub(super) struct Watched {
    command: StatementKind,
    fingerprint: u64,
    /// Where it is in the command's text.
    text: Range<usize>,
    /// When it began.
    since: Monotonic,
}

/// A statement's text without what separates it from others.
fn bare(text: &Bytes) -> Bytes {
    let between = |byte: &u8| byte.is_ascii_whitespace() || *byte == b';';
    let start = text.iter().take_while(|byte| between(byte)).count();
    let end = text[start..].iter().rev().take_while(|byte| between(byte)).count();
    text.slice(start..text.len() - end)
}

impl Core {
    /// A statement begins.
    pub(super) fn watch(&mut self, command: StatementKind, fingerprint: u64, text: Range<usize>) {
        let since = self.services.clock.now();
        self.watched = Some(Watched { command, fingerprint, text, since });
    }

    /// The statement in hand has ended.
    pub(super) fn count_statement(&mut self, error: Option<&SqlError>) {
        let Some(watched) = self.watched.take() else { return };
        let elapsed = self.services.clock.now().since(watched.since);
        let (by_key, in_order) = self.eval.rows_read.take();
        let outcome = Outcome {
            elapsed,
            sent: if error.is_none() && self.row_count == -1 { self.sent_rows } else { 0 },
            affected: u64::try_from(self.row_count).unwrap_or(0),
            examined: by_key + in_order,
            warnings: self.vars.counters.lock().warnings,
            error: error.map(|error| error.code),
        };
        self.count_rows(watched.command, &outcome, by_key, in_order);
        let text = self.process.info().unwrap_or_default();
        let end = watched.text.end.min(text.len());
        let text = bare(&text.slice(watched.text.start.min(end)..end));
        let ran = Ran {
            command: watched.command,
            fingerprint: watched.fingerprint,
            text: &text,
            database: self.database.as_deref(),
            now_micros: self.services.clock.unix_micros(),
            outcome,
        };
        let activity = &self.services.activity;
        activity.record(&ran);
        if error.is_some() {
            self.tally.count_error();
        }
        let (limit, least) = {
            let settings = &self.vars.system.lock().settings;
            (settings.long_query_time, settings.min_examined_rows)
        };
        if SlowLog::is_slow(elapsed, limit) && ran.outcome.examined >= least {
            self.each_tally(Tally::count_slow);
            let on = self.vars.global.value("slow_query_log").as_deref() == Some("ON");
            let host = self.client.address.to_string();
            activity.slow.add(&ran, &self.client.user, &host, self.process.id, on);
        }
    }

    /// Counts something for the session and for the node.
    pub(super) fn each_tally(&self, count: impl Fn(&Tally)) {
        count(&self.tally);
        count(&self.services.activity.tally);
    }

    fn count_rows(&self, command: StatementKind, outcome: &Outcome, by_key: u64, in_order: u64) {
        let add = |counter: fn(&Handler) -> &AtomicU64, more: u64| {
            if more > 0 {
                self.each_tally(|tally| {
                    counter(&tally.handler).fetch_add(more, Ordering::Relaxed);
                });
            }
        };
        add(|handler| &handler.read_key, by_key);
        add(|handler| &handler.read_next, in_order);
        if outcome.error.is_some() {
            return;
        }
        let alone = !self.transactions.is_begun();
        match command {
            StatementKind::Commit => add(|handler| &handler.commit, 1),
            StatementKind::Rollback => add(|handler| &handler.rollback, 1),
            StatementKind::Update => add(|handler| &handler.update, outcome.affected),
            StatementKind::Delete => add(|handler| &handler.delete, outcome.affected),
            StatementKind::Insert
            | StatementKind::InsertSelect
            | StatementKind::Replace
            | StatementKind::ReplaceSelect => add(|handler| &handler.write, outcome.affected),
            _ => return,
        }
        if alone && !matches!(command, StatementKind::Commit | StatementKind::Rollback) {
            add(|handler| &handler.commit, 1);
        }
    }
}
