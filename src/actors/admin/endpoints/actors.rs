//! `/actors`: the tree of actors, one of them, and its messages as they are handled.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use actix_web::web::{Bytes, Data};
use actix_web::{HttpRequest, HttpResponse};
use futures::stream::{self, Stream};
use serde::Serialize;
use tokio::time::Instant;

use crate::actors::admin::actor::Shared;
use crate::actors::admin::http::{Answer, Refusal, limit, parameter, path_part, text_parameter};
use crate::actors::runtime::{
    ActorDetail, ActorPath, ActorSnapshot, Failure, TraceEvent, TraceReceiver,
};

/// So long a trace runs unless `seconds` says otherwise.
const TRACE_SECONDS_DEFAULT: u64 = 10;
/// The most `seconds` may say.
pub const TRACE_SECONDS_MAX: u64 = 300;
/// How many traces may be open at a time.
pub const TRACES_MAX: usize = 16;
/// After so long without a message an empty line goes out: a reader that is gone is noticed only by
/// writing.
const SILENCE_MAX: Duration = Duration::from_secs(10);
/// How many events go out in one piece.
const EVENTS_PER_CHUNK: usize = 256;

#[derive(Serialize)]
struct Tree {
    node: String,
    unix_ms: u64,
    uptime_seconds: u64,
    total: usize,
    truncated: bool,
    actors: Vec<ActorSnapshot>,
}

/// `GET /actors`
pub(in crate::actors::admin) fn list(shared: &Data<Shared>, request: &HttpRequest) -> Answer {
    let limit = limit(request)?;
    let under = text_parameter(request, "under")?.map(|path| ActorPath::new(&path));
    let services = &shared.services;
    let mut actors = services.system.actors();
    if let Some(under) = under {
        actors.retain(|actor| actor.path.is_within(&under));
    }
    let total = actors.len();
    actors.truncate(limit);
    let clock = services.system.clock();
    Ok(HttpResponse::Ok().json(Tree {
        node: services.system.node().to_owned(),
        unix_ms: clock.unix_ms(),
        uptime_seconds: clock.now().since(services.started).as_secs(),
        total,
        truncated: total > limit,
        actors,
    }))
}

#[derive(Serialize)]
struct Detail {
    #[serde(flatten)]
    actor: ActorDetail,
    /// Its last panics, of those the node remembers.
    failures: Vec<Failure>,
}

/// `GET /actors/{path}`
pub(in crate::actors::admin) async fn one(shared: Data<Shared>, request: HttpRequest) -> Answer {
    let path = ActorPath::new(path_part(&request, "path"));
    let system = &shared.services.system;
    let Some(actor) = system.actor(&path).await else { return Err(no_actor(&path)) };
    let mut failures = system.failures();
    failures.retain(|failure| failure.path == path);
    Ok(HttpResponse::Ok().json(Detail { actor, failures }))
}

fn no_actor(path: &ActorPath) -> Refusal {
    Refusal::NotFound(format!("there is no actor {path}"))
}

/// `GET /actors/{path}/trace`
pub(in crate::actors::admin) fn trace(shared: &Data<Shared>, request: &HttpRequest) -> Answer {
    let path = ActorPath::new(path_part(request, "path"));
    let seconds = parameter::<u64>(request, "seconds", "a whole number of seconds")?
        .unwrap_or(TRACE_SECONDS_DEFAULT);
    if !(1..=TRACE_SECONDS_MAX).contains(&seconds) {
        let reason = format!("seconds={seconds} is not between 1 and {TRACE_SECONDS_MAX}");
        return Err(Refusal::BadRequest(reason));
    }
    let system = &shared.services.system;
    if !system.actors().iter().any(|actor| actor.path == path) {
        return Err(no_actor(&path));
    }
    let Some(place) = TracePlace::take(Arc::clone(shared)) else {
        return Err(Refusal::Unavailable(format!("{TRACES_MAX} traces are open already")));
    };
    let events = system.trace(&path);
    let until = Instant::now() + Duration::from_secs(seconds);
    Ok(HttpResponse::Ok()
        .content_type("application/x-ndjson")
        .streaming(lines(place, events, until)))
}

/// One of the places for open traces, given back when the trace ends, whoever ends it.
struct TracePlace(Arc<Shared>);

impl TracePlace {
    fn take(shared: Arc<Shared>) -> Option<TracePlace> {
        shared.counts.open_trace(TRACES_MAX).then_some(TracePlace(shared))
    }
}

impl Drop for TracePlace {
    fn drop(&mut self) {
        self.0.counts.close_trace();
    }
}

/// The events as lines, those that wait together in one piece, until it is time or the endpoint
/// stops.
fn lines(
    place: TracePlace,
    events: TraceReceiver,
    until: Instant,
) -> impl Stream<Item = Result<Bytes, Infallible>> {
    stream::unfold((place, events), move |(place, mut events)| async move {
        let first = tokio::select! {
            biased;
            () = place.0.stopping.cancelled() => return None,
            () = tokio::time::sleep_until(until) => return None,
            event = events.recv() => event?,
            () = tokio::time::sleep(SILENCE_MAX) => {
                return Some((Ok(Bytes::from_static(b"\n")), (place, events)));
            }
        };
        let mut chunk = Vec::new();
        put_line(&mut chunk, &first);
        for _ in 1..EVENTS_PER_CHUNK {
            let Some(event) = events.try_recv() else { break };
            put_line(&mut chunk, &event);
        }
        Some((Ok(Bytes::from(chunk)), (place, events)))
    })
}

fn put_line(out: &mut Vec<u8>, event: &TraceEvent) {
    serde_json::to_writer(&mut *out, event).expect("an event has only text and numbers in it");
    out.push(b'\n');
}
