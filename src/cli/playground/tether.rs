//! A node's tie to its playground.

use anyhow::{Context as _, bail};

/// This process is to end with its parent, however that ends. Called before anything else is done.
#[cfg(target_os = "linux")]
pub(in crate::cli) fn tether(parent: u32) -> anyhow::Result<()> {
    use rustix::process::{Signal, getppid, set_parent_process_death_signal};
    set_parent_process_death_signal(Some(Signal::KILL))
        .context("cannot ask to be killed with the playground")?;
    // It may have ended before that: then somebody else is our parent by now.
    let is_there = getppid().is_some_and(|pid| u32::try_from(pid.as_raw_pid()) == Ok(parent));
    if !is_there {
        bail!("the playground (process {parent}) is gone");
    }
    Ok(())
}

/// Elsewhere a node is only stopped by a playground that can.
#[cfg(not(target_os = "linux"))]
pub(in crate::cli) fn tether(_parent: u32) -> anyhow::Result<()> {
    Ok(())
}
