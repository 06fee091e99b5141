//! SET.

use super::core::Core;
use super::statement::Request;
use crate::common::{SqlError, SqlResult, errno};
use crate::sql::parser::ast::{AccessMode, Expr, Literal, VariableAssignment, VariableScope};
use crate::sql::types::{Collation, Datum, FieldType};

/// The collation a client's handshake names by number; the default for one that is not known, or of a set that nobody can speak.
pub(super) fn collation_by_id(id: u16) -> Collation {
    let spoken = Collation::by_id(id).filter(|found| found.character_set().may_be_spoken());
    spoken.unwrap_or_default()
}

impl Core {
    /// SET: all of its items, in order. Where one fails the session's system variables are as they were.
    pub(super) async fn set_variables(
        &mut self,
        items: &[VariableAssignment],
        request: &Request<'_>,
    ) -> SqlResult<()> {
        let before = (items.len() > 1).then(|| self.vars.system.lock().clone());
        let outcome = self.set_items(items, request).await;
        if let (Err(_), Some(before)) = (&outcome, before) {
            *self.vars.system.lock() = before;
        }
        outcome
    }

    async fn set_items(
        &mut self,
        items: &[VariableAssignment],
        request: &Request<'_>,
    ) -> SqlResult<()> {
        for item in items {
            match item {
                VariableAssignment::User { name, value } => {
                    use crate::sql::expr::SessionVars as _;
                    let (field_type, value) = self.value(value, request).await?;
                    let value = value.into_user_variable(&field_type);
                    let field_type = if value.is_null() {
                        FieldType::null()
                    } else {
                        field_type.of_user_variable()
                    };
                    self.vars.set_user_var(&name.to_lowercase(), value, field_type)?;
                }
                VariableAssignment::System { scope, name, value } => {
                    let value = match value {
                        None => None,
                        Some(expr) => Some(self.assigned(name, expr, request).await?),
                    };
                    self.set_system(*scope, name, value.as_ref()).await?;
                }
                VariableAssignment::Local { .. } => {
                    return Err(SqlError::internal("a program's variable outside of it"));
                }
                VariableAssignment::Names { charset, collation } => {
                    let mut system = self.vars.system.lock();
                    system.set_names(charset.as_deref(), collation.as_deref())?;
                }
                VariableAssignment::CharacterSet(charset) => {
                    self.set_character_set(charset.as_deref())?
                }
                VariableAssignment::Transaction { scope, isolation, access } => {
                    let isolation = isolation.map(|level| level.name());
                    self.set_transaction(*scope, isolation, *access)?;
                }
            }
        }
        Ok(())
    }

    /// The value on the right: a bare word may be a character set's name that is no string, say `binary`.
    async fn assigned(
        &mut self,
        name: &str,
        expr: &Expr,
        request: &Request<'_>,
    ) -> SqlResult<Datum> {
        if let Expr::Literal(Literal::Bool(value)) = expr {
            return Ok(Datum::from(*value));
        }
        let value = self.value(expr, request).await?.1;
        if name == "sql_mode" && value.is_null() {
            return Err(SqlError::new(
                errno::WRONG_VALUE_FOR_VAR,
                "Variable 'sql_mode' can't be set to the value of 'NULL'",
            ));
        }
        Ok(value)
    }

    async fn set_system(
        &mut self,
        scope: Option<VariableScope>,
        name: &str,
        value: Option<&Datum>,
    ) -> SqlResult<()> {
        let clipped = if scope == Some(VariableScope::Global) {
            self.vars.global.set(name, value)?
        } else {
            if let ("last_insert_id" | "identity", Some(value)) = (name, value) {
                let id = value.to_u64(&self.eval)?;
                self.set_last_insert_id(id);
            }
            let was_on = self.vars.system.lock().settings.autocommit;
            let clipped = self.vars.system.lock().set(name, value, &self.vars.global)?;
            self.tell_limits();
            let is_on = self.vars.system.lock().settings.autocommit;
            if is_on && !was_on {
                self.commit().await?;
            }
            clipped
        };
        if let Some(message) = clipped {
            self.eval.warn(errno::TRUNCATED_WRONG_VALUE, message);
        }
        Ok(())
    }

    /// SET CHARACTER SET: as SET NAMES, but the connection's collation is the database's.
    fn set_character_set(&self, charset: Option<&str>) -> SqlResult<()> {
        let mut system = self.vars.system.lock();
        let database = super::variables::position("collation_database")
            .map(|position| system.text(position).to_string())?;
        system.set_names(charset, None)?;
        system.put_text("collation_connection", database);
        Ok(())
    }

    fn set_transaction(
        &mut self,
        scope: Option<VariableScope>,
        isolation: Option<&str>,
        access: Option<AccessMode>,
    ) -> SqlResult<()> {
        let isolation = isolation.map(Datum::from);
        let read_only = access.map(|access| access == AccessMode::ReadOnly);
        match scope {
            Some(VariableScope::Global) => {
                if let Some(level) = &isolation {
                    self.vars.global.set("transaction_isolation", Some(level))?;
                }
                if let Some(read_only) = read_only {
                    let value = Datum::from(read_only);
                    self.vars.global.set("transaction_read_only", Some(&value))?;
                }
            }
            Some(VariableScope::Session) => {
                let mut system = self.vars.system.lock();
                if let Some(level) = &isolation {
                    system.set("transaction_isolation", Some(level), &self.vars.global)?;
                }
                if let Some(read_only) = read_only {
                    let value = Datum::from(read_only);
                    system.set("transaction_read_only", Some(&value), &self.vars.global)?;
                }
            }
            None => self.set_next_transaction(isolation.as_ref(), read_only)?,
        }
        Ok(())
    }

    /// SET TRANSACTION without a scope: for the next transaction only.
    fn set_next_transaction(
        &mut self,
        isolation: Option<&Datum>,
        read_only: Option<bool>,
    ) -> SqlResult<()> {
        if self.transactions.is_begun() {
            return Err(SqlError::new(
                errno::CANT_EXECUTE_IN_TRANSACTION,
                "Transaction characteristics can't be changed while a transaction is in progress",
            ));
        }
        if let Some(level) = isolation {
            // Checked on a copy: the session's own value stays.
            let mut copy = self.vars.system.lock().clone();
            copy.set("transaction_isolation", Some(level), &self.vars.global)?;
            self.transactions.next.isolation = Some(copy.settings.isolation);
        }
        if read_only.is_some() {
            self.transactions.next.read_only = read_only;
        }
        Ok(())
    }
}
