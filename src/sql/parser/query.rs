//! Expressions and queries: sqlparser reads them, the lowering makes them ours.

use super::ast::{Expr, OrderItem, Query, TableRef};
use super::cursor::{Parser, TokenKind};
use super::lower::{select_all, system_variable, with_tail};
use crate::common::{SqlError, SqlResult};

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
        let starts = |n| {
            let query = ["SELECT", "WITH", "TABLE"].iter().any(|word| self.at_nth(n, word));
            query || (self.at_nth(n, "VALUES") && !self.nth_is_op(n + 1, "("))
        };
        starts(0)
            || (self.at_op("(") && starts(1))
            || (self.at_op("(") && self.nth_is_op(1, "(") && self.at_nth(2, "SELECT"))
    }

    /// A query.
    pub(super) fn query(&mut self) -> SqlResult<Query> {
        if self.at("TABLE") {
            return self.table_query();
        }
        // sqlparser reads LIMIT ALL as no limit at all.
        let all = (1..self.token_count)
            .find(|at| self.token_is(*at - 1, "LIMIT") && self.token_is(*at, "ALL"));
        if let Some(all) = all {
            return Err(self.syntax_error_from(self.token_start(all)));
        }
        let query = self.inner.parse_query().map_err(|error| match self.writes_a_file() {
            true => SqlError::unsupported("SELECT … INTO"),
            false => self.parse_error(error),
        })?;
        let query = self.lower_query(*query)?;
        if self.at("INTO") {
            return Err(SqlError::unsupported("SELECT … INTO"));
        }
        Ok(query)
    }

    /// Whether INTO OUTFILE or INTO DUMPFILE stands somewhere, of which the borrowed parser knows nothing.
    fn writes_a_file(&self) -> bool {
        let file = |at| self.token_is(at, "OUTFILE") || self.token_is(at, "DUMPFILE");
        (1..self.token_count).any(|at| self.token_is(at - 1, "INTO") && file(at))
    }

    /// TABLE name [ORDER BY …] [LIMIT …].
    fn table_query(&mut self) -> SqlResult<Query> {
        self.expect_word("TABLE")?;
        let name = self.object_name()?;
        let body = select_all(TableRef::Table { name, alias: None });
        let query =
            Query { with: Vec::new(), body, order_by: Vec::new(), limit: None, locking: None };
        let order_by = self.order_by()?;
        let limit = if self.word("LIMIT") {
            let first = self.limit_number()?;
            Some(if self.op(",") {
                super::ast::Limit { offset: Some(first), count: self.limit_number()? }
            } else if self.word("OFFSET") {
                super::ast::Limit { offset: Some(self.limit_number()?), count: first }
            } else {
                super::ast::Limit { offset: None, count: first }
            })
        } else {
            None
        };
        Ok(with_tail(query, order_by, limit, None))
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
