//! Flags, and the configuration they make with the environment and the file.

use std::path::PathBuf;

use clap::{Parser, Subcommand};

use super::ctl::CtlArgs;
use super::playground::PlaygroundArgs;
use crate::config::{Config, Error, Layers};

/// A MySQL-compatible distributed database made of actors.
#[derive(Debug, Parser)]
#[command(name = "troupe", version, arg_required_else_help = true)]
pub struct Args {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Start a node. Of a flag that is given twice the last one holds.
    #[command(args_override_self = true)]
    Start(StartArgs),
    /// Look at the configuration.
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Look at a running cluster and change it.
    Ctl(CtlArgs),
    /// Start a cluster of several processes on this machine, to try things out.
    Playground(PlaygroundArgs),
}

/// What to do with the configuration.
#[derive(Debug, Subcommand)]
pub enum ConfigCommand {
    /// Print the configuration in force: flags over environment over file over defaults.
    Print(StartArgs),
}

/// A flag stands over the environment (`TROUPE_MYSQL_ADDR` and so on), which stands over the file.
#[derive(Debug, Default, clap::Args)]
pub struct StartArgs {
    /// Which services run here: all, or some of gateway,sql,ddl,stats,store,pd [default: all]
    #[arg(long, value_name = "ROLE,…")]
    pub role: Option<String>,
    /// Where the placement driver listens; on nodes that run it: all its first members, with this one among them
    #[arg(long, value_name = "HOST:PORT,…")]
    pub pd: Option<String>,
    /// Makes this node a new member of the placement driver whose members listen there
    #[arg(long, value_name = "HOST:PORT,…")]
    pub join: Option<String>,
    /// The node's own name in its cluster [default: made of the address]
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    /// Where everything durable lives [default: ./data]
    #[arg(long, value_name = "DIR")]
    pub data_dir: Option<String>,
    /// The gRPC endpoint of the actor bridge [default: 127.0.0.1:20160]
    #[arg(long, value_name = "IP:PORT")]
    pub addr: Option<String>,
    /// Where other nodes reach the bridge, if that is not where it listens.
    #[arg(long, value_name = "HOST:PORT")]
    pub advertise_addr: Option<String>,
    /// How long to wait for the rest of the cluster before giving up [default: 60s]
    #[arg(long, value_name = "DURATION")]
    pub join_timeout: Option<String>,
    /// Where MySQL clients connect [default: 127.0.0.1:4000]
    #[arg(long, value_name = "IP:PORT")]
    pub mysql_addr: Option<String>,
    /// What accounts prove themselves with that say nothing of it: mysql_native_password or caching_sha2_password [default: caching_sha2_password]
    #[arg(long, value_name = "PLUGIN")]
    pub default_authentication_plugin: Option<String>,
    /// The folder whose files LOAD DATA may read and SELECT … INTO OUTFILE may make; empty: anywhere, NULL: nowhere [default: NULL]
    #[arg(long, value_name = "DIR")]
    pub secure_file_priv: Option<String>,
    /// The admin HTTP endpoint [default: 127.0.0.1:10080]
    #[arg(long, value_name = "IP:PORT")]
    pub admin_addr: Option<String>,
    /// The file with the cluster's secret, made where there is none [default: ~/.troupe/cluster-secret]
    #[arg(long, value_name = "FILE")]
    pub secret_file: Option<String>,
    /// Neither encrypts nor authenticates the links between nodes: whoever reaches the bridge may do everything
    #[arg(long)]
    pub insecure: bool,
    /// A configuration file in TOML.
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// End when this process, the parent, ends.
    #[arg(long, value_name = "PID", hide = true)]
    pub with_parent: Option<u32>,
}

impl StartArgs {
    /// The configuration in force, and the environment variables with our prefix that say nothing of it.
    pub fn config(&self) -> Result<(Config, Vec<String>), Error> {
        let mut layers = Layers::new();
        if let Some(path) = &self.config {
            layers.file(path)?;
        }
        layers.environment(std::env::vars_os())?;
        for (flag, key, value) in [
            ("--role", "node.role", &self.role),
            ("--pd", "node.pd", &self.pd),
            ("--join", "node.join", &self.join),
            ("--name", "node.name", &self.name),
            ("--advertise-addr", "node.advertise-addr", &self.advertise_addr),
            ("--join-timeout", "node.join-timeout", &self.join_timeout),
            ("--data-dir", "node.data-dir", &self.data_dir),
            ("--addr", "node.addr", &self.addr),
            ("--mysql-addr", "mysql.addr", &self.mysql_addr),
            ("--admin-addr", "admin.addr", &self.admin_addr),
            (
                "--default-authentication-plugin",
                "mysql.default-authentication-plugin",
                &self.default_authentication_plugin,
            ),
            ("--secure-file-priv", "mysql.secure-file-priv", &self.secure_file_priv),
            ("--secret-file", "bridge.secret-file", &self.secret_file),
            ("--insecure", "bridge.insecure", &self.insecure.then(|| "true".to_owned())),
        ] {
            if let Some(value) = value {
                layers.flag(flag, key, value)?;
            }
        }
        let unknown = layers.unknown().to_vec();
        Ok((layers.finish()?, unknown))
    }
}
