//! JSON_VALUE and JSON_TABLE.

use sqlparser::ast::{
    Expr as SqlExpr, FunctionArg, FunctionArgExpr, FunctionArguments, Ident, JsonTableColumn,
    JsonTableColumnErrorHandling, Spanned, TableAlias, Value, ValueWithSpan,
};
use sqlparser::tokenizer::Location;

use super::super::ast::{
    CastType, DataType, Expr, JsonColumn, JsonTable, JsonValue, Literal, OnResponse,
};
use super::super::cursor::{Parser, TokenKind};
use super::super::tokens::byte_at;
use super::super::typed_calls::JSON_VALUE_CLAUSES;
use crate::common::{SqlError, SqlResult, errno};

impl Parser<'_> {
    /// JSON_VALUE: its clauses are named arguments (see `prefix`).
    pub(super) fn json_value(&self, args: FunctionArguments, start: Location) -> SqlResult<Expr> {
        let FunctionArguments::List(list) = args else { return Err(self.error_at(start)) };
        let mut plain = Vec::new();
        let mut value = JsonValue {
            document: Expr::Literal(Literal::Null),
            path: Expr::Literal(Literal::Null),
            returning: None,
            on_empty: OnResponse::Null,
            on_error: OnResponse::Null,
        };
        for arg in list.args {
            match arg {
                FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => {
                    plain.push(self.lower_expr(expr)?);
                }
                FunctionArg::Named { name, arg, operator: _ } => {
                    self.json_value_clause(&mut value, &name.value, arg, start)?;
                }
                _ => return Err(self.error_at(start)),
            }
        }
        let Ok([document, path]) = <[Expr; 2]>::try_from(plain) else {
            return Err(self.error_at(start));
        };
        (value.document, value.path) = (document, path);
        Ok(Expr::JsonValue(Box::new(value)))
    }

    fn json_value_clause(
        &self,
        value: &mut JsonValue,
        name: &str,
        arg: FunctionArgExpr,
        start: Location,
    ) -> SqlResult<()> {
        let [returning, empty, _] = JSON_VALUE_CLAUSES;
        if name == returning {
            let FunctionArgExpr::Expr(expr) = arg else { return Err(self.error_at(start)) };
            value.returning = Some(self.returned_type(expr)?);
            return Ok(());
        }
        let response = match arg {
            FunctionArgExpr::Expr(SqlExpr::Value(ValueWithSpan { value: Value::Null, .. })) => {
                OnResponse::Null
            }
            FunctionArgExpr::Expr(expr) => OnResponse::Default(self.boxed(expr)?),
            _ => OnResponse::Error,
        };
        *(if name == empty { &mut value.on_empty } else { &mut value.on_error }) = response;
        Ok(())
    }

    fn returned_type(&self, cast: SqlExpr) -> SqlResult<CastType> {
        match self.lower_cast(cast)? {
            Expr::Cast(_, target) => Ok(target),
            _ => Err(self.syntax_error()),
        }
    }

    /// JSON_TABLE in FROM.
    pub(super) fn json_table(
        &self,
        document: SqlExpr,
        path: &ValueWithSpan,
        columns: Vec<JsonTableColumn>,
        alias: Option<TableAlias>,
    ) -> SqlResult<JsonTable> {
        let document = self.lower_expr(document)?;
        let path = self.json_path_text(path)?;
        let columns = self.json_columns(columns)?;
        let Some(alias) = alias else {
            return Err(SqlError::new(
                errno::TF_MUST_HAVE_ALIAS,
                "Every table function must have an alias",
            ));
        };
        let (alias, names) = self.lower_alias(alias)?;
        if !names.is_empty() {
            return Err(SqlError::unsupported("names of columns after JSON_TABLE's alias"));
        }
        Ok(JsonTable { document, path, columns, alias })
    }

    fn json_columns(&self, columns: Vec<JsonTableColumn>) -> SqlResult<Vec<JsonColumn>> {
        columns.into_iter().map(|column| self.json_column(column)).collect()
    }

    fn json_column(&self, column: JsonTableColumn) -> SqlResult<JsonColumn> {
        self.dialect.check()?;
        Ok(match column {
            JsonTableColumn::ForOrdinality(name) => JsonColumn::Ordinality(self.lower_name(&name)?),
            JsonTableColumn::Nested(nested) => JsonColumn::Nested {
                path: self.json_path_text(&nested.path)?,
                columns: self.json_columns(nested.columns)?,
            },
            JsonTableColumn::Named(named) => {
                let name = self.lower_name(&named.name)?;
                // sqlparser's types are not MySQL's: it is read from the text.
                let data_type =
                    self.json_column_type(&name, &named.name, &named.path, named.exists)?;
                let path = self.json_path_text(&named.path)?;
                if named.exists {
                    if named.on_empty.is_some() || named.on_error.is_some() {
                        return Err(self.error_after(named.path.span().end));
                    }
                    return Ok(JsonColumn::Exists { name, data_type, path });
                }
                let on_empty = self.on_response(named.on_empty)?;
                let on_error = self.on_response(named.on_error)?;
                JsonColumn::Value { name, data_type, path, on_empty, on_error }
            }
        })
    }

    fn on_response(&self, written: Option<JsonTableColumnErrorHandling>) -> SqlResult<OnResponse> {
        Ok(match written {
            None | Some(JsonTableColumnErrorHandling::Null) => OnResponse::Null,
            Some(JsonTableColumnErrorHandling::Error) => OnResponse::Error,
            Some(JsonTableColumnErrorHandling::Default(value)) => {
                let text = Literal::String(self.json_path_text(&value)?.into_bytes(), None);
                OnResponse::Default(Box::new(Expr::Literal(text)))
            }
        })
    }

    /// A text between a column's name and its path.
    fn json_column_type(
        &self,
        column: &str,
        name: &Ident,
        path: &ValueWithSpan,
        exists: bool,
    ) -> SqlResult<DataType> {
        let ends = (byte_at(name.span.end), byte_at(path.span.start));
        let (Some(start), Some(end)) = ends else { return Err(self.error_at(name.span.start)) };
        let mut parser = Parser::new(&self.sql[..end], start, self.dialect);
        let data_type = parser.data_type(column)?;
        if exists {
            parser.expect_word("EXISTS")?;
        }
        parser.expect_word("PATH")?;
        if parser.peek().kind != TokenKind::End {
            return Err(self.error_at(path.span.start));
        }
        Ok(data_type)
    }

    fn json_path_text(&self, path: &ValueWithSpan) -> SqlResult<String> {
        match self.lower_value(path)? {
            Expr::Literal(Literal::String(bytes, _)) => {
                Ok(String::from_utf8_lossy(&bytes).into_owned())
            }
            _ => Err(self.error_at(path.span.start)),
        }
    }
}
