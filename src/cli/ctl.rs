//! `troupe ctl`: looks at a running cluster and changes it, over the admin endpoint of any of its nodes.

pub(super) mod http;
mod keys;
mod tables;

use std::path::PathBuf;

use anyhow::bail;
use clap::{Args, Subcommand};
use serde_json::{Value, json};

use http::Endpoint;

use super::playground::Place;
use super::{out, playground};

/// Where the admin endpoint of a single node is, unless it is told otherwise.
const DEFAULT_ENDPOINT: &str = "http://127.0.0.1:10080";

/// Looks at a cluster and changes it.
#[derive(Debug, Args)]
pub struct CtlArgs {
    /// The admin endpoint of any node; of several, the first that answers is asked. [default: http://127.0.0.1:10080, then the
    /// nodes of playgrounds on this machine]
    #[arg(
        long = "pd",
        visible_alias = "admin",
        value_name = "URL,…",
        value_delimiter = ',',
        env = "TROUPE_CTL_ADMIN",
        global = true
    )]
    pub pd: Vec<String>,
    #[command(flatten)]
    pub(super) place: Place,
    /// The file with the token that a node on another machine asks for (its `admin.token-file`).
    #[arg(long, value_name = "FILE", env = "TROUPE_CTL_TOKEN_FILE", global = true)]
    pub token_file: Option<PathBuf>,
    /// Prints the answer as JSON.
    #[arg(long, global = true)]
    pub json: bool,
    /// What to look at or change.
    #[command(subcommand)]
    pub command: CtlCommand,
}

/// What to look at or change.
#[derive(Debug, Subcommand)]
pub enum CtlCommand {
    /// The members of the placement driver.
    Members,
    /// One member.
    #[command(subcommand)]
    Member(MemberCommand),
    /// The stores.
    Stores,
    /// One store.
    #[command(subcommand)]
    Store(StoreCommand),
    /// The regions.
    Regions {
        /// How many at most.
        #[arg(long, default_value_t = 1000)]
        limit: usize,
    },
    /// One region.
    Region {
        /// Its id.
        id: u64,
    },
    /// What regions are taken through.
    Operators {
        /// Without it: shows them.
        #[command(subcommand)]
        command: Option<OperatorsCommand>,
    },
    /// The schedulers at work.
    Schedulers {
        /// Without it: shows them.
        #[command(subcommand)]
        command: Option<SchedulersCommand>,
    },
    /// The settings.
    Config {
        /// Without it: shows them.
        #[command(subcommand)]
        command: Option<SettingsCommand>,
    },
    /// The actors of the node that is asked.
    Actors {
        /// Only those at or under this path.
        #[arg(long)]
        under: Option<String>,
        /// How many at most.
        #[arg(long, default_value_t = 1000)]
        limit: usize,
    },
}

/// What to do with a member.
#[derive(Debug, Subcommand)]
pub enum MemberCommand {
    /// Takes it out of the group.
    #[command(alias = "delete")]
    Remove {
        /// Its name.
        name: String,
    },
    /// The one that leads.
    #[command(subcommand)]
    Leader(LeaderCommand),
}

/// What to do with the leader.
#[derive(Debug, Subcommand)]
pub enum LeaderCommand {
    /// Shows it.
    Show,
    /// Has it hand the lead on.
    Resign,
    /// Has it hand the lead to another member.
    Transfer {
        /// The member's name.
        name: String,
    },
}

/// What to do with a store.
#[derive(Debug, Subcommand)]
pub enum StoreCommand {
    /// Shows it.
    Show {
        /// Its id.
        id: u64,
    },
    /// Empties it; then it is gone.
    Remove {
        /// Its id.
        id: u64,
    },
    /// Takes it back while it is being emptied.
    Keep {
        /// Its id.
        id: u64,
    },
}

/// What to do with operators.
#[derive(Debug, Subcommand)]
pub enum OperatorsCommand {
    /// Starts one.
    #[command(subcommand)]
    Add(AddOperator),
    /// Gives one up.
    Remove {
        /// The region it is about.
        region: u64,
    },
}

/// An operator to start.
#[derive(Debug, Subcommand)]
pub enum AddOperator {
    /// Hands leadership to the replica on a store.
    TransferLeader {
        /// The region.
        region: u64,
        /// The store.
        store: u64,
    },
    /// Adds a replica that votes.
    AddPeer {
        /// The region.
        region: u64,
        /// The store.
        store: u64,
    },
    /// Adds a replica that does not vote.
    AddLearner {
        /// The region.
        region: u64,
        /// The store.
        store: u64,
    },
    /// Removes a replica.
    RemovePeer {
        /// The region.
        region: u64,
        /// The store.
        store: u64,
    },
    /// Moves a replica.
    TransferPeer {
        /// The region.
        region: u64,
        /// From this store.
        from: u64,
        /// To this one.
        to: u64,
    },
    /// Makes a region part of a neighbour.
    MergeRegion {
        /// The region that ends.
        source: u64,
        /// The neighbour.
        target: u64,
    },
    /// Splits a region in the middle.
    #[command(alias = "split-region")]
    Split {
        /// The region.
        region: u64,
    },
}

impl AddOperator {
    fn body(&self) -> Value {
        match self {
            AddOperator::TransferLeader { region, store } => {
                json!({ "name": "transfer-leader", "region_id": region, "to_store_id": store })
            }
            AddOperator::AddPeer { region, store } => {
                json!({ "name": "add-peer", "region_id": region, "store_id": store })
            }
            AddOperator::AddLearner { region, store } => {
                json!({ "name": "add-learner", "region_id": region, "store_id": store })
            }
            AddOperator::RemovePeer { region, store } => {
                json!({ "name": "remove-peer", "region_id": region, "store_id": store })
            }
            AddOperator::TransferPeer { region, from, to } => json!({
                "name": "transfer-peer", "region_id": region,
                "from_store_id": from, "to_store_id": to,
            }),
            AddOperator::MergeRegion { source, target } => json!({
                "name": "merge-region", "source_region_id": source, "target_region_id": target,
            }),
            AddOperator::Split { region } => json!({ "name": "split-region", "region_id": region }),
        }
    }
}

/// What to do with schedulers.
#[derive(Debug, Subcommand)]
pub enum SchedulersCommand {
    /// Starts one.
    Add {
        /// Its name: `evict-leader-scheduler`.
        name: String,
        /// The store it is about, for those that are about one.
        store: Option<u64>,
    },
    /// Stops one.
    Remove {
        /// Its name: `balance-leader-scheduler`, `evict-leader-scheduler-4`.
        name: String,
    },
}

/// What to do with settings.
#[derive(Debug, Subcommand)]
pub enum SettingsCommand {
    /// Changes one.
    Set {
        /// Its name.
        name: String,
        /// A number, or a time such as `30m`.
        value: String,
    },
}

type Shown = fn(&Value) -> String;

/// One request, and how its answer is shown.
struct Request {
    method: &'static str,
    path: String,
    body: Option<Value>,
    shown: Shown,
}

fn get(path: impl Into<String>, shown: Shown) -> Request {
    Request { method: "GET", path: path.into(), body: None, shown }
}

fn change(method: &'static str, path: String, body: Option<Value>) -> Request {
    Request { method, path, body, shown: tables::sentence }
}

impl CtlCommand {
    fn request(&self) -> Request {
        let pd = |path: &str| format!("/pd/api/v1/{path}");
        match self {
            CtlCommand::Members => get(pd("members"), tables::members),
            CtlCommand::Member(MemberCommand::Remove { name }) => {
                change("DELETE", pd(&format!("members/name/{}", http::escape(name))), None)
            }
            CtlCommand::Member(MemberCommand::Leader(command)) => match command {
                LeaderCommand::Show => get(pd("leader"), tables::member),
                LeaderCommand::Resign => change("POST", pd("leader/resign"), None),
                LeaderCommand::Transfer { name } => {
                    change("POST", pd(&format!("leader/transfer/{}", http::escape(name))), None)
                }
            },
            CtlCommand::Stores => get(pd("stores"), tables::stores),
            CtlCommand::Store(StoreCommand::Show { id }) => {
                get(pd(&format!("store/{id}")), tables::store)
            }
            CtlCommand::Store(StoreCommand::Remove { id }) => {
                change("DELETE", pd(&format!("store/{id}")), None)
            }
            CtlCommand::Store(StoreCommand::Keep { id }) => {
                change("POST", pd(&format!("store/{id}/state?state=Up")), None)
            }
            CtlCommand::Regions { limit } => {
                get(pd(&format!("regions?limit={limit}")), tables::regions)
            }
            CtlCommand::Region { id } => get(pd(&format!("region/id/{id}")), tables::region),
            CtlCommand::Operators { command: None } => get(pd("operators"), tables::lines),
            CtlCommand::Operators { command: Some(OperatorsCommand::Add(operator)) } => {
                change("POST", pd("operators"), Some(operator.body()))
            }
            CtlCommand::Operators { command: Some(OperatorsCommand::Remove { region }) } => {
                change("DELETE", pd(&format!("operators/{region}")), None)
            }
            CtlCommand::Schedulers { command: None } => get(pd("schedulers"), tables::lines),
            CtlCommand::Schedulers { command: Some(SchedulersCommand::Add { name, store }) } => {
                let mut body = json!({ "name": name });
                if let Some(store) = store {
                    body["store_id"] = (*store).into();
                }
                change("POST", pd("schedulers"), Some(body))
            }
            CtlCommand::Schedulers { command: Some(SchedulersCommand::Remove { name }) } => {
                change("DELETE", pd(&format!("schedulers/{}", http::escape(name))), None)
            }
            CtlCommand::Config { command: None } => get(pd("config"), tables::config),
            CtlCommand::Config { command: Some(SettingsCommand::Set { name, value }) } => {
                change("POST", pd("config"), Some(json!({ name: value })))
            }
            CtlCommand::Actors { under, limit } => {
                let under = under.as_deref().unwrap_or("");
                let filter = if under.is_empty() {
                    String::new()
                } else {
                    format!("&under={}", http::escape(under))
                };
                get(format!("/actors?limit={limit}{filter}"), tables::actors)
            }
        }
    }
}

impl CtlArgs {
    /// Where to ask: where it is said, or the nodes of the playground that is named; else a node where one usually is, and then
    /// those of all playgrounds.
    fn endpoints(&self) -> anyhow::Result<Vec<String>> {
        if !self.pd.is_empty() {
            return Ok(self.pd.clone());
        }
        let home = std::env::var_os("HOME");
        if self.place.is_said() {
            return playground::admin_endpoints(&self.place, home);
        }
        let mut endpoints = vec![DEFAULT_ENDPOINT.to_owned()];
        for endpoint in playground::all_admin_endpoints(home) {
            if !endpoints.contains(&endpoint) {
                endpoints.push(endpoint);
            }
        }
        Ok(endpoints)
    }
}

/// Asks, and prints the answer.
pub(super) fn ctl(args: &CtlArgs) -> anyhow::Result<()> {
    let Request { method, path, body, shown } = args.command.request();
    let token = args.token_file.as_deref().map(http::token).transpose()?;
    let mut unreachable = Vec::new();
    for address in args.endpoints()? {
        let endpoint = Endpoint::parse(&address)?;
        let endpoint = endpoint.with(token.as_deref());
        match endpoint.ask(method, &path, body.as_ref()) {
            Ok((status, answer)) if (200..300).contains(&status) => {
                let text =
                    if args.json { serde_json::to_string_pretty(&answer)? } else { shown(&answer) };
                return out::answer(&text);
            }
            Ok((status, answer)) => {
                let reason = answer["error"].as_str().map(str::to_owned);
                bail!("{endpoint}: {}", reason.unwrap_or_else(|| format!("status {status}")));
            }
            Err(error) => unreachable.push(format!("{endpoint}: {error:#}")),
        }
    }
    bail!("no node answers: {}", unreachable.join("; "))
}

#[cfg(test)]
mod tests;
