//! Views: queries that are kept under names.
//!
//! What is kept is a text ([`query_text`]) in which every name says what it belongs to ([`qualify`]): it means the same whatever database is
//! in use, and whatever columns its tables get later.

mod changes;
mod expr_text;
mod literal_text;
mod merge;
mod names;
mod qualify;
mod query_text;
#[cfg(test)]
mod tests;
mod updatable;

use serde::{Deserialize, Serialize};

pub use changes::{
    Known, Through, ViewParts, merge_delete, merge_update, not_updatable, not_updatable_column,
    several_tables, view_parts,
};
pub use merge::Leaf;
pub use qualify::{qualify, reads_of};
pub use query_text::query_text;
pub use updatable::updatable_query;

use super::TableInfo;
use crate::common::SqlResult;
use crate::sql::digest::quote_name;
use crate::sql::parser::ast::{CheckOption, Query, Statement, ViewAlgorithm};
use crate::sql::parser::parse;
use crate::sql::types::SqlMode;

/// What makes a table a view.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ViewInfo {
    /// Its query, in MySQL's canonical form.
    pub definition: String,
    /// ALGORITHM.
    pub algorithm: ViewAlgorithm,
    /// Whose it is: user and host.
    pub definer: (String, String),
    /// SQL SECURITY INVOKER.
    pub invoker: bool,
    /// WITH CHECK OPTION.
    pub check: Option<CheckOption>,
    /// The names of its columns were written.
    pub named: bool,
    /// Rows may be changed through it.
    pub updatable: bool,
    /// `character_set_client` and `collation_connection` of who made it.
    pub charset: (String, String),
}

impl ViewInfo {
    /// Its query. It was written by [`query_text`], so it does not depend on `sql_mode`.
    pub fn query(&self) -> SqlResult<Query> {
        parse_query(&self.definition)
    }
}

/// The query of a canonical text.
pub(super) fn parse_query(text: &str) -> SqlResult<Query> {
    let parsed = parse(text, SqlMode::default())?.pop();
    match parsed.map(|parsed| parsed.statement) {
        Some(Statement::Query(query)) => Ok(*query),
        _ => Err(crate::common::SqlError::internal("the text of a view is no query")),
    }
}

/// What SHOW CREATE VIEW shows of a view of a database, where another one may be in use. Error 1064 for a text that cannot be read.
pub fn show_create_view(
    database: &str,
    table: &TableInfo,
    view: &ViewInfo,
    current: Option<&str>,
) -> SqlResult<String> {
    let at_home = current.is_some_and(|current| current.eq_ignore_ascii_case(database));
    let text = match at_home {
        true => query_text(&view.query()?, Some(database)),
        false => view.definition.clone(),
    };
    let algorithm = match view.algorithm {
        ViewAlgorithm::Undefined => "UNDEFINED",
        ViewAlgorithm::Merge => "MERGE",
        ViewAlgorithm::Temptable => "TEMPTABLE",
    };
    let (user, host) = &view.definer;
    let mut name = quote_name(&table.name);
    if !at_home {
        name = format!("{}.{name}", quote_name(database));
    }
    if view.named {
        let columns: Vec<String> =
            table.columns.iter().map(|column| quote_name(&column.name)).collect();
        name = format!("{name} ({})", columns.join(","));
    }
    let check = match view.check {
        Some(CheckOption::Local) => " WITH LOCAL CHECK OPTION",
        Some(CheckOption::Cascaded) => " WITH CASCADED CHECK OPTION",
        None => "",
    };
    Ok(format!(
        "CREATE ALGORITHM={algorithm} DEFINER={}@{} SQL SECURITY {} VIEW {name} AS {text}{check}",
        quote_name(user),
        quote_name(host),
        if view.invoker { "INVOKER" } else { "DEFINER" },
    ))
}
