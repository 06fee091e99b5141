//! What FROM names.

use sqlparser::ast::{
    Join, JoinConstraint as SqlConstraint, JoinOperator, Spanned, TableFactor,
    TableIndexHintForClause, TableIndexHintType, TableIndexHints, TableWithJoins,
};
use sqlparser::tokenizer::Token;

use super::super::ast::{IndexHint, IndexHintKind, IndexPurpose, JoinConstraint, JoinOp, TableRef};
use super::super::cursor::Parser;
use super::super::tokens::byte_at;
use super::query::refuse;
use crate::common::{SqlError, SqlResult, errno};

/// How many tables a query may join.
const MAX_TABLES: usize = 61;

/// Error 1116 for more tables than a query may join.
fn check_tables(count: usize) -> SqlResult<()> {
    if count <= MAX_TABLES {
        return Ok(());
    }
    Err(SqlError::new(
        errno::TOO_MANY_TABLES,
        format!("Too many tables; MySQL can only use {MAX_TABLES} tables in a join"),
    ))
}

fn cross(left: TableRef, right: TableRef, op: JoinOp) -> TableRef {
    TableRef::Join {
        left: Box::new(left),
        right: Box::new(right),
        op,
        constraint: JoinConstraint::None,
    }
}

/// How many tables are joined.
fn tables(table: &TableRef) -> usize {
    let mut count = 0;
    let mut open = vec![table];
    while let Some(table) = open.pop() {
        match table {
            TableRef::Join { left, right, .. } => open.extend([&**left, &**right]),
            TableRef::Table { .. } | TableRef::Derived { .. } | TableRef::Json(_) => count += 1,
        }
    }
    count
}

impl Parser<'_> {
    pub(super) fn lower_from(&self, from: Vec<TableWithJoins>) -> SqlResult<Option<TableRef>> {
        if let [TableWithJoins { relation: TableFactor::Table { name, alias: None, .. }, joins }] =
            from.as_slice()
            && joins.is_empty()
            && name.to_string().eq_ignore_ascii_case("dual")
        {
            return Ok(None);
        }
        check_tables(from.iter().map(|table| 1 + table.joins.len()).sum())?;
        let mut left: Option<TableRef> = None;
        for table in from {
            let right = self.lower_table(table)?;
            left = Some(match left {
                None => right,
                Some(left) => cross(left, right, JoinOp::Inner),
            });
        }
        check_tables(left.as_ref().map_or(0, tables))?;
        Ok(left)
    }

    /// FROM's tables with what the optimizer hints of their SELECT say of them, in the place of index hints.
    pub(super) fn hinted(from: &mut TableRef, indexes: &[(String, IndexHint)]) {
        match from {
            TableRef::Table { name, alias, hints, .. } => {
                let known_as = alias.as_ref().unwrap_or(&name.name);
                let mut meant = indexes
                    .iter()
                    .filter(|(table, _)| table.eq_ignore_ascii_case(known_as))
                    .peekable();
                if meant.peek().is_some() {
                    *hints = meant.map(|(_, hint)| hint.clone()).collect();
                }
            }
            TableRef::Join { left, right, .. } => {
                Self::hinted(left, indexes);
                Self::hinted(right, indexes);
            }
            TableRef::Derived { .. } | TableRef::Json(_) => {}
        }
    }

    /// FROM's tables: commas are joins.
    pub(in crate::sql::parser) fn lower_tables(
        &self,
        from: Vec<TableWithJoins>,
    ) -> SqlResult<TableRef> {
        self.lower_from(from)?.ok_or_else(|| self.syntax_error())
    }

    fn lower_table(&self, table: TableWithJoins) -> SqlResult<TableRef> {
        let left = self.lower_factor(table.relation)?;
        let joined = self.lower_joins(left, table.joins)?;
        // Here and not at the end alone, so that the tree is never deep.
        check_tables(tables(&joined))?;
        Ok(joined)
    }

    fn lower_joins(&self, mut left: TableRef, joins: Vec<Join>) -> SqlResult<TableRef> {
        check_tables(1 + joins.len())?;
        for Join { relation, global, join_operator } in joins {
            refuse(&[(global, "GLOBAL JOIN")])?;
            let (start, end) = (relation.span().start, relation.span().end);
            let (op, constraint) = match join_operator {
                JoinOperator::Join(on) | JoinOperator::Inner(on) | JoinOperator::CrossJoin(on) => {
                    (JoinOp::Inner, on)
                }
                JoinOperator::StraightJoin(on) => (JoinOp::Straight, on),
                JoinOperator::Left(on) | JoinOperator::LeftOuter(on) => (JoinOp::Left, on),
                JoinOperator::Right(on) | JoinOperator::RightOuter(on) => (JoinOp::Right, on),
                JoinOperator::FullOuter(_) => return Err(SqlError::unsupported("FULL OUTER JOIN")),
                _ => return Err(self.error_at(start)),
            };
            let constraint = match constraint {
                SqlConstraint::On(expr) => JoinConstraint::On(self.lower_expr(expr)?),
                SqlConstraint::Natural => JoinConstraint::Natural,
                SqlConstraint::None if matches!(op, JoinOp::Inner | JoinOp::Straight) => {
                    left = self.lower_cross(left, relation, op)?;
                    continue;
                }
                SqlConstraint::None => return Err(self.missing_after(end)),
                SqlConstraint::Using(columns) => {
                    let columns = columns.iter().map(|column| self.lower_one_name(column));
                    JoinConstraint::Using(columns.collect::<SqlResult<Vec<String>>>()?)
                }
            };
            let right = Box::new(self.lower_factor(relation)?);
            left = TableRef::Join { left: Box::new(left), right, op, constraint };
        }
        Ok(left)
    }

    /// A join without a condition. What sqlparser has read on its right, up to the next condition, is not: of
    /// `a JOIN b LEFT JOIN c ON …` the first two are joined first.
    fn lower_cross(&self, left: TableRef, right: TableFactor, op: JoinOp) -> SqlResult<TableRef> {
        check_tables(tables(&left) + 1)?;
        match right {
            TableFactor::NestedJoin { table_with_joins: nested, alias: None }
                if !self.is_in_parentheses(&nested) =>
            {
                let TableWithJoins { relation, joins } = *nested;
                let right = self.lower_factor(relation)?;
                self.lower_joins(cross(left, right, op), joins)
            }
            other => Ok(cross(left, self.lower_factor(other)?, op)),
        }
    }

    /// Whether a nested join stands in parentheses of its own: sqlparser also nests what only follows. Then the first
    /// parenthesis closes after its last table.
    fn is_in_parentheses(&self, nested: &TableWithJoins) -> bool {
        let mut first = &nested.relation;
        while let TableFactor::NestedJoin { table_with_joins, .. } = first {
            first = &table_with_joins.relation;
        }
        let start = byte_at(first.span().start).unwrap_or(self.sql.len());
        let (mut low, mut at) = (0, self.token_count);
        while low < at {
            let middle = low.midpoint(at);
            if self.token_start(middle) < start { low = middle + 1 } else { at = middle }
        }
        let token = |index: usize| &self.inner.token_at(index).token;
        let before = (0..at).rev().filter(|index| !matches!(token(*index), Token::Whitespace(_)));
        let Some(open) = before.take_while(|index| *token(*index) == Token::LParen).last() else {
            return false;
        };
        let mut depth = 0_usize;
        let close = (open..self.token_count).find(|index| {
            match token(*index) {
                Token::LParen => depth += 1,
                Token::RParen => depth -= 1,
                _ => {}
            }
            depth == 0
        });
        let last = nested.joins.last().and_then(|join| byte_at(join.relation.span().start));
        close.map(|close| self.token_start(close)) > last
    }

    fn lower_index_hint(&self, hint: TableIndexHints) -> SqlResult<IndexHint> {
        let TableIndexHints { hint_type, index_type: _, for_clause, index_names } = hint;
        let kind = match hint_type {
            TableIndexHintType::Use => IndexHintKind::Use,
            TableIndexHintType::Ignore => IndexHintKind::Ignore,
            TableIndexHintType::Force => IndexHintKind::Force,
        };
        let purpose = for_clause.map(|purpose| match purpose {
            TableIndexHintForClause::Join => IndexPurpose::Join,
            TableIndexHintForClause::OrderBy => IndexPurpose::OrderBy,
            TableIndexHintForClause::GroupBy => IndexPurpose::GroupBy,
        });
        // The one reserved word that is an index's name.
        let names = index_names.iter().map(|name| {
            let primary = name.value.eq_ignore_ascii_case("PRIMARY");
            if primary { self.lower_any_name(name) } else { self.lower_name(name) }
        });
        let names = names.collect::<SqlResult<Vec<String>>>()?;
        Ok(IndexHint { kind, purpose, names, advice: false })
    }

    fn lower_factor(&self, factor: TableFactor) -> SqlResult<TableRef> {
        match factor {
            TableFactor::Table {
                name,
                alias,
                args,
                with_hints,
                version,
                with_ordinality,
                partitions,
                json_path,
                sample,
                index_hints,
            } => {
                refuse(&[
                    (args.is_some(), "functions as tables"),
                    (!with_hints.is_empty(), "WITH (hints)"),
                    (version.is_some(), "AS OF"),
                    (with_ordinality, "WITH ORDINALITY"),
                    (json_path.is_some(), "JSON path operators"),
                    (sample.is_some(), "TABLESAMPLE"),
                ])?;
                let alias = alias.map(|alias| self.lower_alias(alias)).transpose()?;
                if let Some((_, columns)) = &alias
                    && !columns.is_empty()
                {
                    return Err(SqlError::unsupported("names of columns after a table's alias"));
                }
                let alias = alias.map(|(alias, _)| alias);
                let hints = index_hints.into_iter().map(|hint| self.lower_index_hint(hint));
                let hints = hints.collect::<SqlResult<Vec<IndexHint>>>()?;
                let partitions = partitions.into_iter().map(|name| self.lower_any_name(&name));
                let partitions = partitions.collect::<SqlResult<_>>()?;
                let name = self.lower_object_name(&name)?;
                Ok(TableRef::Table { name, partitions, alias, hints })
            }
            TableFactor::Derived { lateral, subquery, alias, sample } => {
                refuse(&[(sample.is_some(), "TABLESAMPLE")])?;
                let query = Box::new(self.lower_query(*subquery)?);
                let Some(alias) = alias else {
                    return Err(SqlError::new(
                        errno::DERIVED_MUST_HAVE_ALIAS,
                        "Every derived table must have its own alias",
                    ));
                };
                let (alias, columns) = self.lower_alias(alias)?;
                Ok(TableRef::Derived { lateral, query, alias, columns })
            }
            TableFactor::NestedJoin { table_with_joins, alias: None } => {
                self.lower_table(*table_with_joins)
            }
            TableFactor::NestedJoin { alias: Some(alias), .. } => {
                Err(self.error_at(alias.name.span.start))
            }
            TableFactor::JsonTable { json_expr, json_path, columns, alias } => self
                .json_table(json_expr, &json_path, columns, alias)
                .map(|table| TableRef::Json(Box::new(table))),
            TableFactor::Function { lateral: true, .. } => Err(SqlError::unsupported("LATERAL")),
            other => Err(SqlError::unsupported(other)),
        }
    }
}
