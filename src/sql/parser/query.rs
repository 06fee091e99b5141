//! Expressions and queries: sqlparser reads them, the lowering makes them ours.

use super::ast::{Expr, OrderItem, Query, TableRef};
use super::cursor::{Parser, TokenKind};
use super::lower::system_variable;
use crate::common::SqlResult;

impl Parser<'_> {
    /// An expression.
    pub(super) fn expr(&mut self) -> SqlResult<Expr> {
        let expr = self.inner.parse_expr().map_err(|error| self.parse_error(error))?;
        self.lower_expr(expr)
    }

    /// An expression without operators between operands.
    pub(super) fn operand(&mut self) -> SqlResult<Expr> {
        let expr = self.inner.parse_prefix().map_err(|error| self.parse_error(error))?;
        self.lower_expr(expr)
    }

    /// Whether a query begins here, parentheses around it included.
    pub(super) fn at_query(&self) -> bool {
        self.at_query_nth(0)
    }

    fn at_query_nth(&self, n: usize) -> bool {
        let opened = (n..).take_while(|n| self.nth_is_op(*n, "(")).count();
        let word = n + opened;
        let query = ["SELECT", "WITH", "TABLE"].iter().any(|query| self.at_nth(word, query));
        query || (self.at_nth(word, "VALUES") && !self.nth_is_op(word + 1, "("))
    }

    /// A query.
    pub(super) fn query(&mut self) -> SqlResult<Query> {
        let query = self.inner.parse_query().map_err(|error| self.parse_error(error))?;
        self.lower_query(*query)
    }

    /// Tables and what is joined to them: commas are joins.
    pub(super) fn table_refs(&mut self) -> SqlResult<TableRef> {
        let tables = self
            .inner
            .parse_comma_separated(sqlparser::parser::Parser::parse_table_and_joins)
            .map_err(|error| self.parse_error(error))?;
        self.lower_tables(tables)
    }

    /// ORDER BY, if there is one.
    pub(super) fn order_by(&mut self) -> SqlResult<Vec<OrderItem>> {
        if !self.words(&["ORDER", "BY"]) {
            return Ok(Vec::new());
        }
        let items = self
            .inner
            .parse_comma_separated(sqlparser::parser::Parser::parse_order_by_expr)
            .map_err(|error| self.parse_error(error))?;
        self.lower_order_items(items)
    }

    /// A number or a parameter.
    pub(super) fn limit_number(&mut self) -> SqlResult<Expr> {
        match self.peek().kind {
            TokenKind::Parameter | TokenKind::Integer => self.operand(),
            TokenKind::Word | TokenKind::QuotedName if self.in_program() => {
                let token = self.peek();
                match self.operand()? {
                    variable @ Expr::Parameter(_) => Ok(variable),
                    _ => Err(self.syntax_error_at(token)),
                }
            }
            _ => Err(self.syntax_error()),
        }
    }

    /// name, table.name, database.table.name.
    pub(super) fn column(&mut self) -> SqlResult<Expr> {
        let first = self.name()?;
        if !self.op(".") {
            return Ok(Expr::Column { database: None, table: None, name: first });
        }
        let second = self.any_word()?;
        if !self.op(".") {
            return Ok(Expr::Column { database: None, table: Some(first), name: second });
        }
        let name = self.any_word()?;
        Ok(Expr::Column { database: Some(first), table: Some(second), name })
    }

    /// @@name, @@scope.name.
    pub(super) fn system_variable(&mut self) -> SqlResult<Expr> {
        let token = self.peek();
        let text = String::from_utf8_lossy(self.text(token)).replace('`', "").to_lowercase();
        let name = text.trim_start_matches('@').to_owned();
        if token.kind != TokenKind::SystemVariable || name.is_empty() {
            return Err(self.syntax_error());
        }
        self.advance();
        let (scope, name) = system_variable(name);
        Ok(Expr::SystemVariable(scope, name))
    }
}
