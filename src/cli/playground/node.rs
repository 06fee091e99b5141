//! One process of a playground.

use std::cell::Cell;
use std::fs::{File, OpenOptions};
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use anyhow::Context as _;
use rustix::process::{Pid, Signal, kill_process};
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};
use tokio::sync::watch;
use tokio::time::timeout;

use super::plan::Launch;
use super::show::State;

/// What a node says when it serves.
const READY: &str = " is ready";
/// So much of the end of a log is shown when a node does not start.
const TAIL_BYTES: u64 = 2000;

/// A process: one life of a node.
pub(super) struct Process {
    pid: Pid,
    state: watch::Receiver<State>,
    is_paused: Cell<bool>,
}

impl Process {
    /// Starts it. Must be called on the main thread: a node dies with the thread that has started it.
    pub(super) fn start(launch: &Launch) -> anyhow::Result<Process> {
        let log = OpenOptions::new().create(true).append(true).open(&launch.log);
        let log = log.with_context(|| format!("cannot write {}", launch.log.display()))?;
        let program = std::env::current_exe().context("this program is not to be found")?;
        let mut child = Command::new(&program)
            .args(&launch.args)
            .envs(launch.env.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log.try_clone()?)
            // Ctrl-C in the terminal is for the playground, which stops its nodes in order.
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("cannot start {}", program.display()))?;
        let pid = child.id().and_then(|pid| Pid::from_raw(pid.cast_signed()));
        let pid = pid.context("the process has ended at once")?;
        let lines = BufReader::new(child.stdout.take().context("it has no output")?).lines();
        let (sender, state) = watch::channel(State::Starting);
        tokio::task::spawn_local(watch_over(child, lines, log, sender));
        Ok(Process { pid, state, is_paused: Cell::new(false) })
    }

    pub(super) fn pid(&self) -> u32 {
        self.pid.as_raw_pid().cast_unsigned()
    }

    pub(super) fn state(&self) -> State {
        match self.state.borrow().clone() {
            State::Ended(how) => State::Ended(how),
            _ if self.is_paused.get() => State::Paused,
            state => state,
        }
    }

    /// Its further fate.
    pub(super) fn fate(&self) -> Fate {
        Fate(self.state.clone())
    }

    /// Sends a signal, unless it has ended.
    pub(super) fn signal(&self, signal: Signal) {
        // As long as its end is not noted it is not reaped, and its number nobody else's.
        if self.state.borrow().has_ended() {
            return;
        }
        let _ = kill_process(self.pid, signal);
        if signal == Signal::STOP {
            self.is_paused.set(true);
        } else if self.is_paused.replace(false) {
            // One that stands still would hear of nothing else.
            let _ = kill_process(self.pid, Signal::CONT);
        }
    }
}

/// What becomes of a process.
pub(super) struct Fate(watch::Receiver<State>);

impl Fate {
    /// Waits until it serves; otherwise says how it has ended.
    pub(super) async fn ready(mut self) -> Result<(), String> {
        let settled = self.0.wait_for(|state| *state != State::Starting).await;
        match settled.map(|state| state.clone()) {
            Ok(State::Ended(how)) => Err(how),
            Ok(_) => Ok(()),
            Err(_) => Err("nobody watches it any more".to_owned()),
        }
    }

    /// Waits for its end; says how it was.
    pub(super) async fn ended(mut self) -> String {
        let ended = self.0.wait_for(State::has_ended).await;
        match ended.map(|state| state.clone()) {
            Ok(State::Ended(how)) => how,
            _ => "nobody watches it any more".to_owned(),
        }
    }

    /// Whether it ends in time.
    pub(super) async fn ends_within(self, deadline: Duration) -> bool {
        timeout(deadline, self.ended()).await.is_ok()
    }
}

/// Notes what a process says and when it ends.
async fn watch_over(
    mut child: Child,
    mut lines: Lines<BufReader<ChildStdout>>,
    mut log: File,
    state: watch::Sender<State>,
) {
    while let Ok(Some(line)) = lines.next_line().await {
        let _ = writeln!(log, "{line}");
        if line.contains(READY) {
            state.send_replace(State::Ready);
        }
    }
    let how = match child.wait().await {
        Ok(status) => describe(status),
        Err(error) => error.to_string(),
    };
    state.send_replace(State::Ended(how));
}

fn describe(status: ExitStatus) -> String {
    use std::os::unix::process::ExitStatusExt as _;
    match (status.code(), status.signal()) {
        (Some(0), _) => "stopped".to_owned(),
        (Some(code), _) => format!("exit code {code}"),
        (None, Some(signal)) if signal == Signal::KILL.as_raw() => "killed".to_owned(),
        (None, Some(signal)) => format!("signal {signal}"),
        (None, None) => "ended".to_owned(),
    }
}

/// The last lines of a log.
pub(super) fn tail(log: &Path) -> String {
    let read = || -> std::io::Result<String> {
        let mut file = File::open(log)?;
        let length = file.metadata()?.len();
        file.seek(SeekFrom::Start(length.saturating_sub(TAIL_BYTES)))?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    };
    read().unwrap_or_else(|error| error.to_string())
}
