//! The sockets a node listens on.

use std::net::{SocketAddr, TcpListener};

use crate::config::{Config, Role};

/// A socket that cannot be had. The operator frees the port or names another.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {address} ({key}): {error}")]
pub struct Error {
    key: &'static str,
    address: SocketAddr,
    error: std::io::Error,
}

/// Bound before anything else starts. With port 0 in the configuration the system chose one.
#[derive(Debug)]
pub struct Sockets {
    /// For MySQL clients, on a gateway.
    pub mysql: Option<TcpListener>,
    /// For operators.
    pub admin: TcpListener,
    /// For other nodes.
    pub bridge: TcpListener,
}

impl Sockets {
    /// Binds all that the roles need, or none.
    pub fn bind(config: &Config) -> Result<Sockets, Error> {
        let gateway = config.node.roles().has(Role::Gateway);
        Ok(Sockets {
            mysql: gateway.then(|| bind("mysql.addr", config.mysql.addr)).transpose()?,
            admin: bind("admin.addr", config.admin.addr)?,
            bridge: bind("node.addr", config.node.addr)?,
        })
    }
}

fn bind(key: &'static str, address: SocketAddr) -> Result<TcpListener, Error> {
    TcpListener::bind(address).map_err(|error| Error { key, address, error })
}
