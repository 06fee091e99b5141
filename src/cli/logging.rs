//! Logs, to standard error.

use std::io::IsTerminal as _;

use anyhow::Context as _;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Registry, fmt, reload};

use crate::config::{LogConfig, LogFormat};

/// Starts logging.
pub(super) fn init(config: &LogConfig) -> anyhow::Result<reload::Handle<EnvFilter, Registry>> {
    let filter = EnvFilter::try_new(&config.level).with_context(|| {
        format!("bad value for configuration key 'log.level': '{}'", config.level)
    })?;
    // It greets at every start; what matters of it, the admin service says itself.
    let quiet = "actix_server=warn".parse().context("a directive for the HTTP server")?;
    let filter =
        if config.level.contains("actix_server") { filter } else { filter.add_directive(quiet) };
    let (filter, control) = reload::Layer::new(filter);
    let registry = tracing_subscriber::registry().with(filter);
    match config.format {
        LogFormat::Text => {
            let colours = std::io::stderr().is_terminal();
            let layer =
                fmt::layer().with_writer(std::io::stderr).with_target(false).with_ansi(colours);
            registry.with(layer).try_init()?;
        }
        LogFormat::Json => {
            let layer = fmt::layer().json().with_writer(std::io::stderr);
            registry.with(layer).try_init()?;
        }
    }
    Ok(control)
}
