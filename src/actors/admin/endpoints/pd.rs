//! `/pd/api/v1/…`: the placement driver, with PD's public paths and shapes.
//!
//! Any node answers: whoever does not lead asks the leader.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;

use actix_web::web::{self, Bytes, Data, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};
use humantime_serde::re::humantime::parse_duration;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::actors::admin::actor::Shared;
use crate::actors::admin::aside::Made;
use crate::actors::admin::http::{
    Answer, Refusal, limit, parameter, path_part, refuse_foreign, resource, text_parameter,
};
use crate::actors::pd::PdError;
use crate::common::{RegionId, StoreId};
use crate::placement::{AdminRequest, OperatorRequest};

type Answering = Pin<Box<dyn Future<Output = Answer>>>;
type Reading = fn(&HttpRequest, &[u8]) -> Result<AdminRequest, Refusal>;

/// The routes, for the table of endpoints.
pub(in crate::actors::admin) fn routes(config: &mut ServiceConfig) {
    let get = |path: &'static str, reading: Reading| {
        resource(path, "GET").route(web::get().to(asking(reading)))
    };
    config
        .service(resource("/pd/api/v1/version", "GET").route(web::get().to(version)))
        .service(resource("/pd/api/v1/health", "GET").route(web::get().to(health)))
        .service(get("/pd/api/v1/members", |_, _| Ok(AdminRequest::Members)))
        .service(get("/pd/api/v1/nodes", |_, _| Ok(AdminRequest::Nodes)))
        .service(
            resource("/pd/api/v1/members/name/{name}", "DELETE")
                .route(web::delete().to(asking(remove_member))),
        )
        .service(resource("/pd/api/v1/leader", "GET").route(web::get().to(leader)))
        .service(
            resource("/pd/api/v1/leader/resign", "POST").route(
                web::post().to(asking(|_, _| Ok(AdminRequest::TransferLeader { to: None }))),
            ),
        )
        .service(
            resource("/pd/api/v1/leader/transfer/{name}", "POST")
                .route(web::post().to(asking(transfer_leader))),
        )
        .service(get("/pd/api/v1/stores", |_, _| Ok(AdminRequest::Stores)))
        .service(
            resource("/pd/api/v1/store/{id}", "GET, DELETE")
                .route(web::get().to(asking(|r, _| Ok(AdminRequest::Store { id: store_id(r)? }))))
                .route(
                    web::delete()
                        .to(asking(|r, _| Ok(AdminRequest::RemoveStore { id: store_id(r)? }))),
                ),
        )
        .service(
            resource("/pd/api/v1/store/{id}/state", "POST")
                .route(web::post().to(asking(store_state))),
        )
        .service(get("/pd/api/v1/regions", |request, _| {
            Ok(AdminRequest::Regions { limit: limit(request)? })
        }))
        .service(get("/pd/api/v1/region/id/{id}", |r, _| {
            Ok(AdminRequest::Region { id: region_id(r)? })
        }))
        .service(get("/pd/api/v1/region/key/{key:.*}", region_by_key))
        .service(
            resource("/pd/api/v1/schedulers", "GET, POST")
                .route(web::get().to(asking(|_, _| Ok(AdminRequest::Schedulers))))
                .route(web::post().to(asking(add_scheduler))),
        )
        .service(
            resource("/pd/api/v1/schedulers/{name}", "DELETE")
                .route(web::delete().to(asking(remove_scheduler))),
        )
        .service(
            resource("/pd/api/v1/operators", "GET, POST")
                .route(web::get().to(asking(|_, _| Ok(AdminRequest::Operators))))
                .route(web::post().to(asking(add_operator))),
        )
        .service(
            resource("/pd/api/v1/operators/{id}", "DELETE").route(
                web::delete()
                    .to(asking(|r, _| Ok(AdminRequest::CancelOperator { region: region_id(r)? }))),
            ),
        )
        .service(
            resource("/pd/api/v1/config", "GET, POST")
                .route(web::get().to(asking(|_, _| Ok(AdminRequest::Config))))
                .route(web::post().to(asking(set_config))),
        );
}

/// An endpoint that asks the placement driver what the request comes to.
fn asking(
    reading: Reading,
) -> impl Fn(Data<Shared>, HttpRequest, Bytes) -> Answering + Clone + 'static {
    move |shared, request, body| {
        Box::pin(async move {
            if request.method() != actix_web::http::Method::GET {
                refuse_foreign(&request)?;
            }
            match ask(&shared, reading(&request, &body)?).await? {
                Value::Null => Err(Refusal::NotFound(format!(
                    "the placement driver knows nothing at {}",
                    request.path()
                ))),
                found => Ok(shared.lists.alone(move || Made::json(&found)).await?.into()),
            }
        })
    }
}

async fn ask(shared: &Shared, request: AdminRequest) -> Result<Value, Refusal> {
    shared.services.pd.administer(request).await.map_err(|error| match error {
        PdError::Refused(reason) => Refusal::BadRequest(reason),
        other => Refusal::Unavailable(other.to_string()),
    })
}

/// `GET /pd/api/v1/version`
async fn version(shared: Data<Shared>) -> HttpResponse {
    // Asks nobody: whoever answers has this version.
    std::future::ready(()).await;
    HttpResponse::Ok().json(json!({ "version": shared.services.version }))
}

/// `GET /pd/api/v1/health`: every member, and whether the group answers.
async fn health(shared: Data<Shared>) -> Answer {
    let found = ask(&shared, AdminRequest::Members).await?;
    let members = found["members"].as_array().cloned().unwrap_or_default();
    let shown = members.into_iter().map(|member| {
        json!({
            "name": member["name"],
            "member_id": member["member_id"],
            "client_urls": member["client_urls"],
            "health": member["health"].as_bool().unwrap_or(true),
        })
    });
    Ok(HttpResponse::Ok().json(shown.collect::<Vec<_>>()))
}

/// `GET /pd/api/v1/leader`
async fn leader(shared: Data<Shared>) -> Answer {
    let found = ask(&shared, AdminRequest::Members).await?;
    Ok(HttpResponse::Ok().json(&found["leader"]))
}

fn transfer_leader(request: &HttpRequest, _: &[u8]) -> Result<AdminRequest, Refusal> {
    Ok(AdminRequest::TransferLeader { to: Some(path_part(request, "name").to_owned()) })
}

fn id(request: &HttpRequest, what: &str) -> Result<u64, Refusal> {
    let text = path_part(request, "id");
    text.parse().map_err(|_| Refusal::BadRequest(format!("{text} is not the id of a {what}")))
}

fn store_id(request: &HttpRequest) -> Result<StoreId, Refusal> {
    id(request, "store").map(StoreId)
}

fn region_id(request: &HttpRequest) -> Result<RegionId, Refusal> {
    id(request, "region").map(RegionId)
}

fn remove_member(request: &HttpRequest, _: &[u8]) -> Result<AdminRequest, Refusal> {
    Ok(AdminRequest::RemoveMember { name: path_part(request, "name").to_owned() })
}

fn remove_scheduler(request: &HttpRequest, _: &[u8]) -> Result<AdminRequest, Refusal> {
    Ok(AdminRequest::RemoveScheduler { name: path_part(request, "name").to_owned() })
}

fn store_state(request: &HttpRequest, _: &[u8]) -> Result<AdminRequest, Refusal> {
    let id = store_id(request)?;
    match text_parameter(request, "state")?.as_deref() {
        Some("Up") => Ok(AdminRequest::KeepStore { id }),
        Some("Offline") => Ok(AdminRequest::RemoveStore { id }),
        other => {
            let other = other.unwrap_or("nothing");
            Err(Refusal::BadRequest(format!("state is Up or Offline, not {other}")))
        }
    }
}

/// The key as text, or with `format=hex` as regions show theirs.
fn region_by_key(request: &HttpRequest, _: &[u8]) -> Result<AdminRequest, Refusal> {
    let text = path_part(request, "key");
    let key = match parameter::<String>(request, "format", "a format")?.as_deref() {
        None | Some("raw") => text.as_bytes().to_vec(),
        Some("hex") => unhex(text)
            .ok_or_else(|| Refusal::BadRequest(format!("{text} is not a key in hexadecimal")))?,
        Some(other) => {
            return Err(Refusal::BadRequest(format!("format is raw or hex, not {other}")));
        }
    };
    Ok(AdminRequest::RegionByKey { key })
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u8>> = text
        .chars()
        .map(|digit| digit.to_digit(16).and_then(|digit| u8::try_from(digit).ok()))
        .collect();
    let (pairs, rest) = digits.as_deref()?.as_chunks::<2>();
    rest.is_empty().then(|| pairs.iter().map(|[high, low]| high << 4 | low).collect())
}

fn body<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Result<T, Refusal> {
    serde_json::from_slice(bytes)
        .map_err(|error| Refusal::BadRequest(format!("the body is not what is wanted: {error}")))
}

fn add_operator(_: &HttpRequest, bytes: &[u8]) -> Result<AdminRequest, Refusal> {
    body::<OperatorRequest>(bytes).map(AdminRequest::AddOperator)
}

fn add_scheduler(_: &HttpRequest, bytes: &[u8]) -> Result<AdminRequest, Refusal> {
    #[derive(Deserialize)]
    struct Wanted {
        name: String,
        store_id: Option<StoreId>,
    }
    let Wanted { name, store_id } = body(bytes)?;
    Ok(AdminRequest::AddScheduler { name, store_id })
}

/// Numbers, or times as people write them: `30m`.
fn set_config(_: &HttpRequest, bytes: &[u8]) -> Result<AdminRequest, Refusal> {
    let given: BTreeMap<String, Value> = body(bytes)?;
    let mut values = BTreeMap::new();
    for (name, value) in given {
        let name = name.rsplit('.').next().unwrap_or(&name).to_owned();
        let number = match &value {
            Value::String(text) => text.parse().ok().or_else(|| {
                parse_duration(text).ok().and_then(|time| u64::try_from(time.as_millis()).ok())
            }),
            other => other.as_u64(),
        };
        let Some(number) = number else {
            let reason = format!("{name} is a number or a time, not {value}");
            return Err(Refusal::BadRequest(reason));
        };
        values.insert(name, number);
    }
    Ok(AdminRequest::SetConfig { values })
}
