//! What exists: databases, tables, columns, indexes.
//!
//! [`TableInfo`] and its parts are the schema as it is stored. An [`InfoSchema`] is a snapshot of all of it at one
//! version: statements are bound against one, and never see a change half made. [`build_statement`] turns the syntax of
//! a schema change into a [`DdlStatement`], with every check MySQL makes; the worker only executes what has passed.
//! [`show_create_table`] is the way back: its text builds an equal table.

mod build;
mod build_column;
mod build_index;
mod changes;
mod check;
mod computed;
pub(in crate::sql) mod ddl_statement;
mod expression_index;
mod foreign_key;
mod info_schema;
mod model;
mod partition;
mod routine;
mod selected;
mod show;
mod storage_options;
mod table_expr;
mod temporaries;
#[cfg(test)]
mod tests;
mod trigger;
mod view;

pub use crate::sql::digest::quote_name;
pub use build::{DdlContext, build_create_database, build_statement, build_table};
pub use build_column::{build_type as column_type, check_decimal};
pub(in crate::sql) use changes::index_needed;
pub use changes::{
    AddCheck, AddColumn, AddForeignKey, AddIndex, AddTrigger, Alteration, ChangeOptions,
    ChangePartitions, ColumnVisibility, DropCheck, DropColumn, DropConstraint, DropIndex,
    DropTrigger, EnforceCheck, IndexVisibility, ModifyColumn, RenameIndex, RenameTo, SetDefault,
    TableChange,
};
pub use check::CheckInfo;
pub use computed::Generated;
pub use ddl_statement::{ConversionRules, DdlStatement};
pub use foreign_key::{ForeignKey, KeyPath, action_text, can_refer, duplicate_name};
pub use info_schema::{
    INFORMATION_SCHEMA, InfoSchema, SYSTEM_DATABASES, SchemaChange, is_system_database,
};
pub use model::{
    ColumnInfo, DatabaseInfo, DefaultValue, IndexColumn, IndexInfo, Mirror, SchemaState, TableInfo,
    TableLock,
};
pub(in crate::sql) use partition::no_foreign_keys;
pub use partition::{
    BoundValue, KeyBounds, PartitionBounds, PartitionInfo, Partitioning, Partitions, Source,
    SplitBy, SplitMethod, SubpartitionInfo, bounds_text, key_text, number_key, outside_selection,
    unknown_partition,
};
pub use routine::{RoutineInfo, no_routine, routine_exists, routine_key};
pub use selected::selected_column;
pub use show::{column_type_text, default_text, show_create_database, show_create_table};
pub use storage_options::{create_options, row_format};
pub use table_expr::{NamedColumn, TableExpr};
pub use temporaries::{NO_TEMPORARIES, TEMPORARY_IDS, Temporaries};
pub use trigger::{TriggerInfo, no_trigger, not_base_table, trigger_exists};
pub use view::{
    Known, Leaf, Through, ViewInfo, ViewParts, merge_delete, merge_update, not_updatable,
    not_updatable_column, qualify, query_text, reads_of, several_tables, show_create_view,
    updatable_query, view_parts,
};
