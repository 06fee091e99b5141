//! Names that a query inside of another one takes from it.
//!
//! While a subquery is bound, what it reads of the rows around it are columns from [`OUTER_BASE`] on, so that they have the types and
//! the firmness of columns; when it is bound they become parameters ([`parametrized`]), which its plan may look rows up by.

use std::mem;

use super::bind_expr::{ambiguous_column, having_name, qualified};
use super::binder::{AGGREGATE_BASE, Binder, Clause, NameRule, SelectNames};
use super::logical::Logical;
use super::physical::OutputColumn;
use super::scope::Scope;
use crate::common::SqlResult;
use crate::sql::expr::{Aggregate, Expr, Function};
use crate::sql::parser::ast;
use crate::sql::types::FieldType;

/// Where the columns of rows around a subquery begin; their parameters have the same numbers.
pub(super) const OUTER_BASE: usize = 1 << 40;

/// A query around the one that is bound, as the clause sees it in which that stands.
pub(super) struct Frame {
    scope: Scope,
    clause: &'static str,
    items: Vec<(String, Expr)>,
    grouped: Vec<Expr>,
    name_rule: NameRule,
    /// Where aggregates of its own rows go, if there may be any.
    aggregates: Option<Vec<Aggregate>>,
    /// What is read of its rows, by the parameter's number.
    reads: Vec<(usize, Expr)>,
    /// Something is read of its rows, or of those further out.
    used: bool,
    /// Rows of tables on the left in the FROM that is bound: LATERAL and JSON_TABLE see them, and nobody else.
    sideways: bool,
}

impl Frame {
    /// Rows of which nothing but the columns is seen.
    pub(super) fn of_scope(scope: Scope, clause: &'static str) -> Frame {
        Frame {
            scope,
            clause,
            items: Vec::new(),
            grouped: Vec::new(),
            name_rule: NameRule::Unseen,
            aggregates: None,
            reads: Vec::new(),
            used: false,
            sideways: false,
        }
    }

    fn find(
        &self,
        database: Option<&str>,
        table: Option<&str>,
        name: &str,
    ) -> SqlResult<Option<Expr>> {
        let names = SelectNames { items: &self.items, grouped: &self.grouped };
        let seen = Seen { scope: &self.scope, clause: self.clause, names, rule: self.name_rule };
        seen.find(database, table, name)
    }
}

/// A query that was bound inside of a clause.
pub(super) struct Inner {
    pub(super) plan: Logical,
    pub(super) columns: Vec<OutputColumn>,
    /// What it reads of the clause's rows, by the parameter's number.
    pub(super) bindings: Vec<(usize, Expr)>,
    /// It reads of them, or of rows further out.
    pub(super) dependent: bool,
}

/// What names may mean.
pub(super) struct Seen<'s> {
    pub(super) scope: &'s Scope,
    pub(super) clause: &'static str,
    pub(super) names: SelectNames<'s>,
    pub(super) rule: NameRule,
}

impl Seen<'_> {
    /// What a name stands for; error 1052 if that may be one of two.
    pub(super) fn find(
        &self,
        database: Option<&str>,
        table: Option<&str>,
        name: &str,
    ) -> SqlResult<Option<Expr>> {
        let found = self.scope.find(database, table, name);
        if self.rule == NameRule::Having {
            return having_name(table, name, &found, self.names, self.clause);
        }
        match found.as_slice() {
            [index] => return self.scope.column(*index).map(Some),
            [] => {}
            _ => return Err(ambiguous_column(&qualified(database, table, name), self.clause)),
        }
        if self.rule == NameRule::Last && table.is_none() {
            return Ok(self.names.item(name, self.clause)?.cloned());
        }
        Ok(None)
    }
}

/// Whether it is a column of rows around.
pub(super) fn is_outer(index: usize) -> bool {
    index >= OUTER_BASE
}

impl Binder<'_> {
    /// What a name stands for in the queries around, the nearest first.
    pub(super) fn outer_column(
        &mut self,
        database: Option<&str>,
        table: Option<&str>,
        name: &str,
    ) -> SqlResult<Option<Expr>> {
        for level in (0..self.outer.len()).rev() {
            if self.outer[level].sideways {
                continue;
            }
            if let Some(expr) = self.outer[level].find(database, table, name)? {
                return Ok(Some(self.read_outer(level, expr)));
            }
        }
        Ok(None)
    }

    fn read_outer(&mut self, level: usize, expr: Expr) -> Expr {
        self.outer_reads += 1;
        self.outer[level..].iter_mut().for_each(|frame| frame.used = true);
        let reads = &mut self.outer[level].reads;
        let field_type = expr.field_type().clone();
        let known = reads.iter().find(|(_, known)| *known == expr).map(|(number, _)| *number);
        let number = known.unwrap_or_else(|| {
            let number = self.next_outer;
            self.next_outer += 1;
            reads.push((number, expr));
            number
        });
        Expr::column(number, field_type)
    }

    /// A number for a parameter that is a value of a row around.
    pub(super) fn outer_number(&mut self) -> usize {
        self.next_outer += 1;
        self.next_outer - 1
    }

    /// Binds the arguments of an aggregate: it sees all columns of the rows around, also in HAVING.
    pub(super) fn aggregate_args<T>(&mut self, bind: impl FnOnce(&mut Self) -> T) -> T {
        let rules: Vec<NameRule> = self.outer.iter().map(|frame| frame.name_rule).collect();
        for frame in self.outer.iter_mut().filter(|frame| frame.name_rule == NameRule::Having) {
            frame.name_rule = NameRule::Last;
        }
        let bound = bind(self);
        self.outer.iter_mut().zip(rules).for_each(|(frame, rule)| frame.name_rule = rule);
        bound
    }

    /// An aggregate whose arguments are all of rows around is one of those rows: of the nearest of them. `None`: it is not. What its
    /// arguments read has numbers from `first_read` on.
    pub(super) fn outer_aggregate(
        &mut self,
        args: &[Expr],
        first_read: usize,
        make: impl FnOnce(Vec<Expr>) -> SqlResult<Aggregate>,
    ) -> SqlResult<Option<Expr>> {
        let columns: Vec<usize> = args.iter().flat_map(Expr::columns).collect();
        if columns.is_empty() || !columns.iter().copied().all(is_outer) {
            return Ok(None);
        }
        let reads = |frame: &Frame| frame.reads.iter().any(|(number, _)| columns.contains(number));
        let Some(level) = self.outer.iter().rposition(reads) else { return Ok(None) };
        if self.outer[level].aggregates.is_none() {
            return Ok(None);
        }
        let frame = &mut self.outer[level];
        let mut own = Vec::with_capacity(args.len());
        for arg in args {
            own.push(arg.clone().transform(&mut |node| {
                Ok(match &node {
                    Expr::Column { index, .. } => {
                        let read = frame.reads.iter().find(|(number, _)| number == index);
                        read.map_or_else(|| node.clone(), |(_, expr)| expr.clone())
                    }
                    _ => node,
                })
            })?);
        }
        // Nobody but the arguments has read what was bound since.
        while frame.reads.last().is_some_and(|(number, _)| *number >= first_read) {
            frame.reads.pop();
        }
        let aggregate = make(own)?;
        let field_type = aggregate.field_type.clone();
        let list = frame.aggregates.get_or_insert_default();
        let position = list.iter().position(|known| *known == aggregate);
        let position = position.unwrap_or_else(|| {
            list.push(aggregate);
            list.len() - 1
        });
        let value = Expr::column(AGGREGATE_BASE + position, field_type);
        Ok(Some(self.read_outer(level, value)))
    }

    /// A query inside of a clause.
    pub(super) fn inner_query(
        &mut self,
        query: &ast::Query,
        clause: &mut Clause<'_>,
    ) -> SqlResult<Inner> {
        let frame = Frame {
            items: clause.names.items.to_vec(),
            grouped: clause.names.grouped.to_vec(),
            name_rule: clause.name_rule,
            aggregates: clause.aggregates.as_mut().map(|list| mem::take(&mut **list)),
            ..Frame::of_scope(clause.scope.clone(), clause.name)
        };
        let (bound, frame) = self.inside(frame, |binder| binder.query(query));
        if let (Some(place), Some(list)) = (clause.aggregates.as_mut(), frame.aggregates) {
            **place = list;
        }
        let (plan, columns) = bound?;
        let plan = if frame.used { parametrized(plan)? } else { plan };
        Ok(Inner { plan, columns, bindings: frame.reads, dependent: frame.used })
    }

    /// A derived table that sees those before it; what it reads of their rows, by the parameter's number.
    pub(super) fn lateral_query<T>(
        &mut self,
        scope: Scope,
        bind: impl FnOnce(&mut Self) -> SqlResult<T>,
    ) -> SqlResult<(T, Vec<(usize, Expr)>)> {
        let frame = Frame::of_scope(scope, "field list");
        let (bound, frame) = self.looking_left(|binder| binder.inside(frame, bind));
        Ok((bound?, frame.reads))
    }

    /// Tables in parentheses, among which LATERAL and JSON_TABLE see those before the parentheses; what they read of their rows, by the
    /// parameter's number.
    pub(super) fn nested_tables<T>(
        &mut self,
        scope: Scope,
        bind: impl FnOnce(&mut Self) -> SqlResult<T>,
    ) -> SqlResult<(T, Vec<(usize, Expr)>)> {
        let frame = Frame { sideways: true, ..Frame::of_scope(scope, "field list") };
        self.sideways += 1;
        let (bound, frame) = self.inside(frame, bind);
        self.sideways -= 1;
        Ok((bound?, frame.reads))
    }

    /// Binds what sees the tables on its left.
    pub(super) fn looking_left<T>(&mut self, bind: impl FnOnce(&mut Self) -> T) -> T {
        let own = self.outer.len() - self.sideways..self.outer.len();
        self.outer[own.clone()].iter_mut().for_each(|frame| frame.sideways = false);
        let bound = bind(self);
        self.outer[own].iter_mut().for_each(|frame| frame.sideways = true);
        bound
    }

    fn inside<T>(&mut self, frame: Frame, bind: impl FnOnce(&mut Self) -> T) -> (T, Frame) {
        self.outer.push(frame);
        let bound = bind(self);
        (bound, self.outer.pop().expect("it was put there, and others were taken away"))
    }
}

/// The plan with parameters for what it reads of rows around.
pub(super) fn parametrized(plan: Logical) -> SqlResult<Logical> {
    let mut failed = None;
    let plan = plan.map_exprs(&mut |expr| match parametrized_expr(expr) {
        Ok(expr) => expr,
        Err(error) => {
            failed = Some(error);
            Expr::null()
        }
    });
    let plan = plan.map_children(&mut |child| match parametrized(child) {
        Ok(child) => child,
        Err(error) => {
            failed = Some(error);
            Logical::Dual
        }
    });
    match failed {
        Some(error) => Err(error),
        None => Ok(plan),
    }
}

fn parametrized_expr(expr: Expr) -> SqlResult<Expr> {
    if !expr.columns().into_iter().any(is_outer) {
        return Ok(expr);
    }
    expr.transform(&mut |node| {
        Ok(match node {
            Expr::Column { index, field_type } if is_outer(index) => {
                Expr::Parameter { index, field_type }
            }
            Expr::Call { function, args, field_type }
                if function.is_comparison()
                    || matches!(function, Function::In | Function::Between) =>
            {
                let args = as_columns(args);
                Expr::Call { function, args, field_type }
            }
            other => other,
        })
    })
}

/// The operands of a comparison. A constant text is read as what it is compared with; a column's is not, wherever it is a column.
fn as_columns(args: Vec<Expr>) -> Vec<Expr> {
    let is_outer_text = |arg: &Expr| matches!(arg, Expr::Parameter { index, field_type } if is_outer(*index) && field_type.kind.is_textual());
    let other = args.iter().find(|arg| !arg.field_type().kind.is_string()).map(Expr::field_type);
    let Some(other) = other else { return args };
    let target =
        if other.kind.is_temporal() { other.clone().nullable() } else { FieldType::double() };
    let cast = |arg: Expr| if is_outer_text(&arg) { Expr::cast(arg, target.clone()) } else { arg };
    args.into_iter().map(cast).collect()
}
