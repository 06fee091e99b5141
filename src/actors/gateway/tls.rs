//! TLS for clients, from PEM files.

use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;
use rustls::ProtocolVersion;
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::TlsAcceptor;

use crate::actors::session::TlsSession;

/// What a handshake has agreed on.
pub(super) fn agreed(connection: &rustls::ServerConnection) -> Option<TlsSession> {
    let version = match connection.protocol_version()? {
        ProtocolVersion::TLSv1_2 => "TLSv1.2",
        _ => "TLSv1.3",
    };
    let suite = format!("{:?}", connection.negotiated_cipher_suite()?.suite());
    Some(TlsSession { version, cipher: openssl_name(&suite) })
}

/// TLS13_AES_256_GCM_SHA384 is TLS_AES_256_GCM_SHA384 in OpenSSL, and TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384 is
/// ECDHE-RSA-AES256-GCM-SHA384.
fn openssl_name(suite: &str) -> String {
    match suite.strip_prefix("TLS13_") {
        Some(rest) => format!("TLS_{rest}"),
        None => suite
            .trim_start_matches("TLS_")
            .replace("_WITH_", "_")
            .replace("AES_", "AES")
            .replace("_SHA256", if suite.contains("CHACHA20") { "" } else { "_SHA256" })
            .replace('_', "-"),
    }
}

/// Reads a certificate chain and its key.
pub fn acceptor(cert: &Path, key: &Path) -> anyhow::Result<TlsAcceptor> {
    let chain = CertificateDer::pem_file_iter(cert)
        .and_then(|certificates| certificates.collect::<Result<Vec<_>, _>>())
        .with_context(|| format!("mysql.tls-cert: cannot read {}", cert.display()))?;
    anyhow::ensure!(!chain.is_empty(), "mysql.tls-cert: {} holds no certificate", cert.display());
    let key = PrivateKeyDer::from_pem_file(key)
        .with_context(|| format!("mysql.tls-key: cannot read {}", key.display()))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .context("TLS versions")?
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .context("mysql.tls-cert and mysql.tls-key do not go together")?;
    Ok(TlsAcceptor::from(Arc::new(config)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suites_have_openssl_names() {
        let cases = [
            ("TLS13_AES_256_GCM_SHA384", "TLS_AES_256_GCM_SHA384"),
            ("TLS13_CHACHA20_POLY1305_SHA256", "TLS_CHACHA20_POLY1305_SHA256"),
            ("TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", "ECDHE-RSA-AES256-GCM-SHA384"),
            ("TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", "ECDHE-ECDSA-AES128-GCM-SHA256"),
            ("TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256", "ECDHE-RSA-CHACHA20-POLY1305"),
        ];
        for (rustls, openssl) in cases {
            assert_eq!(openssl_name(rustls), openssl);
        }
    }
}
