//! SELECT and what is made of it.

use super::ast::{
    CommonTable, Expr, JoinConstraint, JoinOp, Limit, Locking, ObjectName, OrderItem, Query,
    QueryBody, Select, SelectItem, SetOperator, TableRef,
};
use super::cursor::Parser;
use super::cursor::TokenKind;
use crate::common::{SqlError, SqlResult};

impl Parser<'_> {
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
        self.nested(Parser::query_here)
    }

    fn query_here(&mut self) -> SqlResult<Query> {
        let with = if self.word("WITH") { self.common_tables()? } else { Vec::new() };
        let mut query = self.query_terms()?;
        query.with.splice(0..0, with);
        Ok(query)
    }

    fn common_tables(&mut self) -> SqlResult<Vec<CommonTable>> {
        if self.word("RECURSIVE") {
            return Err(SqlError::unsupported("WITH RECURSIVE"));
        }
        self.list(|parser| {
            let name = parser.name()?;
            let columns =
                if parser.at_op("(") { parser.parenthesised(Parser::name)? } else { Vec::new() };
            parser.expect_word("AS")?;
            parser.expect_op("(")?;
            let query = parser.query()?;
            parser.expect_op(")")?;
            Ok(CommonTable { name, columns, query })
        })
    }

    /// Terms joined by UNION, EXCEPT, INTERSECT (which binds tighter), then ORDER BY and LIMIT of the whole.
    fn query_terms(&mut self) -> SqlResult<Query> {
        let mut left = self.query_intersection()?;
        loop {
            let op = if self.word("UNION") {
                SetOperator::Union
            } else if self.word("EXCEPT") {
                SetOperator::Except
            } else {
                break;
            };
            let all = self.set_quantifier();
            let right = self.query_intersection()?;
            left = set_operation(op, all, left, right);
        }
        self.query_tail(left)
    }

    fn query_intersection(&mut self) -> SqlResult<Query> {
        let mut left = self.query_primary()?;
        while self.word("INTERSECT") {
            let all = self.set_quantifier();
            let right = self.query_primary()?;
            left = set_operation(SetOperator::Intersect, all, left, right);
        }
        Ok(left)
    }

    fn set_quantifier(&mut self) -> bool {
        let all = self.word("ALL");
        if !all {
            self.word("DISTINCT");
        }
        all
    }

    /// ORDER BY, LIMIT and locking after a whole query.
    fn query_tail(&mut self, query: Query) -> SqlResult<Query> {
        let order_by = self.order_by()?;
        let limit = self.limit()?;
        let locking = self.locking()?;
        if self.at("INTO") {
            return Err(SqlError::unsupported("SELECT … INTO"));
        }
        if order_by.is_empty() && limit.is_none() && locking.is_none() {
            return Ok(query);
        }
        let bare = query.order_by.is_empty() && query.limit.is_none() && query.locking.is_none();
        if bare {
            return Ok(Query { order_by, limit, locking, ..query });
        }
        // (SELECT … LIMIT 5) ORDER BY …: the inner limit comes first.
        let items = vec![SelectItem::Wildcard(None)];
        let from = TableRef::Derived {
            query: Box::new(query),
            alias: "(query)".to_owned(),
            columns: Vec::new(),
        };
        let body =
            QueryBody::Select(Box::new(Select { items, from: Some(from), ..empty_select() }));
        Ok(Query { with: Vec::new(), body, order_by, limit, locking })
    }

    fn query_primary(&mut self) -> SqlResult<Query> {
        let body = if self.op("(") {
            let query = self.query()?;
            self.expect_op(")")?;
            return Ok(query);
        } else if self.word("VALUES") {
            QueryBody::Values(self.list(|parser| {
                parser.expect_word("ROW")?;
                parser.parenthesised(Parser::expr)
            })?)
        } else if self.word("TABLE") {
            let name = self.object_name()?;
            let items = vec![SelectItem::Wildcard(None)];
            let from = Some(TableRef::Table { name, alias: None });
            QueryBody::Select(Box::new(Select { items, from, ..empty_select() }))
        } else {
            QueryBody::Select(Box::new(self.select()?))
        };
        Ok(Query { with: Vec::new(), body, order_by: Vec::new(), limit: None, locking: None })
    }

    fn select(&mut self) -> SqlResult<Select> {
        self.expect_word("SELECT")?;
        let mut select = empty_select();
        loop {
            if self.word("DISTINCT") || self.word("DISTINCTROW") {
                select.distinct = true;
            } else if self.word("SQL_CALC_FOUND_ROWS") {
                select.calc_found_rows = true;
            } else if self.at("STRAIGHT_JOIN") {
                return Err(SqlError::unsupported("STRAIGHT_JOIN"));
            } else if !["ALL", "SQL_NO_CACHE", "SQL_CACHE", "HIGH_PRIORITY", "SQL_SMALL_RESULT"]
                .iter()
                .chain(&["SQL_BIG_RESULT", "SQL_BUFFER_RESULT"])
                .any(|word| self.word(word))
            {
                // The words passed over advise how to run a query, not what it means.
                break;
            }
        }
        select.items = self.list(Parser::select_item)?;
        if self.at("INTO") {
            return Err(SqlError::unsupported("SELECT … INTO"));
        }
        if self.word("FROM") && !self.word("DUAL") {
            select.from = Some(self.table_refs()?);
        }
        if self.word("WHERE") {
            select.selection = Some(self.expr()?);
        }
        if self.words(&["GROUP", "BY"]) {
            select.group_by = self.list(Parser::expr)?;
            select.with_rollup = self.words(&["WITH", "ROLLUP"]);
        }
        if self.word("HAVING") {
            select.having = Some(self.expr()?);
        }
        if self.at("WINDOW") {
            return Err(SqlError::unsupported("WINDOW"));
        }
        Ok(select)
    }

    fn select_item(&mut self) -> SqlResult<SelectItem> {
        if self.op("*") {
            return Ok(SelectItem::Wildcard(None));
        }
        if self.at_name() && self.nth_is_op(1, ".") {
            if self.nth_is_op(2, "*") {
                let name = self.name()?;
                self.advance();
                self.advance();
                return Ok(SelectItem::Wildcard(Some(ObjectName { database: None, name })));
            }
            if let Some(item) = self.qualified_wildcard()? {
                return Ok(item);
            }
        }
        let start = self.peek().start;
        let expr = self.expr()?;
        let end = self.last_end();
        let alias = self.alias(true)?;
        let text = match (&expr, &alias) {
            (_, Some(_)) => String::new(),
            (Expr::Column { name, .. }, None) => name.clone(),
            (Expr::Literal(super::ast::Literal::String(bytes, _)), None) => {
                String::from_utf8_lossy(bytes).into_owned()
            }
            _ => String::from_utf8_lossy(&self.sql[start..end]).into_owned(),
        };
        Ok(SelectItem::Expr { expr, alias, text })
    }

    /// database.table.*: longer than what can be looked ahead, so tried on a copy of the place.
    fn qualified_wildcard(&mut self) -> SqlResult<Option<SelectItem>> {
        let start = self.peek().start;
        let mut scout = Parser::new(self.sql, start, self.dialect);
        let database = scout.name()?;
        scout.advance();
        let Ok(name) = scout.any_word() else {
            return Ok(None);
        };
        if !(scout.at_op(".") && scout.nth_is_op(1, "*")) {
            return Ok(None);
        }
        for _ in 0..5 {
            self.advance();
        }
        Ok(Some(SelectItem::Wildcard(Some(ObjectName { database: Some(database), name }))))
    }

    /// FROM's tables: commas are joins.
    pub(super) fn table_refs(&mut self) -> SqlResult<TableRef> {
        let mut left = self.table_ref()?;
        while self.op(",") {
            let right = Box::new(self.table_ref()?);
            left = TableRef::Join {
                left: Box::new(left),
                right,
                op: JoinOp::Inner,
                constraint: JoinConstraint::None,
            };
        }
        Ok(left)
    }

    /// A table and what is joined to it.
    fn table_ref(&mut self) -> SqlResult<TableRef> {
        self.nested(|parser| {
            let mut left = parser.table_factor()?;
            for _ in 0..64 {
                match parser.join(left)? {
                    (joined, true) => left = joined,
                    (done, false) => return Ok(done),
                }
            }
            Err(SqlError::unsupported("a join of more than 61 tables"))
        })
    }

    /// One more join, if there is one.
    fn join(&mut self, left: TableRef) -> SqlResult<(TableRef, bool)> {
        if self.at("STRAIGHT_JOIN") {
            return Err(SqlError::unsupported("STRAIGHT_JOIN"));
        }
        let natural = self.word("NATURAL");
        let op = if self.word("LEFT") {
            JoinOp::Left
        } else if self.word("RIGHT") {
            JoinOp::Right
        } else if self.word("INNER") || self.word("CROSS") || self.at("JOIN") {
            JoinOp::Inner
        } else if natural {
            return Err(self.syntax_error());
        } else {
            return Ok((left, false));
        };
        if op != JoinOp::Inner {
            self.word("OUTER");
        }
        self.expect_word("JOIN")?;
        let mut right = self.table_factor()?;
        let mut constraint = self.join_constraint(natural)?;
        // a JOIN b JOIN c ON … ON …: the second ON belongs to the first JOIN.
        while constraint == JoinConstraint::None && !natural {
            let at_join = ["JOIN", "INNER", "CROSS", "LEFT", "RIGHT", "NATURAL"]
                .iter()
                .any(|word| self.at(word));
            if op == JoinOp::Inner || !at_join {
                break;
            }
            right = self.join(right)?.0;
            constraint = self.join_constraint(false)?;
        }
        if op != JoinOp::Inner && constraint == JoinConstraint::None {
            return Err(self.syntax_error());
        }
        let (left, right) = (Box::new(left), Box::new(right));
        Ok((TableRef::Join { left, right, op, constraint }, true))
    }

    fn join_constraint(&mut self, natural: bool) -> SqlResult<JoinConstraint> {
        Ok(if natural {
            JoinConstraint::Natural
        } else if self.word("ON") {
            JoinConstraint::On(self.expr()?)
        } else if self.word("USING") {
            JoinConstraint::Using(self.parenthesised(Parser::name)?)
        } else {
            JoinConstraint::None
        })
    }

    fn table_factor(&mut self) -> SqlResult<TableRef> {
        if self.at("LATERAL") {
            return Err(SqlError::unsupported("LATERAL"));
        }
        if self.at("JSON_TABLE") && self.nth_is_op(1, "(") {
            return Err(SqlError::unsupported("JSON_TABLE()"));
        }
        if self.at_op("(") {
            return self.parenthesised_table();
        }
        let name = self.object_name()?;
        if self.at("PARTITION") {
            return Err(SqlError::unsupported("PARTITION"));
        }
        let time_travel = (self.at("AS") && self.at_nth(1, "OF")) || self.at("TABLESAMPLE");
        if time_travel {
            return Err(SqlError::unsupported("AS OF and TABLESAMPLE"));
        }
        let alias = self.alias(false)?;
        for word in ["USE", "FORCE", "IGNORE"] {
            if self.at(word) && (self.at_nth(1, "INDEX") || self.at_nth(1, "KEY")) {
                return Err(SqlError::unsupported(format!("{word} INDEX")));
            }
        }
        Ok(TableRef::Table { name, alias })
    }

    fn parenthesised_table(&mut self) -> SqlResult<TableRef> {
        if !self.at_nth(1, "SELECT") && !self.at_nth(1, "WITH") && !self.nth_is_op(1, "(") {
            let values = self.at_nth(1, "VALUES") || self.at_nth(1, "TABLE");
            if !values {
                self.expect_op("(")?;
                let inner = self.table_refs()?;
                self.expect_op(")")?;
                return Ok(inner);
            }
        }
        if self.nth_is_op(1, "(") && !self.at_query() {
            self.expect_op("(")?;
            let inner = self.table_refs()?;
            self.expect_op(")")?;
            return Ok(inner);
        }
        self.expect_op("(")?;
        let query = Box::new(self.query()?);
        self.expect_op(")")?;
        let Some(alias) = self.alias(false)? else {
            return Err(SqlError::new(
                crate::common::errno::DERIVED_MUST_HAVE_ALIAS,
                "Every derived table must have its own alias",
            ));
        };
        let columns = if self.at_op("(") { self.parenthesised(Parser::name)? } else { Vec::new() };
        Ok(TableRef::Derived { query, alias, columns })
    }

    /// ORDER BY, if there is one.
    pub(super) fn order_by(&mut self) -> SqlResult<Vec<OrderItem>> {
        if self.words(&["ORDER", "BY"]) { self.list(Parser::order_item) } else { Ok(Vec::new()) }
    }

    pub(super) fn order_item(&mut self) -> SqlResult<OrderItem> {
        let expr = self.expr()?;
        let descending = self.word("DESC");
        if !descending {
            self.word("ASC");
        }
        Ok(OrderItem { expr, descending })
    }

    /// LIMIT, if there is one.
    fn limit(&mut self) -> SqlResult<Option<Limit>> {
        if !self.word("LIMIT") {
            return Ok(None);
        }
        let first = self.limit_number()?;
        if self.op(",") {
            return Ok(Some(Limit { offset: Some(first), count: self.limit_number()? }));
        }
        let offset = if self.word("OFFSET") { Some(self.limit_number()?) } else { None };
        Ok(Some(Limit { offset, count: first }))
    }

    /// A number or a parameter.
    pub(super) fn limit_number(&mut self) -> SqlResult<Expr> {
        if self.peek().kind == TokenKind::Parameter {
            return Ok(self.parameter());
        }
        self.integer().map(|number| Expr::Literal(super::ast::Literal::Integer(number)))
    }

    fn locking(&mut self) -> SqlResult<Option<Locking>> {
        let locking = if self.words(&["LOCK", "IN", "SHARE"]) {
            self.expect_word("MODE")?;
            return Ok(Some(Locking::ForShare));
        } else if self.words(&["FOR", "UPDATE"]) {
            Locking::ForUpdate
        } else if self.words(&["FOR", "SHARE"]) {
            Locking::ForShare
        } else {
            return Ok(None);
        };
        if self.at("OF") {
            return Err(SqlError::unsupported("FOR UPDATE OF"));
        }
        if self.words(&["SKIP", "LOCKED"]) {
            return Err(SqlError::unsupported("SKIP LOCKED"));
        }
        if self.word("NOWAIT") {
            return match locking {
                Locking::ForShare => Err(SqlError::unsupported("FOR SHARE NOWAIT")),
                _ => Ok(Some(Locking::ForUpdateNoWait)),
            };
        }
        Ok(Some(locking))
    }
}

fn empty_select() -> Select {
    Select {
        distinct: false,
        calc_found_rows: false,
        items: Vec::new(),
        from: None,
        selection: None,
        group_by: Vec::new(),
        with_rollup: false,
        having: None,
    }
}

fn set_operation(op: SetOperator, all: bool, left: Query, right: Query) -> Query {
    let body = QueryBody::SetOperation { op, all, left: Box::new(left), right: Box::new(right) };
    Query { with: Vec::new(), body, order_by: Vec::new(), limit: None, locking: None }
}
