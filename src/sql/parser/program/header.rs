//! What stands before a body, and the statements about routines.

use std::collections::BTreeMap;

use super::super::ast::{
    AlterRoutine, Call, Characteristics, CreateRoutine, DataAccess, DropRoutine, ParameterMode,
    RoutineKind, Statement, UserName,
};
use super::super::cursor::Parser;
use super::{Body, Names, ProgramKind};
use crate::common::{SqlError, SqlResult, errno};

impl Parser<'_> {
    /// PROCEDURE or FUNCTION, if one is next.
    pub(in crate::sql::parser) fn routine_kind(&mut self) -> Option<RoutineKind> {
        if self.word("PROCEDURE") {
            return Some(RoutineKind::Procedure);
        }
        self.word("FUNCTION").then_some(RoutineKind::Function)
    }

    /// After CREATE [DEFINER = …]: a procedure or a function; `None`: it is something else.
    pub(in crate::sql::parser) fn create_program(
        &mut self,
        definer: Option<UserName>,
    ) -> SqlResult<Option<Statement>> {
        if self.word("TRIGGER") {
            return self.create_trigger(definer).map(Some);
        }
        match self.routine_kind() {
            Some(kind) => self.create_routine(kind, definer).map(Some),
            None => Ok(None),
        }
    }

    fn create_routine(
        &mut self,
        kind: RoutineKind,
        definer: Option<UserName>,
    ) -> SqlResult<Statement> {
        let if_not_exists = self.if_not_exists()?;
        let name = self.object_name()?;
        if self.at("RETURNS") && kind == RoutineKind::Function {
            return Err(SqlError::unsupported("CREATE FUNCTION … SONAME"));
        }
        if self.in_program() {
            let message =
                format!("Can't create a {} from within another stored routine", kind.name());
            return Err(SqlError::new(errno::SP_NO_RECURSIVE_CREATE, message));
        }
        let mut names = Names::default();
        names.blocks.push(BTreeMap::new());
        let (modes, parameters_text) = self.routine_parameters(kind, &mut names)?;
        let (mut returns, mut returns_text) = (None, String::new());
        if kind == RoutineKind::Function {
            self.expect_word("RETURNS")?;
            let start = self.peek().start;
            let mut data_type = self.data_type("")?;
            if self.word("COLLATE") {
                data_type.collation = Some(self.word_or_string()?.to_lowercase());
            }
            returns = Some(data_type);
            returns_text = self.text_between(start, self.last_end());
        }
        let characteristics = self.characteristics()?;
        let start = self.peek().start;
        *self.dialect.names.borrow_mut() = Some(names);
        let of = match kind {
            RoutineKind::Procedure => ProgramKind::Procedure,
            RoutineKind::Function => ProgramKind::Function,
        };
        let read = Body::read(self.sql, start, self.dialect, of);
        self.dialect.names.take();
        let read = read?;
        if kind == RoutineKind::Function && !read.returns {
            let message = format!("No RETURN found in FUNCTION {}", shown(&name));
            return Err(SqlError::new(errno::SP_NORETURN, message));
        }
        self.ends_at = Some((read.end, read.next));
        self.shape.add(&read.shape);
        Ok(Statement::CreateRoutine(Box::new(CreateRoutine {
            kind,
            name,
            if_not_exists,
            definer,
            characteristics,
            parameters_text,
            returns_text,
            body_text: self.text_between(start, read.end),
            modes,
            returns,
            body: read.body,
        })))
    }

    pub(super) fn text_between(&self, start: usize, end: usize) -> String {
        String::from_utf8_lossy(&self.sql[start..end]).into_owned()
    }

    /// ([IN | OUT | INOUT] name type, …), and its text.
    fn routine_parameters(
        &mut self,
        kind: RoutineKind,
        names: &mut Names,
    ) -> SqlResult<(Vec<ParameterMode>, String)> {
        self.expect_op("(")?;
        let start = self.last_end();
        let mut modes = Vec::new();
        while !self.at_op(")") {
            if !modes.is_empty() {
                self.expect_op(",")?;
            }
            let mut mode = ParameterMode::In;
            if kind == RoutineKind::Procedure {
                // The words may be names, too.
                let named = self.nth_is_op(2, ",") || self.nth_is_op(2, ")");
                if named && !self.at("IN") && !self.at("INOUT") && !self.at("OUT") {
                    mode = ParameterMode::In;
                } else if self.word("INOUT") {
                    mode = ParameterMode::InOut;
                } else if self.word("OUT") {
                    mode = ParameterMode::Out;
                } else {
                    self.word("IN");
                }
            }
            let name = self.name()?;
            let mut data_type = self.data_type(&name)?;
            if self.word("COLLATE") {
                data_type.collation = Some(self.word_or_string()?.to_lowercase());
            }
            if names.declare(&name, data_type).is_none() {
                let message = format!("Duplicate parameter: {name}");
                return Err(SqlError::new(errno::SP_DUP_PARAM, message));
            }
            modes.push(mode);
        }
        let end = self.peek().start;
        self.expect_op(")")?;
        Ok((modes, self.text_between(start, end)))
    }

    /// COMMENT, LANGUAGE SQL, [NOT] DETERMINISTIC, CONTAINS SQL and its kin, SQL SECURITY: in any order.
    fn characteristics(&mut self) -> SqlResult<Characteristics> {
        let mut found = Characteristics::default();
        loop {
            if self.word("COMMENT") {
                found.comment = Some(self.string()?);
            } else if self.word("LANGUAGE") {
                if self.at("JAVASCRIPT") {
                    return Err(SqlError::unsupported("LANGUAGE JAVASCRIPT"));
                }
                self.expect_word("SQL")?;
            } else if self.words(&["NOT", "DETERMINISTIC"]) {
                found.deterministic = Some(false);
            } else if self.word("DETERMINISTIC") {
                found.deterministic = Some(true);
            } else if self.words(&["CONTAINS", "SQL"]) {
                found.access = Some(DataAccess::ContainsSql);
            } else if self.words(&["NO", "SQL"]) {
                found.access = Some(DataAccess::NoSql);
            } else if self.words(&["READS", "SQL", "DATA"]) {
                found.access = Some(DataAccess::Reads);
            } else if self.words(&["MODIFIES", "SQL", "DATA"]) {
                found.access = Some(DataAccess::Modifies);
            } else if self.words(&["SQL", "SECURITY"]) {
                let invoker = self.word("INVOKER");
                if !invoker {
                    self.expect_word("DEFINER")?;
                }
                found.invoker = Some(invoker);
            } else {
                return Ok(found);
            }
        }
    }

    /// After ALTER PROCEDURE or FUNCTION.
    pub(in crate::sql::parser) fn alter_routine(
        &mut self,
        kind: RoutineKind,
    ) -> SqlResult<Statement> {
        let name = self.object_name()?;
        let characteristics = self.characteristics()?;
        Ok(Statement::AlterRoutine(Box::new(AlterRoutine { kind, name, characteristics })))
    }

    /// After DROP PROCEDURE or FUNCTION.
    pub(in crate::sql::parser) fn drop_routine(
        &mut self,
        kind: RoutineKind,
    ) -> SqlResult<Statement> {
        let if_exists = self.if_exists()?;
        let name = self.object_name()?;
        Ok(Statement::DropRoutine(DropRoutine { kind, name, if_exists }))
    }

    /// CALL, SIGNAL, RESIGNAL and GET DIAGNOSTICS.
    pub(in crate::sql::parser) fn program_statement(&mut self) -> SqlResult<Statement> {
        if self.at("CALL") {
            return self.call_statement();
        }
        if self.at("GET") { self.get_diagnostics() } else { self.signal() }
    }

    /// CALL name [(…)].
    fn call_statement(&mut self) -> SqlResult<Statement> {
        self.expect_word("CALL")?;
        let name = self.object_name()?;
        let mut arguments = Vec::new();
        if self.op("(") && !self.op(")") {
            arguments = self.list(Parser::expr)?;
            self.expect_op(")")?;
        }
        Ok(Statement::Call(Box::new(Call { name, arguments })))
    }
}

fn shown(name: &super::super::ast::ObjectName) -> String {
    match &name.database {
        Some(database) => format!("{database}.{}", name.name),
        None => name.name.clone(),
    }
}
