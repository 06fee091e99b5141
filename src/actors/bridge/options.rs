//! What can be set of the bridge.

use std::time::Duration;

use super::tls::{Credentials, TlsFiles};
use crate::config::BridgeConfig;

/// How the bridge of a node behaves.
#[derive(Clone, Debug)]
pub struct BridgeOptions {
    /// The cluster's id; 0: not known yet (see [`Bridge::set_cluster_id`](super::Bridge::set_cluster_id)).
    pub cluster_id: u64,
    /// The software's version, told to other nodes.
    pub software_version: String,
    /// Where other nodes reach this one, if that is not where it listens.
    pub advertise: Option<String>,
    /// So long a connection and the first words over it may take.
    pub connect_timeout: Duration,
    /// How often each side of a stream gives a sign of life.
    pub ping_interval: Duration,
    /// A stream over which nothing came for so long is broken.
    pub ping_timeout: Duration,
    /// The wait before the second attempt to connect; it doubles with every further one.
    pub backoff: Duration,
    /// The longest such wait.
    pub backoff_max: Duration,
    /// What may wait or be in flight on the side that sends, in each class to each node.
    pub queue: Bound,
    /// What the side that receives grants to each stream.
    pub window: Bound,
    /// One message may not be larger.
    pub message_bytes_max: usize,
    /// About how much goes into one frame.
    pub frame_bytes: usize,
    /// So many connections of other nodes may be open at once.
    pub connections: usize,
    /// What nodes prove themselves with; `None`: connections are neither encrypted nor authenticated.
    pub credentials: Option<Credentials>,
}

/// A bound on messages and on their bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bound {
    /// So many messages.
    pub messages: usize,
    /// So many bytes.
    pub bytes: usize,
}

impl Default for BridgeOptions {
    fn default() -> BridgeOptions {
        BridgeOptions::from(&BridgeConfig::default())
    }
}

impl From<&BridgeConfig> for BridgeOptions {
    fn from(config: &BridgeConfig) -> BridgeOptions {
        BridgeOptions {
            cluster_id: 0,
            software_version: env!("CARGO_PKG_VERSION").to_owned(),
            advertise: None,
            connect_timeout: config.connect_timeout.0,
            ping_interval: config.ping_interval.0,
            ping_timeout: config.ping_timeout.0,
            backoff: Duration::from_millis(50),
            backoff_max: config.backoff_max.0,
            queue: Bound { messages: config.queue_messages, bytes: bytes(config.queue_bytes.0) },
            window: Bound { messages: config.window_messages, bytes: bytes(config.window_bytes.0) },
            message_bytes_max: bytes(config.max_message.0),
            frame_bytes: 256 << 10,
            connections: 1024,
            credentials: credentials(config),
        }
    }
}

/// Certificates in files stand over the secret. Without either there is nothing to prove.
fn credentials(config: &BridgeConfig) -> Option<Credentials> {
    if config.tls.is_on() {
        return Some(Credentials::Files(TlsFiles {
            ca: config.tls.ca.clone(),
            cert: config.tls.cert.clone(),
            key: config.tls.key.clone(),
        }));
    }
    let secret = !config.insecure && !config.secret_file.as_os_str().is_empty();
    secret.then(|| Credentials::Secret(config.secret_file.clone()))
}

fn bytes(size: u64) -> usize {
    usize::try_from(size).unwrap_or(usize::MAX)
}
