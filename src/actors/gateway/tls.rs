//! TLS for clients, from PEM files: the operator's, or those that a node makes for itself.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use parking_lot::Mutex;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType,
    ExtendedKeyUsagePurpose, IsCa, KeyPair,
};
use rustls::ProtocolVersion;
use tokio_rustls::TlsAcceptor;
use tracing::{info, warn};

use crate::actors::session::TlsSession;
use crate::actors::tls::{Stamp, certificates, private_key, stamp};

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

/// TLS for clients: a certificate chain and its key in PEM files, which are read again when they have changed.
pub struct ClientTls {
    cert: PathBuf,
    key: PathBuf,
    loaded: Mutex<(Stamp, TlsAcceptor)>,
}

impl ClientTls {
    /// Reads the files. Errors name the setting and the file.
    pub fn open(cert: &Path, key: &Path) -> anyhow::Result<ClientTls> {
        let (cert, key) = (cert.to_owned(), key.to_owned());
        // Before the files are read: a change in between is seen the next time.
        let stamp = stamp(&[&cert, &key]);
        let loaded = Mutex::new((stamp, acceptor(&cert, &key)?));
        Ok(ClientTls { cert, key, loaded })
    }

    /// What a new connection is secured with. Looks whether the files have changed, which costs two calls to the file system; files that cannot be used
    /// (one is replaced before the other) leave the old ones in force.
    pub(super) fn acceptor(&self) -> TlsAcceptor {
        let mut loaded = self.loaded.lock();
        let now = stamp(&[&self.cert, &self.key]);
        if now != loaded.0 {
            match acceptor(&self.cert, &self.key) {
                Ok(fresh) => {
                    info!(cert = %self.cert.display(), "read the certificate for clients again");
                    *loaded = (now, fresh);
                }
                Err(error) => warn!(
                    error = format!("{error:#}"),
                    "the certificate for clients has changed and cannot be used, going on with the old one"
                ),
            }
        }
        loaded.1.clone()
    }
}

fn acceptor(cert: &Path, key: &Path) -> anyhow::Result<TlsAcceptor> {
    let chain = certificates("mysql.tls-cert", cert)?;
    let key = private_key("mysql.tls-key", key)?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .context("TLS versions")?
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .context("mysql.tls-cert and mysql.tls-key do not go together")?;
    Ok(TlsAcceptor::from(Arc::new(config)))
}

/// The files of the certificate that a node makes for itself, as MySQL calls them.
const OWN: [&str; 3] = ["ca.pem", "server-cert.pem", "server-key.pem"];

/// The certificate and the key that a node has made for itself in `folder`, or makes now. `ca.pem` beside them is for clients that want to know whether
/// it is still the same server; its key is thrown away.
pub fn own_certificate(folder: &Path) -> anyhow::Result<(PathBuf, PathBuf)> {
    let [ca, cert, key] = OWN.map(|name| folder.join(name));
    if cert.exists() && key.exists() {
        return Ok((cert, key));
    }
    let named = |name: &str| {
        let mut distinguished = DistinguishedName::new();
        distinguished.push(DnType::CommonName, name);
        distinguished
    };
    let mut authority = CertificateParams::default();
    authority.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    authority.distinguished_name = named("TroupeDB made this authority for one server");
    let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate()?)?;
    let own = KeyPair::generate()?;
    let names = ["localhost", "127.0.0.1", "::1"].map(str::to_owned);
    let mut params = CertificateParams::new(names.to_vec())?;
    params.distinguished_name = named("TroupeDB server");
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let certificate = params.signed_by(&own, &authority)?;
    for (file, text) in
        [(&ca, authority.pem()), (&key, own.serialize_pem()), (&cert, certificate.pem())]
    {
        let _ = fs::remove_file(file);
        let made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(file);
        made.and_then(|mut made| {
            made.write_all(text.as_bytes())?;
            made.sync_all()
        })
        .with_context(|| format!("cannot write {}", file.display()))?;
    }
    Ok((cert, key))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_own_certificate_is_made_once() {
        let dir = tempfile::TempDir::new().unwrap();
        let (cert, key) = own_certificate(dir.path()).unwrap();
        let tls = ClientTls::open(&cert, &key).unwrap();
        let before = fs::read(&cert).unwrap();
        assert_eq!(own_certificate(dir.path()).unwrap(), (cert.clone(), key.clone()));
        assert_eq!(fs::read(&cert).unwrap(), before);
        fs::write(&cert, "no certificate").unwrap();
        tls.acceptor();
        assert!(ClientTls::open(&cert, &key).is_err());
    }

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
