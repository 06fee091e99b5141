//! `mysql.db`: what is granted on databases.

use crate::sql::accounts::{Privilege, Privileges};
use crate::sql::system::asked::Asked;
use crate::sql::system::grant_facts::yes;
use crate::sql::system::sources::Account;
use crate::sql::system::table::table;

fn databases(asked: &Asked<'_>) -> impl Iterator<Item = (Account, String, Privileges)> {
    let of = |account: Account| {
        let granted = account.grants.databases.clone();
        granted.into_iter().map(move |(name, one)| (account.clone(), name, one))
    };
    asked.sources.accounts().into_iter().flat_map(of)
}

table! {
    "db": |asked| for (account, database, privileges) in databases(asked);
    Host: Varchar(255) NOT NULL = account.host.as_str();
    Db: Varchar(64) NOT NULL = database.as_str();
    User: Varchar(32) NOT NULL = account.user.as_str();
    Select_priv: Varchar(1) NOT NULL = yes(privileges, Privilege::Select);
    Insert_priv: Varchar(1) NOT NULL = yes(privileges, Privilege::Insert);
    Update_priv: Varchar(1) NOT NULL = yes(privileges, Privilege::Update);
    Delete_priv: Varchar(1) NOT NULL = yes(privileges, Privilege::Delete);
    Create_priv: Varchar(1) NOT NULL = yes(privileges, Privilege::Create);
    Drop_priv: Varchar(1) NOT NULL = yes(privileges, Privilege::Drop);
    Grant_priv: Varchar(1) NOT NULL = yes(privileges, Privilege::Grant);
    References_priv: Varchar(1) NOT NULL = yes(privileges, Privilege::References);
    Index_priv: Varchar(1) NOT NULL = yes(privileges, Privilege::Index);
    Alter_priv: Varchar(1) NOT NULL = yes(privileges, Privilege::Alter);
    Create_tmp_table_priv: Varchar(1) NOT NULL = yes(privileges, Privilege::CreateTemporaryTables);
    Lock_tables_priv: Varchar(1) NOT NULL = yes(privileges, Privilege::LockTables);
    Create_view_priv: Varchar(1) NOT NULL = yes(privileges, Privilege::CreateView);
    Show_view_priv: Varchar(1) NOT NULL = yes(privileges, Privilege::ShowView);
    Create_routine_priv: Varchar(1) NOT NULL = yes(privileges, Privilege::CreateRoutine);
    Alter_routine_priv: Varchar(1) NOT NULL = yes(privileges, Privilege::AlterRoutine);
    Execute_priv: Varchar(1) NOT NULL = yes(privileges, Privilege::Execute);
    Event_priv: Varchar(1) NOT NULL = yes(privileges, Privilege::Event);
    Trigger_priv: Varchar(1) NOT NULL = yes(privileges, Privilege::Trigger);
}
