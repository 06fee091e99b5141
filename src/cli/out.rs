//! What commands say, to whoever still listens: the other end of a pipe may be gone, as after `| head`, and that is no failure.

use std::io::{ErrorKind, Write as _};

/// A line or several, to standard output, if there is anybody to hear it.
pub(super) fn say(text: &str) {
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "{}", text.trim_end()).and_then(|()| out.flush());
}

/// The answer of a command: nobody who wants it is a quiet end, anything else that keeps it from going out is an error.
pub(super) fn answer(text: &str) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    match writeln!(out, "{}", text.trim_end()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(anyhow::Error::from(error).context("cannot write the answer"))
        }
        _ => Ok(()),
    }
}

/// A line to standard error.
pub(super) fn complain(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}
