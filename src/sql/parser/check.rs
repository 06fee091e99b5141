//! [CONSTRAINT [name]] CHECK (…) [[NOT] ENFORCED].

use super::ast::CheckDefinition;
use super::cursor::Parser;
use crate::common::SqlResult;

impl Parser<'_> {
    /// Whether [CONSTRAINT [name]] CHECK is next.
    pub(super) fn at_check(&self) -> bool {
        self.at("CHECK")
            || (self.at("CONSTRAINT")
                && (self.at_nth(1, "CHECK") || (self.at_nth(2, "CHECK") && self.nth_is_op(3, "("))))
    }

    /// A check of the table, or of the column with this name.
    pub(super) fn check(&mut self, column: Option<&str>) -> SqlResult<CheckDefinition> {
        let mut name = None;
        if self.word("CONSTRAINT") && !self.at("CHECK") {
            name = Some(self.name()?);
        }
        self.expect_word("CHECK")?;
        self.expect_op("(")?;
        let expr = self.nested(Parser::expr)?;
        self.expect_op(")")?;
        let enforced = self.enforced()?.unwrap_or(true);
        Ok(CheckDefinition { name, column: column.map(str::to_owned), expr, enforced })
    }

    /// [NOT] ENFORCED, if it is written.
    pub(super) fn enforced(&mut self) -> SqlResult<Option<bool>> {
        if self.at("NOT") && self.at_nth(1, "ENFORCED") {
            self.advance();
            self.advance();
            return Ok(Some(false));
        }
        Ok(self.word("ENFORCED").then_some(true))
    }
}
