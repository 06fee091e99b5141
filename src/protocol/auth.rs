//! Passwords: what is stored of them, and how a scramble is checked against it.
//!
//! Both plugins are checked from a double hash, so a server never needs the password itself:
//! `mysql_native_password` stores SHA1(SHA1(password)), `caching_sha2_password` SHA256(SHA256(password)),
//! which is what MySQL caches after its first full authentication. We keep that for good, so every login
//! takes the fast path and neither TLS nor RSA is needed to log in.

use sha1::Sha1;
use sha2::{Digest, Sha256};

use super::handshake::NONCE;

/// An authentication plugin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Plugin {
    /// SHA-1; every client has it.
    #[serde(rename = "mysql_native_password")]
    Native,
    /// SHA-256; the default of MySQL 8.
    #[serde(rename = "caching_sha2_password")]
    CachingSha2,
}

/// The answer of `caching_sha2_password` that says the fast path was enough.
pub const FAST_AUTH_OK: &[u8] = &[3];

impl Plugin {
    /// Its name on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Plugin::Native => "mysql_native_password",
            Plugin::CachingSha2 => "caching_sha2_password",
        }
    }

    /// The plugin of a name.
    pub fn by_name(name: &str) -> Option<Plugin> {
        [Plugin::Native, Plugin::CachingSha2]
            .into_iter()
            .find(|plugin| plugin.name().eq_ignore_ascii_case(name))
    }

    /// What to store of a password; empty for an empty one.
    pub fn stored(self, password: &str) -> Vec<u8> {
        if password.is_empty() {
            return Vec::new();
        }
        match self {
            Plugin::Native => sha1(&[&sha1(&[password.as_bytes()])]).to_vec(),
            Plugin::CachingSha2 => sha256(&[&sha256(&[password.as_bytes()])]).to_vec(),
        }
    }

    /// What is stored of a password as `mysql.user` and SHOW CREATE USER show it.
    pub fn stored_text(self, stored: &[u8]) -> String {
        let hash: String = stored.iter().map(|byte| format!("{byte:02X}")).collect();
        match self {
            Plugin::Native if !hash.is_empty() => format!("*{hash}"),
            Plugin::Native | Plugin::CachingSha2 => hash,
        }
    }

    /// The bytes behind such a text; `None` if it is none of this plugin's.
    pub fn stored_from(self, text: &str) -> Option<Vec<u8>> {
        let (hash, length) = match self {
            _ if text.is_empty() => return Some(Vec::new()),
            Plugin::Native => (text.strip_prefix('*')?, 20),
            Plugin::CachingSha2 => (text, 32),
        };
        let digit = |at: usize| u8::from_str_radix(hash.get(at..at + 2)?, 16).ok();
        let is_hex = hash.len() == 2 * length && hash.bytes().all(|byte| byte.is_ascii_hexdigit());
        if !is_hex {
            return None;
        }
        (0..hash.len()).step_by(2).map(digit).collect()
    }

    /// Whether `scramble` proves the password behind `stored`.
    pub fn verify(self, stored: &[u8], nonce: &[u8; NONCE], scramble: &[u8]) -> bool {
        // caching_sha2_password sends one zero byte for an empty password over some clients.
        if stored.is_empty() || scramble.is_empty() {
            return stored.is_empty() && (scramble.is_empty() || scramble == [0]);
        }
        match self {
            Plugin::Native => {
                let mask = sha1(&[nonce, stored]);
                unmask(scramble, &mask)
                    .is_some_and(|stage1: Vec<u8>| equal(&sha1(&[&stage1]), stored))
            }
            Plugin::CachingSha2 => {
                let mask = sha256(&[stored, nonce]);
                unmask(scramble, &mask)
                    .is_some_and(|stage1: Vec<u8>| equal(&sha256(&[&stage1]), stored))
            }
        }
    }

    /// What a client sends for a password (for tests and for our own clients).
    pub fn scramble(self, password: &str, nonce: &[u8; NONCE]) -> Vec<u8> {
        if password.is_empty() {
            return Vec::new();
        }
        let stored = self.stored(password);
        match self {
            Plugin::Native => xor(&sha1(&[password.as_bytes()]), &sha1(&[nonce, &stored])),
            Plugin::CachingSha2 => xor(&sha256(&[password.as_bytes()]), &sha256(&[&stored, nonce])),
        }
    }
}

fn sha1(parts: &[&[u8]]) -> [u8; 20] {
    let mut hash = Sha1::new();
    parts.iter().for_each(|part| hash.update(part));
    hash.finalize().into()
}

fn sha256(parts: &[&[u8]]) -> [u8; 32] {
    let mut hash = Sha256::new();
    parts.iter().for_each(|part| hash.update(part));
    hash.finalize().into()
}

fn xor(a: &[u8], b: &[u8]) -> Vec<u8> {
    a.iter().zip(b).map(|(a, b)| a ^ b).collect()
}

fn unmask(scramble: &[u8], mask: &[u8]) -> Option<Vec<u8>> {
    (scramble.len() == mask.len()).then(|| xor(scramble, mask))
}

/// Compares in a time that does not depend on where the difference is.
fn equal(a: &[u8], b: &[u8]) -> bool {
    a.len() == b.len() && a.iter().zip(b).fold(0, |differ, (a, b)| differ | (a ^ b)) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_right_password_passes() {
        let nonce = b"01234567890123456789";
        for plugin in [Plugin::Native, Plugin::CachingSha2] {
            let stored = plugin.stored("secret");
            assert!(plugin.verify(&stored, nonce, &plugin.scramble("secret", nonce)));
            assert!(!plugin.verify(&stored, nonce, &plugin.scramble("Secret", nonce)));
            assert!(!plugin.verify(
                &stored,
                b"98765432109876543210",
                &plugin.scramble("secret", nonce)
            ));
            assert!(!plugin.verify(&stored, nonce, b""));
            assert!(!plugin.verify(&stored, nonce, b"short"));
            assert!(plugin.verify(&[], nonce, b""));
            assert!(!plugin.verify(&[], nonce, &plugin.scramble("secret", nonce)));
        }
    }

    #[test]
    fn scrambles_are_those_of_a_real_client() {
        let nonce = b"abcdefghijklmnopqrst";
        let theirs = by_hand(nonce);
        assert_eq!(Plugin::Native.scramble("pa55", nonce), theirs);
    }

    /// SHA1(password) XOR SHA1(nonce + SHA1(SHA1(password))), spelled out once more by hand.
    fn by_hand(nonce: &[u8]) -> Vec<u8> {
        let stage1 = Sha1::digest(b"pa55");
        let stage2 = Sha1::digest(stage1);
        let mask = Sha1::new().chain_update(nonce).chain_update(stage2).finalize();
        stage1.iter().zip(mask).map(|(a, b)| a ^ b).collect()
    }
}
