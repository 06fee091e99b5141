//! The links to other nodes.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::units::{ByteSize, Span};

/// The links to other nodes. Where this node listens is `node.addr`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct BridgeConfig {
    /// How long opening a connection and the first words over it may take.
    pub connect_timeout: Span,
    /// How often a link gives a sign of life. Shorter finds a dead node sooner, and costs a small message each.
    pub ping_interval: Span,
    /// A link over which nothing came for so long is broken.
    pub ping_timeout: Span,
    /// The longest wait between two attempts to reach a node.
    pub backoff_max: Span,
    /// Messages that may wait to be sent, in each class to each node; more are turned away.
    pub queue_messages: usize,
    /// Bytes that may wait to be sent, in each class to each node.
    pub queue_bytes: ByteSize,
    /// Messages another node may send before this one has taken them, in each class.
    pub window_messages: usize,
    /// Bytes another node may send before this one has taken them, in each class.
    pub window_bytes: ByteSize,
    /// The largest message.
    pub max_message: ByteSize,
    /// Whether operators may cut links off over the admin endpoint, for tests and drills.
    pub fault_injection: bool,
    /// The file with the cluster's secret, by which nodes prove that they belong to it. Made where there is none. Empty: the user's own
    /// (see [`settle_secret_file`](Self::settle_secret_file)).
    pub secret_file: PathBuf,
    /// Links are neither encrypted nor authenticated: whoever reaches the bridge may do everything.
    pub insecure: bool,
    /// Certificates.
    pub tls: BridgeTlsConfig,
}

impl Default for BridgeConfig {
    fn default() -> Self {
        BridgeConfig {
            connect_timeout: Span::seconds(3),
            ping_interval: Span::seconds(1),
            ping_timeout: Span::seconds(5),
            backoff_max: Span(Duration::from_millis(500)),
            queue_messages: 65536,
            queue_bytes: ByteSize::mib(64),
            window_messages: 65536,
            window_bytes: ByteSize::mib(16),
            max_message: ByteSize::mib(128),
            fault_injection: false,
            secret_file: PathBuf::new(),
            insecure: false,
            tls: BridgeTlsConfig::default(),
        }
    }
}

/// Certificates of the links. With all three files set, both sides of every link must show a certificate of the authority;
/// without, one that the cluster's secret vouches for. The files are read again when they change.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct BridgeTlsConfig {
    /// The PEM certificate of the authority that signed those of all nodes.
    pub ca: PathBuf,
    /// The PEM certificate chain of this node. It must name the host other nodes connect to.
    pub cert: PathBuf,
    /// The PEM private key of `cert`.
    pub key: PathBuf,
}

impl BridgeTlsConfig {
    /// Whether links are encrypted.
    pub fn is_on(&self) -> bool {
        !self.ca.as_os_str().is_empty()
    }
}

impl BridgeConfig {
    /// Settles where the secret is when nothing says so: in the folder of what belongs to the user (`~/.troupe`), where every node
    /// that he starts on the machine finds it, else in the node's own directory.
    pub fn settle_secret_file(&mut self, own_folder: Option<PathBuf>, data_dir: &Path) {
        if self.secret_file.as_os_str().is_empty() {
            self.secret_file = own_folder.as_deref().unwrap_or(data_dir).join("cluster-secret");
        }
    }

    /// Checks what types cannot. The error is the key and what is wrong with it.
    pub(super) fn validate(&self) -> Result<(), (&'static str, String)> {
        if self.connect_timeout.0 < Duration::from_millis(10) {
            return Err(("bridge.connect-timeout", "must be at least 10ms".into()));
        }
        if self.ping_interval.0 < Duration::from_millis(10) {
            return Err(("bridge.ping-interval", "must be at least 10ms".into()));
        }
        if self.ping_timeout.0 < self.ping_interval.0 * 2 {
            return Err(("bridge.ping-timeout", "must be at least twice ping-interval".into()));
        }
        if self.backoff_max.0 < Duration::from_millis(10) {
            return Err(("bridge.backoff-max", "must be at least 10ms".into()));
        }
        if self.queue_messages == 0 {
            return Err(("bridge.queue-messages", "must be at least 1".into()));
        }
        if self.window_messages == 0 {
            return Err(("bridge.window-messages", "must be at least 1".into()));
        }
        if self.queue_bytes.0 < 1 << 20 {
            return Err(("bridge.queue-bytes", "must be at least 1MiB".into()));
        }
        if self.window_bytes.0 < 1 << 16 {
            return Err(("bridge.window-bytes", "must be at least 64KiB".into()));
        }
        if self.max_message.0 < 1 << 20 || self.max_message.0 > 1 << 30 {
            return Err(("bridge.max-message", "must be between 1MiB and 1GiB".into()));
        }
        let tls = [&self.tls.ca, &self.tls.cert, &self.tls.key];
        let set = tls.iter().filter(|path| !path.as_os_str().is_empty()).count();
        if set != 0 && set != tls.len() {
            return Err(("bridge.tls.ca", "ca, cert and key go together".into()));
        }
        if self.insecure && set != 0 {
            return Err(("bridge.insecure", "with certificates links are secure".into()));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_work_is_refused_by_its_key() {
        BridgeConfig::default().validate().unwrap();
        let refused = |change: fn(&mut BridgeConfig)| {
            let mut config = BridgeConfig::default();
            change(&mut config);
            config.validate().unwrap_err().0
        };
        assert_eq!(refused(|bridge| bridge.queue_messages = 0), "bridge.queue-messages");
        assert_eq!(refused(|bridge| bridge.window_bytes.0 = 1), "bridge.window-bytes");
        assert_eq!(refused(|bridge| bridge.ping_timeout = Span::seconds(1)), "bridge.ping-timeout");
        let insecure = refused(|bridge| {
            bridge.tls = BridgeTlsConfig { ca: "a".into(), cert: "b".into(), key: "c".into() };
            bridge.insecure = true;
        });
        assert_eq!(insecure, "bridge.insecure");
        assert_eq!(refused(|bridge| bridge.tls.cert = "x".into()), "bridge.tls.ca");
        assert_eq!(refused(|bridge| bridge.max_message.0 = 1 << 40), "bridge.max-message");
    }
}
