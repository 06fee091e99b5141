//! File descriptors: how many the process may have, and who gets how many.
//!
//! An engine that cannot open a file ends the process, so what the engines need is set aside, and each listener gets a share of the rest. The
//! limit is raised at the start as far as the system lets us.

use anyhow::ensure;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tracing::{info, warn};

use crate::config::Config;

/// More is asked for by nobody.
const LIMIT_MAX: u64 = 1 << 20;
/// With fewer nothing works.
const LIMIT_MIN: u64 = 256;
/// Threads, logs, sockets to other nodes, files that queries spill.
const OURS: u64 = 160;
/// Connections that have not logged in yet, at least.
const LOGINS: u64 = 32;
/// Connections that have not logged in yet, where there is plenty.
const LOGINS_MAX: u64 = 512;
/// The one of an administrator when all others are taken.
const RESERVE: u64 = 1;

/// Raises the limit as far as it goes.
pub fn raise_limit() -> anyhow::Result<()> {
    let limit = getrlimit(Resource::Nofile);
    let wanted = limit.maximum.unwrap_or(LIMIT_MAX).min(LIMIT_MAX);
    let current = limit.current.unwrap_or(LIMIT_MAX);
    if current < wanted {
        let raised = Rlimit { current: Some(wanted), ..limit };
        match setrlimit(Resource::Nofile, raised) {
            Ok(()) => info!(from = current, to = wanted, "raised the limit of open files"),
            Err(error) => warn!(%error, current, wanted, "cannot raise the limit of open files"),
        }
    }
    let limit = current_limit();
    ensure!(
        limit >= LIMIT_MIN,
        "the limit of open files is {limit}, and a node needs {LIMIT_MIN} at least: see `ulimit -n`"
    );
    Ok(())
}

fn current_limit() -> u64 {
    getrlimit(Resource::Nofile).current.unwrap_or(LIMIT_MAX).min(LIMIT_MAX)
}

/// The shares of a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Descriptors {
    /// Files of the rows' engine.
    pub(super) kv: u16,
    /// Files of the raft log's.
    pub(super) raft: u16,
    /// Files of the placement driver's.
    pub(super) pd: u16,
    /// Sockets of MySQL clients, those that have not logged in yet among them.
    pub(super) mysql: u64,
    /// Sockets of operators.
    pub(super) admin: usize,
    /// Sockets of other nodes.
    pub(super) bridge: usize,
}

impl Descriptors {
    /// What this process may have.
    pub(super) fn of_process() -> Descriptors {
        Descriptors::of(current_limit())
    }

    fn of(limit: u64) -> Descriptors {
        let part = |of: u64, most: u64| (limit / of).clamp(16, most);
        let file = |of: u64, most: u64| part(of, most).max(64) as u16;
        let (kv, raft, pd) = (file(4, 1024), file(16, 256), file(32, 64));
        let engines = u64::from(kv) + u64::from(raft) + u64::from(pd);
        let (admin, bridge) = (part(16, 256), part(8, 1024));
        let mysql = limit.saturating_sub(engines + OURS.min(limit / 8) + admin + bridge).max(16);
        Descriptors { kv, raft, pd, mysql, admin: admin as usize, bridge: bridge as usize }
    }

    /// Has the configuration ask for no more connections than there can be. Answers how many sockets MySQL clients may have in
    /// all.
    pub(super) fn fit(&self, config: &mut Config) -> usize {
        let wanted = u64::from(config.mysql.max_connections);
        let most = self.mysql.saturating_sub(LOGINS + RESERVE).max(1);
        if wanted > most {
            warn!(
                max_connections = wanted,
                lowered_to = most,
                "the limit of open files is too low for so many connections: see `ulimit -n`"
            );
            config.mysql.max_connections = u32::try_from(most).unwrap_or(u32::MAX);
        }
        let sockets = u64::from(config.mysql.max_connections) + RESERVE + LOGINS_MAX;
        sockets.min(self.mysql) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_within_the_limit_and_leave_something_for_everybody() {
        for limit in [LIMIT_MIN, 512, 1024, 4096, 65_536, LIMIT_MAX] {
            let shares = Descriptors::of(limit);
            let all = u64::from(shares.kv) + u64::from(shares.raft) + u64::from(shares.pd);
            let all = all + shares.mysql + shares.admin as u64 + shares.bridge as u64;
            assert!(all < limit || limit < 512, "{limit}: {shares:?}");
            assert!(shares.mysql >= 16 && shares.admin >= 16 && shares.bridge >= 16, "{shares:?}");
        }
    }

    #[test]
    fn the_number_of_connections_follows_the_limit() {
        let mut config = Config::default();
        let sockets = Descriptors::of(1024).fit(&mut config);
        let most = u64::from(config.mysql.max_connections);
        assert!(most < 1024 && most > 100, "{most}");
        assert_eq!(sockets as u64, most + LOGINS + RESERVE);
        let mut config = Config::default();
        let sockets = Descriptors::of(LIMIT_MAX).fit(&mut config);
        assert_eq!(u64::from(config.mysql.max_connections), 4096);
        assert_eq!(sockets as u64, 4096 + LOGINS_MAX + RESERVE);
    }
}
