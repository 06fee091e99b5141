//! Who may ask the endpoint, and what.
//!
//! From the machine itself everybody may do everything, as whoever is there may read the data directory. From elsewhere a token is asked
//! for, as `Authorization: Bearer TOKEN` or as the password of the HTTP login that browsers ask people for: one to look, one to operate.
//! `/health` is for all, since what asks for it (a balancer, Kubernetes) often cannot say more than its address.
//!
//! A browser may be made to ask on behalf of a page that is not ours: by a name that first leads to the page and then to this machine (DNS
//! rebinding), or by a form. Both are told by what the browser says: the name it asked for must be one that nobody outside can
//! own, or one of the settings' ([`Guard::hosts`]); the page a change comes from must be ours.

use std::net::{IpAddr, SocketAddr};

use actix_web::dev::ServiceRequest;
use actix_web::http::{Method, header};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};
use tracing::info;

use super::http::Refusal;

/// The endpoint for those who cannot say who they are.
const OPEN: &str = "/health";
/// Endings of names that are never in the public tree of names (RFC 6761, RFC 6762, and what ICANN has set apart).
const NEVER_PUBLIC: [&str; 4] = [".localhost", ".local", ".internal", ".cluster.local"];

/// What somebody who asks from elsewhere must know.
#[derive(Clone, Debug, Default)]
pub struct Guard {
    /// Names this node is asked by, beside addresses and those that nobody outside can own.
    pub hosts: Vec<String>,
    /// Who knows it may look at everything.
    pub look: Option<Token>,
    /// Who knows it may change things too.
    pub operate: Option<Token>,
}

/// A token, of which only a print is kept.
#[derive(Clone, PartialEq, Eq)]
pub struct Token([u8; 32]);

impl Token {
    /// Of what somebody has said or a file says.
    pub fn new(text: &str) -> Token {
        Token(Sha256::digest(text).into())
    }
}

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Token(…)")
    }
}

impl Guard {
    /// Lets a request through, or says why not.
    pub(super) fn judge(&self, request: &ServiceRequest) -> Result<(), Refusal> {
        let text = |name| request.headers().get(name).map(|value| value.as_bytes());
        if let Some(host) = text(header::HOST) {
            let host = String::from_utf8_lossy(host);
            if !self.is_ours(&host) {
                return Err(Refusal::ForeignHost(host.into_owned()));
            }
        }
        let changes = !matches!(*request.method(), Method::GET | Method::HEAD);
        let peer = request.peer_addr();
        if request.path() != OPEN {
            self.may(peer, text(header::AUTHORIZATION), changes)?;
        }
        if changes {
            let (method, path) = (request.method(), request.path());
            let peer = peer.map(|peer| peer.to_string());
            info!(%method, path, query = request.query_string(), peer, "an operator asks for a change");
        }
        Ok(())
    }

    fn is_ours(&self, host: &str) -> bool {
        let name = without_port(host).trim_end_matches('.').to_ascii_lowercase();
        let bare = name.trim_start_matches('[').trim_end_matches(']');
        bare.parse::<IpAddr>().is_ok()
            || !name.contains('.')
            || NEVER_PUBLIC.iter().any(|ending| name.ends_with(ending))
            || self.hosts.iter().any(|ours| ours.eq_ignore_ascii_case(&name))
    }

    fn may(
        &self,
        peer: Option<SocketAddr>,
        authorization: Option<&[u8]>,
        changes: bool,
    ) -> Result<(), Refusal> {
        if peer.is_some_and(|peer| peer.ip().to_canonical().is_loopback()) {
            return Ok(());
        }
        let Some(token) = authorization.and_then(token) else { return Err(Refusal::NoToken) };
        if self.operate.as_ref() == Some(&token) {
            return Ok(());
        }
        if self.look.as_ref() != Some(&token) {
            return Err(Refusal::NoToken);
        }
        match changes {
            false => Ok(()),
            true => Err(Refusal::Forbidden("this token is for looking, not for changes".into())),
        }
    }
}

fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        // An IPv6 address has colons of its own, and brackets when a port follows.
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => {
            if name.contains(':') && !name.ends_with(']') { host } else { name }
        }
        _ => host,
    }
}

/// The token of the header `Authorization`; of a login it is the password, whoever says he is.
fn token(authorization: &[u8]) -> Option<Token> {
    let text = std::str::from_utf8(authorization).ok()?;
    let (scheme, rest) = text.split_once(' ')?;
    let rest = rest.trim();
    if scheme.eq_ignore_ascii_case("bearer") {
        return Some(Token::new(rest));
    }
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let login = String::from_utf8(STANDARD.decode(rest).ok()?).ok()?;
    login.split_once(':').map(|(_, password)| Token::new(password))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_nobody_outside_can_own_are_ours() {
        let guard = Guard { hosts: vec!["db.example.org".into()], ..Guard::default() };
        for host in [
            "127.0.0.1:10080",
            "10.0.0.7",
            "[::1]:10080",
            "[fe80::1]",
            "localhost:1",
            "LOCALHOST",
            "store-1:10080",
            "troupe-0.troupe.default.svc.cluster.local:10080",
            "db.example.org:10080",
            "DB.example.org.",
        ] {
            assert!(guard.is_ours(host), "{host}");
        }
        for host in [
            "evil.example.com",
            "127.0.0.1.evil.com:10080",
            "localhost.evil.com",
            "db.example.org.evil.com",
        ] {
            assert!(!guard.is_ours(host), "{host}");
        }
    }

    #[test]
    fn a_token_is_asked_for_from_elsewhere() {
        let guard = Guard {
            look: Some(Token::new("see")),
            operate: Some(Token::new("do")),
            ..Guard::default()
        };
        let here = Some("127.0.0.1:1".parse().unwrap());
        let mapped = Some("[::ffff:127.0.0.1]:1".parse().unwrap());
        let there = Some("192.0.2.1:1".parse().unwrap());
        let may = |peer, said: Option<&str>, changes| {
            guard.may(peer, said.map(str::as_bytes), changes).is_ok()
        };
        assert!(may(here, None, true) && may(mapped, None, true));
        assert!(!may(there, None, false) && !may(None, None, false));
        assert!(may(there, Some("Bearer see"), false) && !may(there, Some("Bearer see"), true));
        assert!(may(there, Some("bearer do"), true));
        let login = format!("Basic {}", STANDARD.encode("anybody:do"));
        assert!(may(there, Some(&login), true));
        for wrong in ["Bearer", "Bearer ", "Bearer x", "Basic do", "Basic !", "Digest do", "do"] {
            assert!(!may(there, Some(wrong), false), "{wrong}");
        }
        let open = Guard::default();
        assert!(open.may(there, Some(b"Bearer "), false).is_err(), "no token is no empty token");
    }
}
