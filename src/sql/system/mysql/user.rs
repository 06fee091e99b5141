//! `mysql.user`: the accounts, each with all rights.

use crate::sql::system::table::table;
use crate::sql::types::Datum;

table! {
    "user": |asked| for account in asked.sources.accounts();
    Host: Varchar(255) NOT NULL = account.host.as_str();
    User: Varchar(32) NOT NULL = account.user.as_str();
    Select_priv: Varchar(1) NOT NULL = "Y";
    Insert_priv: Varchar(1) NOT NULL = "Y";
    Update_priv: Varchar(1) NOT NULL = "Y";
    Delete_priv: Varchar(1) NOT NULL = "Y";
    Create_priv: Varchar(1) NOT NULL = "Y";
    Drop_priv: Varchar(1) NOT NULL = "Y";
    Reload_priv: Varchar(1) NOT NULL = "Y";
    Shutdown_priv: Varchar(1) NOT NULL = "Y";
    Process_priv: Varchar(1) NOT NULL = "Y";
    File_priv: Varchar(1) NOT NULL = "Y";
    Grant_priv: Varchar(1) NOT NULL = "Y";
    References_priv: Varchar(1) NOT NULL = "Y";
    Index_priv: Varchar(1) NOT NULL = "Y";
    Alter_priv: Varchar(1) NOT NULL = "Y";
    Show_db_priv: Varchar(1) NOT NULL = "Y";
    Super_priv: Varchar(1) NOT NULL = "Y";
    Create_tmp_table_priv: Varchar(1) NOT NULL = "Y";
    Lock_tables_priv: Varchar(1) NOT NULL = "Y";
    Execute_priv: Varchar(1) NOT NULL = "Y";
    Repl_slave_priv: Varchar(1) NOT NULL = "Y";
    Repl_client_priv: Varchar(1) NOT NULL = "Y";
    Create_view_priv: Varchar(1) NOT NULL = "Y";
    Show_view_priv: Varchar(1) NOT NULL = "Y";
    Create_routine_priv: Varchar(1) NOT NULL = "Y";
    Alter_routine_priv: Varchar(1) NOT NULL = "Y";
    Create_user_priv: Varchar(1) NOT NULL = "Y";
    Event_priv: Varchar(1) NOT NULL = "Y";
    Trigger_priv: Varchar(1) NOT NULL = "Y";
    Create_tablespace_priv: Varchar(1) NOT NULL = "Y";
    ssl_type: Varchar(9) NOT NULL = "";
    ssl_cipher: Blob NOT NULL = "";
    x509_issuer: Blob NOT NULL = "";
    x509_subject: Blob NOT NULL = "";
    max_questions: UInt NOT NULL = 0_u64;
    max_updates: UInt NOT NULL = 0_u64;
    max_connections: UInt NOT NULL = 0_u64;
    max_user_connections: UInt NOT NULL = 0_u64;
    plugin: Varchar(64) NOT NULL = account.plugin.name();
    authentication_string: Text = account.shown_password();
    password_expired: Varchar(1) NOT NULL = "N";
    password_last_changed: Timestamp(0) = Datum::Null;
    password_lifetime: UInt = Datum::Null;
    account_locked: Varchar(1) NOT NULL = "N";
    Create_role_priv: Varchar(1) NOT NULL = "Y";
    Drop_role_priv: Varchar(1) NOT NULL = "Y";
    Password_reuse_history: UInt = Datum::Null;
    Password_reuse_time: UInt = Datum::Null;
    Password_require_current: Varchar(1) = Datum::Null;
    User_attributes: LongText = Datum::Null;
}
