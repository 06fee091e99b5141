//! Queries.

use sqlparser::ast::{
    Cte, Distinct, Expr as SqlExpr, GroupByExpr, GroupByWithModifier, Join,
    JoinConstraint as SqlConstraint, JoinOperator, LimitClause, LockClause, LockType, NonBlock,
    OrderBy, OrderByExpr, OrderByKind, OrderByOptions, OrderBySort, Query as SqlQuery,
    Select as SqlSelect, SelectItem as SqlItem, SelectItemQualifiedWildcardKind, SelectModifiers,
    SetExpr, SetOperator as SqlSetOperator, SetQuantifier, Spanned, TableAlias, TableFactor,
    TableIndexHintType, TableWithJoins, WildcardAdditionalOptions,
};
use sqlparser::tokenizer::{Location, Token};

use super::super::ast::{
    CommonTable, Expr, JoinConstraint, JoinOp, Limit, Literal, Locking, OrderItem, Query,
    QueryBody, Select, SelectItem, SetOperator, TableRef,
};
use super::super::cursor::Parser;
use crate::common::{SqlError, SqlResult, errno};

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
        let mut tables = Vec::new();
        if let Some(with) = with {
            if with.recursive {
                return Err(SqlError::unsupported("WITH RECURSIVE"));
            }
            for table in with.cte_tables {
                tables.push(self.lower_common_table(table)?);
            }
        }
        let body = self.lower_body(*body)?;
        let order_by =
            order_by.map_or_else(|| Ok(Vec::new()), |order| self.lower_order_by(order))?;
        let limit = limit_clause.map(|limit| self.lower_limit(limit)).transpose()?;
        let mut query = with_tail(body, order_by, limit, lower_locks(locks)?);
        query.with.splice(0..0, tables);
        Ok(query)
    }

    fn lower_common_table(&self, table: Cte) -> SqlResult<CommonTable> {
        let Cte { alias, query, from, materialized, closing_paren_token: _ } = table;
        refuse(&[(from.is_some(), "FROM after WITH"), (materialized.is_some(), "MATERIALIZED")])?;
        let (name, columns) = self.lower_alias(alias)?;
        Ok(CommonTable { name, columns, query: self.lower_query(*query)? })
    }

    /// An alias and the names of columns after it.
    fn lower_alias(&self, alias: TableAlias) -> SqlResult<(String, Vec<String>)> {
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
        Ok(plain_query(body))
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
            (!named_window.is_empty(), "WINDOW"),
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
        Ok(Select {
            distinct,
            calc_found_rows: lower_modifiers(select_modifiers)?,
            items: self.lower_items(projection, select_token.0.span.start)?,
            from: self.lower_from(from)?,
            selection: selection.map(|selection| self.lower_expr(selection)).transpose()?,
            group_by,
            with_rollup,
            having: having.map(|having| self.lower_expr(having)).transpose()?,
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

    fn lower_items(&self, items: Vec<SqlItem>, select: Location) -> SqlResult<Vec<SelectItem>> {
        let texts = self.item_texts(select, items.len())?;
        items.into_iter().zip(texts).map(|(item, text)| self.lower_item(item, text)).collect()
    }

    fn lower_item(&self, item: SqlItem, text: String) -> SqlResult<SelectItem> {
        let (expr, alias) = match item {
            SqlItem::Wildcard(options) => {
                refuse_wildcard_options(options)?;
                return Ok(SelectItem::Wildcard(None));
            }
            SqlItem::QualifiedWildcard(kind, options) => {
                refuse_wildcard_options(options)?;
                return match kind {
                    SelectItemQualifiedWildcardKind::ObjectName(name) => {
                        Ok(SelectItem::Wildcard(Some(self.lower_object_name(&name)?)))
                    }
                    SelectItemQualifiedWildcardKind::Expr(expr) => {
                        Err(self.error_at(expr.span().start))
                    }
                };
            }
            SqlItem::UnnamedExpr(expr) => (expr, None),
            SqlItem::ExprWithAlias { expr, alias } => (expr, Some(self.lower_name(&alias)?)),
            SqlItem::ExprWithAliases { aliases, .. } => {
                let at = aliases.first().map_or_else(Location::empty, |alias| alias.span.start);
                return Err(self.error_at(at));
            }
        };
        let expr = self.lower_expr(expr)?;
        let text = match (&expr, &alias) {
            (_, Some(_)) => String::new(),
            (Expr::Column { name, .. }, None) => name.clone(),
            (Expr::Literal(Literal::String(bytes, _)), None) => {
                String::from_utf8_lossy(bytes).into_owned()
            }
            _ => text,
        };
        Ok(SelectItem::Expr { expr, alias, text })
    }

    /// The text of each item after SELECT: what stands between its commas.
    fn item_texts(&self, select: Location, count: usize) -> SqlResult<Vec<String>> {
        const MODIFIERS: &[&str] = &[
            "ALL",
            "DISTINCT",
            "DISTINCTROW",
            "HIGH_PRIORITY",
            "SQL_SMALL_RESULT",
            "SQL_BIG_RESULT",
            "SQL_BUFFER_RESULT",
            "SQL_NO_CACHE",
            "SQL_CALC_FOUND_ROWS",
        ];
        const ENDS: &[&str] = &[
            "FROM",
            "WHERE",
            "GROUP",
            "HAVING",
            "ORDER",
            "LIMIT",
            "UNION",
            "EXCEPT",
            "INTERSECT",
            "FOR",
            "LOCK",
            "INTO",
            "WINDOW",
        ];
        let mut index = self.token_index(select) + 1;
        let is = |index: usize, words: &[&str]| match &self.inner.token_at(index).token {
            Token::Word(word) if word.quote_style.is_none() => {
                words.iter().any(|known| word.value.eq_ignore_ascii_case(known))
            }
            _ => false,
        };
        while is(index, MODIFIERS) {
            index += 1;
        }
        let mut texts = Vec::with_capacity(count);
        let (mut first, mut depth) = (index, 0);
        loop {
            let after_point =
                index > first && self.inner.token_at(index - 1).token == Token::Period;
            let end = index >= self.token_count || (depth == 0 && is(index, ENDS) && !after_point);
            match &self.inner.token_at(index).token {
                Token::LParen if !end => depth += 1,
                Token::RParen if depth > 0 => depth -= 1,
                Token::Comma | Token::RParen | Token::SemiColon if depth == 0 => {}
                _ if end => {}
                _ => {
                    index += 1;
                    continue;
                }
            }
            let token = &self.inner.token_at(index).token;
            let comma = depth == 0 && *token == Token::Comma;
            let stop = end
                || (depth == 0 && matches!(token, Token::SemiColon))
                || (*token == Token::RParen && self.closes(first, index));
            if comma || stop {
                texts.push(self.text_of(first, index));
                first = index + 1;
            }
            if stop {
                break;
            }
            index += 1;
        }
        if texts.len() == count { Ok(texts) } else { Err(SqlError::internal("items of SELECT")) }
    }

    /// Whether the parenthesis at `index` was opened before `first`.
    fn closes(&self, first: usize, index: usize) -> bool {
        let mut depth = 0_i32;
        for at in first..=index {
            match self.inner.token_at(at).token {
                Token::LParen => depth += 1,
                Token::RParen => depth -= 1,
                _ => {}
            }
        }
        depth < 0
    }

    /// The text of the tokens from one to before another.
    fn text_of(&self, first: usize, after: usize) -> String {
        let start = super::byte_at(self.inner.token_at(first).span.start);
        let end = after
            .checked_sub(1)
            .and_then(|last| super::byte_at(self.inner.token_at(last).span.end));
        let (start, end) = (start.unwrap_or(self.sql.len()), end.unwrap_or(self.sql.len()));
        String::from_utf8_lossy(self.sql.get(start..end).unwrap_or_default()).into_owned()
    }

    fn lower_from(&self, from: Vec<TableWithJoins>) -> SqlResult<Option<TableRef>> {
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
        match self.lower_expr(expr)? {
            number @ (Expr::Literal(Literal::Integer(_)) | Expr::Parameter(_)) => Ok(number),
            _ => Err(self.error_at(start)),
        }
    }
}

/// Error 1235 for the first clause that is written.
fn refuse(clauses: &[(bool, &str)]) -> SqlResult<()> {
    match clauses.iter().find(|(written, _)| *written) {
        Some((_, clause)) => Err(SqlError::unsupported(clause)),
        None => Ok(()),
    }
}

fn refuse_wildcard_options(options: WildcardAdditionalOptions) -> SqlResult<()> {
    let WildcardAdditionalOptions {
        wildcard_token: _,
        opt_ilike,
        opt_exclude,
        opt_except,
        opt_replace,
        opt_rename,
        opt_alias,
    } = options;
    refuse(&[
        (opt_ilike.is_some(), "* ILIKE"),
        (opt_exclude.is_some(), "* EXCLUDE"),
        (opt_except.is_some(), "* EXCEPT"),
        (opt_replace.is_some(), "* REPLACE"),
        (opt_rename.is_some(), "* RENAME"),
        (opt_alias.is_some(), "* AS"),
    ])
}

/// Whether SQL_CALC_FOUND_ROWS is among the words before the items. The others advise how to run a query, not what it
/// means.
fn lower_modifiers(modifiers: Option<SelectModifiers>) -> SqlResult<bool> {
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
        return Ok(false);
    };
    refuse(&[(straight_join, "STRAIGHT_JOIN")])?;
    Ok(sql_calc_found_rows)
}

fn lower_locks(locks: Vec<LockClause>) -> SqlResult<Option<Locking>> {
    let mut locking = None;
    for LockClause { lock_type, of, nonblock } in locks {
        refuse(&[
            (of.is_some(), "FOR UPDATE OF"),
            (locking.is_some(), "several locking clauses"),
            (matches!(nonblock, Some(NonBlock::SkipLocked)), "SKIP LOCKED"),
        ])?;
        locking = Some(match (lock_type, nonblock) {
            (LockType::Update, None) => Locking::ForUpdate,
            (LockType::Update, Some(_)) => Locking::ForUpdateNoWait,
            (LockType::Share, None) => Locking::ForShare,
            (LockType::Share, Some(_)) => return Err(SqlError::unsupported("FOR SHARE NOWAIT")),
        });
    }
    Ok(locking)
}

fn plain_query(body: QueryBody) -> Query {
    Query { with: Vec::new(), body, order_by: Vec::new(), limit: None, locking: None }
}

/// SELECT * FROM a table or a query.
pub(in crate::sql::parser) fn select_all(from: TableRef) -> QueryBody {
    QueryBody::Select(Box::new(Select {
        distinct: false,
        calc_found_rows: false,
        items: vec![SelectItem::Wildcard(None)],
        from: Some(from),
        selection: None,
        group_by: Vec::new(),
        with_rollup: false,
        having: None,
    }))
}

/// A query with ORDER BY, LIMIT and locking of the whole after it.
pub(in crate::sql::parser) fn with_tail(
    query: Query,
    order_by: Vec<OrderItem>,
    limit: Option<Limit>,
    locking: Option<Locking>,
) -> Query {
    if order_by.is_empty() && limit.is_none() && locking.is_none() {
        return query;
    }
    if query.order_by.is_empty() && query.limit.is_none() && query.locking.is_none() {
        return Query { order_by, limit, locking, ..query };
    }
    // (SELECT … LIMIT 5) ORDER BY …: the inner limit comes first.
    let from = TableRef::Derived {
        query: Box::new(query),
        alias: "(query)".to_owned(),
        columns: Vec::new(),
    };
    Query { with: Vec::new(), body: select_all(from), order_by, limit, locking }
}
