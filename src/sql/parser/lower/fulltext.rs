//! MATCH … AGAINST.

use sqlparser::ast::{FunctionArg, FunctionArgExpr, FunctionArguments};
use sqlparser::tokenizer::Location;

use super::super::ast::{Expr, MatchAgainst};
use super::super::cursor::Parser;
use super::super::match_against::mode_named;
use crate::common::SqlResult;

impl Parser<'_> {
    /// Columns, then what is searched for under the name of the mode (see `match_against`).
    pub(super) fn match_against(
        &self,
        args: FunctionArguments,
        start: Location,
    ) -> SqlResult<Expr> {
        let FunctionArguments::List(list) = args else { return Err(self.error_at(start)) };
        let (mut columns, mut wanted) = (Vec::new(), None);
        for arg in list.args {
            match arg {
                FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => {
                    columns.push(self.lower_expr(expr)?);
                }
                FunctionArg::Named { name, arg: FunctionArgExpr::Expr(expr), operator: _ } => {
                    wanted = Some((self.lower_expr(expr)?, mode_named(&name.value)));
                }
                _ => return Err(self.error_at(start)),
            }
        }
        let Some((query, Some(mode))) = wanted else { return Err(self.error_at(start)) };
        Ok(Expr::Match(Box::new(MatchAgainst { columns, query, mode })))
    }
}
