//! `information_schema.USER_ATTRIBUTES`: the accounts; they have no attributes.

use crate::sql::system::table::table;
use crate::sql::types::Datum;

table! {
    "USER_ATTRIBUTES": |asked| for account in asked.sources.accounts();
    USER: Varchar(32) NOT NULL = account.user.as_str();
    HOST: Varchar(255) NOT NULL = account.host.as_str();
    ATTRIBUTE: LongText = Datum::Null;
}
