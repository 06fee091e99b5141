//! `Com_…`: how often each kind of statement, and each command of the protocol, ran.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::sql::statement::StatementKind;

macro_rules! commands {
    ($($command:ident $name:literal)*) => {
        /// Commands of the protocol that MySQL counts beside the statements.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[allow(missing_docs, reason = "the names are MySQL's own words")]
        pub enum Protocol { $($command),* }

        const PROTOCOL: &[&str] = &[$($name),*];
    };
}

commands! {
    StmtClose "stmt_close"
    StmtExecute "stmt_execute"
    StmtFetch "stmt_fetch"
    StmtPrepare "stmt_prepare"
    StmtReset "stmt_reset"
    StmtSendLongData "stmt_send_long_data"
}

/// A counter for each.
#[derive(Debug)]
pub(super) struct Counts {
    statements: [AtomicU64; StatementKind::ALL.len()],
    protocol: [AtomicU64; PROTOCOL.len()],
}

impl Default for Counts {
    fn default() -> Counts {
        let zero = |_| AtomicU64::new(0);
        Counts { statements: std::array::from_fn(zero), protocol: std::array::from_fn(zero) }
    }
}

impl Counts {
    pub(super) fn add(&self, kind: StatementKind) {
        self.statements[kind as usize].fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn add_protocol(&self, command: Protocol) {
        self.protocol[command as usize].fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn clear(&self) {
        let all = self.statements.iter().chain(&self.protocol);
        all.for_each(|count| count.store(0, Ordering::Relaxed));
    }

    /// Names behind `Com_`, and counts.
    pub(super) fn list(&self) -> impl Iterator<Item = (&'static str, u64)> + '_ {
        let statements = StatementKind::ALL.iter().map(|kind| kind.traits().counted);
        let counted = statements.zip(&self.statements);
        let protocol = PROTOCOL.iter().copied().zip(&self.protocol);
        counted.chain(protocol).map(|(name, count)| (name, count.load(Ordering::Relaxed)))
    }
}
