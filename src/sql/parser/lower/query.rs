//! Queries.

use sqlparser::ast::{
    Cte, Distinct, Expr as SqlExpr, GroupByExpr, GroupByWithModifier, LimitClause, LockClause,
    LockType, NonBlock, OrderBy, OrderByExpr, OrderByKind, OrderByOptions, OrderBySort,
    Query as SqlQuery, Select as SqlSelect, SelectModifiers, SetExpr,
    SetOperator as SqlSetOperator, SetQuantifier, Spanned, TableAlias,
};

use super::super::ast::{
    CommonTable, Expr, Limit, Literal, LockWait, Locking, OrderItem, Query, QueryBody, Select,
    SetOperator, TableRef,
};
use sqlparser::tokenizer::Location;

use super::super::cursor::Parser;
use super::super::tokens::byte_at;
use crate::common::{SqlError, SqlResult};

impl Parser<'_> {
    /// A query.
    pub(in crate::sql::parser) fn lower_query(&self, query: SqlQuery) -> SqlResult<Query> {
        let SqlQuery {
            with,
            body,
            order_by,
            limit_clause,
            fetch,
            locks,
            for_clause,
            settings,
            format_clause,
            pipe_operators,
        } = query;
        refuse(&[
            (fetch.is_some(), "FETCH"),
            (for_clause.is_some(), "FOR XML and FOR JSON"),
            (settings.is_some(), "SETTINGS"),
            (format_clause.is_some(), "FORMAT"),
            (!pipe_operators.is_empty(), "pipe operators"),
        ])?;
        let (mut tables, mut recursive) = (Vec::new(), false);
        if let Some(with) = with {
            recursive = with.recursive;
            for table in with.cte_tables {
                tables.push(self.lower_common_table(table)?);
            }
        }
        let body = self.lower_body(*body)?;
        let order_by =
            order_by.map_or_else(|| Ok(Vec::new()), |order| self.lower_order_by(order))?;
        let limit = limit_clause.map(|limit| self.lower_limit(limit)).transpose()?;
        let mut query = with_tail(body, order_by, limit, self.lower_locks(locks)?);
        query.with.splice(0..0, tables);
        query.recursive |= recursive;
        Ok(query)
    }

    fn lower_locks(&self, locks: Vec<LockClause>) -> SqlResult<Vec<Locking>> {
        let clauses = locks.into_iter().map(|LockClause { lock_type, of, nonblock }| {
            Ok(Locking {
                share: matches!(lock_type, LockType::Share),
                of: of.map(|name| self.lower_object_name(&name)).transpose()?,
                wait: match nonblock {
                    None => LockWait::Wait,
                    Some(NonBlock::Nowait) => LockWait::NoWait,
                    Some(NonBlock::SkipLocked) => LockWait::SkipLocked,
                },
            })
        });
        clauses.collect()
    }

    fn lower_common_table(&self, table: Cte) -> SqlResult<CommonTable> {
        let Cte { alias, query, from, materialized, closing_paren_token: _ } = table;
        refuse(&[(from.is_some(), "FROM after WITH"), (materialized.is_some(), "MATERIALIZED")])?;
        let (name, columns) = self.lower_alias(alias)?;
        Ok(CommonTable { name, columns, query: self.lower_query(*query)? })
    }

    /// An alias and the names of columns after it.
    pub(super) fn lower_alias(&self, alias: TableAlias) -> SqlResult<(String, Vec<String>)> {
        let TableAlias { explicit: _, name, columns, at } = alias;
        refuse(&[(at.is_some(), "AT")])?;
        let mut names = Vec::with_capacity(columns.len());
        for column in columns {
            if column.data_type.is_some() {
                return Err(self.error_at(column.name.span.end));
            }
            names.push(self.lower_name(&column.name)?);
        }
        Ok((self.lower_name(&name)?, names))
    }

    fn lower_body(&self, body: SetExpr) -> SqlResult<Query> {
        let body = match body {
            SetExpr::Query(query) => return self.lower_query(*query),
            SetExpr::Select(select) => QueryBody::Select(Box::new(self.lower_select(*select)?)),
            SetExpr::Values(values) => {
                if !values.explicit_row {
                    // VALUES without ROW is INSERT's alone.
                    let first = values.rows.iter().flat_map(|row| &row.content).next();
                    let place = first.map_or_else(Location::empty, |expr| expr.span().start);
                    return Err(self.error_at_token(self.token_index(place).saturating_sub(1)));
                }
                let rows = values.rows.into_iter().map(|row| self.lower_exprs(row.content));
                QueryBody::Values(rows.collect::<SqlResult<Vec<Vec<Expr>>>>()?)
            }
            SetExpr::SetOperation { left, op, set_quantifier, right } => {
                let op = match op {
                    SqlSetOperator::Union => SetOperator::Union,
                    SqlSetOperator::Except => SetOperator::Except,
                    SqlSetOperator::Intersect => SetOperator::Intersect,
                    SqlSetOperator::Minus => return Err(SqlError::unsupported("MINUS")),
                };
                let all = match set_quantifier {
                    SetQuantifier::All => true,
                    SetQuantifier::Distinct | SetQuantifier::None => false,
                    other => return Err(SqlError::unsupported(other)),
                };
                let left = Box::new(self.lower_body(*left)?);
                let right = Box::new(self.lower_body(*right)?);
                QueryBody::SetOperation { op, all, left, right }
            }
            other @ (SetExpr::Table(_)
            | SetExpr::Insert(_)
            | SetExpr::Update(_)
            | SetExpr::Delete(_)
            | SetExpr::Merge(_)) => {
                return Err(SqlError::unsupported(format!("{other} as a query")));
            }
        };
        Ok(Query::plain(body))
    }

    fn lower_select(&self, select: SqlSelect) -> SqlResult<Select> {
        let SqlSelect {
            select_token,
            optimizer_hints: _,
            distinct,
            select_modifiers,
            top,
            top_before_distinct: _,
            projection,
            exclude,
            into,
            from,
            lateral_views,
            prewhere,
            selection,
            connect_by,
            group_by,
            cluster_by,
            distribute_by,
            sort_by,
            having,
            named_window,
            qualify,
            window_before_qualify: _,
            value_table_mode,
            flavor: _,
        } = select;
        refuse(&[
            (into.is_some(), "SELECT … INTO"),
            (top.is_some(), "TOP"),
            (exclude.is_some(), "EXCLUDE"),
            (!lateral_views.is_empty(), "LATERAL VIEW"),
            (prewhere.is_some(), "PREWHERE"),
            (!connect_by.is_empty(), "CONNECT BY"),
            (!cluster_by.is_empty(), "CLUSTER BY"),
            (!distribute_by.is_empty(), "DISTRIBUTE BY"),
            (!sort_by.is_empty(), "SORT BY"),
            (qualify.is_some(), "QUALIFY"),
            (value_table_mode.is_some(), "SELECT AS VALUE"),
        ])?;
        let distinct = match distinct {
            None | Some(Distinct::All) => false,
            Some(Distinct::Distinct) => true,
            Some(Distinct::On(_)) => return Err(SqlError::unsupported("DISTINCT ON")),
        };
        let (group_by, with_rollup) = self.lower_group_by(group_by)?;
        let (calc_found_rows, straight) = lower_modifiers(select_modifiers);
        let mut from = self.lower_from(from)?;
        let hints = byte_at(select_token.0.span.start).map(|select| self.table_hints(select));
        let hints = hints.unwrap_or_default();
        if let Some(from) = &mut from {
            Self::hinted(from, &hints.indexes);
        }
        Ok(Select {
            distinct,
            calc_found_rows,
            straight: straight || hints.fixed,
            join_orders: hints.orders,
            items: self.lower_items(projection, select_token.0.span.start)?,
            from,
            selection: selection.map(|selection| self.lower_expr(selection)).transpose()?,
            group_by,
            with_rollup,
            having: having.map(|having| self.lower_expr(having)).transpose()?,
            windows: self.lower_named_windows(named_window)?,
        })
    }

    fn lower_group_by(&self, group_by: GroupByExpr) -> SqlResult<(Vec<Expr>, bool)> {
        let (exprs, modifiers) = match group_by {
            GroupByExpr::Expressions(exprs, modifiers) => (exprs, modifiers),
            GroupByExpr::All(_) => return Err(SqlError::unsupported("GROUP BY ALL")),
        };
        let mut with_rollup = false;
        for modifier in modifiers {
            match modifier {
                GroupByWithModifier::Rollup => with_rollup = true,
                other => return Err(SqlError::unsupported(format!("GROUP BY … {other}"))),
            }
        }
        Ok((self.lower_exprs(exprs)?, with_rollup))
    }

    fn lower_order_by(&self, order_by: OrderBy) -> SqlResult<Vec<OrderItem>> {
        let OrderBy { kind, interpolate } = order_by;
        refuse(&[(interpolate.is_some(), "INTERPOLATE")])?;
        match kind {
            OrderByKind::Expressions(items) => self.lower_order_items(items),
            OrderByKind::All(_) => Err(SqlError::unsupported("ORDER BY ALL")),
        }
    }

    pub(in crate::sql::parser) fn lower_order_items(
        &self,
        items: Vec<OrderByExpr>,
    ) -> SqlResult<Vec<OrderItem>> {
        let mut order_by = Vec::with_capacity(items.len());
        for OrderByExpr { expr, options: OrderByOptions { sort, nulls_first }, with_fill } in items
        {
            refuse(&[
                (nulls_first.is_some(), "NULLS FIRST and NULLS LAST"),
                (with_fill.is_some(), "WITH FILL"),
            ])?;
            let descending = match sort {
                None | Some(OrderBySort::Asc) => false,
                Some(OrderBySort::Desc) => true,
                Some(OrderBySort::Using(_)) => return Err(self.error_at(expr.span().end)),
            };
            order_by.push(OrderItem { expr: self.lower_expr(expr)?, descending });
        }
        Ok(order_by)
    }

    fn lower_limit(&self, limit: LimitClause) -> SqlResult<Limit> {
        match limit {
            LimitClause::OffsetCommaLimit { offset, limit } => {
                Ok(Limit { offset: Some(self.limit_expr(offset)?), count: self.limit_expr(limit)? })
            }
            LimitClause::LimitOffset { limit, offset, limit_by } => {
                refuse(&[(!limit_by.is_empty(), "LIMIT BY")])?;
                let Some(count) = limit else {
                    return Err(SqlError::unsupported("OFFSET without LIMIT"));
                };
                let count = self.limit_expr(count)?;
                let offset = offset.map(|offset| self.limit_expr(offset.value)).transpose()?;
                Ok(Limit { offset, count })
            }
        }
    }

    /// A number or a parameter.
    fn limit_expr(&self, expr: SqlExpr) -> SqlResult<Expr> {
        let start = expr.span().start;
        // The place of a sign's operand is that of its expression.
        let signed = usize::from(matches!(expr, SqlExpr::UnaryOp { .. }));
        match self.lower_expr(expr)? {
            number @ (Expr::Literal(Literal::Integer(_)) | Expr::Parameter(_)) => Ok(number),
            _ => Err(self.error_at_token(self.token_index(start).saturating_sub(signed))),
        }
    }
}

/// Error 1235 for the first clause that is written.
pub(super) fn refuse(clauses: &[(bool, &str)]) -> SqlResult<()> {
    match clauses.iter().find(|(written, _)| *written) {
        Some((_, clause)) => Err(SqlError::unsupported(clause)),
        None => Ok(()),
    }
}

/// Whether SQL_CALC_FOUND_ROWS is among the words before the items. The others advise how to run a query, not what it
/// means. And STRAIGHT_JOIN.
fn lower_modifiers(modifiers: Option<SelectModifiers>) -> (bool, bool) {
    let Some(SelectModifiers {
        high_priority: _,
        straight_join,
        sql_small_result: _,
        sql_big_result: _,
        sql_buffer_result: _,
        sql_no_cache: _,
        sql_calc_found_rows,
    }) = modifiers
    else {
        return (false, false);
    };
    (sql_calc_found_rows, straight_join)
}

/// A query with ORDER BY, LIMIT and locking of the whole after it.
fn with_tail(
    query: Query,
    order_by: Vec<OrderItem>,
    limit: Option<Limit>,
    locking: Vec<Locking>,
) -> Query {
    if order_by.is_empty() && limit.is_none() && locking.is_empty() {
        return query;
    }
    if query.order_by.is_empty() && query.limit.is_none() && query.locking.is_empty() {
        return Query { order_by, limit, locking, ..query };
    }
    // (SELECT … LIMIT 5) ORDER BY …: the inner limit comes first.
    let from = TableRef::Derived {
        lateral: false,
        query: Box::new(query),
        alias: "(query)".to_owned(),
        columns: Vec::new(),
    };
    Query { order_by, limit, locking, ..Query::plain(QueryBody::all_of(from)) }
}
