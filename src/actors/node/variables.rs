//! System variables that tell how the node is configured.

use std::net::SocketAddr;
use std::path::Path;

use crate::config::{AuthPlugin, Config};

/// Names and values of the variables that the configuration decides.
pub(super) fn configured(
    config: &Config,
    mysql: Option<SocketAddr>,
) -> Vec<(&'static str, String)> {
    let address = mysql.unwrap_or(config.mysql.addr);
    let switch = |on: bool| if on { "ON" } else { "OFF" }.to_owned();
    let path = |path: &Path| path.display().to_string();
    let tls = !config.mysql.tls_cert.as_os_str().is_empty();
    let plugin = match config.mysql.default_authentication_plugin {
        AuthPlugin::MysqlNativePassword => "mysql_native_password",
        AuthPlugin::CachingSha2Password => "caching_sha2_password",
    };
    let ssl = if tls { "YES" } else { "DISABLED" };
    let mut variables = vec![
        ("auto_generate_certs", switch(config.mysql.auto_generate_certs)),
        ("bind_address", address.ip().to_string()),
        ("connect_timeout", config.mysql.connect_timeout.0.as_secs().to_string()),
        ("datadir", data_dir(&config.node.data_dir)),
        ("have_openssl", ssl.to_owned()),
        ("have_ssl", ssl.to_owned()),
        ("default_authentication_plugin", plugin.to_owned()),
        ("innodb_buffer_pool_size", config.store.block_cache.0.to_string()),
        ("max_allowed_packet", config.mysql.max_allowed_packet.0.to_string()),
        ("max_connections", config.mysql.max_connections.to_string()),
        ("max_prepared_stmt_count", config.sql.max_prepared_statements.to_string()),
        ("port", address.port().to_string()),
        ("require_secure_transport", switch(config.mysql.require_secure_transport)),
        ("secure_file_priv", config.mysql.secure_file_priv.clone()),
        ("ssl_cert", path(&config.mysql.tls_cert)),
        ("ssl_key", path(&config.mysql.tls_key)),
    ];
    if let Ok(name) = std::fs::read_to_string("/proc/sys/kernel/hostname") {
        variables.push(("hostname", name.trim().to_owned()));
    }
    variables
}

/// The data directory as MySQL shows its own: absolute, with a slash at its end.
fn data_dir(configured: &Path) -> String {
    let absolute = configured.canonicalize().unwrap_or_else(|_| configured.to_owned());
    format!("{}/", absolute.display().to_string().trim_end_matches('/'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::actors::session::variables::GlobalVariables;

    #[test]
    fn every_name_is_a_variable() {
        let mut config = Config::default();
        config.mysql.max_connections = 7;
        let configured = configured(&config, Some(([127, 0, 0, 1], 4444).into()));
        let variables = GlobalVariables::new(&configured);
        for (name, value) in &configured {
            assert_eq!(variables.value(name), Some(value.as_str().into()), "{name}");
        }
        assert_eq!(variables.value("port"), Some("4444".into()));
        assert_eq!(variables.value("max_connections"), Some("7".into()));
    }
}
