//! The secret of a cluster: who has it belongs to it.
//!
//! The key of an authority follows from the secret alone, so every node that has the secret can sign a certificate of its own for as long as
//! it runs, and every other node with the same secret accepts it: mutual TLS without anybody who hands certificates out. Whoever
//! has the secret may be any node, so its file is for the owner's eyes only.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType,
    ExtendedKeyUsagePurpose, IsCa, KeyPair, PKCS_ED25519,
};
use rustls::RootCertStore;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use sha2::{Digest as _, Sha256};
use tracing::{info, warn};

use crate::actors::tls::problem;

/// The setting that names the file.
pub(super) const SETTING: &str = "bridge.secret-file";
/// What every certificate of a node is made out to: the secret says that it is a node, its first words which one.
pub(super) const NODE_NAME: &str = "node.troupedb.internal";

/// Shorter ones could be guessed.
const CHARACTERS_MIN: usize = 32;
/// Of a secret that is made here, written with two digits each.
const SECRET_BYTES: usize = 32;
/// Keeps the key apart from whatever else may be made of the secret one day.
const PURPOSE: &[u8] = b"TroupeDB: authority of a cluster, 1\0";
/// What stands before the 32 bytes of an Ed25519 key in PKCS#8 (RFC 8410, section 7).
const PKCS8_ED25519: [u8; 16] = [
    0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20,
];

/// What a node shows and whom it believes.
pub(super) struct Papers {
    pub(super) roots: RootCertStore,
    pub(super) chain: Vec<CertificateDer<'static>>,
    pub(super) key: PrivateKeyDer<'static>,
}

/// Reads the file, or makes it where there is none, and signs a certificate with what it says.
///
/// The file has a secret a line; the first is signed with, all are believed: to change it, add the new one to the file of every node,
/// then put it first, then take the old one out. Empty lines and those that begin with `#` mean nothing.
pub(super) fn papers(path: &Path) -> io::Result<Papers> {
    let unusable = |error: &dyn std::fmt::Display| problem(SETTING, path, error);
    let secrets = read_or_make(path).map_err(|error| unusable(&error))?;
    let mut roots = RootCertStore::empty();
    let mut signing = None;
    for secret in &secrets {
        let authority = authority(secret).map_err(|error| unusable(&error))?;
        roots.add(authority.der().clone()).map_err(|error| unusable(&error))?;
        signing.get_or_insert(authority);
    }
    let authority = signing.ok_or_else(|| unusable(&"there is no secret in it"))?;
    let (certificate, key) = certificate(&authority).map_err(|error| unusable(&error))?;
    Ok(Papers { roots, chain: vec![certificate], key })
}

fn authority(secret: &str) -> Result<CertifiedIssuer<'static, KeyPair>, rcgen::Error> {
    let seed = Sha256::new().chain_update(PURPOSE).chain_update(secret).finalize();
    let mut key = PKCS8_ED25519.to_vec();
    key.extend_from_slice(&seed);
    let key = PrivatePkcs8KeyDer::from(key);
    let key = KeyPair::from_pkcs8_der_and_sign_algo(&key, &PKCS_ED25519)?;
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    // The name tells authorities apart, and nothing of the secret.
    let print = hex(&Sha256::digest(key.public_key_raw())[..8]);
    params.distinguished_name = named(&format!("TroupeDB cluster {print}"));
    CertifiedIssuer::self_signed(params, key)
}

fn certificate(
    authority: &CertifiedIssuer<'static, KeyPair>,
) -> Result<(CertificateDer<'static>, PrivateKeyDer<'static>), rcgen::Error> {
    let key = KeyPair::generate()?;
    let mut params = CertificateParams::new(vec![NODE_NAME.to_owned()])?;
    params.distinguished_name = named("TroupeDB node");
    params.extended_key_usages =
        vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
    let certificate = params.signed_by(&key, authority)?;
    Ok((certificate.der().clone(), PrivatePkcs8KeyDer::from(key.serialize_der()).into()))
}

fn named(name: &str) -> DistinguishedName {
    let mut distinguished = DistinguishedName::new();
    distinguished.push(DnType::CommonName, name);
    distinguished
}

fn read_or_make(path: &Path) -> io::Result<Vec<String>> {
    let text = match fs::read_to_string(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            make(path)?;
            fs::read_to_string(path)?
        }
        read => read?,
    };
    let mode = fs::metadata(path)?.mode();
    if mode & 0o077 != 0 {
        let mode = format!("{:o}", mode & 0o777);
        warn!(file = %path.display(), mode, "the secret of the cluster can be read by others");
    }
    let lines = text.lines().map(str::trim);
    let secrets: Vec<_> = lines.filter(|line| !line.is_empty() && !line.starts_with('#')).collect();
    if let Some(at) = secrets.iter().position(|secret| secret.len() < CHARACTERS_MIN) {
        let nth = at + 1;
        let text = format!("secret {nth} in it has less than {CHARACTERS_MIN} characters");
        return Err(io::Error::other(text));
    }
    Ok(secrets.into_iter().map(str::to_owned).collect())
}

/// Makes the file. Of several nodes that start at once one makes it, and the others find it whole.
fn make(path: &Path) -> io::Result<()> {
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    }
    let secret: [u8; SECRET_BYTES] = rand::random();
    let unfinished = unfinished(path);
    let _ = fs::remove_file(&unfinished);
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&unfinished)?;
    writeln!(
        file,
        "# Whoever has this secret belongs to the cluster of TroupeDB.\n{}",
        hex(&secret)
    )?;
    file.sync_all()?;
    let made = fs::hard_link(&unfinished, path);
    fs::remove_file(&unfinished)?;
    match made {
        Ok(()) => {
            info!(file = %path.display(), "made a secret for the cluster: nodes on other machines need a copy")
        }
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(error),
    }
    Ok(())
}

fn unfinished(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}", std::process::id()));
    path.with_file_name(name)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_secret_is_one_authority() {
        let of = |secret: &str| authority(secret).unwrap();
        let (a, b) = (of("x"), of("x"));
        assert_eq!(a.key().public_key_raw(), b.key().public_key_raw());
        assert_ne!(a.key().public_key_raw(), of("y").key().public_key_raw());
    }

    #[test]
    fn a_secret_is_made_once_and_for_its_owner() {
        let dir = tempfile::TempDir::new().unwrap();
        let path = dir.path().join("new/secret");
        let first = read_or_make(&path).unwrap();
        assert_eq!(first, read_or_make(&path).unwrap());
        assert_eq!(first[0].len(), 2 * SECRET_BYTES);
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
        assert_eq!(
            fs::read_dir(dir.path().join("new")).unwrap().count(),
            1,
            "nothing is left over"
        );
    }

    #[test]
    fn what_is_no_secret_is_refused() {
        let dir = tempfile::TempDir::new().unwrap();
        let path = dir.path().join("secret");
        let said = |text: &str| {
            fs::write(&path, text).unwrap();
            papers(&path).err().unwrap().to_string()
        };
        assert!(said("# none\n\n").contains("no secret in it"));
        let short = said("0123456789012345678901234567890123456789\nsecret\n");
        assert!(short.contains("bridge.secret-file") && short.contains("secret 2"), "{short}");
    }
}
