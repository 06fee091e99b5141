//! The socket of a playground: one line of JSON is asked, one answered.

use std::io::{BufRead as _, BufReader, ErrorKind, Write as _};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::rc::Rc;

use anyhow::{Context as _, bail};
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixListener;

use super::cluster::Cluster;
use super::home;
use super::plan::Counts;
use super::show::Report;

/// A longer question is none of ours.
const REQUEST_BYTES: u64 = 64 << 10;

/// What can be asked of a playground.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "kebab-case")]
pub(super) enum Request {
    /// Nothing but the answer.
    Status,
    /// Add nodes; answered when they serve.
    ScaleOut { counts: Counts },
    /// Kill a node; answered when it is gone.
    Kill { name: String },
    /// Stop a node if it runs, and start it again; answered when it serves.
    Restart { name: String },
    /// Stop a node, or all of them; answered when they have ended.
    Stop { name: Option<String> },
    /// Have a node stand still.
    Pause { name: String },
    /// Have it go on.
    Resume { name: String },
    /// Take a node out of the cluster; answered when it is gone.
    ScaleIn { name: String },
}

/// The answer: the playground as it is afterwards, or what is wrong.
#[derive(Debug, Serialize, Deserialize)]
enum Answer {
    Done(Report),
    Failed(String),
}

/// Opens the socket.
pub(super) fn listen(dir: &Path) -> anyhow::Result<UnixListener> {
    let path = home::control(dir);
    UnixListener::bind(&path).with_context(|| format!("cannot listen on {}", path.display()))
}

/// Answers whoever asks, for ever. Several at a time: a question may take as long as a start.
pub(super) async fn serve(listener: UnixListener, cluster: Rc<Cluster>) {
    loop {
        let Ok((stream, _)) = listener.accept().await else { continue };
        let cluster = cluster.clone();
        // Whoever went away without waiting for the answer has missed it.
        tokio::task::spawn_local(async move { drop(serve_one(stream, &cluster).await) });
    }
}

async fn serve_one(
    mut stream: tokio::net::UnixStream,
    cluster: &Rc<Cluster>,
) -> anyhow::Result<()> {
    let (read, mut write) = stream.split();
    let mut line = String::new();
    tokio::io::BufReader::new(read.take(REQUEST_BYTES)).read_line(&mut line).await?;
    let answer = match serde_json::from_str(&line) {
        Err(error) => Answer::Failed(format!("not a question to a playground: {error}")),
        Ok(request) => match cluster.answer(request).await {
            Ok(report) => Answer::Done(report),
            Err(error) => Answer::Failed(format!("{error:#}")),
        },
    };
    let mut text = serde_json::to_vec(&answer)?;
    text.push(b'\n');
    write.write_all(&text).await?;
    Ok(())
}

/// Asks the playground in a directory.
pub(super) fn ask(dir: &Path, request: &Request) -> anyhow::Result<Report> {
    let mut stream = match UnixStream::connect(home::control(dir)) {
        Ok(stream) => stream,
        Err(error)
            if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::ConnectionRefused) =>
        {
            bail!("no playground runs in {}", dir.display())
        }
        Err(error) => {
            return Err(error).with_context(|| format!("the playground in {}", dir.display()));
        }
    };
    let mut text = serde_json::to_vec(request)?;
    text.push(b'\n');
    stream.write_all(&text)?;
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line)?;
    if line.is_empty() {
        bail!("the playground in {} has ended", dir.display());
    }
    match serde_json::from_str(&line).context("the playground does not speak our language")? {
        Answer::Done(report) => Ok(report),
        Answer::Failed(reason) => bail!("{reason}"),
    }
}
