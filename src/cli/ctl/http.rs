//! As much of HTTP as asking a node takes.

use std::fmt;
use std::io::{Read as _, Write as _};
use std::net::{TcpStream, ToSocketAddrs as _};
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, bail};
use serde_json::Value;

/// How long a connection may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// How long an answer may take: longer than the node itself waits for its placement driver.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(15);

/// The admin endpoint of a node.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::cli) struct Endpoint {
    host: String,
    /// The line of the request that says who may ask.
    authorization: String,
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "http://{}", self.host)
    }
}

impl Endpoint {
    /// From `http://host:port`, or without the scheme.
    pub(in crate::cli) fn parse(address: &str) -> anyhow::Result<Endpoint> {
        let host = match address.split_once("://") {
            None => address,
            Some(("http", host)) => host,
            Some((scheme, _)) => bail!("{address}: {scheme} is not spoken here, only http"),
        };
        let host = host.trim_end_matches('/');
        if host.is_empty() || host.contains('/') || !host.contains(':') {
            bail!("{address} is not the address of an admin endpoint: http://HOST:PORT");
        }
        Ok(Endpoint { host: host.to_owned(), authorization: String::new() })
    }

    /// The same, asked by somebody who knows a token.
    pub(in crate::cli) fn with(mut self, token: Option<&str>) -> Endpoint {
        if let Some(token) = token {
            self.authorization = format!("Authorization: Bearer {token}\r\n");
        }
        self
    }

    /// Sends one request; answers the status and the JSON that came back.
    pub(in crate::cli) fn ask(
        &self,
        method: &str,
        path: &str,
        body: Option<&Value>,
    ) -> anyhow::Result<(u16, Value)> {
        let mut addresses = self.host.to_socket_addrs().context("cannot be resolved")?;
        let address = addresses.next().context("has no address")?;
        let mut stream =
            TcpStream::connect_timeout(&address, CONNECT_TIMEOUT).context("cannot be reached")?;
        stream.set_read_timeout(Some(ANSWER_TIMEOUT))?;
        stream.set_write_timeout(Some(ANSWER_TIMEOUT))?;
        let body = body.map(Value::to_string).unwrap_or_default();
        // With version 1.0 the answer ends where the connection does.
        let request = format!(
            "{method} {path} HTTP/1.0\r\nHost: {}\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\nConnection: close\r\n{}\r\n{body}",
            self.host,
            body.len(),
            self.authorization
        );
        stream.write_all(request.as_bytes()).context("does not take the request")?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).context("does not answer")?;
        parse_answer(&String::from_utf8_lossy(&answer))
    }
}

/// The token of a file: its first line.
pub(in crate::cli) fn token(file: &Path) -> anyhow::Result<String> {
    let text = std::fs::read_to_string(file)
        .with_context(|| format!("cannot read the token in {}", file.display()))?;
    let token = text.lines().next().unwrap_or_default().trim();
    if token.is_empty() || token.contains(|c: char| c.is_ascii_control()) {
        bail!("there is no token in {}", file.display());
    }
    Ok(token.to_owned())
}

pub(in crate::cli) fn parse_answer(answer: &str) -> anyhow::Result<(u16, Value)> {
    let (head, body) = answer.split_once("\r\n\r\n").context("does not answer in HTTP")?;
    let status = head.split_whitespace().nth(1).and_then(|status| status.parse().ok());
    let status = status.context("does not answer in HTTP")?;
    let value = serde_json::from_str(body)
        .with_context(|| format!("status {status}, and no JSON: is it an admin endpoint?"))?;
    Ok((status, value))
}

/// A part of a path or of a query, with everything else than letters, digits and a few signs escaped.
pub(in crate::cli) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~/".contains(&byte) {
            escaped.push(char::from(byte));
        } else {
            escaped.push_str(&format!("%{byte:02X}"));
        }
    }
    escaped
}
