//! `information_schema.VIEWS`.

use crate::sql::accounts::Privilege;
use crate::sql::catalog::{DatabaseInfo, TableInfo, ViewInfo};
use crate::sql::parser::ast::CheckOption;
use crate::sql::system::asked::Asked;
use crate::sql::system::table::table;

/// The views with their databases.
pub(super) fn views<'a>(
    asked: &'a Asked<'a>,
) -> impl Iterator<Item = (&'a DatabaseInfo, &'a TableInfo, &'a ViewInfo)> {
    asked.tables().filter_map(|(database, table)| Some((database, table, &**table.view.as_ref()?)))
}

/// Its query, for those who may see it.
fn text<'a>(
    asked: &Asked<'_>,
    database: &DatabaseInfo,
    table: &TableInfo,
    view: &'a ViewInfo,
) -> &'a str {
    let has = asked.sources.rights().table(&database.name, &table.name);
    if has.contains(Privilege::ShowView) { &view.definition } else { "" }
}

fn check_option(view: &ViewInfo) -> &'static str {
    match view.check {
        None => "NONE",
        Some(CheckOption::Local) => "LOCAL",
        Some(CheckOption::Cascaded) => "CASCADED",
    }
}

table! {
    "VIEWS": |asked| for (database, table, view) in views(asked);
    TABLE_CATALOG: Varchar(64) NOT NULL = "def";
    TABLE_SCHEMA: Varchar(64) NOT NULL = database.name.as_str();
    TABLE_NAME: Varchar(64) NOT NULL = table.name.as_str();
    VIEW_DEFINITION: LongText = text(asked, database, table, view);
    CHECK_OPTION: Varchar(8) = check_option(view);
    IS_UPDATABLE: Varchar(3) = if view.updatable { "YES" } else { "NO" };
    DEFINER: Varchar(288) = format!("{}@{}", view.definer.0, view.definer.1);
    SECURITY_TYPE: Varchar(7) = if view.invoker { "INVOKER" } else { "DEFINER" };
    CHARACTER_SET_CLIENT: Varchar(64) NOT NULL = view.charset.0.as_str();
    COLLATION_CONNECTION: Varchar(64) NOT NULL = view.charset.1.as_str();
}
