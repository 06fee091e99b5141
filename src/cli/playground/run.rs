//! The life of a playground, and questions to one.

use std::rc::Rc;

use anyhow::{Context as _, anyhow, bail};
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::args::{PlaygroundArgs, PlaygroundCommand};
use super::cluster::{Cluster, is_free};
use super::control::{self, Request};
use super::home::{Home, locate};
use super::plan::{Common, Counts, Plan, Ports, default_replicas};
use crate::cli::out;

/// Starts a playground and runs it until it is told to stop, or asks one that runs.
pub(in crate::cli) fn playground(args: &PlaygroundArgs) -> anyhow::Result<()> {
    match &args.command {
        None => start(args),
        Some(command) => tell(args, command),
    }
}

/// To standard output, if there is anybody to hear it.
pub(super) fn say(text: &str) {
    out::say(text);
}

fn tell(args: &PlaygroundArgs, command: &PlaygroundCommand) -> anyhow::Result<()> {
    let (dir, _) = locate(&args.place, std::env::var_os("HOME"))?;
    let mut as_json = false;
    let request = match command {
        PlaygroundCommand::Status { json } => {
            as_json = *json;
            Request::Status
        }
        PlaygroundCommand::ScaleOut { store, sql, pd, gateway } => Request::ScaleOut {
            counts: Counts { pd: *pd, store: *store, sql: *sql, gateway: *gateway },
        },
        PlaygroundCommand::Kill { name } => Request::Kill { name: name.clone() },
        PlaygroundCommand::Restart { name } => Request::Restart { name: name.clone() },
        PlaygroundCommand::Stop { name } => Request::Stop { name: name.clone() },
        PlaygroundCommand::Pause { name } => Request::Pause { name: name.clone() },
        PlaygroundCommand::Resume { name } => Request::Resume { name: name.clone() },
        PlaygroundCommand::ScaleIn { name } => Request::ScaleIn { name: name.clone() },
    };
    let report = control::ask(&dir, &request)?;
    out::answer(&if as_json { serde_json::to_string_pretty(&report)? } else { report.table() })
}

fn start(args: &PlaygroundArgs) -> anyhow::Result<()> {
    let (dir, is_kept) = locate(&args.place, std::env::var_os("HOME"))?;
    let config = args.config.as_ref().map(std::path::absolute).transpose()?;
    let home = Home::take(dir, is_kept)?;
    let plan = plan(&home, args)?;
    home.save(&plan)?;
    let common = Common { dir: home.dir().to_owned(), config, parent: std::process::id() };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot start the runtime")?;
    let local = tokio::task::LocalSet::new();
    let cluster = Rc::new(Cluster::new(home, plan, common, args.port_offset));
    // On the main thread, which lives as long as the process: nodes die with the thread that starts them.
    let outcome = local.block_on(&runtime, live(cluster.clone()));
    // With it goes whoever may still hold the cluster.
    drop(local);
    let cluster = Rc::try_unwrap(cluster).map_err(|_| anyhow!("a task outlives the playground"))?;
    // After a failure its logs are of interest.
    outcome.and_then(|()| cluster.into_home().leave())
}

/// The nodes: those that the directory has already, or as many as asked for.
fn plan(home: &Home, args: &PlaygroundArgs) -> anyhow::Result<Plan> {
    let counts = args.counts();
    if let Some(plan) = home.load()? {
        let there = plan.counts();
        if counts.is_some_and(|counts| counts != there) || args.replicas.is_some() {
            bail!(
                "{} has a cluster with --pd {} --store {} --sql {} --gateway {}: leave the numbers out to go on with it",
                home.dir().display(),
                there.pd,
                there.store,
                there.sql,
                there.gateway
            );
        }
        return Ok(plan);
    }
    let counts = counts.unwrap_or_default();
    let is_said = args.config.is_some() || std::env::var_os("TROUPE_PD_REPLICAS").is_some();
    let default = (!is_said).then(|| default_replicas(counts));
    let ports = Ports { offset: args.port_offset, is_free: &is_free };
    Plan::new(counts, args.replicas.or(default), &ports).map_err(|reason| anyhow!(reason))
}

/// What ends a playground.
struct Ends {
    terminate: Signal,
    interrupt: Signal,
    hang_up: Signal,
}

impl Ends {
    fn new() -> std::io::Result<Ends> {
        Ok(Ends {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hang_up: signal(SignalKind::hangup())?,
        })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
            _ = self.hang_up.recv() => {}
        }
    }
}

async fn live(cluster: Rc<Cluster>) -> anyhow::Result<()> {
    // Before anything starts, so that an early signal is not lost.
    let mut ends = Ends::new()?;
    let listener = control::listen(cluster.home().dir())?;
    tokio::task::spawn_local(control::serve(listener, cluster.clone()));
    say(&format!("starting a cluster in {} …", cluster.home().dir().display()));
    let started = tokio::select! {
        started = cluster.start() => Some(started),
        () = ends.next() => None,
    };
    match started {
        None => {}
        Some(Ok(())) => {
            welcome(&cluster);
            tokio::select! {
                () = ends.next() => {}
                () = cluster.told_to_end() => {}
            }
        }
        Some(Err(error)) => {
            cluster.kill_all().await;
            return Err(error);
        }
    }
    say("stopping; once more to kill");
    tokio::select! {
        () = cluster.stop() => {}
        () = ends.next() => {}
    }
    let left = cluster.kill_all().await;
    if !left.is_empty() {
        bail!("{} did not end even when killed", left.join(", "));
    }
    Ok(())
}

fn welcome(cluster: &Cluster) {
    let report = cluster.report();
    let (kept, place) = match cluster.home().is_kept() {
        true => ("its data is kept", format!(" --dir {}", cluster.home().dir().display())),
        false => ("its data goes with it (--tag NAME or --dir DIR keep it)", String::new()),
    };
    say(&format!(
        "\n{}\nconnect with\n{}\nCtrl-C takes it down; {kept}. From another terminal:\n  \
         troupe playground{place} status | scale-out --store 1 | scale-in NAME | kill NAME | restart NAME |\n  \
         pause NAME | resume NAME | stop [NAME]\n",
        report.table(),
        report.ways_in()
    ));
}
