//! What a playground tells people, as values and as text. Pure.

use std::fmt;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::plan::{NodePlan, log_file};
use crate::actors::node::browsers_refuse;
use crate::cli::table::table;

/// Where a process is in its life.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum State {
    /// It does not serve yet.
    Starting,
    /// It serves.
    Ready,
    /// It was told to stand still.
    Paused,
    /// It is gone: how it has ended.
    Ended(String),
}

impl State {
    pub(super) fn has_ended(&self) -> bool {
        matches!(self, State::Ended(_))
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            State::Starting => f.write_str("starting"),
            State::Ready => f.write_str("ready"),
            State::Paused => f.write_str("paused"),
            State::Ended(how) => f.write_str(how),
        }
    }
}

/// A node as it is now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct NodeReport {
    #[serde(flatten)]
    pub(super) plan: NodePlan,
    pub(super) state: State,
    /// As long as the process is there.
    pub(super) pid: Option<u32>,
}

/// A playground as it is now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Report {
    pub(super) pid: u32,
    pub(super) dir: PathBuf,
    pub(super) nodes: Vec<NodeReport>,
}

impl Report {
    /// The table of the nodes.
    pub(super) fn table(&self) -> String {
        let or_none = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
        let row = |node: &NodeReport| {
            let plan = &node.plan;
            vec![
                plan.name.clone(),
                plan.kind.roles().to_owned(),
                node.state.to_string(),
                or_none(node.pid.map(|pid| pid.to_string())),
                or_none(plan.mysql.map(|mysql| mysql.to_string())),
                plan.admin.to_string(),
                plan.bridge.to_string(),
                log_file(&self.dir, &plan.name).display().to_string(),
            ]
        };
        let head = ["NAME", "ROLES", "STATE", "PID", "MYSQL", "ADMIN", "BRIDGE", "LOG"];
        table(&head, self.nodes.iter().map(row).collect())
    }

    /// How to get in, by way of the nodes that are ready.
    pub(super) fn ways_in(&self) -> String {
        let ready = || self.nodes.iter().filter(|node| node.state == State::Ready);
        let mut text = String::new();
        for mysql in ready().filter_map(|node| node.plan.mysql) {
            text += &format!("  mysql -h {} -P {} -u root\n", mysql.ip(), mysql.port());
        }
        // One that browsers open, if there is one.
        let shut = |node: &&NodeReport| browsers_refuse(node.plan.admin.port());
        if let Some(node) = ready().find(|node| !shut(node)).or_else(|| ready().next()) {
            text += &format!("  http://{}/\n", node.plan.admin);
        }
        text
    }
}
