//! What exists: databases, tables, columns, indexes.

mod model;

pub use model::{
    ColumnInfo, DatabaseInfo, DefaultValue, IndexColumn, IndexInfo, SchemaState, TableInfo,
};
