//! Connections of other nodes, as they come in: each has a place, and has to begin to speak HTTP/2 in time.

use std::future::Future;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use futures::Stream;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::time::timeout;
use tracing::{debug, warn};

use crate::actors::intake::{Guarded, Place, Places};

/// What a client of HTTP/2 says first: 24 bytes that are always the same, and a frame of settings.
const PREFACE_BYTES: usize = 24 + 9;
/// So long they may take at least, however busy the machines are.
const FIRST_WORDS: Duration = Duration::from_secs(10);
/// A connection over which nothing came for so long may have to make room: links say something every second.
pub(super) const MERCY: Duration = Duration::from_secs(10);
/// A pause after the operating system refused a new socket.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// How many connections may wait to be served.
const AHEAD: usize = 16;

/// Connections that have a place; `secure` says what they become, and whether they have proved to belong to the cluster. Each does so
/// beside the others: one that says nothing holds up nobody.
pub(super) fn incoming<S, F>(
    listener: TcpListener,
    places: Arc<Places>,
    patience: Duration,
    secure: impl Fn(TcpStream) -> F + Send + 'static,
) -> impl Stream<Item = io::Result<Guarded<S>>>
where
    S: Send + 'static,
    F: Future<Output = io::Result<(S, bool)>> + Send + 'static,
{
    let (sender, mut accepted) = mpsc::channel(AHEAD);
    tokio::spawn(async move {
        loop {
            let socket = tokio::select! {
                () = sender.closed() => return,
                accepted = listener.accept() => match accepted {
                    Ok((socket, _)) => socket,
                    Err(error) => {
                        warn!(%error, "failed to accept a connection from another node");
                        tokio::time::sleep(ACCEPT_PAUSE).await;
                        continue;
                    }
                },
            };
            let Some(place) = places.take() else {
                refuse(socket, &places);
                continue;
            };
            let place = Arc::new(place);
            let _ = socket.set_nodelay(true);
            let (securing, sender) = (secure(socket), sender.clone());
            tokio::spawn(async move {
                let Some((stream, proved)) = secured(securing, &place, patience).await else {
                    return;
                };
                let patience = patience.max(FIRST_WORDS);
                let stream = Guarded::new(stream, place).proved(proved);
                let stream = stream.first_words(PREFACE_BYTES, patience);
                let _ = sender.send(Ok(stream)).await;
            });
        }
    });
    futures::stream::poll_fn(move |cx| accepted.poll_recv(cx))
}

async fn secured<S>(
    securing: impl Future<Output = io::Result<S>>,
    place: &Place,
    patience: Duration,
) -> Option<S> {
    let secured = tokio::select! {
        () = place.evicted() => return None,
        secured = timeout(patience, securing) => secured,
    };
    match secured {
        Ok(Ok(stream)) => Some(stream),
        Ok(Err(error)) => {
            warn!(%error, "refused a connection without a valid certificate");
            None
        }
        Err(_elapsed) => {
            debug!("a connection has said nothing");
            None
        }
    }
}

/// Says why in HTTP/2: empty settings, and a frame GOAWAY with the reason ENHANCE_YOUR_CALM and a text.
fn refuse(socket: TcpStream, places: &Places) {
    let max = places.max();
    if let Some(refused) = places.refused() {
        warn!(max, refused, "refused connections to the bridge: all places are taken");
    }
    let text = format!("all {max} places for connections are taken");
    let mut frames = vec![0, 0, 0, 4, 0, 0, 0, 0, 0];
    let length = u32::try_from(8 + text.len()).unwrap_or_default().to_be_bytes();
    frames.extend_from_slice(&length[1..]);
    frames.extend_from_slice(&[7, 0, 0, 0, 0, 0]);
    frames.extend_from_slice(&[0, 0, 0, 0, 0, 0, 0, 11]);
    frames.extend_from_slice(text.as_bytes());
    if let Ok(socket) = socket.into_std() {
        // Not for long: whoever does not take these few bytes at once does without.
        let _ = io::Write::write(&mut &socket, &frames);
    }
}
