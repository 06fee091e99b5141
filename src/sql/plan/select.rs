//! One SELECT.

use super::binder::{Binder, Clause, NameRule, SelectNames};
use super::grouping::{Found, Grouping, grouped};
use super::join_hints;
use super::locking;
use super::logical::Logical;
use super::outer::is_outer;
use super::physical::{OutputColumn, SortKey};
use super::prints::Prints;
use super::scope::Scope;
use super::windows::{has_window, over_windows};
use crate::common::{SqlError, SqlResult, errno};
use crate::sql::expr::{Aggregate, AggregateKind, Expr, Function};
use crate::sql::parser::ast;
use crate::sql::types::{Datum, SqlMode};

/// What is selected, and by which names it is known.
struct Selected {
    exprs: Vec<Expr>,
    columns: Vec<OutputColumn>,
    /// What each is called: an alias, a column, the text of an expression.
    names: Vec<(String, Expr)>,
}

impl Binder<'_> {
    /// A SELECT with the ORDER BY, LIMIT and locking that belong to it.
    pub(super) fn select(
        &mut self,
        select: &ast::Select,
        query: &ast::Query,
    ) -> SqlResult<(Logical, Vec<OutputColumn>)> {
        let (order_by, limit) = (&query.order_by[..], query.limit.as_ref());
        if select.calc_found_rows {
            return Err(SqlError::new(
                errno::CANT_USE_OPTION_HERE,
                "Incorrect usage/placement of 'SQL_CALC_FOUND_ROWS'",
            ));
        }
        let (mut input, scope) = match &select.from {
            Some(table) => self.from(table)?,
            None => (Logical::Dual, Scope::default()),
        };
        locking::lock(&mut input, &scope, &query.locking)?;
        if select.straight {
            input.fix_order();
        }
        join_hints::place(&mut input, &scope, &select.join_orders);
        if let Some(selection) = &select.selection {
            input = self.selection(input, &scope, selection)?;
        }
        let mut found = Found::new(select)?;
        self.check_windows(&found.windows, &scope)?;
        let named = !order_by.is_empty() || !select.group_by.is_empty() || select.having.is_some();
        let mut selected = self.select_items(&select.items, named, &scope, &mut found)?;
        let group_by = self.group_by(&select.group_by, select.with_rollup, &scope, &selected)?;
        let names = SelectNames { items: &selected.names, grouped: &group_by };
        let mut having = self.having(select.having.as_ref(), &scope, names, &mut found)?;
        let mut order = self.order_keys(order_by, &scope, &selected, &mut found)?;
        if !group_by.is_empty() || !found.aggregates.is_empty() {
            let strict = self.planner.sql_mode.contains(SqlMode::ONLY_FULL_GROUP_BY);
            let grouping = Grouping::new(&scope, &input, group_by, &mut found, strict);
            input =
                grouped(input, grouping, &mut found, &mut selected.exprs, &mut having, &mut order)?;
        }
        if let Some(having) = having {
            input = input.filter(having.split_conjunction());
        }
        if !found.windows.is_empty() {
            let exprs = selected.exprs.iter_mut().chain(order.iter_mut().map(|key| &mut key.expr));
            input = over_windows(input, found.windows, exprs);
        }
        for (column, expr) in selected.columns.iter_mut().zip(&selected.exprs) {
            column.field_type = expr.field_type().clone();
        }
        let limit = limit.map(|limit| self.limit(limit)).transpose()?;
        let plan = if select.distinct {
            self.distinct(input, &scope, selected.exprs, order, limit)?
        } else {
            let sorted = sorted(input, order);
            let exprs = selected.exprs;
            Logical::Project { input: Box::new(limited(sorted, limit)), exprs }
        };
        Ok((plan, selected.columns))
    }

    /// WHERE.
    pub(super) fn selection(
        &mut self,
        input: Logical,
        scope: &Scope,
        selection: &ast::Expr,
    ) -> SqlResult<Logical> {
        let bound = self.expr(selection, &mut Clause::plain(scope, "where clause"))?;
        Ok(input.filter(bound.split_conjunction()))
    }

    /// The select list; with names for the clauses after it, if there are any.
    fn select_items(
        &mut self,
        items: &[ast::SelectItem],
        named: bool,
        scope: &Scope,
        found: &mut Found,
    ) -> SqlResult<Selected> {
        let mut selected = Selected { exprs: vec![], columns: vec![], names: vec![] };
        check_columns(items.len())?;
        for item in items {
            check_columns(selected.exprs.len())?;
            match item {
                ast::SelectItem::Wildcard(table) => {
                    for index in self.wildcard(table.as_ref(), scope)? {
                        let column = scope.column(index)?;
                        if let Some(output) = scope.output(index) {
                            if named {
                                selected.names.push((output.name.clone(), column.clone()));
                            }
                            selected.columns.push(output);
                        }
                        selected.exprs.push(column);
                    }
                }
                ast::SelectItem::Expr { expr, alias, text } => {
                    let mut clause = found.clause(scope, "field list", true);
                    let bound = self.expr(expr, &mut clause)?;
                    let name = alias.as_ref().unwrap_or(text);
                    selected.columns.push(output_column(&bound, name.clone(), scope));
                    if named {
                        let name = match (alias, expr) {
                            // Its text may say its table.
                            (None, ast::Expr::Column { name, .. }) => name,
                            _ => name,
                        };
                        selected.names.push((name.clone(), bound.clone()));
                    }
                    selected.exprs.push(bound);
                }
            }
        }
        check_columns(selected.exprs.len())?;
        Ok(selected)
    }

    fn wildcard(&self, table: Option<&ast::ObjectName>, scope: &Scope) -> SqlResult<Vec<usize>> {
        let Some(name) = table else {
            if scope.relations.is_empty() {
                return Err(SqlError::new(errno::NO_TABLES_USED, "No tables used"));
            }
            return Ok(scope.star.clone());
        };
        scope.star_of(name.database.as_deref(), &name.name).ok_or_else(|| {
            SqlError::new(errno::BAD_TABLE, format!("Unknown table '{}'", name.name))
        })
    }

    fn group_by(
        &mut self,
        items: &[ast::Expr],
        with_rollup: bool,
        scope: &Scope,
        selected: &Selected,
    ) -> SqlResult<Vec<Expr>> {
        let mut group_by: Vec<Expr> = Vec::with_capacity(items.len());
        let mut known = Prints::default();
        for item in items {
            let expr = match position(item) {
                Some(position) => selected.at(position, "group statement")?.clone(),
                None => {
                    let clause_name = "group statement";
                    let names = SelectNames { items: &selected.names, grouped: &[] };
                    // A name alone that FROM has twice is the one that is selected.
                    let chosen = match item {
                        ast::Expr::Column { table: None, name, .. }
                            if scope.visible(name).len() != 1 =>
                        {
                            names.item(name, clause_name)?.cloned()
                        }
                        _ => None,
                    };
                    let mut clause = Clause::plain(scope, clause_name);
                    clause.names = names;
                    clause.name_rule = NameRule::Last;
                    match chosen {
                        Some(expr) => expr,
                        None => self.expr(item, &mut clause)?,
                    }
                }
            };
            if super::grouping::has_aggregate(&expr) || has_window(&expr) {
                let name = match item {
                    ast::Expr::Column { name, .. } => name.clone(),
                    _ => "aggregate".to_owned(),
                };
                return Err(SqlError::new(
                    errno::WRONG_GROUP_FIELD,
                    format!("Can't group on '{name}'"),
                ));
            }
            // Each item of a rollup is a level of its own.
            if with_rollup || known.find(&expr, |position| &group_by[position]).is_none() {
                known.add(&expr, group_by.len());
                group_by.push(expr);
            }
        }
        if with_rollup && group_by.len() > ROLLUP_KEYS {
            return Err(SqlError::unsupported("WITH ROLLUP of more than 63 expressions"));
        }
        Ok(group_by)
    }

    fn having(
        &mut self,
        having: Option<&ast::Expr>,
        scope: &Scope,
        names: SelectNames<'_>,
        found: &mut Found,
    ) -> SqlResult<Option<Expr>> {
        let Some(having) = having else { return Ok(None) };
        let mut clause = found.clause(scope, "having clause", false);
        clause.names = names;
        clause.name_rule = NameRule::Having;
        self.expr(having, &mut clause).map(Some)
    }

    fn order_keys(
        &mut self,
        items: &[ast::OrderItem],
        scope: &Scope,
        selected: &Selected,
        found: &mut Found,
    ) -> SqlResult<Vec<SortKey>> {
        let mut keys: Vec<SortKey> = Vec::with_capacity(items.len());
        let mut known = Prints::default();
        for item in items {
            let expr = match position(&item.expr) {
                Some(position) => selected.at(position, "order clause")?.clone(),
                None => {
                    let clause_name = "order clause";
                    let names = SelectNames { items: &selected.names, grouped: &[] };
                    // A name alone is the select list's before it is a column's.
                    let chosen = match &item.expr {
                        ast::Expr::Column { table: None, name, .. } => {
                            names.item(name, clause_name)?.cloned()
                        }
                        _ => None,
                    };
                    let mut clause = found.clause(scope, clause_name, true);
                    clause.names = names;
                    clause.name_rule = NameRule::Last;
                    match chosen {
                        Some(expr) => expr,
                        None => self.expr(&item.expr, &mut clause)?,
                    }
                }
            };
            // A constant orders nothing, and what was ordered by before needs no second look.
            if !expr.is_constant() && known.find(&expr, |position| &keys[position].expr).is_none() {
                known.add(&expr, keys.len());
                keys.push(SortKey { expr, descending: item.descending });
            }
        }
        Ok(keys)
    }

    /// DISTINCT: groups of equal rows. Under ONLY_FULL_GROUP_BY ORDER BY may only speak of what is selected; without it
    /// any row of those that are equal says where they stand.
    fn distinct(
        &mut self,
        input: Logical,
        scope: &Scope,
        mut exprs: Vec<Expr>,
        order: Vec<SortKey>,
        limit: Option<(Option<Expr>, Expr)>,
    ) -> SqlResult<Logical> {
        let width = exprs.len();
        let strict = self.planner.sql_mode.contains(SqlMode::ONLY_FULL_GROUP_BY);
        let mut aggregates = Vec::new();
        let mut keys = Vec::with_capacity(order.len());
        for (number, SortKey { expr, descending }) in order.into_iter().enumerate() {
            let shown = over_selected(expr.clone(), &exprs[..width]);
            let expr = match shown {
                Ok(expr) => expr,
                Err(column) if strict => {
                    return Err(not_selected(number + 1, &scope.qualified_name(column)));
                }
                Err(_) => {
                    let key = Expr::column(exprs.len(), expr.field_type().clone());
                    let any = Aggregate::new(AggregateKind::AnyValue, vec![key], false)?;
                    exprs.push(expr);
                    let field_type = any.field_type.clone();
                    aggregates.push(any);
                    Expr::column(width + aggregates.len() - 1, field_type)
                }
            };
            keys.push(SortKey { expr, descending });
        }
        let types = exprs.iter().take(width).map(|expr| expr.field_type().clone());
        let group_by: Vec<Expr> =
            types.enumerate().map(|(index, field_type)| Expr::column(index, field_type)).collect();
        let projected = Box::new(Logical::Project { input: Box::new(input), exprs });
        let needless = aggregates.len();
        let unique =
            Logical::Aggregate { input: projected, group_by: group_by.clone(), aggregates };
        let plan = limited(sorted(unique, keys), limit);
        if needless == 0 {
            return Ok(plan);
        }
        Ok(Logical::Project { input: Box::new(plan), exprs: group_by })
    }

    /// LIMIT's numbers: literals or parameters.
    pub(super) fn limit(&mut self, limit: &ast::Limit) -> SqlResult<(Option<Expr>, Expr)> {
        let offset =
            limit.offset.as_ref().map(|offset| self.constant_number(offset)).transpose()?;
        Ok((offset, self.constant_number(&limit.count)?))
    }

    pub(super) fn constant_number(&mut self, expr: &ast::Expr) -> SqlResult<Expr> {
        let scope = Scope::default();
        self.expr(expr, &mut Clause::plain(&scope, "field list"))
    }
}

impl Selected {
    /// What a position (from 1) in ORDER BY or GROUP BY stands for.
    fn at(&self, position: u64, clause: &str) -> SqlResult<&Expr> {
        let index = usize::try_from(position).ok().and_then(|position| position.checked_sub(1));
        index
            .and_then(|index| self.exprs.get(index))
            .ok_or_else(|| super::bind_expr::unknown_column(&position.to_string(), clause))
    }
}

/// The most keys of a rollup.
const ROLLUP_KEYS: usize = 63;

/// An expression over what is selected; or the first column in it that is not.
fn over_selected(expr: Expr, selected: &[Expr]) -> Result<Expr, usize> {
    if let Some(position) = selected.iter().position(|known| *known == expr) {
        return Ok(Expr::column(position, expr.field_type().clone()));
    }
    match expr {
        Expr::Column { index, .. } if !is_outer(index) => Err(index),
        Expr::Call { function, args, field_type } => {
            let args = args.into_iter().map(|arg| over_selected(arg, selected));
            Ok(Expr::Call { function, args: args.collect::<Result<_, _>>()?, field_type })
        }
        constant => Ok(constant),
    }
}

/// Error 3065.
fn not_selected(number: usize, column: &str) -> SqlError {
    SqlError::new(
        errno::FIELD_IN_ORDER_NOT_SELECT,
        format!(
            "Expression #{number} of ORDER BY clause is not in SELECT list, references column '{column}' which is not in \
             SELECT list; this is incompatible with DISTINCT"
        ),
    )
}

/// How many columns a result may have.
const COLUMN_LIMIT: usize = 4096;

/// Error 1117 for more columns than a result may have.
fn check_columns(count: usize) -> SqlResult<()> {
    if count <= COLUMN_LIMIT {
        return Ok(());
    }
    Err(SqlError::new(errno::TOO_MANY_FIELDS, "Too many columns"))
}

/// The rows without duplicates.
pub(super) fn unique_rows(input: Logical) -> Logical {
    let columns = input.schema().into_iter().enumerate();
    let group_by = columns.map(|(index, field_type)| Expr::column(index, field_type)).collect();
    Logical::Aggregate { input: Box::new(input), group_by, aggregates: Vec::new() }
}

/// The rows in order; without keys as they come.
pub(super) fn sorted(input: Logical, keys: Vec<SortKey>) -> Logical {
    if keys.is_empty() {
        return input;
    }
    Logical::Sort { input: Box::new(input), keys }
}

/// Some of the rows, if there is a limit.
pub(super) fn limited(input: Logical, limit: Option<(Option<Expr>, Expr)>) -> Logical {
    match limit {
        None => input,
        Some((offset, limit)) => {
            Logical::Limit { input: Box::new(input), offset, limit: Some(limit) }
        }
    }
}

/// How the client is told of a selected expression.
fn output_column(expr: &Expr, name: String, scope: &Scope) -> OutputColumn {
    if let Expr::Column { index, .. } = expr
        && let Some(column) = scope.output(*index)
    {
        return OutputColumn { name, ..column };
    }
    OutputColumn { name, field_type: expr.field_type().clone(), origin: None, key_flags: 0 }
}

/// The number that stands for a selected column.
pub(super) fn position(expr: &ast::Expr) -> Option<u64> {
    match expr {
        ast::Expr::Literal(ast::Literal::Integer(number)) => Some(*number),
        _ => None,
    }
}

/// Whether a condition is always TRUE, or never (a comparison with NULL is not); `None`: it depends on the row.
pub(super) fn literal_truth(expr: &Expr) -> Option<bool> {
    if let Some(value) = expr.as_literal() {
        return match value {
            Datum::Null => Some(false),
            Datum::Int(number) => Some(*number != 0),
            Datum::UInt(number) => Some(*number != 0),
            // Whether they are true is for the evaluator to say, with its warnings.
            Datum::Float(_)
            | Datum::Decimal(_)
            | Datum::Bytes(_)
            | Datum::Time(_)
            | Datum::Duration(_)
            | Datum::Member(_)
            | Datum::Json(_) => None,
        };
    }
    let Expr::Call { function, args, .. } = expr else { return None };
    let finds_null = function.is_comparison() && *function != Function::NullEq;
    let is_null = |arg: &Expr| arg.as_literal().is_some_and(Datum::is_null);
    (finds_null && args.iter().any(is_null)).then_some(false)
}
