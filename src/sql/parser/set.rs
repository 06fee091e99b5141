//! SET.

use super::ast::{
    AccessMode, Expr, IsolationLevel, Literal, Statement, VariableAssignment, VariableScope,
};
use super::cursor::Parser;
use super::cursor::TokenKind;
use crate::common::{SqlError, SqlResult};

impl Parser<'_> {
    pub(super) fn set(&mut self) -> SqlResult<Statement> {
        self.expect_word("SET")?;
        if self.at("PASSWORD") && !self.nth_is_op(1, ".") {
            return self.set_password();
        }
        if self.at("RESOURCE") && !self.nth_is_op(1, ".") {
            return Err(SqlError::unsupported("SET RESOURCE"));
        }
        // A program may have a variable of this name.
        let assigned = [".", "=", ":="].iter().any(|op| self.nth_is_op(1, op));
        if self.at("ROLE") && !assigned {
            self.advance();
            return self.set_role();
        }
        if self.words(&["DEFAULT", "ROLE"]) {
            return self.set_default_role();
        }
        Ok(Statement::SetVariables(self.list(Parser::set_item)?))
    }

    fn set_item(&mut self) -> SqlResult<VariableAssignment> {
        if self.peek().kind == TokenKind::UserVariable {
            let name = self.user_variable()?;
            self.assign_sign()?;
            return Ok(VariableAssignment::User { name, value: self.expr()? });
        }
        if self.word("NAMES") {
            return self.set_names();
        }
        if self.character_set()? {
            self.optional_equals();
            let charset = self.word_or_default()?;
            return Ok(VariableAssignment::CharacterSet(charset));
        }
        if let Some(local) = self.set_local()? {
            return Ok(local);
        }
        let (scope, name) = self.set_target()?;
        if name == "transaction" && !self.at_op("=") && !self.at_op(":=") {
            return self.set_transaction(scope);
        }
        self.assign_sign()?;
        let value = self.set_value()?;
        Ok(VariableAssignment::System { scope, name, value })
    }

    /// A program's variable, or NEW.column; `None`: it is none.
    fn set_local(&mut self) -> SqlResult<Option<VariableAssignment>> {
        if !self.in_program() || !self.at_name() {
            return Ok(None);
        }
        let name = self.name_text();
        let slot = if self.nth_is_op(1, ".") {
            let column = String::from_utf8_lossy(self.text(self.peek_nth(2))).into_owned();
            match self.set_trigger_column(&name, column.trim_matches('`'))? {
                Some(slot) => {
                    self.advance();
                    self.advance();
                    slot
                }
                None => return Ok(None),
            }
        } else {
            match self.local_slot(&name) {
                Some(slot) if self.nth_is_op(1, "=") || self.nth_is_op(1, ":=") => slot,
                _ => return Ok(None),
            }
        };
        self.advance();
        self.assign_sign()?;
        if self.word("DEFAULT") {
            return Ok(Some(VariableAssignment::Local { slot, value: None }));
        }
        Ok(Some(VariableAssignment::Local { slot, value: Some(self.expr()?) }))
    }

    /// The name that is next, without taking it.
    fn name_text(&self) -> String {
        let text = self.text(self.peek());
        let bytes = match self.peek().kind {
            TokenKind::QuotedName => super::tokens::unquote(text, false),
            _ => text.to_vec(),
        };
        String::from_utf8_lossy(&bytes).into_owned()
    }

    fn assign_sign(&mut self) -> SqlResult<()> {
        if self.op(":=") { Ok(()) } else { self.expect_op("=") }
    }

    /// [GLOBAL | SESSION] name, @@[scope.]name.
    fn set_target(&mut self) -> SqlResult<(Option<VariableScope>, String)> {
        if self.peek().kind == TokenKind::SystemVariable {
            let token = self.peek();
            return match self.system_variable()? {
                Expr::SystemVariable(scope, name) => Ok((scope, name)),
                _ => Err(self.syntax_error_at(token)),
            };
        }
        let mut scope = None;
        if !self.nth_is_op(1, "=") && !self.nth_is_op(1, ":=") {
            if self.word("GLOBAL") {
                scope = Some(VariableScope::Global);
            } else if self.word("SESSION") || self.word("LOCAL") {
                scope = Some(VariableScope::Session);
            } else if self.at("PERSIST") || self.at("PERSIST_ONLY") {
                return Err(SqlError::unsupported("SET PERSIST"));
            }
        }
        let mut name = self.lower_word()?;
        if self.op(".") {
            name = format!("{name}.{}", self.lower_word()?);
        }
        Ok((scope, name))
    }

    fn word_or_default(&mut self) -> SqlResult<Option<String>> {
        if self.word("DEFAULT") {
            return Ok(None);
        }
        self.word_or_string().map(|word| Some(word.to_lowercase()))
    }

    fn set_names(&mut self) -> SqlResult<VariableAssignment> {
        let charset = self.word_or_default()?;
        let collation =
            if charset.is_some() && self.word("COLLATE") { self.word_or_default()? } else { None };
        Ok(VariableAssignment::Names { charset, collation })
    }

    /// An expression, DEFAULT (`None`), or a bare word, which is a string.
    fn set_value(&mut self) -> SqlResult<Option<Expr>> {
        let token = self.peek();
        let after = self.peek_nth(1).kind;
        let alone = matches!(after, TokenKind::End | TokenKind::Op("," | ";"));
        if token.kind == TokenKind::Word && alone {
            let word = self.any_word()?;
            let literal = match word.to_ascii_lowercase().as_str() {
                "default" => return Ok(None),
                "null" => Literal::Null,
                "true" => Literal::Bool(true),
                "false" => Literal::Bool(false),
                _ if self.local_slot(&word).is_some() => {
                    return Ok(self.local_variable(&word));
                }
                _ => Literal::String(word.into_bytes(), None),
            };
            return Ok(Some(Expr::Literal(literal)));
        }
        // A name in quotes is one, too, whatever its quotes are.
        if token.kind == TokenKind::QuotedName && alone {
            let text = super::tokens::unquote(self.text(token), false);
            self.advance();
            return Ok(Some(Expr::Literal(Literal::String(text, None))));
        }
        self.expr().map(Some)
    }

    fn set_transaction(&mut self, scope: Option<VariableScope>) -> SqlResult<VariableAssignment> {
        let (mut isolation, mut access) = (None, None);
        loop {
            if self.words(&["ISOLATION", "LEVEL"]) {
                isolation = Some(self.isolation_level()?);
            } else {
                self.expect_word("READ")?;
                access = Some(if self.word("ONLY") {
                    AccessMode::ReadOnly
                } else {
                    self.expect_word("WRITE")?;
                    AccessMode::ReadWrite
                });
            }
            // Characteristics follow each other with commas; a variable cannot follow.
            if !self.op(",") {
                return Ok(VariableAssignment::Transaction { scope, isolation, access });
            }
        }
    }

    fn isolation_level(&mut self) -> SqlResult<IsolationLevel> {
        if self.words(&["READ", "UNCOMMITTED"]) {
            return Ok(IsolationLevel::ReadUncommitted);
        }
        if self.words(&["READ", "COMMITTED"]) {
            return Ok(IsolationLevel::ReadCommitted);
        }
        if self.words(&["REPEATABLE", "READ"]) {
            return Ok(IsolationLevel::RepeatableRead);
        }
        self.expect_word("SERIALIZABLE")?;
        Ok(IsolationLevel::Serializable)
    }
}
