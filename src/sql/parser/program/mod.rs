//! Stored programs: CREATE, ALTER and DROP of procedures and functions, CALL, and the language of their bodies.
//!
//! A statement's tokens end at its semicolon, and a program has many of them. So a body is read piece by piece: a parser of its own for
//! each statement in it, from where the one before has ended. Which variables there are is known to the dialect
//! ([`Names`]), as that is what all of these parsers, and the lowering of expressions, have in common: a name that is a variable's
//! becomes its slot where it is read.
//!
//! [`Body::read`] is what a trigger's (or an event's) parser begins with, behind its own header.

mod block;
mod comment;
mod declare;
mod diagnostics;
mod header;
mod names;
mod trigger;

pub(super) use names::Names;

use super::ast::{Expr, InnerStatement, ProgramBody, ProgramStatement, Statement};
use super::cursor::{DEPTH_LIMIT, Parser, TokenKind};
use super::dialect::Dialect;
use super::shape::{Shape, too_deep};
use crate::common::{SqlError, SqlResult, errno};

/// What the program is of: some statements are not allowed everywhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ProgramKind {
    /// It may answer with rows, and commit.
    Procedure,
    /// It is part of a statement.
    Function,
    /// It is part of a statement, and gives no value.
    Trigger,
}

impl ProgramKind {
    fn in_statement(self) -> bool {
        self != ProgramKind::Procedure
    }
}

/// A label, or the place of one that has no name.
struct Label {
    name: Option<String>,
    number: usize,
    is_loop: bool,
}

/// A body that is being read.
pub(super) struct Body<'a> {
    sql: &'a [u8],
    dialect: &'a Dialect,
    parser: Parser<'a>,
    kind: ProgramKind,
    /// Whether there was a RETURN.
    returns: bool,
    labels: Vec<Label>,
    last_label: usize,
    declared: Vec<declare::Declared>,
    cursors: usize,
    depth: usize,
    shape: Shape,
    /// Where the piece in hand begins.
    cut: usize,
    /// Past the last token taken.
    end: usize,
}

/// A body that has been read, and where it stands.
pub(super) struct ReadBody {
    pub(super) body: ProgramBody,
    /// Past its last token.
    pub(super) end: usize,
    /// Past the semicolon behind it.
    pub(super) next: usize,
    pub(super) shape: Shape,
    pub(super) returns: bool,
}

impl<'a> Body<'a> {
    /// Reads the body that begins at a byte. The names of what is outside of it (parameters, NEW and OLD) are in the dialect.
    pub(super) fn read(
        sql: &'a [u8],
        at: usize,
        dialect: &'a Dialect,
        kind: ProgramKind,
    ) -> SqlResult<ReadBody> {
        let comment = comment::around(sql, at);
        let sql = comment.map_or(sql, |(end, _)| &sql[..end]);
        let parser = Parser::try_new(sql, at, dialect)?;
        let mut body = Body {
            sql,
            dialect,
            parser,
            kind,
            returns: false,
            labels: Vec::new(),
            last_label: 0,
            declared: Vec::new(),
            cursors: 0,
            depth: 0,
            shape: Shape::default(),
            cut: usize::MAX,
            end: at,
        };
        body.begin_piece()?;
        let mut statements = Vec::new();
        body.statement(&mut statements)?;
        let token = body.parser.peek();
        let (end, next) = match token.kind {
            TokenKind::End => (body.end, comment.map_or(sql.len(), |(_, next)| next)),
            TokenKind::Op(";") => (body.end, token.end),
            _ => return Err(body.parser.unexpected(token.start)),
        };
        let names = dialect.names.take().unwrap_or_default();
        Ok(ReadBody {
            body: ProgramBody {
                variables: names.variables,
                cursors: body.cursors,
                statements,
                row_values: names.row_values,
            },
            end,
            next,
            shape: body.shape,
            returns: body.returns,
        })
    }

    /// A parser for the statement that begins where the one before has ended.
    fn cut_at(&mut self, at: usize) -> SqlResult<()> {
        self.parser = Parser::try_new(self.sql, at, self.dialect)?;
        self.cut = self.parser.peek().start;
        self.begin_piece()
    }

    /// The same, for what follows a THEN or a DO.
    fn cut_here(&mut self) -> SqlResult<()> {
        let at = self.parser.peek().start;
        if at == self.cut { Ok(()) } else { self.cut_at(at) }
    }

    fn begin_piece(&mut self) -> SqlResult<()> {
        self.parser.shape.check()?;
        self.shape.add(&self.parser.shape);
        if let Some(placeholder) = self.parser.placeholders.first() {
            return Err(self.parser.syntax_error_from(*placeholder));
        }
        Ok(())
    }

    /// A semicolon, and what follows.
    fn semicolon(&mut self) -> SqlResult<()> {
        let token = self.parser.peek();
        if token.kind != TokenKind::Op(";") {
            return Err(self.parser.unexpected(token.start));
        }
        self.cut_at(token.end)
    }

    /// Statements, each with its semicolon, up to one of these words.
    fn statements_until(&mut self, ends: &[&str]) -> SqlResult<Vec<ProgramStatement>> {
        let mut statements = Vec::new();
        loop {
            if self.parser.peek().kind == TokenKind::End {
                return Err(self.parser.syntax_error());
            }
            if ends.iter().any(|end| self.parser.at(end)) {
                return Ok(statements);
            }
            self.statement(&mut statements)?;
            self.semicolon()?;
        }
    }

    /// One statement, without its semicolon.
    fn statement(&mut self, out: &mut Vec<ProgramStatement>) -> SqlResult<()> {
        if self.depth >= DEPTH_LIMIT {
            return Err(too_deep(DEPTH_LIMIT));
        }
        self.depth += 1;
        let outcome = self.one_statement(out);
        self.depth -= 1;
        outcome
    }

    fn one_statement(&mut self, out: &mut Vec<ProgramStatement>) -> SqlResult<()> {
        let label = match self.parser.at_name() && self.parser.nth_is_op(1, ":") {
            true => {
                let name = self.parser.any_word()?;
                self.parser.advance();
                let block = ["BEGIN", "LOOP", "WHILE", "REPEAT"];
                if !block.iter().any(|word| self.parser.at(word)) {
                    return Err(self.parser.syntax_error());
                }
                Some(name)
            }
            false => None,
        };
        let word = self.parser.text(self.parser.peek()).to_ascii_uppercase();
        match word.as_slice() {
            b"BEGIN" => self.block(label, out),
            b"IF" => self.if_statement(out),
            b"CASE" => self.case_statement(out),
            b"LOOP" | b"WHILE" | b"REPEAT" => self.loop_statement(label, out),
            b"LEAVE" | b"ITERATE" => self.jump(out),
            b"RETURN" => self.return_statement(out),
            b"OPEN" | b"FETCH" | b"CLOSE" => self.cursor_statement(out),
            b"SET" => self.set_statement(out),
            _ => {
                let inner = self.sql_statement()?;
                out.push(ProgramStatement::Sql(Box::new(inner)));
                Ok(())
            }
        }
    }

    /// Any statement of SQL; the parser is at its beginning, and was cut there.
    fn sql_statement(&mut self) -> SqlResult<InnerStatement> {
        // What INTO and TABLE are made into is decided by how a statement begins.
        self.cut_here()?;
        let start = self.parser.peek().start;
        self.begin_reads();
        let statement = self.parser.statement()?;
        self.check_allowed(&statement)?;
        self.end = match statement {
            Statement::SelectIntoFile { .. } | Statement::SelectIntoVariables { .. } => {
                self.parser.furthest_end()
            }
            _ => self.parser.last_end(),
        };
        Ok(self.inner(statement, start))
    }

    fn inner(&self, statement: Statement, start: usize) -> InnerStatement {
        let text = String::from_utf8_lossy(&self.sql[start..self.end]).into_owned();
        let user_variables = text.contains('@');
        InnerStatement { statement, text, reads: self.reads(), user_variables }
    }

    /// From here on it is noted what variables are read.
    fn begin_reads(&self) {
        if let Some(names) = self.dialect.names.borrow_mut().as_mut() {
            names.reads.clear();
        }
    }

    fn reads(&self) -> Vec<usize> {
        let names = self.dialect.names.borrow();
        names.as_ref().map(|names| names.reads.iter().copied().collect()).unwrap_or_default()
    }

    /// An expression.
    fn expr(&mut self) -> SqlResult<Expr> {
        let expr = self.parser.expr()?;
        self.end = self.parser.last_end();
        Ok(expr)
    }

    fn expect_word(&mut self, word: &str) -> SqlResult<()> {
        self.parser.expect_word(word)?;
        self.end = self.parser.last_end();
        Ok(())
    }

    /// Errors 1314, 1303, 1422, 1336 and 1415 for what may not be in such a program.
    fn check_allowed(&self, statement: &Statement) -> SqlResult<()> {
        use Statement as S;
        let not_allowed = |what: &str| {
            let message = format!("{what} is not allowed in stored procedures");
            Err(SqlError::new(errno::SP_BADSTATEMENT, message))
        };
        match statement {
            S::Use(_) => return not_allowed("USE"),
            S::LockTables(_) | S::UnlockTables => return not_allowed("LOCK"),
            S::LoadData(_) => return not_allowed("LOAD DATA"),
            S::CreateView(create) if create.alters => return not_allowed("ALTER VIEW"),
            S::CreateRoutine(create) => {
                let message = format!(
                    "Can't create a {} from within another stored routine",
                    create.kind.name()
                );
                return Err(SqlError::new(errno::SP_NO_RECURSIVE_CREATE, message));
            }
            S::DropRoutine(drop) => {
                let message = format!(
                    "Can't drop or alter a {} from within another stored routine",
                    drop.kind.name()
                );
                return Err(SqlError::new(errno::SP_NO_DROP_SP, message));
            }
            S::AlterRoutine(alter) => {
                let message = format!(
                    "Can't drop or alter a {} from within another stored routine",
                    alter.kind.name()
                );
                return Err(SqlError::new(errno::SP_NO_DROP_SP, message));
            }
            _ => {}
        }
        if self.kind.in_statement() {
            return self.check_in_statement(statement);
        }
        Ok(())
    }

    fn check_in_statement(&self, statement: &Statement) -> SqlResult<()> {
        match part_of_statement(statement) {
            Part::Fits => Ok(()),
            Part::Dynamic => Err(SqlError::new(
                errno::STMT_NOT_ALLOWED_IN_SF_OR_TRG,
                "Dynamic SQL is not allowed in stored function or trigger",
            )),
            Part::Commits => Err(SqlError::new(
                errno::COMMIT_NOT_ALLOWED_IN_SF_OR_TRG,
                "Explicit or implicit commit is not allowed in stored function or trigger.",
            )),
            Part::Answers => {
                let kind = if self.kind == ProgramKind::Function { "function" } else { "trigger" };
                let message = format!("Not allowed to return a result set from a {kind}");
                Err(SqlError::new(errno::SP_NO_RETSET, message))
            }
        }
    }
}

/// What a statement would be in a program that is part of a statement.
enum Part {
    /// A part of it.
    Fits,
    /// One that is not known before it runs.
    Dynamic,
    /// The end of its transaction.
    Commits,
    /// Another answer.
    Answers,
}

fn part_of_statement(statement: &Statement) -> Part {
    use Statement as S;
    match statement {
        S::Prepare { .. } | S::Execute { .. } | S::Deallocate(_) => Part::Dynamic,
        S::Query(_)
        | S::Show(_)
        | S::Describe { .. }
        | S::Explain(_)
        | S::Checksum { .. }
        | S::SplitTable(_)
        | S::Analyze(_)
        | S::Maintain(..) => Part::Answers,
        // A temporary table's coming and going commits nothing.
        S::CreateTable(create) if create.temporary => Part::Fits,
        S::DropTables { temporary: true, .. } => Part::Fits,
        S::CreateDatabase(_)
        | S::DropDatabase { .. }
        | S::AlterDatabase { .. }
        | S::CreateTable(_)
        | S::DropTables { .. }
        | S::CreateView(_)
        | S::DropViews { .. }
        | S::Truncate(_)
        | S::CreateIndex(_)
        | S::DropIndex { .. }
        | S::AlterTable { .. }
        | S::RenameTables(_)
        | S::CreateRoutine(_)
        | S::AlterRoutine(_)
        | S::DropRoutine(_)
        | S::CreateTrigger(_)
        | S::DropTrigger { .. }
        | S::CreateUser { .. }
        | S::AlterUser { .. }
        | S::DropUser { .. }
        | S::RenameUsers(_)
        | S::Grant(_)
        | S::Revoke(_)
        | S::CreateRoles { .. }
        | S::DropRoles { .. }
        | S::SetDefaultRole { .. }
        | S::SetPassword { .. }
        | S::LockTables(_)
        | S::UnlockTables
        | S::Flush(_)
        | S::Begin { .. }
        | S::Commit { .. }
        | S::Rollback { .. } => Part::Commits,
        S::Insert(_)
        | S::Update(_)
        | S::Delete(_)
        | S::SelectIntoFile { .. }
        | S::SelectIntoVariables { .. }
        | S::LoadData(_)
        | S::Use(_)
        | S::SetRole(_)
        | S::SetVariables(_)
        | S::Savepoint(_)
        | S::RollbackTo(_)
        | S::ReleaseSavepoint(_)
        | S::Kill { .. }
        | S::Do(_)
        | S::Call(_)
        | S::Signal(_)
        | S::GetDiagnostics(_) => Part::Fits,
    }
}
