//! INSERT, REPLACE, UPDATE, DELETE.

use super::ast::{Assignment, Delete, Expr, Insert, InsertRows, ObjectName, TableRef, Update};
use super::cursor::Parser;
use crate::common::{SqlError, SqlResult};

impl Parser<'_> {
    pub(super) fn insert(&mut self) -> SqlResult<Insert> {
        let replace = self.at("REPLACE");
        self.advance();
        if self.word("DELAYED") || self.word("LOW_PRIORITY") || self.word("HIGH_PRIORITY") {
            // Priorities of table locks, which there are none of; MySQL ignores DELAYED, too.
        }
        let ignore = !replace && self.word("IGNORE");
        self.word("INTO");
        let table = self.object_name()?;
        if self.at("PARTITION") {
            return Err(SqlError::unsupported("PARTITION"));
        }
        let mut insert = Insert {
            replace,
            ignore,
            table,
            columns: None,
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
    fn target_column(&mut self) -> SqlResult<(Option<ObjectName>, String)> {
        match self.column()? {
            Expr::Column { database, table: Some(name), name: column } => {
                Ok((Some(ObjectName { database, name }), column))
            }
            Expr::Column { name, .. } => Ok((None, name)),
            _ => Err(self.syntax_error()),
        }
    }

    fn assignment(&mut self) -> SqlResult<Assignment> {
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
            from = self.table_refs()?;
            if self.word("USING") {
                targets = single_tables(from).ok_or_else(|| self.syntax_error())?;
                let from = self.table_refs()?;
                return self.delete_tail(ignore, targets, from);
            }
        } else {
            targets = self.list(|parser| {
                let name = parser.object_name()?;
                if parser.op(".") {
                    parser.expect_op("*")?;
                }
                Ok(name)
            })?;
            self.expect_word("FROM")?;
            from = self.table_refs()?;
        }
        self.delete_tail(ignore, targets, from)
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

/// The names in DELETE FROM a, b USING …: parsed as a join of tables.
fn single_tables(from: TableRef) -> Option<Vec<ObjectName>> {
    match from {
        TableRef::Table { name, alias: None } => Some(vec![name]),
        TableRef::Join { left, right, constraint: super::ast::JoinConstraint::None, .. } => {
            let mut names = single_tables(*left)?;
            names.extend(single_tables(*right)?);
            Some(names)
        }
        _ => None,
    }
}
