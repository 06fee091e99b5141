//! `/log`: what is logged.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use serde_json::json;
use tracing::info;

use crate::actors::admin::actor::Shared;
use crate::actors::admin::http::{Answer, Refusal, refuse_foreign, text_parameter};
use crate::actors::admin::services::LogControl;

fn control(shared: &Shared) -> Result<&dyn LogControl, Refusal> {
    let reason = "what is logged cannot be changed on this node while it runs";
    shared.services.log.as_deref().ok_or_else(|| Refusal::Unavailable(reason.to_owned()))
}

/// `GET /log`
pub(in crate::actors::admin) fn show(shared: &Data<Shared>, _: &HttpRequest) -> Answer {
    Ok(HttpResponse::Ok().json(json!({ "level": control(shared)?.directives() })))
}

/// `POST /log?level=…`
pub(in crate::actors::admin) fn set(shared: &Data<Shared>, request: &HttpRequest) -> Answer {
    refuse_foreign(request)?;
    let control = control(shared)?;
    let level = text_parameter(request, "level")?.filter(|level| !level.trim().is_empty());
    let Some(level) = level else {
        let reason = "level is missing: /log?level=debug, or level=info,troupedb::actors=debug";
        return Err(Refusal::BadRequest(reason.to_owned()));
    };
    let before = control.directives();
    control
        .set(&level)
        .map_err(|error| Refusal::BadRequest(format!("level={level} is refused: {error}")))?;
    info!(level, before, "log level changed");
    Ok(HttpResponse::Ok().json(json!({ "level": control.directives(), "before": before })))
}
