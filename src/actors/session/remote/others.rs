//! The sessions of other SQL nodes, as a statement sees them.

use std::time::Duration;

use futures::StreamExt as _;
use futures::future::{BoxFuture, join_all};
use futures::stream::FuturesUnordered;

use super::hosted::sessions_path;
use super::listing::{AccountsChanged, KillProcess, ListProcesses};
use crate::actors::bridge::Bridge;
use crate::actors::session::{Kill, ProcessRow};

/// How long a node may take to answer. Its sessions are left out then.
const DEADLINE: Duration = Duration::from_secs(2);

/// Who runs statements now.
type Names = Box<dyn Fn() -> BoxFuture<'static, Vec<String>> + Send + Sync>;

/// The other nodes that have sessions.
pub struct OtherNodes {
    bridge: Bridge,
    me: String,
    names: Names,
}

/// Sessions of other nodes.
#[derive(Debug, Default)]
pub struct OtherSessions {
    /// Each with its node.
    pub rows: Vec<(String, ProcessRow)>,
    /// Nodes that did not answer, by name.
    pub silent: Vec<String>,
}

impl OtherNodes {
    /// `names` finds out which nodes run statements; `me` is left out.
    pub fn new(bridge: Bridge, me: &str, names: Names) -> OtherNodes {
        OtherNodes { bridge, me: me.to_owned(), names }
    }

    /// The node whose sessions are not among them.
    pub fn me(&self) -> &str {
        &self.me
    }

    async fn others(&self) -> Vec<String> {
        let mut names = (self.names)().await;
        names.retain(|name| *name != self.me);
        names.sort();
        names
    }

    /// Who has a session there. Of each statement no more than so many bytes.
    pub async fn sessions(&self, info_bytes: usize) -> OtherSessions {
        let asked = self.others().await.into_iter().map(|node| async move {
            let address = self.bridge.address::<ListProcesses>(sessions_path(&node));
            let listed = address.ask(ListProcesses { info_bytes }, DEADLINE).await;
            (node, listed)
        });
        let mut found = OtherSessions::default();
        for (node, listed) in join_all(asked).await {
            match listed {
                Ok(rows) => found.rows.extend(rows.into_iter().map(|row| (node.clone(), row))),
                Err(_) => found.silent.push(node),
            }
        }
        found
    }

    /// Has the others read the accounts again; those that did not answer, by name.
    pub async fn accounts_changed(&self) -> Vec<String> {
        let asked = self.others().await.into_iter().map(|node| async move {
            let address = self.bridge.address::<AccountsChanged>(sessions_path(&node));
            let read = address.ask(AccountsChanged, DEADLINE).await;
            (node, read)
        });
        let silent = join_all(asked).await.into_iter().filter(|(_, read)| read.is_err());
        silent.map(|(node, _)| node).collect()
    }

    /// Ends a connection or its statement, whichever node has it. If none has, answers those that did not answer.
    pub async fn kill(&self, id: u32, what: Kill) -> Result<(), Vec<String>> {
        let asked = self.others().await.into_iter().map(|node| async move {
            let address = self.bridge.address::<KillProcess>(sessions_path(&node));
            let killed = address.ask(KillProcess { id, what }, DEADLINE).await;
            (node, killed)
        });
        let mut asked: FuturesUnordered<_> = asked.collect();
        let mut silent = Vec::new();
        while let Some((node, killed)) = asked.next().await {
            match killed {
                Ok(true) => return Ok(()),
                Ok(false) => {}
                Err(_) => silent.push(node),
            }
        }
        silent.sort();
        Err(silent)
    }
}
