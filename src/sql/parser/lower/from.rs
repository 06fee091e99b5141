//! What FROM names.

use sqlparser::ast::{
    Join, JoinConstraint as SqlConstraint, JoinOperator, Spanned, TableFactor, TableIndexHintType,
    TableWithJoins,
};

use super::super::ast::{JoinConstraint, JoinOp, TableRef};
use super::super::cursor::Parser;
use super::query::refuse;
use crate::common::{SqlError, SqlResult, errno};

impl Parser<'_> {
    pub(super) fn lower_from(&self, from: Vec<TableWithJoins>) -> SqlResult<Option<TableRef>> {
        if let [TableWithJoins { relation: TableFactor::Table { name, alias: None, .. }, joins }] =
            from.as_slice()
            && joins.is_empty()
            && name.to_string().eq_ignore_ascii_case("dual")
        {
            return Ok(None);
        }
        let mut left: Option<TableRef> = None;
        for table in from {
            let right = self.lower_table(table)?;
            left = Some(match left {
                None => right,
                Some(left) => TableRef::Join {
                    left: Box::new(left),
                    right: Box::new(right),
                    op: JoinOp::Inner,
                    constraint: JoinConstraint::None,
                },
            });
        }
        Ok(left)
    }

    /// FROM's tables: commas are joins.
    pub(in crate::sql::parser) fn lower_tables(
        &self,
        from: Vec<TableWithJoins>,
    ) -> SqlResult<TableRef> {
        self.lower_from(from)?.ok_or_else(|| self.syntax_error())
    }

    fn lower_table(&self, table: TableWithJoins) -> SqlResult<TableRef> {
        let TableWithJoins { relation, joins } = table;
        let mut left = self.lower_factor(relation)?;
        if joins.len() > 60 {
            return Err(SqlError::unsupported("a join of more than 61 tables"));
        }
        for Join { relation, global, join_operator } in joins {
            refuse(&[(global, "GLOBAL JOIN")])?;
            let start = relation.span().start;
            let right = Box::new(self.lower_factor(relation)?);
            let (op, constraint) = match join_operator {
                JoinOperator::Join(on) | JoinOperator::Inner(on) | JoinOperator::CrossJoin(on) => {
                    (JoinOp::Inner, on)
                }
                JoinOperator::Left(on) | JoinOperator::LeftOuter(on) => (JoinOp::Left, on),
                JoinOperator::Right(on) | JoinOperator::RightOuter(on) => (JoinOp::Right, on),
                JoinOperator::StraightJoin(_) => {
                    return Err(SqlError::unsupported("STRAIGHT_JOIN"));
                }
                JoinOperator::FullOuter(_) => return Err(SqlError::unsupported("FULL OUTER JOIN")),
                _ => return Err(self.error_at(start)),
            };
            let constraint = match constraint {
                SqlConstraint::On(expr) => JoinConstraint::On(self.lower_expr(expr)?),
                SqlConstraint::Natural => JoinConstraint::Natural,
                SqlConstraint::None if op == JoinOp::Inner => JoinConstraint::None,
                SqlConstraint::None => return Err(self.error_at(start)),
                SqlConstraint::Using(columns) => {
                    let columns = columns.iter().map(|column| self.lower_one_name(column));
                    JoinConstraint::Using(columns.collect::<SqlResult<Vec<String>>>()?)
                }
            };
            left = TableRef::Join { left: Box::new(left), right, op, constraint };
        }
        Ok(left)
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
                let hint = index_hints.first().map(|hint| match hint.hint_type {
                    TableIndexHintType::Use => "USE INDEX",
                    TableIndexHintType::Ignore => "IGNORE INDEX",
                    TableIndexHintType::Force => "FORCE INDEX",
                });
                refuse(&[
                    (!partitions.is_empty(), "PARTITION"),
                    (hint.is_some(), hint.unwrap_or_default()),
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
                Ok(TableRef::Table { name: self.lower_object_name(&name)?, alias })
            }
            TableFactor::Derived { lateral, subquery, alias, sample } => {
                refuse(&[(lateral, "LATERAL"), (sample.is_some(), "TABLESAMPLE")])?;
                let query = Box::new(self.lower_query(*subquery)?);
                let Some(alias) = alias else {
                    return Err(SqlError::new(
                        errno::DERIVED_MUST_HAVE_ALIAS,
                        "Every derived table must have its own alias",
                    ));
                };
                let (alias, columns) = self.lower_alias(alias)?;
                Ok(TableRef::Derived { query, alias, columns })
            }
            TableFactor::NestedJoin { table_with_joins, alias: None } => {
                self.lower_table(*table_with_joins)
            }
            TableFactor::NestedJoin { alias: Some(alias), .. } => {
                Err(self.error_at(alias.name.span.start))
            }
            TableFactor::JsonTable { .. } => Err(SqlError::unsupported("JSON_TABLE()")),
            TableFactor::Function { lateral: true, .. } => Err(SqlError::unsupported("LATERAL")),
            other => Err(SqlError::unsupported(other)),
        }
    }
}
