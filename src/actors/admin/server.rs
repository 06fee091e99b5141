//! The HTTP server: sockets into their places, requests to the table of endpoints.
//!
//! actix-web's own server takes no more connections while as many as it allows are open, whatever they do: 256 that say nothing
//! would make the endpoint silent. Here the quietest makes room, and whoever is quiet for long is ended.

use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use actix_http::HttpService;
use actix_service::map_config;
use actix_web::dev::{AppConfig, Service, ServiceFactory as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tracing::warn;

use super::actor::Shared;
use super::http::app;
use crate::actors::intake::{Guarded, Place, Places};

/// A client that takes longer to say what it wants is cut off.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(5);
/// So long an idle connection is kept.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// A connection over which nothing comes and goes for so long is ended: a request that is never complete, an answer that is
/// never read. A trace says something more often.
const QUIET_MAX: Duration = Duration::from_secs(30);
/// One that was quiet for so long makes room when all places are taken.
const MERCY: Duration = Duration::from_secs(1);
/// So long answers under way get when the endpoint stops. Traces end at once, everything else takes
/// less.
const STOP_PATIENCE: Duration = Duration::from_secs(1);
/// So long an answer that is complete gets to leave.
const LEAVE_PATIENCE: Duration = Duration::from_millis(50);
/// A pause after the operating system refused a new socket.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// How many requests are being answered.
#[derive(Clone, Debug, Default)]
pub(super) struct InHand(Arc<AtomicUsize>);

impl InHand {
    /// One more, until this is dropped.
    pub(super) fn one(&self) -> InHandOne {
        self.0.fetch_add(1, Ordering::Relaxed);
        InHandOne(self.clone())
    }

    fn is_none(&self) -> bool {
        self.0.load(Ordering::Relaxed) == 0
    }
}

/// A request that is being answered.
#[derive(Debug)]
pub(super) struct InHandOne(InHand);

impl Drop for InHandOne {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Serves until the endpoint stops, and then until the answers under way are out.
pub(super) async fn serve(
    listeners: Vec<std::net::TcpListener>,
    shared: Arc<Shared>,
) -> io::Result<()> {
    let listeners: Vec<TcpListener> =
        listeners.into_iter().map(asynchronous).collect::<io::Result<_>>()?;
    let in_hand = InHand::default();
    let factory = HttpService::build()
        .keep_alive(KEEP_ALIVE)
        .client_request_timeout(REQUEST_TIMEOUT)
        .client_disconnect_timeout(STOP_PATIENCE)
        .h1(map_config(app(shared.clone(), in_hand.clone()), |()| AppConfig::default()));
    let failed = |()| io::Error::other("the endpoints cannot be put together");
    let service = Rc::new(factory.new_service(()).await.map_err(failed)?);
    let places = Places::new(shared.services.connections, MERCY);
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            () = shared.stopping.cancelled() => break,
            Some(_ended) = connections.join_next() => {}
            accepted = accept(&listeners) => match accepted {
                Err(error) => {
                    warn!(%error, "failed to accept a connection of an operator");
                    sleep(ACCEPT_PAUSE).await;
                }
                Ok((socket, peer)) => match places.take() {
                    None => refuse(socket, &places),
                    Some(place) => {
                        let connection = connection(service.clone(), socket, peer, place);
                        connections.spawn_local(connection);
                    }
                },
            },
        }
    }
    drop(listeners);
    let all_gone = async { while connections.join_next().await.is_some() {} };
    let idle_left = async {
        while !in_hand.is_none() {
            sleep(LEAVE_PATIENCE / 5).await;
        }
        sleep(LEAVE_PATIENCE).await;
    };
    let gone = async {
        tokio::select! {
            () = all_gone => {}
            () = idle_left => {}
        }
    };
    let _ = timeout(STOP_PATIENCE, gone).await;
    Ok(())
}

fn asynchronous(listener: std::net::TcpListener) -> io::Result<TcpListener> {
    listener.set_nonblocking(true)?;
    TcpListener::from_std(listener)
}

/// The next client, wherever it comes.
async fn accept(listeners: &[TcpListener]) -> io::Result<(TcpStream, SocketAddr)> {
    let waiting = listeners.iter().map(|listener| Box::pin(listener.accept()));
    futures::future::select_all(waiting).await.0
}

async fn connection<S>(service: Rc<S>, socket: TcpStream, peer: SocketAddr, place: Place)
where
    S: Service<(Guarded<TcpStream>, Option<SocketAddr>), Response = ()>,
{
    let _ = socket.set_nodelay(true);
    let place = Arc::new(place);
    let stream = Guarded::new(socket, place.clone());
    tokio::select! {
        // What is wrong with a client is its own business.
        _ = service.call((stream, Some(peer))) => {}
        () = place.evicted() => {}
        () = quiet(&place) => {}
    }
}

/// Resolves when nothing has come or gone for too long.
async fn quiet(place: &Place) {
    while let Some(left) = QUIET_MAX.checked_sub(place.quiet()).filter(|left| !left.is_zero()) {
        sleep(left).await;
    }
}

/// Tells a client that there is no place for it.
fn refuse(socket: TcpStream, places: &Places) {
    let max = places.max();
    if let Some(refused) = places.refused() {
        warn!(max, refused, "refused connections to the admin endpoint: all places are taken");
    }
    let body = format!("{{\"error\":\"all {max} places for connections are taken\"}}");
    let text = format!(
        "HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    );
    if let Ok(socket) = socket.into_std() {
        // Not for long: whoever does not take these few bytes at once does without.
        let _ = (&socket).write(text.as_bytes());
    }
}
