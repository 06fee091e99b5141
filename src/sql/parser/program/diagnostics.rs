//! SIGNAL, RESIGNAL and GET DIAGNOSTICS.

use super::super::ast::{
    Condition, DiagnosticsItem, Expr, GetDiagnostics, IntoTarget, Signal, SignalItem, Statement,
};
use super::super::cursor::{Parser, TokenKind};
use super::declare::undeclared;
use crate::common::{SqlError, SqlResult, errno};

impl Parser<'_> {
    /// SQLSTATE [VALUE] '…'. Error 1407 for one that is none.
    pub(super) fn sqlstate(&mut self) -> SqlResult<String> {
        self.expect_word("SQLSTATE")?;
        self.word("VALUE");
        let state = self.string()?;
        let plain = |byte: u8| byte.is_ascii_digit() || byte.is_ascii_uppercase();
        if state.len() != 5 || !state.bytes().all(plain) || state.starts_with("00") {
            return Err(SqlError::new(errno::SP_BAD_SQLSTATE, format!("Bad SQLSTATE: '{state}'")));
        }
        Ok(state)
    }

    /// SIGNAL and RESIGNAL.
    pub(super) fn signal(&mut self) -> SqlResult<Statement> {
        let again = self.word("RESIGNAL");
        if !again {
            self.expect_word("SIGNAL")?;
        }
        let mut condition = None;
        if self.at("SQLSTATE") {
            condition = Some(Condition::State(self.sqlstate()?));
        } else if !again || (!self.at("SET") && !self.at_end()) {
            let name = self.name()?;
            let found = self.condition_named(&name)?;
            if !matches!(found, Condition::State(_)) {
                return Err(SqlError::new(
                    errno::SIGNAL_BAD_CONDITION_TYPE,
                    "SIGNAL/RESIGNAL can only use a CONDITION defined with SQLSTATE",
                ));
            }
            condition = Some(found);
        }
        let mut items: Vec<(SignalItem, Expr)> = Vec::new();
        if self.word("SET") {
            loop {
                let item = self.signal_item()?;
                if items.iter().any(|(known, _)| *known == item) {
                    let message = format!("Duplicate condition information item '{}'", item.name());
                    return Err(SqlError::new(errno::DUP_SIGNAL_SET, message));
                }
                self.expect_op("=")?;
                items.push((item, self.operand()?));
                if !self.op(",") {
                    break;
                }
            }
        }
        Ok(Statement::Signal(Box::new(Signal { again, condition, items })))
    }

    fn signal_item(&mut self) -> SqlResult<SignalItem> {
        let found = SignalItem::ALL.iter().copied().find(|item| self.at(item.name()));
        match found {
            Some(item) => {
                self.advance();
                Ok(item)
            }
            None => Err(self.syntax_error()),
        }
    }

    /// GET [CURRENT | STACKED] DIAGNOSTICS.
    pub(super) fn get_diagnostics(&mut self) -> SqlResult<Statement> {
        self.expect_word("GET")?;
        let stacked = self.word("STACKED");
        if !stacked {
            self.word("CURRENT");
        }
        self.expect_word("DIAGNOSTICS")?;
        let condition = if self.word("CONDITION") { Some(self.operand()?) } else { None };
        let of_condition = condition.is_some();
        let mut items = Vec::new();
        loop {
            let target = self.read_target()?;
            self.expect_op("=")?;
            items.push((target, self.diagnostics_item(of_condition)?));
            if !self.op(",") {
                break;
            }
        }
        let statement = GetDiagnostics { stacked, condition, items };
        Ok(Statement::GetDiagnostics(Box::new(statement)))
    }

    fn diagnostics_item(&mut self, of_condition: bool) -> SqlResult<DiagnosticsItem> {
        if !of_condition {
            if self.word("NUMBER") {
                return Ok(DiagnosticsItem::Number);
            }
            self.expect_word("ROW_COUNT")?;
            return Ok(DiagnosticsItem::RowCount);
        }
        if self.word("RETURNED_SQLSTATE") {
            return Ok(DiagnosticsItem::ReturnedSqlstate);
        }
        self.signal_item().map(DiagnosticsItem::Item)
    }

    /// @name, or a variable of the program. Error 1327 for another name.
    pub(in crate::sql::parser) fn read_target(&mut self) -> SqlResult<IntoTarget> {
        if self.peek().kind == TokenKind::UserVariable {
            return self.user_variable().map(IntoTarget::User);
        }
        let name = self.name()?;
        if self.op(".") {
            let column = self.any_word()?;
            return match self.set_trigger_column(&name, &column)? {
                Some(slot) => Ok(IntoTarget::Local(slot)),
                None => Err(undeclared(&name)),
            };
        }
        self.local_slot(&name).map(IntoTarget::Local).ok_or_else(|| undeclared(&name))
    }
}
