//! The first words to the cluster.

use std::future::Future;
use std::time::Duration;

use anyhow::bail;
use tokio::time::{Instant, sleep};
use tracing::warn;

use super::{Cluster, Way};
use crate::actors::bridge::Bridge;

/// How long one attempt may take.
const ATTEMPT: Duration = Duration::from_secs(2);
/// The pause between two attempts.
const PAUSE: Duration = Duration::from_millis(100);
/// How long a node that is refused has no links: several times as long as others wait before they knock again.
const STEP_BACK: Duration = Duration::from_millis(1500);
/// How often it is said what is waited for; first a little sooner.
const SAY_EVERY: Duration = Duration::from_secs(3);
const SAY_FIRST: Duration = Duration::from_secs(1);

/// Tries until it works, and says every few seconds what for and why it does not. Gives up after `patience`.
pub(in crate::actors::node) async fn patiently<T, E, F>(
    what: &str,
    patience: Duration,
    mut attempt: impl FnMut() -> F,
) -> anyhow::Result<T>
where
    F: Future<Output = anyhow::Result<Result<T, E>>>,
    E: std::fmt::Display,
{
    let begun = Instant::now();
    let mut say = begun + SAY_FIRST;
    loop {
        let reason = match attempt().await? {
            Ok(value) => return Ok(value),
            Err(reason) => reason.to_string(),
        };
        let now = Instant::now();
        if now - begun >= patience {
            bail!("gave up waiting for {what} after {patience:?}: {reason}");
        }
        if now >= say {
            warn!(%reason, "waiting for {what}");
            say = now + SAY_EVERY;
        }
        sleep(PAUSE).await;
    }
}

/// Announces the node for the first time. `own_id`: the cluster its data belongs to, if it has any.
pub(in crate::actors::node) async fn join(
    cluster: &Cluster,
    bridge: &Bridge,
    own_id: u64,
    patience: Duration,
) -> anyhow::Result<()> {
    *cluster.cluster_id.lock() = own_id;
    let what = match &cluster.way {
        Way::Here(_) => "the placement driver".to_owned(),
        Way::Away(pd) => {
            format!("the placement driver at {}", pd.members().join(", "))
        }
    };
    // A refusal may be because of a node that is gone: until its lease has ended for sure.
    let refused_since = std::cell::Cell::new(None);
    let members = patiently(&what, patience, || {
        let asked = match &cluster.way {
            Way::Here(_) => None,
            Way::Away(pd) => Some(pd.member()),
        };
        let refused_since = &refused_since;
        async move {
            match cluster.announce(false, ATTEMPT).await {
                Ok(members) if members.refused.is_empty() => Ok(Ok(members)),
                Ok(members) => {
                    let since = refused_since.get().unwrap_or_else(Instant::now);
                    refused_since.set(Some(since));
                    let for_good = own_id != 0 && members.cluster_id != own_id;
                    if for_good || since.elapsed() > cluster.lease + SAY_FIRST {
                        bail!("the cluster does not take this node in: {}", members.refused);
                    }
                    step_back(bridge).await;
                    Ok(Err(members.refused))
                }
                Err(error) => {
                    let dispute = match &cluster.way {
                        Way::Here(_) => None,
                        Way::Away(pd) => pd.dispute(),
                    };
                    let trouble =
                        dispute.or_else(|| asked.and_then(|member| trouble(bridge, &member)));
                    Ok(Err(trouble.unwrap_or_else(|| error.to_string())))
                }
            }
        }
    })
    .await?;
    *cluster.cluster_id.lock() = members.cluster_id;
    bridge.set_cluster_id(members.cluster_id);
    Ok(())
}

/// Ends this node's links for a moment. A name has one life at a time on the other side of a link, and the first that comes keeps
/// the next one out. When the placement driver has just started that may be a copy of a node it has on record: refused, the
/// copy makes way, so that the node itself gets in long before its lease ends.
async fn step_back(bridge: &Bridge) {
    let cut_before = bridge.cuts();
    let mut nodes: Vec<String> = bridge.links().into_iter().map(|link| link.node).collect();
    nodes.retain(|node| !cut_before.contains(node));
    nodes.iter().for_each(|node| bridge.cut(node));
    sleep(STEP_BACK).await;
    nodes.iter().for_each(|node| bridge.heal(node));
}

/// What is wrong with the links to a node.
fn trouble(bridge: &Bridge, node: &str) -> Option<String> {
    let links = bridge.links();
    let link = links.iter().find(|link| link.node == node)?;
    link.sends.iter().find_map(|lane| lane.trouble.clone())
}
