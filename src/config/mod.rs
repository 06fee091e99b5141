//! Typed configuration: one struct a section, defaults in code, four layers.
//!
//! A value comes from the first of these that sets it: a command-line flag, an environment variable
//! (`TROUPE_` + section + key, upper case, `-` and `.` as `_`), the file, the default. An unknown key or
//! a bad value is an error that names the key and where it stands.

mod admin;
mod bridge;
mod layers;
mod registry;
mod roles;
mod sections;
mod stats;
mod units;

pub use admin::AdminConfig;
pub use bridge::{BridgeConfig, BridgeTlsConfig};
pub use layers::{Error, Layers, Source};
pub use registry::{RegistryConfig, RegistryType};
pub use roles::{Role, Roles};
pub use sections::{
    AuthPlugin, Config, LogConfig, LogFormat, MysqlConfig, NodeConfig, PdConfig, RuntimeConfig,
    SqlConfig, StoreConfig, TransactionConfig, log_filter,
};
pub use stats::StatsConfig;
pub use units::{ByteSize, Span};
