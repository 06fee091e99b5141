//! Actors of other nodes: asked over the bridge, of each node's observer.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::future::join_all;
use serde::Serialize;
use serde_json::Value;

use super::actors::{no_actor, own, tree};
use crate::actors::admin::actor::Shared;
use crate::actors::admin::aside::{Answered, Made, elsewhere};
use crate::actors::admin::http::Refusal;
use crate::actors::bridge::{Bridge, DescribeActor, LinkFigures, ListActors};
use crate::actors::runtime::{ActorPath, AskError, SendError};

/// So long another node's answer is waited for.
const DEADLINE: Duration = Duration::from_secs(2);
/// What `node` says for all of them.
const ALL: &str = "all";

/// One node's part in an answer.
#[derive(Debug, Serialize)]
pub(super) struct NodeView {
    node: String,
    address: String,
    /// How many of its actors came.
    actors: usize,
    /// It has more.
    truncated: bool,
    /// Why there are none.
    error: Option<String>,
    /// What is between this node and that; `None` for this node itself.
    link: Option<LinkFigures>,
}

/// The actors of `node`, or of all nodes.
pub(super) async fn list(
    shared: Arc<Shared>,
    wanted: String,
    under: Option<ActorPath>,
    limit: usize,
) -> Answered {
    let nodes = known(&shared, &wanted)?;
    let asked = nodes.into_iter().map(|(node, address)| {
        let (shared, under) = (&shared, under.clone());
        async move {
            let listed = of_node(shared, &node, under, limit).await;
            (node, address, listed)
        }
    });
    let listed = join_all(asked).await;
    elsewhere(move || put_together(&shared, &wanted, listed, limit, under.as_ref())).await
}

/// What came of asking a node: its name, where it is, its actors as JSON (`None`: it is this one), or why there are none.
type Listed = (String, String, Result<Option<Bytes>, String>);

fn put_together(
    shared: &Shared,
    wanted: &str,
    listed: Vec<Listed>,
    limit: usize,
    under: Option<&ActorPath>,
) -> Answered {
    let links = bridge(shared).map(Bridge::links).unwrap_or_default();
    let (mut all, mut all_total, mut nodes) = (Vec::new(), 0, Vec::new());
    for (node, address, listed) in listed {
        let read = match listed {
            Ok(Some(json)) => read(&node, &json, limit),
            Ok(None) => read_own(shared, under, limit),
            Err(error) => Err(error),
        };
        let (actors, total, error) = match read {
            Ok((actors, total)) => (actors, total, None),
            Err(error) => (Vec::new(), 0, Some(error)),
        };
        nodes.push(NodeView {
            link: links.iter().find(|link| link.node == node).cloned(),
            node,
            address,
            actors: actors.len(),
            truncated: total > actors.len(),
            error,
        });
        all_total += total;
        all.extend(actors);
    }
    all.sort_by(|a, b| a["path"].as_str().cmp(&b["path"].as_str()));
    all.truncate(limit);
    let truncated = all_total > all.len();
    tree(shared, wanted, all, all_total, truncated, nodes)
}

/// Some actors, and how many there are at least.
type Found = Result<(Vec<Value>, usize), String>;

fn read(node: &str, json: &[u8], limit: usize) -> Found {
    let mut actors: Vec<Value> = serde_json::from_slice(json)
        .map_err(|error| format!("node {node} answers in another form: {error}"))?;
    let total = actors.len();
    actors.truncate(limit);
    Ok((actors, total))
}

fn read_own(shared: &Shared, under: Option<&ActorPath>, limit: usize) -> Found {
    let (total, actors) = own(shared, under, limit);
    let actors = actors.iter().map(serde_json::to_value).collect::<Result<Vec<_>, _>>();
    Ok((actors.map_err(|error| error.to_string())?, total))
}

/// The nodes that are asked, each with its address. What is called by its address is a node before it has said its name.
fn known(shared: &Shared, wanted: &str) -> Result<Vec<(String, String)>, Refusal> {
    let mut nodes = shared.services.system.registry().nodes();
    nodes.retain(|(node, _)| !node.contains(':'));
    let me = shared.services.system.node();
    if !nodes.iter().any(|(node, _)| node == me) {
        nodes.insert(0, (me.to_owned(), String::new()));
    }
    if wanted == ALL {
        return Ok(nodes);
    }
    let names: Vec<String> = nodes.iter().map(|(node, _)| node.clone()).collect();
    nodes.retain(|(node, _)| node == wanted);
    if nodes.is_empty() {
        let names = names.join(", ");
        return Err(Refusal::NotFound(format!("there is no node {wanted}: there are {names}")));
    }
    Ok(nodes)
}

fn bridge(shared: &Shared) -> Option<&Bridge> {
    shared.services.bridge.as_ref()
}

fn observer(node: &str) -> ActorPath {
    ActorPath::node_root(node).child("bridge").child("observer")
}

/// The first actors of another node, as it shows them.
async fn of_node(
    shared: &Shared,
    node: &str,
    under: Option<ActorPath>,
    limit: usize,
) -> Result<Option<Bytes>, String> {
    if node == shared.services.system.node() {
        return Ok(None);
    }
    let bridge = bridge(shared).ok_or("this node has no bridge")?;
    // One more than is shown tells whether there are more.
    let list = ListActors { under, limit: u32::try_from(limit + 1).unwrap_or(u32::MAX) };
    let asked = bridge.address::<ListActors>(observer(node)).ask(list, DEADLINE).await;
    asked.map(Some).map_err(|error| trouble(bridge, node, &error))
}

/// `GET /actors/{path}` of a path that is not this node's.
pub(super) async fn one(shared: &Shared, path: &ActorPath) -> Answered {
    let system = &shared.services.system;
    let node = system.registry().resolve(path).filter(|node| node != system.node());
    let (Some(node), Some(bridge)) = (node, bridge(shared)) else { return Err(no_actor(path)) };
    let describe = DescribeActor(path.clone());
    match bridge.address::<DescribeActor>(observer(&node)).ask(describe, DEADLINE).await {
        Ok(Some(json)) => Ok(Made::of("application/json", json)),
        Ok(None) => Err(no_actor(path)),
        Err(error) => Err(Refusal::Unavailable(trouble(bridge, &node, &error))),
    }
}

/// Why a node does not answer, as far as the link knows better than whoever asked.
fn trouble(bridge: &Bridge, node: &str, error: &AskError) -> String {
    let links = bridge.links();
    let lanes = links.iter().filter(|link| link.node == node).flat_map(|link| &link.sends);
    let reason = lanes.filter_map(|lane| lane.trouble.as_ref()).next();
    match (error, reason) {
        (
            AskError::Send(SendError::Unreachable(_)) | AskError::Lost(_) | AskError::Timeout(_),
            Some(reason),
        ) => {
            format!("node {node} cannot be reached: {reason}")
        }
        (AskError::Timeout(_), None) => format!("node {node} does not answer within {DEADLINE:?}"),
        (error, _) => format!("node {node} does not answer: {error}"),
    }
}
