//! `mysql.servers`: there are no foreign servers.

use crate::sql::system::table::table;

table! {
    "servers" is empty;
    Server_name: Varchar(64) NOT NULL;
    Host: Varchar(255) NOT NULL;
    Db: Varchar(64) NOT NULL;
    Username: Varchar(64) NOT NULL;
    Password: Varchar(64) NOT NULL;
    Port: Int NOT NULL;
    Socket: Varchar(64) NOT NULL;
    Wrapper: Varchar(64) NOT NULL;
    Owner: Varchar(64) NOT NULL;
}
