//! The sockets a node listens on.

use std::net::{SocketAddr, TcpListener};

use crate::config::{Config, Role};

/// Ports that browsers refuse to open, from 1024 on, where no administrator of a system is needed (the Fetch standard, "port blocking").
/// 10080, the usual one for this kind of endpoint, is among them.
const REFUSED_BY_BROWSERS: [u16; 19] = [
    1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060, 5061, 6000, 6566, 6665, 6666, 6667, 6668, 6669,
    6679, 6697, 10080,
];
/// Where people look at the page then, if nobody else is there.
const PAGE_PORT: u16 = 10088;

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
    /// For their browsers too, if these refuse the port of `admin`.
    pub page: Option<TcpListener>,
    /// For other nodes.
    pub bridge: TcpListener,
}

impl Sockets {
    /// Binds all that the roles need, or none.
    pub fn bind(config: &Config) -> Result<Sockets, Error> {
        let gateway = config.node.roles().has(Role::Gateway);
        let mysql = gateway.then(|| bind("mysql.addr", config.mysql.addr)).transpose()?;
        let admin = bind("admin.addr", config.admin.addr)?;
        Ok(Sockets {
            mysql,
            page: page(config.admin.addr),
            admin,
            bridge: bind("node.addr", config.node.addr)?,
        })
    }
}

fn bind(key: &'static str, address: SocketAddr) -> Result<TcpListener, Error> {
    TcpListener::bind(address).map_err(|error| Error { key, address, error })
}

/// Whether browsers open no address with this port.
pub fn browsers_refuse(port: u16) -> bool {
    REFUSED_BY_BROWSERS.contains(&port)
}

/// A second socket for the admin endpoint where browsers refuse the first; any free port if the usual one is taken. The node does its
/// work without it.
fn page(admin: SocketAddr) -> Option<TcpListener> {
    if !browsers_refuse(admin.port()) {
        return None;
    }
    let bound = [PAGE_PORT, 0].iter().find_map(|port| TcpListener::bind((admin.ip(), *port)).ok());
    if bound.is_none() {
        tracing::warn!(
            port = admin.port(),
            "browsers refuse the admin endpoint's port, and there is no other"
        );
    }
    bound
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_that_browsers_refuse_gets_another_beside_it() {
        assert!(page("127.0.0.1:10081".parse().unwrap()).is_none());
        let (one, other) =
            (page("127.0.0.1:10080".parse().unwrap()), page("127.0.0.1:6000".parse().unwrap()));
        let ports = [one, other].map(|socket| socket.unwrap().local_addr().unwrap().port());
        assert_ne!(ports[0], ports[1]);
        assert!(ports.iter().all(|port| !browsers_refuse(*port)), "{ports:?}");
    }
}
