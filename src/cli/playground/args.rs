//! The command line of the playground.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::plan::Counts;

/// A cluster of real processes on this machine.
#[derive(Debug, Args)]
pub struct PlaygroundArgs {
    /// Nodes with the placement driver [default: 1]
    #[arg(long, value_name = "N")]
    pub pd: Option<u32>,
    /// Nodes with a store [default: 1]
    #[arg(long, value_name = "N")]
    pub store: Option<u32>,
    /// Nodes that run statements and take MySQL clients [default: 1]
    #[arg(long, value_name = "N")]
    pub sql: Option<u32>,
    /// Nodes that only take MySQL clients [default: 0]
    #[arg(long, value_name = "N")]
    pub gateway: Option<u32>,
    /// Replicas of every region [default: 3 with three stores or more, else 1]
    #[arg(long, value_name = "N")]
    pub replicas: Option<u32>,
    /// A configuration file for all nodes.
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Looks for free ports from 4000, 10080 and 20160 on, plus this.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub port_offset: u16,
    #[command(flatten)]
    pub(super) place: Place,
    /// Without it: starts a cluster, and runs it until Ctrl-C.
    #[command(subcommand)]
    pub command: Option<PlaygroundCommand>,
}

/// Which playground.
#[derive(Clone, Debug, Default, Args)]
pub(in crate::cli) struct Place {
    /// Its name, when there are several; one with a name keeps its data in ~/.troupe/playground/NAME.
    #[arg(long, value_name = "NAME", global = true, conflicts_with = "dir")]
    pub(super) tag: Option<String>,
    /// Its directory, which is kept.
    #[arg(long, value_name = "DIR", global = true)]
    pub(super) dir: Option<PathBuf>,
}

impl Place {
    /// Whether anything is said of it.
    pub(in crate::cli) fn is_said(&self) -> bool {
        self.tag.is_some() || self.dir.is_some()
    }
}

/// What to do with a playground that runs.
#[derive(Debug, Subcommand)]
pub enum PlaygroundCommand {
    /// Shows its nodes.
    Status {
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// Adds nodes.
    ScaleOut {
        /// Nodes with a store.
        #[arg(long, value_name = "N", default_value_t = 0)]
        store: u32,
        /// Nodes that run statements and take MySQL clients.
        #[arg(long, value_name = "N", default_value_t = 0)]
        sql: u32,
        /// Nodes with the placement driver.
        #[arg(long, value_name = "N", default_value_t = 0)]
        pd: u32,
        /// Nodes that only take MySQL clients.
        #[arg(long, value_name = "N", default_value_t = 0)]
        gateway: u32,
    },
    /// Kills a node, as a power cut would (SIGKILL).
    Kill {
        /// Its name, as in the table.
        name: String,
    },
    /// Starts a node again: where it was, with what it had.
    Restart {
        /// Its name, as in the table.
        name: String,
    },
    /// Stops a node in order (SIGTERM); without a name all of them, and the playground ends.
    Stop {
        /// Its name, as in the table.
        name: Option<String>,
    },
    /// Has a node stand still, as a machine that hangs (SIGSTOP).
    Pause {
        /// Its name, as in the table.
        name: String,
    },
    /// Has a node that was paused go on (SIGCONT).
    Resume {
        /// Its name, as in the table.
        name: String,
    },
    /// Takes a node out of the cluster for good: a store is emptied first, a placement driver leaves its group.
    ScaleIn {
        /// Its name, as in the table.
        name: String,
    },
}

impl PlaygroundArgs {
    /// How many nodes of each kind are asked for; `None` if nothing is said of that.
    pub(super) fn counts(&self) -> Option<Counts> {
        let said = [self.pd, self.store, self.sql, self.gateway];
        said.iter().any(Option::is_some).then(|| Counts {
            pd: self.pd.unwrap_or(1),
            store: self.store.unwrap_or(1),
            sql: self.sql.unwrap_or(1),
            gateway: self.gateway.unwrap_or(0),
        })
    }
}
