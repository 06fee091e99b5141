//! What exists: databases, tables, columns, indexes.
//!
//! [`TableInfo`] and its parts are the schema as it is stored. An [`InfoSchema`] is a snapshot of all of it at one
//! version: statements are bound against one, and never see a change half made.

mod build_column;
mod info_schema;
mod model;
mod virtual_tables;

pub use build_column::check_decimal;
pub use info_schema::{INFORMATION_SCHEMA, InfoSchema, SchemaChange};
pub use model::{
    ColumnInfo, DatabaseInfo, DefaultValue, IndexColumn, IndexInfo, SchemaState, TableInfo,
};
