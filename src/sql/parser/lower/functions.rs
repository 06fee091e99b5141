//! Calls of functions.

use sqlparser::ast::{
    DuplicateTreatment, Expr as SqlExpr, Function, FunctionArg, FunctionArgExpr,
    FunctionArgumentClause, FunctionArgumentList, FunctionArguments, NullTreatment, ValueWithSpan,
};
use sqlparser::tokenizer::Location;

use super::super::ast::{Expr, IntervalUnit, Literal};
use super::super::cursor::Parser;
use crate::common::{SqlError, SqlResult};
use crate::sql::expr::{AggregateKind, WindowKind};

/// The arguments of a call.
pub(super) struct Arguments {
    pub(super) distinct: bool,
    /// COUNT(*).
    pub(super) wildcard: bool,
    pub(super) list: Vec<SqlExpr>,
    pub(super) clauses: Vec<FunctionArgumentClause>,
}

impl Parser<'_> {
    pub(super) fn lower_function(&self, function: Function) -> SqlResult<Expr> {
        let Function {
            name,
            uses_odbc_syntax,
            parameters,
            args,
            within_group,
            filter,
            null_treatment,
            over,
        } = function;
        let start = super::name_start(&name);
        if name.0.len() > 1 {
            return self.stored_call(&name, args, start);
        }
        let name = self.lower_one_name(&name)?.to_lowercase();
        if name == "approx_count_distinct" {
            return Err(SqlError::unsupported("APPROX_COUNT_DISTINCT()"));
        }
        let refused = [
            (uses_odbc_syntax, "{fn …}"),
            (parameters != FunctionArguments::None, "parameters of functions"),
            (!within_group.is_empty(), "WITHIN GROUP"),
            (filter.is_some(), "FILTER"),
            (null_treatment == Some(NullTreatment::IgnoreNulls), "IGNORE NULLS"),
        ];
        if let Some((_, clause)) = refused.iter().find(|(written, _)| *written) {
            return Err(SqlError::unsupported(clause));
        }
        if name == "json_value" {
            return self.json_value(args, start);
        }
        if name == "match" {
            return self.match_against(args, start);
        }
        let args = self.arguments(args, start)?;
        if let Some(over) = over {
            return self.window_call(name, args, over, start);
        }
        if WindowKind::by_name(&name).is_some() || null_treatment.is_some() {
            // OVER is missing.
            return Err(self.unexpected(self.token_start(self.past_call(start))));
        }
        if AggregateKind::by_name(&name).is_some() {
            return self.aggregate(name, args, start);
        }
        if args.distinct || args.wildcard || !args.clauses.is_empty() {
            return Err(self.error_at(start));
        }
        self.call(name, args.list, start)
    }

    fn arguments(&self, args: FunctionArguments, start: Location) -> SqlResult<Arguments> {
        let mut arguments =
            Arguments { distinct: false, wildcard: false, list: Vec::new(), clauses: Vec::new() };
        let FunctionArgumentList { duplicate_treatment, args, clauses } = match args {
            FunctionArguments::None => return Ok(arguments),
            FunctionArguments::Subquery(_) => return Err(self.error_at(start)),
            FunctionArguments::List(list) => list,
        };
        arguments.clauses = clauses;
        arguments.distinct = duplicate_treatment == Some(DuplicateTreatment::Distinct);
        let several = args.len() > 1;
        for arg in args {
            match arg {
                FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => arguments.list.push(expr),
                FunctionArg::Unnamed(FunctionArgExpr::Wildcard)
                    if !several && duplicate_treatment.is_none() =>
                {
                    arguments.wildcard = true;
                }
                _ => return Err(self.error_at(start)),
            }
        }
        Ok(arguments)
    }

    fn aggregate(&self, name: String, args: Arguments, start: Location) -> SqlResult<Expr> {
        let is_document = matches!(name.as_str(), "json_arrayagg" | "json_objectagg");
        if is_document && args.distinct {
            return Err(self.error_at(start));
        }
        if args.wildcard && name != "count" || !args.wildcard && args.list.is_empty() {
            let empty = args.list.is_empty() && !args.wildcard;
            let at = self.past_call(start) - 1;
            return Err(if empty { self.error_at_token(at) } else { self.error_in_call(start) });
        }
        if let Some(kind) = AggregateKind::by_name(&name)
            && !args.wildcard
        {
            let definition = kind.definition();
            let rows = args.distinct && definition.takes_rows;
            let max = if rows { usize::MAX } else { definition.max };
            let min = definition.min - usize::from(definition.has_separator);
            self.check_count(&args.list, min, max, start)?;
        }
        let (mut order_by, mut separator) = (Vec::new(), None);
        for clause in args.clauses {
            match clause {
                FunctionArgumentClause::OrderBy(items) if name == "group_concat" => {
                    order_by = self.lower_order_items(items)?;
                }
                FunctionArgumentClause::Separator(text) if name == "group_concat" => {
                    separator = Some(self.lower_separator(&text)?);
                }
                other => {
                    let feature = format!("{} in {}()", other, name.to_uppercase());
                    return Err(SqlError::unsupported(feature));
                }
            }
        }
        let distinct = args.distinct;
        let args = self.lower_exprs(args.list)?;
        Ok(Expr::Aggregate { name, distinct, args, order_by, separator })
    }

    /// A string, or the bytes of one.
    fn lower_separator(&self, value: &ValueWithSpan) -> SqlResult<String> {
        let bytes = match self.lower_literal(value)? {
            Some(Literal::String(bytes, None) | Literal::Hex(bytes) | Literal::Bit(bytes)) => bytes,
            _ => return Err(self.error_at(value.span.start)),
        };
        String::from_utf8(bytes).map_err(|_| self.error_at(value.span.start))
    }

    /// database.function(…): a stored function's.
    fn stored_call(
        &self,
        name: &sqlparser::ast::ObjectName,
        args: FunctionArguments,
        start: Location,
    ) -> SqlResult<Expr> {
        let name = self.lower_parts(name)?.join(".");
        let args = self.arguments(args, start)?;
        if args.distinct || args.wildcard || !args.clauses.is_empty() {
            return Err(self.error_at(start));
        }
        Ok(Expr::Call(name, self.lower_exprs(args.list)?))
    }

    fn call(&self, name: String, args: Vec<SqlExpr>, start: Location) -> SqlResult<Expr> {
        match name.as_str() {
            "grouping" if args.is_empty() => Err(self.error_at_token(self.past_call(start) - 1)),
            "grouping" => Ok(Expr::Grouping(self.lower_exprs(args)?)),
            "get_format" => self.format_call(args, start),
            "default" | "values" => {
                // A column's name, though a variable has it.
                let names = self.dialect.names.take();
                let columns = self.lower_exprs(args);
                self.dialect.names.replace(names);
                let mut columns = columns?;
                match (columns.pop(), columns.is_empty()) {
                    (Some(Expr::Column { name: column, .. }), true) => Ok(if name == "values" {
                        Expr::InsertedValue(column)
                    } else {
                        Expr::Default(Some(column))
                    }),
                    _ => Err(self.error_at(start)),
                }
            }
            "substr" | "mid" => Ok(Expr::Call("substring".to_owned(), self.lower_exprs(args)?)),
            "timestampdiff" | "timestampadd" => self.timestamp_call(&name, args, start),
            "date_add" | "date_sub" | "adddate" | "subdate" => self.date_call(&name, args, start),
            _ => Ok(Expr::Call(name, self.lower_exprs(args)?)),
        }
    }

    /// GET_FORMAT: the first argument is a word.
    fn format_call(&self, args: Vec<SqlExpr>, start: Location) -> SqlResult<Expr> {
        let [SqlExpr::Identifier(kind), region] =
            <[SqlExpr; 2]>::try_from(args).map_err(|_| self.error_at(start))?
        else {
            return Err(self.error_in_call(start));
        };
        let word = kind.value.to_uppercase();
        if !["DATE", "TIME", "DATETIME", "TIMESTAMP"].contains(&word.as_str()) {
            return Err(self.error_in_call(start));
        }
        let word = Expr::Literal(Literal::String(word.into_bytes(), None));
        Ok(Expr::Call("get_format".to_owned(), vec![word, self.lower_expr(region)?]))
    }

    fn timestamp_call(&self, name: &str, args: Vec<SqlExpr>, start: Location) -> SqlResult<Expr> {
        let [SqlExpr::Identifier(unit), first, second] =
            <[SqlExpr; 3]>::try_from(args).map_err(|_| self.error_at(start))?
        else {
            return Err(self.error_at(start));
        };
        let unit_start = unit.span.start;
        let unit = IntervalUnit::by_name(&unit.value).ok_or_else(|| self.error_at(unit_start))?;
        let (first, second) = (self.boxed(first)?, self.boxed(second)?);
        Ok(if name == "timestampdiff" {
            Expr::TimestampDiff(unit, first, second)
        } else {
            Expr::DateArithmetic { date: second, amount: first, unit, subtract: false }
        })
    }

    fn date_call(&self, name: &str, args: Vec<SqlExpr>, start: Location) -> SqlResult<Expr> {
        let [date, amount] = <[SqlExpr; 2]>::try_from(args).map_err(|_| self.error_at(start))?;
        let days = name == "adddate" || name == "subdate";
        let (amount, unit) = match amount {
            SqlExpr::Interval(interval) => self.lower_interval(interval)?,
            days_more if days => (self.lower_expr(days_more)?, IntervalUnit::Day),
            _ => return Err(self.error_at(start)),
        };
        let subtract = name == "date_sub" || name == "subdate";
        let date = self.boxed(date)?;
        Ok(Expr::DateArithmetic { date, amount: Box::new(amount), unit, subtract })
    }
}
