//! DECLARE, and the statements of cursors.

use super::super::ast::{Block, Condition, Handler, ProgramStatement, Statement};
use super::super::cursor::TokenKind;
use super::Body;
use crate::common::{SqlError, SqlResult, errno};

/// What a block has declared besides variables.
#[derive(Default)]
pub(super) struct Declared {
    cursors: Vec<(String, usize)>,
    handled: Vec<Condition>,
    /// It is a handler's: labels outside are not seen.
    has_handler: bool,
}

impl Body<'_> {
    /// DECLARE …, without its semicolon.
    pub(super) fn declare(&mut self, block: &mut Block) -> SqlResult<()> {
        self.expect_word("DECLARE")?;
        let exit = self.parser.at("EXIT");
        if (exit || self.parser.at("CONTINUE") || self.parser.at("UNDO"))
            && self.parser.at_nth(1, "HANDLER")
        {
            if self.parser.at("UNDO") {
                return Err(self.parser.syntax_error());
            }
            return self.declare_handler(exit, block);
        }
        let first = self.parser.name()?;
        if self.parser.word("CONDITION") {
            self.expect_word("FOR")?;
            return self.declare_condition(first);
        }
        if self.parser.word("CURSOR") {
            self.expect_word("FOR")?;
            return self.declare_cursor(first, block);
        }
        self.declare_variables(first, block)
    }

    /// Error 1337 for what comes too late.
    fn check_order(&self) -> SqlResult<()> {
        let late = self
            .declared
            .last()
            .is_some_and(|declared| !declared.cursors.is_empty() || declared.has_handler);
        match late {
            true => Err(SqlError::new(
                errno::SP_VARCOND_AFTER_CURSHNDLR,
                "Variable or condition declaration after cursor or handler declaration",
            )),
            false => Ok(()),
        }
    }

    fn declare_variables(&mut self, first: String, block: &mut Block) -> SqlResult<()> {
        let mut names = vec![first];
        while self.parser.op(",") {
            names.push(self.parser.name()?);
        }
        let data_type = self.parser.data_type(&names[0])?;
        let data_type = self.with_collate(data_type)?;
        self.end = self.parser.last_end();
        let default = if self.parser.word("DEFAULT") { Some(self.expr()?) } else { None };
        self.check_order()?;
        for name in names {
            let declared = self.with_names(|all| all.declare(&name, data_type.clone())).flatten();
            let Some(slot) = declared else {
                let message = format!("Duplicate variable: {name}");
                return Err(SqlError::new(errno::SP_DUP_VAR, message));
            };
            block.variables.push((slot, default.clone()));
        }
        Ok(())
    }

    /// A number, or SQLSTATE [VALUE] '…'. Error 1407 for a state that is none.
    pub(super) fn condition_value(&mut self) -> SqlResult<Option<Condition>> {
        if self.parser.peek().kind == TokenKind::Integer {
            let code = self.parser.integer()?;
            self.end = self.parser.last_end();
            return match u16::try_from(code) {
                Ok(0) => Err(SqlError::new(errno::WRONG_VALUE, "Incorrect CONDITION value: '0'")),
                Ok(code) => Ok(Some(Condition::Code(code))),
                Err(_) => Err(SqlError::new(
                    errno::WRONG_VALUE,
                    format!("Incorrect CONDITION value: '{code}'"),
                )),
            };
        }
        if !self.parser.at("SQLSTATE") {
            return Ok(None);
        }
        let state = self.parser.sqlstate()?;
        self.end = self.parser.last_end();
        Ok(Some(Condition::State(state)))
    }

    fn declare_condition(&mut self, name: String) -> SqlResult<()> {
        let Some(condition) = self.condition_value()? else {
            return Err(self.parser.syntax_error());
        };
        self.check_order()?;
        let fresh = self.with_names(|names| {
            let Some(block) = names.conditions.last_mut() else { return true };
            let fresh = !block.iter().any(|(known, _)| known.eq_ignore_ascii_case(&name));
            block.push((name.clone(), condition));
            fresh
        });
        if fresh == Some(false) {
            let message = format!("Duplicate condition: {name}");
            return Err(SqlError::new(errno::SP_DUP_COND, message));
        }
        Ok(())
    }

    fn declare_cursor(&mut self, name: String, block: &mut Block) -> SqlResult<()> {
        if !self.parser.at_query() {
            // What it is decides which error it is.
            let other = self.sql_statement();
            other?;
            let message = "Cursor statement must be a SELECT";
            return Err(SqlError::new(errno::SP_BAD_CURSOR_QUERY, message));
        }
        self.cut_here()?;
        let start = self.parser.peek().start;
        self.begin_reads();
        let statement = self.parser.statement()?;
        match statement {
            Statement::Query(_) => {}
            Statement::SelectIntoVariables { .. } | Statement::SelectIntoFile { .. } => {
                let message = "Cursor SELECT must not have INTO";
                return Err(SqlError::new(errno::SP_BAD_CURSOR_SELECT, message));
            }
            _ => {
                let message = "Cursor statement must be a SELECT";
                return Err(SqlError::new(errno::SP_BAD_CURSOR_QUERY, message));
            }
        }
        self.end = self.parser.last_end();
        let inner = self.inner(statement, start);
        let number = self.cursors;
        self.cursors += 1;
        let Some(declared) = self.declared.last_mut() else { return Ok(()) };
        if declared.has_handler {
            let message = "Cursor declaration after handler declaration";
            return Err(SqlError::new(errno::SP_CURSOR_AFTER_HANDLER, message));
        }
        if declared.cursors.iter().any(|(known, _)| known.eq_ignore_ascii_case(&name)) {
            let message = format!("Duplicate cursor: {name}");
            return Err(SqlError::new(errno::SP_DUP_CURS, message));
        }
        declared.cursors.push((name, number));
        block.cursors.push((number, inner));
        Ok(())
    }

    fn declare_handler(&mut self, exit: bool, block: &mut Block) -> SqlResult<()> {
        self.parser.advance();
        self.expect_word("HANDLER")?;
        self.expect_word("FOR")?;
        let mut conditions = Vec::new();
        loop {
            let condition = self.handled_condition()?;
            let Some(declared) = self.declared.last_mut() else { break };
            if declared.handled.contains(&condition) {
                let message = "Duplicate handler declared in the same block";
                return Err(SqlError::new(errno::SP_DUP_HANDLER, message));
            }
            declared.handled.push(condition.clone());
            conditions.push(condition);
            if !self.parser.op(",") {
                break;
            }
        }
        if let Some(declared) = self.declared.last_mut() {
            declared.has_handler = true;
        }
        self.end = self.parser.last_end();
        self.cut_here_or_past()?;
        // A label outside is not the handler's.
        let labels = std::mem::take(&mut self.labels);
        let mut body = Vec::new();
        self.statement(&mut body)?;
        self.labels = labels;
        block.handlers.push(Handler { exit, conditions, body });
        Ok(())
    }

    fn handled_condition(&mut self) -> SqlResult<Condition> {
        if let Some(condition) = self.condition_value()? {
            return Ok(condition);
        }
        if self.parser.word("SQLWARNING") {
            return Ok(Condition::Warning);
        }
        if self.parser.word("SQLEXCEPTION") {
            return Ok(Condition::Exception);
        }
        if self.parser.words(&["NOT", "FOUND"]) {
            return Ok(Condition::NotFound);
        }
        let name = self.parser.name()?;
        self.parser.condition_named(&name)
    }

    /// OPEN, FETCH and CLOSE.
    pub(super) fn cursor_statement(&mut self, out: &mut Vec<ProgramStatement>) -> SqlResult<()> {
        let fetches = self.parser.word("FETCH");
        let opens = !fetches && self.parser.word("OPEN");
        if !fetches && !opens {
            self.expect_word("CLOSE")?;
        }
        if fetches && (self.parser.word("NEXT") || self.parser.at("FROM")) {
            self.expect_word("FROM")?;
        }
        let name = self.parser.name()?;
        self.end = self.parser.last_end();
        let found = self.declared.iter().rev().find_map(|declared| {
            declared.cursors.iter().find(|(known, _)| known.eq_ignore_ascii_case(&name))
        });
        let Some(cursor) = found.map(|(_, number)| *number) else {
            let message = format!("Undefined CURSOR: {name}");
            return Err(SqlError::new(errno::SP_CURSOR_MISMATCH, message));
        };
        if opens {
            out.push(ProgramStatement::Open(cursor));
        } else if !fetches {
            out.push(ProgramStatement::Close(cursor));
        } else {
            self.expect_word("INTO")?;
            let mut slots = Vec::new();
            loop {
                let name = self.parser.name()?;
                slots.push(self.parser.local_slot(&name).ok_or_else(|| undeclared(&name))?);
                if !self.parser.op(",") {
                    break;
                }
            }
            self.end = self.parser.last_end();
            out.push(ProgramStatement::Fetch(cursor, slots));
        }
        Ok(())
    }

    /// COLLATE behind a type, which the type's own rules have not read.
    pub(super) fn with_collate(
        &mut self,
        mut data_type: super::super::ast::DataType,
    ) -> SqlResult<super::super::ast::DataType> {
        if self.parser.word("COLLATE") {
            data_type.collation = Some(self.parser.word_or_string()?.to_lowercase());
        }
        Ok(data_type)
    }
}

/// Error 1327.
pub(in crate::sql::parser) fn undeclared(name: &str) -> SqlError {
    SqlError::new(errno::SP_UNDECLARED_VAR, format!("Undeclared variable: {name}"))
}
