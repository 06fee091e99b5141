//! CREATE USER, ALTER USER, DROP USER and SET PASSWORD.

use super::ast::{Statement, UserName, UserSpec};
use super::cursor::{Parser, TokenKind};
use crate::common::{SqlError, SqlResult};

impl Parser<'_> {
    /// After CREATE USER.
    pub(super) fn create_user(&mut self) -> SqlResult<Statement> {
        let if_not_exists = self.words(&["IF", "NOT", "EXISTS"]);
        let mut users = self.list(Parser::user_spec)?;
        let locked = self.user_options()?;
        users.iter_mut().for_each(|spec| spec.locked = locked);
        Ok(Statement::CreateUser { users, if_not_exists })
    }

    /// After ALTER USER.
    pub(super) fn alter_user(&mut self) -> SqlResult<Statement> {
        let if_exists = self.words(&["IF", "EXISTS"]);
        let mut users = self.list(Parser::user_spec)?;
        let alone = users.iter().all(UserSpec::is_bare);
        if alone && self.words(&["DEFAULT", "ROLE"]) {
            let roles = self.roles()?;
            let users = users.into_iter().map(|spec| spec.user).collect();
            return Ok(Statement::SetDefaultRole { roles, users });
        }
        let locked = self.user_options()?;
        users.iter_mut().for_each(|spec| spec.locked = locked);
        Ok(Statement::AlterUser { users, if_exists })
    }

    /// After DROP USER.
    pub(super) fn drop_user(&mut self) -> SqlResult<Statement> {
        let if_exists = self.words(&["IF", "EXISTS"]);
        let users = self.list(Parser::user_name)?;
        Ok(Statement::DropUser { users, if_exists })
    }

    /// After SET: PASSWORD [FOR user] = 'password'.
    pub(super) fn set_password(&mut self) -> SqlResult<Statement> {
        self.expect_word("PASSWORD")?;
        let user = if self.word("FOR") { Some(self.user_name()?) } else { None };
        if self.at("TO") {
            return Err(SqlError::unsupported("SET PASSWORD TO RANDOM"));
        }
        self.expect_op("=")?;
        let password = self.string()?;
        for clause in ["REPLACE", "RETAIN"] {
            if self.at(clause) {
                return Err(SqlError::unsupported(format!("SET PASSWORD … {clause}")));
            }
        }
        Ok(Statement::SetPassword { user, password })
    }

    fn user_spec(&mut self) -> SqlResult<UserSpec> {
        let mut spec = UserSpec { user: self.user_name()?, ..UserSpec::default() };
        if self.word("IDENTIFIED") {
            if self.word("WITH") {
                spec.plugin = Some(self.word_or_string()?.to_lowercase());
                if self.word("AS") {
                    spec.stored = Some(self.string()?);
                }
            }
            if spec.plugin.is_none() || (spec.stored.is_none() && self.at("BY")) {
                self.expect_word("BY")?;
                if self.at("RANDOM") {
                    return Err(SqlError::unsupported("IDENTIFIED BY RANDOM PASSWORD"));
                }
                spec.password = Some(self.string()?);
            }
        }
        Ok(spec)
    }

    /// `'user'@'host'`, or `CURRENT_USER[()]`, or `USER()`.
    pub(super) fn user_name(&mut self) -> SqlResult<UserName> {
        let function = self.at("USER") && self.nth_is_op(1, "(");
        if self.word("CURRENT_USER") || (function && self.word("USER")) {
            if self.op("(") {
                self.expect_op(")")?;
            }
            return Ok(UserName { is_current: true, ..UserName::default() });
        }
        let user = self.word_or_string()?;
        let host = match self.peek().kind {
            TokenKind::UserVariable => self.user_variable()?,
            TokenKind::Op("@") => return Err(SqlError::unsupported("accounts with an empty host")),
            _ => "%".to_owned(),
        };
        Ok(UserName { user, host, is_current: false })
    }

    /// Whether the accounts are to be locked, if ACCOUNT LOCK or UNLOCK says so. Of REQUIRE, WITH, PASSWORD and the other options what
    /// SHOW CREATE USER says of an account without any is taken; anything else is error 1235 with its name.
    fn user_options(&mut self) -> SqlResult<Option<bool>> {
        const DEFAULTS: &[&[&str]] = &[
            &["REQUIRE", "NONE"],
            &["PASSWORD", "EXPIRE", "DEFAULT"],
            &["PASSWORD", "HISTORY", "DEFAULT"],
            &["PASSWORD", "REUSE", "INTERVAL", "DEFAULT"],
            &["PASSWORD", "REQUIRE", "CURRENT", "DEFAULT"],
        ];
        const OPTIONS: &[&str] = &[
            "REQUIRE",
            "WITH",
            "PASSWORD",
            "ACCOUNT",
            "DEFAULT",
            "COMMENT",
            "ATTRIBUTE",
            "REPLACE",
            "RETAIN",
            "DISCARD",
            "FAILED_LOGIN_ATTEMPTS",
            "PASSWORD_LOCK_TIME",
            "AND",
            "ADD",
            "MODIFY",
            "DROP",
        ];
        let mut locked = None;
        loop {
            if self.words(&["ACCOUNT", "LOCK"]) {
                locked = Some(true);
            } else if self.words(&["ACCOUNT", "UNLOCK"]) {
                locked = Some(false);
            } else if !DEFAULTS.iter().any(|words| self.words(words)) {
                break;
            }
        }
        match OPTIONS.iter().find(|option| self.at(option)) {
            Some(option) => Err(SqlError::unsupported(format!("CREATE USER … {option}"))),
            None => Ok(locked),
        }
    }
}
