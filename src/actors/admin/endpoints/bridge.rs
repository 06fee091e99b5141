//! `/bridge`: the links to other nodes, and the fault switch.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use serde_json::json;
use tracing::warn;

use crate::actors::admin::actor::Shared;
use crate::actors::admin::http::{Answer, Refusal, refuse_foreign, text_parameter};
use crate::actors::bridge::Bridge;

fn bridge(shared: &Shared) -> Result<&Bridge, Refusal> {
    let reason = "this node has no bridge";
    shared.services.bridge.as_ref().ok_or_else(|| Refusal::Unavailable(reason.to_owned()))
}

/// `GET /bridge`
pub(in crate::actors::admin) fn show(shared: &Data<Shared>, _: &HttpRequest) -> Answer {
    let bridge = bridge(shared)?;
    let system = &shared.services.system;
    Ok(HttpResponse::Ok().json(json!({
        "node": system.node(),
        "address": system.registry().node_address(system.node()),
        "messages_encoded": bridge.encoded(),
        "fault_injection": shared.services.fault_injection,
        "cuts": bridge.cuts(),
        "links": bridge.links(),
    })))
}

/// `POST /bridge/cut?node=…`
pub(in crate::actors::admin) fn cut(shared: &Data<Shared>, request: &HttpRequest) -> Answer {
    let (bridge, node, names) = switch(shared, request)?;
    for name in &names {
        bridge.cut(name);
    }
    warn!(node, "the links to a node are cut off, as an operator wants");
    Ok(HttpResponse::Ok().json(json!({ "cuts": bridge.cuts() })))
}

/// `POST /bridge/heal?node=…`
pub(in crate::actors::admin) fn heal(shared: &Data<Shared>, request: &HttpRequest) -> Answer {
    let (bridge, node, names) = switch(shared, request)?;
    for name in &names {
        bridge.heal(name);
    }
    warn!(node, "the links to a node may be opened again");
    Ok(HttpResponse::Ok().json(json!({ "cuts": bridge.cuts() })))
}

/// The fault switch, if it may be used, and the names by which the node in question is linked: its own, and the address by
/// which members of the placement driver are called.
fn switch<'a>(
    shared: &'a Shared,
    request: &HttpRequest,
) -> Result<(&'a Bridge, String, Vec<String>), Refusal> {
    refuse_foreign(request)?;
    if !shared.services.fault_injection {
        let reason =
            "links may be cut only with fault-injection = true in section [bridge] of this node";
        return Err(Refusal::Forbidden(reason.to_owned()));
    }
    let bridge = bridge(shared)?;
    let system = &shared.services.system;
    let Some(node) = text_parameter(request, "node")?.filter(|node| !node.is_empty()) else {
        return Err(Refusal::BadRequest(format!("node is missing: {}?node=NAME", request.path())));
    };
    if node == system.node() {
        return Err(Refusal::BadRequest(format!("{node} is this node: it has no link to itself")));
    }
    let address = system.registry().node_address(&node);
    if address.is_none() && !bridge.cuts().contains(&node) {
        let known = system.registry().nodes().into_iter().map(|(node, _)| node);
        let names = known.filter(|name| name != system.node()).collect::<Vec<_>>().join(", ");
        return Err(Refusal::NotFound(format!("there is no node {node}: there are {names}")));
    }
    let names = std::iter::once(node.clone()).chain(address).collect();
    Ok((bridge, node, names))
}
