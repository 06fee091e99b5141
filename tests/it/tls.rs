//! TLS: certificates of an authority made for the test, and clients that check them.

use std::path::{Path, PathBuf};
use std::process::Command;

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, IsCa, Issuer, KeyPair,
};

use crate::clients::{drivers, installed};
use crate::server::{Options, Server, have, mariadb, repository, run, troupe};

/// PEM files.
pub(crate) struct Certificates {
    dir: tempfile::TempDir,
}

impl Certificates {
    /// An authority, and a certificate it has signed for this machine.
    pub(crate) fn new() -> Certificates {
        Certificates::named(Some("localhost"))
    }

    /// The same with another common name, or without one.
    pub(crate) fn named(name: Option<&str>) -> Certificates {
        let dir = tempfile::tempdir().unwrap();
        let authority_key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, "an authority for a test");
        let authority = params.self_signed(&authority_key).unwrap();
        let issuer = Issuer::from_params(&params, &authority_key);
        let key = KeyPair::generate().unwrap();
        let names = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
        let mut params = CertificateParams::new(names).unwrap();
        params.distinguished_name = DistinguishedName::new();
        if let Some(name) = name {
            params.distinguished_name.push(DnType::CommonName, name);
        }
        let certificate = params.signed_by(&key, &issuer).unwrap();
        let files = Certificates { dir };
        std::fs::write(files.path("ca.pem"), authority.pem()).unwrap();
        std::fs::write(files.path("server.pem"), certificate.pem()).unwrap();
        std::fs::write(files.path("server.key"), key.serialize_pem()).unwrap();
        std::fs::write(files.path("other.key"), authority_key.serialize_pem()).unwrap();
        files
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn start(&self, env: &[(&str, &str)]) -> Server {
        let (cert, key) = (self.path("server.pem"), self.path("server.key"));
        let mut all = vec![
            ("TROUPE_MYSQL_TLS_CERT", cert.to_str().unwrap()),
            ("TROUPE_MYSQL_TLS_KEY", key.to_str().unwrap()),
        ];
        all.extend_from_slice(env);
        Server::with(&Options { env: &all, ..Options::default() })
    }
}

fn checking(server: &Server, authority: &Path) -> Command {
    let mut command = mariadb(server);
    command.arg("--ssl-ca").arg(authority).args(["--ssl-verify-server-cert", "-N", "-e"]);
    command
}

const CIPHER: &str = "SHOW STATUS LIKE 'Ssl_cipher'";

#[test]
fn the_mariadb_client_with_tls_and_without() {
    if !have("mariadb") {
        return;
    }
    let files = Certificates::new();
    let server = files.start(&[]);
    let said = run(checking(&server, &files.path("ca.pem")).arg(CIPHER));
    assert!(said.starts_with("Ssl_cipher\tTLS_"), "{said}");
    let said = run(checking(&server, &files.path("ca.pem")).arg("SHOW STATUS LIKE 'Ssl_version'"));
    assert!(said.starts_with("Ssl_version\tTLSv1."), "{said}");
    // An authority that did not sign it.
    let output = checking(&server, &files.path("server.pem")).arg(CIPHER).output().unwrap();
    assert!(!output.status.success());
    // In the clear, as ever.
    let said = run(mariadb(&server).args(["--skip-ssl", "-N", "-e", CIPHER]));
    assert_eq!(said, "Ssl_cipher\t\n");
    let said =
        run(mariadb(&server).args(["-N", "-e", "SELECT @@have_ssl, @@require_secure_transport"]));
    assert_eq!(said, "YES\t0\n");
}

#[test]
fn tls_can_be_required() {
    if !have("mariadb") {
        return;
    }
    let files = Certificates::new();
    let server = files.start(&[("TROUPE_MYSQL_REQUIRE_SECURE_TRANSPORT", "true")]);
    let output = mariadb(&server).args(["--skip-ssl", "-e", "SELECT 1"]).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("ERROR 3159 (HY000)"), "{said}");
    let said =
        run(checking(&server, &files.path("ca.pem")).arg("SELECT @@require_secure_transport"));
    assert_eq!(said, "1\n");
}

#[test]
fn drivers_check_the_certificate() {
    let files = Certificates::new();
    let server = files.start(&[]);
    let (port, authority) = (server.mysql_port.to_string(), files.path("ca.pem"));
    if installed("python.done") {
        let said = run(Command::new(drivers().join("python/bin/python"))
            .arg(repository("tests/it/clients/tls_client.py"))
            .arg(&port)
            .arg(&authority));
        assert!(said.trim_end().ends_with("all well"), "{said}");
    }
    if installed("node.done") {
        let said = run(Command::new("node")
            .arg(repository("tests/it/clients/tls_client.js"))
            .arg(&port)
            .arg(&authority)
            .env("NODE_PATH", drivers().join("node/node_modules")));
        assert!(said.trim_end().ends_with("all well"), "{said}");
    }
}

/// What `troupe start` says when it cannot use these files.
fn refused(cert: &Path, key: &Path) -> String {
    let dir = tempfile::tempdir().unwrap();
    let output = troupe()
        .args(["start", "--mysql-addr", "127.0.0.1:0", "--admin-addr", "127.0.0.1:0"])
        .args(["--addr", "127.0.0.1:0", "--data-dir"])
        .arg(dir.path())
        .env("TROUPE_MYSQL_TLS_CERT", cert)
        .env("TROUPE_MYSQL_TLS_KEY", key)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{said}");
    said
}

#[test]
fn broken_files_are_named() {
    let files = Certificates::new();
    let (cert, key) = (files.path("server.pem"), files.path("server.key"));
    let broken = files.path("broken.pem");
    std::fs::write(&broken, "no certificate\n").unwrap();
    let said = refused(&broken, &key);
    assert!(said.contains("mysql.tls-cert") && said.contains("broken.pem"), "{said}");
    let said = refused(&cert, &files.path("absent.key"));
    assert!(said.contains("mysql.tls-key") && said.contains("absent.key"), "{said}");
    let said = refused(&cert, &files.path("other.key"));
    assert!(said.contains("do not go together"), "{said}");
}

/// Clients send the beginning of the handshake without waiting: the two may arrive together.
#[test]
fn the_handshake_may_come_with_the_request_for_it() {
    use std::io::{Read as _, Write as _};
    let files = Certificates::new();
    let server = files.start(&[]);
    let mut stream = std::net::TcpStream::connect(("127.0.0.1", server.mysql_port)).unwrap();
    stream.set_read_timeout(Some(std::time::Duration::from_secs(20))).unwrap();
    let mut header = [0; 4];
    stream.read_exact(&mut header).unwrap();
    let mut greeting = vec![0; usize::from(header[0])];
    stream.read_exact(&mut greeting).unwrap();
    // CLIENT_PROTOCOL_41, CLIENT_SSL, CLIENT_SECURE_CONNECTION; then a record of TLS that is no handshake.
    let mut bytes = vec![32, 0, 0, 1];
    bytes.extend_from_slice(&(0x0000_0200_u32 | 0x0000_0800 | 0x0000_8000).to_le_bytes());
    bytes.extend_from_slice(&(1_u32 << 24).to_le_bytes());
    bytes.push(45);
    bytes.extend_from_slice(&[0; 23]);
    bytes.extend_from_slice(&[0x17, 3, 3, 0, 1, 0]);
    stream.write_all(&bytes).unwrap();
    // What answers is TLS: an alert.
    let mut answer = [0; 1];
    stream.read_exact(&mut answer).unwrap();
    assert_eq!(answer[0], 0x15);
}

#[test]
fn a_node_makes_a_certificate_for_itself() {
    if !have("mariadb") {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let options = Options { data_dir: Some(dir.path()), ..Options::default() };
    let server = Server::with(&options);
    let authority = dir.path().join("ca.pem");
    let said = run(checking(&server, &authority).arg(CIPHER));
    assert!(said.starts_with("Ssl_cipher\tTLS_"), "{said}");
    // Replaced while it runs: the next connection is shown the new one.
    let files = Certificates::new();
    std::fs::copy(files.path("server.key"), dir.path().join("server-key.pem")).unwrap();
    std::fs::copy(files.path("server.pem"), dir.path().join("server-cert.pem")).unwrap();
    let said = run(checking(&server, &files.path("ca.pem")).arg(CIPHER));
    assert!(said.starts_with("Ssl_cipher\tTLS_"), "{said}");
    drop(server);
    let mode = std::os::unix::fs::PermissionsExt::mode(
        &std::fs::metadata(dir.path()).unwrap().permissions(),
    );
    assert_eq!(mode & 0o777, 0o700, "what is in the directory is for its owner alone");
}
