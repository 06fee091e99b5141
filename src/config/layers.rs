//! Default, file, environment and flags, merged with the origin of every value kept for its errors.

use std::fmt;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use toml::{Table, Value};

use super::Config;

/// Prefix of the environment variables.
const ENV_PREFIX: &str = "TROUPE_";

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
        Layers { merged: defaults.clone(), defaults, origins: Vec::new() }
    }

    /// Lays a file over what is there.
    pub fn file(&mut self, path: &Path) -> Result<(), Error> {
        let text = std::fs::read_to_string(path)
            .map_err(|error| Error::Unreadable { path: path.into(), error })?;
        let table: Table =
            text.parse().map_err(|error| Error::Syntax { path: path.into(), error })?;
        for (key, value) in leaves(&table) {
            self.set(&key, value, Source::File(path.into()))?;
        }
        Ok(())
    }

    /// Lays environment variables over what is there; those without our prefix are none of our business.
    pub fn environment(
        &mut self,
        variables: impl Iterator<Item = (String, String)>,
    ) -> Result<(), Error> {
        let mut variables: Vec<_> =
            variables.filter(|(name, _)| name.starts_with(ENV_PREFIX)).collect();
        variables.sort();
        for (name, text) in variables {
            let source = Source::Env(name.clone());
            let key = leaves(&self.defaults)
                .into_iter()
                .map(|(key, _)| key)
                .find(|key| env_name(key) == name)
                .ok_or_else(|| Error::UnknownKey {
                    key: name.clone(),
                    source_name: source.clone(),
                })?;
            self.set_text(&key, &text, source)?;
        }
        Ok(())
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
            let reason = error.to_string().lines().next().unwrap_or_default().to_string();
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

    fn env(pairs: &[(&str, &str)]) -> impl Iterator<Item = (String, String)> {
        pairs.iter().map(|(k, v)| (k.to_string(), v.to_string())).collect::<Vec<_>>().into_iter()
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

        let error =
            Layers::new().environment(env(&[("TROUPE_NOPE", "1")])).unwrap_err().to_string();
        assert!(error.contains("TROUPE_NOPE"), "{error}");

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
