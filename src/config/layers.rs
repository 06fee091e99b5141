//! Default, file, environment and flags, merged with the origin of every value kept for its errors.

use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use toml::{Table, Value};

use super::Config;

/// Prefix of the environment variables.
const ENV_PREFIX: &str = "TROUPE_";
/// Prefix of those that are for `troupe ctl`.
const CTL_PREFIX: &str = "TROUPE_CTL_";

/// Where a value stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// The configuration file.
    File(PathBuf),
    /// An environment variable.
    Env(String),
    /// A command-line flag.
    Flag(String),
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Source::File(path) => write!(f, "file {}", path.display()),
            Source::Env(name) => write!(f, "environment variable {name}"),
            Source::Flag(name) => write!(f, "flag {name}"),
        }
    }
}

/// A configuration that cannot be used. The operator corrects the place it names.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file cannot be read.
    #[error("cannot read configuration file {}: {error}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        error: std::io::Error,
    },
    /// The file is not TOML.
    #[error("configuration file {} is not valid TOML: {error}", path.display())]
    Syntax {
        /// The file.
        path: PathBuf,
        /// Where and why.
        error: toml::de::Error,
    },
    /// No such key.
    #[error("unknown configuration key '{key}' in {source_name}")]
    UnknownKey {
        /// The key.
        key: String,
        /// Where it stands.
        source_name: Source,
    },
    /// The value does not fit the key.
    #[error("bad value for configuration key '{key}' in {source_name}: {reason}")]
    BadValue {
        /// The key.
        key: String,
        /// Where it stands; `the defaults` never is.
        source_name: Source,
        /// What is wrong.
        reason: String,
    },
    /// Values that do not go together, some of them defaults.
    #[error("bad configuration: '{key}' {reason}")]
    Invalid {
        /// The key.
        key: String,
        /// What is wrong.
        reason: String,
    },
}

/// The layers, merged one over the other.
pub struct Layers {
    merged: Table,
    defaults: Table,
    origins: Vec<(String, Source)>,
    unknown: Vec<String>,
}

impl Default for Layers {
    fn default() -> Self {
        Layers::new()
    }
}

impl Layers {
    /// Only the defaults.
    pub fn new() -> Layers {
        let defaults =
            Table::try_from(Config::default()).expect("the default configuration is a table");
        Layers { merged: defaults.clone(), defaults, origins: Vec::new(), unknown: Vec::new() }
    }

    /// Lays a file over what is there.
    pub fn file(&mut self, path: &Path) -> Result<(), Error> {
        let text = std::fs::read_to_string(path)
            .map_err(|error| Error::Unreadable { path: path.into(), error })?;
        let table: Table =
            text.parse().map_err(|error| Error::Syntax { path: path.into(), error })?;
        if let Some(key) = unknown_section(&table, &self.defaults) {
            return Err(Error::UnknownKey { key, source_name: Source::File(path.into()) });
        }
        for (key, value) in leaves(&table) {
            self.set(&key, value, Source::File(path.into()))?;
        }
        Ok(())
    }

    /// Lays environment variables over what is there; those without our prefix are none of our business. One with it that is no key
    /// is passed over, and told by [`Layers::unknown`]: for a service called `troupe` Kubernetes sets `TROUPE_PORT` and the like.
    pub fn environment(
        &mut self,
        variables: impl Iterator<Item = (OsString, OsString)>,
    ) -> Result<(), Error> {
        // A name that is no text cannot be one of ours.
        let mut variables: Vec<(String, OsString)> = variables
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value)))
            .filter(|(name, _)| name.starts_with(ENV_PREFIX) && !name.starts_with(CTL_PREFIX))
            .collect();
        variables.sort();
        for (name, value) in variables {
            let source = Source::Env(name.clone());
            let mut keys = leaves(&self.defaults).into_iter().map(|(key, _)| key);
            let Some(key) = keys.find(|key| env_name(key) == name) else {
                self.unknown.push(name);
                continue;
            };
            let text = value.into_string().map_err(|_| Error::BadValue {
                key: key.clone(),
                source_name: source.clone(),
                reason: "it is not valid UTF-8".into(),
            })?;
            self.set_text(&key, &text, source)?;
        }
        Ok(())
    }

    /// The environment variables with our prefix that are no key.
    pub fn unknown(&self) -> &[String] {
        &self.unknown
    }

    /// Lays one flag over what is there.
    pub fn flag(&mut self, flag: &str, key: &str, text: &str) -> Result<(), Error> {
        self.set_text(key, text, Source::Flag(flag.into()))
    }

    /// The effective configuration.
    pub fn finish(self) -> Result<Config, Error> {
        let config = Config::deserialize(Value::Table(self.merged)).map_err(|error| {
            Error::Invalid { key: "configuration".into(), reason: error.to_string() }
        })?;
        if let Err((key, reason)) = config.validate() {
            let origin = self.origins.into_iter().rev().find(|(set, _)| set == key);
            return Err(match origin {
                Some((key, source_name)) => Error::BadValue { key, source_name, reason },
                None => Error::Invalid { key: key.into(), reason },
            });
        }
        Ok(config)
    }

    /// Text takes the type its key's default has.
    fn set_text(&mut self, key: &str, text: &str, source: Source) -> Result<(), Error> {
        let value = match find(&self.defaults, key) {
            Some(Value::Integer(_)) => match text.parse() {
                Ok(number) => Value::Integer(number),
                Err(_) => Value::String(text.into()),
            },
            Some(Value::Float(_)) => match text.parse() {
                Ok(number) => Value::Float(number),
                Err(_) => Value::String(text.into()),
            },
            Some(Value::Boolean(_)) => match text.parse() {
                Ok(flag) => Value::Boolean(flag),
                Err(_) => Value::String(text.into()),
            },
            _ => Value::String(text.into()),
        };
        self.set(key, value, source)
    }

    fn set(&mut self, key: &str, value: Value, source: Source) -> Result<(), Error> {
        if find(&self.defaults, key).is_none() {
            return Err(Error::UnknownKey { key: key.into(), source_name: source });
        }
        // Tried alone over the defaults, so that the error is about this key and no other.
        let mut alone = self.defaults.clone();
        put(&mut alone, key, value.clone());
        if let Err(error) = Config::deserialize(Value::Table(alone)) {
            let mut reason = error.to_string().lines().next().unwrap_or_default().to_string();
            if key.ends_with(".addr") {
                reason += ": it must be an IP address and a port, such as 127.0.0.1:4000";
            }
            return Err(Error::BadValue { key: key.into(), source_name: source, reason });
        }
        put(&mut self.merged, key, value);
        self.origins.push((key.into(), source));
        Ok(())
    }
}

/// Every value with its dotted key.
fn leaves(table: &Table) -> Vec<(String, Value)> {
    let mut found = Vec::new();
    for (name, value) in table {
        match value {
            Value::Table(inner) => found.extend(
                leaves(inner).into_iter().map(|(key, leaf)| (format!("{name}.{key}"), leaf)),
            ),
            leaf => found.push((name.clone(), leaf.clone())),
        }
    }
    found
}

/// A section that no key can be in, even if the file has none in it.
fn unknown_section(table: &Table, known: &Table) -> Option<String> {
    for (name, value) in table {
        let Value::Table(section) = value else { continue };
        let inner = match known.get(name) {
            Some(Value::Table(known)) => match unknown_section(section, known) {
                Some(inner) => Some(inner),
                None => continue,
            },
            _ => leaves(section).into_iter().next().map(|(key, _)| key),
        };
        return Some(inner.map_or_else(|| name.clone(), |inner| format!("{name}.{inner}")));
    }
    None
}

/// The leaf at a dotted key; a section is not a leaf.
fn find<'a>(table: &'a Table, key: &str) -> Option<&'a Value> {
    let mut parts = key.split('.');
    let mut value = table.get(parts.next()?)?;
    for part in parts {
        value = value.as_table()?.get(part)?;
    }
    (!value.is_table()).then_some(value)
}

fn put(table: &mut Table, key: &str, value: Value) {
    match key.split_once('.') {
        None => {
            table.insert(key.into(), value);
        }
        Some((section, rest)) => {
            let inner = table.entry(section).or_insert_with(|| Value::Table(Table::new()));
            if let Value::Table(inner) = inner {
                put(inner, rest, value);
            }
        }
    }
}

/// `mysql.max-allowed-packet` → `TROUPE_MYSQL_MAX_ALLOWED_PACKET`.
fn env_name(key: &str) -> String {
    format!("{ENV_PREFIX}{}", key.replace(['.', '-'], "_").to_uppercase())
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn file(text: &str) -> tempfile::NamedTempFile {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(text.as_bytes()).unwrap();
        file
    }

    fn env(pairs: &[(&str, &str)]) -> impl Iterator<Item = (OsString, OsString)> {
        pairs.iter().map(|(k, v)| (k.into(), v.into())).collect::<Vec<_>>().into_iter()
    }

    #[test]
    fn flag_beats_environment_beats_file_beats_default() {
        let file =
            file("[mysql]\nmax-connections = 1\nmax-allowed-packet = '1MiB'\n[pd]\nreplicas = 3\n");
        let mut layers = Layers::new();
        layers.file(file.path()).unwrap();
        layers
            .environment(env(&[
                ("TROUPE_MYSQL_MAX_CONNECTIONS", "2"),
                ("TROUPE_MYSQL_ADDR", "127.0.0.1:5000"),
                ("PATH", "/bin"),
            ]))
            .unwrap();
        layers.flag("--mysql-addr", "mysql.addr", "127.0.0.1:6000").unwrap();
        let config = layers.finish().unwrap();
        assert_eq!(config.mysql.addr.port(), 6000);
        assert_eq!(config.mysql.max_connections, 2);
        assert_eq!(config.mysql.max_allowed_packet.0, 1 << 20);
        assert_eq!(config.pd.replicas, 3);
        assert_eq!(config.admin.addr.port(), 10080);
    }

    #[test]
    fn errors_name_the_key_and_the_place() {
        let unknown = file("[mysql]\nmax-conections = 1\n");
        let error = Layers::new().file(unknown.path()).unwrap_err().to_string();
        assert!(error.contains("'mysql.max-conections'"), "{error}");
        assert!(error.contains(unknown.path().to_str().unwrap()), "{error}");

        let bad = file("[store]\nregion-split-size = 'big'\n");
        let error = Layers::new().file(bad.path()).unwrap_err().to_string();
        assert!(error.contains("'store.region-split-size'") && error.contains("'big'"), "{error}");
        assert!(error.contains(bad.path().to_str().unwrap()), "{error}");

        let error = Layers::new().environment(env(&[("TROUPE_PD_REPLICAS", "few")]));
        let error = error.unwrap_err().to_string();
        assert!(error.contains("TROUPE_PD_REPLICAS"), "{error}");

        let error = Layers::new().flag("--addr", "node.addr", "nowhere").unwrap_err().to_string();
        assert!(error.contains("node.addr") && error.contains("--addr"), "{error}");

        let mut layers = Layers::new();
        let file = file("[pd]\nreplicas = 2\n");
        layers.file(file.path()).unwrap();
        let error = layers.finish().unwrap_err().to_string();
        assert!(error.contains("'pd.replicas'") && error.contains("must be odd"), "{error}");
        assert!(error.contains(file.path().to_str().unwrap()), "{error}");
    }

    #[test]
    fn variables_of_others_are_passed_over_and_told() {
        let mut layers = Layers::new();
        let set = [("TROUPE_PORT", "tcp://10.0.0.1:4000"), ("TROUPE_PD_SERVICE_HOST", "10.0.0.1")];
        layers.environment(env(&set)).unwrap();
        assert_eq!(layers.unknown(), ["TROUPE_PD_SERVICE_HOST", "TROUPE_PORT"]);
        assert_eq!(layers.finish().unwrap(), Config::default());
    }

    /// What `text` in a file is refused with.
    fn refused(text: &str) -> String {
        let file = file(text);
        let mut layers = Layers::new();
        let error = match layers.file(file.path()) {
            Err(error) => error,
            Ok(()) => layers.finish().err().unwrap_or_else(|| panic!("accepted: {text}")),
        };
        let error = error.to_string();
        assert!(error.contains(file.path().to_str().unwrap()), "{error} does not name the file");
        error
    }

    /// Texts of files, and the key at which each is wrong.
    const CANNOT_WORK: [(&str, &str); 64] = [
        ("[nosection]\n", "nosection"),
        ("[nosection]\na = 1\n", "nosection.a"),
        ("[node.addr]\nport = 1\n", "node.addr"),
        ("mysql = 3\n", "mysql"),
        ("[node]\ndata-dir = ''\n", "node.data-dir"),
        ("[node]\nname = 'a/b'\n", "node.name"),
        ("[node]\nrole = 'stores'\n", "node.role"),
        ("[node]\nrole = ''\n", "node.role"),
        ("[node]\nname = 'a:1'\n", "node.name"),
        ("[node]\nname = 'store'\n", "node.name"),
        ("[node]\nrole = 'store'\npd = 'nowhere'\n", "node.pd"),
        ("[node]\nrole = 'store'\npd = 'a:1,b'\n", "node.pd"),
        ("[node]\npd = 'a:1'\n", "node.pd"),
        ("[node]\nrole = 'pd'\npd = 'a:1,127.0.0.1:20161'\n", "node.pd"),
        ("[node]\nrole = 'pd'\njoin = 'a'\n", "node.join"),
        ("[node]\nrole = 'store'\npd = 'a:1'\njoin = 'a:1'\n", "node.join"),
        ("[node]\nrole = 'pd'\npd = '127.0.0.1:20160'\njoin = 'a:1'\n", "node.join"),
        ("[node]\nadvertise-addr = 'a'\n", "node.advertise-addr"),
        ("[node]\njoin-timeout = '0s'\n", "node.join-timeout"),
        ("[registry]\ntype = 'etcd'\n", "registry.type"),
        ("[registry]\nendpoints = 'a:1'\n", "registry.endpoints"),
        ("[registry]\ntype = 'zookeeper'\n", "registry.type"),
        ("[registry]\nprefix = 'x'\n", "registry.prefix"),
        ("[registry]\nlease = '1ms'\n", "registry.lease"),
        ("[node]\ndrain-timeout = 'soon'\n", "node.drain-timeout"),
        ("[mysql]\naddr = 'localhost:4000'\n", "mysql.addr"),
        ("[mysql]\nmax-connections = 0\n", "mysql.max-connections"),
        ("[mysql]\nmax-connections = 'many'\n", "mysql.max-connections"),
        ("[mysql]\nmax-allowed-packet = '1B'\n", "mysql.max-allowed-packet"),
        ("[mysql]\nconnect-timeout = '0s'\n", "mysql.connect-timeout"),
        ("[mysql]\ntls-cert = 'a.pem'\n", "mysql.tls-cert"),
        ("[mysql]\ntls-key = 'a.pem'\n", "mysql.tls-key"),
        ("[log]\nlevel = 'a=b=c'\n", "log.level"),
        ("[log]\nlevel = 'loud'\n", "log.level"),
        ("[log]\nlevel = 'info,loud'\n", "log.level"),
        ("[log]\nlevel = 'troupedb=loud'\n", "log.level"),
        ("[log]\nlevel = ''\n", "log.level"),
        (
            "[mysql]\ndefault-authentication-plugin = 'none'\n",
            "mysql.default-authentication-plugin",
        ),
        ("[log]\nformat = 'xml'\n", "log.format"),
        ("[runtime]\ncore-threads = 100000\n", "runtime.core-threads"),
        ("[runtime]\ncompute-threads = 100000\n", "runtime.compute-threads"),
        ("[runtime]\nseed = -1\n", "runtime.seed"),
        ("[sql]\nquery-memory = '1KiB'\n", "sql.query-memory"),
        ("[transaction]\nlock-ttl = '1ms'\n", "transaction.lock-ttl"),
        ("[transaction]\nmax-life = '1s'\n", "transaction.max-life"),
        ("[transaction]\ngc-life-time = '0s'\n", "transaction.gc-life-time"),
        ("[stats]\nreport-interval = '0s'\n", "stats.report-interval"),
        ("[stats]\nreload-interval = '0s'\n", "stats.reload-interval"),
        ("[stats]\nanalyze-interval = '0s'\n", "stats.analyze-interval"),
        ("[stats]\nauto-analyze = 'no'\n", "stats.auto-analyze"),
        ("[stats]\nanalyze-ratio = 0\n", "stats.analyze-ratio"),
        ("[stats]\nanalyze-ratio = -0.5\n", "stats.analyze-ratio"),
        ("[stats]\nanalyze-ratio = nan\n", "stats.analyze-ratio"),
        ("[stats]\nanalyze-ratio = 'half'\n", "stats.analyze-ratio"),
        ("[stats]\nanalyze-load = 0.0\n", "stats.analyze-load"),
        ("[stats]\nanalyze-load = 2\n", "stats.analyze-load"),
        ("[store]\nheartbeat-interval = '0s'\n", "store.heartbeat-interval"),
        ("[store]\nappliers = 0\n", "store.appliers"),
        ("[store]\nappliers = 100000\n", "store.appliers"),
        ("[store]\nraft-tick = '0s'\n", "store.raft-tick"),
        ("[store]\nraft-log-gc-entries = 0\n", "store.raft-log-gc-entries"),
        ("[store]\nwrite-buffer = '1KiB'\n", "store.write-buffer"),
        ("[store]\nregion-split-size = '1KiB'\n", "store.region-split-size"),
        ("[pd]\nreplicas = 4\n", "pd.replicas"),
    ];

    #[test]
    fn a_value_that_cannot_work_is_refused_by_key_and_file() {
        for (text, key) in CANNOT_WORK {
            let error = refused(text);
            assert!(error.contains(&format!("'{key}")), "{error} does not name {key}");
        }
    }

    #[test]
    fn an_environment_that_is_not_text_matters_only_to_our_variables() {
        use std::os::unix::ffi::OsStringExt as _;
        let bytes = || OsString::from_vec(vec![0xff, 0xfe]);
        let foreign = [("LS_COLORS".into(), bytes()), (bytes(), "x".into())];
        Layers::new().environment(foreign.into_iter()).unwrap();
        let ours = [("TROUPE_NODE_NAME".into(), bytes())];
        let error = Layers::new().environment(ours.into_iter()).unwrap_err().to_string();
        assert!(error.contains("TROUPE_NODE_NAME") && error.contains("node.name"), "{error}");
    }

    #[test]
    fn what_is_printed_is_accepted_as_a_file() {
        let mut layers = Layers::new();
        layers.flag("--data-dir", "node.data-dir", "/a \"quoted\" \\ path").unwrap();
        layers
            .environment(env(&[
                ("TROUPE_STORE_RAFT_TICK", "1500ms"),
                ("TROUPE_STORE_BLOCK_CACHE", "1000"),
                ("TROUPE_LOG_LEVEL", "info,troupedb::actors=debug"),
                ("TROUPE_LOG_FORMAT", "json"),
                ("TROUPE_RUNTIME_SEED", "9223372036854775807"),
                ("TROUPE_STATS_ANALYZE_RATIO", "0.25"),
                ("TROUPE_STATS_ANALYZE_LOAD", "1"),
            ]))
            .unwrap();
        let config = layers.finish().unwrap();
        assert_eq!((config.stats.analyze_ratio, config.stats.analyze_load), (0.25, 1.0));
        let printed = file(&toml::to_string_pretty(&config).unwrap());
        let mut again = Layers::new();
        again.file(printed.path()).unwrap();
        assert_eq!(again.finish().unwrap(), config);
    }

    #[test]
    fn the_example_file_is_the_defaults() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/config/troupe.toml");
        let mut layers = Layers::new();
        layers.file(Path::new(path)).unwrap();
        assert_eq!(
            layers.origins.len(),
            leaves(&layers.defaults).len(),
            "every key is in the example"
        );
        assert_eq!(layers.finish().unwrap(), Config::default());
    }
}
