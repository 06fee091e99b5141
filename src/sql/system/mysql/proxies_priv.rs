//! `mysql.proxies_priv`: nobody stands in for another.

use crate::sql::system::table::table;

table! {
    "proxies_priv" is empty;
    Host: Varchar(255) NOT NULL;
    User: Varchar(32) NOT NULL;
    Proxied_host: Varchar(255) NOT NULL;
    Proxied_user: Varchar(32) NOT NULL;
    With_grant: Int NOT NULL;
    Grantor: Varchar(288) NOT NULL;
    Timestamp: Timestamp(0) NOT NULL;
}
