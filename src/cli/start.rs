//! `troupe start`: one node, until it is told to stop.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context as _;
use rustix::fs::Mode;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tracing::{info, warn};

use super::args::StartArgs;
use super::{logging, out, playground};
use crate::actors::node::{Addresses, DataDir, Node, Sockets, raise_limit};

/// Starts a node and runs it until SIGTERM, SIGINT or SIGQUIT.
pub(super) fn start(args: &StartArgs) -> anyhow::Result<()> {
    if let Some(parent) = args.with_parent {
        playground::tether(parent)?;
    }
    let (mut config, unknown) = args.config()?;
    let log = logging::init(&config.log)?;
    for variable in unknown {
        warn!(variable, "an environment variable is no configuration key, and passed over");
    }
    raise_limit()?;
    // What is made from now on is for its owner's eyes only: data, logs of engines, what queries spill.
    rustix::process::umask(Mode::RWXG | Mode::RWXO);
    config.bridge.settle_secret_file(own_folder(), &config.node.data_dir);
    let sockets = Sockets::bind(&config)?;
    let data = DataDir::open(&config.node.data_dir, &config.node.roles(), &config.store)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot start the main thread's runtime")?;
    let local = tokio::task::LocalSet::new();
    local.block_on(&runtime, async move {
        // Before anything starts, so that an early signal is not lost.
        let mut signals = Signals::listen()?;
        let drain = config.node.drain_timeout.0;
        let mut node = Node::assemble(config, sockets, data, Arc::new(log))?;
        let addresses = node.addresses();
        node.start().await?;
        out::say(&welcome(&addresses));
        let signal = signals.end().await;
        info!("stopping on {signal}");
        node.stop(drain).await;
        Ok(())
    })
}

/// Where what belongs to this user is kept, if there is such a folder or it can be made.
fn own_folder() -> Option<PathBuf> {
    let home = std::env::var_os("HOME").map(PathBuf::from);
    let folder = home.filter(|home| home.is_absolute())?.join(".troupe");
    std::fs::create_dir_all(&folder).is_ok().then_some(folder)
}

fn welcome(addresses: &Addresses) -> String {
    let mut text = format!("TroupeDB {} is ready\n", env!("CARGO_PKG_VERSION"));
    if let Some(mysql) = addresses.mysql {
        text += &format!("  mysql  mysql -h {} -P {} -u root\n", mysql.ip(), mysql.port());
    }
    text += &format!("  admin  http://{}/\n", addresses.admin);
    if let Some(page) = addresses.page {
        text += &format!(
            "  page   http://{page}/   (browsers refuse port {})\n",
            addresses.admin.port()
        );
    }
    text + &format!("  bridge {}", addresses.bridge)
}

/// What the process may be told by signals.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
    quit: Signal,
    hang_up: Signal,
    user: [Signal; 2],
}

impl Signals {
    fn listen() -> std::io::Result<Signals> {
        Ok(Signals {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            quit: signal(SignalKind::quit())?,
            hang_up: signal(SignalKind::hangup())?,
            user: [signal(SignalKind::user_defined1())?, signal(SignalKind::user_defined2())?],
        })
    }

    /// The name of the signal to stop. A terminal that is closed, and signals that mean nothing here, end nothing.
    async fn end(&mut self) -> &'static str {
        loop {
            let [user1, user2] = &mut self.user;
            let ignored = tokio::select! {
                _ = self.terminate.recv() => return "SIGTERM",
                _ = self.interrupt.recv() => return "SIGINT",
                _ = self.quit.recv() => return "SIGQUIT",
                _ = self.hang_up.recv() => "SIGHUP",
                _ = user1.recv() => "SIGUSR1",
                _ = user2.recv() => "SIGUSR2",
            };
            info!(
                signal = ignored,
                "a signal that changes nothing: logs go to standard error, and certificates are read again by themselves"
            );
        }
    }
}
