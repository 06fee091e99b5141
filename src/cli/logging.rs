//! Logs, to standard error.

use std::io::IsTerminal as _;

use anyhow::{Context as _, anyhow};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Registry, fmt, reload};

use crate::config::{LogConfig, LogFormat, log_filter};

/// Starts logging.
pub(super) fn init(config: &LogConfig) -> anyhow::Result<reload::Handle<EnvFilter, Registry>> {
    let filter = log_filter(&config.level)
        .map_err(|reason| anyhow!("bad value for configuration key 'log.level': {reason}"))?;
    // It greets at every start; what matters of it, the admin service says itself.
    let quiet = "actix_server=warn".parse().context("a directive for the HTTP server")?;
    let filter =
        if config.level.contains("actix_server") { filter } else { filter.add_directive(quiet) };
    let (filter, control) = reload::Layer::new(filter);
    let registry = tracing_subscriber::registry().with(filter);
    match config.format {
        LogFormat::Text => {
            let colours = std::io::stderr().is_terminal();
            let layer = fmt::layer().with_target(false).with_ansi(colours);
            // Nobody may be there to read any more.
            let layer = layer.with_writer(std::io::stderr).log_internal_errors(false);
            registry.with(layer).try_init()?;
        }
        LogFormat::Json => {
            let layer = fmt::layer().json();
            let layer = layer.with_writer(std::io::stderr).log_internal_errors(false);
            registry.with(layer).try_init()?;
        }
    }
    Ok(control)
}
