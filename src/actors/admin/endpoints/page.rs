//! `/`: the page for people.

use actix_web::http::header;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};

use crate::actors::admin::actor::Shared;
use crate::actors::admin::http::Answer;

/// The whole page: no other resource is ever loaded.
const PAGE: &str = include_str!("../page.html");
/// The browser holds it to that.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; \
                      connect-src 'self'; img-src data:; base-uri 'none'; frame-ancestors 'none'";

/// `GET /`
pub(in crate::actors::admin) fn page(_: &Data<Shared>, _: &HttpRequest) -> Answer {
    Ok(HttpResponse::Ok()
        .content_type("text/html; charset=utf-8")
        .insert_header((header::CONTENT_SECURITY_POLICY, POLICY))
        .body(PAGE))
}
