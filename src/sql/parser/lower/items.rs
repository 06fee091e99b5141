//! What SELECT selects, and the text that names it.

use sqlparser::ast::{
    SelectItem as SqlItem, SelectItemQualifiedWildcardKind, Spanned, WildcardAdditionalOptions,
};
use sqlparser::tokenizer::{Location, Token};

use super::super::ast::{Expr, Literal, SelectItem};
use super::super::cursor::Parser;
use super::query::refuse;
use crate::common::{SqlError, SqlResult};

impl Parser<'_> {
    pub(super) fn lower_items(
        &self,
        items: Vec<SqlItem>,
        select: Location,
    ) -> SqlResult<Vec<SelectItem>> {
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
            SqlItem::ExprWithAlias { expr, alias } if self.is_string(&alias) => {
                (expr, Some(self.lower_alias_string(&alias)?))
            }
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
            "STRAIGHT_JOIN",
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
            "ON",
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
            let stop = stop || (comma && texts.len() + 1 == count);
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
