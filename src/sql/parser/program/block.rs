//! Blocks, branches, loops, RETURN, SET.

use std::collections::BTreeMap;

use super::super::ast::{
    Block, Expr, InnerStatement, Literal, ProgramStatement, Statement, VariableAssignment,
};
use super::super::cursor::TokenKind;
use super::declare::Declared;
use super::{Body, Label, ProgramKind};
use crate::common::{SqlError, SqlResult, errno};
use crate::sql::parser::ast::BinaryOp;

impl Body<'_> {
    /// BEGIN … END.
    pub(super) fn block(
        &mut self,
        label: Option<String>,
        out: &mut Vec<ProgramStatement>,
    ) -> SqlResult<()> {
        self.expect_word("BEGIN")?;
        if self.parser.word("NOT") {
            return Err(self.parser.syntax_error());
        }
        let number = self.open_label(label, false)?;
        self.with_names(|names| {
            names.blocks.push(BTreeMap::new());
            names.conditions.push(Vec::new());
        });
        self.declared.push(Declared::default());
        self.cut_here_or_past()?;
        let mut block = Block {
            label: number,
            variables: Vec::new(),
            cursors: Vec::new(),
            handlers: Vec::new(),
            body: Vec::new(),
        };
        while self.parser.at("DECLARE") {
            self.declare(&mut block)?;
            self.semicolon()?;
        }
        block.body = self.statements_until(&["END"])?;
        self.expect_word("END")?;
        self.declared.pop();
        self.with_names(|names| {
            names.blocks.pop();
            names.conditions.pop();
        });
        self.close_label()?;
        out.push(ProgramStatement::Block(Box::new(block)));
        Ok(())
    }

    /// Goes on behind a word that no semicolon follows: what comes is a statement of its own.
    pub(super) fn cut_here_or_past(&mut self) -> SqlResult<()> {
        if self.parser.peek().kind == TokenKind::Op(";") {
            return Err(self.parser.syntax_error());
        }
        if self.parser.peek().kind == TokenKind::End {
            // The piece ended with the word: its text may go on.
            let at = self.end;
            return self.cut_at(at);
        }
        self.cut_here()
    }

    pub(super) fn open_label(&mut self, name: Option<String>, is_loop: bool) -> SqlResult<usize> {
        if let Some(name) = &name {
            let same = |label: &Label| {
                label.name.as_ref().is_some_and(|known| known.eq_ignore_ascii_case(name))
            };
            if self.labels.iter().any(same) {
                let message = format!("Redefining label {name}");
                return Err(SqlError::new(errno::SP_LABEL_REDEFINE, message));
            }
        }
        self.last_label += 1;
        self.labels.push(Label { name, number: self.last_label, is_loop });
        Ok(self.last_label)
    }

    /// The end of what has a label, which may be named once more. Error 1310 if another one is.
    pub(super) fn close_label(&mut self) -> SqlResult<()> {
        let label = self.labels.pop();
        if !self.parser.at_name() {
            return Ok(());
        }
        let name = self.parser.any_word()?;
        self.end = self.parser.last_end();
        let opened = label.and_then(|label| label.name);
        match opened {
            Some(opened) if opened.eq_ignore_ascii_case(&name) => Ok(()),
            _ => Err(SqlError::new(
                errno::SP_LABEL_MISMATCH,
                format!("End-label {name} without match"),
            )),
        }
    }

    pub(super) fn if_statement(&mut self, out: &mut Vec<ProgramStatement>) -> SqlResult<()> {
        self.expect_word("IF")?;
        let mut branches = Vec::new();
        let otherwise = loop {
            let condition = self.expr()?;
            self.expect_word("THEN")?;
            branches.push((condition, self.branch(&["ELSEIF", "ELSE", "END"])?));
            if self.parser.word("ELSEIF") {
                continue;
            }
            if self.parser.word("ELSE") {
                break Some(self.branch(&["END"])?);
            }
            break Some(Vec::new());
        };
        self.expect_word("END")?;
        self.expect_word("IF")?;
        out.push(ProgramStatement::If { branches, otherwise, case: false });
        Ok(())
    }

    /// What follows THEN or ELSE: a statement at least.
    fn branch(&mut self, ends: &[&str]) -> SqlResult<Vec<ProgramStatement>> {
        self.end = self.parser.last_end();
        self.cut_here_or_past()?;
        if ends.iter().any(|end| self.parser.at(end)) {
            return Err(self.parser.syntax_error());
        }
        self.statements_until(ends)
    }

    /// CASE; its operand is kept in a variable without a name.
    pub(super) fn case_statement(&mut self, out: &mut Vec<ProgramStatement>) -> SqlResult<()> {
        self.expect_word("CASE")?;
        let mut kept = None;
        if !self.parser.at("WHEN") {
            let operand = self.expr()?;
            let slot = self.with_names(|names| names.hidden("case", None)).unwrap_or_default();
            out.push(ProgramStatement::Keep(slot, operand));
            kept = Some(slot);
        }
        let mut branches = Vec::new();
        while self.parser.word("WHEN") {
            let mut condition = self.expr()?;
            if let Some(slot) = kept {
                let operand = Box::new(Expr::Parameter(slot));
                condition = Expr::Binary(BinaryOp::Eq, operand, Box::new(condition));
            }
            self.expect_word("THEN")?;
            branches.push((condition, self.branch(&["WHEN", "ELSE", "END"])?));
        }
        if branches.is_empty() {
            return Err(self.parser.syntax_error());
        }
        let otherwise = if self.parser.word("ELSE") { Some(self.branch(&["END"])?) } else { None };
        self.expect_word("END")?;
        self.expect_word("CASE")?;
        out.push(ProgramStatement::If { branches, otherwise, case: true });
        Ok(())
    }

    /// LOOP, WHILE and REPEAT.
    pub(super) fn loop_statement(
        &mut self,
        label: Option<String>,
        out: &mut Vec<ProgramStatement>,
    ) -> SqlResult<()> {
        let word = ["LOOP", "WHILE", "REPEAT"].into_iter().find(|word| self.parser.at(word));
        let word = word.unwrap_or("LOOP");
        self.expect_word(word)?;
        let label = self.open_label(label, true)?;
        let mut before = None;
        if word == "WHILE" {
            before = Some(self.expr()?);
            self.expect_word("DO")?;
        }
        let mut after = None;
        let body = if word == "REPEAT" {
            let body = self.branch(&["UNTIL"])?;
            self.expect_word("UNTIL")?;
            after = Some(self.expr()?);
            body
        } else {
            self.branch(&["END"])?
        };
        self.expect_word("END")?;
        self.expect_word(word)?;
        self.close_label()?;
        out.push(ProgramStatement::Loop { label, before, after, body });
        Ok(())
    }

    /// LEAVE and ITERATE. Error 1308 for a label that is not around.
    pub(super) fn jump(&mut self, out: &mut Vec<ProgramStatement>) -> SqlResult<()> {
        let again = self.parser.word("ITERATE");
        if !again {
            self.expect_word("LEAVE")?;
        }
        let name = self.parser.name()?;
        self.end = self.parser.last_end();
        let found = self.labels.iter().rev().find(|label| {
            let same = label.name.as_ref().is_some_and(|known| known.eq_ignore_ascii_case(&name));
            same && (label.is_loop || !again)
        });
        match found {
            Some(label) if again => out.push(ProgramStatement::Iterate(label.number)),
            Some(label) => out.push(ProgramStatement::Leave(label.number)),
            None => {
                let verb = if again { "ITERATE" } else { "LEAVE" };
                let message = format!("{verb} with no matching label: {name}");
                return Err(SqlError::new(errno::SP_LILABEL_MISMATCH, message));
            }
        }
        Ok(())
    }

    /// RETURN. Error 1313 outside of a function.
    pub(super) fn return_statement(&mut self, out: &mut Vec<ProgramStatement>) -> SqlResult<()> {
        self.expect_word("RETURN")?;
        let value = self.expr()?;
        if self.kind != ProgramKind::Function {
            let message = "RETURN is only allowed in a FUNCTION";
            return Err(SqlError::new(errno::SP_BADRETURN, message));
        }
        self.returns = true;
        out.push(ProgramStatement::Return(value));
        Ok(())
    }

    /// SET: a statement for each variable of the program, and those between them for the others.
    pub(super) fn set_statement(&mut self, out: &mut Vec<ProgramStatement>) -> SqlResult<()> {
        let start = self.parser.peek().start;
        self.begin_reads();
        let statement = self.parser.set()?;
        self.end = self.parser.last_end();
        let inner = self.inner(statement, start);
        let Statement::SetVariables(items) = inner.statement else {
            out.push(ProgramStatement::Sql(Box::new(inner)));
            return Ok(());
        };
        let mut others = Vec::new();
        let flush = |others: &mut Vec<VariableAssignment>, out: &mut Vec<_>| {
            if others.is_empty() {
                return;
            }
            let statement = Statement::SetVariables(std::mem::take(others));
            let (text, reads) = (inner.text.clone(), inner.reads.clone());
            let inner = InnerStatement { statement, text, reads, user_variables: true };
            out.push(ProgramStatement::Sql(Box::new(inner)));
        };
        for item in items {
            match item {
                VariableAssignment::Local { slot, value } => {
                    flush(&mut others, out);
                    let value = value.unwrap_or(Expr::Literal(Literal::Null));
                    out.push(ProgramStatement::Set(slot, value));
                }
                other => others.push(other),
            }
        }
        flush(&mut others, out);
        Ok(())
    }

    /// What the dialect knows of names is changed.
    pub(super) fn with_names<T>(&self, change: impl FnOnce(&mut super::Names) -> T) -> Option<T> {
        self.dialect.names.borrow_mut().as_mut().map(change)
    }
}
