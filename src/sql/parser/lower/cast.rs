//! CAST and CONVERT.

use sqlparser::ast::{CastKind, DataType, Expr as SqlExpr, ObjectName as SqlName};

use super::super::ast::{CastType, Expr};
use super::super::cursor::Parser;
use crate::common::{SqlError, SqlResult};

impl Parser<'_> {
    pub(super) fn lower_cast(&self, expr: SqlExpr) -> SqlResult<Expr> {
        match expr {
            // BINARY expr.
            SqlExpr::Cast {
                kind: CastKind::Cast,
                expr,
                data_type: DataType::Binary(None),
                format: None,
            } => Ok(Expr::Cast(self.boxed(*expr)?, CastType::Binary(None))),
            SqlExpr::Convert {
                is_try: false,
                expr,
                data_type: None,
                charset: Some(charset),
                target_before_value: false,
                styles: _,
            } => Ok(Expr::ConvertUsing(self.boxed(*expr)?, self.lower_one_name(&charset)?)),
            SqlExpr::Convert {
                is_try: false,
                expr,
                data_type: Some(DataType::Custom(name, modifiers)),
                charset,
                target_before_value: false,
                styles: _,
            } => {
                let expr = self.boxed(*expr)?;
                Ok(Expr::Cast(expr, self.cast_type(&name, &modifiers, charset.as_ref())?))
            }
            other => Err(SqlError::unsupported(other)),
        }
    }

    fn cast_type(
        &self,
        name: &SqlName,
        modifiers: &[String],
        charset: Option<&SqlName>,
    ) -> SqlResult<CastType> {
        let word = self.lower_one_name(name)?.to_lowercase();
        let error = || self.error_at(super::name_start(name));
        let charset = charset.map(|charset| self.lower_one_name(charset)).transpose()?;
        let charset = charset.map(|charset| charset.to_lowercase());
        if charset.is_some() && !matches!(word.as_str(), "char" | "character" | "nchar") {
            return Err(error());
        }
        let (words, numbers): (Vec<&String>, Vec<&String>) =
            modifiers.iter().partition(|modifier| modifier.starts_with(['I', 'P']));
        let wordy = match word.as_str() {
            "signed" | "unsigned" => "INT",
            "double" => "PRECISION",
            _ => "-",
        };
        if words.iter().any(|word| !word.starts_with(wordy)) || numbers.len() > 2 {
            return Err(error());
        }
        let numbers: Option<Vec<u32>> = numbers.iter().map(|number| number.parse().ok()).collect();
        let numbers = numbers.ok_or_else(error)?;
        let (length, decimals) = (numbers.first().copied(), numbers.get(1).copied());
        if decimals.is_some() && !matches!(word.as_str(), "decimal" | "dec") {
            return Err(error());
        }
        Ok(match word.as_str() {
            "signed" if length.is_none() => CastType::Signed,
            "unsigned" if length.is_none() => CastType::Unsigned,
            "char" | "character" | "nchar" => CastType::Char(length, charset),
            "binary" => CastType::Binary(length),
            "decimal" | "dec" => CastType::Decimal(length, decimals),
            "real" if length.is_none() && self.dialect.real_as_float => CastType::Float,
            "double" | "real" if length.is_none() => CastType::Double,
            "float" if length.is_some_and(|precision| precision > 24) => CastType::Double,
            "float" => CastType::Float,
            "date" if length.is_none() => CastType::Date,
            "datetime" => CastType::DateTime(length),
            "time" => CastType::Time(length),
            "year" if length.is_none() => CastType::Year,
            "json" if length.is_none() => CastType::Json,
            _ => return Err(error()),
        })
    }
}
