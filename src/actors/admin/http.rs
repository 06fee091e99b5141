//! The table of endpoints, and what all answers have in common.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::{Service, ServiceFactory, ServiceRequest, ServiceResponse};
use actix_web::http::{Method, StatusCode, header};
use actix_web::middleware::DefaultHeaders;
use actix_web::web::{self, Data, ServiceConfig};
use actix_web::{App, HttpRequest, HttpResponse, Resource, ResponseError};
use futures::future::{FutureExt as _, LocalBoxFuture, TryFutureExt as _};
use serde::Serialize;
use serde_json::json;
use tokio::task::yield_now;
use tokio::time::timeout;

use super::actor::Shared;
use super::aside::Answered;
use super::endpoints::{
    actors, bridge, log, metrics, page, pd, regions, schema, statements, status,
};
use super::server::InHand;

/// A request that is not complete, or not answered, after so long is given up: longer than the placement driver takes to say that it
/// cannot answer.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(20);
/// How many elements a list has unless `limit` says otherwise.
const LIMIT_DEFAULT: usize = 10_000;
/// The most `limit` may say.
const LIMIT_MAX: usize = 100_000;

/// One line of the table of endpoints.
#[derive(Debug, Serialize)]
pub(super) struct Endpoint {
    /// As the router knows it.
    #[serde(skip)]
    pub(super) pattern: &'static str,
    /// As people write it.
    pub(super) path: &'static str,
    /// What it shows.
    pub(super) shows: &'static str,
}

const fn endpoint(pattern: &'static str, path: &'static str, shows: &'static str) -> Endpoint {
    Endpoint { pattern, path, shows }
}

const TRACE: &str = "/actors/{path:.+}/trace";
const ACTOR: &str = "/actors/{path:.+}";

/// Every endpoint.
pub(super) const ENDPOINTS: &[Endpoint] = &[
    endpoint("/", "/", "the actors, drawn live, for a browser"),
    endpoint("/status", "/status", "version, roles, uptime, connections, store, health"),
    endpoint(
        "/overview",
        "/overview",
        "the cluster at a glance: health, stores, rates, top statements",
    ),
    endpoint(
        "/statements",
        "/statements?limit=N",
        "what clients ask, by digest, what took most time first",
    ),
    endpoint("/statements/slow", "/statements/slow?limit=N", "the last slow statements"),
    endpoint("/health", "/health", "every service's state; 503 unless the node serves"),
    endpoint("/metrics", "/metrics", "figures in Prometheus' text format"),
    endpoint(
        "/actors",
        "/actors?under=PATH&limit=N&node=NAME",
        "every actor with its mailbox's figures; node=all: those of all nodes",
    ),
    endpoint(ACTOR, "/actors/{path}", "one actor with what it says of its inside"),
    endpoint(
        TRACE,
        "/actors/{path}/trace?seconds=N",
        "its messages as they are handled, a line each",
    ),
    endpoint("/bridge", "/bridge", "the links to other nodes, with their figures"),
    endpoint("/bridge/cut", "/bridge/cut?node=NAME", "POST breaks the links to a node, for drills"),
    endpoint("/bridge/heal", "/bridge/heal?node=NAME", "POST lets them be opened again"),
    endpoint("/regions", "/regions?limit=N", "the regions of this node's store"),
    endpoint("/regions/{id}", "/regions/{id}", "one region"),
    endpoint("/schema", "/schema", "databases and the names of their tables"),
    endpoint("/schema/{db}", "/schema/{db}", "one database and its tables"),
    endpoint("/schema/{db}/{table}", "/schema/{db}/{table}", "one table with columns and indexes"),
    endpoint(
        "/log",
        "/log?level=DIRECTIVES",
        "what is logged; POST or PUT with a level changes it",
    ),
    endpoint("/pd/api/v1/version", "/pd/api/v1/version", "the placement driver's version"),
    endpoint("/pd/api/v1/health", "/pd/api/v1/health", "its members, and whether they answer"),
    endpoint("/pd/api/v1/members", "/pd/api/v1/members", "its members, and who leads"),
    endpoint("/pd/api/v1/nodes", "/pd/api/v1/nodes", "the nodes of the cluster, with their roles"),
    endpoint(
        "/pd/api/v1/members/name/{name}",
        "/pd/api/v1/members/name/{name}",
        "DELETE takes a member out of the group",
    ),
    endpoint("/pd/api/v1/leader", "/pd/api/v1/leader", "the member that leads"),
    endpoint(
        "/pd/api/v1/leader/resign",
        "/pd/api/v1/leader/resign",
        "POST has the leader hand the lead on",
    ),
    endpoint(
        "/pd/api/v1/leader/transfer/{name}",
        "/pd/api/v1/leader/transfer/{name}",
        "POST has it hand the lead to this member",
    ),
    endpoint("/pd/api/v1/stores", "/pd/api/v1/stores", "all stores with their figures"),
    endpoint(
        "/pd/api/v1/store/{id}",
        "/pd/api/v1/store/{id}",
        "one store; DELETE begins to empty it",
    ),
    endpoint(
        "/pd/api/v1/store/{id}/state",
        "/pd/api/v1/store/{id}/state?state=Up",
        "POST takes a store back, or empties it",
    ),
    endpoint("/pd/api/v1/regions", "/pd/api/v1/regions?limit=N", "the regions of the cluster"),
    endpoint("/pd/api/v1/region/id/{id}", "/pd/api/v1/region/id/{id}", "one region"),
    endpoint(
        "/pd/api/v1/region/key/{key:.*}",
        "/pd/api/v1/region/key/{key}?format=hex",
        "the region of an encoded key",
    ),
    endpoint(
        "/pd/api/v1/schedulers",
        "/pd/api/v1/schedulers",
        "the schedulers at work; POST starts one",
    ),
    endpoint(
        "/pd/api/v1/schedulers/{name}",
        "/pd/api/v1/schedulers/{name}",
        "DELETE stops a scheduler",
    ),
    endpoint(
        "/pd/api/v1/operators",
        "/pd/api/v1/operators",
        "what regions are taken through; POST starts an operator",
    ),
    endpoint(
        "/pd/api/v1/operators/{id}",
        "/pd/api/v1/operators/{region}",
        "DELETE gives a region's operator up",
    ),
    endpoint("/pd/api/v1/config", "/pd/api/v1/config", "settings; POST changes some"),
];

/// A request that is not answered with what it asked for.
#[derive(Clone, Debug)]
pub(super) enum Refusal {
    /// The request itself is wrong.
    BadRequest(String),
    /// The request comes from a page of another site.
    Foreign(String),
    /// The request was sent to a name that is not this node's.
    ForeignHost(String),
    /// It comes from another machine, and does not say who may ask.
    NoToken,
    /// This node is not set up to allow it.
    Forbidden(String),
    /// There is no such thing.
    NotFound(String),
    /// There is no such endpoint.
    NoEndpoint(String),
    /// The endpoint is there, but not for this method.
    Method {
        /// The request's method.
        used: Method,
        /// What it takes.
        allowed: &'static str,
    },
    /// Not now, or not on this node.
    Unavailable(String),
    /// The rest of the request, or the answer, does not come.
    Late,
    /// The answer could not be made.
    Broken(String),
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refusal::BadRequest(reason)
            | Refusal::Forbidden(reason)
            | Refusal::NotFound(reason)
            | Refusal::Unavailable(reason) => f.write_str(reason),
            Refusal::Foreign(origin) => write!(f, "a page of {origin} may change nothing here"),
            Refusal::ForeignHost(host) => write!(
                f,
                "'{host}' is no name of this node: name it in admin.hosts, or ask by an address"
            ),
            Refusal::NoToken => f.write_str(
                "from another machine a token is asked for (admin.token-file, admin.look-token-file)",
            ),
            Refusal::Late => {
                write!(
                    f,
                    "the request was not complete, or not answered, within {ANSWER_TIMEOUT:?}"
                )
            }
            Refusal::Broken(reason) => write!(f, "the answer could not be made: {reason}"),
            Refusal::NoEndpoint(path) => write!(f, "there is no endpoint {path}"),
            Refusal::Method { used, allowed } => {
                write!(f, "this endpoint takes {allowed}, not {used}")
            }
        }
    }
}

impl ResponseError for Refusal {
    fn status_code(&self) -> StatusCode {
        match self {
            Refusal::BadRequest(_) => StatusCode::BAD_REQUEST,
            Refusal::NotFound(_) | Refusal::NoEndpoint(_) => StatusCode::NOT_FOUND,
            Refusal::Foreign(_) | Refusal::ForeignHost(_) | Refusal::Forbidden(_) => {
                StatusCode::FORBIDDEN
            }
            Refusal::NoToken => StatusCode::UNAUTHORIZED,
            Refusal::Method { .. } => StatusCode::METHOD_NOT_ALLOWED,
            Refusal::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
            Refusal::Late => StatusCode::REQUEST_TIMEOUT,
            Refusal::Broken(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    fn error_response(&self) -> HttpResponse {
        let mut response = HttpResponse::build(self.status_code());
        let mut body = json!({ "error": self.to_string() });
        match self {
            Refusal::NoEndpoint(_) => body["endpoints"] = json!(ENDPOINTS),
            Refusal::Method { allowed, .. } => {
                response.insert_header((header::ALLOW, *allowed));
            }
            Refusal::NoToken => {
                response.insert_header((header::WWW_AUTHENTICATE, "Basic realm=\"TroupeDB\""));
            }
            _ => {}
        }
        response.json(body)
    }
}

/// What an endpoint answers.
pub(super) type Answer = Result<HttpResponse, Refusal>;

/// What was asked: a request as it came, or what is left of it on another thread.
pub(super) trait Question {
    /// What stands behind the question mark.
    fn query(&self) -> &str;
    /// A part of the path, decoded.
    fn part(&self, name: &str) -> Option<&str>;
}

impl Question for HttpRequest {
    fn query(&self) -> &str {
        self.query_string()
    }

    fn part(&self, name: &str) -> Option<&str> {
        self.match_info().get(name)
    }
}

/// A request to read something, without the connection it came over.
pub(super) struct Asked {
    query: String,
    parts: Vec<(String, String)>,
}

impl Asked {
    pub(super) fn of(request: &HttpRequest) -> Asked {
        let parts = request.match_info().iter();
        Asked {
            query: request.query_string().to_owned(),
            parts: parts.map(|(name, part)| (name.to_owned(), part.to_owned())).collect(),
        }
    }
}

impl Question for Asked {
    fn query(&self) -> &str {
        &self.query
    }

    fn part(&self, name: &str) -> Option<&str> {
        self.parts.iter().find(|(other, _)| other == name).map(|(_, part)| part.as_str())
    }
}

/// A parameter of the query string; a value that cannot be is refused by name.
pub(super) fn parameter<T: FromStr>(
    request: &impl Question,
    name: &str,
    what: &str,
) -> Result<Option<T>, Refusal> {
    let Some(text) = text_parameter(request, name)? else { return Ok(None) };
    match text.parse() {
        Ok(value) => Ok(Some(value)),
        Err(_) => Err(Refusal::BadRequest(format!("{name}={text} is not {what}"))),
    }
}

/// A parameter of the query string as text.
pub(super) fn text_parameter(
    request: &impl Question,
    name: &str,
) -> Result<Option<String>, Refusal> {
    let pairs = web::Query::<Vec<(String, String)>>::from_query(request.query())
        .map_err(|error| Refusal::BadRequest(format!("the query string is malformed: {error}")))?;
    let found = pairs.into_inner().into_iter().find(|(key, _)| key == name);
    Ok(found.map(|(_, value)| value))
}

/// Refuses what a browser sends on behalf of a page that is not ours: with no password, any page
/// could change things.
pub(super) fn refuse_foreign(request: &HttpRequest) -> Result<(), Refusal> {
    let Some(origin) = request.headers().get(header::ORIGIN) else { return Ok(()) };
    let host = request.headers().get(header::HOST).map_or(&b""[..], |host| host.as_bytes());
    match origin.as_bytes().strip_prefix(b"http://") {
        Some(site) if site == host => Ok(()),
        _ => Err(Refusal::Foreign(String::from_utf8_lossy(origin.as_bytes()).into_owned())),
    }
}

/// A part of the path, decoded.
pub(super) fn path_part<'a>(request: &'a impl Question, name: &str) -> &'a str {
    request.part(name).unwrap_or_default()
}

/// How many elements the answer may have.
pub(super) fn limit(request: &impl Question) -> Result<usize, Refusal> {
    match parameter::<usize>(request, "limit", "a number")? {
        None => Ok(LIMIT_DEFAULT),
        Some(limit) if (1..=LIMIT_MAX).contains(&limit) => Ok(limit),
        Some(limit) => {
            Err(Refusal::BadRequest(format!("limit={limit} is not between 1 and {LIMIT_MAX}")))
        }
    }
}

/// All endpoints, ready to be served.
pub(super) fn app(
    shared: Arc<Shared>,
    in_hand: InHand,
) -> App<
    impl ServiceFactory<
        ServiceRequest,
        Config = (),
        Response = ServiceResponse,
        Error = actix_web::Error,
        InitError = (),
    >,
> {
    let data = Data::from(shared);
    let counting = data.clone();
    App::new()
        .app_data(data)
        .configure(routes)
        .default_service(web::to(no_endpoint))
        .wrap_fn(move |request, service| {
            let (counting, in_hand) = (counting.clone(), in_hand.one());
            let judged = counting.services.guard.judge(&request);
            let answering = judged.map(|()| service.call(request));
            async move {
                // Whoever asks much without waiting gets one answer, and the others are next.
                yield_now().await;
                let answering = match answering {
                    Ok(answering) => answering,
                    Err(refusal) => {
                        counting.counts.count(None, refusal.status_code().as_u16());
                        return Err(refusal.into());
                    }
                };
                let answered = timeout(ANSWER_TIMEOUT, answering).await;
                drop(in_hand);
                let response = answered.map_err(|_elapsed| Refusal::Late)??;
                let pattern = response.request().match_pattern();
                counting.counts.count(pattern.as_deref(), response.status().as_u16());
                Ok(response)
            }
        })
        .wrap(
            DefaultHeaders::new()
                .add((header::CACHE_CONTROL, "no-store"))
                .add((header::X_CONTENT_TYPE_OPTIONS, "nosniff")),
        )
}

fn routes(config: &mut ServiceConfig) {
    config
        .configure(pd::routes)
        .service(get("/", page::page))
        .service(get("/health", status::health))
        .service(aside("/metrics", metrics::metrics))
        .service(
            resource("/actors", "GET, HEAD")
                .route(web::get().to(actors::list))
                .route(web::head().to(actors::list)),
        )
        .service(get("/bridge", bridge::show))
        .service(resource("/bridge/cut", "POST").route(web::post().to(at_once(bridge::cut))))
        .service(resource("/bridge/heal", "POST").route(web::post().to(at_once(bridge::heal))))
        .service(resource(TRACE, "GET").route(web::get().to(actors::trace)))
        .service(aside("/statements", statements::statements))
        .service(aside("/statements/slow", statements::slow_statements))
        .service(
            resource("/overview", "GET, HEAD")
                .route(web::get().to(statements::overview))
                .route(web::head().to(statements::overview)),
        )
        .service(aside("/regions", regions::list))
        .service(aside("/regions/{id}", regions::one))
        .service(aside("/schema", schema::databases))
        .service(aside("/schema/{db}", schema::tables))
        .service(aside("/schema/{db}/{table}", schema::table))
        .service(
            resource("/status", "GET, HEAD")
                .route(web::get().to(status::status))
                .route(web::head().to(status::status)),
        )
        .service(resource(ACTOR, "GET").route(web::get().to(actors::one)))
        .service(
            resource("/log", "GET, POST, PUT")
                .route(web::get().to(at_once(log::show)))
                .route(web::post().to(at_once(log::set)))
                .route(web::put().to(at_once(log::set))),
        );
}

/// What a handler that waits for nothing looks like.
type Immediate = fn(&Data<Shared>, &HttpRequest) -> Answer;

/// An endpoint for GET whose handler waits for nothing. Those who only want to know whether it answers, as load
/// balancers do, ask with HEAD.
fn get(pattern: &'static str, handler: Immediate) -> Resource {
    resource(pattern, "GET, HEAD")
        .route(web::get().to(at_once(handler)))
        .route(web::head().to(at_once(handler)))
}

/// What a handler that works looks like.
type Working = fn(&Shared, &Asked) -> Answered;

/// An endpoint for GET whose answer is work, and made aside.
fn aside(pattern: &'static str, handler: Working) -> Resource {
    resource(pattern, "GET, HEAD")
        .route(web::get().to(made(handler)))
        .route(web::head().to(made(handler)))
}

fn made(
    handler: Working,
) -> impl Fn(Data<Shared>, HttpRequest) -> LocalBoxFuture<'static, Answer> + Clone {
    move |shared, request| {
        let (asked, shared) = (Asked::of(&request), shared.into_inner());
        let coming = shared
            .lists
            .clone()
            .compute(request.uri().to_string(), move || handler(&shared, &asked));
        coming.map_ok(HttpResponse::from).boxed_local()
    }
}

fn at_once(
    handler: Immediate,
) -> impl Fn(Data<Shared>, HttpRequest) -> std::future::Ready<Answer> + Clone {
    move |shared, request| std::future::ready(handler(&shared, &request))
}

pub(super) fn resource(pattern: &'static str, allowed: &'static str) -> Resource {
    web::resource(pattern).default_service(web::to(move |request: HttpRequest| {
        let used = request.method().clone();
        std::future::ready(Answer::Err(Refusal::Method { used, allowed }))
    }))
}

fn no_endpoint(request: HttpRequest) -> std::future::Ready<Answer> {
    std::future::ready(Err(Refusal::NoEndpoint(request.path().to_owned())))
}
