//! `information_schema.PLUGINS`: what there is to authenticate with, and the engine; SHOW PLUGINS reads it.

use crate::sql::system::table::table;
use crate::sql::types::Datum;

/// Name and kind of each.
const PLUGINS: [(&str, &str); 3] = [
    ("caching_sha2_password", "AUTHENTICATION"),
    ("mysql_native_password", "AUTHENTICATION"),
    ("InnoDB", "STORAGE ENGINE"),
];

table! {
    "PLUGINS": |_asked| for (name, kind) in PLUGINS;
    PLUGIN_NAME: Varchar(64) NOT NULL = name;
    PLUGIN_VERSION: Varchar(20) NOT NULL = "1.0";
    PLUGIN_STATUS: Varchar(10) NOT NULL = "ACTIVE";
    PLUGIN_TYPE: Varchar(80) NOT NULL = kind;
    PLUGIN_TYPE_VERSION: Varchar(20) NOT NULL = "1.0";
    PLUGIN_LIBRARY: Varchar(64) = Datum::Null;
    PLUGIN_LIBRARY_VERSION: Varchar(20) = Datum::Null;
    PLUGIN_AUTHOR: Varchar(64) = "TroupeDB";
    PLUGIN_DESCRIPTION: LongText = Datum::Null;
    PLUGIN_LICENSE: Varchar(80) = "Apache-2.0";
    LOAD_OPTION: Varchar(64) NOT NULL = "FORCE";
}
