//! INSERT, REPLACE, UPDATE, DELETE.

use super::ParseWarning;
use super::ast::{Assignment, Delete, Expr, Insert, InsertRows, ObjectName, TableRef, Update};
use super::cursor::{Parser, TokenKind};
use crate::common::{SqlResult, errno};

impl Parser<'_> {
    pub(super) fn insert(&mut self) -> SqlResult<Insert> {
        let replace = self.at("REPLACE");
        self.advance();
        if self.word("DELAYED") {
            let verb = if replace { "REPLACE" } else { "INSERT" };
            let message = format!(
                "{verb} DELAYED is no longer supported. The statement was converted to {verb}."
            );
            self.warnings.push(ParseWarning { code: errno::WARN_LEGACY_SYNTAX_CONVERTED, message });
        } else if !self.word("LOW_PRIORITY") && !replace {
            // Priorities of table locks, which there are none of.
            self.word("HIGH_PRIORITY");
        }
        let ignore = !replace && self.word("IGNORE");
        self.word("INTO");
        let table = self.object_name()?;
        let partitions = self.partition_selection()?;
        let mut insert = Insert {
            replace,
            ignore,
            table,
            columns: None,
            partitions,
            rows: InsertRows::Values(Vec::new()),
            row_alias: None,
            on_duplicate: Vec::new(),
        };
        if self.word("SET") {
            let assignments = self.list(Parser::assignment)?;
            let (columns, row) = assignments.into_iter().map(|a| (a.column, a.value)).unzip();
            insert.columns = Some(columns);
            insert.rows = InsertRows::Values(vec![row]);
        } else {
            if self.at_op("(") && !self.at_query() {
                insert.columns = Some(self.column_list()?);
            }
            insert.rows = self.insert_rows()?;
        }
        if self.word("AS") {
            let alias = self.name()?;
            let columns =
                if self.at_op("(") { self.parenthesised(Parser::name)? } else { Vec::new() };
            insert.row_alias = Some((alias, columns));
        }
        if self.at_all(&["ON", "DUPLICATE", "KEY"]) && !replace {
            self.expect_words(&["ON", "DUPLICATE", "KEY", "UPDATE"])?;
            insert.on_duplicate = self.list(Parser::assignment)?;
        }
        Ok(insert)
    }

    /// (a, t.b, …), perhaps empty.
    fn column_list(&mut self) -> SqlResult<Vec<String>> {
        self.expect_op("(")?;
        let mut columns = Vec::new();
        while !self.op(")") {
            if !columns.is_empty() {
                self.expect_op(",")?;
            }
            columns.push(self.target_column()?.1);
        }
        Ok(columns)
    }

    fn insert_rows(&mut self) -> SqlResult<InsertRows> {
        if self.at_query() {
            return self.query().map(|query| InsertRows::Query(Box::new(query)));
        }
        if !self.word("VALUE") {
            self.expect_word("VALUES")?;
        }
        let rows = self.list(|parser| {
            parser.expect_op("(")?;
            let mut row = Vec::new();
            while !parser.op(")") {
                if !row.is_empty() {
                    parser.expect_op(",")?;
                }
                row.push(parser.expr()?);
            }
            Ok(row)
        })?;
        Ok(InsertRows::Values(rows))
    }

    /// The column on the left of an assignment, with its table if written.
    pub(super) fn target_column(&mut self) -> SqlResult<(Option<ObjectName>, String)> {
        match self.column()? {
            Expr::Column { database, table: Some(name), name: column } => {
                Ok((Some(ObjectName { database, name }), column))
            }
            Expr::Column { name, .. } => Ok((None, name)),
            _ => Err(self.syntax_error()),
        }
    }

    pub(super) fn assignment(&mut self) -> SqlResult<Assignment> {
        let (table, column) = self.target_column()?;
        if !self.op(":=") {
            self.expect_op("=")?;
        }
        Ok(Assignment { table, column, value: self.expr()? })
    }

    pub(super) fn update(&mut self) -> SqlResult<Update> {
        self.expect_word("UPDATE")?;
        self.word("LOW_PRIORITY");
        let ignore = self.word("IGNORE");
        let from = self.table_refs()?;
        self.expect_word("SET")?;
        let assignments = self.list(Parser::assignment)?;
        let selection = if self.word("WHERE") { Some(self.expr()?) } else { None };
        let order_by = self.order_by()?;
        let limit = if self.word("LIMIT") { Some(self.limit_number()?) } else { None };
        Ok(Update { ignore, from, assignments, selection, order_by, limit })
    }

    pub(super) fn delete(&mut self) -> SqlResult<Delete> {
        self.expect_word("DELETE")?;
        self.word("LOW_PRIORITY");
        self.word("QUICK");
        let ignore = self.word("IGNORE");
        let mut targets = Vec::new();
        let from;
        if self.word("FROM") {
            if self.targets_before_using() {
                targets = self.list(Parser::delete_target)?;
                self.expect_word("USING")?;
            }
            from = self.table_refs()?;
        } else {
            targets = self.list(Parser::delete_target)?;
            self.expect_word("FROM")?;
            from = self.table_refs()?;
        }
        self.delete_tail(ignore, targets, from)
    }

    /// name, database.name, either with .* after it.
    fn delete_target(&mut self) -> SqlResult<ObjectName> {
        let first = self.name()?;
        if !self.op(".") || self.op("*") {
            return Ok(ObjectName { database: None, name: first });
        }
        let name = self.any_word()?;
        if self.op(".") {
            self.expect_op("*")?;
        }
        Ok(ObjectName { database: Some(first), name })
    }

    /// Whether names and then USING follow.
    fn targets_before_using(&self) -> bool {
        let is_of_names = |n: &usize| {
            let token = self.peek_nth(*n);
            let name = matches!(token.kind, TokenKind::Word | TokenKind::QuotedName);
            let sign = [",", ".", "*"].iter().any(|sign| self.nth_is_op(*n, sign));
            sign || (name && !self.at_nth(*n, "USING"))
        };
        let names = (0..).take_while(is_of_names).count();
        names > 0 && self.at_nth(names, "USING") && !self.joins_before(names)
    }

    fn joins_before(&self, names: usize) -> bool {
        (0..names).any(|n| self.at_nth(n, "JOIN") || self.at_nth(n, "STRAIGHT_JOIN"))
    }

    fn delete_tail(
        &mut self,
        ignore: bool,
        targets: Vec<ObjectName>,
        from: TableRef,
    ) -> SqlResult<Delete> {
        let selection = if self.word("WHERE") { Some(self.expr()?) } else { None };
        let order_by = self.order_by()?;
        let limit = if self.word("LIMIT") { Some(self.limit_number()?) } else { None };
        Ok(Delete { ignore, targets, from, selection, order_by, limit })
    }
}
