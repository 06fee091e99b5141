//! `troupe start`: one node, until it is told to stop.

use std::io::Write as _;
use std::sync::Arc;

use anyhow::Context as _;
use tokio::signal::unix::{SignalKind, signal};
use tracing::info;

use super::args::StartArgs;
use super::{logging, playground};
use crate::actors::node::{DataDir, Node, Sockets};

/// Starts a node and runs it until SIGTERM or SIGINT.
pub(super) fn start(args: &StartArgs) -> anyhow::Result<()> {
    if let Some(parent) = args.with_parent {
        playground::tether(parent)?;
    }
    let config = args.config()?;
    let log = logging::init(&config.log)?;
    let sockets = Sockets::bind(&config)?;
    let data = DataDir::open(&config.node.data_dir, &config.node.roles(), &config.store)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot start the main thread's runtime")?;
    let local = tokio::task::LocalSet::new();
    local.block_on(&runtime, async move {
        // Before anything starts, so that an early signal is not lost.
        let (mut terminate, mut interrupt) =
            (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
        let drain = config.node.drain_timeout.0;
        let mut node = Node::assemble(config, sockets, data, Arc::new(log))?;
        let addresses = node.addresses();
        node.start().await?;
        println!("TroupeDB {} is ready", env!("CARGO_PKG_VERSION"));
        if let Some(mysql) = addresses.mysql {
            println!("  mysql  mysql -h {} -P {} -u root", mysql.ip(), mysql.port());
        }
        println!("  admin  http://{}/", addresses.admin);
        println!("  bridge {}", addresses.bridge);
        std::io::stdout().flush()?;
        tokio::select! {
            _ = terminate.recv() => info!("stopping on SIGTERM"),
            _ = interrupt.recv() => info!("stopping on SIGINT"),
        }
        node.stop(drain).await;
        Ok(())
    })
}
