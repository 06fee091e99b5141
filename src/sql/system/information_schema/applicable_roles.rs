//! `information_schema.APPLICABLE_ROLES`: the roles that the session may activate.

use crate::sql::accounts::AccountName;
use crate::sql::system::asked::Asked;
use crate::sql::system::table::table;

/// A role, and who has it.
pub(super) struct Applicable {
    pub(super) own: AccountName,
    pub(super) grantee: AccountName,
    pub(super) role: AccountName,
    pub(super) admin: bool,
    pub(super) default: bool,
}

/// The roles of the session's account, and those that these have.
pub(super) fn applicable(asked: &Asked<'_>) -> Vec<Applicable> {
    let (user, host) = asked.sources.current_account();
    let own = AccountName::new(user, host);
    let accounts = asked.sources.accounts();
    let (mut open, mut seen, mut found) = (vec![own.clone()], Vec::new(), Vec::new());
    while let Some(grantee) = open.pop() {
        if seen.contains(&grantee) {
            continue;
        }
        let Some(account) = accounts.iter().find(|one| one.name() == grantee) else { continue };
        for one in &account.grants.roles {
            open.push(one.role.clone());
            found.push(Applicable {
                own: own.clone(),
                grantee: grantee.clone(),
                role: one.role.clone(),
                admin: one.admin,
                default: account.grants.default_roles.contains(&one.role),
            });
        }
        seen.push(grantee);
    }
    found
}

table! {
    "APPLICABLE_ROLES": |asked| for one in applicable(asked);
    USER: Varchar(97) = one.own.user.as_str();
    HOST: Varchar(256) = one.own.host.as_str();
    GRANTEE: Varchar(97) = one.grantee.user.as_str();
    GRANTEE_HOST: Varchar(256) = one.grantee.host.as_str();
    ROLE_NAME: Varchar(255) = one.role.user.as_str();
    ROLE_HOST: Varchar(256) = one.role.host.as_str();
    IS_GRANTABLE: Varchar(3) NOT NULL = if one.admin { "YES" } else { "NO" };
    IS_DEFAULT: Varchar(3) = if one.default { "YES" } else { "NO" };
    IS_MANDATORY: Varchar(3) NOT NULL = "NO";
}
