//! `information_schema.RESOURCE_GROUPS`: there are no resource groups.

use crate::sql::system::table::table;

table! {
    "RESOURCE_GROUPS" is empty;
    RESOURCE_GROUP_NAME: Varchar(64) NOT NULL;
    RESOURCE_GROUP_TYPE: Varchar(6) NOT NULL;
    RESOURCE_GROUP_ENABLED: Int NOT NULL;
    VCPU_IDS: Blob;
    THREAD_PRIORITY: Int NOT NULL;
}
