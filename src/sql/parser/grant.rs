//! GRANT, REVOKE and roles.

use super::ast::{
    Grant, Granted, GrantedOn, NamedPrivilege, ObjectName, Revoke, RoleChoice, RoutineKind,
    Statement, UserName,
};
use super::cursor::{Parser, TokenKind};
use crate::common::{SqlError, SqlResult};

/// What stands where a privilege or a role may: only what follows the list tells which it is.
enum Item {
    Privilege(NamedPrivilege),
    Role(UserName),
}

impl Parser<'_> {
    /// GRANT.
    pub(super) fn grant(&mut self) -> SqlResult<Statement> {
        self.expect_word("GRANT")?;
        let what = self.granted("GRANT")?;
        self.expect_word("TO")?;
        let to = self.list(Parser::user_name)?;
        let option = match what {
            Granted::Roles(_) => self.words(&["WITH", "ADMIN", "OPTION"]),
            _ => self.words(&["WITH", "GRANT", "OPTION"]),
        };
        if self.at("AS") {
            return Err(SqlError::unsupported("GRANT … AS"));
        }
        Ok(Statement::Grant(Box::new(Grant { what, to, option })))
    }

    /// REVOKE.
    pub(super) fn revoke(&mut self) -> SqlResult<Statement> {
        self.expect_word("REVOKE")?;
        let if_exists = self.if_exists()?;
        let all = self.words(&["ALL", "PRIVILEGES"]) || self.nth_is_op(1, ",") && self.word("ALL");
        let what = if all && self.op(",") {
            self.expect_words(&["GRANT", "OPTION"])?;
            Granted::Everything
        } else if all {
            Granted::Privileges(Vec::new(), self.granted_on()?)
        } else {
            self.granted("REVOKE")?
        };
        self.expect_word("FROM")?;
        let from = self.list(Parser::user_name)?;
        let ignores_unknown = self.words(&["IGNORE", "UNKNOWN", "USER"]);
        Ok(Statement::Revoke(Box::new(Revoke { what, from, if_exists, ignores_unknown })))
    }

    /// Privileges and what they are on, or roles.
    fn granted(&mut self, verb: &str) -> SqlResult<Granted> {
        if self.at("PROXY") {
            return Err(SqlError::unsupported(format!("{verb} PROXY")));
        }
        if self.word("ALL") {
            self.word("PRIVILEGES");
            return Ok(Granted::Privileges(Vec::new(), self.granted_on()?));
        }
        let items = self.list(Parser::granted_item)?;
        if self.at("ON") {
            let privilege = |item| match item {
                Item::Privilege(privilege) => Ok(privilege),
                Item::Role(_) => Err(self.syntax_error()),
            };
            let privileges = items.into_iter().map(privilege).collect::<SqlResult<Vec<_>>>()?;
            return Ok(Granted::Privileges(privileges, self.granted_on()?));
        }
        let role = |item| match item {
            Item::Role(role) => Ok(role),
            Item::Privilege(word) if word.columns.is_empty() && !word.name.contains(' ') => {
                Err(word.name)
            }
            Item::Privilege(_) => Err(String::new()),
        };
        let roles: Result<Vec<UserName>, String> = items.into_iter().map(role).collect();
        roles.map(Granted::Roles).map_err(|_| self.syntax_error())
    }

    fn granted_item(&mut self) -> SqlResult<Item> {
        let token = self.peek();
        let is_name =
            token.kind != TokenKind::Word || self.peek_nth(1).kind == TokenKind::UserVariable;
        // A word before FROM or TO and before a comma may be either.
        let ends_list = !is_name && self.single_word_of_roles();
        if is_name || ends_list {
            return self.user_name().map(Item::Role);
        }
        let mut name = String::new();
        while self.peek().kind == TokenKind::Word && !self.at("ON") {
            if !name.is_empty() {
                name.push(' ');
            }
            name += &self.any_word()?.to_uppercase();
        }
        if name.is_empty() {
            return Err(self.syntax_error());
        }
        let columns = if self.at_op("(") { self.parenthesised(Parser::name)? } else { Vec::new() };
        Ok(Item::Privilege(NamedPrivilege { name, columns }))
    }

    /// Whether the list that is next has no ON behind it: it is one of roles.
    fn single_word_of_roles(&self) -> bool {
        (0..).map(|n| self.peek_nth(n)).take_while(|token| token.kind != TokenKind::End).all(
            |token| {
                !(token.kind == TokenKind::Word && self.text(token).eq_ignore_ascii_case(b"ON"))
            },
        )
    }

    /// ON [TABLE | FUNCTION | PROCEDURE] what.
    fn granted_on(&mut self) -> SqlResult<GrantedOn> {
        self.expect_word("ON")?;
        for (word, kind) in
            [("FUNCTION", RoutineKind::Function), ("PROCEDURE", RoutineKind::Procedure)]
        {
            if self.at(word) && !self.nth_is_op(1, ".") {
                self.advance();
                return Ok(GrantedOn::Routine(kind, self.object_name()?));
            }
        }
        if self.at("TABLE") && !self.nth_is_op(1, ".") {
            self.advance();
        }
        if self.op("*") {
            if !self.op(".") {
                return Ok(GrantedOn::Database(None));
            }
            self.expect_op("*")?;
            return Ok(GrantedOn::Global);
        }
        let name = self.name()?;
        if !self.op(".") {
            return Ok(GrantedOn::Table(ObjectName { database: None, name }));
        }
        if self.op("*") {
            return Ok(GrantedOn::Database(Some(name)));
        }
        Ok(GrantedOn::Table(ObjectName { database: Some(name), name: self.name()? }))
    }

    /// After CREATE ROLE.
    pub(super) fn create_role(&mut self) -> SqlResult<Statement> {
        let if_not_exists = self.if_not_exists()?;
        Ok(Statement::CreateRoles { roles: self.list(Parser::user_name)?, if_not_exists })
    }

    /// After DROP ROLE.
    pub(super) fn drop_role(&mut self) -> SqlResult<Statement> {
        let if_exists = self.if_exists()?;
        Ok(Statement::DropRoles { roles: self.list(Parser::user_name)?, if_exists })
    }

    /// After SET ROLE.
    pub(super) fn set_role(&mut self) -> SqlResult<Statement> {
        if self.word("DEFAULT") {
            return Ok(Statement::SetRole(RoleChoice::Default));
        }
        if self.word("ALL") {
            let except =
                if self.word("EXCEPT") { self.list(Parser::user_name)? } else { Vec::new() };
            return Ok(Statement::SetRole(RoleChoice::All(except)));
        }
        self.roles().map(Statement::SetRole)
    }

    /// NONE, ALL, or roles.
    pub(super) fn roles(&mut self) -> SqlResult<RoleChoice> {
        if self.word("NONE") {
            return Ok(RoleChoice::None);
        }
        if self.word("ALL") {
            return Ok(RoleChoice::All(Vec::new()));
        }
        self.list(Parser::user_name).map(RoleChoice::These)
    }

    /// After SET DEFAULT ROLE.
    pub(super) fn set_default_role(&mut self) -> SqlResult<Statement> {
        let roles = self.roles()?;
        self.expect_word("TO")?;
        Ok(Statement::SetDefaultRole { roles, users: self.list(Parser::user_name)? })
    }

    /// After RENAME USER.
    pub(super) fn rename_users(&mut self) -> SqlResult<Statement> {
        let renames = self.list(|parser| {
            let from = parser.user_name()?;
            parser.expect_word("TO")?;
            Ok((from, parser.user_name()?))
        })?;
        Ok(Statement::RenameUsers(renames))
    }
}
