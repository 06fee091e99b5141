//! The first packets of a connection.

use bytes::{BufMut, BytesMut};

use super::{CapabilityFlags, Malformed, StatusFlags, WireReader};

/// Bytes of randomness in a greeting.
pub const NONCE: usize = 20;

/// What the server can do, TLS aside.
pub fn server_capabilities(tls: bool) -> CapabilityFlags {
    let mut capabilities = CapabilityFlags::CLIENT_LONG_PASSWORD
        | CapabilityFlags::CLIENT_FOUND_ROWS
        | CapabilityFlags::CLIENT_LONG_FLAG
        | CapabilityFlags::CLIENT_CONNECT_WITH_DB
        | CapabilityFlags::CLIENT_COMPRESS
        | CapabilityFlags::CLIENT_ODBC
        | CapabilityFlags::CLIENT_LOCAL_FILES
        | CapabilityFlags::CLIENT_IGNORE_SPACE
        | CapabilityFlags::CLIENT_PROTOCOL_41
        | CapabilityFlags::CLIENT_INTERACTIVE
        | CapabilityFlags::CLIENT_TRANSACTIONS
        | CapabilityFlags::CLIENT_SECURE_CONNECTION
        | CapabilityFlags::CLIENT_MULTI_STATEMENTS
        | CapabilityFlags::CLIENT_MULTI_RESULTS
        | CapabilityFlags::CLIENT_PS_MULTI_RESULTS
        | CapabilityFlags::CLIENT_PLUGIN_AUTH
        | CapabilityFlags::CLIENT_CONNECT_ATTRS
        | CapabilityFlags::CLIENT_PLUGIN_AUTH_LENENC_CLIENT_DATA
        | CapabilityFlags::CLIENT_DEPRECATE_EOF;
    if tls {
        capabilities |= CapabilityFlags::CLIENT_SSL;
    }
    capabilities
}

/// The server's first packet, protocol version 10.
#[derive(Clone, Debug)]
pub struct Greeting<'a> {
    /// Version as the client shows it.
    pub version: &'a str,
    /// Identifies the connection, for KILL.
    pub connection_id: u32,
    /// Randomness that scrambles the password; no zero byte in it.
    pub nonce: &'a [u8; NONCE],
    /// What the server can do.
    pub capabilities: CapabilityFlags,
    /// Default collation of the connection.
    pub collation: u8,
    /// The authentication plugin it starts with.
    pub plugin: &'a str,
}

impl Greeting<'_> {
    /// Appends the payload.
    pub fn encode(&self, out: &mut BytesMut) {
        let capabilities = self.capabilities.bits();
        out.put_u8(10);
        out.extend_from_slice(self.version.as_bytes());
        out.put_u8(0);
        out.put_u32_le(self.connection_id);
        out.extend_from_slice(&self.nonce[..8]);
        out.put_u8(0);
        out.put_u16_le(capabilities as u16);
        out.put_u8(self.collation);
        out.put_u16_le(StatusFlags::SERVER_STATUS_AUTOCOMMIT.bits());
        out.put_u16_le((capabilities >> 16) as u16);
        out.put_u8(NONCE as u8 + 1);
        out.put_bytes(0, 10);
        out.extend_from_slice(&self.nonce[8..]);
        out.put_u8(0);
        out.extend_from_slice(self.plugin.as_bytes());
        out.put_u8(0);
    }
}

/// The client's first packet: either a request for TLS, after which it comes again, or the whole answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClientHello {
    /// Switch to TLS; the answer follows inside it.
    Tls,
    /// The answer.
    Response(HandshakeResponse),
}

/// Who wants to connect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HandshakeResponse {
    /// What the client can do.
    pub capabilities: CapabilityFlags,
    /// Its own limit of a packet.
    pub max_packet: u32,
    /// Collation of the connection.
    pub collation: u8,
    /// User name.
    pub user: String,
    /// The scrambled password, for `plugin`.
    pub auth: Vec<u8>,
    /// Database to start in.
    pub database: Option<String>,
    /// The authentication plugin `auth` is for.
    pub plugin: Option<String>,
    /// What the client says of itself.
    pub attributes: Vec<(String, String)>,
}

impl ClientHello {
    /// Reads the payload.
    pub fn decode(payload: &[u8]) -> Result<ClientHello, Malformed> {
        let mut reader = WireReader::new(payload);
        let raw = reader.u32()?;
        let capabilities = CapabilityFlags::from_bits_truncate(raw);
        if !capabilities.contains(CapabilityFlags::CLIENT_PROTOCOL_41) {
            return Err(Malformed("the client speaks a protocol older than 4.1"));
        }
        let max_packet = reader.u32()?;
        let collation = reader.u8()?;
        reader.bytes(23)?;
        if reader.is_empty() && capabilities.contains(CapabilityFlags::CLIENT_SSL) {
            return Ok(ClientHello::Tls);
        }
        let user = text(reader.nul_bytes()?)?;
        let auth = if capabilities.contains(CapabilityFlags::CLIENT_PLUGIN_AUTH_LENENC_CLIENT_DATA)
        {
            reader.lenenc_bytes()?.to_vec()
        } else if capabilities.contains(CapabilityFlags::CLIENT_SECURE_CONNECTION) {
            let length = reader.u8()?;
            reader.bytes(length.into())?.to_vec()
        } else {
            reader.nul_bytes()?.to_vec()
        };
        let database = if capabilities.contains(CapabilityFlags::CLIENT_CONNECT_WITH_DB) {
            Some(text(reader.nul_bytes()?)?).filter(|name| !name.is_empty())
        } else {
            None
        };
        let plugin = plugin_name(&mut reader, capabilities)?;
        let attributes = attributes(&mut reader, capabilities)?;
        Ok(ClientHello::Response(HandshakeResponse {
            capabilities,
            max_packet,
            collation,
            user,
            auth,
            database,
            plugin,
            attributes,
        }))
    }
}

/// COM_CHANGE_USER's body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangeUser {
    /// The new user.
    pub user: String,
    /// The scrambled password, for `plugin`.
    pub auth: Vec<u8>,
    /// Database to start in.
    pub database: Option<String>,
    /// Collation of the connection, if told.
    pub collation: Option<u16>,
    /// The authentication plugin `auth` is for.
    pub plugin: Option<String>,
}

impl ChangeUser {
    /// Reads the body, which follows the command byte.
    pub fn decode(body: &[u8], capabilities: CapabilityFlags) -> Result<ChangeUser, Malformed> {
        let mut reader = WireReader::new(body);
        let user = text(reader.nul_bytes()?)?;
        let length = reader.u8()?;
        let auth = reader.bytes(length.into())?.to_vec();
        let database = Some(text(reader.nul_bytes()?)?).filter(|name| !name.is_empty());
        let collation = if reader.is_empty() { None } else { Some(reader.u16()?) };
        let plugin = plugin_name(&mut reader, capabilities)?;
        attributes(&mut reader, capabilities)?;
        Ok(ChangeUser { user, auth, database, collation, plugin })
    }
}

fn plugin_name(
    reader: &mut WireReader<'_>,
    capabilities: CapabilityFlags,
) -> Result<Option<String>, Malformed> {
    if !capabilities.contains(CapabilityFlags::CLIENT_PLUGIN_AUTH) || reader.is_empty() {
        return Ok(None);
    }
    // Some clients leave the final zero out when nothing follows.
    let name = reader.nul_bytes().or_else(|_| Ok(reader.take_rest()))?;
    Ok(Some(text(name)?))
}

fn attributes(
    reader: &mut WireReader<'_>,
    capabilities: CapabilityFlags,
) -> Result<Vec<(String, String)>, Malformed> {
    let mut found = Vec::new();
    if capabilities.contains(CapabilityFlags::CLIENT_CONNECT_ATTRS) && !reader.is_empty() {
        let mut inner = WireReader::new(reader.lenenc_bytes()?);
        while !inner.is_empty() {
            let name = String::from_utf8_lossy(inner.lenenc_bytes()?).into_owned();
            let value = String::from_utf8_lossy(inner.lenenc_bytes()?).into_owned();
            found.push((name, value));
        }
    }
    Ok(found)
}

fn text(bytes: &[u8]) -> Result<String, Malformed> {
    String::from_utf8(bytes.to_vec()).map_err(|_| Malformed("a name is not UTF-8"))
}

/// Appends a request to authenticate with another plugin.
pub fn auth_switch(out: &mut BytesMut, plugin: &str, nonce: &[u8; NONCE]) {
    out.put_u8(0xfe);
    out.extend_from_slice(plugin.as_bytes());
    out.put_u8(0);
    out.extend_from_slice(nonce);
    out.put_u8(0);
}

/// Appends what a plugin has to say in the middle of an authentication.
pub fn auth_more(out: &mut BytesMut, data: &[u8]) {
    out.put_u8(0x01);
    out.extend_from_slice(data);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn response(capabilities: CapabilityFlags, tail: &[u8]) -> Vec<u8> {
        let mut out = BytesMut::new();
        out.put_u32_le(capabilities.bits());
        out.put_u32_le(1 << 24);
        out.put_u8(45);
        out.put_bytes(0, 23);
        out.extend_from_slice(tail);
        out.to_vec()
    }

    #[test]
    fn a_whole_response_is_read() {
        let capabilities = server_capabilities(false);
        let payload = response(
            capabilities,
            b"root\0\x03abctest\0caching_sha2_password\0\x0b\x04_pid\x0512345",
        );
        let ClientHello::Response(response) = ClientHello::decode(&payload).unwrap() else {
            panic!("not a response");
        };
        assert_eq!(response.user, "root");
        assert_eq!(response.auth, b"abc");
        assert_eq!(response.database.as_deref(), Some("test"));
        assert_eq!(response.plugin.as_deref(), Some("caching_sha2_password"));
        assert_eq!(response.attributes, [("_pid".into(), "12345".into())]);
    }

    #[test]
    fn a_tls_request_is_a_response_cut_short() {
        let payload = response(server_capabilities(true), b"");
        assert_eq!(ClientHello::decode(&payload), Ok(ClientHello::Tls));
    }

    #[test]
    fn old_clients_are_told_so() {
        let payload = response(CapabilityFlags::CLIENT_LONG_PASSWORD, b"root\0");
        assert!(ClientHello::decode(&payload).is_err());
    }

    proptest! {
        #[test]
        fn garbage_never_panics(bytes in prop::collection::vec(any::<u8>(), 0..120)) {
            let _ = ClientHello::decode(&bytes);
            let _ = ClientHello::decode(&response(server_capabilities(true), &bytes));
            let _ = ChangeUser::decode(&bytes, server_capabilities(true));
        }
    }
}
