//! LOAD DATA, and FIELDS and LINES.

use super::ast::{FileFormat, LoadData, LoadTarget, Statement};
use super::cursor::{Parser, TokenKind};
use crate::common::{SqlError, SqlResult, errno};

impl Parser<'_> {
    /// LOAD DATA.
    pub(super) fn load(&mut self) -> SqlResult<Statement> {
        self.advance();
        if self.at("XML") {
            return Err(SqlError::unsupported("LOAD XML"));
        }
        if self.at("INDEX") {
            return Err(SqlError::unsupported("LOAD INDEX INTO CACHE"));
        }
        self.expect_word("DATA")?;
        // Ways to take locks on tables that there are none of.
        if !self.word("LOW_PRIORITY") {
            self.word("CONCURRENT");
        }
        let local = self.word("LOCAL");
        self.expect_word("INFILE")?;
        let file = self.string()?;
        let replace = self.word("REPLACE");
        let ignore = !replace && self.word("IGNORE");
        self.expect_words(&["INTO", "TABLE"])?;
        let table = self.object_name()?;
        let partitions = self.partition_selection()?;
        let charset =
            if self.character_set()? { Some(self.word_or_string()?.to_lowercase()) } else { None };
        let format = self.file_format()?;
        let mut skip = 0;
        if self.word("IGNORE") {
            skip = self.integer()?;
            if !self.word("LINES") {
                self.expect_word("ROWS")?;
            }
        }
        let targets = self.load_targets()?;
        let assignments =
            if self.word("SET") { self.list(Parser::assignment)? } else { Vec::new() };
        Ok(Statement::LoadData(Box::new(LoadData {
            local,
            file,
            replace,
            ignore,
            table,
            partitions,
            charset,
            format,
            skip,
            targets,
            assignments,
        })))
    }

    /// (column, @variable, …).
    fn load_targets(&mut self) -> SqlResult<Option<Vec<LoadTarget>>> {
        if !self.at_op("(") {
            return Ok(None);
        }
        self.expect_op("(")?;
        let mut targets = Vec::new();
        while !self.op(")") {
            if !targets.is_empty() {
                self.expect_op(",")?;
            }
            targets.push(match self.peek().kind {
                TokenKind::UserVariable => match self.operand()? {
                    super::ast::Expr::UserVariable(name) => LoadTarget::Variable(name),
                    _ => return Err(self.syntax_error()),
                },
                _ => LoadTarget::Column(self.target_column()?.1),
            });
        }
        Ok(Some(targets))
    }

    /// [FIELDS | COLUMNS …] [LINES …].
    pub(super) fn file_format(&mut self) -> SqlResult<FileFormat> {
        let mut format = FileFormat::default();
        if self.word("FIELDS") || self.word("COLUMNS") {
            let mut any = false;
            loop {
                if self.word("TERMINATED") {
                    format.field_end = self.by()?;
                } else if self.at("OPTIONALLY") || self.at("ENCLOSED") {
                    format.quotes_optionally = self.word("OPTIONALLY");
                    self.expect_word("ENCLOSED")?;
                    format.quote = self.by_one()?;
                } else if self.word("ESCAPED") {
                    format.escape = self.by_one()?;
                } else if any {
                    break;
                } else {
                    return Err(self.syntax_error());
                }
                any = true;
            }
        }
        if self.word("LINES") {
            let mut any = false;
            loop {
                if self.word("TERMINATED") {
                    format.line_end = self.by()?;
                } else if self.word("STARTING") {
                    format.line_start = self.by()?;
                } else if any {
                    break;
                } else {
                    return Err(self.syntax_error());
                }
                any = true;
            }
        }
        Ok(format)
    }

    /// BY a text.
    fn by(&mut self) -> SqlResult<Vec<u8>> {
        self.expect_word("BY")?;
        match self.operand()? {
            super::ast::Expr::Literal(
                super::ast::Literal::String(bytes, _)
                | super::ast::Literal::Hex(bytes)
                | super::ast::Literal::Bit(bytes),
            ) => Ok(bytes),
            _ => Err(self.syntax_error()),
        }
    }

    /// BY a character, or nothing. Error 1083 for more.
    fn by_one(&mut self) -> SqlResult<Option<u8>> {
        match self.by()?.as_slice() {
            [] => Ok(None),
            [one] => Ok(Some(*one)),
            _ => Err(SqlError::new(
                errno::WRONG_FIELD_TERMINATORS,
                "Field separator argument is not what is expected; check the manual",
            )),
        }
    }
}
