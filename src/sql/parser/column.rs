//! A column of CREATE TABLE and ALTER TABLE: its type and its attributes.

use super::ast::{
    ColumnDefinition, ColumnOption, Expr, IndexDefinition, IndexNotes, IndexPart, Literal, UnaryOp,
};
use super::cursor::Parser;
use super::data_type::SERIAL;
use crate::common::{SqlError, SqlResult};

impl Parser<'_> {
    /// A column after its name.
    pub(super) fn column_definition(
        &mut self,
        name: String,
        indexes: &mut Vec<IndexDefinition>,
    ) -> SqlResult<ColumnDefinition> {
        let mut data_type = self.data_type(&name)?;
        let (mut options, mut checks) = (Vec::new(), Vec::new());
        let serial = [ColumnOption::NotNull, ColumnOption::AutoIncrement, ColumnOption::Unique];
        if data_type.name == SERIAL {
            "bigint".clone_into(&mut data_type.name);
            options.extend(serial.clone());
        }
        loop {
            if self.word("COLLATE") {
                data_type.collation = Some(self.word_or_string()?.to_lowercase());
                continue;
            }
            if self.words(&["SERIAL", "DEFAULT", "VALUE"]) {
                options.extend(serial.clone());
                continue;
            }
            if self.at_check() {
                checks.push(self.check(Some(&name))?);
                continue;
            }
            match self.column_option()? {
                Some(option) => options.push(option),
                None => break,
            }
        }
        for option in &options {
            let primary = *option == ColumnOption::PrimaryKey;
            if primary || *option == ColumnOption::Unique {
                let parts = vec![IndexPart::column(&name)];
                indexes.push(IndexDefinition {
                    name: None,
                    primary,
                    unique: true,
                    parts,
                    notes: IndexNotes::default(),
                    fulltext: None,
                    invisible: false,
                });
            }
        }
        Ok(ColumnDefinition { name, data_type, options, checks })
    }

    fn column_option(&mut self) -> SqlResult<Option<ColumnOption>> {
        Ok(Some(if self.word("NOT") {
            if self.at("SECONDARY") {
                return Err(SqlError::unsupported("NOT SECONDARY"));
            }
            self.expect_word("NULL")?;
            ColumnOption::NotNull
        } else if self.word("NULL") {
            ColumnOption::Null
        } else if self.word("DEFAULT") {
            match self.at_op("(") {
                true => ColumnOption::DefaultExpr(self.bracketed()?),
                false => ColumnOption::Default(self.default_value()?),
            }
        } else if self.words(&["GENERATED", "ALWAYS"]) || self.at("AS") {
            self.expect_word("AS")?;
            let expr = self.bracketed()?;
            let stored = self.word("STORED");
            if !stored {
                self.word("VIRTUAL");
            }
            ColumnOption::Generated(expr, stored)
        } else if self.words(&["ON", "UPDATE"]) {
            ColumnOption::OnUpdateNow(self.now_precision()?)
        } else if self.word("AUTO_INCREMENT") {
            ColumnOption::AutoIncrement
        } else if self.word("UNIQUE") {
            self.word("KEY");
            ColumnOption::Unique
        } else if self.at_all(&["PRIMARY", "KEY"]) || self.at("KEY") {
            self.word("PRIMARY");
            self.expect_word("KEY")?;
            if self.at("NONCLUSTERED") {
                return Err(SqlError::unsupported("NONCLUSTERED"));
            }
            self.word("CLUSTERED");
            ColumnOption::PrimaryKey
        } else if self.word("COMMENT") {
            ColumnOption::Comment(self.string()?)
        } else if self.at("COLUMN_FORMAT") || self.at("STORAGE") {
            let (word, words) = match self.word("STORAGE") {
                true => ("STORAGE", ["DISK", "MEMORY", "DEFAULT"]),
                false => ("COLUMN_FORMAT", ["FIXED", "DYNAMIC", "DEFAULT"]),
            };
            self.word("COLUMN_FORMAT");
            let value = self.one_of(&words)?;
            ColumnOption::Storage(word.to_owned(), value.to_owned())
        } else if self.word("INVISIBLE") {
            ColumnOption::Invisible
        } else if self.column_references()? || self.word("VISIBLE") {
            return self.column_option();
        } else if let Some(clause) = self.unsupported_column_option() {
            return Err(SqlError::unsupported(clause));
        } else {
            return Ok(None);
        }))
    }

    /// One of these words.
    fn one_of(&mut self, words: &[&'static str]) -> SqlResult<&'static str> {
        let found = words.iter().find(|word| self.word(word));
        found.copied().ok_or_else(|| self.syntax_error())
    }

    fn unsupported_column_option(&self) -> Option<&'static str> {
        let clauses = [
            ("AUTO_RANDOM", "AUTO_RANDOM"),
            ("SRID", "SRID"),
            ("ENGINE_ATTRIBUTE", "ENGINE_ATTRIBUTE"),
            ("SECONDARY_ENGINE_ATTRIBUTE", "ENGINE_ATTRIBUTE"),
        ];
        clauses.iter().find(|(word, _)| self.at(word)).map(|(_, clause)| *clause)
    }

    /// An expression in parentheses.
    pub(super) fn bracketed(&mut self) -> SqlResult<Expr> {
        self.expect_op("(")?;
        let expr = self.nested(Parser::expr)?;
        self.expect_op(")")?;
        Ok(expr)
    }

    fn default_value(&mut self) -> SqlResult<Expr> {
        if self.at_now() {
            let precision = self.now_precision()?.unwrap_or(0);
            let args = vec![Expr::Literal(Literal::Integer(u64::from(precision)))];
            return Ok(Expr::Call("now".to_owned(), args));
        }
        self.signed_literal()
    }

    /// A literal, perhaps with a sign.
    pub(super) fn signed_literal(&mut self) -> SqlResult<Expr> {
        let sign = if self.op("-") {
            Some(UnaryOp::Minus)
        } else if self.op("+") {
            Some(UnaryOp::Plus)
        } else {
            None
        };
        if let Some(sign) = sign {
            return Ok(Expr::Unary(sign, Box::new(self.literal()?)));
        }
        self.literal()
    }

    /// A literal.
    fn literal(&mut self) -> SqlResult<Expr> {
        let token = self.peek();
        match self.operand()? {
            literal @ Expr::Literal(_) => Ok(literal),
            _ => Err(self.syntax_error_at(token)),
        }
    }

    fn at_now(&self) -> bool {
        ["CURRENT_TIMESTAMP", "NOW", "LOCALTIME", "LOCALTIMESTAMP"].iter().any(|word| self.at(word))
    }

    /// CURRENT_TIMESTAMP[([n])].
    fn now_precision(&mut self) -> SqlResult<Option<u32>> {
        if !self.at_now() {
            return Err(self.syntax_error());
        }
        self.advance();
        if !self.op("(") || self.op(")") {
            return Ok(None);
        }
        let precision = self.small_integer()?;
        self.expect_op(")")?;
        Ok(Some(precision))
    }
}
