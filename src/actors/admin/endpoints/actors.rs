//! `/actors`: the tree of actors, one of them, and its messages as they are handled.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use actix_web::web::{Bytes, Data};
use actix_web::{HttpRequest, HttpResponse};
use futures::stream::{self, Stream};
use serde::Serialize;
use tokio::time::Instant;

use super::elsewhere;
use crate::actors::admin::actor::Shared;
use crate::actors::admin::aside::{Answered, Made};
use crate::actors::admin::http::{Answer, Refusal, limit, parameter, path_part, text_parameter};
use crate::actors::bridge::describe;
use crate::actors::runtime::{ActorPath, ActorSnapshot, TraceEvent, TraceReceiver};

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
struct Tree<A: Serialize> {
    node: String,
    unix_ms: u64,
    uptime_seconds: u64,
    total: usize,
    truncated: bool,
    actors: Vec<A>,
    /// Where they are from, if that was asked for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    nodes: Vec<elsewhere::NodeView>,
}

/// `GET /actors`
pub(in crate::actors::admin) async fn list(shared: Data<Shared>, request: HttpRequest) -> Answer {
    let limit = limit(&request)?;
    let under = text_parameter(&request, "under")?.map(|path| ActorPath::new(&path));
    let (asked, shared) = (request.uri().to_string(), shared.into_inner());
    let making = shared.clone();
    let answered = match text_parameter(&request, "node")? {
        None => {
            let own_list = move || {
                let (total, actors) = own(&making, under.as_ref(), limit);
                let truncated = total > actors.len();
                tree(&making, making.services.system.node(), actors, total, truncated, Vec::new())
            };
            shared.lists.compute(asked, own_list).await
        }
        Some(node) => {
            let all = move || elsewhere::list(making, node, under, limit);
            shared.others.answer(asked, all).await
        }
    };
    Ok(answered?.into())
}

/// The first actors of this node, and how many there are.
pub(super) fn own(
    shared: &Shared,
    under: Option<&ActorPath>,
    limit: usize,
) -> (usize, Vec<ActorSnapshot>) {
    let mut actors = shared.services.system.actors();
    if let Some(under) = under {
        actors.retain(|actor| actor.path.is_within(under));
    }
    let total = actors.len();
    actors.truncate(limit);
    (total, actors)
}

pub(super) fn tree<A: Serialize>(
    shared: &Shared,
    node: &str,
    actors: Vec<A>,
    total: usize,
    truncated: bool,
    nodes: Vec<elsewhere::NodeView>,
) -> Answered {
    let services = &shared.services;
    let clock = services.system.clock();
    Made::json(&Tree {
        node: node.to_owned(),
        unix_ms: clock.unix_ms(),
        uptime_seconds: clock.now().since(services.started).as_secs(),
        total,
        truncated,
        actors,
        nodes,
    })
}

/// `GET /actors/{path}`
pub(in crate::actors::admin) async fn one(shared: Data<Shared>, request: HttpRequest) -> Answer {
    let path = ActorPath::new(path_part(&request, "path"));
    let shared = shared.into_inner();
    let making = shared.clone();
    let asking = move || async move {
        match describe(&making.services.system, &path).await {
            Some(json) => Ok(Made::of("application/json", json)),
            None => elsewhere::one(&making, &path).await,
        }
    };
    Ok(shared.others.answer(request.uri().to_string(), asking).await?.into())
}

pub(super) fn no_actor(path: &ActorPath) -> Refusal {
    Refusal::NotFound(format!("there is no actor {path}"))
}

/// `GET /actors/{path}/trace`
pub(in crate::actors::admin) async fn trace(shared: Data<Shared>, request: HttpRequest) -> Answer {
    let path = ActorPath::new(path_part(&request, "path"));
    let seconds = parameter::<u64>(&request, "seconds", "a whole number of seconds")?
        .unwrap_or(TRACE_SECONDS_DEFAULT);
    if !(1..=TRACE_SECONDS_MAX).contains(&seconds) {
        let reason = format!("seconds={seconds} is not between 1 and {TRACE_SECONDS_MAX}");
        return Err(Refusal::BadRequest(reason));
    }
    let shared = shared.into_inner();
    let system = &shared.services.system;
    let (all, wanted) = (system.clone(), path.clone());
    let is_here = move || Ok(all.actors().iter().any(|actor| actor.path == wanted));
    if !shared.lists.alone(is_here).await? {
        let elsewhere = system.registry().resolve(&path).filter(|node| node != system.node());
        return Err(elsewhere.map_or_else(
            || no_actor(&path),
            |node| Refusal::NotFound(format!("{path} is traced at its own node, {node}")),
        ));
    }
    let Some(place) = TracePlace::take(Arc::clone(&shared)) else {
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
