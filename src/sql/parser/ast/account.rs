//! Statements about accounts.

/// An account's name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UserName {
    /// User name.
    pub user: String,
    /// Host pattern, lower case; `%` if none was written.
    pub host: String,
    /// `CURRENT_USER()` was written instead.
    pub is_current: bool,
}

/// An account in CREATE USER and ALTER USER.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UserSpec {
    /// Its name.
    pub user: UserName,
    /// IDENTIFIED WITH.
    pub plugin: Option<String>,
    /// IDENTIFIED … BY.
    pub password: Option<String>,
    /// IDENTIFIED WITH … AS: what is stored of the password.
    pub stored: Option<String>,
}
