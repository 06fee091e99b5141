//! `mysql.tables_priv`: what is granted on tables.

use crate::sql::system::grant_facts::{as_set, tables};
use crate::sql::system::table::table;
use crate::sql::types::{Datum, Time, TimeKind, TimeZone};

/// MySQL has no moment there either.
pub(super) fn never() -> Datum {
    let time = Time::from_unix_micros(0, &TimeZone::default(), TimeKind::Timestamp, 0);
    time.map_or(Datum::Null, Datum::Time)
}

table! {
    "tables_priv": |asked| for (account, database, name, grant) in tables(asked.sources.accounts());
    Host: Varchar(255) NOT NULL = account.host.as_str();
    Db: Varchar(64) NOT NULL = database.as_str();
    User: Varchar(32) NOT NULL = account.user.as_str();
    Table_name: Varchar(64) NOT NULL = name.as_str();
    Grantor: Varchar(288) NOT NULL = grant.grantor.as_str();
    Timestamp: Timestamp(0) NOT NULL = never();
    Table_priv: Varchar(130) NOT NULL = as_set(grant.table);
    Column_priv: Varchar(40) NOT NULL = as_set(grant.of_columns());
}
