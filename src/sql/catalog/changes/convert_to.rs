//! CONVERT TO CHARACTER SET: every column that holds text, and what columns to come inherit.

use super::{ChangeOptions, ModifyColumn, TableChange};
use crate::common::SqlResult;
use crate::sql::catalog::build::DdlContext;
use crate::sql::catalog::build_column::collation_of;
use crate::sql::catalog::{ColumnInfo, TableInfo};
use crate::sql::types::Collation;

/// The changes it stands for. Without a character set (DEFAULT) it is the database's.
pub(super) fn build(
    charset: Option<&str>,
    collation: Option<&str>,
    table: &TableInfo,
    ctx: &DdlContext<'_>,
) -> SqlResult<Vec<TableChange>> {
    let database = ctx.schema.table_by_id(table.id).map(|(database, _)| database);
    let inherited = database.map_or(&table.collation, |database| &database.collation);
    let collation = collation_of(charset, collation, Collation::by_name(inherited)?)?;
    let textual = |column: &&ColumnInfo| {
        let field_type = &column.field_type;
        field_type.kind.is_textual()
            && field_type.collation != Collation::Binary
            && field_type.collation != collation
    };
    let modify = |column: &ColumnInfo| {
        let mut converted = column.clone();
        converted.field_type.collation = collation;
        TableChange::ModifyColumn(Box::new(ModifyColumn {
            from: column.name.clone(),
            column: converted,
            place: None,
            says_null: false,
        }))
    };
    let mut changes: Vec<TableChange> =
        table.visible_columns().iter().filter(textual).map(modify).collect();
    changes.push(TableChange::Options(ChangeOptions {
        collation: Some(collation.name().to_owned()),
        ..ChangeOptions::default()
    }));
    Ok(changes)
}
